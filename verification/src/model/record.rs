//! Records on the smallest ring there is: 32 bytes, aligned to 8.

use crate::lab::{Lab, Payload, U64, mortal};
use loom::thread::yield_now;
use ringbuf_core::error::{ClaimError, ReadError};
use ringbuf_core::geometry::Records;
use ringbuf_core::machine::Line;
use ringbuf_core::record::{Consumer, Producer};
use ringbuf_core::spsc::{self, ConsumerWords, ProducerWords};
use std::cell::Cell;
use std::rc::Rc;

const BYTES: u64 = 32;
const WORD: u64 = 8;
/// What is claimed and what of it is committed. The second commits less than it
/// claimed; the third does not fit before the end of the array and so is padded.
const RECORDS: [(u64, u64); 3] = [(8, 8), (8, 0), (8, 8)];

struct Ring {
    producer: ProducerWords<Lab>,
    consumer: ConsumerWords<Lab>,
    words: Vec<U64>,
    payload: Payload,
    /// The number of records taken and released by consumers so far.
    taken: Cell<usize>,
    released: Cell<usize>,
}

impl Ring {
    fn new(start: u64) -> Self {
        Self {
            producer: ProducerWords { tail: Line(U64::new(start)) },
            consumer: ConsumerWords {
                head: U64::new(start),
                taken: U64::new(start),
                dropping: U64::new(0),
                dropped: U64::new(0),
            },
            words: (0..BYTES / WORD).map(|_| U64::new(0)).collect(),
            payload: Payload::new(4),
            taken: Cell::new(0),
            released: Cell::new(0),
        }
    }

    fn geometry() -> Records {
        Records::new(BYTES, WORD).unwrap()
    }

    fn producer(&self) -> Producer<'_, Lab, &[U64]> {
        let stream = spsc::Producer::take_over(&self.producer, &self.consumer, BYTES).unwrap();
        Producer::new(stream, &self.words[..], Self::geometry()).unwrap()
    }

    fn consumer(&self) -> Consumer<'_, Lab, &[U64]> {
        let stream = spsc::Consumer::take_over(&self.consumer, &self.producer, BYTES).unwrap();
        Consumer::new(stream, &self.words[..], Self::geometry()).unwrap()
    }

    fn send_all(&self) {
        let mut producer = self.producer();
        for (item, (claimed, committed)) in (1..).zip(RECORDS) {
            let claim = loop {
                match producer.claim(claimed) {
                    Ok(claim) => break claim,
                    Err(ClaimError::Full) => yield_now(),
                    Err(error) => panic!("{error}"),
                }
            };
            self.payload.write(claim.offset / WORD, item);
            producer.commit(claim, committed);
        }
    }

    fn receive_all(&self) {
        let mut consumer = self.consumer();
        let taken_before = self.taken.get();
        while self.released.get() < RECORDS.len() {
            let record = match consumer.read() {
                Ok(record) => record,
                Err(ReadError::Empty) => {
                    yield_now();
                    continue;
                }
                Err(error) => panic!("{error}"),
            };
            let number = self.released.get();
            self.taken.set(self.taken.get().max(number + 1));
            let flagged = consumer.redelivered(record.span.start);
            assert_eq!(flagged, number < taken_before, "record {number}");
            assert_eq!(record.len, RECORDS[number].1, "record {number}");
            if record.len != 0 {
                let value = self.payload.read(record.offset / WORD);
                assert_eq!(value, number as u64 + 1, "record {number}");
            }
            consumer.release(record);
            self.released.set(number + 1);
        }
    }
}

/// Three records pass, of which one shrinks and one is padded.
///
/// # Panics
/// If the consumer does not get every record once, whole and in order.
pub fn passes(start: u64) {
    let ring = Rc::new(Ring::new(start));
    let far = Rc::clone(&ring);
    let thread = loom::thread::spawn(move || far.send_all());
    ring.receive_all();
    thread.join().unwrap();
}

/// A consumer dies at any step and a successor receives the rest.
///
/// # Panics
/// If the successor does not get every record that was not released, and the one
/// that was taken, and only that, flagged.
pub fn consumer_dies(after: u32) {
    let ring = Rc::new(Ring::new(0));
    let far = Rc::clone(&ring);
    let thread = loom::thread::spawn(move || far.send_all());
    mortal(after, || ring.receive_all());
    ring.receive_all();
    thread.join().unwrap();
}
