//! Several lanes in one ring, and which of them has something.
//!
//! One word has a bit for each lane in which there may be a message, so that who
//! reads the highest lane that has one looks at one word and not at all lanes.
//!
//! The bit of a lane is a hint that errs on one side: it may be set though the lane
//! is empty, and is clear though there is something only until whoever is at work
//! there is done; or, if that one died, until a [sweep](crate::sweep) finds the message.
//!
//! Within a lane messages are in order; between lanes the reader chooses, every time
//! anew, and nothing is fair: a lane that always has something starves those after it.

use crate::error::ReadError;
use crate::machine::{Machine, Row, Word};
use crate::mpmc::{Consumer, Taken};
use crate::slot::SlotWords;
use core::fmt;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};

/// How often setting or clearing a bit is tried. Each failure is somebody else's change
/// of the word; what is left wrong then, the next sweep sets right.
const TRIES_MAX: u32 = 64;

/// Which of several lanes that have something is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The one of the highest number, as with priorities.
    Highest,
    /// The one of the lowest number, as with message types.
    Lowest,
}

/// Which lanes may have something.
pub struct Occupied<'a, M: Machine> {
    machine: &'a M,
    word: &'a M::U64,
}

impl<'a, M: Machine> Occupied<'a, M> {
    /// The bits in this word, bit k for lane k.
    #[must_use]
    pub fn new(machine: &'a M, word: &'a M::U64) -> Self {
        Self { machine, word }
    }

    /// The lanes of `among` that may have something.
    #[inline]
    fn lanes(&self, among: u64) -> u64 {
        // Relaxed: a hint.
        self.word.load(Relaxed) & among
    }

    /// Says that there is something in a lane: after the commit.
    #[inline]
    pub fn mark(&self, lane: u32) {
        // edge OCCUPY, the writer's side. Our commit, then this look at the bit.
        // - If the reader clears the bit first, we see that and set it.
        // - If our commit comes first, the reader's second look finds the message.
        // The two fences exclude the third case, in which each misses the other.
        self.machine.fence(SeqCst);
        // Relaxed: the fence orders it after the commit.
        if self.word.load(Relaxed) & 1 << lane == 0 {
            self.change(|bits| bits | 1 << lane);
        }
    }

    /// Takes the next message of the first lane of `among`, in this order, that has one.
    ///
    /// `consumers` are the caller's, one for each lane, and `read` is
    /// [`Consumer::read`] or [`Consumer::read_past`]; returns the lane that was read.
    ///
    /// # Errors
    /// [`ReadError::Empty`]; [`ReadError::Busy`] if nothing is complete and something is
    /// being written; [`ReadError::Corrupt`].
    pub fn read<'l, R: Row<Word = SlotWords<M>> + Copy>(
        &self,
        consumers: &mut [Consumer<'l, M, R>],
        among: u64,
        order: Order,
        read: fn(&mut Consumer<'l, M, R>) -> Result<Taken, ReadError>,
    ) -> Result<(u32, Taken), ReadError> {
        let mut left = self.lanes(among);
        let mut nothing = ReadError::Empty;
        while left != 0 {
            let lane = match order {
                Order::Highest => u64::BITS - 1 - left.leading_zeros(),
                Order::Lowest => left.trailing_zeros(),
            };
            left &= !(1 << lane);
            // Anybody may set any bit: lanes that are not there have no consumer.
            let Some(consumer) = consumers.get_mut(lane as usize) else { continue };
            let found = match read(consumer) {
                Err(ReadError::Empty) => self.clear(lane, || match read(consumer) {
                    Err(ReadError::Empty) => Ok(None),
                    found => found.map(Some),
                }),
                found => found.map(Some),
            };
            match found {
                Ok(Some(taken)) => return Ok((lane, taken)),
                Ok(None) => {}
                Err(ReadError::Busy) => nothing = ReadError::Busy,
                Err(error) => return Err(error),
            }
        }
        Err(nothing)
    }

    /// Says that a lane was found empty, and looks again; what the look finds.
    ///
    /// A look that finds something, or fails, sets the bit again.
    ///
    /// # Errors
    /// As `look`.
    fn clear<T, E>(
        &self,
        lane: u32,
        look: impl FnOnce() -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        self.change(|bits| bits & !(1 << lane));
        // edge OCCUPY, the reader's side: the bit, then one more look.
        self.machine.fence(SeqCst);
        let found = look();
        if !matches!(found, Ok(None)) {
            self.change(|bits| bits | 1 << lane);
        }
        found
    }

    #[cold]
    fn change(&self, to: impl Fn(u64) -> u64) {
        for _ in 0..TRIES_MAX {
            // Relaxed: the exchange confirms it.
            let bits = self.word.load(Relaxed);
            // Relaxed, both: the fence before or after it is what orders the change.
            if self.word.compare_exchange(bits, to(bits), Relaxed, Relaxed).is_ok() {
                return;
            }
            self.machine.spin();
        }
    }
}

impl<M: Machine> fmt::Debug for Occupied<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Occupied").finish_non_exhaustive()
    }
}
