//! A message of which there may be more to come.
//!
//! Unsafe code here makes a slice of what the publisher has shown: it does not write there
//! any more.

use super::held::Held;
use super::seat::Waiting;
use crate::error::ReadError;
use crate::lent::Lent;
use crate::map::to_usize;
use crate::patience::Wait;
use ringbuf_core::extent::Extent;
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Whether there is more to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// More may come.
    Open,
    /// This is all.
    Whole,
    /// No more will come: its publisher gave it up, or died and was followed by another.
    Broken,
}

/// A message in place, as much of it as there is. Dropping it lets the slot be used again.
///
/// Owned, as a [`View`](super::bytes::View).
pub struct Part {
    payload: *const u8,
    held: Held,
    /// How long its subscriber spins before it sleeps.
    spin: Duration,
}

// SAFETY: stands for a `&[u8]`, which may go to other threads, and so may the rest.
unsafe impl Send for Part {}

impl Part {
    pub(super) fn new(held: Held, spin: Duration) -> Result<Self, ReadError> {
        let part = Self { payload: held.seat.slots().payload(held.taken.slot), held, spin };
        // Refused at once if it cannot be true.
        part.extent()?;
        Ok(part)
    }

    fn extent(&self) -> Result<Extent, ReadError> {
        let size = self.held.seat.slots().size() as u64;
        self.held.extent().filter(|extent| extent.bytes() <= size).ok_or(ReadError::Corrupt)
    }

    /// The bytes that are there now. At least as many as before.
    ///
    /// # Errors
    /// [`ReadError::Corrupt`].
    pub fn bytes(&self) -> Result<&[u8], ReadError> {
        Ok(self.shown(self.extent()?))
    }

    fn shown(&self, extent: Extent) -> &[u8] {
        // SAFETY: in bounds (`payload`, and who calls has checked the extent); shown, hence
        // not written until `held` is dropped, with the part; it keeps the map.
        unsafe { std::slice::from_raw_parts(self.payload, to_usize(extent.bytes())) }
    }

    /// Whether there is more to come.
    ///
    /// # Errors
    /// [`ReadError::Corrupt`].
    pub fn state(&self) -> Result<State, ReadError> {
        Ok(match self.extent()? {
            Extent::Open(_) => State::Open,
            Extent::Whole(_) => State::Whole,
            Extent::Broken(_) => State::Broken,
        })
    }

    /// Waits until there are at least so many bytes, or the message is whole, however
    /// short; the bytes that are there then.
    ///
    /// # Errors
    /// [`ReadError::Broken`] if it was broken off before, [`ReadError::PeerDied`] and
    /// [`ReadError::Closed`] if the publisher is gone and no other has come,
    /// [`ReadError::Corrupt`], [`ReadError::Forked`].
    pub fn wait_for(&self, bytes: usize) -> Result<&[u8], ReadError> {
        self.wait(bytes, Wait::Forever)
    }

    /// As [`wait_for`](Self::wait_for), but waits at most so long.
    ///
    /// # Errors
    /// As [`wait_for`](Self::wait_for), and [`ReadError::TimedOut`].
    pub fn wait_for_timeout(&self, bytes: usize, most: Duration) -> Result<&[u8], ReadError> {
        self.wait(bytes, Wait::AtMost(most))
    }

    fn wait(&self, bytes: usize, wait: Wait) -> Result<&[u8], ReadError> {
        if !self.held.seat.is_here() {
            return Err(ReadError::Forked);
        }
        let look = || match self.extent()? {
            extent if extent.bytes() >= bytes as u64 => Ok(Some(extent)),
            extent @ Extent::Whole(_) => Ok(Some(extent)),
            Extent::Broken(_) => Err(ReadError::Broken),
            Extent::Open(_) => Ok(None),
        };
        let found = match look()? {
            Some(extent) => Some(extent),
            None => self.held.seat.found_nothing(&mut Waiting::new(self.spin), wait, look)?,
        };
        found.map(|extent| self.shown(extent)).ok_or(ReadError::Empty)
    }

    /// The position of the message: one more for each that was published.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.held.taken.position.count()
    }

    /// The publisher's own 64 bits.
    #[must_use]
    pub fn tag(&self) -> u64 {
        // Relaxed: acquired with the entry, by edge SHOW.
        self.held.message().tag.load(Relaxed)
    }

    /// When it was begun, or committed if it was not: nanoseconds of `CLOCK_MONOTONIC`.
    #[must_use]
    pub fn time(&self) -> u64 {
        // Relaxed: acquired with the entry, by edge SHOW.
        self.held.message().time.load(Relaxed)
    }

    /// Copies as many of the bytes that are there as `target` has room for, and says how
    /// many.
    ///
    /// # Errors
    /// [`ReadError::Corrupt`].
    pub fn copy_to(&self, target: &mut [u8]) -> Result<usize, ReadError> {
        let len = to_usize(self.extent()?.bytes());
        // SAFETY: as in `shown`, and `self` is borrowed as long as this is used.
        let there = unsafe { Lent::new(self.payload, len) };
        Ok(there.copy_to(target))
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").field("held", &self.held).finish_non_exhaustive()
    }
}
