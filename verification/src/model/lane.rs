//! A lane of an `mpmc` ring, and what its peers did.

use crate::kernel::{Kernel, Modelled, Process};
use crate::lab::{Lab, Payload, U32, U64};
use loom::thread::yield_now;
use ringbuf_core::crowd::{Crowd, depart};
use ringbuf_core::error::{ClaimError, Corrupt, ReadError};
use ringbuf_core::floor::Floor;
use ringbuf_core::lanes::{Occupied, Order};
use ringbuf_core::mpmc::{Claim, Consumer, Lane as Words, LaneWords, Producer, Progress, Taken};
use ringbuf_core::peer::{Liveness, Locks, Presence, RowWords, STATE_EMPTY, Who};
use ringbuf_core::position::Position;
use ringbuf_core::slot::{SlotWord, SlotWords};
use ringbuf_core::wait::{Counterpart as _, WaitError};
use std::cell::{Cell, RefCell};
use std::fmt;

/// The slots as the core takes them.
pub type Slots<'a> = &'a [SlotWords<Lab>];

/// How often a message may be shown again; more than any scene does.
const REDELIVERIES_MAX: u8 = 9;

/// The words, the slots, the kernel, and a diary that no participant reads.
///
/// A message is `100 * producer + number`, numbers counting from 1.
pub struct Lane {
    words: LaneWords<Lab>,
    slots: Vec<SlotWords<Lab>>,
    payload: Payload,
    /// The row of the only producer, if it sits on one, and one on which nobody does.
    rows: [RowWords<Lab>; 2],
    departures: U64,
    occupied: U64,
    kernel: Modelled,
    progress: Progress,
    first: Position,
    lazy: u64,
    /// Every message whose commit was executed.
    committed: RefCell<Vec<u64>>,
    /// Every message that was shown, to whom, and how often it had been taken before.
    shown: RefCell<Vec<(u64, Who, u8)>>,
    /// Every message that was released.
    released: RefCell<Vec<u64>>,
    /// Producers that are done, one way or another.
    ended: Cell<u32>,
}

/// Nothing is left, and nothing can come.
#[derive(Debug)]
pub struct Gone;

const PRODUCER_ROW: u32 = 1;

/// One who writes.
#[derive(Debug)]
pub struct Writer<'a> {
    producer: Producer<'a, Lab, Slots<'a>>,
    floor: Floor,
}

/// One peer: its name, and its process.
pub struct Peer<'a> {
    who: Who,
    process: Process<'a, Modelled>,
}

impl Lane {
    /// An empty lane of so many slots, whose first message stands at `start`.
    #[must_use]
    pub fn new(slots: u64, start: u64, lazy: u64) -> Self {
        let first = Position::new(start);
        let free = |index| SlotWords::new(SlotWord::first(index, slots, first), U64::new);
        Self {
            words: LaneWords::new(first, U64::new),
            slots: (0..slots).map(free).collect(),
            payload: Payload::new(usize::try_from(slots).expect("few slots")),
            rows: std::array::from_fn(|_| RowWords {
                state: U64::new(STATE_EMPTY),
                since: U64::new(0),
                pid: U32::new(0),
            }),
            departures: U64::new(0),
            occupied: U64::new(0),
            kernel: Modelled::unlocked(),
            progress: Progress::Fast,
            first,
            lazy,
            committed: RefCell::default(),
            shown: RefCell::default(),
            released: RefCell::default(),
            ended: Cell::new(0),
        }
    }

    /// The same, in which everybody passes by whoever is in the way.
    #[must_use]
    pub fn strict(self) -> Self {
        Self { progress: Progress::Strict, ..self }
    }

    /// The process of this number, whose identity is locked.
    ///
    /// # Panics
    /// If it had been given to somebody before.
    #[must_use]
    pub fn peer(&self, number: u32) -> Peer<'_> {
        let peer = self.thread_of(number);
        assert_eq!(peer.process.take(peer.who), Ok(true), "a new identity is free");
        peer
    }

    /// Another thread of the process of this number.
    #[must_use]
    pub fn thread_of(&self, number: u32) -> Peer<'_> {
        Peer { who: Who::new(number, 1), process: Process::new(&self.kernel, number) }
    }

    /// A producer's process, which sits on the row.
    ///
    /// # Panics
    /// If somebody sits there.
    #[must_use]
    pub fn seated(&self) -> Peer<'_> {
        let process = Process::new(&self.kernel, PRODUCER_ROW);
        let who = self.rows[0].take(PRODUCER_ROW, true, &process).unwrap().who;
        Peer { who, process }
    }

    /// What a producer that sits on the row does last.
    pub fn leave(&self, peer: &Peer<'_>) {
        self.rows[0].leave(peer.who);
        depart(&Lab, &self.departures);
        peer.process.end();
    }

    /// Receives until it is told that nothing is left and nothing can come; asks the
    /// kernel after every look that found nothing, if `asks`.
    ///
    /// # Panics
    /// As [`receive`](Self::receive).
    pub fn receive_until_told(&self, peer: &Peer<'_>, asks: bool) -> Gone {
        let mut consumer = self.consumer(peer);
        let seen = Cell::new(0);
        let crowd = Crowd {
            rows: &self.rows[..],
            first_row: PRODUCER_ROW,
            departures: &self.departures,
            departures_seen: &seen,
            locks: &peer.process,
            sweep: || self.lane().sweep(peer.who, &peer.process).map(drop),
            is_drained: || self.lane().is_drained(peer.who),
        };
        let mut look = || Ok::<_, Corrupt>(self.receive(&mut consumer).then_some(()));
        loop {
            match crowd.look(&mut look) {
                Ok(Some(())) => {}
                Ok(None) if asks => match crowd.presence().unwrap() {
                    Presence::Closed | Presence::Dead if look() == Ok(None) => return Gone,
                    _ => yield_now(),
                },
                Ok(None) => yield_now(),
                Err(WaitError::Closed) => return Gone,
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    fn lane(&self) -> Words<'_, Lab, Slots<'_>> {
        Words::new(&Lab, &self.words, &self.slots[..], self.progress).with_lazy(self.lazy)
    }

    /// A producer that comes now.
    #[must_use]
    pub fn producer(&self, peer: &Peer<'_>) -> Writer<'_> {
        let floor = self.lane().floor();
        Writer { producer: Producer::new(self.lane(), peer.who), floor }
    }

    /// A producer that was there from the start, and of whose messages none had to move.
    #[must_use]
    pub fn first_producer(&self, peer: &Peer<'_>) -> Writer<'_> {
        Writer { floor: Floor::new(self.first), ..self.producer(peer) }
    }

    /// A consumer.
    #[must_use]
    pub fn consumer(&self, peer: &Peer<'_>) -> Consumer<'_, Lab, Slots<'_>> {
        Consumer::new(self.lane(), peer.who, REDELIVERIES_MAX)
    }

    /// Sends the messages numbered `numbers` of producer `of`, however long it takes.
    ///
    /// # Panics
    /// If a word cannot be true.
    pub fn send(&self, peer: &Peer<'_>, of: u64, numbers: std::ops::RangeInclusive<u64>) {
        let mut producer = self.producer(peer);
        for number in numbers {
            while !self.try_send(&mut producer, 100 * of + number) {
                yield_now();
            }
        }
    }

    /// Sends a message, if there is room.
    ///
    /// # Panics
    /// If a word cannot be true.
    pub fn try_send(&self, producer: &mut Writer<'_>, message: u64) -> bool {
        let Some(claim) = self.claim(producer) else { return false };
        self.commit(producer, claim, message);
        true
    }

    /// Claims a place, if there is room.
    ///
    /// # Panics
    /// If a word cannot be true.
    pub fn claim(&self, Writer { producer, floor }: &mut Writer<'_>) -> Option<Claim> {
        let claimed = match self.progress {
            Progress::Fast => producer.claim(floor),
            Progress::Strict => producer.claim_past(floor),
        };
        match claimed {
            Ok(claim) => Some(claim),
            Err(ClaimError::Full | ClaimError::Busy) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Writes a message in a claimed place.
    ///
    /// # Panics
    /// If the slot is not its own any more.
    pub fn commit(&self, producer: &Writer<'_>, claim: Claim, message: u64) {
        self.payload.write(claim.index(), message);
        self.lane().commit(claim, &producer.floor).expect("our slot");
        self.committed.borrow_mut().push(message);
    }

    /// Gives a claimed place up.
    pub fn abort(&self, claim: Claim) {
        self.lane().abort(claim);
    }

    /// Notes that a producer will send no more.
    pub fn end(&self) {
        self.ended.set(self.ended.get() + 1);
    }

    /// Whether so many producers will send no more and everything that they committed
    /// was released.
    #[must_use]
    pub fn is_over(&self, producers: u32) -> bool {
        self.ended.get() == producers
            && self.released.borrow().len() == self.committed.borrow().len()
    }

    /// Reads and releases one message, if there is one.
    ///
    /// # Panics
    /// If a message is torn, shown again without being flagged, or a word cannot be
    /// true.
    pub fn receive(&self, consumer: &mut Consumer<'_, Lab, Slots<'_>>) -> bool {
        let Some((message, taken)) = self.take(consumer) else { return false };
        self.release(message, taken);
        true
    }

    /// Looks at a message once more, and releases it.
    ///
    /// # Panics
    /// If it is another now.
    pub fn release(&self, message: u64, taken: Taken) {
        assert_eq!(self.payload.read(taken.index()), message, "nobody touches it");
        self.lane().release(taken);
        self.released.borrow_mut().push(message);
    }

    /// Says that there is something in the lane.
    pub fn mark(&self) {
        Occupied::new(&Lab, &self.occupied).mark(0);
    }

    /// As [`receive`](Self::receive), if the lane is said to have something.
    ///
    /// # Panics
    /// As [`receive`](Self::receive).
    pub fn receive_if_marked(&self, consumer: &mut Consumer<'_, Lab, Slots<'_>>) -> bool {
        let occupied = Occupied::new(&Lab, &self.occupied);
        let read = occupied.read(std::slice::from_mut(consumer), 1, Order::Highest, Consumer::read);
        let Some((message, taken)) = self.show(consumer, read.map(|(_, taken)| taken)) else {
            return false;
        };
        self.release(message, taken);
        true
    }

    /// Reads one message, if there is one, and keeps it, as one does who dies then.
    ///
    /// # Panics
    /// As [`receive`](Self::receive).
    pub fn take_and_keep(&self, consumer: &mut Consumer<'_, Lab, Slots<'_>>) {
        let _ = self.take(consumer);
    }

    /// Reads one message, if there is one.
    ///
    /// # Panics
    /// As [`receive`](Self::receive).
    pub fn take(&self, consumer: &mut Consumer<'_, Lab, Slots<'_>>) -> Option<(u64, Taken)> {
        let read = match self.progress {
            Progress::Fast => consumer.read(),
            Progress::Strict => consumer.read_past(),
        };
        self.show(consumer, read)
    }

    fn show(
        &self,
        consumer: &Consumer<'_, Lab, Slots<'_>>,
        read: Result<Taken, ReadError>,
    ) -> Option<(u64, Taken)> {
        let taken = match read {
            Ok(taken) => taken,
            Err(ReadError::Empty | ReadError::Busy) => return None,
            Err(error) => panic!("{error}"),
        };
        let message = self.payload.read(taken.index());
        let before = self.shown.borrow().iter().filter(|(other, ..)| *other == message).count();
        // More often, if somebody died between taking it and looking.
        assert!(usize::from(taken.redelivered()) >= before, "{message} was shown {before} times");
        assert!(!self.released.borrow().contains(&message), "{message} comes back");
        self.shown.borrow_mut().push((message, consumer.me(), taken.redelivered()));
        Some((message, taken))
    }

    /// How often a message had been taken before it was shown the last time.
    ///
    /// # Panics
    /// If it was not shown.
    #[must_use]
    pub fn shown_before(&self, message: u64) -> u8 {
        let shown = self.shown.borrow();
        let last = shown.iter().rev().find(|(other, ..)| *other == message);
        last.map(|(.., before)| *before).expect("it was shown")
    }

    /// Receives until nothing is left and nothing can come; sweeps when there is
    /// nothing, if `sweeps`.
    ///
    /// # Panics
    /// As [`receive`](Self::receive).
    pub fn receive_all(&self, peer: &Peer<'_>, producers: u32, sweeps: bool) {
        let mut consumer = self.consumer(peer);
        while !self.is_over(producers) {
            if !self.receive(&mut consumer) {
                if sweeps {
                    self.sweep(peer);
                }
                yield_now();
            }
        }
    }

    /// Receives until a producer was seen gone, and after that, a sweep later, nothing
    /// was in the lane nor could come back.
    ///
    /// # Panics
    /// As [`receive`](Self::receive).
    pub fn receive_until_drained(&self, peer: &Peer<'_>, producer: Who) {
        let mut consumer = self.consumer(peer);
        loop {
            let gone = !peer.process.is_held(producer);
            self.sweep(peer);
            if gone && self.lane().is_drained(peer.who) == Ok(true) {
                return;
            }
            if !self.receive(&mut consumer) {
                yield_now();
            }
        }
    }

    /// Waits, by `pause`, until every message that stands in the lane is gone, and then
    /// writes where it stood.
    ///
    /// # Panics
    /// If somebody still reads one of them, or a word cannot be true.
    pub fn flush(&self, mut pause: impl FnMut()) {
        let lane = self.lane();
        let slots = 0..lane.capacity();
        let standing: Vec<_> =
            slots.filter_map(|index| Some((index, lane.standing(index).unwrap()?))).collect();
        for (index, message) in standing {
            while !lane.is_gone(message).unwrap() {
                pause();
            }
            self.payload.write(index, 0);
        }
    }

    /// Sweeps once; whether there was anything.
    ///
    /// # Panics
    /// If a word cannot be true.
    pub fn sweep(&self, peer: &Peer<'_>) -> bool {
        let swept = self.lane().sweep(peer.who, &peer.process).unwrap();
        swept.freed + swept.orphaned != 0
    }

    /// What must be true when everybody is done.
    ///
    /// # Panics
    /// If a message was lost, a slot is still held, or a producer's messages were not
    /// shown in order the first time.
    pub fn is_in_order(&self, peer: &Peer<'_>) {
        let mut committed = self.committed.borrow().clone();
        let mut released = self.released.borrow().clone();
        committed.sort_unstable();
        released.sort_unstable();
        assert_eq!(committed, released, "left: committed; right: released");
        // To one consumer in order: who of two looks first says nothing about who took
        // first.
        let shown = self.shown.borrow();
        let mut latest = std::collections::BTreeMap::new();
        for (message, reader, _) in shown.iter().filter(|(.., again)| *again == 0) {
            let before = latest.insert((message / 100, reader), message);
            assert!(before < Some(message), "in the order of their producer: {shown:?}");
        }
        assert_eq!(self.lane().is_drained(peer.who), Ok(true), "every slot is back");
    }
}

impl Peer<'_> {
    /// Who it is.
    #[must_use]
    pub fn who(&self) -> Who {
        self.who
    }

    /// The end of its process.
    pub fn die(&self) {
        self.process.end();
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").finish_non_exhaustive()
    }
}

impl fmt::Debug for Peer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("who", &self.who).finish_non_exhaustive()
    }
}
