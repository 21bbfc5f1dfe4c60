//! What every publisher does, whatever a message is.

use super::queue::{FindsRoom, Queue};
use super::seat::Seat;
use crate::error::{ClaimError, OpenError};
use crate::map::broadcast::PoolSlots;
use crate::native::Native;
use crate::patience::Wait;
use crate::ring::Ring;
use ringbuf_core::error as core_error;
use ringbuf_core::machine::Row;
use ringbuf_core::pool::Pool;
use ringbuf_core::publisher::{Publisher, Reclaim};
use std::time::Duration;

/// Slots from this size on are reused as soon as nobody looks at them: what it costs to
/// look at the cells is little beside writing so much to a cold slot.
const EARLY_FROM: usize = 64 << 10;

type Core = Publisher<'static, Native, PoolSlots, Box<[u32]>>;

impl FindsRoom for Core {
    type Found = u32;

    fn find(&mut self) -> Result<u32, core_error::ClaimError> {
        self.claim()
    }

    fn evict(&mut self) -> usize {
        self.evict_those_in_the_way()
    }
}

/// The publisher's seat, and its lists.
#[derive(Debug)]
pub(super) struct Writer {
    core: Core,
    queue: Queue,
    pub(super) seat: Seat,
}

impl Writer {
    pub(super) fn attach(ring: &Ring) -> Result<Self, OpenError> {
        let seat = Seat::of_publisher(ring)?;
        let words = *seat.pool();
        let len = Pool::<Box<[u32]>>::lists_len(words.entries.len(), words.slots.len());
        let large = words.slots.size() >= EARLY_FROM;
        let reclaim = if large { Reclaim::Early } else { Reclaim::Late };
        let core = Publisher::take_over(words, vec![0; len].into(), reclaim)?;
        let writer = Self { core, queue: Queue::new(ring), seat };
        // Somebody may wait for a publisher to come, or for the end of what was broken off.
        writer.seat.notify_others();
        Ok(writer)
    }

    pub(super) fn ring(&self) -> &Ring {
        self.seat.ring()
    }

    pub(super) fn set_spin(&mut self, spin: Duration) {
        self.queue.set_spin(spin);
    }

    /// The position of the next message.
    pub(super) fn position(&self) -> u64 {
        self.core.position().count()
    }

    /// How many subscribers this publisher did not wait for any longer.
    pub(super) fn evicted(&self) -> u64 {
        self.queue.evicted()
    }

    /// Claims a slot.
    #[inline(always)]
    pub(super) fn claim(&mut self, wait: Wait) -> Result<u32, ClaimError> {
        self.check()?;
        self.queue.find_room(&self.seat, &mut self.core, wait)
    }

    /// Publishes the claimed slot, `bytes` of it.
    #[inline(always)]
    pub(super) fn commit(&mut self, bytes: u64) -> Result<(), ClaimError> {
        self.check()?;
        self.core.commit(bytes);
        self.seat.notify_data();
        Ok(())
    }

    /// Lets subscribers read the first `bytes` of the claimed slot.
    pub(super) fn advance(&mut self, bytes: u64) -> Result<(), ClaimError> {
        self.check()?;
        self.core.advance(bytes);
        self.seat.notify_data();
        Ok(())
    }

    /// Gives the claimed slot up.
    pub(super) fn abort(&mut self) {
        // A forked child leaves everything as it is: it is its parent's.
        if self.seat.is_here() {
            self.core.abort();
        }
    }

    /// As [`abort`](Self::abort), of one that was shown: subscribers may wait for the rest.
    pub(super) fn break_off(&mut self) {
        self.abort();
        if self.seat.is_here() {
            self.seat.notify_data();
        }
    }

    #[inline(always)]
    fn check(&self) -> Result<(), ClaimError> {
        if self.seat.is_here() { Ok(()) } else { Err(ClaimError::Forked) }
    }

    pub(super) fn wait_for_peer(&self, wait: Wait) -> Result<bool, OpenError> {
        self.seat.wait_for_peer(wait, self.queue.spin())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // A claim that was forgotten.
        self.abort();
    }
}
