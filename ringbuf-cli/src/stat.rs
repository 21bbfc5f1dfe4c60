//! `ringbuf stat`: what happened on a ring so far, and who is there.

mod broadcast;
mod many;

use crate::duration;
use crate::failure::Failure;
use crate::figures::{bytes, grouped, time};
use crate::table::aligned;
use crate::tell::print;
use clap::Args;
use ringbuf_shm::{Fence, Kind, PeerStats, Presence, Ring, Shape, Sleeper, Stats};
use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Between two tables of `--watch`.
const PERIOD: Duration = Duration::from_secs(1);
const METADATA_SHOWN_MAX: usize = 100;
/// Moves to the top left and clears the screen.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Shows what a ring is, what happened on it, and who is there.
///
/// Looks without taking part: it disturbs neither side, and shows what was left by
/// those who died.
#[derive(Args, Debug)]
#[command(after_help = "\
Rows:
  committed, released  messages written, and read and given back, since it was made
  in use               of the capacity; `being read` was shown and not yet given back
  dropped, redelivered what a subscriber held when it died, by the ring's policy
  since, holders       when the seat was taken, and how often it was
  state                `stopped` is alive, but not running: Ctrl-Z, or a debugger
  sleeps, wakes, probes  system calls: to sleep, to wake the other side, and to ask
                       whether it lives; none of them while both sides are busy
  sleep                `asymmetric fence`: who goes to sleep pays, and has the kernel
                       interrupt the processors on which such rings are used; `full
                       fence`: who publishes pays
  unfenced             sleeps of a millisecond at most, since the kernel refused this
                       process `membarrier`, without which a wake-up can be missed

Of a broadcast ring:
  pool                 the slots: one for each message to be read, one to be written, and
                       one for each that may be held, so that what is held stays as it is
  patience             how long the publisher waits for one that wants every message
  wants                the contract of each subscriber; `evicted` was not waited for any
                       longer, and has not looked since
  at, lag              the number of the message that is read next, counted from 0 since
                       the ring was made; how many were published that are not read
  lost, broken         since it subscribed: missed, and given up by their publisher
  holds                messages that it looks at, of so many that it may

Of a ring of many:
  lane                 the slots of each lane: free, or being written, ready to be read,
                       being read, to come again since their subscriber died; `in use` and
                       `at most` (ever at once) lag behind by a few
  has                  the slots that each process holds, and for how long at least it
                       has held the oldest of them: those of one that is stopped, or
                       that takes its time, are in the way of others
  Nobody notes when it takes a slot. If some are held, this looks again after --for, and
  tells of those that were in the same hands all the time: `for 0.1 s or more` is what was
  seen, and may have begun long before. With --watch it goes on counting.

Examples:
  ringbuf stat cam0
  ringbuf stat cam0 --watch
  ringbuf stat jobs --for 5")]
pub(crate) struct Arguments {
    /// The ring: a name, or a path with a `/` in it
    name: String,
    /// Every second anew, with the number of messages since the last time
    #[arg(long)]
    watch: bool,
    /// Of a ring of many: when slots are held, look again after so long; 0 looks once
    #[arg(long = "for", value_name = "SECONDS", default_value = "0.1",
          value_parser = duration::parse)]
    period: Duration,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let name = &arguments.name;
    let ring = Ring::open(name).map_err(Failure::opening(name))?;
    match ring.kind() {
        Kind::Broadcast => return broadcast::run(name, &ring, arguments.watch),
        Kind::Mpmc => return many::run(name, &ring, arguments.period, arguments.watch),
        _ => {}
    }
    let look = || ring.stats().map_err(Failure::opening(name));
    let mut before = look()?;
    print(&describe(name, &ring, &before))?;
    if !arguments.watch {
        return Ok(());
    }
    watched(|| {
        let now = look()?;
        let committed = grouped(now.committed.wrapping_sub(before.committed));
        let released = grouped(now.released.wrapping_sub(before.released));
        let table = describe(name, &ring, &now);
        before = now;
        Ok(format!("{table}\nlast second  {committed} committed, {released} released\n"))
    })
}

/// Shows it again every second, until the process is stopped.
fn watched(mut table: impl FnMut() -> Result<String, Failure>) -> Result<(), Failure> {
    loop {
        std::thread::sleep(PERIOD);
        let start = if io::stdout().is_terminal() { CLEAR } else { "\n" };
        print(&format!("{start}{}", table()?))?;
    }
}

/// What a presence is called.
pub(crate) fn state(presence: Presence) -> &'static str {
    match presence {
        Presence::Absent => "absent",
        Presence::Alive => "alive",
        Presence::Closed => "closed",
        Presence::Dead => "dead",
    }
}

/// What is known of one who sat there: its state, and whether it is stopped.
pub(crate) fn standing(peer: &PeerStats) -> &'static str {
    match peer.presence {
        Presence::Alive if is_stopped(peer.pid) => "stopped",
        presence => state(presence),
    }
}

/// Whether a process is stopped, as far as this one may know.
fn is_stopped(pid: u32) -> bool {
    // The state stands behind the command's name, which may contain anything.
    let text = std::fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    let behind = text.iter().rposition(|&byte| byte == b')').map_or(&[][..], |at| &text[at..]);
    matches!(behind, [b')', b' ', b'T' | b't', ..])
}

/// What the capacity of a ring is, in words.
pub(crate) fn capacity(ring: &Ring) -> String {
    let lanes = if ring.lanes() == 1 { String::new() } else { format!("{} x ", ring.lanes()) };
    match ring.shape() {
        Shape::Slots(slots) | Shape::Ticks(slots) | Shape::Bytes(slots) => {
            format!("{lanes}{} x {} bytes", grouped(slots.capacity()), grouped(slots.size()))
        }
        Shape::Records(records) => format!("{} bytes", grouped(records.capacity())),
        _ => "unknown".into(),
    }
}

fn describe(name: &str, ring: &Ring, stats: &Stats) -> String {
    let unit = if matches!(ring.shape(), Shape::Records(_)) { "bytes" } else { "slots" };
    let (used, of, taken) = (grouped(stats.used), grouped(stats.capacity), grouped(stats.taken));
    let mut rows = about(name, ring);
    let mut row = |label: &str, value: String| rows.push([label.to_owned(), value]);
    row("committed", grouped(stats.committed));
    row("released", grouped(stats.released));
    row("in use", format!("{used} of {of} {unit}, {taken} being read"));
    row("dropped", grouped(stats.dropped));
    row("redelivered", grouped(stats.redelivered));
    let mut text = aligned(&rows);
    let _ = write!(text, "\n{}", sides(&stats.producer, &stats.consumer));
    text
}

/// What a ring is.
fn about(name: &str, ring: &Ring) -> Vec<[String; 2]> {
    let mut rows = Vec::new();
    let mut row = |label: &str, value: String| rows.push([label.to_owned(), value]);
    row("ring", name.to_owned());
    row("kind", ring.kind().name().to_owned());
    row("shape", ring.shape().name().to_owned());
    row("capacity", capacity(ring));
    row("memory", bytes(ring.file_len()));
    row("sleep", sleep(ring).to_owned());
    if !ring.type_name().is_empty() {
        row("type", ring.type_name().escape_debug().to_string());
    }
    if !ring.metadata().is_empty() {
        row("metadata", shortened(ring.metadata()));
    }
    row("created", format!("{} ago", time(since_1970().saturating_sub(nanos(ring.created())))));
    rows
}

/// How its peers sleep, and who sees to it that they are woken.
fn sleep(ring: &Ring) -> &'static str {
    match (ring.sleeper(), ring.fence()) {
        (Sleeper::Spin, _) => "never",
        (_, Fence::Asymmetric) => "futex, asymmetric fence",
        _ => "futex, full fence",
    }
}

fn sides(producer: &PeerStats, consumer: &PeerStats) -> String {
    let header = ["", "producer", "consumer"].map(String::from);
    let row = |label: &str, value: &dyn Fn(&PeerStats) -> String| {
        [label.to_owned(), value(producer), value(consumer)]
    };
    let seated = |text: String, side: &PeerStats| {
        if side.presence == Presence::Absent { "-".to_owned() } else { text }
    };
    aligned(&[
        header,
        row("state", &|side| standing(side).to_owned()),
        row("process", &|side| seated(side.pid.to_string(), side)),
        row("since", &|side| {
            seated(format!("{} ago", time(monotonic().saturating_sub(nanos(side.since)))), side)
        }),
        row("holders", &|side| side.incarnation.to_string()),
        row("sleeps", &|side| grouped(side.sleeps)),
        row("wakes", &|side| grouped(side.wakes)),
        row("probes", &|side| grouped(side.probes)),
        row("unfenced", &|side| grouped(side.unfenced)),
    ])
}

/// The start of the metadata, readable whatever it is.
fn shortened(metadata: &[u8]) -> String {
    let shown = &metadata[..metadata.len().min(METADATA_SHOWN_MAX)];
    let more = if shown.len() < metadata.len() {
        format!("... ({} bytes)", grouped(metadata.len() as u64))
    } else {
        String::new()
    };
    format!("\"{}\"{more}", shown.escape_ascii())
}

fn nanos(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The clock of `PeerStats::since`.
pub(crate) fn monotonic() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::try_from(now).unwrap_or_default()
}
