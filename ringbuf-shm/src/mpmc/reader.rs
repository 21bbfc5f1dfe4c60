//! What every consumer of a ring of many does, whatever a message is.

use super::held::Held;
use super::seat::{HINT_EVERY, Patient, Seat, Waiting, forward};
use crate::end::Side;
use crate::error::{OpenError, ReadError};
use crate::header::{Redelivery, Sides};
use crate::map::LaneSlots;
use crate::native::Native;
use crate::patience::Wait;
use crate::prefetch::{Ahead, LINE};
use crate::ring::Ring;
use ringbuf_core::error as core_error;
use ringbuf_core::lanes::Order;
use ringbuf_core::mpmc::{Consumer, Taken};
use ringbuf_core::position::Position;
use std::sync::Arc;
use std::time::Duration;

/// Which lanes a consumer reads, and which of them first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lanes {
    /// The one of the highest number that has something, as with priorities.
    #[default]
    Highest,
    /// This one only.
    Only(u32),
    /// The one of the lowest number that has something, up to this one, as with
    /// message types.
    LowestUpTo(u32),
}

/// So many lines ahead are asked for early. Measured.
const LINES_AHEAD: usize = 2;

/// A consumer's seat, and its place in each lane.
#[derive(Debug)]
pub(super) struct Reader {
    lanes: Box<[Consumer<'static, Native, LaneSlots>]>,
    order: Order,
    /// Messages that were dropped in all lanes.
    dropped: u64,
    /// How far ahead slots are asked for, and before which place they were claimed.
    ahead: Ahead,
    known: Position,
    waiting: Waiting,
    pub(super) seat: Arc<Seat>,
}

impl Reader {
    pub(super) fn attach(ring: &Ring) -> Result<Self, OpenError> {
        let seat = Seat::take(ring, Side::Consumer)?;
        let spec = ring.spec();
        let redeliveries_max = match (spec.redelivery, spec.sides) {
            (Redelivery::Redeliver, Sides::Mpmc { redeliveries_max, .. }) => redeliveries_max,
            _ => 0,
        };
        let redeliveries_max = u8::try_from(redeliveries_max).unwrap_or(u8::MAX);
        let lanes = (0..seat.lane_count())
            .map(|lane| Consumer::new(seat.lane(lane), seat.who(), redeliveries_max));
        Ok(Self {
            lanes: lanes.collect(),
            order: Order::Highest,
            dropped: 0,
            ahead: Ahead::new(LINES_AHEAD, seat.lanes().stride()),
            known: seat.tail(0),
            waiting: Waiting::new(u64::MAX),
            seat,
        })
    }

    pub(super) fn ring(&self) -> &Ring {
        self.seat.ring()
    }

    pub(super) fn set_lanes(&mut self, lanes: Lanes) -> Result<(), ReadError> {
        let (lane, order, among) = match lanes {
            Lanes::Highest => (0, Order::Highest, u64::MAX),
            Lanes::Only(lane) => (lane, Order::Highest, 1_u64.checked_shl(lane).unwrap_or(0)),
            Lanes::LowestUpTo(lane) => {
                let above = u64::BITS.saturating_sub(lane.saturating_add(1));
                (lane, Order::Lowest, u64::MAX.checked_shr(above).unwrap_or(0))
            }
        };
        if lane >= self.seat.lane_count() {
            return Err(ReadError::NoSuchLane);
        }
        (self.waiting.among, self.order) = (among, order);
        Ok(())
    }

    pub(super) fn set_spin(&mut self, spin: Duration) {
        self.waiting.spin = spin;
    }

    /// Takes the next message of the lanes that are read, and says which lane it is in.
    #[inline(always)]
    pub(super) fn read(&mut self, wait: Wait) -> Result<(u32, Taken), ReadError> {
        self.seat.check_read()?;
        // Here, and not through what chooses among lanes: most rings have one.
        let [lane] = &mut *self.lanes else { return self.read_any(wait) };
        match lane.read() {
            Ok(taken) => {
                let position = lane.position();
                if position.index(HINT_EVERY) == 0 {
                    self.known = self.seat.tail(0);
                }
                let (slots, capacity) = (lane.lane().slots(), lane.lane().capacity());
                // Its first line: there is the word that is exchanged.
                self.ahead.own(LINE, forward(self.known, position), |ahead| {
                    slots.slot(position.plus(ahead).index(capacity))
                });
                Ok((0, taken))
            }
            Err(nothing) => self.found_nothing(nothing, wait),
        }
    }

    #[cold]
    fn read_any(&mut self, wait: Wait) -> Result<(u32, Taken), ReadError> {
        let (among, order) = (self.waiting.among, self.order);
        match look(&self.seat, &mut self.lanes, among, order, Patient::Yes) {
            Ok(found) => Ok(found),
            Err(nothing) => self.found_nothing(nothing, wait),
        }
    }

    /// What it means that the first look found nothing.
    #[cold]
    fn found_nothing(
        &mut self,
        nothing: core_error::ReadError,
        wait: Wait,
    ) -> Result<(u32, Taken), ReadError> {
        let (lanes, among, order) = (&mut *self.lanes, self.waiting.among, self.order);
        let (seat, dropped) = (&*self.seat, &mut self.dropped);
        // Nothing is released that would tell the producers of the room.
        let mut tell = |lanes: &[Consumer<'_, Native, LaneSlots>]| {
            let now = lanes.iter().map(Consumer::dropped).sum();
            if std::mem::replace(dropped, now) != now {
                seat.notify_room();
            }
        };
        tell(lanes);
        if !matches!(nothing, core_error::ReadError::Empty | core_error::ReadError::Busy) {
            return Err(nothing.into());
        }
        // Not through the answer: what comes by that way is taken apart and put together.
        let mut taken = None;
        let look = |patient| match look(seat, lanes, among, order, patient) {
            Ok(found) => {
                taken = Some(found);
                Ok(Some(()))
            }
            Err(error) => {
                tell(lanes);
                match error {
                    core_error::ReadError::Empty | core_error::ReadError::Busy => Ok(None),
                    error => Err(ReadError::from(error)),
                }
            }
        };
        self.seat.found_nothing(&mut self.waiting, wait, look)?;
        taken.ok_or_else(|| nothing.into())
    }

    /// Gives back a message of this lane.
    #[inline(always)]
    pub(super) fn release(&mut self, lane: u32, taken: Taken) {
        self.seat.count_release(&taken);
        self.lanes[lane as usize].lane().release(taken);
    }

    /// Where the payload of such a message is.
    #[inline(always)]
    pub(super) fn payload(&self, lane: u32, taken: &Taken) -> *mut u8 {
        self.lanes[lane as usize].lane().slots().payload(taken.index())
    }

    /// A message that is kept for a while, and given back when it is dropped.
    #[inline(always)]
    pub(super) fn held(&mut self, wait: Wait) -> Result<Held, ReadError> {
        let (lane, taken) = self.read(wait)?;
        Ok(Held::new(&self.seat, lane, taken))
    }

    pub(super) fn wait_for_peer(&self, wait: Wait) -> Result<bool, OpenError> {
        self.seat.wait_for_peer(wait, self.waiting.spin)
    }
}

/// Takes the next message of these lanes, if there is one now.
fn look(
    seat: &Seat,
    lanes: &mut [Consumer<'static, Native, LaneSlots>],
    among: u64,
    order: Order,
    patient: Patient,
) -> Result<(u32, Taken), core_error::ReadError> {
    let read = match patient {
        Patient::Yes => Consumer::read,
        Patient::No => Consumer::read_past,
    };
    match seat.occupied() {
        None => read(&mut lanes[0]).map(|taken| (0, taken)),
        Some(occupied) => occupied.read(lanes, among, order, read),
    }
}
