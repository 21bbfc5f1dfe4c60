//! What stands at a position of a broadcast ring: the number of a slot.
//!
//! ```text
//! 63                    24 23          0
//! [ lap 40                | slot + 1 24  ]
//! ```
//!
//! One word, so that who loads it has a slot and knows which message it is of. A lap
//! is how often positions went round before this one, modulo 2^40. Zero: nothing was
//! ever shown there. An entry changes once a lap, so that one found unchanged was
//! there all the time between.

use crate::position::Position;

const SLOT_BITS: u32 = 24;
const SLOT_MASK: u64 = (1 << SLOT_BITS) - 1;
const LAP_MASK: u64 = u64::MAX >> SLOT_BITS;

/// The most slots of a pool.
pub const SLOTS_MAX: u64 = SLOT_MASK;

/// The value of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry(u64);

/// How an entry stands to a position that it is looked up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The message of that position is still to come.
    Earlier,
    /// It is there.
    Here,
    /// It was there, and a later one is in its place.
    Later,
}

impl Entry {
    /// The message at `position` stands in `slot`, which is below [`SLOTS_MAX`].
    #[inline(always)]
    #[must_use]
    pub const fn new(position: Position, capacity: u64, slot: u32) -> Self {
        Self(lap_of(position, capacity) << SLOT_BITS | (slot as u64 + 1))
    }

    /// An entry as it was loaded.
    #[inline(always)]
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The entry as it is stored.
    #[inline(always)]
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether nothing was ever shown here.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The slot, if there is one of that number among so many.
    #[inline(always)]
    #[must_use]
    pub const fn slot(self, slots: usize) -> Option<u32> {
        let slot = (self.0 & SLOT_MASK).wrapping_sub(1);
        if slot < slots as u64 { Some(slot as u32) } else { None }
    }

    /// What it means to who looks for the message at `position`.
    #[inline(always)]
    #[must_use]
    pub const fn at(self, position: Position, capacity: u64) -> Found {
        if self.is_empty() {
            return Found::Earlier;
        }
        let ahead = (self.0 >> SLOT_BITS).wrapping_sub(lap_of(position, capacity)) & LAP_MASK;
        if ahead == 0 {
            Found::Here
        } else if ahead <= LAP_MASK / 2 {
            Found::Later
        } else {
            Found::Earlier
        }
    }
}

const fn lap_of(position: Position, capacity: u64) -> u64 {
    (position.count() >> capacity.trailing_zeros()) & LAP_MASK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_by_its_position_alone_at_every_wrap() {
        for capacity in [2, 8, 1 << 20] {
            for near in [0, capacity, (1 << 40) * capacity, (1_u64 << 63) + 3, u64::MAX - 2] {
                let here = Position::new(near);
                let entry = Entry::new(here, capacity, 5);
                assert_eq!(entry.slot(6), Some(5));
                assert_eq!(entry.slot(5), None, "one more than there are");
                assert_eq!(entry.at(here, capacity), Found::Here);
                assert_eq!(entry.at(here.plus(capacity), capacity), Found::Earlier);
                let before = Position::new(near.wrapping_sub(capacity));
                assert_eq!(entry.at(before, capacity), Found::Later);
            }
        }
        let empty = Entry::from_bits(0);
        assert_eq!(empty.at(Position::new(0), 8), Found::Earlier);
        assert_eq!(empty.slot(8), None);
    }
}
