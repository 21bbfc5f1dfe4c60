//! Lives of the producers and consumers of a ring of four slots.

use ringbuf_core::error::ReadError;
use ringbuf_core::machine::Line;
use ringbuf_core::position::{Position, Span};
use ringbuf_core::spsc::{Consumer, ConsumerWords, Producer, ProducerWords};
use ringbuf_verification::mortal::{Mortal, Plain, meanwhile, mortal};
use std::cell::{Cell, RefCell};

const CAPACITY: u64 = 4;
/// More than two laps, and no multiple of any batch.
const ITEMS: u64 = 11;
/// Positions wrap in the middle of a life.
const START: u64 = u64::MAX - 5;

/// Item number `i` stands at the position `i` after the start and has the value `i`.
struct Ring {
    producer: ProducerWords<Mortal>,
    consumer: ConsumerWords<Mortal>,
    slots: RefCell<Vec<u64>>,
    books: Books,
}

/// What really happened, written down right after the operation that did it.
#[derive(Default)]
struct Books {
    committed: Cell<u64>,
    taken: Cell<u64>,
    released: Cell<u64>,
    dropped: Cell<u64>,
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
            slots: RefCell::new(vec![0; 4]),
            books: Books::default(),
        }
    }

    fn item(position: Position) -> u64 {
        position.since(Position::new(START))
    }

    fn slot(item: u64) -> usize {
        let index = Position::new(START).plus(item).index(CAPACITY);
        usize::try_from(index).expect("an index")
    }

    fn producer(&self) -> Producer<'_, Mortal> {
        Producer::take_over(&self.producer, &self.consumer, CAPACITY).unwrap()
    }

    /// Fills the ring as far as it goes, in batches.
    fn produce(&self, batch: u64) {
        let mut producer = self.producer();
        loop {
            let next = Self::item(producer.position());
            let count = batch.min(ITEMS - next);
            if count == 0 || producer.claim(count).is_err() {
                return;
            }
            for item in next..next + count {
                self.slots.borrow_mut()[Self::slot(item)] = item;
            }
            producer.commit(count);
            self.books.committed.set(next + count);
        }
    }

    fn consumer(&self, drops: bool) -> Consumer<'_, Mortal> {
        let mut consumer = Consumer::take_over(&self.consumer, &self.producer, CAPACITY).unwrap();
        let lost = consumer.taken_before();
        if drops {
            consumer.drop_taken(lost.len);
        } else {
            assert_eq!(Self::item(lost.start), self.books.released.get());
            assert_eq!(Self::item(lost.end()), self.books.taken.get());
        }
        consumer
    }

    /// Reads and releases everything there is and will be; a living producer
    /// refills the ring whenever it is empty.
    fn consume(&self, batch: u64, drops: bool) {
        let mut consumer = self.consumer(drops);
        let taken_before = self.books.taken.get();
        loop {
            let span = match consumer.read(batch) {
                Ok(span) => span,
                Err(ReadError::Empty) => {
                    meanwhile(|| self.produce(batch));
                    match consumer.read(batch) {
                        Ok(span) => span,
                        Err(error) => {
                            assert_eq!(error, ReadError::Empty);
                            return;
                        }
                    }
                }
                Err(error) => panic!("{error}"),
            };
            self.show(&consumer, span, if drops { 0 } else { taken_before });
            // In two parts where it can be, as a user may.
            consumer.release(1);
            self.books.released.set(self.books.released.get() + 1);
            if span.len > 1 {
                consumer.release(span.len - 1);
                self.books.released.set(self.books.released.get() + span.len - 1);
            }
        }
    }

    fn show(&self, consumer: &Consumer<'_, Mortal>, span: Span, taken_before: u64) {
        let (first, end) = (Self::item(span.start), Self::item(span.end()));
        let dropped = meanwhile(|| self.consumer.dropped.get());
        assert_eq!(first, self.books.released.get() + dropped, "the next one comes next");
        self.books.taken.set(end.max(self.books.taken.get()));
        for item in first..end {
            assert_eq!(self.slots.borrow()[Self::slot(item)], item, "whole");
            let flagged = consumer.redelivered(span.start.plus(item - first));
            assert_eq!(flagged, item < taken_before, "item {item}");
        }
    }

    /// A successor that drops makes this much more dropped than before it.
    fn expect_drop(&self) {
        let (taken, released) = (self.books.taken.get(), self.books.released.get());
        self.books.dropped.set(taken - released);
    }

    fn close_books(&self) {
        let dropped = self.consumer.dropped.get();
        assert_eq!(self.books.committed.get(), ITEMS);
        assert_eq!(self.books.released.get() + dropped, ITEMS, "released or dropped, once");
        assert_eq!(dropped, self.books.dropped.get(), "exactly what was taken is dropped");
        assert_eq!(self.consumer.dropping.get(), 0, "at rest");
    }
}

/// Two consumers die, a third finishes. Which of the two lived?
pub(crate) fn consumers(first: u32, second: u32, batch: u64, drops: bool) -> (bool, bool) {
    let ring = Ring::new();
    ring.produce(batch);
    let lives = [first, second, u32::MAX].map(|after| {
        if drops {
            ring.expect_drop();
        }
        mortal(after, || ring.consume(batch, drops)).is_some()
    });
    ring.close_books();
    (lives[0], lives[1])
}

/// Two producers die, a third finishes. Which of the two lived?
pub(crate) fn producers(first: u32, second: u32, batch: u64) -> (bool, bool) {
    let ring = Ring::new();
    let mut consumer = ring.consumer(false);
    let drain = |consumer: &mut Consumer<'_, Mortal>| {
        while let Ok(span) = consumer.read(CAPACITY) {
            let end = Ring::item(span.end());
            assert!(end.is_multiple_of(batch) || end == ITEMS, "a part of a batch");
            ring.show(consumer, span, 0);
            consumer.release(span.len);
            ring.books.released.set(end);
        }
    };
    let mut lived = [false; 2];
    // Each of the mortal ones is offered room as often as it needs it.
    for (index, after) in [first, second].into_iter().enumerate() {
        let life = || {
            while ring.books.committed.get() < ITEMS {
                ring.produce(batch);
                meanwhile(|| drain(&mut consumer));
            }
        };
        lived[index] = mortal(after, life).is_some();
        let tail = Ring::item(Position::new(ring.producer.tail.get()));
        assert_eq!(tail, ring.books.committed.get(), "committed is what tail says");
    }
    while ring.books.committed.get() < ITEMS {
        ring.produce(batch);
        drain(&mut consumer);
    }
    drain(&mut consumer);
    ring.close_books();
    (lived[0], lived[1])
}
