//! One who reads values of one type, as every other subscriber does.
//!
//! Unsafe code here reads slots that this subscriber looks at: they are not written until
//! it stops looking. Ticks have no slots, and need none of it.

use super::held::Held;
use super::join::Join;
use super::reader::Reader;
use super::tick_reader::{Copied, TickReader};
use super::{company, subscribing};
use crate::error::{OpenError, ReadError};
use crate::header::Shape;
use crate::options::Options;
use crate::patience::Wait;
use crate::payload::Payload;
use crate::ring::Ring;
use ringbuf_core::life::Delivery;
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
    end: End,
    values: PhantomData<fn() -> T>,
}

/// By where the values of the ring stand.
#[derive(Debug)]
enum End {
    Pool(Reader),
    Ticks(TickReader),
}

impl End {
    fn ring(&self) -> &Ring {
        match self {
            Self::Pool(end) => end.ring(),
            Self::Ticks(end) => end.seat.ring(),
        }
    }

    fn set_spin(&mut self, spin: Duration) {
        match self {
            Self::Pool(end) => end.set_spin(spin),
            Self::Ticks(end) => end.waiting.spin = spin,
        }
    }

    fn wait_for_peer(&self, wait: Wait) -> Result<bool, OpenError> {
        match self {
            Self::Pool(end) => end.wait_for_peer(wait),
            Self::Ticks(end) => end.seat.wait_for_peer(wait, end.waiting.spin),
        }
    }

    fn delivery(&self) -> Delivery {
        match self {
            Self::Pool(end) => end.delivery(),
            Self::Ticks(end) => end.core().delivery(),
        }
    }

    fn position(&self) -> u64 {
        match self {
            Self::Pool(end) => end.position(),
            Self::Ticks(end) => end.core().position().count(),
        }
    }

    fn lost(&self) -> u64 {
        match self {
            Self::Pool(end) => end.lost(),
            Self::Ticks(end) => end.core().lost(),
        }
    }

    fn broken(&self) -> u64 {
        match self {
            Self::Pool(end) => end.broken(),
            // There are no parts of ticks.
            Self::Ticks(_) => 0,
        }
    }
}

impl<T: Payload> Subscriber<T> {
    subscribing!(Options::broadcast_slots_of::<T>, View<T>);
    company!();

    fn take_seat(ring: &Ring, options: &Options, join: Join) -> Result<Self, OpenError> {
        ring.expect_values_of::<T>(options)?;
        let end = match ring.shape() {
            Shape::Ticks(_) => End::Ticks(TickReader::attach(ring, join)?),
            _ => End::Pool(Reader::attach(ring, join)?),
        };
        Ok(Self { end, values: PhantomData })
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
        let end = match &mut self.end {
            End::Ticks(end) => return Ok(end.read(wait)?.value),
            End::Pool(end) => end,
        };
        let taken = end.read(Want::Whole, wait)?;
        let slot = end.seat.slots().payload(taken.slot).cast::<T>();
        // SAFETY: in bounds and aligned: the ring is one of `T`, as was checked when the
        // seat was taken; looked at, hence not written until released; any bytes are a `T`.
        let value = unsafe { slot.read() };
        end.release(taken);
        Ok(value)
    }

    #[inline(always)]
    fn read_or_wait(&mut self, wait: Wait) -> Result<View<T>, ReadError> {
        Ok(match &mut self.end {
            End::Pool(end) => View::of(end.held(Want::Whole, wait)?),
            End::Ticks(end) => View(Kept::Copy(end.read(wait)?)),
        })
    }

    /// The newest value, also if it was read before: what is read next, and what counts as
    /// lost, does not change.
    ///
    /// # Errors
    /// [`ReadError::Empty`] if there is none, [`ReadError::AllHeld`], [`ReadError::Busy`]
    /// and the lasting ones.
    pub fn latest(&self) -> Result<View<T>, ReadError> {
        Ok(match &self.end {
            End::Pool(end) => View::of(end.latest(Want::Whole)?),
            End::Ticks(end) => View(Kept::Copy(end.latest()?)),
        })
    }
}

/// A value in place, or the copy of a tick. Dropping it lets the slot be used again.
///
/// Owned: it may be kept beside others, sent to another thread, and outlive the
/// subscriber. Nobody waits for it.
pub struct View<T: Payload>(Kept<T>);

enum Kept<T> {
    InPlace { value: *const T, held: Held },
    Copy(Copied<T>),
}

// SAFETY: a `T`, which may go to other threads, or what stands for a `&T`, which may since
// values of `T` may be shared (they have no interior mutability); and so may the rest.
unsafe impl<T: Payload> Send for View<T> {}

impl<T: Payload> View<T> {
    fn of(held: Held) -> Self {
        let value = held.seat.slots().payload(held.taken.slot).cast_const().cast();
        Self(Kept::InPlace { value, held })
    }

    /// The position of the message: one more for each that was published.
    #[must_use]
    pub fn position(&self) -> u64 {
        match &self.0 {
            Kept::InPlace { held, .. } => held.taken.position.count(),
            Kept::Copy(copied) => copied.position,
        }
    }

    /// Stops looking at it. Dropping does the same.
    pub fn release(self) {}
}

impl<T: Payload> Deref for View<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        match &self.0 {
            // SAFETY: in bounds and aligned, of a ring of `T`; looked at, hence not written
            // until `held` is dropped; any bytes are a `T`; the seat keeps the map.
            Kept::InPlace { value, .. } => unsafe { &**value },
            Kept::Copy(copied) => &copied.value,
        }
    }
}

impl<T: Payload> fmt::Debug for Subscriber<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").field("end", &self.end).finish_non_exhaustive()
    }
}

impl<T: Payload> fmt::Debug for View<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("position", &self.position()).finish_non_exhaustive()
    }
}
