//! Goal: whatever stands in the shared words, our side answers an error or
//! something valid: no panic, nothing out of range, no endless loop.
//!
//! Method: random calls, with any value stored in any shared word between any two
//! of them, and for events and rows between any two operations; overflow checks and
//! assertions are on. A call that takes more than a
//! thousand operations is taken for endless: its participant is ended there.

use proptest::prelude::*;
use ringbuf_core::error::ReadError;
use ringbuf_core::event::{Event, EventWords};
use ringbuf_core::geometry::Records;
use ringbuf_core::machine::Line;
use ringbuf_core::peer::{INCARNATION_BITS, ROW_BITS, RowWords, STATE_BITS, STATE_EMPTY};
use ringbuf_core::position::Span;
use ringbuf_core::record::{self, Record};
use ringbuf_core::spsc::{Consumer, ConsumerWords, Producer, ProducerWords};
use ringbuf_core::wait::{Counterpart as _, Patience, Peer, Step as Next};
use ringbuf_verification::kernel::{self, Kernel as _, Process};
use ringbuf_verification::mortal::{Mortal, Plain, meddled, mortal};
use std::convert::Infallible;
use std::rc::Rc;

const OPERATIONS_MAX: u32 = 1000;

fn ends<T>(call: impl FnOnce() -> T) -> T {
    mortal(OPERATIONS_MAX, call).expect("the call ends")
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4096) }
}

#[derive(Clone, Debug)]
enum Step {
    /// Stores a value in the word of this number, modulo the number of words.
    Poke(usize, Value),
    Claim(u64),
    Free,
    Commit(u64),
    Read(u64),
    Look,
    Release(u64),
    ProducerAgain,
    ConsumerAgain {
        drops: bool,
    },
}

/// A value to store: anything, or something near what stands there.
#[derive(Clone, Debug)]
enum Value {
    Any(u64),
    Moved(u64),
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(Value::Any),
        (0..64_u64).prop_map(Value::Any),
        (0..4_u64, 0..64_u64).prop_map(|(kind, len)| Value::Any(kind << 32 | len)),
        (0..64_u64).prop_map(Value::Moved),
        (0..64_u64).prop_map(|back| Value::Moved(back.wrapping_neg())),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any::<usize>(), value()).prop_map(|(word, value)| Step::Poke(word, value)),
        3 => (0..40_u64).prop_map(Step::Claim),
        1 => Just(Step::Free),
        3 => (0..40_u64).prop_map(Step::Commit),
        3 => (1..40_u64).prop_map(Step::Read),
        1 => Just(Step::Look),
        3 => (0..40_u64).prop_map(Step::Release),
        1 => Just(Step::ProducerAgain),
        1 => any::<bool>().prop_map(|drops| Step::ConsumerAgain { drops }),
    ]
}

fn poke(words: &[&Plain<u64>], number: usize, value: &Value) {
    let word = words[number % words.len()];
    word.set(match value {
        Value::Any(value) => *value,
        Value::Moved(by) => word.get().wrapping_add(*by),
    });
}

struct Words {
    producer: ProducerWords<Mortal>,
    consumer: ConsumerWords<Mortal>,
}

impl Words {
    fn new() -> Self {
        Self {
            producer: ProducerWords { tail: Line(Plain::new(0)) },
            consumer: ConsumerWords {
                head: Plain::new(0),
                taken: Plain::new(0),
                dropping: Plain::new(0),
                dropped: Plain::new(0),
            },
        }
    }

    fn all(&self) -> Vec<&Plain<u64>> {
        let ConsumerWords { head, taken, dropping, dropped } = &self.consumer;
        vec![&self.producer.tail, head, taken, dropping, dropped]
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_value_of_a_word_harms_a_stream(
        log in 0_u32..=5,
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let capacity = 1_u64 << log;
        let words = Words::new();
        let new_producer = || Producer::take_over(&words.producer, &words.consumer, capacity);
        let new_consumer = || Consumer::take_over(&words.consumer, &words.producer, capacity);
        let (mut producer, mut consumer) = (new_producer().unwrap(), new_consumer().unwrap());
        let (mut claim, mut view) = (None::<Span>, None::<Span>);
        for step in steps {
            match step {
                Step::Poke(number, value) => poke(&words.all(), number, &value),
                Step::Claim(count) => if let Ok(span) = ends(|| producer.claim(count)) {
                    prop_assert!(span.len == count && count <= capacity);
                    claim = Some(span);
                },
                Step::Free => if let Ok(free) = ends(|| producer.free()) {
                    prop_assert!(free <= capacity);
                },
                Step::Commit(count) => if let Some(span) = claim.take() {
                    ends(|| producer.commit(count.min(span.len)));
                },
                Step::Read(most) => if let Ok(span) = ends(|| consumer.read(most)) {
                    prop_assert!(span.len <= most && span.len <= capacity);
                    view = Some(span);
                },
                Step::Look => if let Ok(span) = ends(|| consumer.look()) {
                    prop_assert!(span.len <= capacity);
                },
                Step::Release(count) => if let Some(span) = view.take() {
                    ends(|| consumer.release(count.min(span.len)));
                },
                Step::ProducerAgain => if let Ok(next) = ends(new_producer) {
                    (producer, claim) = (next, None);
                },
                Step::ConsumerAgain { drops } => if let Ok(next) = ends(new_consumer) {
                    (consumer, view) = (next, None);
                    let taken = consumer.taken_before().len;
                    prop_assert!(taken <= capacity);
                    if drops {
                        ends(|| consumer.drop_taken(taken));
                    }
                },
            }
        }
    }

    #[test]
    fn no_value_of_a_word_or_header_harms_a_ring_of_records(
        log in 2_u32..=5,
        alignment in prop_oneof![Just(8_u64), Just(64)],
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let capacity = alignment << log;
        let geometry = Records::new(capacity, alignment).unwrap();
        let words = Words::new();
        let headers: Vec<_> = (0..capacity / 8).map(|_| Plain::new(0)).collect();
        let new_producer = || {
            let stream = Producer::take_over(&words.producer, &words.consumer, capacity)?;
            record::Producer::new(stream, &headers[..], geometry)
        };
        let new_consumer = || {
            let stream = Consumer::take_over(&words.consumer, &words.producer, capacity)?;
            record::Consumer::new(stream, &headers[..], geometry)
        };
        let is_inside = |record: &Record| {
            record.offset.is_multiple_of(alignment)
                && record.len <= geometry.len_max()
                && record.offset + record.len <= capacity
                && record.span.len <= capacity
        };
        let (mut producer, mut consumer) = (new_producer().unwrap(), new_consumer().unwrap());
        let (mut claim, mut view) = (None::<Record>, None::<Record>);
        for step in steps {
            match step {
                Step::Poke(number, value) => {
                    let all: Vec<_> = words.all().into_iter().chain(&headers).collect();
                    poke(&all, number, &value);
                }
                Step::Claim(len) => if let Ok(record) = ends(|| producer.claim(len)) {
                    prop_assert!(is_inside(&record) && record.len == len);
                    claim = Some(record);
                },
                Step::Free => drop(ends(|| producer.stream().free())),
                Step::Commit(len) => if let Some(record) = claim.take() {
                    ends(|| producer.commit(record, len.min(record.len)));
                },
                Step::Read(_) => if let Ok(record) = ends(|| consumer.read()) {
                    prop_assert!(is_inside(&record));
                    view = Some(record);
                },
                Step::Look => drop(ends(|| consumer.stream().look())),
                Step::Release(_) => if let Some(record) = view.take() {
                    ends(|| consumer.release(record));
                },
                Step::ProducerAgain => if let Ok(next) = ends(new_producer) {
                    (producer, claim) = (next, None);
                },
                Step::ConsumerAgain { drops } => if let Ok(next) = ends(new_consumer) {
                    (consumer, view) = (next, None);
                    if drops && ends(|| consumer.drop_taken()).is_err() {
                        consumer = match ends(new_consumer) {
                            Ok(again) => again,
                            Err(_) => return Ok(()),
                        };
                    }
                },
            }
        }
    }

    #[test]
    fn no_value_of_an_event_harms_who_sleeps_or_wakes(
        values in prop::collection::vec((epoch(), epoch()), 1..50),
        notifies in any::<bool>(),
    ) {
        let words = Rc::new(EventWords::<Mortal> { epoch: Plain::new(0), woken: Plain::new(0) });
        let (machine, far) = (Mortal::default(), Rc::clone(&words));
        let mut values = values.into_iter().cycle();
        let meddle = move || {
            let (epoch, woken) = values.next().expect("a cycle");
            far.epoch.set(epoch);
            far.woken.set(woken);
        };
        let event = Event::new(&machine, &words);
        meddled(meddle, || ends(|| {
            if notifies {
                event.notify();
            } else {
                let _ = event.sleep(1, || None::<()>);
            }
        }));
    }

    #[test]
    fn no_value_of_a_row_harms_who_asks_takes_or_waits(
        row in 0..3_u32,
        values in prop::collection::vec(row_word(), 1..50),
        reopen in any::<bool>(),
    ) {
        let words = Rc::new(RowWords::<Mortal> {
            state: Plain::new(STATE_EMPTY),
            since: Plain::new(0),
            pid: Plain::new(0),
        });
        let (machine, kernel) = (Mortal::default(), kernel::Plain::unlocked());
        let event = EventWords { epoch: Plain::new(0), woken: Plain::new(0) };
        let event = Event::new(&machine, &event);
        let us = Process::new(&kernel, 1);
        let peer = Peer { words: &*words, row, locks: &us };
        let far = Rc::clone(&words);
        let mut steps = 0..;
        let meddle = move || {
            // Every word stands for two operations, so that an exchange may succeed.
            let step: usize = steps.next().expect("a count");
            far.state.set(values[step / 2 % values.len()]);
        };
        meddled(meddle, || {
            for _ in 0..20 {
                if let Some(who) = words.holder(row) {
                    assert_eq!(who.row(), row);
                    assert!((1..1 << INCARNATION_BITS).contains(&who.incarnation()));
                }
                let _ = ends(|| words.presence(row, &us));
                if let Ok(seat) = ends(|| words.take(row, reopen, &us)) {
                    assert_eq!(seat.who.row(), row);
                    assert_ne!(seat.who.incarnation(), 0);
                }
                let look = || Ok::<_, Infallible>(None::<()>);
                assert!(ends(|| peer.wait(&machine, event, &mut Brief(0), look)).is_err());
                us.end();
            }
        });
    }
}

/// Any value of an epoch, and those at which it wraps.
fn epoch() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), 0..4_u32, u32::MAX - 3..=u32::MAX]
}

#[test]
fn padding_that_does_not_end_where_the_array_ends_is_corrupt() {
    const PADDING: u64 = 2 << 32;
    const DATA: u64 = 1 << 32;
    let geometry = Records::new(64, 8).unwrap();
    for len in 0..64 {
        let words = Words::new();
        let headers: Vec<_> = (0..8).map(|_| Plain::new(DATA)).collect();
        words.producer.tail.set(64 + 8);
        words.consumer.head.set(40);
        words.consumer.taken.set(40);
        headers[5].set(PADDING | len);
        let stream = Consumer::take_over(&words.consumer, &words.producer, 64).unwrap();
        let mut consumer = record::Consumer::new(stream, &headers[..], geometry).unwrap();
        let read = consumer.read().map(|record| (record.offset, record.span.len));
        // Three words are left: the header of the padding and 16 bytes.
        let expected = if len == 16 { Ok((8, 24 + 8)) } else { Err(ReadError::Corrupt) };
        assert_eq!(read, expected, "length {len}");
    }
}

/// Any word, and words that look like those of a row: of this or another, with an
/// incarnation that can or cannot be, in any state.
fn row_word() -> impl Strategy<Value = u64> {
    let incarnation = prop_oneof![0..3_u64, 0..1_u64 << 20, (1_u64 << 17) - 2..(1 << 17) + 2];
    let word = |(row, turn, state)| (turn << ROW_BITS | row) << STATE_BITS | state;
    prop_oneof![1 => any::<u64>(), 4 => (0..3_u64, incarnation, 0..8_u64).prop_map(word)]
}

struct Brief(u32);

impl Patience for Brief {
    fn next(&mut self) -> Next {
        self.0 += 1;
        match self.0 {
            1 => Next::Spin,
            2 => Next::Sleep(1),
            3 => Next::Probe,
            _ => Next::GiveUp,
        }
    }
}
