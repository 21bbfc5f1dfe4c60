//! A broadcast ring and the listeners that live, around those who die in `publishers.rs` and
//! `subscribers.rs`.

use ringbuf_core::cell::CellWord;
use ringbuf_core::error::{ClaimError, ReceiveError};
use ringbuf_core::extent::Extent;
use ringbuf_core::life::Delivery;
use ringbuf_core::machine::Line;
use ringbuf_core::peer::{Locks, Who};
use ringbuf_core::position::Position;
use ringbuf_core::publisher::Reclaim;
use ringbuf_core::subscriber::{Start, Taken, Want};
use ringbuf_verification::broadcast_words::{BroadcastWords, PublisherOf, Size, SubscriberOf};
use ringbuf_verification::kernel::{self, Kernel as _, Process};
use ringbuf_verification::mortal::{Mortal, Plain};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};

pub(crate) type Publisher<'a> = PublisherOf<'a, Mortal>;
pub(crate) type Subscriber<'a> = SubscriberOf<'a, Mortal>;

/// Positions wrap in the middle of a life.
const START: u64 = u64::MAX - 6;

/// Every attempt at a message has another number: it is what stands in the slot, and so many
/// bytes long.
pub(crate) struct Hall {
    pub(crate) words: BroadcastWords<Mortal>,
    pub(crate) kernel: kernel::Plain,
    pub(crate) payload: RefCell<Vec<u64>>,
    pub(crate) numbers: Cell<u64>,
    /// What really happened: positions and numbers, written down right after the commit.
    pub(crate) committed: RefCell<Vec<(u64, u64)>>,
}

impl Hall {
    pub(crate) fn new(size: Size) -> Self {
        let words = BroadcastWords::new(Mortal::default(), size, START, Plain::new);
        let payload = RefCell::new(vec![0; words.slots.0.len()]);
        Self {
            words,
            kernel: kernel::Plain::unlocked(),
            payload,
            numbers: Cell::new(1),
            committed: RefCell::default(),
        }
    }

    /// A process that has the lock of `who`.
    pub(crate) fn process(&self, who: Who) -> Process<'_, kernel::Plain> {
        let process = Process::new(&self.kernel, who.bits());
        assert_eq!(process.take(who), Ok(true), "a new identity is free");
        process
    }

    /// How many positions after the first.
    pub(crate) fn place(position: Position) -> u64 {
        position.since(Position::new(START))
    }

    pub(crate) fn number_in(&self, slot: u32) -> u64 {
        self.payload.borrow()[slot as usize]
    }

    /// Writes the next message to a claimed slot.
    pub(crate) fn write(&self, slot: u32) -> u64 {
        let number = self.numbers.get();
        self.numbers.set(number + 1);
        self.payload.borrow_mut()[slot as usize] = number;
        number
    }

    pub(crate) fn commit(&self, publisher: &mut Publisher<'_>, number: u64) {
        let place = Self::place(publisher.position());
        publisher.commit(number);
        self.committed.borrow_mut().push((place, number));
    }

    fn placed(&self) -> BTreeSet<usize> {
        self.words.entries.iter().map(|entry| self.words.slot_of(entry.get())).collect()
    }

    /// Every slot is found again by who publishes for long enough, if it takes them in turn,
    /// and by who publishes while as many are looked at as can be. Nobody else looks.
    pub(crate) fn no_slot_is_lost(&self, publisher: &mut Publisher<'_>, reclaim: Reclaim) {
        let slots = self.words.slots.0.len();
        let mut seen = BTreeSet::new();
        for _ in 0..2 * slots {
            seen.insert(self.publish(publisher).expect("nobody is in the way"));
        }
        assert!(reclaim == Reclaim::Early || seen.len() == slots, "a slot is lost");
        assert_eq!(self.placed().len(), self.words.entries.len(), "a slot stands twice");
        let mut held = BTreeSet::new();
        for Line(cell) in &self.words.cells {
            let slot = self.publish(publisher).expect("nobody is in the way");
            assert_eq!(cell.get(), CellWord::FREE.bits(), "a cell is lost");
            cell.set(CellWord::taken(Who::new(99, 1), Some(slot)).bits());
            held.insert(slot);
        }
        for _ in 0..2 * slots {
            let slot = self.publish(publisher).expect("one that nobody looks at");
            assert!(!held.contains(&slot), "it is looked at");
        }
    }

    fn publish(&self, publisher: &mut Publisher<'_>) -> Result<u32, ClaimError> {
        let slot = publisher.claim()?;
        publisher.commit(self.write(slot));
        Ok(slot)
    }
}

/// What became of a message, as a listener saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Whole(u64),
    /// Shown, or broken off.
    Part,
}

/// A subscriber that lives, and holds the last few that it read.
pub(crate) struct Listener<'a> {
    pub(crate) hall: &'a Hall,
    pub(crate) subscriber: Subscriber<'a>,
    pub(crate) cells: Vec<u32>,
    pub(crate) want: Want,
    first: u64,
    held: VecDeque<(Taken, u64)>,
    pub(crate) heard: Vec<(u64, Heard)>,
    pub(crate) evicted: u32,
}

impl<'a> Listener<'a> {
    /// Takes the row of this number as `who`, and so many cells.
    pub(crate) fn join(
        hall: &'a Hall,
        row: usize,
        (who, views): (Who, usize),
        (delivery, start, want): (Delivery, Start, Want),
    ) -> Self {
        let cells = hall.words.take_cells(who, views).expect("a cell for each view");
        let subscriber =
            Subscriber::join(hall.words.ring(), row, who, cells.clone(), delivery, start);
        let first = Hall::place(subscriber.position());
        Self {
            hall,
            subscriber,
            cells,
            want,
            first,
            held: VecDeque::new(),
            heard: Vec::new(),
            evicted: 0,
        }
    }

    /// Reads one message, and releases the oldest that it holds if it cannot otherwise.
    pub(crate) fn hear_one(&mut self) -> bool {
        loop {
            match self.subscriber.read(self.want) {
                Ok(taken) => {
                    self.hold(taken);
                    return true;
                }
                Err(ReceiveError::Empty) => return false,
                Err(ReceiveError::AllHeld) => assert!(self.release(), "no cell was lost"),
                Err(ReceiveError::Evicted) => self.evicted += 1,
                Err(error) => panic!("{error}"),
            }
        }
    }

    pub(crate) fn hear_all(&mut self) {
        while self.hear_one() {}
    }

    /// Looks at the newest message, whatever is next, if there is one and a cell for it.
    pub(crate) fn glance(&mut self) {
        match self.subscriber.latest(self.want) {
            Ok(taken) => {
                self.is_true(&taken);
                self.subscriber.release(taken);
            }
            Err(ReceiveError::Empty | ReceiveError::AllHeld) => {}
            Err(error) => panic!("{error}"),
        }
    }

    fn is_true(&self, taken: &Taken) -> u64 {
        let number = self.hall.number_in(taken.slot);
        if let Extent::Whole(bytes) = taken.extent {
            assert_eq!(bytes, number, "as long as the message that stands there");
        } else {
            assert_eq!(self.want, Want::Parts);
        }
        number
    }

    fn hold(&mut self, taken: Taken) {
        let number = self.is_true(&taken);
        let heard = match taken.extent {
            Extent::Whole(_) => Heard::Whole(number),
            Extent::Open(_) | Extent::Broken(_) => Heard::Part,
        };
        self.heard.push((Hall::place(taken.position), heard));
        self.held.push_back((taken, number));
    }

    /// Releases the oldest message that it holds, which is what it was.
    pub(crate) fn release(&mut self) -> bool {
        let Some((taken, number)) = self.held.pop_front() else { return false };
        assert_eq!(self.hall.number_in(taken.slot), number, "overwritten while looked at");
        self.subscriber.release(taken);
        true
    }

    pub(crate) fn leave(&mut self) {
        while self.release() {}
        self.subscriber.leave();
        self.hall.words.free_cells(&self.cells);
    }

    /// It got, lost or passed by each message from its first to `end`, and each that it got
    /// is the one that stood there.
    pub(crate) fn close_books(&self, all: &[(u64, Heard)], end: u64) {
        let place = Hall::place(self.subscriber.position());
        assert_eq!(place, end, "it has heard all");
        let counted = self.subscriber.lost() + self.subscriber.broken();
        assert_eq!(self.heard.len() as u64 + counted, end - self.first, "lost and broken count");
        assert!(self.heard.windows(2).all(|pair| pair[0].0 < pair[1].0), "in order");
        for message @ (_, heard) in &self.heard {
            assert!(*heard == Heard::Part || all.contains(message), "{message:?} stood there");
        }
    }

    /// Every message that was committed, where it was.
    pub(crate) fn heard_everything(&self) {
        assert_eq!((self.evicted, self.subscriber.lost()), (0, 0), "the publisher waited for it");
        for &(place, number) in self.hall.committed.borrow().iter() {
            let known = [Heard::Whole(number), Heard::Part].map(|heard| (place, heard));
            let known = if self.want == Want::Parts { &known[..] } else { &known[..1] };
            assert!(known.iter().any(|known| self.heard.contains(known)), "{number} is lost");
        }
    }
}
