//! What every publisher does, whatever a message is.

use super::seat::{Seat, Waiting};
use crate::error::{ClaimError, OpenError};
use crate::map::broadcast::PoolSlots;
use crate::native::Native;
use crate::patience::{SLICE, Wait, spin_default};
use crate::ring::Ring;
use ringbuf_core::error as core_error;
use ringbuf_core::machine::Row;
use ringbuf_core::pool::Pool;
use ringbuf_core::publisher::{Publisher, Reclaim};
use std::time::{Duration, Instant};

/// Slots from this size on are reused as soon as nobody looks at them: what it costs to
/// look at the cells is little beside writing so much to a cold slot.
const EARLY_FROM: usize = 64 << 10;

type Core = Publisher<'static, Native, PoolSlots, Box<[u32]>>;

/// The publisher's seat, and its lists.
#[derive(Debug)]
pub(super) struct Writer {
    core: Core,
    waiting: Waiting,
    reader_patience: Option<Duration>,
    /// When the publisher found no room, and has found none since.
    blocked_since: Option<Instant>,
    evicted: u64,
    pub(super) seat: Seat,
}

impl Writer {
    pub(super) fn attach(ring: &Ring) -> Result<Self, OpenError> {
        let seat = Seat::of_publisher(ring)?;
        let words = *seat.words();
        let len = Pool::<Box<[u32]>>::lists_len(words.entries.len(), words.slots.len());
        let large = words.slots.size() >= EARLY_FROM;
        let reclaim = if large { Reclaim::Early } else { Reclaim::Late };
        let core = Publisher::take_over(words, vec![0; len].into(), reclaim)?;
        let writer = Self {
            core,
            waiting: Waiting::new(spin_default()),
            reader_patience: ring.spec().sides.reader_patience(),
            blocked_since: None,
            evicted: 0,
            seat,
        };
        // Somebody may wait for a publisher to come, or for the end of what was broken off.
        writer.seat.notify_others();
        Ok(writer)
    }

    pub(super) fn ring(&self) -> &Ring {
        self.seat.ring()
    }

    pub(super) fn set_spin(&mut self, spin: Duration) {
        self.waiting.spin = spin;
    }

    /// The position of the next message.
    pub(super) fn position(&self) -> u64 {
        self.core.position().count()
    }

    /// How many subscribers this publisher did not wait for any longer.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Claims a slot.
    #[inline(always)]
    pub(super) fn claim(&mut self, wait: Wait) -> Result<u32, ClaimError> {
        self.check()?;
        match self.core.claim() {
            Ok(slot) => {
                self.blocked_since = None;
                Ok(slot)
            }
            Err(core_error::ClaimError::Full) => self.wait_for_room(wait),
            Err(error) => Err(error.into()),
        }
    }

    #[cold]
    fn wait_for_room(&mut self, wait: Wait) -> Result<u32, ClaimError> {
        let began = Instant::now();
        let since = *self.blocked_since.get_or_insert(began);
        // Bounded by the caller's time; each turn but the last ends a reader's.
        loop {
            let waited = since.elapsed();
            let left = self.reader_patience.map(|most| most.saturating_sub(waited));
            if left == Some(Duration::ZERO)
                && self.evict()
                && let Ok(slot) = self.core.claim()
            {
                self.blocked_since = None;
                return Ok(slot);
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
            match self.look_for_room(turn) {
                Ok(slot) => {
                    self.blocked_since = None;
                    return Ok(slot);
                }
                Err(ClaimError::TimedOut) if !is_last => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn look_for_room(&mut self, wait: Wait) -> Result<u32, ClaimError> {
        let core = &mut self.core;
        let look = || match core.claim() {
            Ok(slot) => Ok(Some(slot)),
            Err(core_error::ClaimError::Full) => Ok(None),
            Err(error) => Err(ClaimError::from(error)),
        };
        self.seat.found_nothing(&mut self.waiting, wait, look)?.ok_or(ClaimError::Full)
    }

    /// Waits no longer for those who are in the way; whether anybody was.
    fn evict(&mut self) -> bool {
        let evicted = self.core.evict_those_in_the_way();
        if evicted > 0 {
            self.evicted += evicted as u64;
            // Whoever is told of it may be waiting.
            self.seat.notify_data();
        }
        evicted > 0
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
        self.seat.wait_for_peer(wait, self.waiting.spin)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // A claim that was forgotten.
        self.abort();
    }
}
