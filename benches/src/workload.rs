//! What is done with a mechanism, and the loops that do it.
//!
//! The side that watches the clock receives (or sends pings); the other side sends
//! (or echoes) without end and is stopped from outside when the watch has run out.

use crate::broadcast::Broadcast;
use crate::message;
use crate::queue::{Receiver, Sender};
use crate::sample::Sample;
use hdrhistogram::Histogram;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::time::{Duration, Instant};

/// Messages that fit into the queue of a stream.
pub(crate) const CAPACITY: usize = 1024;
/// Frames that fit into the queue.
pub(crate) const FRAMES: usize = 4;
/// Messages in a batch.
pub(crate) const BATCH: usize = 64;
/// The part of the time that is spent before counting begins: one in so many.
pub(crate) const WARM_UP: u32 = 8;
/// Messages between two looks at the clock.
const LOOK_EVERY: u64 = 256;
/// Nanoseconds of the longest round trip that is told from longer ones.
const LATENCY_MAX: u64 = 10_000_000_000;

/// How a side waits for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// It looks again and again.
    Spin,
    /// It calls what waits by itself, as it does by default: looks for a while, then sleeps.
    SpinThenSleep,
    /// It sleeps at once, and is woken.
    Sleep,
}

/// Several producers and consumers of one queue, and how large it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Crowd {
    pub(crate) producers: u32,
    pub(crate) consumers: u32,
    /// Messages that the queue has room for.
    pub(crate) capacity: usize,
    /// Peers that are attached and do nothing.
    pub(crate) idle: u32,
}

impl Crowd {
    /// So many producers, as many consumers, and nobody else.
    pub(crate) const fn of(each: u32) -> Self {
        Self { producers: each, consumers: each, capacity: CAPACITY, idle: 0 }
    }

    /// Those that do something. The producers are numbered first.
    pub(crate) fn peers(self) -> u32 {
        self.producers + self.consumers
    }

    /// Whether it is there to show what the cost of a message depends on.
    pub(crate) fn varied(self) -> bool {
        self.capacity != CAPACITY || self.idle > 0
    }
}

impl fmt::Display for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mpmc/{}p{}c", self.producers, self.consumers)?;
        if self.capacity != CAPACITY {
            write!(f, "/slots-{}", self.capacity)?;
        }
        if self.idle > 0 {
            write!(f, "/idle-{}", self.idle)?;
        }
        Ok(())
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    /// Messages one way, as fast as they go, `batch` at a time, in a queue with room for
    /// `capacity`.
    Stream { bytes: usize, batch: usize, capacity: usize },
    /// One message there and one back.
    RoundTrip { bytes: usize, waiting: Waiting },
    /// Video frames one way: written and summed whole, or handed over untouched.
    Frames { touched: bool },
    /// Messages of 8 bytes from many to many, each to one of them, one at a time.
    Mpmc(Crowd),
    /// From one to each of several.
    Broadcast(Broadcast),
}

impl Workload {
    /// All of them, in the order of the report.
    pub(crate) fn all() -> Vec<Self> {
        let stream =
            |batch| [8, 64, 1024].map(|bytes| Self::Stream { bytes, batch, capacity: CAPACITY });
        let sizes = [64, 65_536].map(|capacity| Self::Stream { bytes: 8, batch: 1, capacity });
        let trip = |waiting| [8, 64].map(|bytes| Self::RoundTrip { bytes, waiting });
        let frames = [true, false].map(|touched| Self::Frames { touched });
        let alone = Crowd::of(1);
        let mpmc = [
            alone,
            Crowd { capacity: 64, ..alone },
            Crowd { capacity: 65_536, ..alone },
            Crowd { idle: 200, ..alone },
            Crowd::of(2),
            Crowd::of(4),
        ]
        .map(Self::Mpmc);
        let waits = [Waiting::Spin, Waiting::SpinThenSleep, Waiting::Sleep];
        let trips = waits.map(trip).concat();
        let broadcasts: Vec<Self> = Broadcast::all().into_iter().map(Self::Broadcast).collect();
        [&stream(1)[..], &sizes, &stream(BATCH), &trips, &frames, &mpmc, &broadcasts].concat()
    }

    /// Bytes of one message.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Stream { bytes, .. } | Self::RoundTrip { bytes, .. } => bytes,
            Self::Frames { .. } => message::FRAME_WORDS * 8,
            Self::Mpmc(_) => 8,
            Self::Broadcast(broadcast) => broadcast.bytes(),
        }
    }

    /// Messages that the queue has room for.
    pub(crate) fn capacity(self) -> usize {
        match self {
            Self::Stream { capacity, .. } => capacity,
            Self::RoundTrip { .. } => CAPACITY,
            Self::Frames { .. } => FRAMES,
            Self::Mpmc(crowd) => crowd.capacity,
            Self::Broadcast(broadcast) => broadcast.capacity(),
        }
    }

    /// Messages that are sent and received at a time.
    pub(crate) fn batch(self) -> usize {
        if let Self::Stream { batch, .. } = self { batch } else { 1 }
    }

    /// Whether messages are written and read whole.
    pub(crate) fn touched(self) -> bool {
        match self {
            Self::Frames { touched } => touched,
            Self::Broadcast(broadcast) => broadcast.touched(),
            _ => true,
        }
    }

    /// Whether they are video frames.
    pub(crate) fn frames(self) -> bool {
        self.bytes() >= message::FRAME_WORDS * 8
    }

    /// Whether messages also go back.
    pub(crate) fn returns(self) -> bool {
        matches!(self, Self::RoundTrip { .. } | Self::Broadcast(Broadcast::RoundTrip { .. }))
    }

    /// Whether it is a queue with one at each end.
    pub(crate) fn one_to_one(self) -> bool {
        matches!(self, Self::Stream { .. } | Self::RoundTrip { .. } | Self::Frames { .. })
    }

    /// Whether it is there to show what the cost of a message depends on.
    pub(crate) fn varied(self) -> bool {
        match self {
            Self::Stream { capacity, .. } => capacity != CAPACITY,
            _ => self.mpmc().is_some_and(Crowd::varied),
        }
    }

    /// The producers and consumers, if each message goes to one of many.
    pub(crate) fn mpmc(self) -> Option<Crowd> {
        if let Self::Mpmc(crowd) = self { Some(crowd) } else { None }
    }

    /// The producers and consumers, if one process watches them all.
    pub(crate) fn crowd(self) -> Option<Crowd> {
        if let Self::Broadcast(broadcast) = self { broadcast.crowd() } else { self.mpmc() }
    }

    /// How many peers take part.
    pub(crate) fn peers(self) -> u32 {
        self.crowd().map_or(2, Crowd::peers)
    }

    /// How the sides of a round trip wait.
    pub(crate) fn waiting(self) -> Option<Waiting> {
        match self {
            Self::RoundTrip { waiting, .. } => Some(waiting),
            Self::Broadcast(Broadcast::RoundTrip { .. }) => Some(Waiting::Spin),
            _ => None,
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mpmc(crowd) => write!(f, "{crowd}"),
            Self::Broadcast(broadcast) => write!(f, "{broadcast}"),
            Self::Stream { bytes, batch, capacity } => {
                write!(f, "stream/{bytes}")?;
                if *batch != 1 {
                    write!(f, "x{batch}")?;
                }
                if *capacity == CAPACITY { Ok(()) } else { write!(f, "/slots-{capacity}") }
            }
            Self::RoundTrip { bytes, waiting: Waiting::Spin } => write!(f, "trip/{bytes}/spin"),
            Self::RoundTrip { bytes, waiting: Waiting::SpinThenSleep } => {
                write!(f, "trip/{bytes}/wait")
            }
            Self::RoundTrip { bytes, waiting: Waiting::Sleep } => write!(f, "trip/{bytes}/sleep"),
            Self::Frames { touched: true } => write!(f, "frames/touched"),
            Self::Frames { touched: false } => write!(f, "frames/untouched"),
        }
    }
}

/// Receives numbered messages for as long as `time`, and says how many a second.
pub(crate) fn receive<const W: usize>(
    receiver: &mut impl Receiver<W>,
    workload: Workload,
    time: Duration,
) -> io::Result<Sample> {
    let touched = workload.touched();
    let look_every = if W >= message::FRAME_WORDS { 1 } else { LOOK_EVERY };
    let mut wrong = false;
    let mut next = 0;
    let mut look_at = look_every;
    let begin = Instant::now();
    let mut counted: Option<(Instant, u64)> = None;
    loop {
        receiver.receive(workload.batch(), |words| {
            wrong |= !message::is(words, next, touched);
            next += 1;
        })?;
        if next < look_at {
            continue;
        }
        look_at = next + look_every;
        if wrong {
            return Err(spoiled(next));
        }
        let now = Instant::now();
        match counted {
            None if now - begin >= time / WARM_UP => counted = Some((now, next)),
            Some((since, first)) if now - since >= time => {
                return Ok(Sample::Rate((next - first) as f64 / (now - since).as_secs_f64()));
            }
            _ => {}
        }
    }
}

/// Sends numbered messages without end.
pub(crate) fn send<const W: usize>(
    sender: &mut impl Sender<W>,
    workload: Workload,
) -> io::Result<Infallible> {
    let batch = workload.batch();
    for first in (0..).step_by(batch) {
        sender.send(first, batch)?;
    }
    unreachable!("numbers do not run out");
}

/// Sends a message and waits for its echo, again and again for as long as `time`.
///
/// The clock is read just before and just after: once within the time it measures.
pub(crate) fn ping<const W: usize>(
    sender: &mut impl Sender<W>,
    receiver: &mut impl Receiver<W>,
    time: Duration,
) -> io::Result<Sample> {
    let mut trips = Histogram::<u64>::new_with_max(LATENCY_MAX, 3).map_err(io::Error::other)?;
    let begin = Instant::now();
    let warm = begin + time / WARM_UP;
    for number in 0.. {
        let sent = Instant::now();
        sender.send(number, 1)?;
        let mut right = false;
        receiver.receive(1, |words| right = message::is(words, number, true))?;
        let back = Instant::now();
        if !right {
            return Err(spoiled(number));
        }
        if sent >= warm {
            let nanos = u64::try_from((back - sent).as_nanos()).unwrap_or(u64::MAX);
            trips.saturating_record(nanos);
        }
        if back - begin >= time + time / WARM_UP {
            break;
        }
    }
    let at = |quantile| trips.value_at_quantile(quantile);
    Ok(Sample::Latency { p50: at(0.5), p99: at(0.99), p99_9: at(0.999), max: trips.max() })
}

/// Sends back what comes, without end.
pub(crate) fn echo<const W: usize>(
    sender: &mut impl Sender<W>,
    receiver: &mut impl Receiver<W>,
) -> io::Result<Infallible> {
    for number in 0.. {
        let mut right = false;
        receiver.receive(1, |words| right = message::is(words, number, true))?;
        if !right {
            return Err(spoiled(number));
        }
        sender.send(number, 1)?;
    }
    unreachable!("numbers do not run out");
}

fn spoiled(number: u64) -> io::Error {
    io::Error::other(format!("a message before number {number} was lost, repeated or torn"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Receives what it is told to, then the right messages.
    struct Told(u64, fn(u64) -> [u64; 8]);

    impl Receiver<8> for Told {
        fn receive(&mut self, most: usize, mut see: impl FnMut(&[u64; 8])) -> io::Result<()> {
            for _ in 0..most {
                see(&self.1(self.0));
                self.0 += 1;
            }
            Ok(())
        }
    }

    const STREAM: Workload = Workload::Stream { bytes: 64, batch: 16, capacity: 64 };

    fn outcome(message: fn(u64) -> [u64; 8]) -> io::Result<Sample> {
        receive(&mut Told(0, message), STREAM, Duration::from_millis(2))
    }

    #[test]
    fn a_right_stream_has_a_rate() {
        assert!(matches!(outcome(message::of), Ok(Sample::Rate(rate)) if rate > 0.0));
    }

    #[test]
    fn a_stream_that_loses_or_tears_a_message_has_no_number() {
        assert!(outcome(|n| message::of(if n == 300 { 301 } else { n })).is_err());
        assert!(
            outcome(|n| {
                let mut words = message::of(n);
                words[7] ^= u64::from(n == 500);
                words
            })
            .is_err()
        );
    }
}
