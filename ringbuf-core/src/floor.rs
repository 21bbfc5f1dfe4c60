//! Where a producer may not write any more: before a message of its own that had to move.
//!
//! Private to one process, and no word of the protocol. A claim and its commit may be on
//! two threads, so these are atomics all the same.

use crate::position::Position;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The first place in a lane at which a producer may write its next message, and how far
/// its messages had to move.
///
/// A message that lost its place stands at a later one of its slot, and what its producer
/// claimed after it has to come after it. One floor for each lane that a producer writes
/// to, shared by its claims. It never sinks.
#[derive(Debug)]
pub struct Floor {
    /// Behind every place to which a message has moved.
    place: AtomicU64,
    /// By how many laps at most one has moved.
    laps: AtomicU64,
}

impl Floor {
    /// The floor of one who has not written yet, and starts at `first` or later.
    #[must_use]
    pub fn new(first: Position) -> Self {
        Self { place: AtomicU64::new(first.count()), laps: AtomicU64::new(0) }
    }

    /// Whether a place is before it.
    #[inline(always)]
    pub(crate) fn is_above(&self, place: Position) -> bool {
        place.since(self.place()).cast_signed() < 0
    }

    /// How many laps later than where it was claimed a message stands at least.
    ///
    /// Behind all that moved is late enough, and so is as many laps as any has moved: what
    /// was claimed before it then stands before it.
    pub(crate) fn laps(&self, claimed: Position, capacity: u64) -> u64 {
        let missing = self.place().since(claimed).cast_signed();
        let behind_all = u64::try_from(missing).unwrap_or(0).div_ceil(capacity);
        // Relaxed: as in `raise`.
        behind_all.min(self.laps.load(Relaxed))
    }

    /// A message that was claimed at `claimed` stands so many laps later.
    pub(crate) fn raise(&self, claimed: Position, laps: u64, capacity: u64) {
        // Relaxed, all: commits that no program order or synchronisation of the caller's
        // orders may come in any order.
        let place = claimed.plus(laps.wrapping_mul(capacity)).plus(1);
        let rises = |floor| {
            let by = place.since(Position::new(floor)).cast_signed();
            (by > 0).then_some(place.count())
        };
        let _ = self.place.fetch_update(Relaxed, Relaxed, rises);
        self.laps.fetch_max(laps, Relaxed);
    }

    #[inline(always)]
    fn place(&self) -> Position {
        // Relaxed: as in `raise`.
        Position::new(self.place.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPACITY: u64 = 4;

    #[test]
    fn it_rises_and_never_sinks_across_every_wrap() {
        for first in [0, (1 << 63) - 2, u64::MAX - 1] {
            let at = |steps| Position::new(first).plus(steps);
            let floor = Floor::new(at(0));
            assert!(!floor.is_above(at(0)));
            floor.raise(at(2), 1, CAPACITY);
            floor.raise(at(1), 1, CAPACITY);
            assert!(floor.is_above(at(6)) && !floor.is_above(at(7)));
        }
    }

    #[test]
    fn what_was_claimed_later_stands_later_and_no_later_than_needed() {
        for first in [0, (1 << 63) - 2, u64::MAX - 1] {
            let at = |steps| Position::new(first).plus(steps);
            let floor = Floor::new(at(0));
            assert_eq!(floor.laps(at(1), CAPACITY), 0, "nothing has moved");
            floor.raise(at(2), 1, CAPACITY);
            // Before and after it, both a lap later; behind it, where they are.
            for (claimed, laps) in [(1, 1), (3, 1), (6, 1), (7, 0), (9, 0)] {
                assert_eq!(floor.laps(at(claimed), CAPACITY), laps, "{claimed}");
            }
            // One that was away for long: behind it is near enough for all others.
            floor.raise(at(0), 9, CAPACITY);
            assert_eq!(floor.laps(at(35), CAPACITY), 1);
            assert_eq!(floor.laps(at(37), CAPACITY), 0);
        }
    }
}
