//! Lives of the producers and consumers of a small ring of records.

use ringbuf_core::error::ReadError;
use ringbuf_core::geometry::Records;
use ringbuf_core::machine::Line;
use ringbuf_core::position::Position;
use ringbuf_core::record::{Consumer, Producer};
use ringbuf_core::spsc::{self, ConsumerWords, ProducerWords};
use ringbuf_verification::mortal::{Mortal, Plain, meanwhile, mortal};
use std::cell::{Cell, RefCell};

const BYTES: u64 = 64;
const START: u64 = u64::MAX - 63;
/// Claimed and committed lengths: whole, shrunk, empty, and several laps of them.
const RECORDS: [(u64, u64); 9] =
    [(24, 24), (17, 9), (0, 0), (24, 24), (24, 1), (8, 8), (16, 16), (24, 20), (5, 5)];

struct Ring {
    producer: ProducerWords<Mortal>,
    consumer: ConsumerWords<Mortal>,
    words: Vec<Plain<u64>>,
    bytes: RefCell<Vec<u8>>,
    /// Where each record that was committed begins and ends.
    spans: RefCell<Vec<(Position, Position)>>,
    taken: Cell<usize>,
    released: Cell<usize>,
    dropped: Cell<usize>,
}

impl Ring {
    fn new() -> Self {
        Self {
            producer: ProducerWords { tail: Line(Plain::new(START)) },
            consumer: ConsumerWords {
                head: Plain::new(START),
                taken: Plain::new(START),
                dropping: Plain::new(0),
                dropped: Plain::new(0),
            },
            words: (0..BYTES / 8).map(|_| Plain::new(0)).collect(),
            bytes: RefCell::new(vec![0; 64]),
            spans: RefCell::default(),
            taken: Cell::new(0),
            released: Cell::new(0),
            dropped: Cell::new(0),
        }
    }

    fn producer(&self) -> Producer<'_, Mortal, &[Plain<u64>]> {
        let stream = spsc::Producer::take_over(&self.producer, &self.consumer, BYTES).unwrap();
        Producer::new(stream, &self.words[..], Records::new(BYTES, 8).unwrap()).unwrap()
    }

    fn consumer(&self) -> Consumer<'_, Mortal, &[Plain<u64>]> {
        let stream = spsc::Consumer::take_over(&self.consumer, &self.producer, BYTES).unwrap();
        Consumer::new(stream, &self.words[..], Records::new(BYTES, 8).unwrap()).unwrap()
    }

    fn range(offset: u64, len: u64) -> std::ops::Range<usize> {
        let start = usize::try_from(offset).expect("an offset");
        start..start + usize::try_from(len).expect("a length")
    }

    /// Sends as many of the records that are left as there is room for.
    fn produce(&self) {
        let mut producer = self.producer();
        let sent = self.spans.borrow().len();
        for (number, (claimed, committed)) in (0..).zip(RECORDS).skip(sent) {
            let Ok(claim) = producer.claim(claimed) else { return };
            self.bytes.borrow_mut()[Self::range(claim.offset, claimed)].fill(number);
            let start = claim.span.start;
            producer.commit(claim, committed);
            self.spans.borrow_mut().push((start, producer.stream().position()));
        }
    }

    fn consume(&self, drops: bool) {
        let mut consumer = self.consumer();
        if drops {
            consumer.drop_taken().unwrap();
        }
        let taken_before = if drops { 0 } else { self.taken.get() };
        loop {
            let record = match consumer.read() {
                Ok(record) => record,
                Err(ReadError::Empty) => {
                    if meanwhile(|| {
                        let before = self.spans.borrow().len();
                        self.produce();
                        before == self.spans.borrow().len()
                    }) {
                        return;
                    }
                    continue;
                }
                Err(error) => panic!("{error}"),
            };
            let dropped = usize::try_from(self.consumer.dropped.get()).expect("few records");
            let number = self.released.get() + dropped;
            self.taken.set(self.taken.get().max(number + 1));
            let (start, end) = self.spans.borrow()[number];
            assert_eq!((record.span.start, record.span.end()), (start, end), "record {number}");
            assert_eq!(record.len, RECORDS[number].1, "record {number}");
            let bytes = &self.bytes.borrow()[Self::range(record.offset, record.len)];
            assert!(bytes.iter().all(|&byte| usize::from(byte) == number), "record {number}");
            assert_eq!(consumer.redelivered(start), number < taken_before, "record {number}");
            consumer.release(record);
            self.released.set(self.released.get() + 1);
        }
    }

    /// Reads what is there, with no producer to refill it.
    fn drain(&self) {
        let mut consumer = self.consumer();
        while let Ok(record) = consumer.read() {
            let number = self.released.get();
            assert_eq!(record.len, RECORDS[number].1, "record {number}");
            let bytes = &self.bytes.borrow()[Self::range(record.offset, record.len)];
            assert!(bytes.iter().all(|&byte| usize::from(byte) == number), "record {number}");
            consumer.release(record);
            self.released.set(number + 1);
            self.taken.set(number + 1);
        }
    }

    fn close_books(&self) {
        let dropped = usize::try_from(self.consumer.dropped.get()).expect("few records");
        assert_eq!(self.spans.borrow().len(), RECORDS.len());
        assert_eq!(self.released.get() + dropped, RECORDS.len(), "released or dropped, once");
        assert_eq!(dropped, self.dropped.get(), "exactly what was taken is dropped");
        assert_eq!(self.consumer.dropping.get(), 0, "at rest");
    }
}

/// Two consumers die, a third finishes. Which of the two lived?
pub(crate) fn consumers(first: u32, second: u32, drops: bool) -> (bool, bool) {
    let ring = Ring::new();
    ring.produce();
    let lives = [first, second, u32::MAX].map(|after| {
        if drops {
            ring.dropped.set(ring.taken.get() - ring.released.get());
        }
        mortal(after, || ring.consume(drops)).is_some()
    });
    ring.close_books();
    (lives[0], lives[1])
}

/// Two producers die, a third finishes. Which of the two lived?
pub(crate) fn producers(first: u32, second: u32) -> (bool, bool) {
    let ring = Ring::new();
    let lives = [first, second, u32::MAX].map(|after| {
        let life = || {
            while ring.spans.borrow().len() < RECORDS.len() {
                ring.produce();
                meanwhile(|| ring.drain());
            }
        };
        let lived = mortal(after, life).is_some();
        let end = ring.spans.borrow().last().map_or(START, |(_, end)| end.count());
        // A death between the store of tail and our note of it cannot be: nothing
        // is shared in between.
        assert_eq!(ring.producer.tail.get(), end, "committed is what tail says");
        lived
    });
    ring.drain();
    ring.close_books();
    (lives[0], lives[1])
}
