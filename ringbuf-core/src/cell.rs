//! Which slot somebody looks at, said before they look.
//!
//! ```text
//! 63      32 31            15 14      3 2     0
//! [ slot + 1 | incarnation 17 | row 12  | state 3 ]
//!
//! FREE ──take──▶ TAKEN(who, none) ──look──▶ TAKEN(who, slot) ──release──▶ TAKEN(who, none)
//!   ▲                  │ leave; or who died, also from TAKEN(who, slot)
//!   └──────────────────┘
//! ```
//!
//! A slot that any cell names is not written to. A cell is taken by compare-and-swap,
//! by one who comes to look; from then on it is its owner's alone to store. Once that
//! one is dead, anybody may free it, by exchanging exactly the word whose owner was
//! asked about.

use crate::machine::{Line, Machine, Word};
use crate::peer::{Liveness, STATE_BITS, Who};
use core::sync::atomic::Ordering::{Relaxed, Release};

const FREE: u64 = 1;
const TAKEN: u64 = 2;
const STATE_MASK: u64 = (1 << STATE_BITS) - 1;
const SLOT_SHIFT: u32 = 32;

/// The value of a cell. Zero is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellWord(u64);

impl CellWord {
    /// Nobody's.
    pub const FREE: Self = Self(FREE);

    /// Taken by `who`, who looks at this slot, or at none.
    #[inline(always)]
    #[must_use]
    pub const fn taken(who: Who, slot: Option<u32>) -> Self {
        let slot = match slot {
            Some(slot) => slot as u64 + 1,
            None => 0,
        };
        Self(slot << SLOT_SHIFT | (who.bits() as u64) << STATE_BITS | TAKEN)
    }

    /// A cell as it was loaded.
    #[inline(always)]
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The cell as it is stored.
    #[inline(always)]
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The slot that is looked at.
    #[inline(always)]
    #[must_use]
    pub const fn slot(self) -> Option<u32> {
        ((self.0 >> SLOT_SHIFT) as u32).checked_sub(1)
    }

    /// Whose it is.
    #[must_use]
    pub const fn owner(self) -> Option<Who> {
        if self.0 & STATE_MASK == TAKEN { Some(Who::in_word(self.0)) } else { None }
    }
}

/// Takes free cells for `who` until `taken` is full; how many there were.
///
/// They are for one who [joins](crate::subscriber::Subscriber::join) next.
pub fn take_cells<M: Machine>(cells: &[Line<M::U64>], who: Who, taken: &mut [u32]) -> usize {
    let mut count = 0;
    for (number, cell) in (0..).zip(cells) {
        if count == taken.len() {
            break;
        }
        let (free, mine) = (CellWord::FREE.bits(), CellWord::taken(who, None).bits());
        // Relaxed, both: the fence of joining (edge JOIN) comes before our first look, so
        // who sees our later stores sees that the one before us has stopped looking.
        if cell.compare_exchange(free, mine, Relaxed, Relaxed).is_ok() {
            taken[count] = number;
            count += 1;
        }
    }
    count
}

/// Says which slot the owner of a cell looks at.
#[inline(always)]
pub fn look_at<M: Machine>(cell: &M::U64, who: Who, slot: Option<u32>) {
    // edge UNCOVER, release end: whatever was looked at with it before is over.
    cell.store(CellWord::taken(who, slot).bits(), Release);
}

/// Gives up a cell of the caller's own, which looks at nothing any more.
pub fn free_cell<M: Machine>(cell: &M::U64) {
    // edge UNCOVER, release end.
    cell.store(CellWord::FREE.bits(), Release);
}

/// Frees the cells of the dead; how many. `own`: who does not ask about itself.
pub fn sweep_cells<M: Machine>(cells: &[Line<M::U64>], own: Who, locks: &impl Liveness) -> usize {
    let mut freed = 0;
    for cell in cells {
        // Relaxed: the exchange confirms it.
        let found = cell.load(Relaxed);
        let Some(who) = CellWord::from_bits(found).owner() else { continue };
        // edge SUCCEED: the kernel frees a lock after the last look of who held it.
        if who == own || locks.is_held(who) {
            continue;
        }
        // edge UNCOVER, release end. Relaxed otherwise: somebody else freed it.
        if cell.compare_exchange(found, CellWord::FREE.bits(), Release, Relaxed).is_ok() {
            freed += 1;
        }
    }
    freed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_names_its_owner_and_its_slot() {
        let who = Who::new(7, 3);
        for slot in [None, Some(0), Some(u32::MAX - 1)] {
            let cell = CellWord::taken(who, slot);
            assert_eq!((cell.owner(), cell.slot()), (Some(who), slot));
        }
        assert_eq!((CellWord::FREE.owner(), CellWord::FREE.slot()), (None, None));
        assert_eq!(CellWord::from_bits(0).owner(), None);
    }
}
