//! What a peer of a ring of many holds: places to write in, messages to look at.

use super::seat::Seat;
use crate::error::ClaimError;
use ringbuf_core::mpmc::{Claim, Taken};
use std::sync::Arc;

/// A claimed place. Dropping it gives it up.
#[derive(Debug)]
pub(super) struct Claimed {
    pub(super) seat: Arc<Seat>,
    pub(super) lane: u32,
    /// There until it is committed, or dropped.
    claim: Option<Claim>,
}

impl Claimed {
    #[inline(always)]
    pub(super) fn new(seat: &Arc<Seat>, lane: u32, claim: Claim) -> Self {
        Self { seat: Arc::clone(seat), lane, claim: Some(claim) }
    }

    pub(super) fn index(&self) -> u64 {
        self.claim.as_ref().map_or(0, Claim::index)
    }

    /// Publishes what was written, which `prepare` completes.
    #[inline(always)]
    pub(super) fn commit(mut self, prepare: impl FnOnce(&Self)) -> Result<(), ClaimError> {
        self.publish(prepare)?;
        self.seat.notify_data();
        Ok(())
    }

    /// As [`commit`](Self::commit), and consumers are told with the rest of the batch.
    #[inline(always)]
    pub(super) fn commit_in(
        mut self,
        batch: &mut Batch,
        prepare: impl FnOnce(&Self),
    ) -> Result<(), ClaimError> {
        self.publish(prepare)?;
        batch.add(&self.seat);
        Ok(())
    }

    #[inline(always)]
    fn publish(&mut self, prepare: impl FnOnce(&Self)) -> Result<(), ClaimError> {
        self.seat.check_claim()?;
        prepare(self);
        if let Some(claim) = self.claim.take() {
            self.seat.lane(self.lane).commit(claim, self.seat.floor(self.lane))?;
            self.seat.mark(self.lane);
        }
        Ok(())
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        if let Some(claim) = self.claim.take().filter(|_| self.seat.is_here()) {
            self.seat.abort(self.lane, claim);
        }
    }
}

/// A message to look at. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) seat: Arc<Seat>,
    pub(super) lane: u32,
    /// There until it is dropped.
    taken: Option<Taken>,
}

impl Held {
    #[inline(always)]
    pub(super) fn new(seat: &Arc<Seat>, lane: u32, taken: Taken) -> Self {
        Self { seat: Arc::clone(seat), lane, taken: Some(taken) }
    }

    pub(super) fn index(&self) -> u64 {
        self.taken.as_ref().map_or(0, Taken::index)
    }

    pub(super) fn redelivered(&self) -> u8 {
        self.taken.as_ref().map_or(0, Taken::redelivered)
    }

    /// Gives it back, and producers are told with the rest of the batch.
    pub(super) fn release_in(mut self, batch: &mut Batch) {
        if self.give_back() {
            batch.add(&self.seat);
        }
    }

    /// Whether it was there to be given back.
    #[inline(always)]
    fn give_back(&mut self) -> bool {
        let Some(taken) = self.taken.take().filter(|_| self.seat.is_here()) else { return false };
        self.seat.count_release(&taken);
        self.seat.lane(self.lane).release(taken);
        true
    }
}

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        if self.give_back() {
            self.seat.notify_room();
        }
    }
}

/// Several that are committed, or several that are released: the other side is told once,
/// when all are done, or when the next is of another seat.
#[derive(Debug)]
pub(super) struct Batch {
    seat: Option<Arc<Seat>>,
    tell: fn(&Seat),
}

impl Batch {
    pub(super) fn of_commits() -> Self {
        Self { seat: None, tell: Seat::notify_data }
    }

    pub(super) fn of_releases() -> Self {
        Self { seat: None, tell: Seat::notify_room }
    }

    #[inline(always)]
    fn add(&mut self, seat: &Arc<Seat>) {
        if self.seat.as_ref().is_none_or(|last| !Arc::ptr_eq(last, seat)) {
            self.tell();
            self.seat = Some(Arc::clone(seat));
        }
    }

    fn tell(&self) {
        if let Some(seat) = &self.seat {
            (self.tell)(seat);
        }
    }
}

impl Drop for Batch {
    // Also when the caller's iterator panics.
    fn drop(&mut self) {
        self.tell();
    }
}
