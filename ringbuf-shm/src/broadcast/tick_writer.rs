//! What a publisher of ticks does.

use super::queue::{FindsRoom, Queue};
use super::seat::Seat;
use super::tick_reader::{WORDS_MAX, words_in};
use crate::error::{ClaimError, OpenError};
use crate::native::Native;
use crate::patience::Wait;
use crate::payload::Payload;
use crate::ring::Ring;
use ringbuf_core::error as core_error;
use ringbuf_core::tick_publisher::TickPublisher;
use zerocopy::IntoBytes;

type Core = TickPublisher<'static, Native>;

impl FindsRoom for Core {
    type Found = ();

    fn find(&mut self) -> Result<(), core_error::ClaimError> {
        self.find_room()
    }

    fn evict(&mut self) -> usize {
        self.evict_those_in_the_way()
    }
}

/// The publisher's seat, and its place in the ring.
#[derive(Debug)]
pub(super) struct TickWriter {
    core: Core,
    pub(super) queue: Queue,
    pub(super) seat: Seat,
}

impl TickWriter {
    pub(super) fn attach(ring: &Ring) -> Result<Self, OpenError> {
        let seat = Seat::of_publisher(ring)?;
        let core = TickPublisher::take_over(seat.ticks())?;
        // Somebody may wait for a publisher to come, or for what the last one left.
        seat.notify_others();
        Ok(Self { core, queue: Queue::new(ring), seat })
    }

    /// The position of the next message.
    pub(super) fn position(&self) -> u64 {
        self.core.position().count()
    }

    /// Finds room for one message.
    #[inline(always)]
    pub(super) fn find_room(&mut self, wait: Wait) -> Result<(), ClaimError> {
        if !self.seat.is_here() {
            return Err(ClaimError::Forked);
        }
        self.queue.find_room(&self.seat, &mut self.core, wait)
    }

    /// Publishes a value for which there is room.
    #[inline(always)]
    pub(super) fn publish<T: Payload>(&mut self, value: &T) -> Result<(), ClaimError> {
        if !self.seat.is_here() {
            return Err(ClaimError::Forked);
        }
        let mut words = [0; WORDS_MAX];
        words.as_mut_bytes()[..size_of::<T>()].copy_from_slice(value.as_bytes());
        self.core.publish(&words[..words_in::<T>()])?;
        self.seat.notify_data();
        Ok(())
    }
}
