//! Goal: rings of many do what their page says, with every handle in one process.
//! Method: each promise of `mpmc` by itself; a peer dies by `mem::forget` never, but in
//! processes of its own (`mpmc_processes`).

use ringbuf_shm::mpmc::{Consumer, Lanes, Producer, bytes};
use ringbuf_shm::{ClaimError, OpenError, Options, ReadError, Ring, Sleeper, spsc};
use std::thread;
use std::time::Duration;

fn unnamed(options: &Options) -> (Producer<u64>, Consumer<u64>) {
    let producer = Producer::create_unnamed(options).unwrap();
    let consumer = Consumer::attach(producer.ring()).unwrap();
    (producer, consumer)
}

fn small() -> Options {
    Options::new().capacity(64)
}

#[test]
fn values_come_out_in_order_and_once() {
    let (mut producer, mut consumer) = unnamed(&small().first_position(u64::MAX - 100));
    for round in 0..5 {
        for number in 0..64 {
            producer.try_push(round * 64 + number).unwrap();
        }
        assert_eq!(producer.try_push(0).unwrap_err().error, ClaimError::Full);
        for number in 0..64 {
            assert_eq!(consumer.try_pop(), Ok(round * 64 + number));
        }
        assert_eq!(consumer.try_pop(), Err(ReadError::Empty));
    }
}

#[test]
fn four_producers_and_four_consumers_share_the_work() {
    const EACH: u64 = 20_000;
    let ring = Producer::<u64>::create_unnamed(&small()).unwrap().ring().clone();
    // So that nobody is told that the producers left before they came.
    let first = Producer::<u64>::attach(&ring).unwrap();
    let received: Vec<u64> = thread::scope(|scope| {
        let consumers = [(); 4].map(|()| {
            let mut consumer = Consumer::<u64>::attach(&ring).unwrap();
            scope.spawn(move || {
                let mut latest = [0; 4];
                let mut received = Vec::new();
                loop {
                    match consumer.pop() {
                        Ok(value) => {
                            let (producer, number) = ((value >> 32) as usize, value & 0xFFFF_FFFF);
                            assert!(latest[producer] < number, "in its producer's order");
                            latest[producer] = number;
                            received.push(value);
                        }
                        Err(error) => {
                            assert_eq!(error, ReadError::Closed);
                            return received;
                        }
                    }
                }
            })
        });
        for number in 0..4_u64 {
            let mut producer = Producer::<u64>::attach(&ring).unwrap();
            scope.spawn(move || {
                for value in 1..=EACH {
                    producer.push(number << 32 | value).unwrap();
                }
            });
        }
        drop(first);
        consumers.map(|consumer| consumer.join().unwrap()).concat()
    });
    let mut received = received;
    received.sort_unstable();
    let sent: Vec<u64> =
        (0..4).flat_map(|producer| (1..=EACH).map(move |value| producer << 32 | value)).collect();
    assert_eq!(received, sent);
}

#[test]
fn claims_are_kept_committed_in_any_order_and_by_other_threads() {
    let (mut producer, mut consumer) = unnamed(&small());
    let mut first = producer.claim().unwrap();
    let mut second = producer.claim().unwrap();
    let dropped = producer.claim().unwrap();
    let mut last = producer.claim().unwrap();
    (*first, *second, *last) = (1, 2, 3);
    second.commit().unwrap();
    assert_eq!(consumer.try_pop(), Err(ReadError::Busy), "the first is still being written");
    drop(dropped);
    drop(producer);
    thread::spawn(move || last.commit().unwrap()).join().unwrap();
    first.commit().unwrap();
    assert_eq!([(); 3].map(|()| consumer.try_pop().unwrap()), [1, 2, 3]);
    assert_eq!(consumer.try_pop(), Err(ReadError::Closed), "the claims kept it attached");
}

#[test]
fn views_are_kept_released_in_any_order_and_by_other_threads() {
    let (mut producer, mut consumer) = unnamed(&small());
    for value in 0..64 {
        producer.push(value).unwrap();
    }
    let first = consumer.read().unwrap();
    let second = consumer.read().unwrap();
    assert_eq!((*first, *second, first.redelivered()), (0, 1, 0));
    drop(second);
    assert_eq!(producer.try_push(64).unwrap_err().error, ClaimError::Full, "the first is held");
    drop(consumer);
    thread::spawn(move || drop(first)).join().unwrap();
    producer.try_push(64).unwrap();
}

#[test]
fn bytes_keep_length_tag_and_time() {
    let options = small().slot_size(100);
    let mut producer = bytes::Producer::create_unnamed(&options).unwrap();
    let mut consumer = bytes::Consumer::attach(producer.ring()).unwrap();
    let mut claim = producer.claim().unwrap();
    claim[..3].copy_from_slice(b"abc");
    claim.set_tag(7);
    claim.commit(3).unwrap();
    producer.push(b"").unwrap();
    assert_eq!(producer.push(&[0; 101]), Err(ClaimError::TooLong));
    let view = consumer.read().unwrap();
    assert_eq!((&view[..], view.tag(), view.redelivered()), (&b"abc"[..], 7, 0));
    assert!(view.time() > 0);
    assert!(consumer.read().unwrap().is_empty());
    assert_eq!(consumer.try_read().unwrap_err(), ReadError::Empty);
}

#[test]
fn the_highest_lane_is_read_first_or_one_or_the_lowest_up_to_one() {
    let (mut producer, mut consumer) = unnamed(&small().lanes(64));
    let mut put = |lane, value| {
        producer.set_lane(lane).unwrap();
        producer.push(value).unwrap();
    };
    for (lane, value) in [(0, 1), (63, 2), (5, 3), (63, 4), (7, 5)] {
        put(lane, value);
    }
    assert_eq!(consumer.try_pop(), Ok(2));
    put(62, 6);
    assert_eq!([(); 2].map(|()| consumer.try_pop().unwrap()), [4, 6]);
    consumer.set_lanes(Lanes::LowestUpTo(6)).unwrap();
    assert_eq!([(); 2].map(|()| consumer.try_pop().unwrap()), [1, 3]);
    assert_eq!(consumer.try_pop(), Err(ReadError::Empty));
    consumer.set_lanes(Lanes::Only(63)).unwrap();
    assert_eq!(consumer.try_pop(), Err(ReadError::Empty));
    consumer.set_lanes(Lanes::LowestUpTo(63)).unwrap();
    assert_eq!(consumer.try_pop(), Ok(5));
    assert_eq!(consumer.set_lanes(Lanes::Only(64)), Err(ReadError::NoSuchLane));
    assert_eq!(producer.set_lane(64), Err(ClaimError::NoSuchLane));
}

#[test]
fn a_lane_that_always_has_something_starves_those_after_it() {
    let (mut producer, mut consumer) = unnamed(&small().lanes(3));
    producer.push(7).unwrap();
    producer.set_lane(2).unwrap();
    producer.push(0).unwrap();
    for number in 1..1000 {
        producer.push(number).unwrap();
        assert_eq!(consumer.pop(), Ok(number - 1), "the highest is never empty");
    }
    // Who reads the low one alone, or first, is not kept waiting by the others.
    let mut other = Consumer::<u64>::attach(producer.ring()).unwrap();
    other.set_lanes(Lanes::Only(0)).unwrap();
    assert_eq!(other.try_pop(), Ok(7));
    producer.set_lane(0).unwrap();
    producer.push(8).unwrap();
    other.set_lanes(Lanes::LowestUpTo(2)).unwrap();
    assert_eq!(other.try_pop(), Ok(8));
    assert_eq!(other.try_pop(), Ok(999));
}

#[test]
fn slices_go_in_and_out_as_far_as_there_is_room() {
    let (mut producer, mut consumer) = unnamed(&small());
    let values: Vec<u64> = (0..100).collect();
    assert_eq!(producer.try_push_slice(&values), Ok(64));
    assert_eq!(producer.try_push_slice(&values), Err(ClaimError::Full));
    let mut out = [0; 50];
    assert_eq!(consumer.try_pop_slice(&mut out), Ok(50));
    assert_eq!(out[..], values[..50]);
    assert_eq!(consumer.try_pop_slice(&mut out), Ok(14));
    assert_eq!(consumer.try_pop_slice(&mut out), Err(ReadError::Empty));
    thread::scope(|scope| {
        scope.spawn(|| producer.push_slice(&values).unwrap());
        for value in 0..100 {
            assert_eq!(consumer.pop(), Ok(value));
        }
    });
}

#[test]
fn who_is_left_alone_is_told() {
    let (mut producer, mut consumer) = unnamed(&small());
    let second = Producer::<u64>::attach(producer.ring()).unwrap();
    producer.push(1).unwrap();
    drop(producer);
    assert_eq!(consumer.try_pop(), Ok(1));
    assert_eq!(consumer.try_pop(), Err(ReadError::Empty), "one is still there");
    drop(second);
    assert_eq!(consumer.try_pop(), Err(ReadError::Closed));
    assert_eq!(consumer.pop(), Err(ReadError::Closed));
    // And others may come again.
    let mut third = Producer::<u64>::attach(consumer.ring()).unwrap();
    third.push(2).unwrap();
    assert_eq!(consumer.pop(), Ok(2));
    drop(consumer);
    for value in 0..64 {
        third.push(value).unwrap();
    }
    assert_eq!(third.push(0).unwrap_err().error, ClaimError::Closed);
}

#[test]
fn time_limits_are_kept() {
    for sleeper in [Sleeper::Futex, Sleeper::Spin] {
        let (mut producer, mut consumer) = unnamed(&small().sleeper(sleeper));
        let most = Duration::from_millis(5);
        assert_eq!(consumer.pop_timeout(most), Err(ReadError::TimedOut));
        for value in 0..64 {
            producer.push(value).unwrap();
        }
        assert_eq!(producer.push_timeout(0, most).unwrap_err().error, ClaimError::TimedOut);
    }
}

#[test]
fn seats_are_as_many_as_were_asked_for_and_come_back() {
    let options = small().producers_max(2).consumers_max(1000);
    let mut producers = vec![Producer::<u64>::create_unnamed(&options).unwrap()];
    let ring = producers[0].ring().clone();
    producers.push(Producer::attach(&ring).unwrap());
    let refused = Producer::<u64>::attach(&ring).unwrap_err();
    assert!(matches!(refused, OpenError::TooManyPeers(2)), "{refused}");
    producers.pop();
    for _ in 0..100 {
        drop(Producer::<u64>::attach(&ring).unwrap());
    }
    let mut consumers: Vec<_> =
        (0..1000).map(|_| Consumer::<u64>::attach(&ring).unwrap()).collect();
    producers[0].push(7).unwrap();
    assert_eq!(consumers[999].pop(), Ok(7));
    let stats = ring.mpmc_stats().unwrap();
    assert_eq!((stats.producers.len(), stats.consumers.len()), (2, 1000));
}

#[test]
fn rings_of_other_kinds_and_types_are_refused() {
    let many = Producer::<u64>::create_unnamed(&small()).unwrap();
    let two = spsc::Producer::<u64>::create_unnamed(&small()).unwrap();
    let other = |result: Result<(), OpenError>| result.unwrap_err();
    let error = other(spsc::Consumer::<u64>::attach(many.ring()).map(drop));
    assert!(matches!(error, OpenError::OtherKind { .. }), "{error}");
    let error = other(Consumer::<u64>::attach(two.ring()).map(drop));
    assert!(matches!(error, OpenError::OtherKind { .. }), "{error}");
    let error = other(Consumer::<u32>::attach(many.ring()).map(drop));
    assert!(matches!(error, OpenError::PayloadType { .. }), "{error}");
    let error = other(bytes::Consumer::attach(many.ring()).map(drop));
    assert!(matches!(error, OpenError::PayloadType { .. }), "{error}");
}

#[test]
fn a_damaged_word_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let mut producer = Producer::<u64>::create(&path, &small()).unwrap();
    let mut consumer = Consumer::<u64>::open(&path).unwrap();
    producer.push(1).unwrap();
    let Ok(ring) = Ring::open(&path) else { panic!() };
    let data = ring.file_len() - (64 << 10);
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &[0; 8], data).unwrap();
    assert_eq!(consumer.try_pop(), Err(ReadError::Corrupt));
    assert_eq!(consumer.pop(), Err(ReadError::Corrupt));
}

#[test]
fn who_reads_some_lanes_is_told_of_the_end_of_those() {
    let (mut producer, mut consumer) = unnamed(&small().lanes(2));
    producer.push(1).unwrap();
    producer.set_lane(1).unwrap();
    producer.push(2).unwrap();
    drop(producer);
    consumer.set_lanes(Lanes::Only(0)).unwrap();
    assert_eq!(consumer.pop(), Ok(1));
    assert_eq!(consumer.pop(), Err(ReadError::Closed));
    consumer.set_lanes(Lanes::Highest).unwrap();
    assert_eq!(consumer.pop(), Ok(2));
    assert_eq!(consumer.pop(), Err(ReadError::Closed));
}

#[test]
fn how_full_a_lane_ever_was_is_told() {
    let (mut producer, mut consumer) = unnamed(&small().capacity(1024));
    let most = |producer: &Producer<u64>| producer.ring().mpmc_stats().unwrap().lanes[0].high_water;
    for value in 0..1000 {
        producer.push(value).unwrap();
    }
    let seen = most(&producer);
    // Looked at now and then, by hints that lag.
    assert!((900..=1000).contains(&seen), "{seen}");
    for value in 0..10_000 {
        assert_eq!(consumer.pop(), Ok(value % 1000));
        producer.push(value % 1000).unwrap();
    }
    assert!((seen..=1024).contains(&most(&producer)));
}
