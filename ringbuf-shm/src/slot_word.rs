//! The word of a slot of an `mpmc` ring, and its fate: what their bits say.
//!
//! ```text
//! 63      32 31         3 2     0      63      32 31         24 23        0
//! [ lap 32  | who 29     | state ]     [ lap 32  | deliveries 8 | dropped 24 ]
//! ```

use crate::header::Sides;
use ringbuf_core::peer::{ROW_BITS, STATE_BITS};

/// Nobody has it: room for the message of its lap.
const FREE: u64 = 1;
/// A producer writes to it.
const WRITING: u64 = 2;
/// A message, for whoever comes.
const FULL: u64 = 3;
/// A consumer reads it.
const READING: u64 = 4;
/// A message whose consumer died, for whoever comes.
const ORPHAN: u64 = 5;

const STATE_MASK: u64 = (1 << STATE_BITS) - 1;
const WHO_MASK: u64 = (1 << 29) - 1;
const ROW_MASK: u64 = (1 << ROW_BITS) - 1;
const DROPPED_MASK: u64 = (1 << 24) - 1;

/// What a slot is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotState {
    Free,
    Writing,
    Full,
    Reading,
    Orphan,
}

/// The word of a slot that is free for the message of this lap.
pub(crate) fn free(lap: u32) -> u64 {
    u64::from(lap) << 32 | FREE
}

/// What a word says that was loaded from a slot; `None` if no peer can have stored it.
pub(crate) fn decode(word: u64, sides: &Sides) -> Option<SlotState> {
    let who = word >> STATE_BITS & WHO_MASK;
    let (row, incarnation) = (who & ROW_MASK, who >> ROW_BITS);
    let producer = row < u64::from(sides.producer_rows());
    let seated = incarnation != 0 && row < u64::from(sides.rows());
    match word & STATE_MASK {
        FREE if who == 0 => Some(SlotState::Free),
        WRITING if seated && producer => Some(SlotState::Writing),
        FULL if who == 0 => Some(SlotState::Full),
        READING if seated && !producer => Some(SlotState::Reading),
        ORPHAN if who == 0 => Some(SlotState::Orphan),
        _ => None,
    }
}

/// How many messages of a slot were dropped, as its fate says.
pub(crate) fn dropped(fate: u64) -> u64 {
    fate & DROPPED_MASK
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringbuf_core::peer::Who;

    #[test]
    fn every_word_is_a_state_or_damage() {
        let sides = Sides::mpmc(1, 2, 3, 8).unwrap();
        let word = |lap: u64, row, incarnation, state| {
            lap << 32 | u64::from(Who::new(row, incarnation).bits()) << STATE_BITS | state
        };
        for lap in [0, 1, u64::from(u32::MAX)] {
            assert_eq!(decode(lap << 32, &sides), None);
            for (state, said) in
                [(FREE, SlotState::Free), (FULL, SlotState::Full), (ORPHAN, SlotState::Orphan)]
            {
                assert_eq!(decode(lap << 32 | state, &sides), Some(said));
                assert_eq!(decode(word(lap, 0, 1, state), &sides), None);
            }
            // Rows 0 and 1 are producers', 2 to 4 consumers'.
            for row in 0..=5 {
                let writing = (row < 2).then_some(SlotState::Writing);
                let reading = (2..5).contains(&row).then_some(SlotState::Reading);
                assert_eq!(decode(word(lap, row, 1, WRITING), &sides), writing);
                assert_eq!(decode(word(lap, row, 7, READING), &sides), reading);
                assert_eq!(decode(word(lap, row, 0, WRITING), &sides), None);
                assert_eq!(decode(word(lap, row, 0, READING), &sides), None);
            }
            for state in [0, 6, 7] {
                assert_eq!(decode(word(lap, 0, 0, state), &sides), None);
                assert_eq!(decode(word(lap, 2, 1, state), &sides), None);
            }
        }
    }
}
