//! What the dead have left in a lane, and what the living make of it.
//!
//! A slot that a dead peer was writing becomes free for the next lap: its message was
//! never committed. A slot that a dead peer was reading becomes an orphan, which the
//! next consumer adopts.
//!
//! Anybody may sweep, at any time, any number at once, and die or stall over it. Each
//! slot is one step: load its word, ask the kernel whether the peer that it names is
//! dead, exchange exactly that word. Where the exchange fails the answer is of no use
//! any more: load, and ask again. An identity never comes back, so a late exchange by
//! one who stalled is either still right or fails.

use crate::error::Corrupt;
use crate::lane::Lane;
use crate::machine::{Machine, Row, Word};
use crate::peer::{Liveness, Who};
use crate::slot::{SlotWord, SlotWords, State};
use core::ops::Range;
use core::sync::atomic::Ordering::{Relaxed, Release};

/// How often a slot is looked at whose word keeps changing. Each change but the last
/// is somebody else's doing, and the last one may not be that of a dead peer: such a
/// slot is left to the next sweep.
const LOOKS_MAX: u32 = 64;
/// How often an announcement is tried. Each failure is somebody else's announcement,
/// which may be older than our orphan; after so many, the next sweep announces it.
const ANNOUNCE_TRIES_MAX: u32 = 64;

/// What a sweep found and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Places that dead producers had claimed, free now.
    pub freed: u64,
    /// Messages that dead consumers had taken, to be read again.
    pub orphaned: u64,
    /// Whether there is a message that nobody has taken, of whomever.
    pub ready: bool,
}

/// What a slot was found to be, and is now.
enum Left {
    Nothing,
    Message,
    Freed,
    Orphaned,
    /// It was an orphan before we came.
    Orphan,
}

impl<M: Machine, R: Row<Word = SlotWords<M>> + Copy> Lane<'_, M, R> {
    /// Gives up every slot that a dead peer holds, on behalf of `me`, which is never
    /// asked about.
    ///
    /// The caller then marks the lane if there is a message, and notifies both sides if
    /// there was anything.
    ///
    /// # Errors
    /// [`Corrupt`] if a slot's word cannot be true; what was swept stays swept.
    pub fn sweep<L: Liveness>(&self, me: Who, locks: &L) -> Result<Swept, Corrupt> {
        self.sweep_part(0..self.capacity(), me, locks)
    }

    /// As [`sweep`](Self::sweep), of these slots only; all of them are in the lane.
    ///
    /// # Errors
    /// As [`sweep`](Self::sweep).
    pub fn sweep_part<L: Liveness>(
        &self,
        slots: Range<u64>,
        me: Who,
        locks: &L,
    ) -> Result<Swept, Corrupt> {
        let mut swept = Swept::default();
        let mut orphans = false;
        let mut outcome = Ok(());
        for index in slots {
            match self.sweep_slot(index, me, locks) {
                Ok(Left::Nothing) => {}
                Ok(Left::Message) => swept.ready = true,
                Ok(Left::Freed) => swept.freed += 1,
                Ok(Left::Orphaned) => {
                    swept.orphaned += 1;
                    orphans = true;
                }
                // Who left it may have died before it was announced.
                Ok(Left::Orphan) => orphans = true,
                Err(corrupt) => outcome = Err(corrupt),
            }
        }
        if orphans {
            swept.ready = true;
            self.announce_orphans();
        }
        outcome.map(|()| swept)
    }

    fn sweep_slot<L: Liveness>(&self, index: u64, me: Who, locks: &L) -> Result<Left, Corrupt> {
        let state = &self.slot(index).state;
        // Relaxed: the exchange confirms it.
        let mut word = SlotWord::new(state.load(Relaxed));
        for _ in 0..LOOKS_MAX {
            let (next, left) = match word.state()? {
                State::Free => return Ok(Left::Nothing),
                State::Full => return Ok(Left::Message),
                State::Orphan => return Ok(Left::Orphan),
                State::Writing | State::Void => (SlotWord::free(word.next_lap()), Left::Freed),
                State::Reading => (SlotWord::orphan(word.lap()), Left::Orphaned),
            };
            // edge SUCCEED: the kernel freed the lock after the last instruction of
            // the one who died.
            if word.holder().is_none_or(|holder| holder == me || locks.is_held(holder)) {
                return Ok(Left::Nothing);
            }
            // edge VACATE, release end: what the dead one did with this slot is over
            // for who takes it next.
            // Relaxed otherwise: the word that was found is asked about anew.
            match state.compare_exchange(word.bits(), next.bits(), Release, Relaxed) {
                Ok(_) => return Ok(left),
                Err(found) => word = SlotWord::new(found),
            }
        }
        Ok(Left::Nothing)
    }

    /// Makes every consumer search. After the orphans were left: a consumer takes note
    /// of this word before it searches.
    fn announce_orphans(&self) {
        for _ in 0..ANNOUNCE_TRIES_MAX {
            // Relaxed: the exchange confirms it.
            let before = self.words.notices.orphans.load(Relaxed);
            let after = before.wrapping_add(1);
            // edge ORPHANED, release end: who sees this finds the orphans.
            // Relaxed otherwise: we try again.
            if self.words.notices.orphans.compare_exchange(before, after, Release, Relaxed).is_ok()
            {
                return;
            }
            self.machine.spin();
        }
    }
}
