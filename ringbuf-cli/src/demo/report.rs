//! What the demo measured.

use crate::failure::Failure;
use crate::figures::{grouped, time};
use crate::table::aligned;
use hdrhistogram::Histogram;
use ringbuf_shm::Stats;
use std::fmt;
use std::time::Duration;

/// What is counted as itself; longer ones count as this.
const HANDOVER_NANOS_MAX: u64 = 60_000_000_000;

/// Which half of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// As fast as it goes.
    Full,
    /// At a pace that leaves the reader waiting.
    Paced,
}

impl Phase {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Full => "full speed",
            Self::Paced => "paced",
        }
    }
}

/// What was seen in one half.
#[derive(Debug)]
struct Seen {
    frames: u64,
    bytes: u64,
    /// When the first and the last frame were read, by the monotonic clock.
    first: Duration,
    last: Duration,
    /// From commit to reader, in nanoseconds.
    handover: Histogram<u64>,
    /// System calls that the ring made, on both sides.
    calls: u64,
    lost: u64,
    torn: u64,
}

impl Seen {
    fn new() -> Result<Self, Failure> {
        let handover = Histogram::new_with_max(HANDOVER_NANOS_MAX, 3)
            .map_err(|error| Failure::Said(error.to_string()))?;
        let (first, last) = (Duration::ZERO, Duration::ZERO);
        Ok(Self { frames: 0, bytes: 0, first, last, handover, calls: 0, lost: 0, torn: 0 })
    }

    fn frames_per_second(&self) -> f64 {
        let seconds = self.last.saturating_sub(self.first).as_secs_f64();
        if seconds > 0.0 { (self.frames - 1) as f64 / seconds } else { 0.0 }
    }

    fn per_frame(&self, total: u64) -> f64 {
        total as f64 / self.frames.max(1) as f64
    }
}

/// What was seen in both halves.
#[derive(Debug)]
pub(crate) struct Report {
    full: Seen,
    paced: Seen,
    phase: Phase,
    /// The number of the next frame, if none is lost.
    expected: u64,
    /// System calls up to the start of this half.
    calls_before: u64,
}

impl Report {
    pub(crate) fn new(stats: Stats) -> Result<Self, Failure> {
        let calls_before = calls(&stats);
        let (full, paced) = (Seen::new()?, Seen::new()?);
        Ok(Self { full, paced, phase: Phase::Full, expected: 0, calls_before })
    }

    fn seen(&mut self) -> &mut Seen {
        match self.phase {
            Phase::Full => &mut self.full,
            Phase::Paced => &mut self.paced,
        }
    }

    /// A frame of this half comes.
    pub(crate) fn enter(
        &mut self,
        phase: Phase,
        stats: &impl Fn() -> Result<Stats, Failure>,
    ) -> Result<(), Failure> {
        if phase != self.phase {
            self.count_calls(&stats()?);
            self.phase = phase;
        }
        Ok(())
    }

    /// A frame came: whole or torn, read and committed at these times.
    pub(crate) fn frame(
        &mut self,
        number: u64,
        whole: bool,
        read: Duration,
        committed: Duration,
        bytes: usize,
    ) {
        // A number that went back is as bad as one that is missing.
        let lost = number.abs_diff(self.expected);
        self.expected = number + 1;
        let seen = self.seen();
        if seen.frames == 0 {
            seen.first = read;
        }
        seen.last = read;
        seen.frames += 1;
        seen.bytes += bytes as u64;
        seen.lost += lost;
        seen.torn += u64::from(!whole);
        let nanos = read.saturating_sub(committed).as_nanos();
        seen.handover.saturating_record(u64::try_from(nanos).unwrap_or(u64::MAX));
    }

    /// No frame comes any more.
    pub(crate) fn end(&mut self, stats: &Stats) {
        self.count_calls(stats);
        let missing = stats.committed.saturating_sub(self.expected);
        self.seen().lost += missing;
    }

    fn count_calls(&mut self, stats: &Stats) {
        let now = calls(stats);
        let before = std::mem::replace(&mut self.calls_before, now);
        self.seen().calls += now.saturating_sub(before);
    }

    /// Fails if a frame was lost or torn, or if there was none.
    pub(crate) fn verdict(&self) -> Result<(), Failure> {
        let lost = self.full.lost + self.paced.lost;
        let torn = self.full.torn + self.paced.torn;
        if self.full.frames == 0 {
            return Err(Failure::Said("no frame came; give the demo more --seconds".into()));
        }
        if lost == 0 && torn == 0 {
            return Ok(());
        }
        Err(Failure::Said(format!("{lost} frames were lost and {torn} were torn")))
    }
}

fn calls(stats: &Stats) -> u64 {
    let side = |side: &ringbuf_shm::PeerStats| side.sleeps + side.wakes + side.probes;
    side(&stats.producer) + side(&stats.consumer)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |label: &str, value: &dyn Fn(&Seen) -> String| {
            [label.to_owned(), value(&self.full), value(&self.paced)]
        };
        let quantile = |quantile: f64| {
            move |seen: &Seen| time(Duration::from_nanos(seen.handover.value_at_quantile(quantile)))
        };
        let table = aligned(&[
            ["", Phase::Full.name(), Phase::Paced.name()].map(String::from),
            row("frames", &|seen| grouped(seen.frames)),
            row("frames/s", &|seen| format!("{:.0}", seen.frames_per_second())),
            row("GB/s", &|seen| {
                format!("{:.2}", seen.frames_per_second() * seen.per_frame(seen.bytes) / 1e9)
            }),
            row("system calls a frame", &|seen| format!("{:.3}", seen.per_frame(seen.calls))),
            row("commit to reader, p50", &quantile(0.5)),
            row("                  p99", &quantile(0.99)),
            row("                  p99.9", &quantile(0.999)),
            row("                  max", &quantile(1.0)),
            row("lost", &|seen| grouped(seen.lost)),
            row("torn", &|seen| grouped(seen.torn)),
        ]);
        f.write_str(&table)?;
        write!(
            f,
            "\n\
             full speed: the time includes waiting in the queue. Whoever is faster spins until\n\
             the other has done a frame; nobody calls the kernel for a frame.\n\
             paced: {} frames a second. The queue is empty; the reader sleeps, and is woken:\n\
             two system calls.\n",
            super::PACE,
        )
    }
}
