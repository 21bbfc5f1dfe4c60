//! `ringbuf stat` of a ring of many: its lanes, and everybody who sits on it.

use super::{about, monotonic, nanos, standing, watched};
use crate::failure::Failure;
use crate::figures::{grouped, time};
use crate::table::aligned;
use crate::tell::print;
use ringbuf_shm::{MpmcStats, PeerStats, Ring};

pub(super) fn run(name: &str, ring: &Ring, watch: bool) -> Result<(), Failure> {
    let look = || ring.mpmc_stats().map_err(Failure::opening(name));
    let mut before = look()?;
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
    let header =
        ["side", "row", "process", "state", "since", "holders", "sleeps", "wakes", "probes", "has"];
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
                held(stats, peer, verb),
            ]);
        }
    }
    aligned(&rows)
}

/// Which slots a peer holds: `2 reading in lane 0, 1 reading in lane 3`.
fn held(stats: &MpmcStats, peer: &PeerStats, verb: &str) -> String {
    let mut parts = Vec::new();
    for (number, lane) in stats.lanes.iter().enumerate() {
        for holder in lane.holders.iter().filter(|holder| holder.row == peer.row) {
            // A row that was taken anew between two deaths: others give that up soon.
            let dead =
                if holder.incarnation == peer.incarnation { "" } else { " by one that died" };
            parts.push(format!("{} {verb} in lane {number}{dead}", grouped(holder.slots)));
        }
    }
    if parts.is_empty() { "-".into() } else { parts.join(", ") }
}
