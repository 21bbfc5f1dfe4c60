//! One who writes values of one type.
//!
//! Unsafe code here writes to slots that this peer has claimed: they are its alone until
//! it commits.

use super::held::{Batch, Claimed};
use super::writer::Writer;
use super::{company, flush};
use crate::error::{ClaimError, OpenError, PushError};
use crate::handle::opening;
use crate::options::Options;
use crate::patience::Wait;
use crate::payload::Payload;
use crate::ring::Ring;
use std::ffi::OsStr;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

/// One who writes to a ring of `T`.
///
/// Moves to another thread, but is used by one at a time. The peer leaves when the
/// producer and all its claims are gone.
pub struct Producer<T: Payload> {
    end: Writer,
    values: PhantomData<fn(T)>,
}

impl<T: Payload> Producer<T> {
    opening!(Options::mpmc_slots_of::<T>);
    company!();
    flush!();

    fn take_seat(ring: &Ring, options: &Options) -> Result<Self, OpenError> {
        ring.expect_messages(&options.mpmc_slots_of::<T>()?)?;
        Ok(Self { end: Writer::attach(ring)?, values: PhantomData })
    }

    /// The lane that is written to; 0 at first.
    #[must_use]
    pub fn lane(&self) -> u32 {
        self.end.lane()
    }

    /// Writes to this lane from now on.
    ///
    /// # Errors
    /// [`ClaimError::NoSuchLane`].
    pub fn set_lane(&mut self, lane: u32) -> Result<(), ClaimError> {
        self.end.set_lane(lane)
    }

    /// How long this handle spins before it sleeps.
    pub fn set_spin(&mut self, spin: Duration) {
        self.end.set_spin(spin);
    }

    /// Puts a value in, if there is room now.
    ///
    /// # Errors
    /// [`ClaimError::Full`], [`ClaimError::Busy`], [`ClaimError::Closed`] and the
    /// lasting ones, with the value.
    #[inline]
    pub fn try_push(&mut self, value: T) -> Result<(), PushError<T>> {
        self.push_or_wait(value, Wait::Not)
    }

    /// Puts a value in; waits for room.
    ///
    /// # Errors
    /// [`ClaimError::Closed`], [`ClaimError::PeerDied`] and the lasting ones, with the
    /// value.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), PushError<T>> {
        self.push_or_wait(value, Wait::Forever)
    }

    /// Puts a value in; waits at most so long.
    ///
    /// # Errors
    /// As [`push`](Self::push), and [`ClaimError::TimedOut`].
    #[inline]
    pub fn push_timeout(&mut self, value: T, most: Duration) -> Result<(), PushError<T>> {
        self.push_or_wait(value, Wait::AtMost(most))
    }

    #[inline(always)]
    fn push_or_wait(&mut self, value: T, wait: Wait) -> Result<(), PushError<T>> {
        match self.put(value, wait) {
            Ok(()) => {
                self.end.seat.notify_data();
                Ok(())
            }
            Err(refused) => Err(refused),
        }
    }

    #[inline(always)]
    fn put(&mut self, value: T, wait: Wait) -> Result<(), PushError<T>> {
        let claim = match self.end.claim(wait) {
            Ok(claim) => claim,
            Err(error) => return Err(PushError { error, value }),
        };
        let slot = self.end.payload(&claim).cast::<T>();
        // SAFETY: in bounds and aligned: the ring is one of `T`, as was checked when the
        // seat was taken; claimed, hence this peer's alone. The value stays ours until it
        // is published, and is forgotten then.
        unsafe { slot.copy_from_nonoverlapping(&raw const value, 1) };
        match self.end.commit(claim) {
            Ok(()) => {
                std::mem::forget(value);
                Ok(())
            }
            Err(error) => Err(PushError { error, value }),
        }
    }

    /// Puts as many of these values in as there is room for now, in order, and says how
    /// many. Consumers are woken once, for all of them; they may be read while later
    /// ones are still being written.
    ///
    /// # Errors
    /// As [`try_push`](Self::try_push), if none was put in.
    pub fn try_push_slice(&mut self, values: &[T]) -> Result<usize, ClaimError>
    where
        T: Copy,
    {
        let mut count = 0;
        let mut refused = None;
        for &value in values {
            match self.put(value, Wait::Not) {
                Ok(()) => count += 1,
                Err(PushError { error, .. }) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        if count > 0 {
            self.end.seat.notify_data();
        }
        match refused {
            Some(error) if count == 0 => Err(error),
            _ => Ok(count),
        }
    }

    /// Puts all of these values in, in order; waits for room.
    ///
    /// # Errors
    /// As [`push`](Self::push), with how many were put in.
    pub fn push_slice(&mut self, values: &[T]) -> Result<(), PushError<usize>>
    where
        T: Copy,
    {
        let mut done = 0;
        while done < values.len() {
            let more = match self.try_push_slice(&values[done..]) {
                Err(ClaimError::Full | ClaimError::Busy) => {
                    self.push(values[done]).map(|()| 1).map_err(|refused| refused.error)
                }
                more => more,
            };
            match more {
                Ok(count) => done += count,
                Err(error) => return Err(PushError { error, value: done }),
            }
        }
        Ok(())
    }

    /// Claims a slot to write in place, if one is free now.
    ///
    /// # Errors
    /// [`ClaimError::Full`], [`ClaimError::Busy`], [`ClaimError::Closed`] and the
    /// lasting ones.
    pub fn try_claim(&mut self) -> Result<Claim<T>, ClaimError> {
        self.claim_or_wait(Wait::Not)
    }

    /// Claims a slot to write in place; waits until one is free.
    ///
    /// # Errors
    /// [`ClaimError::Closed`], [`ClaimError::PeerDied`] and the lasting ones.
    pub fn claim(&mut self) -> Result<Claim<T>, ClaimError> {
        self.claim_or_wait(Wait::Forever)
    }

    /// Claims a slot to write in place; waits at most so long.
    ///
    /// # Errors
    /// As [`claim`](Self::claim), and [`ClaimError::TimedOut`].
    pub fn claim_timeout(&mut self, most: Duration) -> Result<Claim<T>, ClaimError> {
        self.claim_or_wait(Wait::AtMost(most))
    }

    fn claim_or_wait(&mut self, wait: Wait) -> Result<Claim<T>, ClaimError> {
        let claimed = self.end.claimed(wait)?;
        let value = claimed.seat.lanes().payload(claimed.lane, claimed.index()).cast();
        Ok(Claim { value, claimed })
    }
}

/// A slot to write in place, which holds what was there a lap ago.
///
/// Owned: it may be kept beside others, sent to another thread, and outlive the
/// producer. Until it is committed, consumers that come to it get no further in its
/// lane, or pass it by: see [`Progress`](crate::Progress). Dropping it gives the slot up.
#[must_use = "a claim that is dropped publishes nothing"]
pub struct Claim<T: Payload> {
    value: *mut T,
    claimed: Claimed,
}

// SAFETY: stands for a `&mut T`, which may go to other threads since `T` may, and so may
// the rest.
unsafe impl<T: Payload> Send for Claim<T> {}

impl<T: Payload> Claim<T> {
    /// Publishes the value.
    ///
    /// # Errors
    /// [`ClaimError::Forked`], [`ClaimError::Corrupt`]; nothing is published then.
    pub fn commit(self) -> Result<(), ClaimError> {
        self.claimed.commit(|_| {})
    }

    /// Publishes several, one after the other, and wakes consumers once, for all of them.
    /// Each may be read while later ones are still being published.
    ///
    /// They may be of several producers and rings; those of one producer side by side
    /// share a wake-up.
    ///
    /// # Errors
    /// [`ClaimError::Forked`]; those before it are published, the rest are given up.
    pub fn commit_all(claims: impl IntoIterator<Item = Self>) -> Result<(), ClaimError> {
        let mut batch = Batch::of_commits();
        claims.into_iter().try_for_each(|claim| claim.claimed.commit_in(&mut batch, |_| {}))
    }

    /// Gives the slot up. Dropping does the same.
    pub fn abort(self) {}
}

impl<T: Payload> Deref for Claim<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: in bounds and aligned, of a ring of `T`; claimed, hence this peer's
        // alone until it commits, by value; any bytes are a `T`; the seat keeps the map.
        unsafe { &*self.value }
    }
}

impl<T: Payload> DerefMut for Claim<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`; and borrowed mutably, hence nobody else's.
        unsafe { &mut *self.value }
    }
}

impl<T: Payload> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("end", &self.end).finish_non_exhaustive()
    }
}

impl<T: Payload> fmt::Debug for Claim<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("claimed", &self.claimed).finish_non_exhaustive()
    }
}
