//! One who reads values of one type.
//!
//! Unsafe code here reads slots that this peer has taken: they are not written until it
//! releases them.

use super::company;
use super::held::{Batch, Held};
use super::reader::{Lanes, Reader};
use crate::error::{OpenError, ReadError};
use crate::handle::opening;
use crate::options::Options;
use crate::patience::Wait;
use crate::payload::Payload;
use crate::ring::Ring;
use std::ffi::OsStr;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::time::Duration;

/// One who reads from a ring of `T`.
///
/// Moves to another thread, but is used by one at a time. The peer leaves when the
/// consumer and all its views are gone.
pub struct Consumer<T: Payload> {
    end: Reader,
    values: PhantomData<fn() -> T>,
}

impl<T: Payload> Consumer<T> {
    opening!(Options::mpmc_slots_of::<T>);
    company!();

    fn take_seat(ring: &Ring, options: &Options) -> Result<Self, OpenError> {
        ring.expect_messages(&options.mpmc_slots_of::<T>()?)?;
        Ok(Self { end: Reader::attach(ring)?, values: PhantomData })
    }

    /// Reads these lanes from now on; at first, the highest that has something.
    ///
    /// # Errors
    /// [`ReadError::NoSuchLane`].
    pub fn set_lanes(&mut self, lanes: Lanes) -> Result<(), ReadError> {
        self.end.set_lanes(lanes)
    }

    /// How long this handle spins before it sleeps.
    pub fn set_spin(&mut self, spin: Duration) {
        self.end.set_spin(spin);
    }

    /// Takes a value out, if there is one now.
    ///
    /// # Errors
    /// [`ReadError::Empty`], [`ReadError::Busy`], [`ReadError::Closed`] and the lasting
    /// ones.
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
        let value = self.take(wait)?;
        self.end.seat.notify_room();
        Ok(value)
    }

    #[inline(always)]
    fn take(&mut self, wait: Wait) -> Result<T, ReadError> {
        let (lane, taken) = self.end.read(wait)?;
        let slot = self.end.payload(lane, &taken).cast::<T>();
        // SAFETY: in bounds and aligned: the ring is one of `T`, as was checked when the
        // seat was taken; taken, hence not written; any bytes are a `T`.
        let value = unsafe { slot.read() };
        self.end.release(lane, taken);
        Ok(value)
    }

    /// Copies out as many values as there are now, at most as `values` has places for,
    /// and says how many. Producers are woken once, for all of them.
    ///
    /// # Errors
    /// As [`try_pop`](Self::try_pop), if there is none.
    pub fn try_pop_slice(&mut self, values: &mut [T]) -> Result<usize, ReadError>
    where
        T: Copy,
    {
        let mut count = 0;
        let mut nothing = None;
        for place in values {
            match self.take(Wait::Not) {
                Ok(value) => *place = value,
                Err(error) => {
                    nothing = Some(error);
                    break;
                }
            }
            count += 1;
        }
        if count > 0 {
            self.end.seat.notify_room();
        }
        match nothing {
            Some(error) if count == 0 => Err(error),
            _ => Ok(count),
        }
    }

    /// Takes the next value to look at in place, if there is one now.
    ///
    /// # Errors
    /// As [`try_pop`](Self::try_pop).
    pub fn try_read(&mut self) -> Result<View<T>, ReadError> {
        self.read_or_wait(Wait::Not)
    }

    /// Takes the next value to look at in place; waits for one.
    ///
    /// # Errors
    /// As [`pop`](Self::pop).
    pub fn read(&mut self) -> Result<View<T>, ReadError> {
        self.read_or_wait(Wait::Forever)
    }

    /// Takes the next value to look at in place; waits at most so long.
    ///
    /// # Errors
    /// As [`pop_timeout`](Self::pop_timeout).
    pub fn read_timeout(&mut self, most: Duration) -> Result<View<T>, ReadError> {
        self.read_or_wait(Wait::AtMost(most))
    }

    fn read_or_wait(&mut self, wait: Wait) -> Result<View<T>, ReadError> {
        let held = self.end.held(wait)?;
        let value = held.seat.lanes().payload(held.lane, held.index()).cast_const().cast();
        Ok(View { value, held })
    }
}

/// A value in place, not yet released. Dropping it releases it.
///
/// Owned: it may be kept beside others, sent to another thread, and outlive the
/// consumer. Producers that come round to its slot wait for it, or pass it by: see
/// [`Progress`](crate::Progress). A view trusts the producer not to write to what it has
/// committed.
pub struct View<T: Payload> {
    value: *const T,
    held: Held,
}

// SAFETY: stands for a value that nobody writes to, of a type that may go to other
// threads, and so may the rest.
unsafe impl<T: Payload> Send for View<T> {}

impl<T: Payload> View<T> {
    /// The lane that it was in.
    #[must_use]
    pub fn lane(&self) -> u32 {
        self.held.lane
    }

    /// How often a consumer that died had taken it before.
    #[must_use]
    pub fn redelivered(&self) -> u8 {
        self.held.redelivered()
    }

    /// Gives it back. Dropping does the same.
    pub fn release(self) {}

    /// Gives several back, and wakes producers once, for all of them.
    ///
    /// They may be of several consumers and rings; those of one consumer side by side
    /// share a wake-up.
    pub fn release_all(views: impl IntoIterator<Item = Self>) {
        let mut batch = Batch::of_releases();
        views.into_iter().for_each(|view| view.held.release_in(&mut batch));
    }
}

impl<T: Payload> Deref for View<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: in bounds and aligned, of a ring of `T`; taken, hence not written until
        // `held` is dropped; any bytes are a `T`; the seat keeps the map.
        unsafe { &*self.value }
    }
}

impl<T: Payload> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("end", &self.end).finish_non_exhaustive()
    }
}

impl<T: Payload> fmt::Debug for View<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("held", &self.held).finish_non_exhaustive()
    }
}
