//! Goal: a message costs what PROTOCOL.md says, whatever the capacity.
//!
//! Method: the same calls on a machine that counts, with the words laid out as in a
//! file. The counts are exact, so they are compared, not bounded.

use ringbuf_core::event::{Event, EventWords, Fencing};
use ringbuf_core::geometry::Records;
use ringbuf_core::machine::Line;
use ringbuf_core::record;
use ringbuf_core::slip::{Slip, Slipping};
use ringbuf_core::spsc::{Consumer, ConsumerWords, Producer, ProducerWords};
use ringbuf_verification::counting::{Counted, Counting, Tally, Uses, counting};

const CAPACITIES: [u64; 6] = [64, 256, 1024, 4096, 16_384, 65_536];

struct Ring {
    producer: ProducerWords<Counting>,
    consumer: ConsumerWords<Counting>,
}

impl Ring {
    fn new() -> Self {
        Self {
            producer: ProducerWords { tail: Line(Counted::new(0)) },
            consumer: ConsumerWords {
                head: Counted::new(0),
                taken: Counted::new(0),
                dropping: Counted::new(0),
                dropped: Counted::new(0),
            },
        }
    }

    fn ends(&self, capacity: u64) -> (Producer<'_, Counting>, Consumer<'_, Counting>) {
        let producer = Producer::take_over(&self.producer, &self.consumer, capacity);
        let consumer = Consumer::take_over(&self.consumer, &self.producer, capacity);
        (producer.unwrap(), consumer.unwrap())
    }
}

fn uses(loads: u64, stores: u64) -> Uses {
    Uses { loads, stores, exchanges: 0 }
}

fn makes_no_call_and_no_fence(tally: &Tally) {
    assert_eq!((tally.fences, tally.calls, tally.all().exchanges), (0, 0, 0));
}

#[test]
fn a_commit_is_one_store_and_loads_nothing_while_the_copy_lasts() {
    for capacity in CAPACITIES {
        let ring = Ring::new();
        let (mut producer, _) = ring.ends(capacity);
        for _ in 0..capacity {
            let tally = counting(|| {
                producer.claim(1).unwrap();
                producer.commit(1);
            });
            assert_eq!(tally.of(&ring.producer), uses(0, 1), "capacity {capacity}");
            assert_eq!(tally.of(&ring.consumer), uses(0, 0), "capacity {capacity}");
            assert_eq!(tally.lines(), 1);
            makes_no_call_and_no_fence(&tally);
        }
    }
}

#[test]
fn a_read_and_its_release_are_two_stores_and_load_nothing_while_the_copy_lasts() {
    for capacity in CAPACITIES {
        let ring = Ring::new();
        let (mut producer, mut consumer) = ring.ends(capacity);
        producer.claim(capacity).unwrap();
        producer.commit(capacity);
        for number in 0..capacity {
            let tally = counting(|| {
                consumer.read(1).unwrap();
                consumer.release(1);
            });
            assert_eq!(tally.of(&ring.consumer), uses(0, 2), "capacity {capacity}");
            // The first look finds all that there is.
            let looks = u64::from(number == 0);
            assert_eq!(tally.of(&ring.producer), uses(looks, 0), "capacity {capacity}");
            makes_no_call_and_no_fence(&tally);
        }
    }
}

#[test]
fn a_capacity_of_messages_costs_each_side_one_load_of_the_others_word() {
    const LAPS: u64 = 8;
    for capacity in CAPACITIES {
        for batch in [1, 16] {
            let ring = Ring::new();
            let (mut producer, mut consumer) = ring.ends(capacity);
            let tally = counting(|| {
                for _ in 0..LAPS {
                    for _ in 0..capacity / batch {
                        producer.claim(batch).unwrap();
                        producer.commit(batch);
                    }
                    for _ in 0..capacity / batch {
                        consumer.read(batch).unwrap();
                        consumer.release(batch);
                    }
                }
            });
            let batches = LAPS * capacity / batch;
            // The producer starts with a copy that lasts for the first lap.
            assert_eq!(tally.of(&ring.consumer), uses(LAPS - 1, 2 * batches));
            assert_eq!(tally.of(&ring.producer), uses(LAPS, batches));
            assert_eq!(tally.lines(), 2);
            makes_no_call_and_no_fence(&tally);
        }
    }
}

#[test]
fn a_batch_costs_what_one_message_costs() {
    for capacity in CAPACITIES {
        let ring = Ring::new();
        let (mut producer, mut consumer) = ring.ends(capacity);
        let tally = counting(|| {
            producer.claim(capacity).unwrap();
            producer.commit(capacity);
            consumer.read(capacity).unwrap();
            consumer.release(capacity);
        });
        assert_eq!(tally.of(&ring.producer), uses(1, 1));
        assert_eq!(tally.of(&ring.consumer), uses(0, 2));
        makes_no_call_and_no_fence(&tally);
    }
}

#[test]
fn a_record_costs_one_header_more_at_each_side() {
    for capacity in CAPACITIES {
        let ring = Ring::new();
        let words: Vec<_> = (0..capacity / 8).map(|_| Counted::new(0)).collect();
        let geometry = Records::new(capacity, 8).unwrap();
        let (producer, consumer) = ring.ends(capacity);
        let mut producer = record::Producer::new(producer, &words[..], geometry).unwrap();
        let mut consumer = record::Consumer::new(consumer, &words[..], geometry).unwrap();
        let sent = counting(|| {
            let claim = producer.claim(8).unwrap();
            producer.commit(claim, 8);
        });
        assert_eq!(sent.of(&ring.producer), uses(0, 1));
        assert_eq!(sent.of(&ring.consumer), uses(0, 0));
        assert_eq!(sent.of(&words[..]), uses(0, 1));
        makes_no_call_and_no_fence(&sent);
        let received = counting(|| {
            let record = consumer.read().unwrap();
            consumer.release(record);
        });
        assert_eq!(received.of(&ring.producer), uses(1, 0));
        assert_eq!(received.of(&ring.consumer), uses(0, 2));
        assert_eq!(received.of(&words[..]), uses(1, 0));
        makes_no_call_and_no_fence(&received);
    }
}

#[test]
fn a_notification_that_nobody_sleeps_for_is_one_fence_and_two_loads() {
    let words = EventWords { epoch: Counted::new(0), woken: Counted::new(0) };
    let event = Event::new(&Counting, &words);
    let tally = counting(|| assert!(!event.notify()));
    assert_eq!(tally.of(&words), uses(2, 0));
    assert_eq!((tally.fences, tally.calls, tally.lines()), (1, 0, 1));
}

#[test]
fn with_light_fences_a_notification_is_two_loads_and_a_sleep_two_calls() {
    let words = EventWords { epoch: Counted::new(0), woken: Counted::new(0) };
    let event = Event::new(&Counting, &words).fenced(Fencing::Light);
    let tally = counting(|| assert!(!event.notify()));
    assert_eq!(tally.of(&words), uses(2, 0));
    assert_eq!((tally.fences, tally.calls, tally.lines()), (0, 0, 1));
    let tally = counting(|| assert_eq!(event.sleep(1, || None::<()>), None));
    assert_eq!((tally.fences, tally.calls), (0, 2), "the barrier, and the sleep");
}

#[test]
fn a_sleep_that_finds_nothing_is_one_exchange_one_fence_and_one_call() {
    let words = EventWords { epoch: Counted::new(0), woken: Counted::new(0) };
    let event = Event::new(&Counting, &words);
    let tally = counting(|| assert_eq!(event.sleep(1, || None::<()>), None));
    assert_eq!(tally.of(&words), Uses { loads: 1, stores: 0, exchanges: 1 });
    assert_eq!((tally.fences, tally.calls), (1, 1));
    let again = counting(|| assert_eq!(event.sleep(1, || None::<()>), None));
    assert_eq!(again.of(&words), uses(1, 0), "the announcement still stands");
    let woken = counting(|| assert!(event.notify()));
    assert_eq!(woken.of(&words), Uses { loads: 2, stores: 1, exchanges: 1 });
    assert_eq!((woken.fences, woken.calls), (1, 1));
    assert_eq!(counting(|| assert!(!event.notify())).calls, 0, "only once");
}

/// What a consumer that slips does for messages that come in these numbers, one read each,
/// and how often it looks in vain after each number.
fn spins_of(slip: Slip, bursts: &[u64], looks_in_vain: u64) -> u64 {
    let ring = Ring::new();
    let (mut producer, mut consumer) = ring.ends(64);
    let mut slipping = Slipping::default();
    slipping.set(slip);
    let mut read = || {
        slipping.pause(&Counting, consumer.is_dry());
        let span = consumer.read(1).ok();
        if let Some(span) = span {
            slipping.took(span.len);
            consumer.release(span.len);
        }
        span.is_some()
    };
    let tally = counting(|| {
        for &burst in bursts {
            producer.claim(burst).unwrap();
            producer.commit(burst);
            for _ in 0..burst {
                assert!(read());
            }
            for _ in 0..looks_in_vain {
                assert!(!read());
            }
        }
    });
    assert_eq!((tally.fences, tally.calls), (0, 0));
    tally.spins
}

/// Goal: a consumer that slips pauses once for each burst, and never for one message at a
/// time. Method: the spin hints are counted, whatever the number of looks in vain.
#[test]
fn a_consumer_that_slips_pauses_once_after_a_burst() {
    for (slip, pauses) in [(Slip::None, 0), (Slip::Short, 16), (Slip::Long, 64)] {
        for looks in [1, 5] {
            assert_eq!(spins_of(slip, &[1, 1, 1], looks), 0, "{slip:?}");
            assert_eq!(spins_of(slip, &[2], looks), pauses, "{slip:?}");
            assert_eq!(spins_of(slip, &[9, 1, 2, 1, 64], looks), 3 * pauses, "{slip:?}");
        }
        // A burst that the next one follows at once: the pause comes before its first look.
        assert_eq!(spins_of(slip, &[2, 2, 1], 0), 2 * pauses, "{slip:?}");
    }
}

#[test]
fn a_consumer_that_takes_a_burst_at_once_slips_as_well() {
    let mut slipping = Slipping::default();
    slipping.set(Slip::Short);
    let spins = |slipping: &mut Slipping| counting(|| slipping.pause(&Counting, true)).spins;
    slipping.took(1);
    assert_eq!(spins(&mut slipping), 0);
    slipping.took(2);
    assert_eq!((spins(&mut slipping), spins(&mut slipping)), (16, 0));
    slipping.took(2);
    slipping.set(Slip::Long);
    assert_eq!(spins(&mut slipping), 0, "what was before is forgotten");
}
