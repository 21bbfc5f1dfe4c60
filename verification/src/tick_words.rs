//! The words of a ring of ticks, as they lie in a file, on any machine.

use ringbuf_core::broadcast::{PublisherWords, ReaderWords};
use ringbuf_core::life::Life;
use ringbuf_core::machine::{Line, Machine};
use ringbuf_core::ticks::Ticks;
use std::fmt;

/// How large a ring is.
#[derive(Clone, Copy, Debug)]
pub struct TickSize {
    /// Messages that it keeps, a power of two.
    pub capacity: usize,
    /// Rows of subscribers.
    pub readers: usize,
    /// Words of a message.
    pub words: usize,
}

/// All words of one ring.
pub struct TickWords<M: Machine> {
    /// What time passes on.
    pub machine: M,
    /// The publisher's words.
    pub publisher: PublisherWords<M>,
    /// The words of each subscriber.
    pub readers: Vec<ReaderWords<M>>,
    /// The entries, one behind the other: a stamp, then a message.
    pub words: Vec<M::U64>,
    /// Words of an entry.
    pub entry_words: usize,
}

impl<M: Machine> TickWords<M> {
    /// An empty ring whose first message stands at `start`, of words that `word` makes; those
    /// of messages are made by `message`.
    pub fn new(
        machine: M,
        size: TickSize,
        start: u64,
        word: impl Fn(u64) -> M::U64,
        message: impl Fn(u64) -> M::U64,
    ) -> Self {
        let reader = |_| ReaderWords {
            life: word(Life::NOBODY.bits()),
            cursor: word(0),
            lost: word(0),
            broken: word(0),
            views: word(0),
        };
        let entry_words = size.words + 1;
        let one = |at: usize| if at.is_multiple_of(entry_words) { word(0) } else { message(0) };
        Self {
            machine,
            publisher: PublisherWords { tail: Line(word(start)), floor: Line(word(start)) },
            readers: (0..size.readers).map(reader).collect(),
            words: (0..size.capacity * entry_words).map(one).collect(),
            entry_words,
        }
    }

    /// The ring as a peer sees it.
    pub fn ring(&self) -> Ticks<'_, M> {
        Ticks {
            machine: &self.machine,
            publisher: &self.publisher,
            readers: &self.readers,
            words: &self.words,
            entry_words: self.entry_words,
        }
    }

    /// The stamp of the entry of this number.
    pub fn stamp(&self, entry: usize) -> &M::U64 {
        &self.words[entry * self.entry_words]
    }
}

impl<M: Machine> fmt::Debug for TickWords<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TickWords").field("words", &self.words.len()).finish_non_exhaustive()
    }
}
