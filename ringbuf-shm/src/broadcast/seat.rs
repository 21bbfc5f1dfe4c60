//! One peer of a broadcast ring: its seat, the others, and how it waits for them.
//!
//! Unsafe code here borrows the words of the mapping for as long as the seat keeps the
//! ring.

use super::join::Join;
use crate::Sleeper;
use crate::arrival::Arrivals;
use crate::end::monotonic;
use crate::error::OpenError;
use crate::find_seat::find_seat;
use crate::fork::Home;
use crate::header::Shape;
use crate::layout::PRODUCER_ROW;
use crate::locks::LockFile;
use crate::map::Rows;
use crate::map::broadcast::PoolSlots;
use crate::membarrier;
use crate::native::{Native, count};
use crate::patience::{Patrol, TimePatience, Wait};
use crate::regions::EventRegion;
use crate::ring::Ring;
use ringbuf_core::broadcast::Broadcast;
use ringbuf_core::cell::{free_cell, take_cells};
use ringbuf_core::crowd::{presence, takings};
use ringbuf_core::error::Corrupt;
use ringbuf_core::event::{Event, EventWords, Fencing};
use ringbuf_core::peer::{Presence, RowWords, Who};
use ringbuf_core::ticks::Ticks;
use ringbuf_core::wait::{Counterpart, Peer, WaitError};
use std::os::fd::AsFd;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The words of a ring with a pool as this crate maps them.
pub(super) type PoolWords = Broadcast<'static, Native, PoolSlots>;
/// Those of a ring of ticks.
pub(super) type TickWords = Ticks<'static, Native>;

/// The words of a ring.
#[derive(Clone, Copy, Debug)]
enum Words {
    Pool(PoolWords),
    Ticks(TickWords),
}

/// What a handle relies on that was made for rings with a pool, or for ticks.
const OTHER_SHAPE: &str = "words that a ring of this shape has";

/// A taken seat. When it is dropped, the peer leaves the ring.
#[derive(Debug)]
pub(super) struct Seat {
    who: Who,
    home: Home,
    native: &'static Native,
    row: &'static RowWords<Native>,
    words: Words,
    /// The rows of the other side, and the number of the first.
    others: Rows,
    first_other: u32,
    /// Of a subscriber: the cells that it looks with.
    cells: Box<[u32]>,
    events: &'static EventRegion,
    may_sleep: bool,
    fencing: Fencing,
    /// The kernel's word that this peer lives. Dropped, hence closed, after `drop` has
    /// marked the row.
    locks: LockFile,
    /// Keeps the mapping under everything above. Last.
    ring: Ring,
}

impl Seat {
    /// Takes the publisher's seat.
    pub(super) fn of_publisher(ring: &Ring) -> Result<Self, OpenError> {
        // SAFETY: used within this call, whose caller keeps the ring.
        let row = unsafe { ring.mapping().row(PRODUCER_ROW) };
        let locks = LockFile::new(ring.as_fd())?;
        let taken = row.take(PRODUCER_ROW, ring.spec().reopen, &locks)?;
        Ok(Self::on(ring, taken.who, locks))
    }

    /// Takes a subscriber's seat, and as many cells as it asks for.
    pub(super) fn of_subscriber(ring: &Ring, join: Join) -> Result<Self, OpenError> {
        if join.views == 0 {
            return Err(OpenError::OutOfRange("the number of views (1 at least)"));
        }
        let (_, who, locks) = find_seat(ring, 1..ring.spec().sides.rows())?;
        let mut seat = Self::on(ring, who, locks);
        seat.sweep();
        if matches!(seat.words, Words::Pool(_)) {
            seat.take_cells(join.views)?;
        }
        Ok(seat)
    }

    fn on(ring: &Ring, who: Who, locks: LockFile) -> Self {
        let map = ring.mapping();
        // SAFETY: the results of this and the next calls are kept in a `Seat` only,
        // together with the ring, which keeps the map; what is made of them is kept by
        // handles and views, which keep the seat.
        let peer = unsafe { map.peer(who.row()) };
        // Relaxed, both: for people.
        peer.words.since.store(monotonic(), Relaxed);
        peer.words.pid.store(std::process::id(), Relaxed);
        let publishes = who.row() == PRODUCER_ROW;
        let rows = ring.spec().sides.rows();
        let others = if publishes { 1..rows } else { PRODUCER_ROW..1 };
        let machine = &peer.native;
        // SAFETY: as above.
        let publisher = unsafe { map.publisher_words() };
        // SAFETY: as above.
        let readers = unsafe { map.readers() };
        let words = if let Shape::Ticks(slots) = ring.shape() {
            // SAFETY: as above; it is a ring of ticks.
            let (words, entry_words) = unsafe { map.ticks(&slots) };
            Words::Ticks(Ticks { machine, publisher, readers, words, entry_words })
        } else {
            // SAFETY: as above.
            let entries = unsafe { map.entries() };
            // SAFETY: as above.
            let cells = unsafe { map.cells() };
            // SAFETY: as above.
            let slots = unsafe { map.pool_slots(&ring.shape()) };
            Words::Pool(Broadcast { machine, publisher, entries, readers, cells, slots })
        };
        Self {
            who,
            home: locks.home(),
            native: &peer.native,
            row: &peer.words,
            words,
            first_other: others.start,
            // SAFETY: as above.
            others: unsafe { Rows::new(map, others) },
            cells: Box::default(),
            // SAFETY: as above.
            events: unsafe { map.events() },
            may_sleep: ring.sleeper() != Sleeper::Spin,
            fencing: membarrier::fencing(ring.fence()),
            locks,
            ring: ring.clone(),
        }
    }

    fn take_cells(&mut self, wanted: u32) -> Result<(), OpenError> {
        let all = self.pool().cells;
        if wanted as usize > all.len() {
            return Err(OpenError::TooManyViews { wanted, free: 0 });
        }
        let mut cells = vec![0; wanted as usize];
        let taken = take_cells::<Native>(all, self.who, &mut cells);
        cells.truncate(taken);
        self.cells = cells.into();
        // What was taken is given back when the seat is dropped.
        let free = u32::try_from(taken).unwrap_or(wanted);
        if free == wanted { Ok(()) } else { Err(OpenError::TooManyViews { wanted, free }) }
    }

    pub(super) fn ring(&self) -> &Ring {
        &self.ring
    }

    pub(super) fn who(&self) -> Who {
        self.who
    }

    /// The words of a ring with a pool.
    #[inline(always)]
    pub(super) fn pool(&self) -> &PoolWords {
        match &self.words {
            Words::Pool(words) => words,
            Words::Ticks(_) => unreachable!("{OTHER_SHAPE}"),
        }
    }

    /// The words of a ring of ticks.
    pub(super) fn ticks(&self) -> TickWords {
        match self.words {
            Words::Ticks(words) => words,
            Words::Pool(_) => unreachable!("{OTHER_SHAPE}"),
        }
    }

    /// Where the payload of each slot is.
    #[inline(always)]
    pub(super) fn slots(&self) -> &PoolSlots {
        &self.pool().slots
    }

    pub(super) fn cells(&self) -> &[u32] {
        &self.cells
    }

    /// Whether this process may use the seat; every call asks first.
    #[inline(always)]
    pub(super) fn is_here(&self) -> bool {
        self.home.is_here()
    }

    fn publishes(&self) -> bool {
        self.who.row() == PRODUCER_ROW
    }

    /// Tells subscribers, if they may sleep.
    #[inline]
    pub(super) fn notify_data(&self) {
        if self.may_sleep {
            self.event(&self.events.data).notify();
        }
    }

    /// Tells a publisher that waits for room, by one who has issued a fence since it moved
    /// its cursor.
    #[inline]
    pub(super) fn notify_room_after_fence(&self) {
        if self.may_sleep {
            self.event(&self.events.room).notify_after_fence();
        }
    }

    /// Tells the other side.
    pub(super) fn notify_others(&self) {
        if self.may_sleep {
            self.event(self.other_event()).notify();
        }
    }

    #[inline(always)]
    fn event(&self, words: &'static EventWords<Native>) -> Event<'static, Native> {
        Event::new(self.native, words).fenced(self.fencing)
    }

    fn own_event(&self) -> &'static EventWords<Native> {
        if self.publishes() { &self.events.room } else { &self.events.data }
    }

    fn other_event(&self) -> &'static EventWords<Native> {
        if self.publishes() { &self.events.data } else { &self.events.room }
    }

    /// Gives up what dead subscribers have left.
    fn sweep(&self) {
        let swept = match &self.words {
            Words::Pool(words) => words.sweep(self.who, &self.locks),
            Words::Ticks(words) => words.peers().sweep(self.who, &self.locks),
        };
        if swept && self.may_sleep {
            self.event(&self.events.room).notify();
        }
    }

    /// What it means that the caller looked and found nothing, and `wait` says how long to
    /// go on. `None`: nothing now, and it was not to wait.
    #[cold]
    pub(super) fn found_nothing<T, E: From<WaitError<E>>>(
        &self,
        waiting: &mut Waiting,
        wait: Wait,
        look: impl FnMut() -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        if self.publishes() {
            self.wait_for(&Audience { seat: self }, waiting, wait, look)
        } else {
            let row = self.first_other;
            let publisher = Peer { words: self.others.first(), row, locks: &self.locks };
            self.wait_for(&publisher, waiting, wait, look)
        }
    }

    fn wait_for<T, E: From<WaitError<E>>>(
        &self,
        others: &impl Counterpart,
        waiting: &mut Waiting,
        wait: Wait,
        mut look: impl FnMut() -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        if matches!(wait, Wait::Not) {
            if self.publishes() && waiting.patrol.is_tired() && waiting.patrol.is_due() {
                self.sweep();
                return look();
            }
            return Ok(others.found_nothing(&mut look)?);
        }
        let probed = Some(waiting.patrol.last());
        let mut patience = TimePatience::after(probed, wait, waiting.spin, self.may_sleep);
        let event = self.event(self.own_event());
        let found = others.wait(self.native, event, &mut patience, look);
        count(&self.native.probes, patience.probes());
        waiting.patrol.set_last(patience.probed());
        Ok(Some(found?))
    }

    /// Waits until somebody living sits on the other side; false if nobody came.
    pub(super) fn wait_for_peer(&self, wait: Wait, spin: Duration) -> Result<bool, OpenError> {
        if !self.is_here() {
            return Err(OpenError::Forked);
        }
        let event = self.event(self.own_event());
        self.wait_for_arrival(self.native, event, TimePatience::new(wait, spin, self.may_sleep))
    }
}

/// All subscribers, as a publisher sees them that waits for room: it waits for those who
/// are in its way, and whether there are any others makes no difference.
struct Audience<'a> {
    seat: &'a Seat,
}

impl Counterpart for Audience<'_> {
    fn has_left(&self) -> bool {
        false
    }

    fn presence(&self) -> Result<Presence, Corrupt> {
        self.seat.sweep();
        Ok(Presence::Alive)
    }
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
            for &cell in &self.cells {
                free_cell::<Native>(&self.pool().cells[cell as usize]);
            }
            self.row.leave(self.who);
            self.notify_others();
        }
    }
}

/// How one handle waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) spin: Duration,
    patrol: Patrol,
}

impl Waiting {
    pub(super) fn new(spin: Duration) -> Self {
        Self { spin, patrol: Patrol::new() }
    }
}
