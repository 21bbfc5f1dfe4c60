//! Strict: whoever is stopped loses its place in the order, and holds nobody up.
//!
//! A place and a slot are two things. A slot belongs to its holder until that one lets go
//! or dies; nobody else ever touches its payload. But the place at which the slot stands
//! in the order is only a number in its word, and who is blocked by it may raise that
//! number: it *passes* the place, and goes on to the next.
//!
//! ```text
//! WRITING(who, l) ──a consumer passes──▶ VOID(who, l)         a message that has no place now
//!        └────a producer passes──▶ VOID(who, l + 1)
//! VOID, READING, ORPHAN, FREE of lap l ──passed──▶ the same of lap l + 1
//! VOID(who, l) ──commit──▶ FULL(x), x > l
//! ```
//!
//! So every change of a word is a compare-and-swap of exactly the word that was seen,
//! those of its holder too. A holder whose exchange fails was passed, and tries again: a
//! commit never waits, copies nothing, and needs no room, since it has its slot.
//!
//! A place is passed only if that leads somewhere: a consumer passes for the sake of a
//! message that stands further on, a producer for that of a free slot. Without this rule
//! they would pass each other's places for ever. Where a message moved to is beyond what
//! producers have claimed, where consumers do not look: `far` tells them to.
//!
//! Modelled in `verification/models/slotword_strict.pml` before it was written.

use crate::cursor::Cursor;
use crate::error::Corrupt;
use crate::floor::Floor;
use crate::lane::{Claim, Lane, Progress};
use crate::machine::{Machine, Row, Word};
use crate::position::Position;
use crate::slot::{SlotWord, SlotWords, State, lap_of};
use core::sync::atomic::Ordering::{Relaxed, Release};

/// How often a holder that is passed by tries again, and who announces a place that
/// others announce too. Each failure is a lap of somebody else's, who got something by
/// it, just between our load and our exchange: so many in a row are no accident.
const TRIES_MAX: u32 = 1024;
/// How often one call looks through the slots for something worth passing places for.
const LOOKS_MAX: u32 = 64;

/// What a blocked peer does about a place that somebody holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// It waits.
    Await,
    /// It passes, if that leads somewhere.
    Pass,
}

/// How one call walks from place to place.
#[derive(Debug)]
pub(crate) struct Walk {
    held: Held,
    steps: u64,
    looks: u32,
    /// Where there was something worth passing places for, when we looked.
    target: Option<Position>,
}

impl Walk {
    #[inline(always)]
    pub(crate) fn new(held: Held) -> Self {
        Self { held, steps: 0, looks: 0, target: None }
    }

    /// Whether it has gone so many steps; otherwise, one more.
    pub(crate) fn has_taken(&mut self, steps_max: u64) -> bool {
        self.steps += 1;
        self.steps > steps_max
    }

    fn leads_beyond(&self, place: Position) -> bool {
        self.target.is_some_and(|target| target.since(place).cast_signed() > 0)
    }
}

impl<M: Machine, R: Row<Word = SlotWords<M>> + Copy> Lane<'_, M, R> {
    /// Commits a claim whose slot was found with this word, at the first place of the slot
    /// that it may have.
    #[cold]
    pub(crate) fn commit_further(
        &self,
        claim: &Claim,
        mut word: SlotWord,
        floor: &Floor,
    ) -> Result<(), Corrupt> {
        for _ in 0..TRIES_MAX {
            let laps = word.lap().wrapping_sub(claim.word.lap());
            let passed = match word.state()? {
                State::Writing => 0,
                State::Void => 1,
                _ => return Err(Corrupt),
            };
            if word.holder() != claim.word.holder() || laps.cast_signed() < 0 {
                return Err(Corrupt);
            }
            let capacity = self.capacity();
            let laps = (u64::from(laps) + passed).max(floor.laps(claim.place, capacity));
            let place = claim.place.plus(laps.wrapping_mul(capacity));
            // Before the exchange: who is stopped in between has done no harm.
            self.announce_far(place.plus(1))?;
            let full = SlotWord::full(lap_of(place, capacity)).bits();
            // edge FILL, release end: as in `commit`.
            // Relaxed otherwise: as there.
            match self.slot(claim.index).state.compare_exchange(word.bits(), full, Release, Relaxed)
            {
                Ok(_) => {
                    floor.raise(claim.place, laps, capacity);
                    return Ok(());
                }
                Err(found) => word = SlotWord::new(found),
            }
        }
        Err(Corrupt)
    }

    /// Makes consumers look as far as `place`, if they do not already.
    fn announce_far(&self, place: Position) -> Result<(), Corrupt> {
        let far = &self.words.notices.far;
        for _ in 0..TRIES_MAX {
            // Relaxed: the exchange confirms it, or it is far enough.
            let before = far.load(Relaxed);
            if place.since(Position::new(before)).cast_signed() <= 0 {
                return Ok(());
            }
            // Relaxed, both: it says where to look. What is found there carries its own
            // edge, and who goes to sleep looks again after a fence.
            if far.compare_exchange(before, place.count(), Relaxed, Relaxed).is_ok() {
                return Ok(());
            }
            self.machine.spin();
        }
        Err(Corrupt)
    }

    /// Gives back a slot that was found with another word than that which we gave it.
    ///
    /// A slot that is not ours any more is left alone: no correct peer can bring that about,
    /// and who comes to it finds the ring corrupt.
    #[cold]
    pub(crate) fn vacate_later(&self, index: u64, ours: SlotWord, mut word: SlotWord) {
        for _ in 0..TRIES_MAX {
            if word.holder() != ours.holder() {
                return;
            }
            let free = SlotWord::free(word.next_lap()).bits();
            // edge VACATE, release end: as in `vacate`.
            // Relaxed otherwise: as there.
            match self.slot(index).state.compare_exchange(word.bits(), free, Release, Relaxed) {
                Ok(_) => return,
                Err(found) => word = SlotWord::new(found),
            }
        }
    }

    /// Passes the place of a consumer, whose slot is not of it or is being written, if
    /// that leads to a message; whether it may.
    pub(crate) fn pass_to_message(
        &self,
        cursor: &Cursor,
        word: SlotWord,
        walk: &mut Walk,
    ) -> Result<bool, Corrupt> {
        if self.progress == Progress::Fast {
            return Ok(false);
        }
        let here = word.lap() == lap_of(cursor.at, self.capacity());
        let passed = match word.state()? {
            State::Writing if here && walk.held == Held::Pass => word.passed_here(),
            State::Free | State::Void | State::Reading | State::Orphan if self.is_near(cursor) => {
                word.passed()
            }
            _ => return Ok(false),
        };
        self.pass(cursor, word, passed, State::Full, walk)
    }

    /// Passes the place of a producer, whose slot is still in use for the lap before, if
    /// that leads to a free slot or to where it may write; whether it may.
    pub(crate) fn pass_to_room(
        &self,
        cursor: &Cursor,
        word: SlotWord,
        floor: &Floor,
        walk: &mut Walk,
    ) -> Result<bool, Corrupt> {
        if self.progress == Progress::Fast || matches!(word.state()?, State::Full | State::Free) {
            return Ok(false);
        }
        if floor.is_above(cursor.at) {
            self.pass_at_once(cursor, word);
            return Ok(true);
        }
        if walk.held == Held::Await {
            return Ok(false);
        }
        self.pass(cursor, word, word.passed(), State::Free, walk)
    }

    /// Passes a place at which a producer may not write.
    pub(crate) fn pass_at_once(&self, cursor: &Cursor, word: SlotWord) {
        self.exchange(cursor, word, word.passed());
    }

    fn pass(
        &self,
        cursor: &Cursor,
        word: SlotWord,
        passed: SlotWord,
        wanted: State,
        walk: &mut Walk,
    ) -> Result<bool, Corrupt> {
        if !walk.leads_beyond(cursor.at) {
            if walk.looks == LOOKS_MAX {
                // Whatever we were after was gone when we got there, again and again.
                return Ok(true);
            }
            walk.looks += 1;
            walk.target = self.look_beyond(cursor.at, wanted)?;
        }
        let leads = walk.target.is_some();
        if leads {
            self.exchange(cursor, word, passed);
        }
        Ok(leads)
    }

    fn exchange(&self, cursor: &Cursor, word: SlotWord, passed: SlotWord) {
        let state = &self.slot(cursor.at.index(self.capacity())).state;
        // Relaxed, both: we read and wrote nothing in the slot, and what others published
        // with the word before goes on with this one. If it fails, somebody else was faster.
        let _ = state.compare_exchange(word.bits(), passed.bits(), Relaxed, Relaxed);
    }

    /// Whether consumers are to look at this place though nobody has claimed it.
    fn is_near(&self, cursor: &Cursor) -> bool {
        // Relaxed: see `announce_far`.
        let far = Position::new(self.words.notices.far.load(Relaxed));
        far.since(cursor.at).cast_signed() > 0
    }

    /// Looks for a slot in this state beyond `place`, the nearest slots first.
    fn look_beyond(&self, place: Position, wanted: State) -> Result<Option<Position>, Corrupt> {
        let capacity = self.capacity();
        for ahead in 1..capacity {
            let there = place.plus(ahead);
            let state = &self.slot(there.index(capacity)).state;
            // Relaxed: nothing but a hint whether to go on.
            let word = SlotWord::new(state.load(Relaxed));
            let laps = word.lap().wrapping_sub(lap_of(there, capacity)).cast_signed();
            if word.state()? == wanted && laps >= 0 {
                let laps = u64::from(laps.unsigned_abs());
                return Ok(Some(there.plus(laps.wrapping_mul(capacity))));
            }
        }
        Ok(None)
    }
}
