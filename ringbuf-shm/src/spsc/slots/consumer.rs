//! The reading end of a ring of one type.
//!
//! Unsafe code here reads slots of taken spans: they are not written until they are
//! released.

use crate::end::{End, Side};
use crate::error::{OpenError, ReadError};
use crate::handle::opening;
use crate::map::to_usize;
use crate::native::{Native, count};
use crate::options::Options;
use crate::patience::Wait;
use crate::payload::Payload;
use crate::prefetch;
use crate::ring::Ring;
use crate::spsc::slots::Slots;
use crate::spsc::{neighbour, slip};
use crate::{Predecessor, Presence, Redelivery};
use crossbeam_utils::CachePadded;
use ringbuf_core::error as core_error;
use ringbuf_core::position::Span;
use ringbuf_core::slip::Slipping;
use ringbuf_core::spsc;
use std::ffi::OsStr;
use std::fmt;
use std::time::Duration;

/// The reading end of a ring of `T`.
///
/// Moves to another thread, but is used by one at a time. Dropping it closes this
/// side: the producer is told `Closed` when the ring is full.
pub struct Consumer<T: Payload> {
    core: CachePadded<spsc::Consumer<'static, Native>>,
    slots: Slots<T>,
    slipping: Slipping,
    end: End,
}

impl<T: Payload> Consumer<T> {
    opening!(Options::slots_of::<T>);
    neighbour!();
    slip!();

    fn take_seat(ring: &Ring, options: &Options) -> Result<Self, OpenError> {
        ring.expect_messages(&options.slots_of::<T>()?)?;
        let end = End::attach(ring, Side::Consumer)?;
        let mut core = end.stream_consumer()?;
        if ring.spec().redelivery == Redelivery::Drop {
            core.drop_taken(core.taken_before().len);
        }
        let (core, slots) = (CachePadded::new(core), Slots::of(ring));
        Ok(Self { core, slots, slipping: Slipping::default(), end })
    }

    /// Takes a value out, if there is one now.
    ///
    /// # Errors
    /// [`ReadError::Empty`], [`ReadError::Closed`] and the lasting ones.
    #[inline]
    pub fn try_pop(&mut self) -> Result<T, ReadError> {
        self.pop_or_wait(Wait::Not)
    }

    /// Takes a value out; waits for one.
    ///
    /// # Errors
    /// [`ReadError::Closed`], [`ReadError::PeerDied`] and the lasting ones.
    #[inline]
    pub fn pop(&mut self) -> Result<T, ReadError> {
        self.pop_or_wait(Wait::Forever)
    }

    /// Takes a value out; waits at most so long for one.
    ///
    /// # Errors
    /// As [`pop`](Self::pop), and [`ReadError::TimedOut`].
    #[inline]
    pub fn pop_timeout(&mut self, most: Duration) -> Result<T, ReadError> {
        self.pop_or_wait(Wait::AtMost(most))
    }

    #[inline(always)]
    fn pop_or_wait(&mut self, wait: Wait) -> Result<T, ReadError> {
        let span = self.span(1, wait)?;
        // SAFETY: in bounds and aligned, see `Slots`; taken, hence not written; any
        // bytes are a `T`.
        let value = unsafe { self.slots.slot(span.start).read() };
        self.give_back(span, 1);
        Ok(value)
    }

    /// Copies out as many values as there are now, at most as `values` has places for,
    /// and says how many.
    ///
    /// # Errors
    /// As [`try_pop`](Self::try_pop).
    pub fn try_pop_slice(&mut self, values: &mut [T]) -> Result<usize, ReadError>
    where
        T: Copy,
    {
        self.try_read(values.len()).map(|view| view.copy_out(values))
    }

    /// Copies out as many values as there are, at most as `values` has places for,
    /// and says how many; waits for at least one.
    ///
    /// # Errors
    /// As [`pop`](Self::pop).
    pub fn pop_slice(&mut self, values: &mut [T]) -> Result<usize, ReadError>
    where
        T: Copy,
    {
        self.read(values.len()).map(|view| view.copy_out(values))
    }

    /// Looks at what there is now, at most `most` values.
    ///
    /// # Errors
    /// As [`try_pop`](Self::try_pop).
    #[inline]
    pub fn try_read(&mut self, most: usize) -> Result<View<'_, T>, ReadError> {
        self.read_or_wait(most, Wait::Not)
    }

    /// Looks at what there is, at most `most` values; waits for at least one.
    ///
    /// # Errors
    /// As [`pop`](Self::pop).
    #[inline]
    pub fn read(&mut self, most: usize) -> Result<View<'_, T>, ReadError> {
        self.read_or_wait(most, Wait::Forever)
    }

    /// Looks at what there is, at most `most` values; waits at most so long.
    ///
    /// # Errors
    /// As [`pop_timeout`](Self::pop_timeout).
    #[inline]
    pub fn read_timeout(&mut self, most: usize, time: Duration) -> Result<View<'_, T>, ReadError> {
        self.read_or_wait(most, Wait::AtMost(time))
    }

    #[inline(always)]
    fn read_or_wait(&mut self, most: usize, wait: Wait) -> Result<View<'_, T>, ReadError> {
        let span = self.span(most as u64, wait)?;
        // SAFETY: taken, hence not written until `give_back`; the view borrows the
        // consumer, whose end keeps the map.
        let (front, back) = unsafe { self.slots.shared(span) };
        Ok(View { consumer: self, span, releases: span.len, front, back })
    }

    #[inline(always)]
    fn span(&mut self, most: u64, wait: Wait) -> Result<Span, ReadError> {
        self.slipping.pause(self.end.native, self.core.is_dry());
        let (core, slots) = (&mut self.core, self.slots);
        let span = self.end.read(wait, move || {
            let found = core.read(most);
            if found.is_err() {
                // The message that is waited for arrives together with the word that says so.
                prefetch::fetch(slots.slot(core.position()));
            }
            found
        })?;
        self.slipping.took(span.len);
        Ok(span)
    }

    #[inline(always)]
    fn give_back(&mut self, span: Span, count: u64) {
        if self.core.redelivered(span.start) {
            self.count_redelivered(span, count);
        }
        self.core.release(count);
        self.end.notify();
    }

    #[cold]
    fn count_redelivered(&mut self, span: Span, released: u64) {
        let again = self.redelivered(span).min(released);
        count(&self.end.native.redelivered, again);
    }

    /// How many of the first messages of a span were shown to a dead consumer.
    fn redelivered(&self, span: Span) -> u64 {
        self.core.taken_before().len.min(span.len)
    }

    /// How many of the next messages were shown to a consumer that died.
    #[must_use]
    pub fn redelivered_ahead(&self) -> u64 {
        self.core.taken_before().len
    }

    /// How many messages there are certainly to read: only this consumer can make
    /// it less.
    ///
    /// # Errors
    /// [`ReadError::Corrupt`], [`ReadError::Forked`].
    pub fn available(&mut self) -> Result<u64, ReadError> {
        self.end.check_read()?;
        match self.core.look() {
            Ok(span) => Ok(span.len),
            Err(core_error::ReadError::Empty) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }
}

/// Values in place, not yet released. Dropping it releases all of them.
///
/// A view trusts the producer not to write to what it has committed; copy out what
/// comes from one you do not trust.
pub struct View<'a, T: Payload> {
    consumer: &'a mut Consumer<T>,
    span: Span,
    /// How many are given back when it is dropped.
    releases: u64,
    front: &'a [T],
    back: &'a [T],
}

impl<T: Payload> View<'_, T> {
    /// How many there are; at least one, unless none was asked for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.front.len() + self.back.len()
    }

    /// Whether none was asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values in order: up to the end of the array, and from its start.
    #[must_use]
    pub fn slices(&self) -> (&[T], &[T]) {
        (self.front, self.back)
    }

    /// The values in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.front.iter().chain(self.back)
    }

    /// Copies all to the start of `values`, which has room for them, and gives them back.
    fn copy_out(self, values: &mut [T]) -> usize
    where
        T: Copy,
    {
        let (front, back) = values[..self.len()].split_at_mut(self.front.len());
        front.copy_from_slice(self.front);
        back.copy_from_slice(self.back);
        self.len()
    }

    /// How many of the first were shown to a consumer that died before it released them.
    #[must_use]
    pub fn redelivered(&self) -> usize {
        to_usize(self.consumer.redelivered(self.span))
    }

    /// Gives all of them back. Dropping does the same.
    pub fn release(self) {}

    /// Gives the first `count` back; the others are read again next time. All of
    /// them, if there are no more.
    pub fn release_first(mut self, count: usize) {
        self.releases = self.releases.min(count as u64);
    }
}

impl<T: Payload> Drop for View<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.consumer.end.is_here() {
            self.consumer.give_back(self.span, self.releases);
        }
    }
}

impl<T: Payload> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("core", &self.core).finish_non_exhaustive()
    }
}

impl<T: Payload> fmt::Debug for View<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("span", &self.span).finish_non_exhaustive()
    }
}
