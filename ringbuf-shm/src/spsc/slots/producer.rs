//! The writing end of a ring of one type.
//!
//! Unsafe code here writes slots of claimed spans: they are this producer's alone
//! until it commits.

use crate::end::{End, Side};
use crate::error::{ClaimError, OpenError, PushError};
use crate::handle::opening;
use crate::native::Native;
use crate::options::Options;
use crate::patience::Wait;
use crate::payload::Payload;
use crate::prefetch::{Ahead, LINE};
use crate::ring::Ring;
use crate::spsc::slots::Slots;
use crate::spsc::{flush, neighbour};
use crate::{Predecessor, Presence};
use crossbeam_utils::CachePadded;
use ringbuf_core::position::Span;
use ringbuf_core::spsc;
use std::ffi::OsStr;
use std::fmt;
use std::time::Duration;

/// So many lines ahead are asked for early, where slots are shorter than one: with more,
/// they come from under the reads of a consumer that is close behind. Measured, as below.
const LINES_SMALL: usize = 4;
/// So many lines ahead otherwise.
const LINES: usize = 16;

/// The writing end of a ring of `T`.
///
/// Moves to another thread, but is used by one at a time. Dropping it closes this
/// side: the consumer reads what there is and is then told `Closed`.
///
/// ```
/// use ringbuf_shm::{Options, spsc};
/// let mut producer = spsc::Producer::<u64>::create_unnamed(&Options::new().capacity(8))?;
/// let mut consumer = spsc::Consumer::<u64>::attach(producer.ring())?;
/// producer.push(7)?;
/// assert_eq!(consumer.pop()?, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Producer<T: Payload> {
    core: CachePadded<spsc::Producer<'static, Native>>,
    slots: Slots<T>,
    ahead: Ahead,
    end: End,
}

impl<T: Payload> Producer<T> {
    opening!(Options::slots_of::<T>);
    neighbour!();
    flush!(core => core);

    fn take_seat(ring: &Ring, options: &Options) -> Result<Self, OpenError> {
        ring.expect_messages(&options.slots_of::<T>()?)?;
        let end = End::attach(ring, Side::Producer)?;
        let core = CachePadded::new(end.stream_producer()?);
        let lines = if size_of::<T>() < LINE { LINES_SMALL } else { LINES };
        let ahead = Ahead::new(lines, size_of::<T>());
        Ok(Self { core, slots: Slots::of(ring), ahead, end })
    }

    /// Puts a value in, if there is room now.
    ///
    /// # Errors
    /// [`ClaimError::Full`], [`ClaimError::Closed`] and the lasting ones, with the
    /// value given back.
    #[inline]
    pub fn try_push(&mut self, value: T) -> Result<(), PushError<T>> {
        self.push_or_wait(value, Wait::Not)
    }

    /// Puts a value in; waits for room.
    ///
    /// # Errors
    /// [`ClaimError::Closed`], [`ClaimError::PeerDied`] and the lasting ones, with
    /// the value given back.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), PushError<T>> {
        self.push_or_wait(value, Wait::Forever)
    }

    /// Puts a value in; waits at most so long for room.
    ///
    /// # Errors
    /// As [`push`](Self::push), and [`ClaimError::TimedOut`].
    #[inline]
    pub fn push_timeout(&mut self, value: T, most: Duration) -> Result<(), PushError<T>> {
        self.push_or_wait(value, Wait::AtMost(most))
    }

    #[inline(always)]
    fn push_or_wait(&mut self, value: T, wait: Wait) -> Result<(), PushError<T>> {
        match self.span(1, wait) {
            Ok(span) => {
                // SAFETY: in bounds and aligned, see `Slots`; claimed, hence ours.
                unsafe { self.slots.slot(span.start).write(value) };
                self.publish(1);
                Ok(())
            }
            Err(error) => Err(PushError { error, value }),
        }
    }

    /// Copies all of `values` in as one batch, if there is room for all now.
    ///
    /// # Errors
    /// As [`try_push`](Self::try_push), and [`ClaimError::TooLong`] if there are
    /// more than the ring has slots.
    pub fn try_push_slice(&mut self, values: &[T]) -> Result<(), ClaimError>
    where
        T: Copy,
    {
        self.try_claim(values.len()).and_then(|claim| claim.fill(values))
    }

    /// Copies all of `values` in as one batch; waits for room for all.
    ///
    /// # Errors
    /// As [`push`](Self::push), and [`ClaimError::TooLong`] if there are more than
    /// the ring has slots.
    pub fn push_slice(&mut self, values: &[T]) -> Result<(), ClaimError>
    where
        T: Copy,
    {
        self.claim(values.len()).and_then(|claim| claim.fill(values))
    }

    /// Claims `count` slots to write in place, if they are free now.
    ///
    /// # Errors
    /// As [`try_push_slice`](Self::try_push_slice).
    #[inline]
    pub fn try_claim(&mut self, count: usize) -> Result<Claim<'_, T>, ClaimError> {
        self.claim_or_wait(count, Wait::Not)
    }

    /// Claims `count` slots to write in place; waits until they are free.
    ///
    /// # Errors
    /// As [`push_slice`](Self::push_slice).
    #[inline]
    pub fn claim(&mut self, count: usize) -> Result<Claim<'_, T>, ClaimError> {
        self.claim_or_wait(count, Wait::Forever)
    }

    /// Claims `count` slots to write in place; waits at most so long.
    ///
    /// # Errors
    /// As [`push_slice`](Self::push_slice), and [`ClaimError::TimedOut`].
    #[inline]
    pub fn claim_timeout(
        &mut self,
        count: usize,
        most: Duration,
    ) -> Result<Claim<'_, T>, ClaimError> {
        self.claim_or_wait(count, Wait::AtMost(most))
    }

    #[inline(always)]
    fn claim_or_wait(&mut self, count: usize, wait: Wait) -> Result<Claim<'_, T>, ClaimError> {
        let span = self.span(count as u64, wait)?;
        // SAFETY: claimed, hence this producer's alone until `publish`; the claim
        // borrows the producer, whose end keeps the map.
        let (front, back) = unsafe { self.slots.exclusive(span) };
        Ok(Claim { producer: self, front, back })
    }

    #[inline(always)]
    fn span(&mut self, count: u64, wait: Wait) -> Result<Span, ClaimError> {
        let core = &mut self.core;
        self.end.claim(wait, move || core.claim(count))
    }

    #[inline(always)]
    fn publish(&mut self, count: u64) {
        self.core.commit(count);
        // A batch is written at once: its lines come side by side without being asked for.
        if count == 1 {
            let (slots, next) = (self.slots, self.core.position());
            self.ahead.own(size_of::<T>(), self.core.free_seen(), |ahead| {
                slots.slot(next.plus(ahead)).cast()
            });
        }
        self.end.notify();
    }

    /// How many slots are certainly free: only this producer can make it less.
    ///
    /// # Errors
    /// [`ClaimError::Corrupt`], [`ClaimError::Forked`].
    pub fn free(&mut self) -> Result<u64, ClaimError> {
        self.end.check_claim()?;
        self.core.free().map_err(|_| ClaimError::Corrupt)
    }
}

/// Slots to write in place. Dropping it without a commit publishes nothing.
///
/// The slots hold what was in them a lap ago.
#[must_use = "a claim that is dropped publishes nothing"]
pub struct Claim<'a, T: Payload> {
    producer: &'a mut Producer<T>,
    front: &'a mut [T],
    back: &'a mut [T],
}

impl<T: Payload> Claim<'_, T> {
    /// How many slots were claimed.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "who claims none has none")]
    pub fn len(&self) -> usize {
        self.front.len() + self.back.len()
    }

    /// The slots in order: up to the end of the array, and from its start.
    #[must_use]
    pub fn slices(&mut self) -> (&mut [T], &mut [T]) {
        (self.front, self.back)
    }

    /// The slot of message `index` of this claim.
    #[must_use]
    pub fn get(&mut self, index: usize) -> Option<&mut T> {
        match index.checked_sub(self.front.len()) {
            None => self.front.get_mut(index),
            Some(index) => self.back.get_mut(index),
        }
    }

    /// Publishes all of them.
    ///
    /// # Errors
    /// [`ClaimError::Forked`]; nothing is published then.
    #[inline]
    pub fn commit(self) -> Result<(), ClaimError> {
        let count = self.len();
        self.commit_first(count)
    }

    /// Publishes the first `count`, and gives the rest back.
    ///
    /// # Errors
    /// [`ClaimError::TooLong`] if fewer were claimed, [`ClaimError::Forked`];
    /// nothing is published then.
    #[inline]
    pub fn commit_first(self, count: usize) -> Result<(), ClaimError> {
        self.producer.end.check_claim()?;
        if count > self.len() {
            return Err(ClaimError::TooLong);
        }
        self.producer.publish(count as u64);
        Ok(())
    }

    /// Gives all of them back. Dropping does the same.
    pub fn abort(self) {}

    fn fill(self, values: &[T]) -> Result<(), ClaimError>
    where
        T: Copy,
    {
        let (front, back) = values.split_at(self.front.len());
        self.front.copy_from_slice(front);
        self.back.copy_from_slice(back);
        self.commit()
    }
}

impl<T: Payload> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("core", &self.core).finish_non_exhaustive()
    }
}

impl<T: Payload> fmt::Debug for Claim<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("len", &self.len()).finish_non_exhaustive()
    }
}
