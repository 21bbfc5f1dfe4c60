//! What a ring can tell about itself, as a snapshot.
//!
//! Unsafe code here borrows the words of a mapping that is itself borrowed.

pub(crate) mod broadcast;
pub(crate) mod mpmc;
pub(crate) mod watch;

use crate::error::OpenError;
use crate::header::{Shape, Spec};
use crate::layout::{CONSUMER_ROW, PRODUCER_ROW};
use crate::locks::Lookout;
use crate::map::Map;
use crate::native::Native;
use ringbuf_core::peer::{Presence, RowWords};
use ringbuf_core::position::Position;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

/// What happened on an `spsc` ring so far.
///
/// Taken without stopping anybody: numbers of one side belong together, those of
/// different sides may be a few messages apart. Everything but positions and
/// `dropped` may miss the last step of a peer that was killed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Messages committed.
    pub committed: u64,
    /// Messages released.
    pub released: u64,
    /// Slots in use, or bytes in use of a ring of records.
    pub used: u64,
    /// Slots there are, or bytes there are in a ring of records.
    pub capacity: u64,
    /// Slots, or bytes, that the consumer was shown and has not released.
    pub taken: u64,
    /// Messages dropped because a consumer died between taking and releasing them.
    pub dropped: u64,
    /// Messages delivered again because a consumer died in the same way.
    pub redelivered: u64,
    /// The producer's side.
    pub producer: PeerStats,
    /// The consumer's side.
    pub consumer: PeerStats,
}

/// What is known about one side of an `spsc` ring, or about one row of another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerStats {
    /// Its number among the rows: those of producers, or of the publisher, first.
    pub row: u32,
    /// Whether somebody sits there.
    pub presence: Presence,
    /// How often the seat was taken; modulo 2^17 - 1.
    pub incarnation: u32,
    /// The process id of the last holder, as it saw itself; 0 if there was none.
    pub pid: u32,
    /// When the seat was taken, nanoseconds of the monotonic clock.
    pub since: u64,
    /// How often this side asked the kernel to let it sleep.
    pub sleeps: u64,
    /// How often this side asked the kernel to wake the other.
    pub wakes: u64,
    /// How often this side asked the kernel whether the other lives.
    pub probes: u64,
    /// How often this side slept for a millisecond at most, because the kernel refused it
    /// the fence that keeps a wake-up from being missed; see
    /// [`Options::fence`](crate::Options::fence).
    pub unfenced: u64,
}

impl Stats {
    pub(crate) fn take(map: &Map, spec: &Spec, lookout: Lookout<'_>) -> Result<Self, OpenError> {
        // SAFETY: the map is borrowed until the end of this function.
        let producer = unsafe { map.producer() };
        // SAFETY: as above.
        let consumer = unsafe { map.consumer() };
        let shape = spec.shape;
        // `head` first, with Acquire: `tail` is then at least as new, so that what is
        // in use is never less than nothing. Relaxed: `taken` is checked below.
        let head = Position::new(consumer.words.head.load(Acquire));
        let taken = Position::new(consumer.words.taken.load(Relaxed));
        let tail = Position::new(producer.words.tail.load(Acquire));
        let first = Position::new(spec.first_position);
        let (committed, released) = match shape {
            Shape::Records(_) => {
                let count = |native: &Native| native.messages.load(Relaxed);
                (count(&producer.native), count(&consumer.native))
            }
            Shape::Slots(_) | Shape::Ticks(_) | Shape::Bytes(_) => {
                (tail.since(first), head.since(first))
            }
        };
        let capacity = shape.capacity();
        let used = tail.since(head);
        Ok(Self {
            committed,
            released,
            // Both sides went on while we looked.
            used: used.min(capacity),
            capacity,
            taken: taken.since(head).min(used).min(capacity),
            dropped: consumer.words.dropped.load(Relaxed),
            redelivered: consumer.native.redelivered.load(Relaxed),
            producer: peer(map, lookout, PRODUCER_ROW, &producer.native)?,
            consumer: peer(map, lookout, CONSUMER_ROW, &consumer.native)?,
        })
    }
}

fn peer(
    map: &Map,
    lookout: Lookout<'_>,
    row: u32,
    native: &Native,
) -> Result<PeerStats, OpenError> {
    // SAFETY: the map is borrowed until the end of this function.
    let words: &RowWords<Native> = unsafe { map.row(row) };
    Ok(PeerStats {
        row,
        presence: words.presence(row, &lookout)?,
        incarnation: words.holder(row).map_or(0, ringbuf_core::peer::Who::incarnation),
        pid: words.pid.load(Relaxed),
        since: words.since.load(Relaxed),
        sleeps: native.sleeps.load(Relaxed),
        wakes: native.wakes.load(Relaxed),
        probes: native.probes.load(Relaxed),
        unfenced: native.unfenced.load(Relaxed),
    })
}
