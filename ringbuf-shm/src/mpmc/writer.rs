//! What every producer of a ring of many does, whatever a message is.

use super::held::Claimed;
use super::seat::{HINT_EVERY, Patient, Seat, Waiting, forward};
use crate::end::Side;
use crate::error::{ClaimError, OpenError};
use crate::map::LaneSlots;
use crate::native::Native;
use crate::patience::Wait;
use crate::prefetch::{Ahead, LINE};
use crate::ring::Ring;
use ringbuf_core::error as core_error;
use ringbuf_core::mpmc::{Claim, Producer};
use ringbuf_core::position::Position;
use std::sync::Arc;
use std::time::Duration;

/// So many lines ahead are asked for early. Measured.
const LINES_AHEAD: usize = 4;

/// A producer's seat, and its place in each lane.
#[derive(Debug)]
pub(super) struct Writer {
    lanes: Box<[Producer<'static, Native, LaneSlots>]>,
    /// The lane that is written to.
    lane: u32,
    /// How far ahead slots are asked for, and before which place they are known to be free.
    ahead: Ahead,
    known: Position,
    waiting: Waiting,
    pub(super) seat: Arc<Seat>,
}

impl Writer {
    pub(super) fn attach(ring: &Ring) -> Result<Self, OpenError> {
        let seat = Seat::take(ring, Side::Producer)?;
        let lanes = (0..seat.lane_count()).map(|lane| Producer::new(seat.lane(lane), seat.who()));
        let (lanes, known) = (lanes.collect(), seat.note_depth(0));
        let ahead = Ahead::new(LINES_AHEAD, seat.lanes().stride());
        Ok(Self { lanes, lane: 0, ahead, known, waiting: Waiting::new(0), seat })
    }

    pub(super) fn ring(&self) -> &Ring {
        self.seat.ring()
    }

    pub(super) fn lane(&self) -> u32 {
        self.lane
    }

    pub(super) fn set_lane(&mut self, lane: u32) -> Result<(), ClaimError> {
        if lane >= self.seat.lane_count() {
            return Err(ClaimError::NoSuchLane);
        }
        self.lane = lane;
        // Nothing, in this lane.
        self.known = self.lanes[lane as usize].position();
        Ok(())
    }

    pub(super) fn set_spin(&mut self, spin: Duration) {
        self.waiting.spin = spin;
    }

    /// Claims the next place of the lane.
    #[inline(always)]
    pub(super) fn claim(&mut self, wait: Wait) -> Result<Claim, ClaimError> {
        self.seat.check_claim()?;
        let (seat, core) = (&*self.seat, &mut self.lanes[self.lane as usize]);
        let floor = seat.floor(self.lane);
        let nothing = match core.claim(floor) {
            Ok(claim) => {
                if claim.index().is_multiple_of(HINT_EVERY) {
                    self.known = seat.note_depth(self.lane);
                }
                let position = core.position();
                let (slots, capacity) = (core.lane().slots(), core.lane().capacity());
                // Its first line: there is the word that is exchanged.
                self.ahead.own(LINE, forward(self.known, position), |ahead| {
                    slots.slot(position.plus(ahead).index(capacity))
                });
                return Ok(claim);
            }
            Err(error @ (core_error::ClaimError::Full | core_error::ClaimError::Busy)) => error,
            Err(error) => return Err(error.into()),
        };
        // Not through the answer: what comes by that way is taken apart and put together.
        let mut claimed = None;
        let look = |patient| {
            let found = match patient {
                Patient::Yes => core.claim(floor),
                Patient::No => core.claim_past(floor),
            };
            match found {
                Ok(claim) => {
                    claimed = Some(claim);
                    Ok(Some(()))
                }
                Err(core_error::ClaimError::Full | core_error::ClaimError::Busy) => Ok(None),
                Err(error) => Err(ClaimError::from(error)),
            }
        };
        seat.found_nothing(&mut self.waiting, wait, look)?;
        claimed.ok_or_else(|| nothing.into())
    }

    /// Publishes a claim of the lane that is written to.
    #[inline(always)]
    pub(super) fn commit(&mut self, claim: Claim) -> Result<(), ClaimError> {
        let floor = self.seat.floor(self.lane);
        self.lanes[self.lane as usize].lane().commit(claim, floor)?;
        self.seat.mark(self.lane);
        Ok(())
    }

    /// Where the payload of such a claim is.
    #[inline(always)]
    pub(super) fn payload(&self, claim: &Claim) -> *mut u8 {
        self.lanes[self.lane as usize].lane().slots().payload(claim.index())
    }

    /// A claim that is kept for a while, and given up when it is dropped.
    #[inline(always)]
    pub(super) fn claimed(&mut self, wait: Wait) -> Result<Claimed, ClaimError> {
        let claim = self.claim(wait)?;
        Ok(Claimed::new(&self.seat, self.lane, claim))
    }

    /// Waits until every message that stands in the ring now is gone.
    pub(super) fn flush(&mut self, wait: Wait) -> Result<(), ClaimError> {
        self.seat.check_claim()?;
        let seat = &*self.seat;
        let mut standing = seat.standing()?;
        if seat.all_gone(&mut standing)? {
            return Ok(());
        }
        // Patience makes no difference to one who wants no place.
        let look = move |_| Ok::<_, ClaimError>(seat.all_gone(&mut standing)?.then_some(()));
        seat.found_nothing(&mut self.waiting, wait, look)?.ok_or(ClaimError::Full)
    }

    pub(super) fn wait_for_peer(&self, wait: Wait) -> Result<bool, OpenError> {
        self.seat.wait_for_peer(wait, self.waiting.spin)
    }
}
