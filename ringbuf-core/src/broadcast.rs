//! One publisher, many subscribers: every message to each of them, in place.
//!
//! Messages stand in a pool of slots. The publisher writes into one that nobody
//! looks at and shows it by storing its number in the *entry* of the message's
//! position; the slot that stood there before is retired, and used again once no
//! *cell* names it. A subscriber names a slot in one of its cells before it looks,
//! and makes sure afterwards that it was in time. So whoever looks is never
//! overwritten, however slow, and whoever does not look is never waited for, unless
//! it asked to be: the row of a lossless subscriber has a cursor, and no entry at or
//! after it is overwritten while its [life](crate::life) says so.
//!
//! | file | what |
//! |---|---|
//! | `broadcast.rs` | the words of all, who stores them, and what becomes of those of the dead |
//! | [`publisher`](crate::publisher) | claims, shows, reclaims, evicts, takes over |
//! | [`subscriber`](crate::subscriber) | joins, reads, is evicted, leaves |
//! | [`entry`](crate::entry) | what stands at a position |
//! | [`cell`](crate::cell) | which slot somebody looks at |
//! | [`life`](crate::life) | whether a subscriber is waited for |
//! | [`extent`](crate::extent) | how much of a message may be read |
//! | [`pool`](crate::pool) | the publisher's own lists of slots |
//! | `room.rs`, `course.rs` | where a publisher may write, how far a subscriber got: of any shape |
//!
//! Small messages need no pool, if nobody looks at them in place: they stand in the entries
//! themselves ([`ticks`](crate::ticks)), under the same rules for who is waited for.
//!
//! The cells are hazard pointers (Michael 2004) to slots, in the hands of processes
//! that may be killed; the entries are a ring as Disruptor's, of slots instead of
//! messages.

use crate::cell::sweep_cells;
use crate::extent::Extent;
use crate::life::{Life, Standing};
use crate::machine::{Line, Machine, Row, Word};
use crate::peer::{Liveness, Who};
use crate::position::Position;
use core::fmt;
use core::sync::atomic::Ordering::{Acquire, Relaxed};

/// What the publisher stores. In a file this is the layout itself.
#[repr(C)]
pub struct PublisherWords<M: Machine> {
    /// The position after the last message that is committed, or broken off. Written
    /// by the publisher only.
    pub tail: Line<M::U64>,
    /// No message before this position is promised to anybody. Never goes back. Written
    /// by the publisher only.
    pub floor: Line<M::U64>,
}

/// What a subscriber stores. In a file this is the layout itself.
#[repr(C, align(128))]
pub struct ReaderWords<M: Machine> {
    /// Whether it is waited for; see [`life`](crate::life).
    pub life: M::U64,
    /// The position that it reads next. Written by the subscriber only.
    pub cursor: M::U64,
    /// How many messages it lost. For people; written by the subscriber only.
    pub lost: M::U64,
    /// How many messages it passed by that were broken off. For people; written by the
    /// subscriber only.
    pub broken: M::U64,
    /// How many cells it took. For people; written by the subscriber only.
    pub views: M::U64,
}

/// The words by which the peers of a ring agree how far each of them is, whatever a message is.
pub struct Peers<'a, M: Machine> {
    /// What time passes on.
    pub machine: &'a M,
    /// The publisher's words.
    pub publisher: &'a PublisherWords<M>,
    /// The words of each subscriber, in the order of their rows.
    pub readers: &'a [ReaderWords<M>],
    /// How many messages the ring keeps: a power of two.
    pub capacity: u64,
}

impl<M: Machine> Clone for Peers<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: Machine> Copy for Peers<'_, M> {}

impl<M: Machine> Peers<'_, M> {
    /// Nobody waits any longer for subscribers that are dead. Whether there was one. `own`:
    /// who does not ask about itself.
    pub fn sweep(&self, own: Who, locks: &impl Liveness) -> bool {
        let mut swept = false;
        for row in self.readers {
            // Relaxed: the exchange confirms it.
            let life = Life::from_bits(row.life.load(Relaxed));
            if matches!(life.standing(), None | Some(Standing::Idle)) || life.who() == own {
                continue;
            }
            if !locks.is_held(life.who()) {
                // Relaxed, both: who does not wait for it any more looks at its cells, if there
                // are any.
                let idle =
                    row.life.compare_exchange(life.bits(), life.idle().bits(), Relaxed, Relaxed);
                swept |= idle.is_ok();
            }
        }
        swept
    }
}

/// All words of one ring, as one peer sees them.
pub struct Broadcast<'a, M: Machine, P> {
    /// What time passes on.
    pub machine: &'a M,
    /// The publisher's words.
    pub publisher: &'a PublisherWords<M>,
    /// What stands at each position; a power of two of them. Written by the publisher only.
    pub entries: &'a [M::U64],
    /// The words of each subscriber, in the order of their rows.
    pub readers: &'a [ReaderWords<M>],
    /// Which slots are looked at; see [`cell`](crate::cell).
    pub cells: &'a [Line<M::U64>],
    /// How much of the message in each slot may be read; see [`extent`](crate::extent).
    /// At least as many as there are entries and cells, and one more.
    pub slots: P,
}

impl<M: Machine, P: Copy> Clone for Broadcast<'_, M, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: Machine, P: Copy> Copy for Broadcast<'_, M, P> {}

impl<'a, M: Machine, P: Row<Word = M::U64>> Broadcast<'a, M, P> {
    /// How many messages the ring keeps.
    #[inline(always)]
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.entries.len() as u64
    }

    /// What its peers agree by.
    #[must_use]
    pub fn peers(&self) -> Peers<'a, M> {
        let (machine, publisher, readers) = (self.machine, self.publisher, self.readers);
        Peers { machine, publisher, readers, capacity: self.capacity() }
    }

    /// How much of the message in this slot may be read now; `None` if no publisher can
    /// have said that.
    #[inline(always)]
    #[must_use]
    pub fn extent(&self, slot: u32) -> Option<Extent> {
        // edge GROW, acquire end: so much was written.
        Extent::from_bits(self.slots.at(slot as usize).load(Acquire))
    }

    /// The entry of a position.
    #[inline(always)]
    pub(crate) fn entry_index(&self, position: Position) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "below the number of entries")]
        {
            position.index(self.capacity()) as usize
        }
    }

    /// Gives up what dead subscribers have left: nobody waits for them, and nothing is
    /// kept for them to look at. Whether there was anything. `own`: who does not ask
    /// about itself.
    pub fn sweep(&self, own: Who, locks: &impl Liveness) -> bool {
        let cells = sweep_cells::<M>(self.cells, own, locks) > 0;
        self.peers().sweep(own, locks) || cells
    }
}

impl<M: Machine> fmt::Debug for Peers<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peers").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

impl<M: Machine, P> fmt::Debug for Broadcast<'_, M, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast").field("capacity", &self.entries.len()).finish_non_exhaustive()
    }
}

impl<M: Machine> fmt::Debug for PublisherWords<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublisherWords").finish_non_exhaustive()
    }
}

impl<M: Machine> fmt::Debug for ReaderWords<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReaderWords").finish_non_exhaustive()
    }
}
