//! One peer of a ring of many: its seat, the others, and how it waits for them.
//!
//! Unsafe code here borrows the words of the mapping for as long as the seat keeps the
//! ring.

use crate::Sleeper;
use crate::arrival::Arrivals;
use crate::end::{Side, monotonic};
use crate::error::{ClaimError, OpenError, ReadError};
use crate::find_seat::find_seat;
use crate::fork::Home;
use crate::header::Sides;
use crate::locks::LockFile;
use crate::map::{LaneSlots, Lanes, Rows};
use crate::membarrier;
use crate::native::{Native, count};
use crate::patience::{Patrol, TimePatience, Wait};
use crate::regions::{BoardRegion, EventRegion};
use crate::ring::Ring;
use ringbuf_core::crowd::{Crowd, depart, presence, takings};
use ringbuf_core::error::Corrupt;
use ringbuf_core::event::{Event, EventWords, Fencing};
use ringbuf_core::floor::Floor;
use ringbuf_core::flush::Standing;
use ringbuf_core::lanes::Occupied;
use ringbuf_core::mpmc::{Claim, Lane, Progress, Taken};
use ringbuf_core::peer::{Presence, RowWords, Who};
use ringbuf_core::position::Position;
use ringbuf_core::wait::{Counterpart, WaitError};
use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Slots that are swept in one slice of waiting: less than a millisecond's work.
const SWEEP_SLOTS_MAX: u64 = 1 << 16;

/// Places between two looks at the hint of the other side.
pub(super) const HINT_EVERY: u64 = 64;

/// How many places `to` is ahead of `from`; none, if it is behind.
#[inline(always)]
pub(super) fn forward(to: Position, from: Position) -> u64 {
    u64::try_from(to.since(from).cast_signed()).unwrap_or(0)
}

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
    progress: Progress,
    /// Of a producer, one for each lane: where it may not write any more.
    floors: Box<[Floor]>,
    board: &'static BoardRegion,
    events: &'static EventRegion,
    /// Whether this peer waits for messages, and not for room.
    reads: bool,
    may_sleep: bool,
    fencing: Fencing,
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
        let mut seat = Self {
            who,
            home: locks.home(),
            native: &peer.native,
            row: &peer.words,
            // SAFETY: as above.
            others: unsafe { Rows::new(map, others.clone()) },
            first_other: others.start,
            lanes: map.lanes(&ring.shape()),
            lane_count: sides.lanes(),
            progress: sides.progress(),
            floors: Box::default(),
            // SAFETY: as above.
            board: unsafe { map.board() },
            // SAFETY: as above.
            events: unsafe { map.events() },
            reads: side == Side::Consumer,
            may_sleep: ring.sleeper() != Sleeper::Spin,
            fencing: membarrier::fencing(ring.fence()),
            locks,
            ring: ring.clone(),
        };
        seat.floors = (0..seat.lane_count).map(|lane| seat.lane(lane).floor()).collect();
        seat.sweep()?;
        // Somebody may wait for a peer to come.
        seat.notify(seat.other_event());
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
        Lane::new(self.native, &words.words, slots, self.progress)
    }

    /// Where in a lane this producer may not write any more.
    #[inline(always)]
    pub(super) fn floor(&self, lane: u32) -> &Floor {
        &self.floors[lane as usize]
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

    /// Before which place all slots of a lane were claimed, or are over.
    #[cold]
    pub(super) fn tail(&self, lane: u32) -> Position {
        // SAFETY: the lane is one of the ring's; used within this call.
        let words = unsafe { self.ring.mapping().lane(lane) };
        // Relaxed: a hint.
        Position::new(words.words.tail.load(Relaxed))
    }

    /// Notes how full a lane is, if it never was as full, for people; and says before which
    /// place its slots are free.
    #[cold]
    pub(super) fn note_depth(&self, lane: u32) -> Position {
        // SAFETY: the lane is one of the ring's; used within this call.
        let words = unsafe { self.ring.mapping().lane(lane) };
        // Relaxed, all: hints, for people; who is late with a smaller number spoils it
        // until the next one.
        let (tail, head) = (words.words.tail.load(Relaxed), words.words.head.load(Relaxed));
        let used = tail.wrapping_sub(head);
        if used <= self.capacity() && used > words.high_water.load(Relaxed) {
            words.high_water.store(used, Relaxed);
        }
        Position::new(head).plus(self.capacity())
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
            Event::new(self.native, event).fenced(self.fencing).notify();
        }
    }

    /// On which this peer sleeps.
    fn own_event(&self) -> &'static EventWords<Native> {
        if self.reads { &self.events.data } else { &self.events.room }
    }

    /// On which the other side sleeps.
    fn other_event(&self) -> &'static EventWords<Native> {
        if self.reads { &self.events.room } else { &self.events.data }
    }

    /// Gives up what the dead hold, in all slots of all lanes.
    fn sweep(&self) -> Result<(), Corrupt> {
        for lane in 0..self.lane_count {
            self.sweep_part(lane, 0..self.capacity())?;
        }
        Ok(())
    }

    /// As [`sweep`](Self::sweep), of so many slots as one can look at now and then; goes
    /// on from where it stopped the last time.
    #[cold]
    fn sweep_on(&self, next: &Cell<u64>) -> Result<(), Corrupt> {
        let capacity = self.capacity();
        let all = capacity * u64::from(self.lane_count);
        let mut left = all.min(SWEEP_SLOTS_MAX);
        while left > 0 {
            let (at, index) = (next.get(), next.get() % capacity);
            let count = left.min(capacity - index);
            let lane = u32::try_from(at / capacity).map_err(|_| Corrupt)?;
            self.sweep_part(lane, index..index + count)?;
            next.set((at + count) % all);
            left -= count;
        }
        Ok(())
    }

    fn sweep_part(&self, lane: u32, slots: Range<u64>) -> Result<(), Corrupt> {
        let swept = self.lane(lane).sweep_part(slots, self.who, &self.locks)?;
        if swept.ready {
            self.mark(lane);
        }
        if swept.freed + swept.orphaned > 0 {
            self.notify_data();
            self.notify_room();
        }
        Ok(())
    }

    fn capacity(&self) -> u64 {
        self.ring.shape().capacity()
    }

    /// Whether nothing is left, and nothing can come back, in these lanes.
    fn is_drained(&self, among: u64) -> Result<bool, Corrupt> {
        for lane in (0..self.lane_count).filter(|lane| among >> lane & 1 == 1) {
            if !self.lane(lane).is_drained(self.who)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Every message that stands in the ring now, with its lane.
    pub(super) fn standing(&self) -> Result<Vec<(u32, Standing)>, Corrupt> {
        let mut standing = Vec::new();
        for number in 0..self.lane_count {
            let lane = self.lane(number);
            for index in 0..lane.capacity() {
                standing.extend(lane.standing(index)?.map(|message| (number, message)));
            }
        }
        Ok(standing)
    }

    /// Takes those away that are gone, from the end on; whether that is all.
    pub(super) fn all_gone(&self, standing: &mut Vec<(u32, Standing)>) -> Result<bool, Corrupt> {
        while let Some(&(lane, message)) = standing.last() {
            if !self.lane(lane).is_gone(message)? {
                return Ok(false);
            }
            standing.pop();
        }
        Ok(true)
    }

    /// Waits until somebody living sits on the other side; false if nobody came.
    pub(super) fn wait_for_peer(&self, wait: Wait, spin: Duration) -> Result<bool, OpenError> {
        if !self.is_here() {
            return Err(OpenError::Forked);
        }
        let event = Event::new(self.native, self.own_event()).fenced(self.fencing);
        self.wait_for_arrival(self.native, event, TimePatience::new(wait, spin, self.may_sleep))
    }

    fn others<'a>(&'a self, waiting: &'a Waiting) -> impl Counterpart + 'a {
        Crowd {
            rows: self.others,
            first_row: self.first_other,
            departures: &*self.board.departures,
            departures_seen: &waiting.departures_seen,
            locks: &self.locks,
            sweep: || self.sweep_on(&waiting.sweep_next),
            is_drained: || self.is_drained(waiting.among),
        }
    }

    /// What it means that the caller looked and found nothing, and `wait` says how long
    /// to go on. `None`: nothing now, and it was not to wait.
    #[cold]
    pub(super) fn found_nothing<T, E: From<WaitError<E>> + From<Corrupt>>(
        &self,
        waiting: &mut Waiting,
        wait: Wait,
        mut look: impl FnMut(Patient) -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        if matches!(wait, Wait::Not) {
            if waiting.patrol.is_tired() {
                if waiting.patrol.is_due() {
                    self.sweep_on(&waiting.sweep_next)?;
                }
                if let Some(found) = look(Patient::No)? {
                    return Ok(Some(found));
                }
            }
            return Ok(self.others(waiting).found_nothing(|| look(Patient::Yes))?);
        }
        let swept = Some(waiting.patrol.last());
        let spun = Cell::new(false);
        let look = || look(if spun.get() { Patient::No } else { Patient::Yes });
        let mut patience =
            TimePatience::after(swept, wait, waiting.spin, self.may_sleep).telling(&spun);
        let event = Event::new(self.native, self.own_event()).fenced(self.fencing);
        let found = self.others(waiting).wait(self.native, event, &mut patience, look);
        count(&self.native.probes, patience.probes());
        waiting.patrol.set_last(patience.probed());
        Ok(Some(found?))
    }
}

/// Whether a peer still waits for those who are in its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patient {
    /// They are probably at work.
    Yes,
    /// It is about to sleep, or was called often enough: in a Strict ring it passes them.
    No,
}

impl Arrivals for Seat {
    type Came = u64;

    fn came(&self) -> u64 {
        takings(&self.others, self.first_other)
    }

    fn somebody_lives(&self) -> Result<bool, OpenError> {
        Ok(presence(&self.others, self.first_other, &self.locks)? == Presence::Alive)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // A forked child leaves everything as it is: it is its parent's.
        if self.is_here() {
            self.row.leave(self.who);
            depart(self.native, &self.board.departures);
            self.notify(self.other_event());
        }
    }
}

/// How one handle waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) spin: Duration,
    /// A bit for each lane that is waited on for messages.
    pub(super) among: u64,
    /// The slot at which the next sweep goes on, lanes one after the other.
    sweep_next: Cell<u64>,
    /// What the ring's departures were when somebody was still there.
    departures_seen: Cell<u64>,
    patrol: Patrol,
}

impl Waiting {
    pub(super) fn new(among: u64) -> Self {
        Self {
            spin: crate::patience::spin_default(),
            among,
            sweep_next: Cell::new(0),
            departures_seen: Cell::new(0),
            patrol: Patrol::new(),
        }
    }
}
