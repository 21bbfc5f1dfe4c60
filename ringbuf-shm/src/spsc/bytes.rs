//! Byte slots: messages up to a size, each with its length, a tag and a time.
//!
//! Payloads stand at multiples of 64 bytes. In front of each is a header of 64
//! bytes; FORMAT.md lays it out.
//!
//! Unsafe code here reads and writes slots of spans that the protocol gave to this
//! side: a claimed slot is this producer's alone until it commits, a taken slot is
//! not written until it is released.

use crate::end::{End, Side, monotonic};
use crate::error::{ClaimError, OpenError, ReadError};
use crate::handle::opening;
use crate::layout::MESSAGE_HEADER_LEN;
use crate::lent::Lent;
use crate::map::{Data, to_usize};
use crate::native::{Native, count};
use crate::options::Options;
use crate::patience::Wait;
use crate::regions::MessageWords;
use crate::ring::Ring;
use crate::spsc::{flush, neighbour, slip};
use crate::{Predecessor, Presence, Redelivery, Shape};
use crossbeam_utils::CachePadded;
use ringbuf_core::geometry;
use ringbuf_core::position::Position;
use ringbuf_core::slip::Slipping;
use ringbuf_core::spsc;
use std::ffi::OsStr;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Where the slots are.
#[derive(Clone, Copy, Debug)]
struct Slots {
    data: Data,
    geometry: geometry::Slots,
}

impl Slots {
    fn of(ring: &Ring) -> Result<Self, OpenError> {
        match ring.shape() {
            Shape::Bytes(geometry) => Ok(Self { data: ring.mapping().data(), geometry }),
            _ => Err(OpenError::Corrupt),
        }
    }

    #[inline(always)]
    fn offset(&self, position: Position) -> usize {
        // No overflow: the product was checked when the ring was opened.
        to_usize(position.index(self.geometry.capacity()) * self.geometry.stride())
    }

    #[inline(always)]
    fn payload(&self, position: Position) -> *mut u8 {
        let offset = self.offset(position) + MESSAGE_HEADER_LEN;
        self.data.at(offset, self.size())
    }

    #[inline(always)]
    fn message<'a>(&self, position: Position) -> &'a MessageWords {
        // SAFETY: the offset of a slot of this shape; the result is used within one
        // call of a handle or kept in what borrows it, and the handle keeps the map.
        unsafe { self.data.message(self.offset(position)) }
    }

    fn size(&self) -> usize {
        to_usize(self.geometry.size())
    }
}

/// The writing end of a ring of byte slots.
///
/// Moves to another thread, but is used by one at a time. Dropping it closes this
/// side: the consumer reads what there is and is then told `Closed`.
#[derive(Debug)]
pub struct Producer {
    core: CachePadded<spsc::Producer<'static, Native>>,
    slots: Slots,
    end: End,
}

impl Producer {
    opening!(Options::bytes);
    neighbour!();
    flush!(core => core);

    fn take_seat(ring: &Ring, options: &Options) -> Result<Self, OpenError> {
        ring.expect_messages(&options.clone().slot_size(1).bytes()?)?;
        let slots = Slots::of(ring)?;
        let end = End::attach(ring, Side::Producer)?;
        Ok(Self { core: CachePadded::new(end.stream_producer()?), slots, end })
    }

    /// The longest message, in bytes.
    #[must_use]
    pub fn slot_size(&self) -> usize {
        self.slots.size()
    }

    /// Claims a slot to write in place, if one is free now.
    ///
    /// # Errors
    /// [`ClaimError::Full`], [`ClaimError::Closed`] and the lasting ones.
    #[inline]
    pub fn try_claim(&mut self) -> Result<Claim<'_>, ClaimError> {
        self.claim_or_wait(Wait::Not)
    }

    /// Claims a slot to write in place; waits until one is free.
    ///
    /// # Errors
    /// [`ClaimError::Closed`], [`ClaimError::PeerDied`] and the lasting ones.
    #[inline]
    pub fn claim(&mut self) -> Result<Claim<'_>, ClaimError> {
        self.claim_or_wait(Wait::Forever)
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
        let core = &mut self.core;
        let span = self.end.claim(wait, move || core.claim(1))?;
        let payload = self.slots.payload(span.start);
        // SAFETY: in bounds (`payload`); claimed, hence this producer's alone until it
        // commits; any bytes are bytes; the claim borrows the producer, whose end
        // keeps the map.
        let bytes = unsafe { std::slice::from_raw_parts_mut(payload, self.slots.size()) };
        Ok(Claim { producer: self, position: span.start, bytes, tag: 0 })
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
/// Dropping it without a commit publishes nothing.
#[must_use = "a claim that is dropped publishes nothing"]
pub struct Claim<'a> {
    producer: &'a mut Producer,
    position: Position,
    bytes: &'a mut [u8],
    tag: u64,
}

impl Claim<'_> {
    /// 64 bits of the user's own that go with the message; 0 unless set.
    pub fn set_tag(&mut self, tag: u64) {
        self.tag = tag;
    }

    /// Publishes the first `len` bytes as a message, with the time of now.
    ///
    /// # Errors
    /// [`ClaimError::TooLong`] if the slot is smaller, [`ClaimError::Forked`];
    /// nothing is published then.
    #[inline]
    pub fn commit(self, len: usize) -> Result<(), ClaimError> {
        self.producer.end.check_claim()?;
        if len > self.bytes.len() {
            return Err(ClaimError::TooLong);
        }
        let message = self.producer.slots.message(self.position);
        // Relaxed, all: published with the payload, by edge PUBLISH.
        message.len.store(len as u64, Relaxed);
        message.tag.store(self.tag, Relaxed);
        message.time.store(monotonic(), Relaxed);
        message.progress.store(len as u64, Relaxed);
        self.producer.core.commit(1);
        self.producer.end.notify();
        Ok(())
    }

    /// Gives the slot back. Dropping does the same.
    pub fn abort(self) {}
}

impl Deref for Claim<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes
    }
}

impl DerefMut for Claim<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.bytes
    }
}

/// The reading end of a ring of byte slots.
///
/// Moves to another thread, but is used by one at a time. Dropping it closes this
/// side: the producer is told `Closed` when the ring is full.
#[derive(Debug)]
pub struct Consumer {
    core: CachePadded<spsc::Consumer<'static, Native>>,
    slots: Slots,
    slipping: Slipping,
    end: End,
}

impl Consumer {
    opening!(Options::bytes);
    neighbour!();
    slip!();

    fn take_seat(ring: &Ring, options: &Options) -> Result<Self, OpenError> {
        ring.expect_messages(&options.clone().slot_size(1).bytes()?)?;
        let slots = Slots::of(ring)?;
        let end = End::attach(ring, Side::Consumer)?;
        let mut core = end.stream_consumer()?;
        if ring.spec().redelivery == Redelivery::Drop {
            core.drop_taken(core.taken_before().len);
        }
        Ok(Self { core: CachePadded::new(core), slots, slipping: Slipping::default(), end })
    }

    /// The longest message, in bytes.
    #[must_use]
    pub fn slot_size(&self) -> usize {
        self.slots.size()
    }

    /// Looks at the next message, if there is one now.
    ///
    /// # Errors
    /// [`ReadError::Empty`], [`ReadError::Closed`] and the lasting ones.
    #[inline]
    pub fn try_read(&mut self) -> Result<View<'_>, ReadError> {
        self.read_or_wait(Wait::Not)
    }

    /// Looks at the next message; waits for one.
    ///
    /// # Errors
    /// [`ReadError::Closed`], [`ReadError::PeerDied`] and the lasting ones.
    #[inline]
    pub fn read(&mut self) -> Result<View<'_>, ReadError> {
        self.read_or_wait(Wait::Forever)
    }

    /// Looks at the next message; waits at most so long.
    ///
    /// # Errors
    /// As [`read`](Self::read), and [`ReadError::TimedOut`].
    #[inline]
    pub fn read_timeout(&mut self, most: Duration) -> Result<View<'_>, ReadError> {
        self.read_or_wait(Wait::AtMost(most))
    }

    #[inline(always)]
    fn read_or_wait(&mut self, wait: Wait) -> Result<View<'_>, ReadError> {
        self.slipping.pause(self.end.native, self.core.is_dry());
        let core = &mut self.core;
        let position = self.end.read(wait, move || core.read(1))?.start;
        let message = self.slots.message(position);
        // Relaxed: acquired with the payload, by edge PUBLISH. Loaded once, checked once.
        let len = message.len.load(Relaxed);
        if len > self.slots.geometry.size() {
            return Err(ReadError::Corrupt);
        }
        let payload = self.slots.payload(position);
        // SAFETY: in bounds (`payload`, and `len` is checked); taken, hence not written
        // until released; the view borrows the consumer, whose end keeps the map.
        let bytes = unsafe { Lent::new(payload, to_usize(len)) };
        Ok(View { consumer: self, position, bytes, message })
    }
}

/// A message in place, not yet released. Dropping it releases it.
///
/// A view trusts the producer not to write to what it has committed; for one you do
/// not trust, [`copy_to`](Self::copy_to) and then look.
pub struct View<'a> {
    consumer: &'a mut Consumer,
    position: Position,
    bytes: Lent<'a>,
    message: &'a MessageWords,
}

impl View<'_> {
    /// The producer's own 64 bits.
    #[must_use]
    pub fn tag(&self) -> u64 {
        // Relaxed: acquired with the payload, by edge PUBLISH.
        self.message.tag.load(Relaxed)
    }

    /// When it was committed: nanoseconds of `CLOCK_MONOTONIC`.
    #[must_use]
    pub fn time(&self) -> u64 {
        // Relaxed: acquired with the payload, by edge PUBLISH.
        self.message.time.load(Relaxed)
    }

    /// Whether it was shown to a consumer that died before it released it.
    #[must_use]
    pub fn redelivered(&self) -> bool {
        self.consumer.core.redelivered(self.position)
    }

    /// Copies as many bytes as both have to `target`, and says how many.
    pub fn copy_to(&self, target: &mut [u8]) -> usize {
        self.bytes.copy_to(target)
    }

    /// Gives it back. Dropping does the same.
    pub fn release(self) {}
}

impl Deref for View<'_> {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for View<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.consumer.end.is_here() {
            return;
        }
        if self.redelivered() {
            count(&self.consumer.end.native.redelivered, 1);
        }
        self.consumer.core.release(1);
        self.consumer.end.notify();
    }
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("position", &self.position).finish_non_exhaustive()
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("position", &self.position).finish_non_exhaustive()
    }
}
