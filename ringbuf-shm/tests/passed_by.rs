//! Goal: in a ring of many nobody waits for a claim or a view that takes long, unless the
//! ring was made so; and who was passed loses nothing.
//! Method: claims and views are held while other handles of the same process go on, with
//! each verb and each way to wait; what every call answers is compared.

use ringbuf_shm::mpmc::{Consumer, Lanes, Producer, bytes};
use ringbuf_shm::{ClaimError, Options, Progress, ReadError, Sleeper};
use std::time::Duration;

const CAPACITY: u64 = 64;
/// So many calls that do not wait, and one of them passes.
const CALLS: u32 = 64;
/// Longer than anybody spins.
const SHORT: Duration = Duration::from_millis(5);

fn options() -> Options {
    Options::new().capacity(CAPACITY)
}

fn pair(options: &Options) -> (Producer<u64>, Consumer<u64>) {
    let producer = Producer::create_unnamed(options).unwrap();
    let consumer = Consumer::attach(producer.ring()).unwrap();
    (producer, consumer)
}

#[test]
fn a_claim_that_takes_long_is_passed_and_commits_behind() {
    for sleeper in [Sleeper::Futex, Sleeper::Spin] {
        let (mut producer, mut consumer) = pair(&options().sleeper(sleeper));
        let mut slow = producer.claim().unwrap();
        producer.push(2).unwrap();
        assert_eq!(consumer.try_pop(), Err(ReadError::Busy), "it is patient at first");
        assert_eq!(consumer.pop_timeout(SHORT), Ok(2));
        assert_eq!(consumer.try_pop(), Err(ReadError::Empty), "there is nothing to pass for");
        *slow = 1;
        slow.commit().unwrap();
        producer.push(3).unwrap();
        assert_eq!(consumer.pop_timeout(SHORT), Ok(1));
        assert_eq!(consumer.pop_timeout(SHORT), Ok(3), "behind what moved");
    }
}

#[test]
fn who_never_waits_passes_after_so_many_calls() {
    let (mut producer, mut consumer) = pair(&options());
    let slow = producer.claim().unwrap();
    producer.push(2).unwrap();
    let nothing = (1..CALLS).all(|_| consumer.try_pop() == Err(ReadError::Busy));
    assert!(nothing, "it is patient so often");
    assert_eq!(consumer.try_pop(), Ok(2));
    slow.abort();
    assert_eq!(consumer.try_pop(), Err(ReadError::Empty));
}

#[test]
fn a_view_that_is_kept_takes_its_slot_and_no_more() {
    let (mut producer, mut consumer) = pair(&options());
    producer.push(7).unwrap();
    let kept = consumer.read().unwrap();
    for number in 0..10 * CAPACITY {
        producer.push_timeout(number, SHORT).unwrap();
        assert_eq!(consumer.pop(), Ok(number));
    }
    assert_eq!(*kept, 7, "nobody wrote to it");
    // All slots but this one, and then it is full.
    (1..CAPACITY).for_each(|number| producer.push_timeout(number, SHORT).unwrap());
    let full = producer.push_timeout(0, SHORT).unwrap_err();
    assert_eq!(full.error, ClaimError::TimedOut);
    kept.release();
    (1..CAPACITY).for_each(|number| assert_eq!(consumer.pop(), Ok(number)));
    producer.push(1).unwrap();
    assert_eq!(consumer.pop(), Ok(1));
    let stats = producer.ring().mpmc_stats().unwrap();
    assert_eq!(stats.lanes[0].free, CAPACITY, "every slot is back");
}

#[test]
fn claims_of_several_threads_commit_in_any_order_and_none_is_lost() {
    let options = options().slot_size(8).lanes(2);
    let mut producer = bytes::Producer::create_unnamed(&options).unwrap();
    let mut consumer = bytes::Consumer::attach(producer.ring()).unwrap();
    consumer.set_lanes(Lanes::Only(1)).unwrap();
    producer.set_lane(1).unwrap();
    let claims: Vec<_> = (0..8).map(|_| producer.claim().unwrap()).collect();
    producer.push(b"behind").unwrap();
    assert_eq!(&consumer.read_timeout(SHORT).unwrap()[..], b"behind");
    std::thread::scope(|scope| {
        for (number, mut claim) in claims.into_iter().enumerate().rev() {
            scope.spawn(move || {
                claim[0] = u8::try_from(number).unwrap();
                claim.commit(1).unwrap();
            });
        }
    });
    // All that moved stands in one lap, whoever was first: there is room behind it.
    producer.push_timeout(b"more", SHORT).unwrap();
    let mut numbers: Vec<_> = (0..8).map(|_| consumer.read_timeout(SHORT).unwrap()[0]).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(&consumer.read_timeout(SHORT).unwrap()[..], b"more", "claimed after all of them");
}

#[test]
fn in_a_fast_ring_everybody_waits() {
    let (mut producer, mut consumer) = pair(&options().progress(Progress::Fast));
    let slow = producer.claim().unwrap();
    producer.push(2).unwrap();
    for _ in 0..2 * CALLS {
        assert_eq!(consumer.try_pop(), Err(ReadError::Busy));
    }
    assert_eq!(consumer.pop_timeout(SHORT), Err(ReadError::TimedOut));
    slow.commit().unwrap();
    let kept = consumer.read().unwrap();
    assert_eq!(consumer.pop(), Ok(2));
    (2..CAPACITY).for_each(|number| producer.push(number).unwrap());
    assert_eq!(producer.push_timeout(0, SHORT).unwrap_err().error, ClaimError::TimedOut);
    kept.release();
    producer.push(0).unwrap();
}
