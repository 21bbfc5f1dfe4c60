//! Byte slots: messages up to a size, each with its length, a tag and a time.
//!
//! A message is published whole, or [begun](Claim::begin) and published piece by piece,
//! as the lines of a frame come from a sensor; whoever wants may read what is there of it.
//!
//! Unsafe code here reads and writes slots that the protocol gave to this peer: a claimed
//! slot is the publisher's alone but for what it has shown, and what is looked at is not
//! written until that ends.

use super::held::Held;
use super::join::Join;
use super::reader::Reader;
use super::writer::Writer;
use super::{company, subscribing};
use crate::end::monotonic;
use crate::error::{ClaimError, OpenError, ReadError};
use crate::handle::opening;
use crate::lent::Lent;
use crate::map::to_usize;
use crate::options::Options;
use crate::patience::Wait;
use crate::ring::Ring;
use ringbuf_core::subscriber::Want;
use std::ffi::OsStr;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

pub use super::begun::Begun;
pub use super::part::{Part, State};

/// The publisher of a ring of byte slots.
///
/// Moves to another thread, but is used by one at a time.
#[derive(Debug)]
pub struct Publisher {
    end: Writer,
}

impl Publisher {
    opening!(Options::broadcast_bytes);
    company!();

    fn take_seat(ring: &Ring, options: &Options) -> Result<Self, OpenError> {
        ring.expect_messages(&options.clone().slot_size(1).broadcast_bytes()?)?;
        Ok(Self { end: Writer::attach(ring)? })
    }

    /// The longest message, in bytes.
    #[must_use]
    pub fn slot_size(&self) -> usize {
        self.end.seat.slots().size()
    }

    /// The position that the next message will have.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.end.position()
    }

    /// How many times this publisher did not wait any longer for a lossless subscriber.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.end.evicted()
    }

    /// Claims a slot to write in place; waits for lossless subscribers while the ring is
    /// full of messages that they have not taken.
    ///
    /// # Errors
    /// The lasting ones.
    #[inline]
    pub fn claim(&mut self) -> Result<Claim<'_>, ClaimError> {
        self.claim_or_wait(Wait::Forever)
    }

    /// Claims a slot to write in place, if no subscriber is waited for now.
    ///
    /// # Errors
    /// [`ClaimError::Full`] and the lasting ones.
    #[inline]
    pub fn try_claim(&mut self) -> Result<Claim<'_>, ClaimError> {
        self.claim_or_wait(Wait::Not)
    }

    /// Claims a slot to write in place; waits at most so long.
    ///
    /// # Errors
    /// As [`claim`](Self::claim), and [`ClaimError::TimedOut`].
    #[inline]
    pub fn claim_timeout(&mut self, most: Duration) -> Result<Claim<'_>, ClaimError> {
        self.claim_or_wait(Wait::AtMost(most))
    }

    #[inline(always)]
    fn claim_or_wait(&mut self, wait: Wait) -> Result<Claim<'_>, ClaimError> {
        let slot = self.end.claim(wait)?;
        let slots = self.end.seat.slots();
        let (payload, len) = (slots.payload(slot), slots.size());
        Ok(Claim { payload, len, slot, tag: 0, end: &mut self.end })
    }

    /// Copies a message in; waits as [`claim`](Self::claim).
    ///
    /// # Errors
    /// As [`claim`](Self::claim), and [`ClaimError::TooLong`] if it exceeds
    /// [`slot_size`](Self::slot_size).
    pub fn push(&mut self, message: &[u8]) -> Result<(), ClaimError> {
        self.push_or_wait(message, Wait::Forever)
    }

    /// Copies a message in, if no subscriber is waited for now.
    ///
    /// # Errors
    /// As [`try_claim`](Self::try_claim), and [`ClaimError::TooLong`].
    pub fn try_push(&mut self, message: &[u8]) -> Result<(), ClaimError> {
        self.push_or_wait(message, Wait::Not)
    }

    /// Copies a message in; waits at most so long.
    ///
    /// # Errors
    /// As [`claim_timeout`](Self::claim_timeout), and [`ClaimError::TooLong`].
    pub fn push_timeout(&mut self, message: &[u8], most: Duration) -> Result<(), ClaimError> {
        self.push_or_wait(message, Wait::AtMost(most))
    }

    fn push_or_wait(&mut self, message: &[u8], wait: Wait) -> Result<(), ClaimError> {
        if message.len() > self.slot_size() {
            return Err(ClaimError::TooLong);
        }
        let mut claim = self.claim_or_wait(wait)?;
        claim[..message.len()].copy_from_slice(message);
        claim.commit(message.len())
    }
}

/// A slot to write in place: all of its bytes, which hold what an earlier message left
/// there.
///
/// Dropping it gives it up: nothing is seen of it.
#[must_use = "a claim that is dropped publishes nothing"]
pub struct Claim<'a> {
    payload: *mut u8,
    len: usize,
    slot: u32,
    tag: u64,
    end: &'a mut Writer,
}

// SAFETY: stands for a `&mut [u8]` and a `&mut` to the publisher, which may go to other
// threads.
unsafe impl Send for Claim<'_> {}
// SAFETY: shared, it can only be read.
unsafe impl Sync for Claim<'_> {}

impl<'a> Claim<'a> {
    /// 64 bits of the user's own that go with the message; 0 unless set.
    pub fn set_tag(&mut self, tag: u64) {
        self.tag = tag;
    }

    /// The position that the message will have.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.end.position()
    }

    /// Publishes the first `len` bytes as a message, with the time of now.
    ///
    /// # Errors
    /// [`ClaimError::TooLong`] if the slot is smaller, [`ClaimError::Forked`]; nothing is
    /// published then.
    #[inline]
    pub fn commit(self, len: usize) -> Result<(), ClaimError> {
        if len > self.len {
            return Err(ClaimError::TooLong);
        }
        self.describe(len);
        self.end.commit(len as u64)
    }

    /// Shows the message before it is written: its tag, the time of now, and no byte yet.
    ///
    /// # Errors
    /// [`ClaimError::Forked`]; nothing is seen then.
    pub fn begin(self) -> Result<Begun<'a>, ClaimError> {
        self.describe(0);
        self.end.advance(0)?;
        let claim = std::mem::ManuallyDrop::new(self);
        // SAFETY: read once; the claim it is moved out of is neither used nor dropped.
        let end = unsafe { std::ptr::read(&raw const claim.end) };
        Ok(Begun::new(claim.payload, claim.len, claim.slot, end))
    }

    /// Gives the slot up. Dropping does the same.
    pub fn abort(self) {}

    #[inline(always)]
    fn describe(&self, len: usize) {
        let message = self.end.seat.slots().message(self.slot);
        // Relaxed, all: published with the payload, by edge SHOW.
        message.len.store(len as u64, Relaxed);
        message.tag.store(self.tag, Relaxed);
        message.time.store(monotonic(), Relaxed);
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        // Nothing to do after a commit.
        self.end.abort();
    }
}

impl Deref for Claim<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: in bounds (`PoolSlots::payload`); claimed, hence nobody else's until it
        // is committed or begun, by value; any bytes are bytes; the seat keeps the map.
        unsafe { std::slice::from_raw_parts(self.payload, self.len) }
    }
}

impl DerefMut for Claim<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`; and borrowed mutably, hence nobody else's.
        unsafe { std::slice::from_raw_parts_mut(self.payload, self.len) }
    }
}

/// A subscriber of a ring of byte slots.
///
/// Moves to another thread, but is used by one at a time. The peer leaves when the
/// subscriber and all its views are gone.
#[derive(Debug)]
pub struct Subscriber {
    end: Reader,
}

impl Subscriber {
    subscribing!(Options::broadcast_bytes, View);
    company!();

    fn take_seat(ring: &Ring, options: &Options, join: Join) -> Result<Self, OpenError> {
        ring.expect_messages(&options.clone().slot_size(1).broadcast_bytes()?)?;
        Ok(Self { end: Reader::attach(ring, join)? })
    }

    /// The longest message, in bytes.
    #[must_use]
    pub fn slot_size(&self) -> usize {
        self.end.seat.slots().size()
    }

    #[inline(always)]
    fn read_or_wait(&mut self, wait: Wait) -> Result<View, ReadError> {
        View::new(self.end.held(Want::Whole, wait)?)
    }

    /// The newest message, also if it was read before: what is read next, and what counts
    /// as lost, does not change.
    ///
    /// # Errors
    /// [`ReadError::Empty`] if there is none, [`ReadError::AllHeld`], [`ReadError::Busy`]
    /// and the lasting ones.
    pub fn latest(&self) -> Result<View, ReadError> {
        View::new(self.end.latest(Want::Whole)?)
    }

    /// The next message, as much as there is of it, if it was at least begun.
    ///
    /// Whole ones come like this too, and those that were broken off.
    ///
    /// # Errors
    /// As [`try_read`](Self::try_read).
    pub fn try_read_part(&mut self) -> Result<Part, ReadError> {
        self.part_or_wait(Wait::Not)
    }

    /// The next message, as much as there is of it; waits until it is begun.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_part(&mut self) -> Result<Part, ReadError> {
        self.part_or_wait(Wait::Forever)
    }

    /// The next message, as much as there is of it; waits at most so long.
    ///
    /// # Errors
    /// As [`read_timeout`](Self::read_timeout).
    pub fn read_part_timeout(&mut self, most: Duration) -> Result<Part, ReadError> {
        self.part_or_wait(Wait::AtMost(most))
    }

    fn part_or_wait(&mut self, wait: Wait) -> Result<Part, ReadError> {
        Part::new(self.end.held(Want::Parts, wait)?, self.end.spin())
    }
}

/// A message in place. Dropping it lets the slot be used again.
///
/// Owned: it may be kept beside others, sent to another thread, and outlive the
/// subscriber. Nobody waits for it.
///
/// A view trusts the publisher not to write to what it has committed; for one you do not
/// trust, [`copy_to`](Self::copy_to) and then look.
pub struct View {
    bytes: Lent<'static>,
    held: Held,
}

impl View {
    #[inline(always)]
    fn new(held: Held) -> Result<Self, ReadError> {
        let slots = held.seat.slots();
        // Loaded once, checked once.
        let len = to_usize(held.taken.extent.bytes());
        if len > slots.size() {
            return Err(ReadError::Corrupt);
        }
        let payload = slots.payload(held.taken.slot);
        // SAFETY: in bounds (`payload`, and `len` is checked); looked at, hence not written
        // until `held` is dropped, with the view; it keeps the map.
        let bytes = unsafe { Lent::new(payload, len) };
        Ok(Self { bytes, held })
    }

    /// The position of the message: one more for each that was published.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.held.taken.position.count()
    }

    /// The publisher's own 64 bits.
    #[must_use]
    pub fn tag(&self) -> u64 {
        // Relaxed: acquired with the payload, by edge SHOW.
        self.held.message().tag.load(Relaxed)
    }

    /// When it was committed, or begun: nanoseconds of `CLOCK_MONOTONIC`.
    #[must_use]
    pub fn time(&self) -> u64 {
        // Relaxed: acquired with the payload, by edge SHOW.
        self.held.message().time.load(Relaxed)
    }

    /// Copies as many bytes as both have to `target`, and says how many.
    pub fn copy_to(&self, target: &mut [u8]) -> usize {
        self.bytes.copy_to(target)
    }

    /// Stops looking at it. Dropping does the same.
    pub fn release(self) {}
}

impl Deref for View {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("end", &self.end).finish_non_exhaustive()
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("held", &self.held).finish_non_exhaustive()
    }
}
