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
//! What this does not do: a peer that is *stopped* while it holds a slot keeps it.
//! Consumers get no further than a place that is being written, producers no
//! further than one that is being read a lap later; see [`ReadError::Busy`] and
//! [`ClaimError::Full`]. It does not wait (see [`wait`](crate::wait)).
//!
//! The slot word follows Vyukov's bounded queue, whose stamp says whose turn it is.
//! That the stamp also names the holder, and is taken first, is what makes it
//! survive death; `verification/models` has the ring that takes the position first,
//! and how it loses a message.

use crate::cursor::{Cursor, Seen, seen};
use crate::error::{ClaimError, Corrupt, ReadError};
use crate::machine::{Line, Machine, Row, Word};
use crate::peer::Who;
use crate::slot::{Fate, SlotWord, SlotWords, State, lap_of};
use core::fmt;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// The words of one lane. In a file this is the layout itself.
#[repr(C)]
pub struct LaneWords<M: Machine> {
    /// Hint: every place before it was claimed. Moved forward by compare-and-swap.
    pub tail: Line<M::U64>,
    /// Hint: no place before it will be read, but for orphans. Moved forward by
    /// compare-and-swap.
    pub head: Line<M::U64>,
    /// Differs from what it was whenever an orphan may have been left since. Moved
    /// by compare-and-swap, by whoever sweeps.
    pub orphans: Line<M::U64>,
}

/// By how many places `tail` and `head` may lag behind one peer.
const LAZY: u64 = 8;
/// How many steps more than a lap a call takes before it gives up as `Busy`.
const STEPS_MORE: u64 = 64;

/// One lane of a ring, as every peer sees it.
pub struct Lane<'a, M: Machine, R> {
    pub(crate) machine: &'a M,
    pub(crate) words: &'a LaneWords<M>,
    pub(crate) slots: R,
    lazy: u64,
}

impl<M: Machine, R: Copy> Clone for Lane<'_, M, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: Machine, R: Copy> Copy for Lane<'_, M, R> {}

/// A place to write one message in, until it is committed or aborted.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a claimed place that is neither committed nor aborted holds up all that come after it"]
pub struct Claim {
    index: u64,
    lap: u32,
}

/// A message to look at, until it is released.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a message that is not released takes its place for good"]
pub struct Taken {
    index: u64,
    lap: u32,
    redelivered: u8,
}

impl Claim {
    /// Which slot it is.
    #[inline(always)]
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }
}

impl Taken {
    /// Which slot it is.
    #[inline(always)]
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How often this message had been shown before to a consumer that died.
    #[inline(always)]
    #[must_use]
    pub fn redelivered(&self) -> u8 {
        self.redelivered
    }
}

impl<'a, M: Machine, R: Row<Word = SlotWords<M>> + Copy> Lane<'a, M, R> {
    /// A lane on these words; as many slots as `slots` has, a power of two.
    #[must_use]
    pub fn new(machine: &'a M, words: &'a LaneWords<M>, slots: R) -> Self {
        assert!(slots.len().is_power_of_two());
        Self { machine, words, slots, lazy: LAZY }
    }

    /// Moves `tail` and `head` along every so many places. A peer's own choice.
    #[must_use]
    pub fn with_lazy(self, places: u64) -> Self {
        Self { lazy: places, ..self }
    }

    /// The slots, as they were given.
    #[inline(always)]
    #[must_use]
    pub fn slots(&self) -> R {
        self.slots
    }

    /// How many slots there are.
    #[inline(always)]
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.slots.len() as u64
    }

    #[inline(always)]
    pub(crate) fn slot(&self, index: u64) -> &SlotWords<M> {
        self.slots.at(usize::try_from(index).unwrap_or(usize::MAX))
    }

    /// Publishes what was written in a claimed place.
    #[inline]
    pub fn commit(&self, claim: Claim) {
        let slot = self.slot(claim.index);
        // Relaxed: the slot is ours.
        let fate = Fate::new(slot.fate.load(Relaxed));
        if fate != fate.cleared() {
            // Relaxed: published with the message.
            slot.fate.store(fate.cleared().bits(), Relaxed);
        }
        // edge FILL, release end: what was written since the claim is visible to who
        // reads this message.
        slot.state.store(SlotWord::full(claim.lap).bits(), Release);
    }

    /// Gives a claimed place up: everybody passes it.
    #[inline]
    pub fn abort(&self, claim: Claim) {
        self.vacate(claim.index, claim.lap);
    }

    /// Gives the place of a message back, which nobody will see again.
    #[inline]
    pub fn release(&self, taken: Taken) {
        self.vacate(taken.index, taken.lap);
    }

    #[inline]
    fn vacate(&self, index: u64, lap: u32) {
        // edge VACATE, release end: our reads and writes of this slot are over for who
        // claims it next.
        self.slot(index).state.store(SlotWord::free(lap.wrapping_add(1)).bits(), Release);
    }

    /// Whether no message is in this lane for a peer called `me`, and none can come
    /// back to it.
    ///
    /// True for good once all producers are known to be gone *before* the call.
    ///
    /// # Errors
    /// [`Corrupt`] if a slot's word cannot be true.
    pub fn is_drained(&self, me: Who) -> Result<bool, Corrupt> {
        for index in 0..self.capacity() {
            // Relaxed: seeing the producers gone orders this after all they did.
            let word = SlotWord::new(self.slot(index).state.load(Relaxed));
            let ours = word.holder() == Some(me);
            match word.state()? {
                State::Free => {}
                State::Reading if ours => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    fn steps_max(&self) -> u64 {
        self.capacity() + STEPS_MORE
    }
}

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
    /// producer are read in the order in which it claimed.
    ///
    /// # Errors
    /// [`ClaimError::Full`] when the slot is still in use for the lap before,
    /// [`ClaimError::Busy`], [`ClaimError::Corrupt`].
    #[inline(always)]
    pub fn claim(&mut self) -> Result<Claim, ClaimError> {
        self.claim_here().or_else(|found| self.claim_further(found))
    }

    /// Claims the place at the cursor, if it is free.
    ///
    /// # Errors
    /// The word that is there instead.
    #[inline(always)]
    fn claim_here(&mut self) -> Result<Claim, SlotWord> {
        let capacity = self.lane.capacity();
        let at = self.cursor.at;
        let (index, lap) = (at.index(capacity), lap_of(at, capacity));
        let state = &self.lane.slot(index).state;
        let free = SlotWord::free(lap).bits();
        // Relaxed: the exchange confirms it, or it is an answer of now.
        let found = state.load(Relaxed);
        if found != free {
            return Err(SlotWord::new(found));
        }
        let ours = SlotWord::writing(lap, self.me).bits();
        // edge VACATE, acquire end: whatever was done with this slot is over before we
        // write to it.
        // Relaxed otherwise: as the load.
        state.compare_exchange(free, ours, Acquire, Relaxed).map_err(SlotWord::new)?;
        self.cursor.pass::<M>(&self.lane.words.tail, self.lane.lazy);
        Ok(Claim { index, lap })
    }

    #[cold]
    fn claim_further(&mut self, mut found: SlotWord) -> Result<Claim, ClaimError> {
        for _ in 0..self.lane.steps_max() {
            match seen(found, lap_of(self.cursor.at, self.lane.capacity()))? {
                Seen::Before => return Err(ClaimError::Full),
                Seen::Here(State::Free) => self.lane.machine.spin(),
                Seen::Here(_) | Seen::Later => {
                    self.cursor.follow::<M>(&self.lane.words.tail, self.lane.lazy);
                }
                Seen::Far if self.cursor.catch_up::<M>(&self.lane.words.tail) => {}
                Seen::Far => return Err(ClaimError::Corrupt),
            }
            found = match self.claim_here() {
                Ok(claim) => return Ok(claim),
                Err(found) => found,
            };
        }
        Err(ClaimError::Busy)
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
        let orphans_seen = lane.words.orphans.load(Relaxed).wrapping_sub(1);
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
        // Relaxed: `adopt` loads it again.
        if self.lane.words.orphans.load(Relaxed) != self.orphans_seen
            && let Some(orphan) = self.adopt()?
        {
            return Ok(orphan);
        }
        self.read_here().or_else(|found| self.read_further(found))
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
        let ours = SlotWord::reading(lap, self.me).bits();
        // edge FILL, acquire end: the message is there as it was committed.
        // Relaxed otherwise: as the load.
        state.compare_exchange(full, ours, Acquire, Relaxed).map_err(SlotWord::new)?;
        self.cursor.pass::<M>(&self.lane.words.head, self.lane.lazy);
        Ok(Taken { index, lap, redelivered: 0 })
    }

    #[cold]
    fn read_further(&mut self, mut found: SlotWord) -> Result<Taken, ReadError> {
        for _ in 0..self.lane.steps_max() {
            match seen(found, lap_of(self.cursor.at, self.lane.capacity()))? {
                Seen::Before | Seen::Here(State::Free) => return Err(ReadError::Empty),
                Seen::Here(State::Writing) => return Err(ReadError::Busy),
                Seen::Here(State::Full) => self.lane.machine.spin(),
                Seen::Here(State::Reading | State::Orphan) | Seen::Later => {
                    self.cursor.follow::<M>(&self.lane.words.head, self.lane.lazy);
                }
                Seen::Far if self.cursor.catch_up::<M>(&self.lane.words.head) => {}
                Seen::Far => return Err(ReadError::Corrupt),
            }
            found = match self.read_here() {
                Ok(taken) => return Ok(taken),
                Err(found) => found,
            };
        }
        Err(ReadError::Busy)
    }

    /// Looks for a message whose reader died, through all slots.
    #[cold]
    fn adopt(&mut self) -> Result<Option<Taken>, Corrupt> {
        // Before the search: an orphan that is left during it makes us search again.
        // edge ORPHANED, acquire end: every orphan that was announced is there to be found.
        let announced = self.lane.words.orphans.load(Acquire);
        for index in 0..self.lane.capacity() {
            let state = &self.lane.slot(index).state;
            // Relaxed: the exchange confirms it.
            let word = SlotWord::new(state.load(Relaxed));
            if word.state()? != State::Orphan {
                continue;
            }
            let ours = SlotWord::reading(word.lap(), self.me).bits();
            // edge VACATE, acquire end: what the reader who died noted about this slot.
            // Relaxed otherwise: somebody else was faster.
            if state.compare_exchange(word.bits(), ours, Acquire, Relaxed).is_err() {
                continue;
            }
            if let Some(taken) = self.show_again(index, word.lap()) {
                return Ok(Some(taken));
            }
        }
        self.orphans_seen = announced;
        Ok(None)
    }

    /// Notes that a message is shown again, or drops it when that was too often.
    fn show_again(&mut self, index: u64, lap: u32) -> Option<Taken> {
        let slot = self.lane.slot(index);
        // Relaxed: the slot is ours.
        let fate = Fate::new(slot.fate.load(Relaxed));
        let again = fate.delivered();
        let drops = again.deliveries > self.redeliveries_max;
        let noted = if drops { fate.dropped() } else { again };
        // Relaxed: a successor in this slot comes after our release, or our death.
        slot.fate.store(noted.bits(), Relaxed);
        if drops {
            self.lane.vacate(index, lap);
            self.dropped += 1;
            return None;
        }
        Some(Taken { index, lap, redelivered: again.deliveries })
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

    /// The lane this consumer reads from.
    #[must_use]
    pub fn lane(&self) -> &Lane<'a, M, R> {
        &self.lane
    }
}

impl<M: Machine, R> fmt::Debug for Lane<'_, M, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("lazy", &self.lazy).finish_non_exhaustive()
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

impl<M: Machine> fmt::Debug for LaneWords<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaneWords").finish_non_exhaustive()
    }
}
