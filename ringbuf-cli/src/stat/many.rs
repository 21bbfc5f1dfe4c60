//! `ringbuf stat` of a ring of many: its lanes, and everybody who sits on it.

use super::{about, monotonic, nanos, standing, watched};
use crate::failure::Failure;
use crate::figures::{grouped, time};
use crate::table::aligned;
use crate::tell::print;
use ringbuf_shm::{Holder, MpmcStats, MpmcWatch, PeerStats, Progress, Ring};
use std::thread::sleep;
use std::time::Duration;

/// What is held for less is not said to be held for some time.
const HELD_SHOWN_MIN: Duration = Duration::from_millis(1);

pub(super) fn run(name: &str, ring: &Ring, period: Duration, watch: bool) -> Result<(), Failure> {
    let mut looks = MpmcWatch::new(ring);
    let mut look = || looks.look().map_err(Failure::opening(name));
    let mut before = look()?;
    if !period.is_zero() && before.lanes.iter().any(|lane| !lane.holders.is_empty()) {
        sleep(period);
        before = look()?;
    }
    print(&describe(name, ring, &before))?;
    if !watch {
        return Ok(());
    }
    watched(|| {
        let now = look()?;
        let passed = |stats: &MpmcStats| {
            let sum = |each: fn(&ringbuf_shm::LaneStats) -> u64| {
                stats.lanes.iter().map(each).fold(0, u64::wrapping_add)
            };
            (sum(|lane| lane.claimed), sum(|lane| lane.read))
        };
        let (then, so_far) = (passed(&before), passed(&now));
        let claimed = grouped(so_far.0.wrapping_sub(then.0));
        let read = grouped(so_far.1.wrapping_sub(then.1));
        let table = describe(name, ring, &now);
        before = now;
        Ok(format!("{table}\nlast second  about {claimed} published, {read} read\n"))
    })
}

fn describe(name: &str, ring: &Ring, stats: &MpmcStats) -> String {
    let mut rows = about(name, ring);
    let progress = match ring.progress() {
        Progress::Strict => "strict",
        Progress::Fast => "fast",
    };
    rows.push(["progress".into(), progress.into()]);
    rows.push(["redelivered".into(), grouped(stats.redelivered)]);
    rows.push(["dropped".into(), grouped(stats.dropped)]);
    format!("{}\n{}\n{}", aligned(&rows), lanes(stats), peers(stats))
}

fn lanes(stats: &MpmcStats) -> String {
    let header =
        ["lane", "in use", "at most", "free", "writing", "ready", "reading", "to come again"];
    let mut rows = vec![header.map(String::from)];
    for (number, lane) in (0..).zip(&stats.lanes) {
        rows.push(
            [
                number,
                lane.used,
                lane.high_water,
                lane.free,
                lane.writing,
                lane.full,
                lane.reading,
                lane.orphans,
            ]
            .map(grouped),
        );
    }
    aligned(&rows)
}

fn peers(stats: &MpmcStats) -> String {
    let header = [
        "side", "row", "process", "state", "since", "holders", "sleeps", "wakes", "probes",
        "unfenced", "has",
    ];
    let mut rows = vec![header.map(String::from)];
    for (side, verb, peers) in
        [("producer", "writing", &stats.producers), ("consumer", "reading", &stats.consumers)]
    {
        for peer in peers {
            rows.push([
                side.to_owned(),
                peer.row.to_string(),
                peer.pid.to_string(),
                standing(peer).to_owned(),
                format!("{} ago", time(monotonic().saturating_sub(nanos(peer.since)))),
                peer.incarnation.to_string(),
                grouped(peer.sleeps),
                grouped(peer.wakes),
                grouped(peer.probes),
                grouped(peer.unfenced),
                held(stats, peer, verb),
            ]);
        }
    }
    aligned(&rows)
}

/// Which slots a peer holds, and for how long: `2 reading in lane 0, the oldest for 0.1 s or
/// more; 1 reading in lane 3`.
fn held(stats: &MpmcStats, peer: &PeerStats, verb: &str) -> String {
    let mut parts = Vec::new();
    for (number, lane) in stats.lanes.iter().enumerate() {
        for holder in lane.holders.iter().filter(|holder| holder.row == peer.row) {
            // A row that was taken anew between two deaths: others give that up soon.
            let dead =
                if holder.incarnation == peer.incarnation { "" } else { " by one that died" };
            let long = long_held(holder);
            parts.push(format!("{} {verb} in lane {number}{dead}{long}", grouped(holder.slots)));
        }
    }
    if parts.is_empty() { "-".into() } else { parts.join("; ") }
}

/// For how long the oldest was seen to be held; nothing, if that is no time.
fn long_held(holder: &Holder) -> String {
    let which = if holder.slots == 1 { "" } else { ", the oldest" };
    if holder.longest < HELD_SHOWN_MIN {
        return String::new();
    }
    format!("{which} for {} or more", time(rounded_down(holder.longest)))
}

/// With as many figures as are shown: what is said to be at least so long, is.
fn rounded_down(duration: Duration) -> Duration {
    let seconds = duration.as_secs() > 0;
    let unit = if seconds { Duration::from_millis(100) } else { Duration::from_millis(1) };
    let units = duration.as_nanos() / unit.as_nanos();
    unit.saturating_mul(u32::try_from(units).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_said_than_was_seen() {
        let shown = [0, 999, 1_999, 100_999, 999_999, 1_099_999, 59_999_999, 7_199_999_999];
        let shown = shown.map(|micros| time(rounded_down(Duration::from_micros(micros))));
        let expected =
            ["0 ns", "0 ns", "1.0 ms", "100.0 ms", "999.0 ms", "1.0 s", "59.9 s", "119 min"];
        assert_eq!(shown, expected);
    }
}
