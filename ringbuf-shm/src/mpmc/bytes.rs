//! Byte slots: messages up to a size, each with its length, a tag and a time.
//!
//! Unsafe code here reads and writes slots that the protocol gave to this peer: a
//! claimed slot is this peer's alone until it is committed, a taken one is not written
//! until it is released.

use super::held::{Batch, Claimed, Held};
use super::reader::{Lanes, Reader};
use super::writer::Writer;
use super::{company, flush};
use crate::end::monotonic;
use crate::error::{ClaimError, OpenError, ReadError};
use crate::handle::opening;
use crate::lent::Lent;
use crate::map::to_usize;
use crate::options::Options;
use crate::patience::Wait;
use crate::regions::MessageWords;
use crate::ring::Ring;
use std::ffi::OsStr;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// One who writes to a ring of byte slots.
///
/// Moves to another thread, but is used by one at a time. The peer leaves when the
/// producer and all its claims are gone.
#[derive(Debug)]
pub struct Producer {
    end: Writer,
}

impl Producer {
    opening!(Options::mpmc_bytes);
    company!();
    flush!();

    fn take_seat(ring: &Ring, options: &Options) -> Result<Self, OpenError> {
        ring.expect_messages(&options.clone().slot_size(1).mpmc_bytes()?)?;
        Ok(Self { end: Writer::attach(ring)? })
    }

    /// The longest message, in bytes.
    #[must_use]
    pub fn slot_size(&self) -> usize {
        self.end.seat.lanes().size()
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

    /// Claims a slot to write in place, if one is free now.
    ///
    /// # Errors
    /// [`ClaimError::Full`], [`ClaimError::Busy`], [`ClaimError::Closed`] and the
    /// lasting ones.
    #[inline]
    pub fn try_claim(&mut self) -> Result<Claim, ClaimError> {
        self.claim_or_wait(Wait::Not)
    }

    /// Claims a slot to write in place; waits until one is free.
    ///
    /// # Errors
    /// [`ClaimError::Closed`], [`ClaimError::PeerDied`] and the lasting ones.
    #[inline]
    pub fn claim(&mut self) -> Result<Claim, ClaimError> {
        self.claim_or_wait(Wait::Forever)
    }

    /// Claims a slot to write in place; waits at most so long.
    ///
    /// # Errors
    /// As [`claim`](Self::claim), and [`ClaimError::TimedOut`].
    #[inline]
    pub fn claim_timeout(&mut self, most: Duration) -> Result<Claim, ClaimError> {
        self.claim_or_wait(Wait::AtMost(most))
    }

    #[inline(always)]
    fn claim_or_wait(&mut self, wait: Wait) -> Result<Claim, ClaimError> {
        let claimed = self.end.claimed(wait)?;
        let lanes = claimed.seat.lanes();
        let payload = lanes.payload(claimed.lane, claimed.index());
        Ok(Claim { payload, len: lanes.size(), tag: 0, claimed })
    }

    /// Copies a message in; waits for room.
    ///
    /// # Errors
    /// As [`claim`](Self::claim), and [`ClaimError::TooLong`] if it exceeds
    /// [`slot_size`](Self::slot_size).
    pub fn push(&mut self, message: &[u8]) -> Result<(), ClaimError> {
        self.push_or_wait(message, Wait::Forever)
    }

    /// Copies a message in, if there is room now.
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

/// A slot to write in place: all of its bytes, which hold what was there a lap ago.
///
/// Owned: it may be kept beside others, sent to another thread, and outlive the
/// producer. Until it is committed, consumers that come to it get no further in its
/// lane, or pass it by: see [`Progress`](crate::Progress). Dropping it gives the slot up.
#[must_use = "a claim that is dropped publishes nothing"]
pub struct Claim {
    payload: *mut u8,
    len: usize,
    tag: u64,
    claimed: Claimed,
}

// SAFETY: stands for a `&mut [u8]`, which may go to other threads, and so may the rest.
unsafe impl Send for Claim {}
// SAFETY: shared, it can only be read.
unsafe impl Sync for Claim {}

impl Claim {
    /// 64 bits of the user's own that go with the message; 0 unless set.
    pub fn set_tag(&mut self, tag: u64) {
        self.tag = tag;
    }

    /// The lane that it is in.
    #[must_use]
    pub fn lane(&self) -> u32 {
        self.claimed.lane
    }

    /// Publishes the first `len` bytes as a message, with the time of now.
    ///
    /// # Errors
    /// [`ClaimError::TooLong`] if the slot is smaller, [`ClaimError::Forked`],
    /// [`ClaimError::Corrupt`]; nothing is published then.
    #[inline]
    pub fn commit(self, len: usize) -> Result<(), ClaimError> {
        if len > self.len {
            return Err(ClaimError::TooLong);
        }
        let tag = self.tag;
        self.claimed.commit(|claimed| describe(claimed, len, tag))
    }

    /// Publishes several, each with its length, one after the other, and wakes consumers
    /// once, for all of them. Each may be read while later ones are still being published.
    ///
    /// They may be of several producers and rings; those of one producer side by side
    /// share a wake-up.
    ///
    /// # Errors
    /// As [`commit`](Self::commit), of one of them: those before it are published, it and
    /// the rest are given up.
    pub fn commit_all(claims: impl IntoIterator<Item = (Self, usize)>) -> Result<(), ClaimError> {
        let mut batch = Batch::of_commits();
        claims.into_iter().try_for_each(|(claim, len)| {
            if len > claim.len {
                return Err(ClaimError::TooLong);
            }
            let tag = claim.tag;
            claim.claimed.commit_in(&mut batch, |claimed| describe(claimed, len, tag))
        })
    }

    /// Gives the slot up. Dropping does the same.
    pub fn abort(self) {}
}

/// What goes with a message that is about to be published.
#[inline(always)]
fn describe(claimed: &Claimed, len: usize, tag: u64) {
    let message = header(&claimed.seat, claimed.lane, claimed.index());
    // Relaxed, all: published with the payload, by edge FILL.
    message.len.store(len as u64, Relaxed);
    message.tag.store(tag, Relaxed);
    message.time.store(monotonic(), Relaxed);
    message.progress.store(len as u64, Relaxed);
}

/// The header of a slot that a claim or a view of this peer has.
#[inline(always)]
fn header(seat: &super::seat::Seat, lane: u32, index: u64) -> &MessageWords {
    // SAFETY: a ring of byte slots, since a handle of one made the claim or view; the
    // protocol gives indexes below the capacity; the seat keeps the map.
    unsafe { seat.lanes().message(lane, index) }
}

impl Deref for Claim {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: in bounds (`Lanes::payload`); claimed, hence this peer's alone until it
        // commits, by value; any bytes are bytes; the seat keeps the map.
        unsafe { std::slice::from_raw_parts(self.payload, self.len) }
    }
}

impl DerefMut for Claim {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`; and borrowed mutably, hence nobody else's.
        unsafe { std::slice::from_raw_parts_mut(self.payload, self.len) }
    }
}

/// One who reads from a ring of byte slots.
///
/// Moves to another thread, but is used by one at a time. The peer leaves when the
/// consumer and all its views are gone.
#[derive(Debug)]
pub struct Consumer {
    end: Reader,
}

impl Consumer {
    opening!(Options::mpmc_bytes);
    company!();

    fn take_seat(ring: &Ring, options: &Options) -> Result<Self, OpenError> {
        ring.expect_messages(&options.clone().slot_size(1).mpmc_bytes()?)?;
        Ok(Self { end: Reader::attach(ring)? })
    }

    /// The longest message, in bytes.
    #[must_use]
    pub fn slot_size(&self) -> usize {
        self.end.seat.lanes().size()
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

    /// Takes the next message, if there is one now.
    ///
    /// # Errors
    /// [`ReadError::Empty`], [`ReadError::Busy`], [`ReadError::Closed`] and the lasting
    /// ones.
    #[inline]
    pub fn try_read(&mut self) -> Result<View, ReadError> {
        self.read_or_wait(Wait::Not)
    }

    /// Takes the next message; waits for one.
    ///
    /// # Errors
    /// [`ReadError::Closed`], [`ReadError::PeerDied`] and the lasting ones.
    #[inline]
    pub fn read(&mut self) -> Result<View, ReadError> {
        self.read_or_wait(Wait::Forever)
    }

    /// Takes the next message; waits at most so long.
    ///
    /// # Errors
    /// As [`read`](Self::read), and [`ReadError::TimedOut`].
    #[inline]
    pub fn read_timeout(&mut self, most: Duration) -> Result<View, ReadError> {
        self.read_or_wait(Wait::AtMost(most))
    }

    #[inline(always)]
    fn read_or_wait(&mut self, wait: Wait) -> Result<View, ReadError> {
        let held = self.end.held(wait)?;
        let lanes = held.seat.lanes();
        // Relaxed: acquired with the payload, by edge FILL. Loaded once, checked once.
        let len = to_usize(header(&held.seat, held.lane, held.index()).len.load(Relaxed));
        if len > lanes.size() {
            return Err(ReadError::Corrupt);
        }
        let payload = lanes.payload(held.lane, held.index());
        // SAFETY: in bounds (`payload`, and `len` is checked); taken, hence not written
        // until released, which `held` does when the view is dropped; it keeps the map.
        let bytes = unsafe { Lent::new(payload, len) };
        Ok(View { bytes, held })
    }
}

/// A message in place, not yet released. Dropping it releases it.
///
/// Owned: it may be kept beside others, sent to another thread, and outlive the
/// consumer. Producers that come round to its slot wait for it.
///
/// A view trusts the producer not to write to what it has committed; for one you do
/// not trust, [`copy_to`](Self::copy_to) and then look.
pub struct View {
    bytes: Lent<'static>,
    held: Held,
}

impl View {
    /// The producer's own 64 bits.
    #[must_use]
    pub fn tag(&self) -> u64 {
        // Relaxed: acquired with the payload, by edge FILL.
        self.message().tag.load(Relaxed)
    }

    /// When it was committed: nanoseconds of `CLOCK_MONOTONIC`.
    #[must_use]
    pub fn time(&self) -> u64 {
        // Relaxed: acquired with the payload, by edge FILL.
        self.message().time.load(Relaxed)
    }

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

    /// Copies as many bytes as both have to `target`, and says how many.
    pub fn copy_to(&self, target: &mut [u8]) -> usize {
        self.bytes.copy_to(target)
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

    fn message(&self) -> &MessageWords {
        header(&self.held.seat, self.held.lane, self.held.index())
    }
}

impl Deref for View {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("claimed", &self.claimed).finish_non_exhaustive()
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("held", &self.held).finish_non_exhaustive()
    }
}
