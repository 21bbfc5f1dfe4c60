//! Whether the message of a position stands in its entry, in a ring of [ticks](crate::ticks).
//!
//! ```text
//! 63                          2 1     0
//! [ position 62                | state 2 ]
//!
//! 0 ──write──▶ WRITING(p) ──▶ WHOLE(p) ──write──▶ WRITING(p + capacity) ──▶ …
//! ```
//!
//! The position is modulo 2^62. Zero: nothing was ever written here. A stamp changes twice a lap,
//! so that one found unchanged was there all the time between.

use crate::entry::Found;
use crate::position::Position;

const STATE_BITS: u32 = 2;
const STATE_MASK: u64 = (1 << STATE_BITS) - 1;
/// Positions are compared modulo this and one.
const POSITION_MASK: u64 = u64::MAX >> STATE_BITS;
const WRITING: u64 = 1;
const WHOLE: u64 = 2;

/// The value of a stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(u64);

impl Stamp {
    /// The message at `position` is being written, or its publisher died writing it.
    #[inline(always)]
    #[must_use]
    pub const fn writing(position: Position) -> Self {
        Self(position.count() << STATE_BITS | WRITING)
    }

    /// The message at `position` is there.
    #[inline(always)]
    #[must_use]
    pub const fn whole(position: Position) -> Self {
        Self(position.count() << STATE_BITS | WHOLE)
    }

    /// A stamp as it was loaded.
    #[inline(always)]
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The stamp as it is stored.
    #[inline(always)]
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// What it means to who looks for the message at `position`; `None` if no publisher can
    /// have stored it.
    #[inline(always)]
    #[must_use]
    pub const fn at(self, position: Position) -> Option<Found> {
        let state = self.0 & STATE_MASK;
        if self.0 == 0 {
            return Some(Found::Earlier);
        }
        if state != WRITING && state != WHOLE {
            return None;
        }
        let ahead = (self.0 >> STATE_BITS).wrapping_sub(position.count()) & POSITION_MASK;
        Some(if ahead == 0 {
            if state == WHOLE { Found::Here } else { Found::Earlier }
        } else if ahead <= POSITION_MASK / 2 {
            Found::Later
        } else {
            Found::Earlier
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_found_by_its_position_alone_at_every_wrap() {
        for capacity in [2, 8, 1 << 20] {
            for near in [0, 1 << 32, (1 << 62) - 1, (1 << 63) + 3, u64::MAX] {
                let here = Position::new(near);
                let (writing, whole) = (Stamp::writing(here), Stamp::whole(here));
                assert_eq!(whole.at(here), Some(Found::Here));
                assert_eq!(writing.at(here), Some(Found::Earlier));
                for stamp in [writing, whole] {
                    assert_eq!(stamp.at(here.plus(capacity)), Some(Found::Earlier));
                    assert_eq!(stamp.at(here.minus(capacity)), Some(Found::Later));
                }
            }
        }
    }

    #[test]
    fn zero_is_no_message_and_other_states_are_none() {
        assert_eq!(Stamp::from_bits(0).at(Position::new(0)), Some(Found::Earlier));
        for wrong in [3, 4, 8, u64::MAX] {
            assert_eq!(Stamp::from_bits(wrong).at(Position::new(0)), None);
        }
    }
}
