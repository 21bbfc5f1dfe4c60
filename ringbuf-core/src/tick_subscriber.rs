//! The reading end of a ring of ticks: joins, copies, is evicted, leaves.
//!
//! Nothing is said before a message is copied, so nobody keeps it as it is; the second look at
//! its stamp tells whether it stayed. The only store is that of the cursor, which a lossless
//! subscriber moves behind what it has copied.

use crate::course::{Course, Start};
use crate::entry::Found;
use crate::error::ReceiveError;
use crate::life::Delivery;
use crate::machine::{Machine, Word};
use crate::peer::Who;
use crate::position::{Position, is_before};
use crate::stamp::Stamp;
use crate::ticks::Ticks;
use core::fmt;
use core::sync::atomic::Ordering::{Acquire, Relaxed};

/// How often a message is looked for again that the publisher keeps overtaking.
const TRIES_MAX: u32 = 64;

/// What stood at a position.
enum Look {
    Nothing,
    Overtaken,
    /// Overtaken while it was copied; the next look finds by what.
    Torn,
    Copied,
}

/// The reading end.
pub struct TickSubscriber<'a, M: Machine> {
    ring: Ticks<'a, M>,
    capacity: u64,
    course: Course<'a, M>,
}

impl<'a, M: Machine> TickSubscriber<'a, M> {
    /// Begins to read as `who`, in row `reader` of the readers.
    ///
    /// The caller holds the [seat](crate::peer) of that row. A lossless subscriber then tells
    /// the publisher, which may wait for room because of where it seemed to begin.
    pub fn join(
        ring: Ticks<'a, M>,
        reader: usize,
        who: Who,
        delivery: Delivery,
        start: Start,
    ) -> Self {
        let course = Course::join(ring.peers(), reader, who, 0, (delivery, start));
        Self { ring, capacity: ring.capacity(), course }
    }

    /// Copies the next message, if there is one now, and says where it stood.
    ///
    /// As many words of it as `copy` has, which are at most those of an entry behind its stamp;
    /// after an error they have no meaning. A lossless subscriber that [has to](Self::tells) then
    /// tells the publisher, which may wait for room; so does one that was evicted and has joined
    /// again.
    ///
    /// # Errors
    /// [`ReceiveError`]: `Empty`, `Busy`, `Evicted` once, after which it reads on; `Corrupt`.
    #[inline(always)]
    pub fn read(&mut self, copy: &mut [u64]) -> Result<Position, ReceiveError> {
        match self.course.delivery() {
            Delivery::Lossless => self.read_lossless(copy),
            Delivery::Lossy => self.read_lossy(copy),
            Delivery::Latest => self.read_latest(copy),
        }
    }

    #[inline(always)]
    fn read_lossless(&mut self, copy: &mut [u64]) -> Result<Position, ReceiveError> {
        let position = self.course.next();
        // Bounded: what was torn is overtaken, unless somebody writes there without end.
        for _ in 0..TRIES_MAX {
            if !self.course.is_waited_for() {
                return self.course.rejoin();
            }
            match self.copy(position, copy)? {
                Look::Nothing => return Err(ReceiveError::Empty),
                // By nobody, unless we were evicted.
                Look::Overtaken => return self.course.rejoin(),
                Look::Torn => {}
                Look::Copied => {
                    self.course.yield_next();
                    return Ok(position);
                }
            }
        }
        Err(ReceiveError::Busy)
    }

    /// Whether this subscriber has to tell a publisher that waits for room where it is now.
    ///
    /// Once in a quarter of a lap, and so at least once before it has read what a publisher
    /// without room has written.
    #[inline(always)]
    #[must_use]
    pub fn tells(&self) -> bool {
        let notch = (self.capacity / 4).max(1);
        self.course.delivery() == Delivery::Lossless && self.course.next().index(notch) == 0
    }

    #[inline]
    fn read_lossy(&mut self, copy: &mut [u64]) -> Result<Position, ReceiveError> {
        for _ in 0..TRIES_MAX {
            let position = self.course.next();
            match self.copy(position, copy)? {
                Look::Nothing => return Err(ReceiveError::Empty),
                Look::Torn => {}
                Look::Overtaken => {
                    let floor = self.course.floor();
                    if is_before(position, floor) {
                        self.course.count_lost(floor);
                    }
                }
                Look::Copied => {
                    self.course.pass(position.plus(1));
                    return Ok(position);
                }
            }
        }
        Err(ReceiveError::Busy)
    }

    #[inline]
    fn read_latest(&mut self, copy: &mut [u64]) -> Result<Position, ReceiveError> {
        let position = self.find_newest(self.course.next(), copy)?;
        if position != self.course.next() {
            self.course.count_lost(position);
        }
        self.course.pass(position.plus(1));
        Ok(position)
    }

    /// Copies the newest message, also if it was read before, and whatever is to be read next:
    /// nothing is lost or skipped by it.
    ///
    /// # Errors
    /// `Empty` if there is none, `Busy`, `Corrupt`.
    pub fn latest(&self, copy: &mut [u64]) -> Result<Position, ReceiveError> {
        self.find_newest(self.course.floor(), copy)
    }

    /// The newest message at `first` or after it.
    #[inline]
    fn find_newest(&self, first: Position, copy: &mut [u64]) -> Result<Position, ReceiveError> {
        for _ in 0..TRIES_MAX {
            let tail = self.course.tail();
            if !is_before(first, tail) {
                return Err(ReceiveError::Empty);
            }
            let newest = tail.minus(1);
            match self.copy(newest, copy)? {
                // The tail says that there is one.
                Look::Nothing => return Err(ReceiveError::Corrupt),
                Look::Overtaken | Look::Torn => {}
                Look::Copied => return Ok(newest),
            }
        }
        Err(ReceiveError::Busy)
    }

    /// Copies the message at `position` if it is there and stays there meanwhile.
    #[inline(always)]
    fn copy(&self, position: Position, copy: &mut [u64]) -> Result<Look, ReceiveError> {
        let (stamp, words) = self.ring.entry(position, self.capacity);
        // edge STAMP, acquire end: who finds it finds what was written before it.
        let found = stamp.load(Acquire);
        if found != Stamp::whole(position).bits() {
            return match Stamp::from_bits(found).at(position) {
                Some(Found::Later) => Ok(Look::Overtaken),
                Some(_) => Ok(Look::Nothing),
                None => Err(ReceiveError::Corrupt),
            };
        }
        let words = &words[..copy.len()];
        for (copied, word) in copy.iter_mut().zip(words) {
            // Relaxed: the second look tells whether they are of one message.
            *copied = word.load(Relaxed);
        }
        // edge OVERWRITE, acquire end: if any of them is of a later message, the stamp is.
        self.ring.machine.fence(Acquire);
        // Relaxed: the fence orders it.
        let again = stamp.load(Relaxed);
        Ok(if again == found { Look::Copied } else { Look::Torn })
    }

    /// Is waited for no longer.
    pub fn leave(&mut self) {
        self.course.leave();
    }

    /// What it wants when the publisher is faster.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        self.course.delivery()
    }

    /// The position of the message that is read next.
    #[inline]
    #[must_use]
    pub fn position(&self) -> Position {
        self.course.next()
    }

    /// How many messages were overwritten before it read them, or skipped because it wants
    /// the latest only.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.course.lost()
    }
}

impl<M: Machine> fmt::Debug for TickSubscriber<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TickSubscriber")
            .field("who", &self.course.who())
            .field("delivery", &self.course.delivery())
            .field("next", &self.course.next())
            .field("lost", &self.course.lost())
            .finish_non_exhaustive()
    }
}
