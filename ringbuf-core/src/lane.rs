//! One lane of a ring of many: its words, its slots, and what is held of them.

use crate::error::Corrupt;
use crate::floor::Floor;
use crate::machine::{Line, Machine, Row, Word};
use crate::peer::Who;
use crate::position::Position;
use crate::slot::{Fate, SlotWord, SlotWords, State};
use core::fmt;
use core::sync::atomic::Ordering::{Relaxed, Release};

/// The words of one lane. In a file this is the layout itself.
#[repr(C)]
pub struct LaneWords<M: Machine> {
    /// Hint: every place before it was claimed, or given up by everybody. Moved forward
    /// by compare-and-swap.
    pub tail: Line<M::U64>,
    /// Hint: no place before it will be read, but for orphans. Moved forward by
    /// compare-and-swap.
    pub head: Line<M::U64>,
    /// What is seldom said.
    pub notices: Line<Notices<M>>,
}

/// Words of a lane that every consumer looks at and that seldom change.
#[repr(C)]
pub struct Notices<M: Machine> {
    /// Differs from what it was whenever an orphan may have been left since. Moved
    /// by compare-and-swap, by whoever sweeps.
    pub orphans: M::U64,
    /// No message that had to move stands at this place or after it. Moved forward by
    /// compare-and-swap, by whoever is about to commit one.
    pub far: M::U64,
}

impl<M: Machine> LaneWords<M> {
    /// The words of a lane whose first message will stand at `first`.
    pub fn new(first: Position, word: impl Fn(u64) -> M::U64) -> Self {
        let hint = || word(first.count());
        Self {
            tail: Line(hint()),
            head: Line(hint()),
            notices: Line(Notices { orphans: word(0), far: hint() }),
        }
    }
}

/// Whether peers wait for one that was stopped while it held a slot. The same for all peers
/// of a ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// They do: what it holds is committed and released by a plain store.
    Fast,
    /// They pass it by: it may lose its place in the order, though never its slot. Each
    /// commit and each release is a compare-and-swap.
    #[default]
    Strict,
}

/// By how many places `tail` and `head` may lag behind one peer.
const LAZY: u64 = 8;
/// How many steps more than laps a call takes before it gives up as `Busy`.
const STEPS_MORE: u64 = 64;
/// How many laps a call goes through: where messages have moved, a few.
const LAPS_STRICT: u64 = 64;

/// One lane of a ring, as every peer sees it.
pub struct Lane<'a, M: Machine, R> {
    pub(crate) machine: &'a M,
    pub(crate) words: &'a LaneWords<M>,
    pub(crate) slots: R,
    pub(crate) progress: Progress,
    pub(crate) lazy: u64,
}

impl<M: Machine, R: Copy> Clone for Lane<'_, M, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: Machine, R: Copy> Copy for Lane<'_, M, R> {}

/// A place to write one message in, until it is committed or aborted.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a claimed place that is neither committed nor aborted is lost until its holder dies"]
pub struct Claim {
    pub(crate) index: u64,
    /// Where it was claimed.
    pub(crate) place: Position,
    /// What the claim made of the slot's word.
    pub(crate) word: SlotWord,
}

/// A message to look at, until it is released.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a message that is not released takes its place for good"]
pub struct Taken {
    pub(crate) index: u64,
    /// What taking it made of the slot's word.
    pub(crate) word: SlotWord,
    pub(crate) redelivered: u8,
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
    pub fn new(machine: &'a M, words: &'a LaneWords<M>, slots: R, progress: Progress) -> Self {
        assert!(slots.len().is_power_of_two());
        Self { machine, words, slots, progress, lazy: LAZY }
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

    /// The floor of a producer that is made after this.
    #[must_use]
    pub fn floor(&self) -> Floor {
        // Relaxed: its first claim is at this hint or later.
        Floor::new(Position::new(self.words.tail.load(Relaxed)))
    }

    /// Publishes what was written in a claimed place: there, or, if it was passed by, at
    /// the first place of its slot that comes after what the same producer committed
    /// before. `floor` is that of the producer.
    ///
    /// # Errors
    /// [`Corrupt`] if the slot is not ours any more, which no correct peer can bring about.
    #[inline]
    pub fn commit(&self, claim: Claim, floor: &Floor) -> Result<(), Corrupt> {
        let slot = self.slot(claim.index);
        // Relaxed: the slot is ours.
        let fate = Fate::new(slot.fate.load(Relaxed));
        if fate != fate.cleared() {
            // Relaxed: published with the message.
            slot.fate.store(fate.cleared().bits(), Relaxed);
        }
        let full = SlotWord::full(claim.word.lap()).bits();
        if self.progress == Progress::Fast {
            // edge FILL, release end: what was written since the claim is visible to who
            // reads this message.
            slot.state.store(full, Release);
            return Ok(());
        }
        if floor.is_above(claim.place) {
            return self.commit_further(&claim, claim.word, floor);
        }
        // edge FILL, release end: as above.
        // Relaxed otherwise: we were passed, and exchange what was found.
        match slot.state.compare_exchange(claim.word.bits(), full, Release, Relaxed) {
            Ok(_) => Ok(()),
            Err(found) => self.commit_further(&claim, SlotWord::new(found), floor),
        }
    }

    /// Gives a claimed place up: everybody passes it.
    #[inline]
    pub fn abort(&self, claim: Claim) {
        self.vacate(claim.index, claim.word);
    }

    /// Gives the place of a message back, which nobody will see again.
    #[inline]
    pub fn release(&self, taken: Taken) {
        self.vacate(taken.index, taken.word);
    }

    #[inline]
    pub(crate) fn vacate(&self, index: u64, word: SlotWord) {
        let state = &self.slot(index).state;
        let free = SlotWord::free(word.next_lap()).bits();
        if self.progress == Progress::Fast {
            // edge VACATE, release end: our reads and writes of this slot are over for who
            // claims it next.
            return state.store(free, Release);
        }
        // edge VACATE, release end: as above.
        // Relaxed otherwise: we were passed, and exchange what was found.
        if let Err(found) = state.compare_exchange(word.bits(), free, Release, Relaxed) {
            self.vacate_later(index, word, SlotWord::new(found));
        }
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

    pub(crate) fn steps_max(&self) -> u64 {
        let laps = match self.progress {
            Progress::Fast => 1,
            Progress::Strict => LAPS_STRICT,
        };
        self.capacity().saturating_mul(laps).saturating_add(STEPS_MORE)
    }
}

impl<M: Machine, R> fmt::Debug for Lane<'_, M, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane")
            .field("progress", &self.progress)
            .field("lazy", &self.lazy)
            .finish_non_exhaustive()
    }
}

impl<M: Machine> fmt::Debug for LaneWords<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaneWords").finish_non_exhaustive()
    }
}

impl<M: Machine> fmt::Debug for Notices<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices").finish_non_exhaustive()
    }
}
