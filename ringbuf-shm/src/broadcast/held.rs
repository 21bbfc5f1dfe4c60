//! What a subscriber looks at.

use super::seat::Seat;
use crate::native::Native;
use crate::regions::MessageWords;
use ringbuf_core::cell::look_at;
use ringbuf_core::extent::Extent;
use ringbuf_core::subscriber::Taken;
use std::sync::Arc;

/// A message that is looked at. Dropping it ends that.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) seat: Arc<Seat>,
    pub(super) taken: Taken,
}

impl Held {
    #[inline(always)]
    pub(super) fn new(seat: &Arc<Seat>, taken: Taken) -> Self {
        Self { seat: Arc::clone(seat), taken }
    }

    /// The header of it, in a ring of byte slots.
    pub(super) fn message(&self) -> &MessageWords {
        self.seat.slots().message(self.taken.slot)
    }

    /// How much of it there is now; `None` if no publisher can have said that.
    pub(super) fn extent(&self) -> Option<Extent> {
        self.seat.pool().extent(self.taken.slot)
    }
}

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        // A forked child leaves everything as it is: it is its parent's.
        if self.seat.is_here() {
            let cell = &self.seat.pool().cells[self.taken.cell as usize];
            look_at::<Native>(cell, self.seat.who(), None);
        }
    }
}
