//! Goal: who looks at a ring of many again and again is told for how long slots have been
//! held, never longer than they were and never shorter than it could see.
//! Method: the test looks at the clock before and after whatever it does, and compares.

use ringbuf_shm::mpmc::{Consumer, Producer};
use ringbuf_shm::{Holder, MpmcStats, MpmcWatch, Options};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

const CAPACITY: u64 = 64;

fn unnamed() -> (Producer<u64>, Consumer<u64>, MpmcWatch) {
    let producer = Producer::create_unnamed(&Options::new().capacity(CAPACITY)).unwrap();
    let consumer = Consumer::attach(producer.ring()).unwrap();
    let watch = MpmcWatch::new(producer.ring());
    (producer, consumer, watch)
}

/// A look, with the times before and after it.
struct Look {
    before: Instant,
    stats: MpmcStats,
    after: Instant,
}

fn look(watch: &mut MpmcWatch) -> Look {
    let before = Instant::now();
    let stats = watch.look().unwrap();
    Look { before, stats, after: Instant::now() }
}

impl Look {
    fn holders(&self) -> &[Holder] {
        &self.stats.lanes[0].holders
    }

    /// What was held since between `first` and `then`, as far as this look can tell.
    fn since(&self, taken: Instant, first: &Self) -> RangeInclusive<Duration> {
        self.before - first.after..=self.after - taken
    }
}

#[test]
fn what_is_held_is_held_since_it_was_seen_first() {
    let (mut producer, mut consumer, mut watch) = unnamed();
    producer.push(1).unwrap();
    assert!(look(&mut watch).holders().is_empty());
    let taken = Instant::now();
    let claim = producer.claim().unwrap();
    let view = consumer.read().unwrap();
    let first = look(&mut watch);
    assert!(first.holders().iter().all(|holder| holder.longest == Duration::ZERO));
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(1));
        let again = look(&mut watch);
        assert_eq!(again.holders().len(), 2);
        for holder in again.holders() {
            assert_eq!(holder.slots, 1);
            assert!(again.since(taken, &first).contains(&holder.longest), "{holder:?}");
            assert!(holder.longest > Duration::ZERO);
        }
    }
    // Each who looks knows what it has seen.
    assert_eq!(watch.ring().mpmc_stats().unwrap().lanes[0].holders[0].longest, Duration::ZERO);
    drop((claim, view));
    assert!(look(&mut watch).holders().is_empty());
}

#[test]
fn the_longest_of_several_is_told() {
    let (mut producer, _consumer, mut watch) = unnamed();
    let taken = Instant::now();
    let first_claim = producer.claim().unwrap();
    let first = look(&mut watch);
    std::thread::sleep(Duration::from_millis(1));
    let second_taken = Instant::now();
    let second_claim = producer.claim().unwrap();
    let second = look(&mut watch);
    let both = look(&mut watch);
    assert_eq!(both.holders()[0].slots, 2);
    assert!(both.since(taken, &first).contains(&both.holders()[0].longest));
    first_claim.abort();
    let one = look(&mut watch);
    assert_eq!(one.holders()[0].slots, 1);
    assert!(one.since(second_taken, &second).contains(&one.holders()[0].longest));
    second_claim.abort();
}

#[test]
fn what_was_given_back_and_taken_again_begins_anew() {
    let (mut producer, mut consumer, mut watch) = unnamed();
    let claim = producer.claim().unwrap();
    look(&mut watch);
    // The same slot, of the same peer, a lap later.
    claim.commit().unwrap();
    consumer.pop().unwrap();
    for value in 1..CAPACITY {
        producer.push(value).unwrap();
        consumer.pop().unwrap();
    }
    let claim = producer.claim().unwrap();
    let again = look(&mut watch);
    assert_eq!((again.holders()[0].slots, again.holders()[0].longest), (1, Duration::ZERO));
    // And from hand to hand.
    claim.commit().unwrap();
    let view = consumer.read().unwrap();
    assert_eq!(look(&mut watch).holders()[0].longest, Duration::ZERO);
    drop(view);
}
