//! Where a producer may not write any more: before a message of its own that had to move.
//!
//! Private to one process, and no word of the protocol. A claim and its commit may be on
//! two threads, so it is an atomic all the same.

use crate::position::Position;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The first place in a lane at which a producer may write its next message.
///
/// A message that lost its place stands at a later one, and what its producer writes
/// after it has to come after it. One floor for each lane that a producer writes to,
/// shared by its claims. It never sinks.
#[derive(Debug)]
pub struct Floor(AtomicU64);

impl Floor {
    /// The floor of one who has not written yet, and starts at `first` or later.
    #[must_use]
    pub fn new(first: Position) -> Self {
        Self(AtomicU64::new(first.count()))
    }

    /// Whether a place is before it.
    #[inline(always)]
    pub(crate) fn is_above(&self, place: Position) -> bool {
        place.since(self.get()).cast_signed() < 0
    }

    /// The first place of the slot of `place` that is neither before that one nor before
    /// the floor.
    pub(crate) fn lift(&self, place: Position, capacity: u64) -> Position {
        let missing = self.get().since(place).cast_signed();
        match u64::try_from(missing) {
            Ok(missing) => place.plus(missing.next_multiple_of(capacity)),
            Err(_) => place,
        }
    }

    /// Lifts it to `place`, if it is lower.
    pub(crate) fn raise(&self, place: Position) {
        // Relaxed: commits that no program order or synchronisation of the caller's
        // orders may come in any order.
        let rises =
            |floor| (place.since(Position::new(floor)).cast_signed() > 0).then_some(place.count());
        let _ = self.0.fetch_update(Relaxed, Relaxed, rises);
    }

    #[inline(always)]
    fn get(&self) -> Position {
        // Relaxed: as in `raise`.
        Position::new(self.0.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rises_and_never_sinks_across_every_wrap() {
        for first in [0, (1 << 63) - 2, u64::MAX - 1] {
            let at = |steps| Position::new(first).plus(steps);
            let floor = Floor::new(at(0));
            assert!(!floor.is_above(at(0)));
            floor.raise(at(3));
            floor.raise(at(1));
            assert!(floor.is_above(at(2)) && !floor.is_above(at(3)));
        }
    }

    #[test]
    fn a_place_is_lifted_by_whole_laps_and_no_further_than_needed() {
        for first in [0, (1 << 63) - 2, u64::MAX - 1] {
            let at = |steps| Position::new(first).plus(steps);
            let floor = Floor::new(at(0));
            floor.raise(at(9));
            for (place, lifted) in [(1, 9), (2, 10), (8, 12), (9, 9), (10, 10)] {
                assert_eq!(floor.lift(at(place), 4), at(lifted), "{place}");
            }
        }
    }
}
