//! Goal: any schedule of calls, crashes and take-overs does to a ring what it does
//! to a queue that anybody understands.
//!
//! Method: random schedules of the real code on plain words and of a `VecDeque`,
//! compared after every call; positions start where each width wraps. Shrunk by
//! proptest when they differ.

use proptest::prelude::*;
use ringbuf_core::error::{ClaimError, ReadError};
use ringbuf_core::geometry::Records;
use ringbuf_core::machine::Line;
use ringbuf_core::position::{Position, Span};
use ringbuf_core::record::{self, Record};
use ringbuf_core::spsc::{Consumer, ConsumerWords, Producer, ProducerWords};
use ringbuf_verification::mortal::{Mortal, Plain};
use std::collections::VecDeque;

struct Words {
    producer: ProducerWords<Mortal>,
    consumer: ConsumerWords<Mortal>,
}

impl Words {
    fn new(start: u64) -> Self {
        Self {
            producer: ProducerWords { tail: Line(Plain::new(start)) },
            consumer: ConsumerWords {
                head: Plain::new(start),
                taken: Plain::new(start),
                dropping: Plain::new(0),
                dropped: Plain::new(0),
            },
        }
    }

    fn producer(&self, capacity: u64) -> Producer<'_, Mortal> {
        Producer::take_over(&self.producer, &self.consumer, capacity).unwrap()
    }

    fn consumer(&self, capacity: u64) -> Consumer<'_, Mortal> {
        Consumer::take_over(&self.consumer, &self.producer, capacity).unwrap()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Claim(u64),
    Commit(u64),
    Abort,
    Read(u64),
    Look,
    Release(u64),
    ProducerDies,
    ConsumerDies { drops: bool },
}

fn step(most: u64) -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..=most).prop_map(Step::Claim),
        4 => (0..=most).prop_map(Step::Commit),
        1 => Just(Step::Abort),
        4 => (1..=most).prop_map(Step::Read),
        1 => Just(Step::Look),
        4 => (0..=most).prop_map(Step::Release),
        1 => Just(Step::ProducerDies),
        1 => any::<bool>().prop_map(|drops| Step::ConsumerDies { drops }),
    ]
}

/// Positions around which some width wraps.
fn start() -> impl Strategy<Value = u64> {
    let wraps = prop_oneof![Just(0_u64), Just(1 << 32), Just(1 << 63)];
    (wraps, 0..200_u64).prop_map(|(wrap, before)| wrap.wrapping_sub(before))
}

fn index(position: Position, capacity: u64) -> usize {
    usize::try_from(position.index(capacity)).expect("an index")
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) }
}

/// What a queue of the committed and unreleased would hold.
#[derive(Default)]
struct Reference {
    queue: VecDeque<u64>,
    sent: u64,
    /// So many at the front were shown to some consumer.
    taken: usize,
    /// So many at the front were shown to one that died.
    flagged: usize,
    dropped: u64,
}

impl Reference {
    fn release(&mut self, count: usize) {
        self.queue.drain(..count);
        self.taken -= count;
        self.flagged = self.flagged.saturating_sub(count);
    }

    fn consumer_dies(&mut self, drops: bool) {
        if drops {
            let taken = self.taken;
            self.release(taken);
            self.dropped += taken as u64;
        }
        self.flagged = self.taken;
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_stream_is_a_queue(
        start in start(),
        log in 0_u32..=6,
        steps in prop::collection::vec(step(70), 1..200),
    ) {
        let capacity = 1_u64 << log;
        let words = Words::new(start);
        let mut slots = vec![0; 1 << log];
        let mut reference = Reference::default();
        let (mut producer, mut consumer) = (words.producer(capacity), words.consumer(capacity));
        let (mut claim, mut view) = (None::<Span>, None::<Span>);
        for step in steps {
            match step {
                Step::Claim(count) => {
                    let free = capacity - reference.queue.len() as u64;
                    let expected = match count {
                        _ if count <= free => Ok(count),
                        _ if count > capacity => Err(ClaimError::TooLong),
                        _ => Err(ClaimError::Full),
                    };
                    let found = producer.claim(count);
                    prop_assert_eq!(found.map(|span| span.len), expected);
                    claim = found.ok().or(claim);
                    prop_assert_eq!(producer.free(), Ok(free));
                }
                Step::Commit(count) => if let Some(span) = claim.take() {
                    let count = count.min(span.len);
                    for step in 0..count {
                        slots[index(span.start.plus(step), capacity)] = reference.sent;
                        reference.queue.push_back(reference.sent);
                        reference.sent += 1;
                    }
                    producer.commit(count);
                },
                Step::Abort => claim = None,
                Step::Read(most) => match consumer.read(most) {
                    Ok(span) => {
                        let len = usize::try_from(span.len).expect("a length");
                        prop_assert!(span.len <= most && len <= reference.queue.len());
                        for (step, value) in (0..span.len).zip(&reference.queue) {
                            let position = span.start.plus(step);
                            prop_assert_eq!(slots[index(position, capacity)], *value);
                            let flagged = consumer.redelivered(position);
                            prop_assert_eq!(flagged, step < reference.flagged as u64);
                        }
                        reference.taken = reference.taken.max(len);
                        view = Some(span);
                    }
                    Err(error) => {
                        prop_assert_eq!(error, ReadError::Empty);
                        prop_assert!(reference.queue.is_empty());
                    }
                },
                Step::Look => match consumer.look() {
                    Ok(span) => prop_assert_eq!(span.len, reference.queue.len() as u64),
                    Err(_) => prop_assert!(reference.queue.is_empty()),
                },
                Step::Release(count) => if let Some(span) = view.take() {
                    let count = count.min(span.len);
                    consumer.release(count);
                    reference.release(usize::try_from(count).expect("a length"));
                },
                Step::ProducerDies => {
                    claim = None;
                    producer = words.producer(capacity);
                }
                Step::ConsumerDies { drops } => {
                    view = None;
                    consumer = words.consumer(capacity);
                    if drops {
                        consumer.drop_taken(consumer.taken_before().len);
                    }
                    reference.consumer_dies(drops);
                    prop_assert_eq!(words.consumer.dropped.get(), reference.dropped);
                    prop_assert_eq!(words.consumer.dropping.get(), 0);
                    prop_assert_eq!(consumer.taken_before().len, reference.flagged as u64);
                }
            }
        }
    }
}

/// Records as a queue of lengths, and the bytes they stand on.
struct Room {
    geometry: Records,
    tail: u64,
    ends: VecDeque<u64>,
    head: u64,
}

impl Room {
    /// Bytes that a record of `len` takes at the tail, padding before it included.
    fn needed(&self, len: u64) -> u64 {
        let (capacity, alignment) = (self.geometry.capacity(), self.geometry.alignment());
        let footprint = alignment + len.div_ceil(alignment) * alignment;
        let rest = capacity - self.tail % capacity;
        if rest < footprint { rest + footprint } else { footprint }
    }

    fn has(&self, len: u64) -> bool {
        self.geometry.capacity() - self.tail.wrapping_sub(self.head) >= self.needed(len)
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_ring_of_records_is_a_queue(
        start in start(),
        log in 2_u32..=6,
        alignment in prop_oneof![Just(8_u64), Just(64)],
        steps in prop::collection::vec(step(400), 1..200),
    ) {
        let capacity = alignment << log;
        let geometry = Records::new(capacity, alignment).unwrap();
        let start = start & !(alignment - 1);
        let words = Words::new(start);
        let headers: Vec<_> = (0..capacity / 8).map(|_| Plain::new(u64::MAX)).collect();
        let mut bytes = vec![0_u8; usize::try_from(capacity).expect("a length")];
        let mut reference = Reference::default();
        let mut lens = VecDeque::<u64>::new();
        let mut room = Room { geometry, tail: start, ends: VecDeque::new(), head: start };
        let open = |words| record::Producer::new(words, &headers[..], geometry).unwrap();
        let join = |words| record::Consumer::new(words, &headers[..], geometry).unwrap();
        let mut producer = open(words.producer(capacity));
        let mut consumer = join(words.consumer(capacity));
        let (mut claim, mut view) = (None::<Record>, None::<Record>);
        for step in steps {
            match step {
                Step::Claim(len) => {
                    let expected = match len {
                        _ if len > geometry.len_max() => Err(ClaimError::TooLong),
                        _ if room.has(len) => Ok(len),
                        _ => Err(ClaimError::Full),
                    };
                    let found = producer.claim(len);
                    prop_assert_eq!(found.map(|record| record.len), expected);
                    claim = found.ok().or(claim);
                }
                Step::Commit(len) => if let Some(record) = claim.take() {
                    let len = len.min(record.len);
                    // All that was claimed may be written, whatever is committed.
                    bytes[range(&record, record.len)].fill(reference.sent.to_le_bytes()[0]);
                    // The padding stays, though a shorter record might fit before it.
                    room.tail = room.tail.wrapping_add(room.needed(record.len));
                    let shrunk = geometry.footprint(record.len) - geometry.footprint(len);
                    room.tail = room.tail.wrapping_sub(shrunk);
                    producer.commit(record, len);
                    room.ends.push_back(room.tail);
                    lens.push_back(len);
                    reference.queue.push_back(reference.sent);
                    reference.sent += 1;
                },
                Step::Abort => claim = None,
                Step::Read(_) | Step::Look => match consumer.read() {
                    Ok(record) => {
                        prop_assert_eq!(Some(&record.len), lens.front());
                        prop_assert_eq!(record.offset % alignment, 0);
                        let value = reference.queue[0].to_le_bytes()[0];
                        let found = &bytes[range(&record, record.len)];
                        prop_assert!(found.iter().all(|byte| *byte == value));
                        let flagged = consumer.redelivered(record.span.start);
                        prop_assert_eq!(flagged, reference.flagged > 0);
                        reference.taken = 1;
                        view = Some(record);
                    }
                    Err(error) => {
                        prop_assert_eq!(error, ReadError::Empty);
                        prop_assert!(reference.queue.is_empty());
                    }
                },
                Step::Release(_) => if let Some(record) = view.take() {
                    consumer.release(record);
                    reference.release(1);
                },
                Step::ProducerDies => {
                    claim = None;
                    producer = open(words.producer(capacity));
                }
                Step::ConsumerDies { drops } => {
                    view = None;
                    consumer = join(words.consumer(capacity));
                    if drops {
                        prop_assert_eq!(consumer.drop_taken(), Ok(()));
                    }
                    reference.consumer_dies(drops);
                    prop_assert_eq!(words.consumer.dropped.get(), reference.dropped);
                    prop_assert_eq!(words.consumer.dropping.get(), 0);
                }
            }
            while lens.len() > reference.queue.len() {
                lens.pop_front();
                room.head = room.ends.pop_front().expect("an end for each record");
            }
            prop_assert_eq!(words.consumer.head.get(), room.head);
            prop_assert_eq!(words.producer.tail.get(), room.tail);
        }
    }
}

fn range(record: &Record, len: u64) -> std::ops::Range<usize> {
    let start = usize::try_from(record.offset).expect("an offset");
    start..start + usize::try_from(len).expect("a length")
}
