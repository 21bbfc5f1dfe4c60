//! One peer of a ring of many: its seat, the others, and how it waits for them.
//!
//! Unsafe code here borrows the words of the mapping for as long as the seat keeps the
//! ring.

use crate::Sleeper;
use crate::end::{Side, monotonic};
use crate::error::{ClaimError, OpenError, ReadError};
use crate::fork::Home;
use crate::header::Sides;
use crate::locks::LockFile;
use crate::map::{LaneSlots, Lanes, Rows};
use crate::native::{Native, count};
use crate::patience::{SLICE, TimePatience, Wait};
use crate::regions::{BoardRegion, EventRegion};
use crate::ring::Ring;
use ringbuf_core::crowd::{Crowd, depart};
use ringbuf_core::error::{Corrupt, SeatError};
use ringbuf_core::event::{Event, EventWords};
use ringbuf_core::lanes::Occupied;
use ringbuf_core::mpmc::{Claim, Lane, Taken};
use ringbuf_core::peer::{RowWords, Who};
use ringbuf_core::wait::{Counterpart, WaitError};
use std::cell::Cell;
use std::ops::Range;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// One lane as this crate maps it.
pub(super) type MappedLane = Lane<'static, Native, LaneSlots>;

/// A taken seat, kept by a handle and by everything that it lent. When the last of
/// them is dropped, the peer leaves the ring.
#[derive(Debug)]
pub(super) struct Seat {
    who: Who,
    home: Home,
    native: &'static Native,
    row: &'static RowWords<Native>,
    /// The rows of the other side, and the number of the first.
    others: Rows,
    first_other: u32,
    lanes: Lanes,
    lane_count: u32,
    board: &'static BoardRegion,
    events: &'static EventRegion,
    /// Whether this peer waits for messages, and not for room.
    reads: bool,
    may_sleep: bool,
    /// The kernel's word that this peer lives. Dropped, hence closed, after `drop` has
    /// marked the row.
    locks: LockFile,
    /// Keeps the mapping under everything above. Last.
    ring: Ring,
}

/// The rows of producers, and of consumers.
fn rows_of(sides: &Sides, side: Side) -> Range<u32> {
    match side {
        Side::Producer => 0..sides.producer_rows(),
        Side::Consumer => sides.producer_rows()..sides.rows(),
    }
}

impl Seat {
    /// Takes a seat on one side of a ring, and gives up what the dead hold in it.
    pub(super) fn take(ring: &Ring, side: Side) -> Result<Arc<Self>, OpenError> {
        let sides = &ring.spec().sides;
        let map = ring.mapping();
        let (row, who, locks) = find_seat(ring, rows_of(sides, side))?;
        let others = rows_of(sides, side.other());
        // SAFETY: the results of this and the next calls are kept in a `Seat` only,
        // together with the ring, which keeps the map; what is made of them is kept by
        // handles, claims and views, which keep the seat.
        let peer = unsafe { map.peer(row) };
        // Relaxed, both: for people.
        peer.words.since.store(monotonic(), Relaxed);
        peer.words.pid.store(std::process::id(), Relaxed);
        let seat = Self {
            who,
            home: locks.home(),
            native: &peer.native,
            row: &peer.words,
            // SAFETY: as above.
            others: unsafe { Rows::new(map, others.clone()) },
            first_other: others.start,
            lanes: map.lanes(&ring.shape()),
            lane_count: sides.lanes(),
            // SAFETY: as above.
            board: unsafe { map.board() },
            // SAFETY: as above.
            events: unsafe { map.events() },
            reads: side == Side::Consumer,
            may_sleep: ring.sleeper() != Sleeper::Spin,
            locks,
            ring: ring.clone(),
        };
        seat.sweep()?;
        Ok(Arc::new(seat))
    }

    pub(super) fn ring(&self) -> &Ring {
        &self.ring
    }

    pub(super) fn who(&self) -> Who {
        self.who
    }

    pub(super) fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    pub(super) fn lane_count(&self) -> u32 {
        self.lane_count
    }

    /// Whether this process may use the seat; every call asks first.
    #[inline(always)]
    pub(super) fn is_here(&self) -> bool {
        self.home.is_here()
    }

    #[inline(always)]
    pub(super) fn check_claim(&self) -> Result<(), ClaimError> {
        if self.is_here() { Ok(()) } else { Err(ClaimError::Forked) }
    }

    #[inline(always)]
    pub(super) fn check_read(&self) -> Result<(), ReadError> {
        if self.is_here() { Ok(()) } else { Err(ReadError::Forked) }
    }

    /// A lane that the ring has.
    #[inline(always)]
    pub(super) fn lane(&self, lane: u32) -> MappedLane {
        // SAFETY: the lane is one of the ring's, and what is made of the result is kept
        // by what keeps the seat.
        let words = unsafe { self.ring.mapping().lane(lane) };
        // SAFETY: as above.
        let slots = unsafe { LaneSlots::new(&self.lanes, lane) };
        Lane::new(self.native, &words.words, slots)
    }

    /// Which lanes may have something; nothing if there is but one.
    #[inline(always)]
    pub(super) fn occupied(&self) -> Option<Occupied<'static, Native>> {
        (self.lane_count > 1).then(|| Occupied::new(self.native, &self.board.occupied))
    }

    /// Says that something was committed to a lane. The caller then calls
    /// [`notify_data`](Self::notify_data), which may be once for several.
    #[inline(always)]
    pub(super) fn mark(&self, lane: u32) {
        if let Some(occupied) = self.occupied() {
            occupied.mark(lane);
        }
    }

    /// Gives up a claim, which may have been in everybody's way.
    pub(super) fn abort(&self, lane: u32, claim: Claim) {
        self.lane(lane).abort(claim);
        self.notify_data();
        self.notify_room();
    }

    /// Notes that a message is given back. The caller then does it, and calls
    /// [`notify_room`](Self::notify_room), which may be once for several.
    #[inline(always)]
    pub(super) fn count_release(&self, taken: &Taken) {
        if taken.redelivered() > 0 {
            count(&self.native.redelivered, 1);
        }
    }

    /// Tells consumers, if they may sleep.
    #[inline]
    pub(super) fn notify_data(&self) {
        self.notify(&self.events.data);
    }

    /// Tells producers, if they may sleep.
    #[inline]
    pub(super) fn notify_room(&self) {
        self.notify(&self.events.room);
    }

    #[inline(always)]
    fn notify(&self, event: &'static EventWords<Native>) {
        if self.may_sleep {
            Event::new(self.native, event).notify();
        }
    }

    /// Gives up what the dead hold in all lanes.
    #[cold]
    pub(super) fn sweep(&self) -> Result<(), Corrupt> {
        let mut found = false;
        for index in 0..self.lane_count {
            let swept = self.lane(index).sweep(self.who, &self.locks)?;
            found |= swept.freed + swept.orphaned > 0;
            if let Some(occupied) = self.occupied().filter(|_| swept.ready) {
                occupied.mark(index);
            }
        }
        if found {
            self.notify_data();
            self.notify_room();
        }
        Ok(())
    }

    fn is_drained(&self) -> Result<bool, Corrupt> {
        // Who waits for room waits for nothing that could come back.
        for lane in 0..if self.reads { self.lane_count } else { 0 } {
            if !self.lane(lane).is_drained(self.who)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn others<'a>(&'a self, seen: &'a Cell<u64>) -> impl Counterpart + 'a {
        Crowd {
            rows: self.others,
            first_row: self.first_other,
            departures: &*self.board.departures,
            departures_seen: seen,
            locks: &self.locks,
            sweep: || self.sweep(),
            is_drained: || self.is_drained(),
        }
    }

    /// What it means that the caller looked and found nothing, and `wait` says how long
    /// to go on. `None`: nothing now, and it was not to wait.
    #[cold]
    pub(super) fn found_nothing<T, E: From<WaitError<E>> + From<Corrupt>>(
        &self,
        waiting: &mut Waiting,
        wait: Wait,
        look: impl FnMut() -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        let others = self.others(&waiting.departures_seen);
        if matches!(wait, Wait::Not) {
            if waiting.patrol.is_due() {
                self.sweep()?;
            }
            return Ok(others.found_nothing(look)?);
        }
        let mut patience = TimePatience::new(wait, waiting.spin, self.may_sleep);
        let event = if self.reads { &self.events.data } else { &self.events.room };
        let found = others.wait(self.native, Event::new(self.native, event), &mut patience, look);
        count(&self.native.probes, patience.probes());
        Ok(Some(found?))
    }
}

/// Takes the seat of a row that nobody living holds.
fn find_seat(ring: &Ring, rows: Range<u32>) -> Result<(u32, Who, LockFile), OpenError> {
    let map = ring.mapping();
    let seats = rows.len();
    // Rows that are free for all to see, then those whose holder may have died.
    for may_be_dead in [false, true] {
        for row in rows.clone() {
            // SAFETY: used within this call, whose caller keeps the ring.
            let words = unsafe { map.row(row) };
            if may_be_dead == (words.is_empty() || words.has_left()) {
                continue;
            }
            // One for each try: what it locks it keeps until it is closed.
            let locks = LockFile::new(ring.as_fd())?;
            match words.take(row, true, &locks) {
                Ok(seat) => return Ok((row, seat.who, locks)),
                Err(SeatError::InUse) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Err(OpenError::TooManyPeers(u32::try_from(seats).unwrap_or(u32::MAX)))
}

impl Drop for Seat {
    fn drop(&mut self) {
        // A forked child leaves everything as it is: it is its parent's.
        if self.is_here() {
            self.row.leave(self.who);
            depart(self.native, &self.board.departures);
            self.notify(if self.reads { &self.events.room } else { &self.events.data });
        }
    }
}

/// How one handle waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) spin: Duration,
    /// What the ring's departures were when somebody was still there.
    departures_seen: Cell<u64>,
    patrol: Patrol,
}

impl Waiting {
    pub(super) fn new() -> Self {
        let patrol = Patrol { calls: 0, last: Instant::now() };
        Self { spin: crate::patience::spin_default(), departures_seen: Cell::new(0), patrol }
    }
}

/// Makes one who never waits sweep all the same, about once a slice.
#[derive(Debug)]
struct Patrol {
    calls: u32,
    last: Instant,
}

impl Patrol {
    /// Calls that found nothing between two looks at the clock.
    const CALLS: u32 = 64;

    fn is_due(&mut self) -> bool {
        self.calls += 1;
        if self.calls < Self::CALLS {
            return false;
        }
        self.calls = 0;
        let now = Instant::now();
        let due = now.duration_since(self.last) >= SLICE;
        if due {
            self.last = now;
        }
        due
    }
}
