//! The word of one slot: who may touch it, and for which lap.
//!
//! In rings with several producers or consumers this word is the only truth. A
//! single compare-and-swap takes the slot *and* names who took it, so a slot is
//! never held by nobody, and whoever finds its holder dead knows what to do.
//!
//! ```text
//! 63      32 31            15 14      3 2     0
//! [ lap 32  | incarnation 17 | row 12  | state 3 ]
//!
//! FREE(l) ──claim──▶ WRITING(who, l) ──commit──▶ FULL(l) ──read──▶ READING(who, l) ──release──▶ FREE(l + 1)
//!                          │ abort, or who died                          │ who died
//!                          ▼                                             ▼
//!                      FREE(l + 1)                                   ORPHAN(l) ──adopt──▶ READING(other, l)
//! ```
//!
//! A lap is how often positions went round before this one, modulo 2^32. A place
//! that is given up becomes free for the next lap, and everybody passes it: there
//! is no state for a place that was lost. For places that are taken from whoever holds
//! the slot, see [`strict`](crate::strict).

use crate::error::Corrupt;
use crate::machine::Machine;
use crate::peer::{ROW_BITS, STATE_BITS, Who};
use crate::position::Position;
use core::fmt;

/// The words of one slot. In a file this is the layout itself.
#[repr(C)]
pub struct SlotWords<M: Machine> {
    /// See [`SlotWord`]. Moved by compare-and-swap by whoever takes the slot or passes its
    /// place, and by its holder; once that one is dead, by anybody.
    pub state: M::U64,
    /// See [`Fate`]. Stored by the slot's holder alone.
    pub fate: M::U64,
}

impl<M: Machine> SlotWords<M> {
    /// The words of a slot in this state, of which no message was dropped yet.
    pub fn new(state: SlotWord, word: impl Fn(u64) -> M::U64) -> Self {
        Self { state: word(state.bits()), fate: word(0) }
    }
}

/// What may be done with a slot in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody's: may be claimed for the lap.
    Free,
    /// Its holder fills it.
    Writing,
    /// Nobody's: a message, to be read.
    Full,
    /// Its holder reads it.
    Reading,
    /// Nobody's: a message whose reader died, to be read again.
    Orphan,
    /// Its holder fills it, and has lost its place: see [`strict`](crate::strict).
    Void,
}

const FREE: u64 = 1;
const WRITING: u64 = 2;
const FULL: u64 = 3;
const READING: u64 = 4;
const ORPHAN: u64 = 5;
const VOID: u64 = 6;

const LAP_SHIFT: u32 = 32;
const STATE_MASK: u64 = (1 << STATE_BITS) - 1;
const WHO_MASK: u64 = (1 << LAP_SHIFT) - 1 - STATE_MASK;
const INCARNATION_MASK: u64 = (1 << LAP_SHIFT) - (1 << (STATE_BITS + ROW_BITS));

/// The value of [`SlotWords::state`]. Zero is none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SlotWord(u64);

impl SlotWord {
    /// The slot of this index in an empty lane whose first message will stand at `first`.
    #[must_use]
    pub const fn first(index: u64, capacity: u64, first: Position) -> Self {
        let ahead = Position::new(index).since(first) & (capacity - 1);
        Self::free(lap_of(first.plus(ahead), capacity))
    }

    /// A slot that may be claimed for this lap.
    #[inline(always)]
    #[must_use]
    pub const fn free(lap: u32) -> Self {
        Self((lap as u64) << LAP_SHIFT | FREE)
    }

    #[inline(always)]
    pub(crate) const fn full(lap: u32) -> Self {
        Self((lap as u64) << LAP_SHIFT | FULL)
    }

    #[inline(always)]
    pub(crate) const fn orphan(lap: u32) -> Self {
        Self((lap as u64) << LAP_SHIFT | ORPHAN)
    }

    #[inline(always)]
    pub(crate) const fn writing(lap: u32, who: Who) -> Self {
        Self((lap as u64) << LAP_SHIFT | (who.bits() as u64) << STATE_BITS | WRITING)
    }

    #[inline(always)]
    pub(crate) const fn reading(lap: u32, who: Who) -> Self {
        Self((lap as u64) << LAP_SHIFT | (who.bits() as u64) << STATE_BITS | READING)
    }

    /// A word as it was loaded.
    #[inline(always)]
    #[must_use]
    pub const fn new(bits: u64) -> Self {
        Self(bits)
    }

    /// The word as it is stored.
    #[inline(always)]
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The lap that the state is of.
    #[inline(always)]
    #[must_use]
    pub const fn lap(self) -> u32 {
        (self.0 >> LAP_SHIFT) as u32
    }

    /// The lap after it.
    #[inline(always)]
    pub(crate) const fn next_lap(self) -> u32 {
        self.lap().wrapping_add(1)
    }

    /// The same slot with its place taken from it, if it is being written.
    pub(crate) const fn passed_here(self) -> Self {
        match self.0 & STATE_MASK {
            WRITING => Self(self.0 & !STATE_MASK | VOID),
            _ => self,
        }
    }

    /// The same slot one lap later.
    pub(crate) const fn passed(self) -> Self {
        Self(self.passed_here().0.wrapping_add(1 << LAP_SHIFT))
    }

    /// The state.
    ///
    /// # Errors
    /// [`Corrupt`] if there is no such state, a holder where there can be none, or none
    /// where there must be one.
    #[inline(always)]
    pub const fn state(self) -> Result<State, Corrupt> {
        let nobody = self.0 & WHO_MASK == 0;
        // Incarnations begin at 1.
        let somebody = self.0 & INCARNATION_MASK != 0;
        match self.0 & STATE_MASK {
            FREE if nobody => Ok(State::Free),
            WRITING if somebody => Ok(State::Writing),
            FULL if nobody => Ok(State::Full),
            READING if somebody => Ok(State::Reading),
            ORPHAN if nobody => Ok(State::Orphan),
            VOID if somebody => Ok(State::Void),
            _ => Err(Corrupt),
        }
    }

    /// Who holds a slot that is being written or read.
    #[must_use]
    pub const fn holder(self) -> Option<Who> {
        let who = Who::from_bits(((self.0 & WHO_MASK) >> STATE_BITS) as u32);
        match self.0 & STATE_MASK {
            WRITING | VOID | READING => Some(who),
            _ => None,
        }
    }
}

impl fmt::Debug for SlotWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of lap {}", self.state(), self.lap())?;
        match self.holder() {
            Some(who) => write!(f, " by {who:?}"),
            None => Ok(()),
        }
    }
}

/// Which lap of a slot a position is in, modulo 2^32. `capacity` is a power of two.
#[inline(always)]
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "laps are counted modulo 2^32")]
pub const fn lap_of(position: Position, capacity: u64) -> u32 {
    (position.count() >> capacity.trailing_zeros()) as u32
}

/// What became of messages in this slot; the value of [`SlotWords::fate`].
///
/// ```text
/// 63  32 31          24 23                0
/// [ zero | deliveries 8 | dropped 24         ]
/// ```
///
/// Stored by the slot's holder alone, and by each before it goes on, so that what
/// is counted is counted once, whoever is killed: a successor finds that this step was
/// done. Who commits a message clears what is said about the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// How often the message in the slot was delivered again; 255: it was dropped.
    pub deliveries: u8,
    /// How many messages this slot has dropped in all; modulo 2^24.
    pub dropped: u32,
}

/// In place of the number of deliveries: this message was dropped.
const DROPPED: u8 = u8::MAX;
/// The most deliveries that can be asked for.
pub const REDELIVERIES_MAX: u8 = DROPPED - 1;
const DROPPED_TOTAL_MASK: u32 = (1 << 24) - 1;

impl Fate {
    /// The fate in a word as it was loaded.
    #[must_use]
    pub const fn new(bits: u64) -> Self {
        let [d0, d1, d2, deliveries, ..] = bits.to_le_bytes();
        Self { deliveries, dropped: u32::from_le_bytes([d0, d1, d2, 0]) }
    }

    /// The word as it is stored.
    #[must_use]
    pub const fn bits(self) -> u64 {
        (self.deliveries as u64) << 24 | self.dropped as u64
    }

    /// A new message stands in the slot.
    pub(crate) const fn cleared(self) -> Self {
        Self { deliveries: 0, ..self }
    }

    /// One delivery more.
    pub(crate) const fn delivered(self) -> Self {
        Self { deliveries: self.deliveries.saturating_add(1), ..self }
    }

    /// The message was dropped; the same again if that was noted before.
    pub(crate) const fn dropped(self) -> Self {
        if self.deliveries == DROPPED {
            return self;
        }
        Self { deliveries: DROPPED, dropped: (self.dropped + 1) & DROPPED_TOTAL_MASK }
    }
}

impl<M: Machine> fmt::Debug for SlotWords<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlotWords").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_a_state_or_corrupt() {
        let who = Who::new(7, 3);
        for lap in [0, 1, u32::MAX] {
            assert_eq!(SlotWord::free(lap).state(), Ok(State::Free));
            assert_eq!(SlotWord::full(lap).state(), Ok(State::Full));
            assert_eq!(SlotWord::orphan(lap).state(), Ok(State::Orphan));
            for (word, state) in [
                (SlotWord::writing(lap, who), State::Writing),
                (SlotWord::reading(lap, who), State::Reading),
                (SlotWord::writing(lap, who).passed_here(), State::Void),
            ] {
                assert_eq!((word.state(), word.holder()), (Ok(state), Some(who)));
                assert_eq!(word.lap(), lap);
            }
            for wrong in [0, 7] {
                assert_eq!(SlotWord::new(u64::from(lap) << 32 | wrong).state(), Err(Corrupt));
            }
            // Held by nobody, or by nobody that ever was; free, and held by somebody.
            assert_eq!(SlotWord::new(u64::from(lap) << 32 | 8 | READING).state(), Err(Corrupt));
            assert_eq!(SlotWord::new(u64::from(lap) << 32 | WRITING).state(), Err(Corrupt));
            assert_eq!(SlotWord::new(SlotWord::free(lap).bits() | 8).state(), Err(Corrupt));
        }
    }

    #[test]
    fn a_place_that_is_passed_stays_with_whoever_holds_the_slot() {
        let who = Who::new(7, 3);
        for (lap, next) in [(0, 1), (u32::MAX, 0)] {
            for held in [SlotWord::writing(lap, who), SlotWord::writing(lap, who).passed_here()] {
                let passed = held.passed();
                assert_eq!((passed.state(), passed.lap()), (Ok(State::Void), next));
                assert_eq!(passed.holder(), Some(who));
            }
            assert_eq!(SlotWord::reading(lap, who).passed(), SlotWord::reading(next, who));
            assert_eq!(SlotWord::orphan(lap).passed(), SlotWord::orphan(next));
            assert_eq!(SlotWord::free(lap).passed(), SlotWord::free(next));
        }
    }

    #[test]
    fn laps_follow_positions_across_every_wrap() {
        for capacity in [64, 1 << 32] {
            for position in [0, capacity - 1, (1 << 32) - 1, u64::MAX] {
                let here = Position::new(position);
                let later = here.plus(capacity);
                assert_eq!(lap_of(later, capacity), lap_of(here, capacity).wrapping_add(1));
            }
        }
    }

    #[test]
    fn a_fate_counts_each_step_of_a_message_once() {
        let twice = Fate::new(0).delivered().delivered();
        assert_eq!(twice, Fate { deliveries: 2, dropped: 0 });
        assert_eq!(Fate::new(twice.bits()), twice);
        let dropped = twice.dropped();
        assert_eq!(dropped.dropped(), dropped);
        assert!(dropped.delivered().deliveries > REDELIVERIES_MAX, "dropped for good");
        assert_eq!(dropped.cleared(), Fate { deliveries: 0, dropped: 1 });
        assert_eq!(dropped.cleared().dropped().dropped, 2);
        let full = Fate { deliveries: 0, dropped: DROPPED_TOTAL_MASK };
        assert_eq!(Fate::new(full.dropped().bits()).dropped, 0);
    }
}
