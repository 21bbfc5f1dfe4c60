//! A broadcast ring of a few entries, and what its peers did.

use crate::kernel::{Kernel as _, Modelled, Process};
use crate::lab::{Lab, Payload, U32, U64};
use ringbuf_core::broadcast::{Broadcast, PublisherWords, ReaderWords};
use ringbuf_core::cell::{CellWord, free_cell, look_at, take_cells};
use ringbuf_core::error::{ClaimError, ReceiveError};
use ringbuf_core::event::{Event, EventWords};
use ringbuf_core::extent::Extent;
use ringbuf_core::life::{Delivery, Life, Standing};
use ringbuf_core::machine::{Line, Word as _};
use ringbuf_core::peer::{Locks as _, Who};
use ringbuf_core::pool::Pool;
use ringbuf_core::position::Position;
use ringbuf_core::publisher::Reclaim;
use ringbuf_core::subscriber::{Start, Subscriber, Taken, Want};
use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;

/// The slots as the core takes them.
pub type Slots<'a> = &'a [U64];
/// One who writes.
pub type Publisher<'a> = ringbuf_core::publisher::Publisher<'a, Lab, Slots<'a>, Vec<u32>>;

/// The fewest with which one can be overwritten while another is read.
const ENTRIES_MIN: usize = 2;
/// Pieces of a message, which stand for its bytes.
const PARTS: u64 = 2;
/// The row of the publisher; those of the subscribers follow.
const PUBLISHER_ROW: u32 = 0;

/// The words, the payload, the kernel, and a diary that no participant reads.
///
/// Part `k` of the message number `i` is `10 * i + k`; the message number `i` stands at
/// the position `i` after the start.
pub struct Hub {
    publisher: PublisherWords<Lab>,
    entries: Vec<U64>,
    readers: Vec<ReaderWords<Lab>>,
    cells: Vec<Line<U64>>,
    extents: Vec<U64>,
    payload: Payload,
    room: EventWords<Lab>,
    kernel: Modelled,
    first: Position,
    /// The number of every message whose commit was executed.
    committed: RefCell<Vec<u64>>,
}

impl Hub {
    /// An empty ring of two entries whose first message stands at `start`, with as few slots
    /// as go.
    #[must_use]
    pub fn new(start: u64, readers: usize, cells: usize) -> Self {
        Self::of(ENTRIES_MIN, start, readers, cells)
    }

    /// An empty ring of so many entries.
    #[must_use]
    pub fn of(entries: usize, start: u64, readers: usize, cells: usize) -> Self {
        let slots = entries + cells + 1;
        Self {
            publisher: PublisherWords { tail: Line(U64::new(start)), floor: Line(U64::new(start)) },
            entries: (0..entries).map(|_| U64::new(0)).collect(),
            readers: (0..readers).map(|_| nobody()).collect(),
            cells: (0..cells).map(|_| Line(U64::new(CellWord::FREE.bits()))).collect(),
            extents: (0..slots).map(|_| U64::new(Extent::Whole(0).bits())).collect(),
            payload: Payload::new(slots * usize::try_from(PARTS).expect("few")),
            room: EventWords { epoch: U32::new(0), woken: U32::new(0) },
            kernel: Modelled::unlocked(),
            first: Position::new(start),
            committed: RefCell::default(),
        }
    }

    fn ring(&self) -> Broadcast<'_, Lab, Slots<'_>> {
        Broadcast {
            machine: &Lab,
            publisher: &self.publisher,
            entries: &self.entries,
            readers: &self.readers,
            cells: &self.cells,
            slots: &self.extents,
        }
    }

    /// The event on which a publisher sleeps for room.
    #[must_use]
    pub fn room(&self) -> Event<'_, Lab> {
        Event::new(&Lab, &self.room)
    }

    /// The publisher that continues from the words, and uses a slot again as soon as it
    /// can.
    ///
    /// # Panics
    /// If the words cannot be true.
    #[must_use]
    pub fn publisher(&self) -> Publisher<'_> {
        self.publisher_that(Reclaim::Early)
    }

    /// The publisher that continues from the words.
    ///
    /// # Panics
    /// If the words cannot be true.
    #[must_use]
    pub fn publisher_that(&self, reclaim: Reclaim) -> Publisher<'_> {
        let lists = vec![0; Pool::<Vec<u32>>::lists_len(self.entries.len(), self.extents.len())];
        Publisher::take_over(self.ring(), lists, reclaim).unwrap()
    }

    /// Sends so many messages, for which there is room.
    ///
    /// # Panics
    /// If there is none.
    pub fn send(&self, publisher: &mut Publisher<'_>, messages: u64) {
        for _ in 0..messages {
            assert!(self.try_send(publisher), "nobody is in the way");
        }
    }

    /// Sends a message, if there is room.
    ///
    /// # Panics
    /// If a word cannot be true.
    pub fn try_send(&self, publisher: &mut Publisher<'_>) -> bool {
        let Some(slot) = self.claim(publisher) else { return false };
        for part in 0..PARTS {
            self.write(publisher, slot, part);
        }
        self.commit(publisher);
        true
    }

    /// Claims a slot, if there is room.
    ///
    /// # Panics
    /// If a word cannot be true.
    pub fn claim(&self, publisher: &mut Publisher<'_>) -> Option<u32> {
        match publisher.claim() {
            Ok(slot) => Some(slot),
            Err(ClaimError::Full) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Writes a part of the message that is claimed, to its slot.
    ///
    /// # Panics
    /// If somebody may still look at the slot.
    pub fn write(&self, publisher: &Publisher<'_>, slot: u32, part: u64) {
        let number = publisher.position().since(self.first);
        self.payload.write(part_of(slot, part), 10 * number + part);
    }

    /// Commits the message that is claimed.
    pub fn commit(&self, publisher: &mut Publisher<'_>) {
        let number = publisher.position().since(self.first);
        publisher.commit(PARTS);
        self.committed.borrow_mut().push(number);
    }

    /// Sends a message of which a part can be read before the other is written, if there is
    /// room; gives up at the end, if so wanted.
    ///
    /// # Panics
    /// If a word cannot be true.
    pub fn try_send_in_parts(&self, publisher: &mut Publisher<'_>, gives_up: bool) -> bool {
        let Some(slot) = self.claim(publisher) else { return false };
        for part in 0..PARTS {
            self.write(publisher, slot, part);
            publisher.advance(part + 1);
        }
        if gives_up {
            publisher.abort();
        } else {
            self.commit(publisher);
        }
        true
    }

    /// Who subscribes on this row; `incarnation` counts those who did.
    ///
    /// # Panics
    /// If the row is not a small number.
    #[must_use]
    pub fn subscriber(&self, row: usize, incarnation: u32) -> Who {
        Who::new(u32::try_from(row + 1).expect("a small number"), incarnation)
    }

    /// Begins a process whose identity is locked.
    ///
    /// # Panics
    /// If it had been given to somebody before.
    pub fn live(&self, who: Who) {
        let process = Process::new(&self.kernel, who.bits());
        assert_eq!(process.take(who), Ok(true), "a new identity is free");
    }

    /// The end of this process.
    pub fn die(&self, who: Who) {
        Process::new(&self.kernel, who.bits()).end();
    }

    /// Gives up what dead subscribers have left; whether there was anything.
    pub fn sweep(&self, own: Who) -> bool {
        self.ring().sweep(own, &Process::new(&self.kernel, own.bits()))
    }

    /// Who nobody is, and who publishes.
    #[must_use]
    pub fn author(&self) -> Who {
        Who::new(PUBLISHER_ROW, 1)
    }

    /// Nobody is waited for, and no cell is taken.
    ///
    /// # Panics
    /// If that is not so.
    pub fn is_deserted(&self) {
        for row in &self.readers {
            let life = Life::from_bits(row.life.load(Relaxed));
            assert_eq!(life.standing(), Some(Standing::Idle));
        }
        for cell in &self.cells {
            assert_eq!(CellWord::from_bits(cell.load(Relaxed)), CellWord::FREE);
        }
    }

    /// A subscriber that takes so many cells, if there are as many.
    #[must_use]
    pub fn try_join(
        &self,
        who: Who,
        cells: usize,
        delivery: Delivery,
        start: Start,
    ) -> Option<Reader<'_>> {
        let mut taken = vec![0; cells];
        if take_cells::<Lab>(&self.cells, who, &mut taken) < cells {
            return None;
        }
        let row = usize::try_from(who.row() - 1).expect("a small number");
        let subscriber = Subscriber::join(self.ring(), row, who, taken.clone(), delivery, start);
        let began = subscriber.position();
        let is_waited_for = delivery == Delivery::Lossless;
        Some(Reader {
            hub: self,
            who,
            cells: taken,
            subscriber,
            began,
            got: Vec::new(),
            is_waited_for,
        })
    }

    /// A new subscriber of this row, with so many cells.
    ///
    /// # Panics
    /// If there are not as many.
    #[must_use]
    pub fn join(&self, row: usize, cells: usize, delivery: Delivery, start: Start) -> Reader<'_> {
        self.try_join(self.subscriber(row, 1), cells, delivery, start).expect("enough cells")
    }

    /// What may be read of a message is what was written.
    ///
    /// # Panics
    /// If it is not, or a write is not ordered with our look.
    pub fn is_right(&self, taken: &Taken, extent: Extent) {
        let number = taken.position.since(self.first);
        for part in 0..extent.bytes() {
            let found = self.payload.read(part_of(taken.slot, part));
            assert_eq!(found, 10 * number + part, "part {part} of message {number}");
        }
        if let Extent::Whole(bytes) = extent {
            assert_eq!(bytes, PARTS);
        }
    }

    /// Releases a message that was taken by `who`, in any thread.
    pub fn release(&self, who: Who, taken: Taken) {
        look_at::<Lab>(&self.cells[taken.cell as usize], who, None);
    }

    /// Gives up a cell of the caller's own.
    pub fn free(&self, cell: u32) {
        free_cell::<Lab>(&self.cells[cell as usize]);
    }
}

/// One who reads, and what it had.
pub struct Reader<'a> {
    hub: &'a Hub,
    /// Who it is.
    pub who: Who,
    cells: Vec<u32>,
    /// The reading end.
    pub subscriber: Subscriber<'a, Lab, Slots<'a>, Vec<u32>>,
    began: Position,
    got: Vec<u64>,
    /// Whether it is lossless and was never evicted.
    is_waited_for: bool,
}

impl Reader<'_> {
    /// Takes a message, and looks at it; `None` if there is none now.
    ///
    /// # Panics
    /// If it is not what was written, or comes out of order; if the answer cannot be.
    pub fn take(&mut self, want: Want) -> Option<Taken> {
        match self.subscriber.read(want) {
            Ok(taken) => {
                let number = taken.position.since(self.hub.first);
                assert!(self.got.last().is_none_or(|&last| last < number), "in order");
                self.got.push(number);
                self.hub.is_right(&taken, taken.extent);
                self.is_exact();
                Some(taken)
            }
            Err(ReceiveError::Empty | ReceiveError::Busy | ReceiveError::AllHeld) => {
                self.is_exact();
                None
            }
            Err(ReceiveError::Evicted) => {
                self.is_waited_for = false;
                self.is_exact();
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// As [`take`](Self::take), and releases it; whether there was one.
    ///
    /// # Panics
    /// As [`take`](Self::take).
    pub fn read(&mut self) -> bool {
        let taken = self.take(Want::Whole);
        taken.map(|taken| self.subscriber.release(taken)).is_some()
    }

    /// Looks whether there is more now of what was taken.
    ///
    /// # Panics
    /// If there is less, or it is not what was written.
    pub fn looks_again(&self, taken: &Taken) {
        let extent = self.hub.ring().extent(taken.slot).expect("it stays as it is");
        assert!(extent.bytes() >= taken.extent.bytes(), "never fewer than before");
        self.hub.is_right(taken, extent);
    }

    /// Reads what is left.
    ///
    /// # Panics
    /// As [`take`](Self::take).
    pub fn drain(&mut self) {
        // It may be told once that it was evicted.
        while self.read() || self.read() {}
    }

    /// Whether it was told that it was evicted.
    #[must_use]
    pub fn was_evicted(&self) -> bool {
        self.subscriber.delivery() == Delivery::Lossless && !self.is_waited_for
    }

    fn is_exact(&self) {
        let passed = self.subscriber.position().since(self.began);
        let (lost, broken) = (self.subscriber.lost(), self.subscriber.broken());
        assert_eq!(self.got.len() as u64 + lost + broken, passed, "got + lost + broken");
    }

    /// It is at the end, and had all that it was to have.
    ///
    /// # Panics
    /// If it is not, or had not.
    pub fn is_done(&self) {
        let committed = self.hub.committed.borrow();
        let last = committed.last().copied();
        let position = self.subscriber.position().since(self.hub.first);
        assert!(last.is_none_or(|last| position > last), "the last message is missed");
        if self.is_waited_for {
            assert_eq!(self.subscriber.lost(), 0, "who is waited for loses nothing");
            let began = self.began.since(self.hub.first);
            for number in committed.iter().filter(|&&number| number >= began) {
                assert!(self.got.contains(number), "message {number} was committed");
            }
        }
    }

    /// Is waited for no longer.
    pub fn leave(&mut self) {
        self.subscriber.leave();
    }

    /// Gives its cells up.
    pub fn free_cells(self) {
        for cell in self.cells {
            self.hub.free(cell);
        }
    }
}

fn part_of(slot: u32, part: u64) -> u64 {
    u64::from(slot) * PARTS + part
}

fn nobody() -> ReaderWords<Lab> {
    ReaderWords {
        life: U64::new(Life::NOBODY.bits()),
        cursor: U64::new(0),
        lost: U64::new(0),
        broken: U64::new(0),
        views: U64::new(0),
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").finish_non_exhaustive()
    }
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("who", &self.who).finish_non_exhaustive()
    }
}
