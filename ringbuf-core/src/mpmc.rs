//! Many producers, many consumers: each message to exactly one of them.
//!
//! A lane is a ring of slots, each with its [word](crate::slot). A producer claims
//! the place at the tail by one compare-and-swap of that word, which names it, and
//! commits by a store; a consumer takes the place at the head in the same way. The
//! order of messages is the order of claims. Nothing is ever held by nobody, so a
//! process that is killed between any two instructions leaves nothing that others
//! cannot [sweep](crate::sweep) up.
//!
//! `tail` and `head` are hints. Everybody keeps a private position, walks on from it
//! over places that are taken, and moves the shared one along only every few places:
//! a peer that dies in between delays nobody.
//!
//! A peer that is *stopped* while it holds a slot keeps it. In a [`Fast`](Progress::Fast)
//! lane consumers get no further than a place that is being written, producers no
//! further than one that is being read a lap later; see [`ReadError::Busy`] and
//! [`ClaimError::Full`]. In a [`Strict`](Progress::Strict) one they [pass](crate::strict) it,
//! when the caller has waited long enough to ask for that. Nothing here waits
//! (see [`wait`](crate::wait)).
//!
//! The slot word follows Vyukov's bounded queue, whose stamp says whose turn it is.
//! That the stamp also names the holder, and is taken first, is what makes it
//! survive death; `verification/models` has the ring that takes the position first,
//! and how it loses a message.

use crate::cursor::{Cursor, Seen, seen};
use crate::error::{ClaimError, Corrupt, ReadError};
use crate::floor::Floor;
pub use crate::lane::{Claim, Lane, LaneWords, Notices, Progress, Taken};
use crate::machine::{Machine, Row, Word};
use crate::peer::Who;
use crate::position::Position;
use crate::slot::{Fate, SlotWord, SlotWords, State, lap_of};
use crate::strict::{Held, Walk};
use core::fmt;
use core::sync::atomic::Ordering::{Acquire, Relaxed};

/// One who writes.
pub struct Producer<'a, M: Machine, R> {
    lane: Lane<'a, M, R>,
    me: Who,
    cursor: Cursor,
}

impl<'a, M: Machine, R: Row<Word = SlotWords<M>> + Copy> Producer<'a, M, R> {
    /// A producer called `me`, whose identity is locked.
    #[must_use]
    pub fn new(lane: Lane<'a, M, R>, me: Who) -> Self {
        let cursor = Cursor::new::<M>(&lane.words.tail);
        Self { lane, me, cursor }
    }

    /// Claims the next place. Places are claimed in order, so messages of one
    /// producer are read in the order in which it claimed, but for those that had to
    /// [move](crate::strict). `floor` is that of this producer in this lane.
    ///
    /// # Errors
    /// [`ClaimError::Full`] when the slot is still in use for the lap before,
    /// [`ClaimError::Busy`], [`ClaimError::Corrupt`].
    #[inline(always)]
    pub fn claim(&mut self, floor: &Floor) -> Result<Claim, ClaimError> {
        self.claim_from_here(floor, Held::Await)
    }

    /// As [`claim`](Self::claim), of one who has waited long enough: in a Strict lane it
    /// passes places that others hold, if there is a free slot further on.
    ///
    /// # Errors
    /// As [`claim`](Self::claim).
    #[cold]
    pub fn claim_past(&mut self, floor: &Floor) -> Result<Claim, ClaimError> {
        self.claim_from_here(floor, Held::Pass)
    }

    #[inline(always)]
    fn claim_from_here(&mut self, floor: &Floor, held: Held) -> Result<Claim, ClaimError> {
        let mut walk = Walk::new(held);
        loop {
            match self.claim_here(floor) {
                Ok(claim) => return Ok(claim),
                Err(found) => self.step(found, floor, &mut walk)?,
            }
        }
    }

    /// Claims the place at the cursor, if it is free, and may be written to.
    ///
    /// # Errors
    /// The word that is there.
    #[inline(always)]
    fn claim_here(&mut self, floor: &Floor) -> Result<Claim, SlotWord> {
        let capacity = self.lane.capacity();
        let at = self.cursor.at;
        let (index, lap) = (at.index(capacity), lap_of(at, capacity));
        let state = &self.lane.slot(index).state;
        let free = SlotWord::free(lap).bits();
        // Relaxed: the exchange confirms it, or it is an answer of now.
        let found = state.load(Relaxed);
        if found != free || floor.is_above(at) {
            return Err(SlotWord::new(found));
        }
        let ours = SlotWord::writing(lap, self.me);
        // edge VACATE, acquire end: whatever was done with this slot is over before we
        // write to it.
        // Relaxed otherwise: as the load.
        state.compare_exchange(free, ours.bits(), Acquire, Relaxed).map_err(SlotWord::new)?;
        self.cursor.pass::<M>(&self.lane.words.tail, self.lane.lazy);
        Ok(Claim { index, place: at, word: ours })
    }

    /// One step on from a place that could not be claimed.
    ///
    /// # Errors
    /// Why there is none.
    #[cold]
    fn step(&mut self, found: SlotWord, floor: &Floor, walk: &mut Walk) -> Result<(), ClaimError> {
        if walk.has_taken(self.lane.steps_max()) {
            return Err(ClaimError::Busy);
        }
        match seen(found, lap_of(self.cursor.at, self.lane.capacity()))? {
            Seen::Before => {
                if !self.lane.pass_to_room(&self.cursor, found, floor, walk)? {
                    return Err(ClaimError::Full);
                }
            }
            Seen::Here(State::Free) if floor.is_above(self.cursor.at) => {
                self.lane.pass_at_once(&self.cursor, found);
            }
            Seen::Here(State::Free) => self.lane.machine.spin(),
            Seen::Here(_) | Seen::Later => {
                self.cursor.follow::<M>(&self.lane.words.tail, self.lane.lazy);
            }
            Seen::Far if self.cursor.catch_up::<M>(&self.lane.words.tail) => {}
            Seen::Far => return Err(ClaimError::Corrupt),
        }
        Ok(())
    }

    /// Where this producer looks next.
    #[inline(always)]
    #[must_use]
    pub fn position(&self) -> Position {
        self.cursor.at
    }

    /// The lane this producer writes to.
    #[must_use]
    pub fn lane(&self) -> &Lane<'a, M, R> {
        &self.lane
    }
}

/// One who reads.
pub struct Consumer<'a, M: Machine, R> {
    lane: Lane<'a, M, R>,
    me: Who,
    cursor: Cursor,
    /// How often a message may be shown again.
    redeliveries_max: u8,
    /// What `orphans` was before the last search that found none.
    orphans_seen: u64,
    dropped: u64,
}

impl<'a, M: Machine, R: Row<Word = SlotWords<M>> + Copy> Consumer<'a, M, R> {
    /// A consumer called `me`, whose identity is locked.
    ///
    /// A message whose reader died is shown again `redeliveries_max` times, to
    /// [`REDELIVERIES_MAX`](crate::slot::REDELIVERIES_MAX) at most, and then dropped
    /// and counted.
    #[must_use]
    pub fn new(lane: Lane<'a, M, R>, me: Who, redeliveries_max: u8) -> Self {
        let cursor = Cursor::new::<M>(&lane.words.head);
        // Relaxed: any other value than the present one makes the first read search.
        let orphans_seen = lane.words.notices.orphans.load(Relaxed).wrapping_sub(1);
        let redeliveries_max = redeliveries_max.min(crate::slot::REDELIVERIES_MAX);
        Self { lane, me, cursor, redeliveries_max, orphans_seen, dropped: 0 }
    }

    /// Takes the next message: one that somebody died over, if there is one, else the
    /// one at the head.
    ///
    /// # Errors
    /// [`ReadError::Empty`]; [`ReadError::Busy`] when the next message is still being
    /// written, though later ones may be complete; [`ReadError::Corrupt`].
    #[inline(always)]
    pub fn read(&mut self) -> Result<Taken, ReadError> {
        self.read_from_here(Held::Await)
    }

    /// As [`read`](Self::read), of one who has waited long enough: in a Strict lane it
    /// passes places that are being written, if there is a message further on.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    #[cold]
    pub fn read_past(&mut self) -> Result<Taken, ReadError> {
        self.read_from_here(Held::Pass)
    }

    #[inline(always)]
    fn read_from_here(&mut self, held: Held) -> Result<Taken, ReadError> {
        // Relaxed: `adopt` loads it again.
        if self.lane.words.notices.orphans.load(Relaxed) != self.orphans_seen
            && let Some(orphan) = self.adopt()?
        {
            return Ok(orphan);
        }
        let mut walk = Walk::new(held);
        loop {
            match self.read_here() {
                Ok(taken) => return Ok(taken),
                Err(found) => self.step(found, &mut walk)?,
            }
        }
    }

    /// Takes the message at the cursor, if there is one.
    ///
    /// # Errors
    /// The word that is there instead.
    #[inline(always)]
    fn read_here(&mut self) -> Result<Taken, SlotWord> {
        let capacity = self.lane.capacity();
        let at = self.cursor.at;
        let (index, lap) = (at.index(capacity), lap_of(at, capacity));
        let state = &self.lane.slot(index).state;
        let full = SlotWord::full(lap).bits();
        // Relaxed: the exchange confirms it, or it is an answer of now.
        let found = state.load(Relaxed);
        if found != full {
            return Err(SlotWord::new(found));
        }
        let ours = SlotWord::reading(lap, self.me);
        // edge FILL, acquire end: the message is there as it was committed.
        // Relaxed otherwise: as the load.
        state.compare_exchange(full, ours.bits(), Acquire, Relaxed).map_err(SlotWord::new)?;
        self.cursor.pass::<M>(&self.lane.words.head, self.lane.lazy);
        Ok(Taken { index, word: ours, redelivered: 0 })
    }

    /// One step on from a place with no message to take.
    ///
    /// # Errors
    /// Why there is none.
    #[cold]
    fn step(&mut self, found: SlotWord, walk: &mut Walk) -> Result<(), ReadError> {
        if walk.has_taken(self.lane.steps_max()) {
            return Err(ReadError::Busy);
        }
        let nothing = match seen(found, lap_of(self.cursor.at, self.lane.capacity()))? {
            Seen::Before | Seen::Here(State::Free) => ReadError::Empty,
            Seen::Here(State::Writing) => ReadError::Busy,
            Seen::Here(State::Full) => {
                self.lane.machine.spin();
                return Ok(());
            }
            Seen::Here(State::Reading | State::Orphan | State::Void) | Seen::Later => {
                self.cursor.follow::<M>(&self.lane.words.head, self.lane.lazy);
                return Ok(());
            }
            Seen::Far if self.cursor.catch_up::<M>(&self.lane.words.head) => return Ok(()),
            Seen::Far => return Err(ReadError::Corrupt),
        };
        let passes = self.lane.pass_to_message(&self.cursor, found, walk)?;
        if passes { Ok(()) } else { Err(nothing) }
    }

    /// Looks for a message whose reader died, through all slots.
    #[cold]
    fn adopt(&mut self) -> Result<Option<Taken>, Corrupt> {
        // Before the search: an orphan that is left during it makes us search again.
        // edge ORPHANED, acquire end: every orphan that was announced is there to be found.
        let announced = self.lane.words.notices.orphans.load(Acquire);
        for index in 0..self.lane.capacity() {
            let state = &self.lane.slot(index).state;
            // Relaxed: the exchange confirms it.
            let word = SlotWord::new(state.load(Relaxed));
            if word.state()? != State::Orphan {
                continue;
            }
            let ours = SlotWord::reading(word.lap(), self.me);
            // edge VACATE, acquire end: what the reader who died noted about this slot.
            // Relaxed otherwise: somebody else was faster.
            if state.compare_exchange(word.bits(), ours.bits(), Acquire, Relaxed).is_err() {
                continue;
            }
            if let Some(taken) = self.show_again(index, ours) {
                return Ok(Some(taken));
            }
        }
        self.orphans_seen = announced;
        Ok(None)
    }

    /// Notes that a message is shown again, or drops it when that was too often.
    fn show_again(&mut self, index: u64, word: SlotWord) -> Option<Taken> {
        let slot = self.lane.slot(index);
        // Relaxed: the slot is ours.
        let fate = Fate::new(slot.fate.load(Relaxed));
        let again = fate.delivered();
        let drops = again.deliveries > self.redeliveries_max;
        let noted = if drops { fate.dropped() } else { again };
        // Relaxed: a successor in this slot comes after our release, or our death.
        slot.fate.store(noted.bits(), Relaxed);
        if drops {
            self.lane.vacate(index, word);
            self.dropped += 1;
            return None;
        }
        Some(Taken { index, word, redelivered: again.deliveries })
    }

    /// How many messages this consumer has dropped: a read that finds nothing may have
    /// made room all the same.
    #[inline(always)]
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Who this consumer is.
    #[must_use]
    pub fn me(&self) -> Who {
        self.me
    }

    /// Where this consumer looks next.
    #[inline(always)]
    #[must_use]
    pub fn position(&self) -> Position {
        self.cursor.at
    }

    /// The lane this consumer reads from.
    #[must_use]
    pub fn lane(&self) -> &Lane<'a, M, R> {
        &self.lane
    }
}

impl<M: Machine, R> fmt::Debug for Producer<'_, M, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("me", &self.me)
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}

impl<M: Machine, R> fmt::Debug for Consumer<'_, M, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("me", &self.me)
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}
