//! `ringbuf stat`: what happened on a ring so far, and who is there.

use crate::failure::Failure;
use crate::figures::{bytes, grouped, time};
use crate::table::aligned;
use crate::tell::print;
use clap::Args;
use ringbuf_shm::{PeerStats, Presence, Ring, Shape, Stats};
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
  sleeps, wakes, probes  system calls: to sleep, to wake the other side, and to ask
                       whether it lives; none of them while both sides are busy

Examples:
  ringbuf stat cam0
  ringbuf stat cam0 --watch")]
pub(crate) struct Arguments {
    /// The ring: a name, or a path with a `/` in it
    name: String,
    /// Every second anew, with the number of messages since the last time
    #[arg(long)]
    watch: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let name = &arguments.name;
    let ring = Ring::open(name).map_err(Failure::opening(name))?;
    let first = ring.stats().map_err(Failure::opening(name))?;
    print(&describe(name, &ring, &first))?;
    if arguments.watch { watch(name, &ring, first) } else { Ok(()) }
}

/// Shows it again every second, until the process is stopped.
fn watch(name: &str, ring: &Ring, mut before: Stats) -> Result<(), Failure> {
    loop {
        std::thread::sleep(PERIOD);
        let now = ring.stats().map_err(Failure::opening(name))?;
        let committed = now.committed.wrapping_sub(before.committed);
        let released = now.released.wrapping_sub(before.released);
        let start = if io::stdout().is_terminal() { CLEAR } else { "\n" };
        let table = describe(name, ring, &now);
        print(&format!(
            "{start}{table}\nlast second  {} committed, {} released\n",
            grouped(committed),
            grouped(released)
        ))?;
        before = now;
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

/// What the capacity of a ring is, in words.
pub(crate) fn capacity(shape: Shape) -> String {
    match shape {
        Shape::Slots(slots) | Shape::Bytes(slots) => {
            format!("{} x {} bytes", grouped(slots.capacity()), grouped(slots.size()))
        }
        Shape::Records(records) => format!("{} bytes", grouped(records.capacity())),
        _ => "unknown".into(),
    }
}

fn describe(name: &str, ring: &Ring, stats: &Stats) -> String {
    let unit = if matches!(ring.shape(), Shape::Records(_)) { "bytes" } else { "slots" };
    let (used, of, taken) = (grouped(stats.used), grouped(stats.capacity), grouped(stats.taken));
    let mut rows = Vec::new();
    let mut row = |label: &str, value: String| rows.push([label.to_owned(), value]);
    row("ring", name.to_owned());
    row("shape", ring.shape().name().to_owned());
    row("capacity", capacity(ring.shape()));
    row("memory", bytes(ring.file_len()));
    if !ring.type_name().is_empty() {
        row("type", ring.type_name().escape_debug().to_string());
    }
    if !ring.metadata().is_empty() {
        row("metadata", shortened(ring.metadata()));
    }
    row("created", format!("{} ago", time(since_1970().saturating_sub(nanos(ring.created())))));
    row("committed", grouped(stats.committed));
    row("released", grouped(stats.released));
    row("in use", format!("{used} of {of} {unit}, {taken} being read"));
    row("dropped", grouped(stats.dropped));
    row("redelivered", grouped(stats.redelivered));
    let mut text = aligned(&rows);
    let _ = write!(text, "\n{}", sides(&stats.producer, &stats.consumer));
    text
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
        row("state", &|side| state(side.presence).to_owned()),
        row("process", &|side| seated(side.pid.to_string(), side)),
        row("since", &|side| {
            seated(format!("{} ago", time(monotonic().saturating_sub(nanos(side.since)))), side)
        }),
        row("holders", &|side| side.incarnation.to_string()),
        row("sleeps", &|side| grouped(side.sleeps)),
        row("wakes", &|side| grouped(side.wakes)),
        row("probes", &|side| grouped(side.probes)),
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
