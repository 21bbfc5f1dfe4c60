//! Records: messages of any length up to half the ring, in place and in one piece.
//!
//! Unsafe code here reads and writes the payload of records that the protocol gave
//! to this side: a claimed record is this producer's alone until it commits, a taken
//! record is not written until it is released.

use crate::end::{End, Side};
use crate::error::{ClaimError, OpenError, ReadError};
use crate::handle::opening;
use crate::lent::Lent;
use crate::map::{Data, DataWords, to_usize};
use crate::native::{Native, count};
use crate::options::Options;
use crate::patience::Wait;
use crate::ring::Ring;
use crate::spsc::{flush, neighbour, slip};
use crate::{Predecessor, Presence, Redelivery, Shape};
use crossbeam_utils::CachePadded;
use ringbuf_core::geometry;
use ringbuf_core::record::{self, Record};
use ringbuf_core::slip::Slipping;
use std::ffi::OsStr;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

fn geometry(ring: &Ring) -> Result<geometry::Records, OpenError> {
    match ring.shape() {
        Shape::Records(records) => Ok(records),
        _ => Err(OpenError::Corrupt),
    }
}

/// The payload area as words, for a handle whose end keeps the map.
fn words(ring: &Ring) -> DataWords {
    // SAFETY: kept beside an end, in a handle, and references got from it are used
    // within one call.
    unsafe { DataWords::new(ring.mapping().data()) }
}

/// The writing end of a ring of records.
///
/// Moves to another thread, but is used by one at a time. Dropping it closes this
/// side: the consumer reads what there is and is then told `Closed`.
#[derive(Debug)]
pub struct Producer {
    core: CachePadded<record::Producer<'static, Native, DataWords>>,
    data: Data,
    len_max: usize,
    end: End,
}

impl Producer {
    opening!(Options::records);
    neighbour!();
    flush!(core => core.stream());

    fn take_seat(ring: &Ring, options: &Options) -> Result<Self, OpenError> {
        ring.expect_messages(&options.records()?)?;
        let geometry = geometry(ring)?;
        let end = End::attach(ring, Side::Producer)?;
        let core = record::Producer::new(end.stream_producer()?, words(ring), geometry)?;
        let (data, len_max) = (ring.mapping().data(), to_usize(geometry.len_max()));
        Ok(Self { core: CachePadded::new(core), data, len_max, end })
    }

    /// The longest record, in bytes: half the ring, less a prefix.
    #[must_use]
    pub fn len_max(&self) -> usize {
        self.len_max
    }

    /// Claims room for up to `len` bytes, if there is some now.
    ///
    /// # Errors
    /// [`ClaimError::Full`], [`ClaimError::TooLong`] if `len` exceeds
    /// [`len_max`](Self::len_max), [`ClaimError::Closed`] and the lasting ones.
    #[inline]
    pub fn try_claim(&mut self, len: usize) -> Result<Claim<'_>, ClaimError> {
        self.claim_or_wait(len, Wait::Not)
    }

    /// Claims room for up to `len` bytes; waits for it.
    ///
    /// # Errors
    /// [`ClaimError::TooLong`], [`ClaimError::Closed`], [`ClaimError::PeerDied`]
    /// and the lasting ones.
    #[inline]
    pub fn claim(&mut self, len: usize) -> Result<Claim<'_>, ClaimError> {
        self.claim_or_wait(len, Wait::Forever)
    }

    /// Claims room for up to `len` bytes; waits at most so long.
    ///
    /// # Errors
    /// As [`claim`](Self::claim), and [`ClaimError::TimedOut`].
    #[inline]
    pub fn claim_timeout(&mut self, len: usize, most: Duration) -> Result<Claim<'_>, ClaimError> {
        self.claim_or_wait(len, Wait::AtMost(most))
    }

    #[inline(always)]
    fn claim_or_wait(&mut self, len: usize, wait: Wait) -> Result<Claim<'_>, ClaimError> {
        let core = &mut self.core;
        let record = self.end.claim(wait, move || core.claim(len as u64))?;
        let payload = self.data.at(to_usize(record.offset), len);
        // SAFETY: in bounds (the record is); claimed, hence this producer's alone until
        // it commits; any bytes are bytes; the claim borrows the producer, whose end
        // keeps the map.
        let bytes = unsafe { std::slice::from_raw_parts_mut(payload, len) };
        Ok(Claim { producer: self, record, bytes })
    }

    /// Copies a record in; waits for room.
    ///
    /// # Errors
    /// As [`claim`](Self::claim).
    pub fn push(&mut self, message: &[u8]) -> Result<(), ClaimError> {
        self.push_or_wait(message, Wait::Forever)
    }

    /// Copies a record in, if there is room now.
    ///
    /// # Errors
    /// As [`try_claim`](Self::try_claim).
    pub fn try_push(&mut self, message: &[u8]) -> Result<(), ClaimError> {
        self.push_or_wait(message, Wait::Not)
    }

    /// Copies a record in; waits at most so long.
    ///
    /// # Errors
    /// As [`claim_timeout`](Self::claim_timeout).
    pub fn push_timeout(&mut self, message: &[u8], most: Duration) -> Result<(), ClaimError> {
        self.push_or_wait(message, Wait::AtMost(most))
    }

    #[inline]
    fn push_or_wait(&mut self, message: &[u8], wait: Wait) -> Result<(), ClaimError> {
        let mut claim = self.claim_or_wait(message.len(), wait)?;
        claim.copy_from_slice(message);
        claim.commit(message.len())
    }
}

/// Room for a record, to be written in place; it holds what was there before.
///
/// Dropping it without a commit publishes nothing.
#[must_use = "a claim that is dropped publishes nothing"]
pub struct Claim<'a> {
    producer: &'a mut Producer,
    record: Record,
    bytes: &'a mut [u8],
}

impl Claim<'_> {
    /// Publishes the first `len` bytes as a record; the rest is not used up.
    ///
    /// # Errors
    /// [`ClaimError::TooLong`] if fewer were claimed, [`ClaimError::Forked`];
    /// nothing is published then.
    #[inline]
    pub fn commit(self, len: usize) -> Result<(), ClaimError> {
        self.producer.end.check_claim()?;
        if len > self.bytes.len() {
            return Err(ClaimError::TooLong);
        }
        self.producer.core.commit(self.record, len as u64);
        count(&self.producer.end.native.messages, 1);
        self.producer.end.notify();
        Ok(())
    }

    /// Gives the room back. Dropping does the same.
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

/// The reading end of a ring of records.
///
/// Moves to another thread, but is used by one at a time. Dropping it closes this
/// side: the producer is told `Closed` when the ring is full.
#[derive(Debug)]
pub struct Consumer {
    core: CachePadded<record::Consumer<'static, Native, DataWords>>,
    data: Data,
    slipping: Slipping,
    end: End,
}

impl Consumer {
    opening!(Options::records);
    neighbour!();
    slip!();

    fn take_seat(ring: &Ring, options: &Options) -> Result<Self, OpenError> {
        ring.expect_messages(&options.records()?)?;
        let geometry = geometry(ring)?;
        let end = End::attach(ring, Side::Consumer)?;
        let mut core = record::Consumer::new(end.stream_consumer()?, words(ring), geometry)?;
        if ring.spec().redelivery == Redelivery::Drop {
            core.drop_taken()?;
        }
        let (core, data) = (CachePadded::new(core), ring.mapping().data());
        Ok(Self { core, data, slipping: Slipping::default(), end })
    }

    /// Looks at the next record, if there is one now.
    ///
    /// # Errors
    /// [`ReadError::Empty`], [`ReadError::Closed`] and the lasting ones.
    #[inline]
    pub fn try_read(&mut self) -> Result<View<'_>, ReadError> {
        self.read_or_wait(Wait::Not)
    }

    /// Looks at the next record; waits for one.
    ///
    /// # Errors
    /// [`ReadError::Closed`], [`ReadError::PeerDied`] and the lasting ones.
    #[inline]
    pub fn read(&mut self) -> Result<View<'_>, ReadError> {
        self.read_or_wait(Wait::Forever)
    }

    /// Looks at the next record; waits at most so long.
    ///
    /// # Errors
    /// As [`read`](Self::read), and [`ReadError::TimedOut`].
    #[inline]
    pub fn read_timeout(&mut self, most: Duration) -> Result<View<'_>, ReadError> {
        self.read_or_wait(Wait::AtMost(most))
    }

    #[inline(always)]
    fn read_or_wait(&mut self, wait: Wait) -> Result<View<'_>, ReadError> {
        self.slipping.pause(self.end.native, self.core.stream().is_dry());
        let core = &mut self.core;
        let record = self.end.read(wait, move || core.read())?;
        let len = to_usize(record.len);
        let payload = self.data.at(to_usize(record.offset), len);
        // SAFETY: in bounds (the protocol checked the record); taken, hence not written
        // until released; the view borrows the consumer, whose end keeps the map.
        let bytes = unsafe { Lent::new(payload, len) };
        Ok(View { consumer: self, record, bytes })
    }
}

/// A record in place, not yet released. Dropping it releases it.
///
/// A view trusts the producer not to write to what it has committed; for one you do
/// not trust, [`copy_to`](Self::copy_to) and then look.
pub struct View<'a> {
    consumer: &'a mut Consumer,
    record: Record,
    bytes: Lent<'a>,
}

impl View<'_> {
    /// Whether it was shown to a consumer that died before it released it.
    #[must_use]
    pub fn redelivered(&self) -> bool {
        self.consumer.core.redelivered(self.record.span.start)
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
        self.consumer.core.release(self.record);
        count(&self.consumer.end.native.messages, 1);
        self.consumer.end.notify();
    }
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("record", &self.record).finish_non_exhaustive()
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("record", &self.record).finish_non_exhaustive()
    }
}
