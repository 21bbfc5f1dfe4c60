//! Who is attached, who is dead, and who takes over.
//!
//! Every attached handle is a peer. It has a row, on which a state word stands,
//! and an identity: [`Who`], its row and the incarnation of that row. The kernel
//! holds a lock on that identity for as long as the peer's process keeps its
//! descriptor, so *dead* is something the kernel says and never a guess from
//! elapsed time: a stopped process still holds its lock.
//!
//! The lock is on the identity, not on the row. A newcomer in a dead peer's row
//! holds another lock, so whoever asks about the dead one gets the right answer
//! however late it asks.
//!
//! A newcomer holds the row's attach lock while it looks and takes, so that an
//! identity is locked by at most one process ever: one that stalls in the middle
//! keeps others from this row while it lives, and no longer.
//!
//! ```text
//! EMPTY ──take──▶ HELD(who) ──leave──▶ LEFT(who) ──take──▶ HELD(who + 1)
//!                     └─────────── its lock is free: take ──────▲
//! ```
//!
//! What this does not do: it does not lock. [`Locks`] does, over files or in a model.

use crate::error::{Corrupt, SeatError};
use crate::machine::{Machine, Word};
use core::fmt;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// Bits of a [`Who`] that name the row.
pub const ROW_BITS: u32 = 12;
/// Bits of a [`Who`] that name the incarnation of the row.
pub const INCARNATION_BITS: u32 = 17;
/// Bits of a row word that name its state.
pub const STATE_BITS: u32 = 3;
/// The most rows of a ring.
pub const ROWS_MAX: u32 = 1 << ROW_BITS;

const ROW_MASK: u32 = ROWS_MAX - 1;
const INCARNATION_MASK: u32 = (1 << INCARNATION_BITS) - 1;
const STATE_MASK: u64 = (1 << STATE_BITS) - 1;

const EMPTY: u64 = 1;
const HELD: u64 = 2;
const LEFT: u64 = 3;

/// One peer, for ever: a row and the incarnation of it.
///
/// ```text
/// 28               12 11       0
/// [ incarnation 17  |  row 12  ]
/// ```
///
/// Incarnations begin at 1 and skip 0 when they wrap; an identity comes back
/// after 131,071 takings of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Who(u32);

impl Who {
    /// The peer of this incarnation of a row; `row` is below [`ROWS_MAX`].
    #[must_use]
    pub const fn new(row: u32, incarnation: u32) -> Self {
        assert!(row < ROWS_MAX && incarnation <= INCARNATION_MASK);
        Self(incarnation << ROW_BITS | row)
    }

    /// The row.
    #[must_use]
    pub const fn row(self) -> u32 {
        self.0 & ROW_MASK
    }

    /// How often the row was taken, this time included; modulo 2^17 - 1.
    #[must_use]
    pub const fn incarnation(self) -> u32 {
        self.0 >> ROW_BITS
    }

    /// The bits as they stand in shared words and in lock offsets.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The identity in a word that has a state in its lowest bits and something else above
    /// bit 31.
    #[expect(clippy::cast_possible_truncation, reason = "the upper half is not of it")]
    pub(crate) const fn in_word(word: u64) -> Self {
        Self::from_bits(word as u32 >> STATE_BITS)
    }

    /// The identity with these bits, as they stood in a shared word; more than 29 of
    /// them are not looked at.
    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self(bits & (INCARNATION_MASK << ROW_BITS | ROW_MASK))
    }

    const fn successor(self) -> Self {
        let next = (self.incarnation() + 1) & INCARNATION_MASK;
        Self::new(self.row(), if next == 0 { 1 } else { next })
    }
}

/// The words of one row. In a file this is the layout itself.
#[repr(C, align(128))]
pub struct RowWords<M: Machine> {
    /// `[zero 32 | who 29 | state 3]`. Moved to `HELD` by compare-and-swap by who
    /// holds the row's attach lock, to `LEFT` by a store of its owner.
    pub state: M::U64,
    /// When the row was taken, nanoseconds of the monotonic clock. For people.
    pub since: M::U64,
    /// The process id that the owner sees of itself. For people: it means nothing
    /// in another PID namespace, and nothing is concluded from it.
    pub pid: M::U32,
}

/// The value of [`RowWords::state`] in a row that nobody ever took.
pub const STATE_EMPTY: u64 = EMPTY;

const fn state_word(who: Who, state: u64) -> u64 {
    (who.0 as u64) << STATE_BITS | state
}

/// Who knows whether a peer lives.
pub trait Liveness {
    /// Whether somebody else holds the lock of this identity. True when the kernel
    /// has no answer: nobody alive may be taken for dead.
    fn is_held(&self, who: Who) -> bool;
}

/// Kernel locks on identities and rows.
pub trait Locks: Liveness {
    /// Held while a newcomer looks at a row and takes it; given up when dropped,
    /// and when its process dies.
    type Attach;
    /// Why the kernel refused to answer.
    type Error;

    /// Locks a row against other newcomers; `None` if one is there.
    ///
    /// # Errors
    /// When the kernel has no answer.
    fn attach(&self, row: u32) -> Result<Option<Self::Attach>, Self::Error>;

    /// Locks an identity for as long as this process keeps the descriptor; false
    /// if it is locked.
    ///
    /// # Errors
    /// When the kernel has no answer.
    fn take(&self, who: Who) -> Result<bool, Self::Error>;
}

/// How the last holder of a seat went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Predecessor {
    /// There was none.
    None,
    /// It closed its handle.
    Left,
    /// It died.
    Died,
}

/// A seat that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Who sits there now.
    pub who: Who,
    /// How the last one went.
    pub predecessor: Predecessor,
}

/// Whether somebody sits on a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Nobody ever did.
    Absent,
    /// Yes, and its process lives (perhaps stopped).
    Alive,
    /// Its last holder closed its handle.
    Closed,
    /// Its last holder died.
    Dead,
}

impl<M: Machine> RowWords<M> {
    /// Takes the seat of this row, which is number `row`.
    ///
    /// A living holder keeps it, a dead one loses it; one that closed it is
    /// followed only if `reopen`.
    ///
    /// # Errors
    /// [`SeatError::InUse`], [`SeatError::Closed`], [`SeatError::Corrupt`],
    /// [`SeatError::Lock`].
    pub fn take<L: Locks>(
        &self,
        row: u32,
        reopen: bool,
        locks: &L,
    ) -> Result<Seat, SeatError<L::Error>> {
        let Some(_attach) = locks.attach(row).map_err(SeatError::Lock)? else {
            return Err(SeatError::InUse);
        };
        // edge CLOSE, acquire end: all that the one who left had stored.
        let found = self.state.load(Acquire);
        let (last, state) = decode(found, row)?;
        let predecessor = match state {
            EMPTY => Predecessor::None,
            LEFT if reopen => Predecessor::Left,
            LEFT => return Err(SeatError::Closed),
            // edge SUCCEED: the kernel freed the lock after the last instruction
            // of the one who died.
            _ if locks.is_held(last) => return Err(SeatError::InUse),
            _ => Predecessor::Died,
        };
        let who = last.successor();
        // Lock first: whoever reads our name on the row finds it locked.
        if !locks.take(who).map_err(SeatError::Lock)? {
            return Err(SeatError::InUse);
        }
        let held = state_word(who, HELD);
        // Relaxed, both: nothing is read on the strength of this value but the lock.
        match self.state.compare_exchange(found, held, Relaxed, Relaxed) {
            Ok(_) => Ok(Seat { who, predecessor }),
            Err(_) => Err(SeatError::InUse),
        }
    }

    /// Says that `who` closed its handle. The last store of a peer; its lock is
    /// given up after it.
    pub fn leave(&self, who: Who) {
        // edge CLOSE, release end: whoever sees that we left sees all we stored.
        self.state.store(state_word(who, LEFT), Release);
    }

    /// Whether the last holder closed its handle, by a look at the word alone.
    #[inline]
    #[must_use]
    pub fn has_left(&self) -> bool {
        // edge CLOSE, acquire end: a look at the ring after this one sees
        // everything that the one who left had committed or released.
        self.state.load(Acquire) & STATE_MASK == LEFT
    }

    /// Whether nobody ever sat here, by a look at the word alone.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        // Relaxed: a newcomer is seen or not, nothing rests on it.
        self.state.load(Relaxed) == STATE_EMPTY
    }

    /// Whether somebody sits on this row, which is number `row`.
    ///
    /// Never asks about the caller's own identity: the kernel does not show a
    /// descriptor the locks it holds itself.
    ///
    /// # Errors
    /// [`Corrupt`] if the word cannot be true.
    pub fn presence<L: Liveness>(&self, row: u32, locks: &L) -> Result<Presence, Corrupt> {
        // edge CLOSE, acquire end: as in `has_left`.
        let (who, state) = decode(self.state.load(Acquire), row)?;
        Ok(match state {
            EMPTY => Presence::Absent,
            LEFT => Presence::Closed,
            // edge SUCCEED: as in `take`.
            _ if locks.is_held(who) => Presence::Alive,
            _ => self.presence_of_unlocked(row, who)?,
        })
    }

    /// A lock that is free when we ask may have been given up since we looked, by
    /// one who closed its handle. It said so first, so another look tells.
    fn presence_of_unlocked(&self, row: u32, who: Who) -> Result<Presence, Corrupt> {
        // edge CLOSE, acquire end: as in `has_left`.
        Ok(match decode(self.state.load(Acquire), row)? {
            (same, HELD) if same == who => Presence::Dead,
            (_, LEFT) => Presence::Closed,
            // A successor took the row. Whether it lives is asked next time.
            _ => Presence::Alive,
        })
    }

    /// The last holder, if there ever was one and the word can be true.
    #[must_use]
    pub fn holder(&self, row: u32) -> Option<Who> {
        // Relaxed: for people; and for who looks for a newcomer, before and after looks
        // that acquire: it is the same word, and never goes back.
        match decode(self.state.load(Relaxed), row) {
            Ok((_, EMPTY)) | Err(Corrupt) => None,
            Ok((who, _)) => Some(who),
        }
    }
}

/// The identity and the state on a row word that was loaded from row `row`.
fn decode(word: u64, row: u32) -> Result<(Who, u64), Corrupt> {
    if word == STATE_EMPTY {
        return Ok((Who::new(row, 0), EMPTY));
    }
    let state = word & STATE_MASK;
    let who = Who(u32::try_from(word >> STATE_BITS).map_err(|_| Corrupt)?);
    if who.incarnation() > INCARNATION_MASK
        || who.row() != row
        || who.incarnation() == 0
        || !(state == HELD || state == LEFT)
    {
        return Err(Corrupt);
    }
    Ok((who, state))
}

impl<M: Machine> fmt::Debug for RowWords<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowWords").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_an_identity_or_corrupt() {
        for row in [0, 1, ROWS_MAX - 1] {
            assert_eq!(decode(0, row), Err(Corrupt));
            assert_eq!(decode(STATE_EMPTY, row), Ok((Who::new(row, 0), EMPTY)));
            let who = Who::new(row, 7);
            assert_eq!(decode(state_word(who, HELD), row), Ok((who, HELD)));
            assert_eq!(decode(state_word(who, LEFT), row), Ok((who, LEFT)));
            assert_eq!(decode(state_word(who, EMPTY), row), Err(Corrupt));
            assert_eq!(decode(state_word(who, HELD) | 1 << 32, row), Err(Corrupt));
            assert_eq!(decode(state_word(who, HELD), row ^ 1), Err(Corrupt));
            assert_eq!(decode(state_word(Who::new(row, 0), HELD), row), Err(Corrupt));
        }
    }

    #[test]
    fn incarnations_skip_zero_when_they_wrap() {
        let last = Who::new(5, INCARNATION_MASK);
        assert_eq!(last.successor(), Who::new(5, 1));
        assert_eq!(Who::new(5, 0).successor(), Who::new(5, 1));
    }
}
