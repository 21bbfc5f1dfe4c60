//! A lane of plain words, and the kernel that its peers ask.

use crate::kernel::{self, Kernel as _};
use crate::mortal::{Mortal, Plain};
use ringbuf_core::mpmc::{Lane, LaneWords, Progress};
use ringbuf_core::position::Position;
use ringbuf_core::slot::{Fate, SlotWord, SlotWords};
use std::fmt;

/// The slots as the core takes them.
pub type Slots<'a> = &'a [SlotWords<Mortal>];

/// The words of a lane, of which every participant has the same.
pub struct PlainLane {
    /// Who sleeps, which in a lane is nobody.
    pub machine: Mortal,
    /// Hints and notices.
    pub words: LaneWords<Mortal>,
    /// The words of the slots.
    pub slots: Vec<SlotWords<Mortal>>,
    /// Who lives.
    pub kernel: kernel::Plain,
    progress: Progress,
    lazy: u64,
}

impl PlainLane {
    /// An empty lane of so many slots, whose first message stands at `start`.
    #[must_use]
    pub fn new(capacity: u64, start: u64, progress: Progress, lazy: u64) -> Self {
        let first = Position::new(start);
        let free = |index| SlotWords::new(SlotWord::first(index, capacity, first), Plain::new);
        Self {
            machine: Mortal::default(),
            words: LaneWords::new(first, Plain::new),
            slots: (0..capacity).map(free).collect(),
            kernel: kernel::Plain::unlocked(),
            progress,
            lazy,
        }
    }

    /// The lane as a peer sees it.
    #[must_use]
    pub fn lane(&self) -> Lane<'_, Mortal, Slots<'_>> {
        Lane::new(&self.machine, &self.words, &self.slots[..], self.progress).with_lazy(self.lazy)
    }

    /// How many messages were dropped, as the slots say.
    #[must_use]
    pub fn dropped(&self) -> u32 {
        self.slots.iter().map(|slot| Fate::new(slot.fate.get()).dropped).sum()
    }
}

impl fmt::Debug for PlainLane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainLane").field("progress", &self.progress).finish_non_exhaustive()
    }
}
