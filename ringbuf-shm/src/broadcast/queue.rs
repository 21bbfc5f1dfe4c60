//! How a publisher waits for those who are in its way.

use super::seat::{Seat, Waiting};
use crate::error::ClaimError;
use crate::patience::{SLICE, Wait, spin_default};
use crate::ring::Ring;
use ringbuf_core::error as core_error;
use std::time::{Duration, Instant};

/// A publisher of the core's, whatever its messages are.
pub(super) trait FindsRoom {
    /// What it has then.
    type Found;

    /// Looks for room.
    fn find(&mut self) -> Result<Self::Found, core_error::ClaimError>;

    /// Waits no longer for those who are in the way; how many.
    fn evict(&mut self) -> usize;
}

/// How long it waits, and for how long it has.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: Waiting,
    reader_patience: Option<Duration>,
    /// When the publisher found no room, and has found none since.
    blocked_since: Option<Instant>,
    evicted: u64,
}

impl Queue {
    pub(super) fn new(ring: &Ring) -> Self {
        Self {
            waiting: Waiting::new(spin_default()),
            reader_patience: ring.spec().sides.reader_patience(),
            blocked_since: None,
            evicted: 0,
        }
    }

    pub(super) fn set_spin(&mut self, spin: Duration) {
        self.waiting.spin = spin;
    }

    pub(super) fn spin(&self) -> Duration {
        self.waiting.spin
    }

    /// How many subscribers this publisher did not wait for any longer.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Finds room for one message.
    #[inline(always)]
    pub(super) fn find_room<C: FindsRoom>(
        &mut self,
        seat: &Seat,
        core: &mut C,
        wait: Wait,
    ) -> Result<C::Found, ClaimError> {
        match core.find() {
            Ok(found) => {
                self.blocked_since = None;
                Ok(found)
            }
            Err(core_error::ClaimError::Full) => self.wait_for_room(seat, core, wait),
            Err(error) => Err(error.into()),
        }
    }

    #[cold]
    fn wait_for_room<C: FindsRoom>(
        &mut self,
        seat: &Seat,
        core: &mut C,
        wait: Wait,
    ) -> Result<C::Found, ClaimError> {
        let began = Instant::now();
        let since = *self.blocked_since.get_or_insert(began);
        // Bounded by the caller's time; each turn but the last ends a reader's.
        loop {
            let waited = since.elapsed();
            let left = self.reader_patience.map(|most| most.saturating_sub(waited));
            if left == Some(Duration::ZERO)
                && self.evict(seat, core)
                && let Ok(found) = core.find()
            {
                self.blocked_since = None;
                return Ok(found);
            }
            // Another may be in the way by then, which is just joining.
            let left = left.map(|left| if left.is_zero() { SLICE } else { left });
            let (turn, is_last) = match (wait, left) {
                (Wait::AtMost(most), left) => {
                    let most = most.saturating_sub(began.elapsed());
                    let left = left.unwrap_or(Duration::MAX);
                    (Wait::AtMost(most.min(left)), most <= left)
                }
                (Wait::Forever, Some(left)) => (Wait::AtMost(left), false),
                (wait, _) => (wait, true),
            };
            match self.look_for_room(seat, core, turn) {
                Ok(found) => {
                    self.blocked_since = None;
                    return Ok(found);
                }
                Err(ClaimError::TimedOut) if !is_last => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn look_for_room<C: FindsRoom>(
        &mut self,
        seat: &Seat,
        core: &mut C,
        wait: Wait,
    ) -> Result<C::Found, ClaimError> {
        let look = || match core.find() {
            Ok(found) => Ok(Some(found)),
            Err(core_error::ClaimError::Full) => Ok(None),
            Err(error) => Err(ClaimError::from(error)),
        };
        seat.found_nothing(&mut self.waiting, wait, look)?.ok_or(ClaimError::Full)
    }

    /// Waits no longer for those who are in the way; whether anybody was.
    fn evict(&mut self, seat: &Seat, core: &mut impl FindsRoom) -> bool {
        let evicted = core.evict();
        if evicted > 0 {
            self.evicted += evicted as u64;
            // Whoever is told of it may be waiting.
            seat.notify_data();
        }
        evicted > 0
    }
}
