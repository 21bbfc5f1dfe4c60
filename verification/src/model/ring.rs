//! A ring of two slots, and what its ends did.

use crate::lab::{Lab, Payload, U64};
use loom::thread::yield_now;
use ringbuf_core::error::{ClaimError, ReadError};
use ringbuf_core::machine::Line;
use ringbuf_core::position::Position;
use ringbuf_core::spsc::{Consumer, ConsumerWords, Producer, ProducerWords};
use std::cell::Cell;

/// The slots of every ring here: the fewest with which a batch is a batch.
pub const CAPACITY: u64 = 2;

/// The words, the slots, and a diary that no participant reads.
///
/// Item number `i` stands at the position `i` after the start.
#[derive(Debug)]
pub struct Ring {
    start: Position,
    /// The producer's words.
    pub producer: ProducerWords<Lab>,
    /// The consumer's words.
    pub consumer: ConsumerWords<Lab>,
    slots: Payload,
    /// How many items were committed, all lives together.
    pub committed: Cell<u64>,
    /// How many were shown to some consumer.
    pub taken: Cell<u64>,
    /// How many were released.
    pub released: Cell<u64>,
}

impl Ring {
    /// An empty ring whose first item stands at `start`.
    #[must_use]
    pub fn new(start: u64) -> Self {
        Self {
            start: Position::new(start),
            producer: ProducerWords { tail: Line(U64::new(start)) },
            consumer: ConsumerWords {
                head: U64::new(start),
                taken: U64::new(start),
                dropping: U64::new(0),
                dropped: U64::new(0),
            },
            slots: Payload::new(2),
            committed: Cell::new(0),
            taken: Cell::new(0),
            released: Cell::new(0),
        }
    }

    /// The producer that continues from the words.
    ///
    /// # Panics
    /// If the words cannot be true.
    #[must_use]
    pub fn producer(&self) -> Producer<'_, Lab> {
        let producer = Producer::take_over(&self.producer, &self.consumer, CAPACITY).unwrap();
        assert_eq!(producer.position().since(self.start), self.committed.get(), "the tail");
        producer
    }

    /// The consumer that continues from the words.
    ///
    /// # Panics
    /// If the words cannot be true, or do not say what was taken and released.
    #[must_use]
    pub fn consumer(&self) -> Consumer<'_, Lab> {
        let consumer = Consumer::take_over(&self.consumer, &self.producer, CAPACITY).unwrap();
        assert_eq!(consumer.position().since(self.start), self.released.get(), "the head");
        let again = consumer.taken_before();
        assert_eq!(again.end().since(self.start), self.taken.get(), "what was taken");
        consumer
    }

    /// Sends the next `count` items as one batch, if there is room.
    ///
    /// # Panics
    /// If the consumer's position cannot be true.
    pub fn try_send(&self, producer: &mut Producer<'_, Lab>, count: u64) -> bool {
        let span = match producer.claim(count) {
            Ok(span) => span,
            Err(ClaimError::Full) => return false,
            Err(error) => panic!("{error}"),
        };
        let first = span.start.since(self.start);
        for item in first..first + count {
            self.slots.write(self.index(item), item);
        }
        producer.commit(count);
        self.committed.set(first + count);
        true
    }

    /// Sends items until `items` were committed in all, in batches of `batch`.
    ///
    /// # Panics
    /// As [`try_send`](Self::try_send).
    pub fn send_all(&self, producer: &mut Producer<'_, Lab>, items: u64, batch: u64) {
        loop {
            let rest = items - producer.position().since(self.start);
            if rest == 0 {
                return;
            }
            if !self.try_send(producer, batch.min(rest)) {
                yield_now();
            }
        }
    }

    /// Reads and releases what is there, at most `most` items.
    ///
    /// `taken_before` is how many items predecessors were shown.
    ///
    /// # Panics
    /// If an item is lost, repeated, torn, or wrongly flagged as shown before.
    pub fn try_receive(
        &self,
        consumer: &mut Consumer<'_, Lab>,
        most: u64,
        taken_before: u64,
    ) -> bool {
        let span = match consumer.read(most) {
            Ok(span) => span,
            Err(ReadError::Empty) => return false,
            Err(error) => panic!("{error}"),
        };
        let first = span.start.since(self.start);
        let end = span.end().since(self.start);
        self.taken.set(end.max(self.taken.get()));
        assert_eq!(first, self.released.get(), "the next item is the first that is unreleased");
        for item in first..end {
            assert_eq!(self.slots.read(self.index(item)), item, "whole and in order");
            let flagged = consumer.redelivered(self.start.plus(item));
            assert_eq!(flagged, item < taken_before, "item {item}");
        }
        consumer.release(span.len);
        self.released.set(end);
        true
    }

    /// Receives until `items` were released in all. Every batch of `batch` must be
    /// seen whole or not at all.
    ///
    /// # Panics
    /// As [`try_receive`](Self::try_receive), and for a part of a batch.
    pub fn receive_all(&self, consumer: &mut Consumer<'_, Lab>, items: u64, batch: u64, most: u64) {
        let taken_before = self.taken.get();
        while self.released.get() < items {
            if let Ok(ready) = consumer.ready() {
                let end = ready.end().since(self.start);
                assert!(end.is_multiple_of(batch) || end == items, "a part of a batch is seen");
            }
            if !self.try_receive(consumer, most, taken_before) {
                yield_now();
            }
        }
    }

    fn index(&self, item: u64) -> u64 {
        self.start.plus(item).index(CAPACITY)
    }
}
