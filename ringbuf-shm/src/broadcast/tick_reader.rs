//! What a subscriber of ticks does.

use super::join::Join;
use super::seat::{Seat, Waiting};
use crate::error::{OpenError, ReadError};
use crate::native::Native;
use crate::patience::{Wait, spin_default};
use crate::payload::Payload;
use crate::ring::Ring;
use ringbuf_core::error::ReceiveError;
use ringbuf_core::geometry::{STAMP_LEN, TICK_ENTRY_LEN_MAX};
use ringbuf_core::position::Position;
use ringbuf_core::tick_subscriber::TickSubscriber;
use zerocopy::IntoBytes;

type Core = TickSubscriber<'static, Native>;

/// Words of the longest value.
pub(super) const WORDS_MAX: usize = 15;
const _: () = assert!(8 * WORDS_MAX as u64 == TICK_ENTRY_LEN_MAX - STAMP_LEN);

/// Words that a value takes, the last of which it may not fill.
pub(super) const fn words_in<T>() -> usize {
    size_of::<T>().div_ceil(8)
}

/// A value that was copied, and where it stood.
pub(super) struct Copied<T> {
    pub(super) value: T,
    pub(super) position: u64,
}

/// A subscriber's seat, and its place in the ring.
#[derive(Debug)]
pub(super) struct TickReader {
    core: Core,
    pub(super) waiting: Waiting,
    pub(super) seat: Seat,
}

impl TickReader {
    pub(super) fn attach(ring: &Ring, join: Join) -> Result<Self, OpenError> {
        let seat = Seat::of_subscriber(ring, join)?;
        // Row 0 is the publisher's.
        let (who, reader) = (seat.who(), seat.who().row() as usize - 1);
        let core = Core::join(seat.ticks(), reader, who, join.delivery, join.start.core());
        // Somebody may wait for a subscriber to come.
        seat.notify_others();
        Ok(Self { core, waiting: Waiting::new(spin_default()), seat })
    }

    pub(super) fn core(&self) -> &Core {
        &self.core
    }

    /// Copies the next message.
    #[inline(always)]
    pub(super) fn read<T: Payload>(&mut self, wait: Wait) -> Result<Copied<T>, ReadError> {
        if !self.seat.is_here() {
            return Err(ReadError::Forked);
        }
        let mut words = [0; WORDS_MAX];
        let position = match look(&mut self.core, &self.seat, &mut words[..words_in::<T>()]) {
            Ok(position) => position,
            Err(error @ (ReceiveError::Empty | ReceiveError::Busy)) => {
                self.wait_for(wait, &mut words[..words_in::<T>()], error)?
            }
            Err(error) => return Err(error.into()),
        };
        Ok(copied(&words, position))
    }

    #[cold]
    fn wait_for(
        &mut self,
        wait: Wait,
        copy: &mut [u64],
        nothing: ReceiveError,
    ) -> Result<Position, ReadError> {
        let (core, seat) = (&mut self.core, &self.seat);
        let look = || match look(core, seat, copy) {
            Ok(position) => Ok(Some(position)),
            Err(ReceiveError::Empty | ReceiveError::Busy) => Ok(None),
            Err(error) => Err(ReadError::from(error)),
        };
        seat.found_nothing(&mut self.waiting, wait, look)?.ok_or_else(|| nothing.into())
    }

    /// The newest message, whatever is read next.
    pub(super) fn latest<T: Payload>(&self) -> Result<Copied<T>, ReadError> {
        if !self.seat.is_here() {
            return Err(ReadError::Forked);
        }
        let mut words = [0; WORDS_MAX];
        let position = self.core.latest(&mut words[..words_in::<T>()])?;
        Ok(copied(&words, position))
    }
}

/// Looks once, and tells a publisher that may wait for room.
#[inline(always)]
fn look(core: &mut Core, seat: &Seat, copy: &mut [u64]) -> Result<Position, ReceiveError> {
    let found = core.read(copy);
    match found {
        Ok(_) if core.tells() => seat.notify_others(),
        Err(ReceiveError::Evicted) => seat.notify_others(),
        _ => {}
    }
    found
}

#[inline(always)]
fn copied<T: Payload>(words: &[u64; WORDS_MAX], position: Position) -> Copied<T> {
    let bytes = &words.as_bytes()[..size_of::<T>()];
    let value = T::read_from_bytes(bytes).expect("as many bytes as a value has");
    Copied { value, position: position.count() }
}

impl Drop for TickReader {
    fn drop(&mut self) {
        if self.seat.is_here() {
            self.core.leave();
            self.seat.notify_others();
        }
    }
}
