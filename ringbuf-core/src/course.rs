//! How far a subscriber got, and whether it is waited for.
//!
//! The same for every shape of a broadcast ring, whether messages are
//! [looked at](crate::subscriber) in a pool or [copied](crate::tick_subscriber).

use crate::broadcast::{Peers, ReaderWords};
use crate::error::ReceiveError;
use crate::life::{Delivery, Life};
use crate::machine::{Machine, Word};
use crate::peer::Who;
use crate::position::{Position, is_before};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

/// Where a subscriber begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With the next message that is published; who reads the latest only, with the newest
    /// that is there.
    #[default]
    Newest,
    /// With the oldest that is still promised: three quarters of the capacity back, less
    /// one, at least.
    Oldest,
    /// With the message at this position; with the oldest if that is gone, with the next
    /// if it is still to come.
    Position(Position),
}

/// The row of a subscriber, and what it counts.
pub(crate) struct Course<'a, M: Machine> {
    peers: Peers<'a, M>,
    row: &'a ReaderWords<M>,
    who: Who,
    delivery: Delivery,
    /// What its row says while it is not evicted.
    life: Life,
    /// The position that is read next.
    next: Position,
    lost: u64,
    broken: u64,
}

impl<'a, M: Machine> Course<'a, M> {
    /// Begins to read as `who`, in row `reader` of the readers.
    pub(crate) fn join(
        peers: Peers<'a, M>,
        reader: usize,
        who: Who,
        views: u64,
        (delivery, start): (Delivery, Start),
    ) -> Self {
        let row = &peers.readers[reader];
        // Relaxed, these: for people, but for the life, which the last holder of the seat
        // stored (edge SUCCEED).
        let joins = Life::from_bits(row.life.load(Relaxed)).joins();
        row.lost.store(0, Relaxed);
        row.broken.store(0, Relaxed);
        row.views.store(views, Relaxed);
        let life = Life::reads(who, joins, delivery);
        let next = Position::new(0);
        let mut course = Self { peers, row, who, delivery, life, next, lost: 0, broken: 0 };
        course.next = course.begin(start);
        course
    }

    /// Says that it reads, and finds the position at which it begins.
    fn begin(&mut self, start: Start) -> Position {
        self.life = Life::reads(self.who, self.life.joins().wrapping_add(1), self.delivery);
        let publisher = self.peers.publisher;
        // Relaxed: not ahead of the floor that is found below.
        let provisional = publisher.floor.load(Relaxed);
        // Relaxed, both: who scans after our fence sees them, who scanned before it raised
        // the floor that we find below.
        self.row.cursor.store(provisional, Relaxed);
        self.row.life.store(self.life.bits(), Relaxed);
        // edge JOIN, the subscriber's side: our life, then the floor.
        self.peers.machine.fence(SeqCst);
        // Relaxed: the fence orders it.
        let floor = Position::new(publisher.floor.load(Relaxed));
        // Relaxed: it says where to begin, and who was evicted finds none before what it has
        // read, for the publisher issued a fence since.
        let tail = Position::new(publisher.tail.load(Relaxed));
        let wanted = match start {
            Start::Newest if self.delivery == Delivery::Latest => tail.minus(1),
            Start::Newest => tail,
            Start::Oldest => floor,
            Start::Position(position) if is_before(tail, position) => tail,
            Start::Position(position) => position,
        };
        let first = if is_before(wanted, floor) { floor } else { wanted };
        // Relaxed: nothing was looked at yet that is to be seen with it.
        self.row.cursor.store(first.count(), Relaxed);
        first
    }

    /// Whether it was not evicted.
    #[inline(always)]
    pub(crate) fn is_waited_for(&self) -> bool {
        // Relaxed: where it has to be in order, there is a fence before it (edge COVER).
        self.row.life.load(Relaxed) == self.life.bits()
    }

    /// Somebody overwrote what we had not read: begins again, and says so.
    #[cold]
    pub(crate) fn rejoin<T>(&mut self) -> Result<T, ReceiveError> {
        // Relaxed: it was found, or what was written after it (edges SHOW and STAMP).
        let life = Life::from_bits(self.row.life.load(Relaxed));
        if life != self.life.evicted() {
            return Err(ReceiveError::Corrupt);
        }
        let first = self.begin(Start::Position(self.next));
        self.count_lost(first);
        Err(ReceiveError::Evicted)
    }

    /// No message before this position is promised to anybody.
    #[inline]
    pub(crate) fn floor(&self) -> Position {
        // Relaxed: an older one makes us look further back; who was overtaken finds one that
        // is past it, raised before the entry was shown that did it (edges SHOW and STAMP).
        Position::new(self.peers.publisher.floor.load(Relaxed))
    }

    /// The position after the last message.
    #[inline(always)]
    pub(crate) fn tail(&self) -> Position {
        // edge SHOW, acquire end: the entries before it are there.
        Position::new(self.peers.publisher.tail.load(Acquire))
    }

    /// The message that is read next was copied, and may be overwritten.
    #[inline(always)]
    pub(crate) fn yield_next(&mut self) {
        self.next = self.next.plus(1);
        // edge YIELD, release end: what was copied was copied before.
        self.row.cursor.store(self.next.count(), Release);
    }

    /// Goes on to a position.
    #[inline(always)]
    pub(crate) fn pass(&mut self, to: Position) {
        self.next = to;
        // Relaxed: for people; or the slot of a message that is waited for, which is not used
        // again before our cursor is behind another message, and until then the fence of
        // this read has been issued.
        self.row.cursor.store(to.count(), Relaxed);
    }

    /// Comes back to a position that it had passed, and was evicted before it looked.
    #[cold]
    pub(crate) fn go_back(&mut self, to: Position) {
        self.next = to;
    }

    /// Goes on to a position without what comes before it.
    #[cold]
    pub(crate) fn count_lost(&mut self, to: Position) {
        self.lost = self.lost.wrapping_add(to.since(self.next));
        // Relaxed: for people.
        self.row.lost.store(self.lost, Relaxed);
        self.next = to;
    }

    #[cold]
    pub(crate) fn count_broken(&mut self, messages: u64) {
        self.broken = self.broken.wrapping_add(messages);
        // Relaxed: for people.
        self.row.broken.store(self.broken, Relaxed);
    }

    /// Is waited for no longer.
    pub(crate) fn leave(&mut self) {
        // Relaxed: who does not wait for us any more looks at our cells, if there are any.
        self.row.life.store(self.life.idle().bits(), Relaxed);
    }

    pub(crate) fn who(&self) -> Who {
        self.who
    }

    pub(crate) fn delivery(&self) -> Delivery {
        self.delivery
    }

    #[inline(always)]
    pub(crate) fn next(&self) -> Position {
        self.next
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    pub(crate) fn broken(&self) -> u64 {
        self.broken
    }
}
