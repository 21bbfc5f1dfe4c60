//! One who publishes values of one type.
//!
//! Unsafe code here writes to the slot that the publisher has claimed: nobody looks at it
//! until it is committed. Ticks have no slots, and need none of it.

use super::company;
use super::tick_writer::TickWriter;
use super::writer::Writer;
use crate::error::{ClaimError, OpenError, PushError};
use crate::handle::opening;
use crate::header::Shape;
use crate::options::Options;
use crate::patience::Wait;
use crate::payload::Payload;
use crate::ring::Ring;
use std::ffi::OsStr;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

/// The publisher of a ring of `T`.
///
/// Moves to another thread, but is used by one at a time.
pub struct Publisher<T: Payload> {
    end: End,
    values: PhantomData<fn() -> T>,
}

/// By where the values of the ring stand.
#[derive(Debug)]
enum End {
    Pool(Writer),
    Ticks(TickWriter),
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
            Self::Ticks(end) => end.queue.set_spin(spin),
        }
    }

    fn wait_for_peer(&self, wait: Wait) -> Result<bool, OpenError> {
        match self {
            Self::Pool(end) => end.wait_for_peer(wait),
            Self::Ticks(end) => end.seat.wait_for_peer(wait, end.queue.spin()),
        }
    }
}

impl<T: Payload> Publisher<T> {
    opening!(Options::broadcast_slots_of::<T>);
    company!();

    fn take_seat(ring: &Ring, options: &Options) -> Result<Self, OpenError> {
        ring.expect_values_of::<T>(options)?;
        let end = match ring.shape() {
            Shape::Ticks(_) => End::Ticks(TickWriter::attach(ring)?),
            _ => End::Pool(Writer::attach(ring)?),
        };
        Ok(Self { end, values: PhantomData })
    }

    /// The position that the next message will have.
    #[must_use]
    pub fn position(&self) -> u64 {
        match &self.end {
            End::Pool(end) => end.position(),
            End::Ticks(end) => end.position(),
        }
    }

    /// How many times this publisher did not wait any longer for a lossless subscriber.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        match &self.end {
            End::Pool(end) => end.evicted(),
            End::Ticks(end) => end.queue.evicted(),
        }
    }

    /// Publishes a value; waits for lossless subscribers while the ring is full of
    /// messages that they have not taken.
    ///
    /// # Errors
    /// The lasting ones, with the value.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), PushError<T>> {
        self.push_or_wait(value, Wait::Forever)
    }

    /// Publishes a value, if no subscriber is waited for now.
    ///
    /// # Errors
    /// [`ClaimError::Full`] and the lasting ones, with the value.
    #[inline]
    pub fn try_push(&mut self, value: T) -> Result<(), PushError<T>> {
        self.push_or_wait(value, Wait::Not)
    }

    /// Publishes a value; waits at most so long.
    ///
    /// # Errors
    /// As [`push`](Self::push), and [`ClaimError::TimedOut`].
    #[inline]
    pub fn push_timeout(&mut self, value: T, most: Duration) -> Result<(), PushError<T>> {
        self.push_or_wait(value, Wait::AtMost(most))
    }

    #[inline(always)]
    fn push_or_wait(&mut self, value: T, wait: Wait) -> Result<(), PushError<T>> {
        let end = match &mut self.end {
            End::Ticks(end) => {
                let published = end.find_room(wait).and_then(|()| end.publish(&value));
                return published.map_err(|error| PushError { error, value });
            }
            End::Pool(end) => end,
        };
        let slot = match end.claim(wait) {
            Ok(slot) => end.seat.slots().payload(slot).cast::<T>(),
            Err(error) => return Err(PushError { error, value }),
        };
        // SAFETY: in bounds and aligned: the ring is one of `T`, as was checked when the
        // seat was taken; claimed, hence this publisher's alone.
        unsafe { slot.write(value) };
        // The only reason to be refused is a fork since the claim.
        let _ = end.commit(size_of::<T>() as u64);
        Ok(())
    }

    /// Claims a slot to write in place; waits as [`push`](Self::push).
    ///
    /// # Errors
    /// The lasting ones.
    pub fn claim(&mut self) -> Result<Claim<'_, T>, ClaimError> {
        self.claim_or_wait(Wait::Forever)
    }

    /// Claims a slot to write in place, if no subscriber is waited for now.
    ///
    /// # Errors
    /// [`ClaimError::Full`] and the lasting ones.
    pub fn try_claim(&mut self) -> Result<Claim<'_, T>, ClaimError> {
        self.claim_or_wait(Wait::Not)
    }

    /// Claims a slot to write in place; waits at most so long.
    ///
    /// # Errors
    /// As [`claim`](Self::claim), and [`ClaimError::TimedOut`].
    pub fn claim_timeout(&mut self, most: Duration) -> Result<Claim<'_, T>, ClaimError> {
        self.claim_or_wait(Wait::AtMost(most))
    }

    fn claim_or_wait(&mut self, wait: Wait) -> Result<Claim<'_, T>, ClaimError> {
        let place = match &mut self.end {
            End::Pool(end) => {
                let slot = end.claim(wait)?;
                Place::Slot { value: end.seat.slots().payload(slot).cast(), end }
            }
            End::Ticks(end) => {
                end.find_room(wait)?;
                Place::Entry { value: T::new_zeroed(), end }
            }
        };
        Ok(Claim { place })
    }
}

/// A slot to write in place, which holds what an earlier message left there; of ticks, a value of
/// zeros that is copied when it is published.
///
/// Dropping it gives it up: nothing is seen of it.
#[must_use = "a claim that is dropped publishes nothing"]
pub struct Claim<'a, T: Payload> {
    place: Place<'a, T>,
}

enum Place<'a, T> {
    Slot { value: *mut T, end: &'a mut Writer },
    Entry { value: T, end: &'a mut TickWriter },
}

// SAFETY: stands for a `&mut T` and a `&mut` to the publisher, which may go to other
// threads since `T` may.
unsafe impl<T: Payload> Send for Claim<'_, T> {}

impl<T: Payload> Claim<'_, T> {
    /// Publishes the value.
    ///
    /// # Errors
    /// [`ClaimError::Forked`]; nothing is published then.
    pub fn commit(self) -> Result<(), ClaimError> {
        let mut claim = self;
        match &mut claim.place {
            Place::Slot { end, .. } => end.commit(size_of::<T>() as u64),
            Place::Entry { value, end } => end.publish(value),
        }
    }

    /// Gives the slot up. Dropping does the same.
    pub fn abort(self) {}
}

impl<T: Payload> Drop for Claim<'_, T> {
    fn drop(&mut self) {
        // Nothing to do after a commit.
        if let Place::Slot { end, .. } = &mut self.place {
            end.abort();
        }
    }
}

impl<T: Payload> Deref for Claim<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.place {
            // SAFETY: in bounds and aligned, of a ring of `T`; claimed, hence nobody else's
            // until it is committed, by value; any bytes are a `T`; the seat keeps the map.
            Place::Slot { value, .. } => unsafe { &**value },
            Place::Entry { value, .. } => value,
        }
    }
}

impl<T: Payload> DerefMut for Claim<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.place {
            // SAFETY: as in `deref`; and borrowed mutably, hence nobody else's.
            Place::Slot { value, .. } => unsafe { &mut **value },
            Place::Entry { value, .. } => value,
        }
    }
}

impl<T: Payload> fmt::Debug for Publisher<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("end", &self.end).finish_non_exhaustive()
    }
}

impl<T: Payload> fmt::Debug for Claim<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").finish_non_exhaustive()
    }
}
