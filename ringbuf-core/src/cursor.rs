//! A peer's own place in the order of a lane, and the hint that all share.
//!
//! Everybody walks on from where it is, over places that are taken, and moves the
//! shared hint along only every few of them. Who follows the hint finds the slots
//! before it as those found them who moved it there; so a word that cannot be true can
//! be told from one that is merely old.

use crate::error::Corrupt;
use crate::machine::{Machine, Word};
use crate::position::Position;
use crate::slot::{SlotWord, State};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// A peer's private place in the order.
#[derive(Debug)]
pub(crate) struct Cursor {
    pub(crate) at: Position,
    /// A former value of the shared hint.
    hint: Position,
}

impl Cursor {
    pub(crate) fn new<M: Machine>(shared: &M::U64) -> Self {
        // edge ONWARD, acquire end: as in `catch_up`.
        let hint = Position::new(shared.load(Acquire));
        Self { at: hint, hint }
    }

    /// One place on; now and then, the shared hint as well.
    #[inline(always)]
    pub(crate) fn pass<M: Machine>(&mut self, shared: &M::U64, lazy: u64) {
        self.at = self.at.plus(1);
        // At the same place or behind it: nothing to say.
        if self.at.since(self.hint).cast_signed() >= lazy.cast_signed() {
            self.say::<M>(shared);
        }
    }

    fn say<M: Machine>(&mut self, shared: &M::U64) {
        // edge ONWARD, release end: who follows the hint finds the places before it as
        // we found them, taken.
        // Relaxed otherwise: `catch_up` looks again.
        let said = shared.compare_exchange(self.hint.count(), self.at.count(), Release, Relaxed);
        self.hint = match said {
            Ok(_) => self.at,
            Err(found) => Position::new(found),
        };
    }

    /// One place on, because this one is taken; or as far as others have got.
    #[cold]
    pub(crate) fn follow<M: Machine>(&mut self, shared: &M::U64, lazy: u64) {
        self.pass::<M>(shared, lazy);
        self.catch_up::<M>(shared);
    }

    /// As far as others have got; whether that is any further.
    #[cold]
    pub(crate) fn catch_up<M: Machine>(&mut self, shared: &M::U64) -> bool {
        // edge ONWARD, acquire end: every place before the hint is taken for us too.
        self.hint = Position::new(shared.load(Acquire));
        let is_further = self.hint.since(self.at).cast_signed() > 0;
        if is_further {
            self.at = self.hint;
        }
        is_further
    }
}

/// A slot, seen from a place in the order.
pub(crate) enum Seen {
    /// Still of the lap before.
    Before,
    /// Of this lap.
    Here(State),
    /// Of a lap to come: this place is over.
    Later,
    /// Of no lap near this one: we were away while half of all laps passed, and the
    /// hint is further; or the word cannot be true.
    Far,
}

/// # Errors
/// [`Corrupt`] for a word that cannot stand in a slot.
#[inline(always)]
pub(crate) fn seen(word: SlotWord, lap: u32) -> Result<Seen, Corrupt> {
    let state = word.state()?;
    match word.lap().wrapping_sub(lap).cast_signed() {
        0 => Ok(Seen::Here(state)),
        -1 => Ok(Seen::Before),
        1.. => Ok(Seen::Later),
        // Whoever gets here has passed this slot a lap before, or follows one who has.
        _ => Ok(Seen::Far),
    }
}
