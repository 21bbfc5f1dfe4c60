//! One publisher, many subscribers, small messages: each to all of them, by copy.
//!
//! A message stands in the entry of its position, behind a [stamp](crate::stamp), as words
//! that are loaded and stored one by one. The publisher stamps the entry *being written*,
//! stores the words and stamps it *whole*; a subscriber copies between two looks at the stamp,
//! and keeps what it copied if the stamp was the same. So nobody is shown a torn message,
//! nothing has to be kept for those who look, and neither side issues a fence that costs
//! anything, but for one of each side in a quarter of a lap.
//!
//! This is a sequence lock for each entry (Boehm 2012, *Can seqlocks get along with programming
//! language memory models?*) in a ring as Disruptor's.
//!
//! Who is waited for, who is evicted and where a newcomer begins is as in any
//! [broadcast](crate::broadcast) ring. A copy that was made in time is right, whatever became of
//! its reader meanwhile; so a lossless subscriber copies first and moves its cursor then.
//!
//! | file | what |
//! |---|---|
//! | [`tick_publisher`](crate::tick_publisher) | writes, takes over |
//! | [`tick_subscriber`](crate::tick_subscriber) | copies |

use crate::broadcast::{Peers, PublisherWords, ReaderWords};
use crate::machine::Machine;
use crate::position::Position;
use core::fmt;

/// All words of one ring, as one peer sees them.
pub struct Ticks<'a, M: Machine> {
    /// What time passes on.
    pub machine: &'a M,
    /// The publisher's words.
    pub publisher: &'a PublisherWords<M>,
    /// The words of each subscriber, in the order of their rows.
    pub readers: &'a [ReaderWords<M>],
    /// The entries, one behind the other: of each its stamp, then the words of its message.
    /// Written by the publisher only.
    pub words: &'a [M::U64],
    /// Words of an entry; a power of two of such entries are all words.
    pub entry_words: usize,
}

impl<M: Machine> Clone for Ticks<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: Machine> Copy for Ticks<'_, M> {}

impl<'a, M: Machine> Ticks<'a, M> {
    /// How many messages the ring keeps.
    #[inline(always)]
    #[must_use]
    pub fn capacity(&self) -> u64 {
        (self.words.len() / self.entry_words) as u64
    }

    /// What its peers agree by.
    #[must_use]
    pub fn peers(&self) -> Peers<'a, M> {
        let (machine, publisher, readers) = (self.machine, self.publisher, self.readers);
        Peers { machine, publisher, readers, capacity: self.capacity() }
    }

    /// The stamp of a position, and the words behind it.
    #[inline(always)]
    pub(crate) fn entry(&self, position: Position, capacity: u64) -> (&'a M::U64, &'a [M::U64]) {
        #[expect(clippy::cast_possible_truncation, reason = "below the number of entries")]
        let start = position.index(capacity) as usize * self.entry_words;
        let entry = &self.words[start..start + self.entry_words];
        (&entry[0], &entry[1..])
    }
}

impl<M: Machine> fmt::Debug for Ticks<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticks").field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}
