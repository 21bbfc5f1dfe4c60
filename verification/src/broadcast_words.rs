//! The words of a broadcast ring, as they lie in a file, on any machine.

use ringbuf_core::broadcast::{Broadcast, PublisherWords, ReaderWords};
use ringbuf_core::cell::CellWord;
use ringbuf_core::entry::Entry;
use ringbuf_core::error::Corrupt;
use ringbuf_core::extent::Extent;
use ringbuf_core::life::Life;
use ringbuf_core::machine::{Line, Machine, Row};
use ringbuf_core::peer::Who;
use ringbuf_core::pool::Pool;
use ringbuf_core::publisher::{Publisher, Reclaim};
use ringbuf_core::subscriber::Subscriber;
use std::fmt;

/// How large a ring is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Messages that it keeps, a power of two.
    pub capacity: usize,
    /// Rows of subscribers.
    pub readers: usize,
    /// Messages that may be looked at at a time.
    pub cells: usize,
}

/// The words that say how much of the message in each slot may be read. A message of a
/// line or more stands between two of them.
pub struct Extents<M: Machine>(pub Vec<Line<M::U64>>);

impl<M: Machine> Row for &Extents<M> {
    type Word = M::U64;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn at(&self, index: usize) -> &M::U64 {
        &self.0[index]
    }
}

/// A publisher on these words, with lists of its own.
pub type PublisherOf<'a, M> = Publisher<'a, M, &'a Extents<M>, Vec<u32>>;
/// A subscriber on these words.
pub type SubscriberOf<'a, M> = Subscriber<'a, M, &'a Extents<M>, Vec<u32>>;

/// All words of one ring.
pub struct BroadcastWords<M: Machine> {
    /// What time passes on.
    pub machine: M,
    /// The publisher's words.
    pub publisher: PublisherWords<M>,
    /// What stands at each position.
    pub entries: Vec<M::U64>,
    /// The words of each subscriber.
    pub readers: Vec<ReaderWords<M>>,
    /// Which slots are looked at.
    pub cells: Vec<Line<M::U64>>,
    /// How much of each message may be read.
    pub slots: Extents<M>,
}

impl<M: Machine> BroadcastWords<M> {
    /// An empty ring whose first message stands at `start`, of words that `word` makes.
    pub fn new(machine: M, size: Size, start: u64, word: impl Fn(u64) -> M::U64) -> Self {
        let Size { capacity, readers, cells } = size;
        let reader = |_| ReaderWords {
            life: word(Life::NOBODY.bits()),
            cursor: word(0),
            lost: word(0),
            broken: word(0),
            views: word(0),
        };
        // One more than are shown or looked at: one that is claimed.
        let slots = capacity + cells + 1;
        let nothing = Extent::Broken(0).bits();
        Self {
            machine,
            publisher: PublisherWords { tail: Line(word(start)), floor: Line(word(start)) },
            entries: (0..capacity).map(|_| word(0)).collect(),
            readers: (0..readers).map(reader).collect(),
            cells: (0..cells).map(|_| Line(word(CellWord::FREE.bits()))).collect(),
            slots: Extents((0..slots).map(|_| Line(word(nothing))).collect()),
        }
    }

    /// The ring as a peer sees it.
    pub fn ring(&self) -> Broadcast<'_, M, &Extents<M>> {
        Broadcast {
            machine: &self.machine,
            publisher: &self.publisher,
            entries: &self.entries,
            readers: &self.readers,
            cells: &self.cells,
            slots: &self.slots,
        }
    }

    /// A publisher that continues where the last one stopped.
    ///
    /// # Errors
    /// [`Corrupt`], as the core says.
    pub fn take_over(&self, reclaim: Reclaim) -> Result<PublisherOf<'_, M>, Corrupt> {
        let len = Pool::<Vec<u32>>::lists_len(self.entries.len(), self.slots.0.len());
        Publisher::take_over(self.ring(), vec![0; len], reclaim)
    }

    /// Takes so many cells for `who`, or none at all.
    pub fn take_cells(&self, who: Who, views: usize) -> Option<Vec<u32>> {
        let mut cells = vec![0; views];
        let count = ringbuf_core::cell::take_cells::<M>(&self.cells, who, &mut cells);
        if count == views {
            return Some(cells);
        }
        cells.truncate(count);
        self.free_cells(&cells);
        None
    }

    /// Gives up cells that look at nothing.
    pub fn free_cells(&self, cells: &[u32]) {
        for &cell in cells {
            ringbuf_core::cell::free_cell::<M>(&self.cells[cell as usize]);
        }
    }

    /// The slot in an entry with these bits, of which there is one.
    ///
    /// # Panics
    /// If it names no slot of this ring.
    pub fn slot_of(&self, entry: u64) -> usize {
        Entry::from_bits(entry).slot(self.slots.0.len()).expect("a slot") as usize
    }
}

impl<M: Machine> fmt::Debug for Extents<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extents").field("len", &self.0.len()).finish()
    }
}

impl<M: Machine> fmt::Debug for BroadcastWords<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BroadcastWords")
            .field("capacity", &self.entries.len())
            .finish_non_exhaustive()
    }
}
