//! One who reads values of one type, as every other subscriber does.
//!
//! Unsafe code here reads slots that this subscriber looks at: they are not written until
//! it stops looking.

use super::held::Held;
use super::join::Join;
use super::reader::Reader;
use super::{company, subscribing};
use crate::error::{OpenError, ReadError};
use crate::options::Options;
use crate::patience::Wait;
use crate::payload::Payload;
use crate::ring::Ring;
use ringbuf_core::subscriber::Want;
use std::ffi::OsStr;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::time::Duration;

/// A subscriber of a ring of `T`.
///
/// Moves to another thread, but is used by one at a time. The peer leaves when the
/// subscriber and all its views are gone.
pub struct Subscriber<T: Payload> {
    end: Reader,
    values: PhantomData<fn() -> T>,
}

impl<T: Payload> Subscriber<T> {
    subscribing!(Options::broadcast_slots_of::<T>, View<T>);
    company!();

    fn take_seat(ring: &Ring, options: &Options, join: Join) -> Result<Self, OpenError> {
        ring.expect_messages(&options.broadcast_slots_of::<T>()?)?;
        Ok(Self { end: Reader::attach(ring, join)?, values: PhantomData })
    }

    /// Copies the next value, if there is one now.
    ///
    /// # Errors
    /// As [`try_read`](Self::try_read).
    #[inline]
    pub fn try_pop(&mut self) -> Result<T, ReadError> {
        self.pop_or_wait(Wait::Not)
    }

    /// Copies the next value; waits for one.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    #[inline]
    pub fn pop(&mut self) -> Result<T, ReadError> {
        self.pop_or_wait(Wait::Forever)
    }

    /// Copies the next value; waits at most so long for one.
    ///
    /// # Errors
    /// As [`read_timeout`](Self::read_timeout).
    #[inline]
    pub fn pop_timeout(&mut self, most: Duration) -> Result<T, ReadError> {
        self.pop_or_wait(Wait::AtMost(most))
    }

    #[inline(always)]
    fn pop_or_wait(&mut self, wait: Wait) -> Result<T, ReadError> {
        let taken = self.end.read(Want::Whole, wait)?;
        let slot = self.end.seat.slots().payload(taken.slot).cast::<T>();
        // SAFETY: in bounds and aligned: the ring is one of `T`, as was checked when the
        // seat was taken; looked at, hence not written until released; any bytes are a `T`.
        let value = unsafe { slot.read() };
        self.end.release(taken);
        Ok(value)
    }

    #[inline(always)]
    fn read_or_wait(&mut self, wait: Wait) -> Result<View<T>, ReadError> {
        Ok(View::new(self.end.held(Want::Whole, wait)?))
    }

    /// The newest value, also if it was read before: what is read next, and what counts as
    /// lost, does not change.
    ///
    /// # Errors
    /// [`ReadError::Empty`] if there is none, [`ReadError::AllHeld`], [`ReadError::Busy`]
    /// and the lasting ones.
    pub fn latest(&self) -> Result<View<T>, ReadError> {
        Ok(View::new(self.end.latest(Want::Whole)?))
    }
}

/// A value in place. Dropping it lets the slot be used again.
///
/// Owned: it may be kept beside others, sent to another thread, and outlive the
/// subscriber. Nobody waits for it.
pub struct View<T: Payload> {
    value: *const T,
    held: Held,
}

// SAFETY: stands for a `&T` that may go to other threads, since values of `T` may be
// shared (they have no interior mutability), and so may the rest.
unsafe impl<T: Payload> Send for View<T> {}

impl<T: Payload> View<T> {
    fn new(held: Held) -> Self {
        Self { value: held.seat.slots().payload(held.taken.slot).cast(), held }
    }

    /// The position of the message: one more for each that was published.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.held.taken.position.count()
    }

    /// Stops looking at it. Dropping does the same.
    pub fn release(self) {}
}

impl<T: Payload> Deref for View<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: in bounds and aligned, of a ring of `T`; looked at, hence not written
        // until `held` is dropped; any bytes are a `T`; the seat keeps the map.
        unsafe { &*self.value }
    }
}

impl<T: Payload> fmt::Debug for Subscriber<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").field("end", &self.end).finish_non_exhaustive()
    }
}

impl<T: Payload> fmt::Debug for View<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("held", &self.held).finish_non_exhaustive()
    }
}
