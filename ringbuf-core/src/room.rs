//! Where a publisher may write: behind those whom it waits for.
//!
//! The same for every shape of a broadcast ring, whether messages stand in a
//! [pool](crate::publisher) or in the [entries](crate::tick_publisher) themselves.
//!
//! Before an entry is used again the floor is raised above it, then every row is looked at,
//! between the two a fence. Whoever joins says so first, then looks at the floor, between the
//! two a fence: so it is seen, or begins at the new floor (edge JOIN). The rows are looked at
//! once for a quarter of a lap. What was *scanned* is private and never trusted to a successor.

use crate::broadcast::Peers;
use crate::error::{ClaimError, Corrupt};
use crate::life::Life;
use crate::machine::{Machine, Word};
use crate::position::{Position, is_before};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

/// The position of the next message, and what was found out about those before it.
pub(crate) struct Room<'a, M: Machine> {
    peers: Peers<'a, M>,
    /// The position of the next message.
    next: Position,
    /// As it stands in the file.
    floor: Position,
    /// No entry before this position is waited for by anybody, now or later.
    scanned: Position,
}

impl<'a, M: Machine> Room<'a, M> {
    /// Where the words say that the last publisher stopped.
    pub(crate) fn take_over(peers: Peers<'a, M>) -> Self {
        // Relaxed, both: the seat was taken after the last writer of these words gave it up
        // or died (edge SUCCEED).
        let next = Position::new(peers.publisher.tail.load(Relaxed));
        let floor = Position::new(peers.publisher.floor.load(Relaxed));
        // The dead one may have raised the floor and not lived to look at the rows.
        let scanned = next.minus(peers.capacity);
        Self { peers, next, floor, scanned }
    }

    /// Whether tail and floor can be true, if a message at the tail was begun or was not.
    pub(crate) fn check(&self, begun: bool) -> Result<(), Corrupt> {
        let ahead = self.next.plus(u64::from(begun)).since(self.floor);
        if ahead > self.peers.capacity { Err(Corrupt) } else { Ok(()) }
    }

    /// The position of the next message.
    #[inline(always)]
    pub(crate) fn next(&self) -> Position {
        self.next
    }

    /// Makes sure that nobody waits for what stands where the next message will.
    #[inline(always)]
    pub(crate) fn find(&mut self) -> Result<(), ClaimError> {
        if is_before(self.scanned, self.needed()) { self.make_room() } else { Ok(()) }
    }

    /// Nobody may wait for an entry before this position when the next message is shown.
    #[inline(always)]
    fn needed(&self) -> Position {
        self.next.plus(1).minus(self.peers.capacity)
    }

    #[cold]
    fn make_room(&mut self) -> Result<(), ClaimError> {
        let needed = self.needed();
        // Some more at once, so that the rows are not looked at for each message.
        let target = needed.plus(self.peers.capacity / 4);
        if is_before(self.floor, target) {
            self.floor = target;
            // Relaxed: a newcomer sees it by the fences; who was lapped, by the entry
            // that lapped it (edges SHOW and STAMP).
            self.peers.publisher.floor.store(target.count(), Relaxed);
        }
        // edge JOIN, the publisher's side: the floor, then the rows.
        self.peers.machine.fence(SeqCst);
        let mut scanned = self.floor;
        for row in self.peers.readers {
            // Relaxed: who joined before our fence is seen by the fences, with a cursor that
            // is not ahead of where it begins; who joins after it begins at our floor.
            let life = Life::from_bits(row.life.load(Relaxed));
            if !life.is_waited_for() {
                continue;
            }
            // edge YIELD, acquire end: whatever it copied before this cursor it has copied. Of
            // a ring with a pool it says nothing about slots: such a slot is used again only
            // a message after the one whose cursor let its entry be replaced, so between its
            // look and that cursor there was a fence of the subscriber's, and between that
            // cursor and the cells there is ours.
            let cursor = Position::new(row.cursor.load(Acquire));
            if is_before(self.next, cursor) {
                // No position of a subscriber's is ahead of ours.
                evict::<M>(&row.life, life);
            } else if is_before(cursor, scanned) {
                scanned = cursor;
            }
        }
        if is_before(self.scanned, scanned) {
            self.scanned = scanned;
        }
        if is_before(self.scanned, needed) { Err(ClaimError::Full) } else { Ok(()) }
    }

    /// The subscribers whose reading is waited for, by their place among the readers.
    pub(crate) fn in_the_way(&self) -> impl Iterator<Item = usize> + '_ {
        let needed = self.needed();
        (0..self.peers.readers.len()).filter(move |&row| self.is_in_the_way(row, needed).is_some())
    }

    fn is_in_the_way(&self, row: usize, needed: Position) -> Option<Life> {
        let row = &self.peers.readers[row];
        // Relaxed, both: who is evicted for an old word had time enough, or the
        // exchange fails.
        let life = Life::from_bits(row.life.load(Relaxed));
        let cursor = Position::new(row.cursor.load(Relaxed));
        (life.is_waited_for() && is_before(cursor, needed)).then_some(life)
    }

    /// Waits no longer for those that are [in the way](Self::in_the_way); how many.
    pub(crate) fn evict_those_in_the_way(&self) -> usize {
        let needed = self.needed();
        let rows = 0..self.peers.readers.len();
        rows.filter(|&row| {
            let life = self.is_in_the_way(row, needed);
            life.is_some_and(|life| evict::<M>(&self.peers.readers[row].life, life))
        })
        .count()
    }

    /// The message at the next position is committed, or broken off.
    #[inline(always)]
    pub(crate) fn pass_on(&mut self) {
        self.next = self.next.plus(1);
        // edge SHOW, release end: who follows the tail finds the entries before it; of a
        // successor, also what the dead one wrote.
        self.peers.publisher.tail.store(self.next.count(), Release);
    }
}

fn evict<M: Machine>(word: &M::U64, life: Life) -> bool {
    // Relaxed, both: a fence comes before anything that is waited for is used again (edges
    // JOIN and COVER), and who fails finds a subscriber that moved.
    word.compare_exchange(life.bits(), life.evicted().bits(), Relaxed, Relaxed).is_ok()
}
