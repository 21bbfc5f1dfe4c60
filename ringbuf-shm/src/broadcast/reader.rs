//! What every subscriber does, whatever a message is.

use super::held::Held;
use super::join::Join;
use super::seat::{Seat, Waiting};
use crate::error::{OpenError, ReadError};
use crate::map::broadcast::PoolSlots;
use crate::native::Native;
use crate::patience::{Wait, spin_default};
use crate::ring::Ring;
use ringbuf_core::error::ReceiveError;
use ringbuf_core::life::Delivery;
use ringbuf_core::subscriber::{Subscriber, Taken, Want};
use std::sync::Arc;
use std::time::Duration;

type Core = Subscriber<'static, Native, PoolSlots, Box<[u32]>>;

/// A subscriber's seat, and its place in the ring.
#[derive(Debug)]
pub(super) struct Reader {
    core: Core,
    waiting: Waiting,
    pub(super) seat: Arc<Seat>,
}

impl Reader {
    pub(super) fn attach(ring: &Ring, join: Join) -> Result<Self, OpenError> {
        let seat = Arc::new(Seat::of_subscriber(ring, join)?);
        let (who, cells) = (seat.who(), seat.cells().into());
        // Row 0 is the publisher's.
        let reader = who.row() as usize - 1;
        let (words, start) = (*seat.pool(), join.start.core());
        let core = Subscriber::join(words, reader, who, cells, join.delivery, start);
        // Somebody may wait for a subscriber to come.
        seat.notify_others();
        Ok(Self { core, waiting: Waiting::new(spin_default()), seat })
    }

    pub(super) fn ring(&self) -> &Ring {
        self.seat.ring()
    }

    pub(super) fn delivery(&self) -> Delivery {
        self.core.delivery()
    }

    /// The position of the message that is read next.
    pub(super) fn position(&self) -> u64 {
        self.core.position().count()
    }

    pub(super) fn lost(&self) -> u64 {
        self.core.lost()
    }

    pub(super) fn broken(&self) -> u64 {
        self.core.broken()
    }

    pub(super) fn set_spin(&mut self, spin: Duration) {
        self.waiting.spin = spin;
    }

    pub(super) fn spin(&self) -> Duration {
        self.waiting.spin
    }

    /// Looks at the next message.
    #[inline(always)]
    pub(super) fn read(&mut self, want: Want, wait: Wait) -> Result<Taken, ReadError> {
        if !self.seat.is_here() {
            return Err(ReadError::Forked);
        }
        let (core, seat) = (&mut self.core, &*self.seat);
        let mut attempt = move || {
            let before = core.position();
            let found = core.read(want);
            if matches!(found, Err(ReceiveError::Evicted)) {
                // It began again, after the fence.
                seat.notify_others();
            } else if core.delivery() == Delivery::Lossless && core.position() != before {
                seat.notify_room_after_fence();
            }
            found
        };
        let nothing = match attempt() {
            Ok(found) => return Ok(found),
            Err(error @ (ReceiveError::Empty | ReceiveError::Busy)) => error,
            Err(error) => return Err(error.into()),
        };
        // Not through the answer: what comes by that way is taken apart and put together.
        let mut taken = None;
        let look = || match attempt() {
            Ok(found) => {
                taken = Some(found);
                Ok(Some(()))
            }
            Err(ReceiveError::Empty | ReceiveError::Busy) => Ok(None),
            Err(error) => Err(ReadError::from(error)),
        };
        seat.found_nothing(&mut self.waiting, wait, look)?;
        taken.ok_or_else(|| nothing.into())
    }

    /// Stops looking at a message.
    #[inline(always)]
    pub(super) fn release(&self, taken: Taken) {
        self.core.release(taken);
    }

    /// A message that is kept for a while.
    #[inline(always)]
    pub(super) fn held(&mut self, want: Want, wait: Wait) -> Result<Held, ReadError> {
        let taken = self.read(want, wait)?;
        Ok(Held::new(&self.seat, taken))
    }

    /// The newest message, whatever is read next.
    pub(super) fn latest(&self, want: Want) -> Result<Held, ReadError> {
        if !self.seat.is_here() {
            return Err(ReadError::Forked);
        }
        Ok(Held::new(&self.seat, self.core.latest(want)?))
    }

    pub(super) fn wait_for_peer(&self, wait: Wait) -> Result<bool, OpenError> {
        self.seat.wait_for_peer(wait, self.waiting.spin)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // Views may live on; nobody waits for what is not read any more.
        if self.seat.is_here() {
            self.core.leave();
            self.seat.notify_others();
        }
    }
}
