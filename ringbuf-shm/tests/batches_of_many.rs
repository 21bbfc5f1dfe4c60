//! Goal: several claims are committed, and several views released, with one wake-up; and
//! what is done of them when one cannot be is as their pages say.
//! Method: between each two of a batch somebody sleeps for a moment in another lane, so
//! that every wake-up which is tried finds an announcement; the ring counts wake-ups.

use ringbuf_shm::mpmc::{Claim, Consumer, Lanes, Producer, View, bytes};
use ringbuf_shm::{ClaimError, Options, PeerStats, ReadError, Ring};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

const CAPACITY: u64 = 64;
const MOMENT: Duration = Duration::from_millis(1);

fn options() -> Options {
    Options::new().capacity(CAPACITY).lanes(2)
}

fn wakes(peers: &[PeerStats]) -> u64 {
    peers.iter().map(|peer| peer.wakes).sum()
}

fn wakes_by_producers(ring: &Ring) -> u64 {
    wakes(&ring.mpmc_stats().unwrap().producers)
}

fn wakes_by_consumers(ring: &Ring) -> u64 {
    wakes(&ring.mpmc_stats().unwrap().consumers)
}

/// A consumer of the lane in which nothing is, to sleep.
fn sleeper(ring: &Ring) -> Consumer<u64> {
    let mut sleeper = Consumer::<u64>::attach(ring).unwrap();
    sleeper.set_lanes(Lanes::Only(1)).unwrap();
    sleeper.set_spin(Duration::ZERO);
    sleeper
}

/// Sleeps for a moment, in which there is nothing.
fn doze(sleeper: &mut Consumer<u64>) {
    let sleeps = |sleeper: &Consumer<u64>| {
        let consumers = sleeper.ring().mpmc_stats().unwrap().consumers;
        consumers.iter().map(|peer| peer.sleeps).sum::<u64>()
    };
    let before = sleeps(sleeper);
    while sleeps(sleeper) == before {
        assert_eq!(sleeper.pop_timeout(MOMENT), Err(ReadError::TimedOut));
    }
}

fn claims(producer: &mut Producer<u64>, values: std::ops::Range<u64>) -> Vec<Claim<u64>> {
    let claim = |value| {
        let mut claim = producer.try_claim().unwrap();
        *claim = value;
        claim
    };
    values.map(claim).collect()
}

fn pops(consumer: &mut Consumer<u64>) -> Vec<u64> {
    std::iter::from_fn(|| consumer.try_pop().ok()).collect()
}

#[test]
fn what_is_committed_together_wakes_once_and_comes_in_order() {
    let mut producer = Producer::<u64>::create_unnamed(&options()).unwrap();
    let mut consumer = Consumer::<u64>::attach(producer.ring()).unwrap();
    let mut sleeper = sleeper(producer.ring());
    let claims = claims(&mut producer, 0..CAPACITY);
    assert_eq!(producer.try_claim().unwrap_err(), ClaimError::Full);
    let mut told_early = 0;
    let claims = claims.into_iter().inspect(|_| {
        doze(&mut sleeper);
        told_early += wakes_by_producers(consumer.ring());
    });
    Claim::commit_all(claims).unwrap();
    assert_eq!((told_early, wakes_by_producers(consumer.ring())), (0, 1));
    assert_eq!(pops(&mut consumer), Vec::from_iter(0..CAPACITY));
    Claim::<u64>::commit_all([]).unwrap();
}

#[test]
fn what_is_released_together_wakes_once_and_is_free() {
    let mut producer = Producer::<u64>::create_unnamed(&options()).unwrap();
    let mut consumer = Consumer::<u64>::attach(producer.ring()).unwrap();
    let ring = consumer.ring().clone();
    for lane in [1, 0] {
        producer.set_lane(lane).unwrap();
        (0..CAPACITY).for_each(|value| producer.push(value).unwrap());
    }
    let mut sleeper = Producer::<u64>::attach(&ring).unwrap();
    sleeper.set_lane(1).unwrap();
    sleeper.set_spin(Duration::ZERO);
    consumer.set_lanes(Lanes::Only(0)).unwrap();
    let views: Vec<_> = std::iter::from_fn(|| consumer.try_read().ok()).collect();
    assert!(views.iter().map(|view| **view).eq(0..CAPACITY));
    let mut told_early = 0;
    View::release_all(views.into_iter().inspect(|_| {
        let refused = sleeper.push_timeout(0, MOMENT).unwrap_err();
        assert_eq!(refused.error, ClaimError::TimedOut);
        told_early += wakes_by_consumers(&ring);
    }));
    assert_eq!((told_early, wakes_by_consumers(&ring)), (0, 1));
    assert_eq!(ring.mpmc_stats().unwrap().lanes[0].free, CAPACITY);
}

#[test]
fn each_of_several_rings_is_told() {
    let mut producers = [(); 2].map(|()| Producer::<u64>::create_unnamed(&options()).unwrap());
    let mut consumers = [0, 1].map(|ring| Consumer::<u64>::attach(producers[ring].ring()).unwrap());
    let mut sleepers = [0, 1].map(|ring| sleeper(producers[ring].ring()));
    let mut all = Vec::new();
    for (producer, values) in producers.iter_mut().zip([0..3, 3..6]) {
        all.extend(claims(producer, values));
    }
    sleepers.iter_mut().for_each(doze);
    Claim::commit_all(all).unwrap();
    assert_eq!(consumers.each_ref().map(|it| wakes_by_producers(it.ring())), [1, 1]);
    assert_eq!(consumers.each_mut().map(pops), [[0, 1, 2], [3, 4, 5]]);
}

#[test]
fn one_that_is_too_long_ends_the_batch() {
    let options = options().slot_size(8);
    let mut producer = bytes::Producer::create_unnamed(&options).unwrap();
    let mut consumer = bytes::Consumer::attach(producer.ring()).unwrap();
    let claims: Vec<_> = [3, 8, 9, 1]
        .map(|len| {
            let mut claim = producer.try_claim().unwrap();
            claim.fill(7);
            claim.set_tag(len);
            (claim, usize::try_from(len).unwrap())
        })
        .into();
    assert_eq!(bytes::Claim::commit_all(claims), Err(ClaimError::TooLong));
    let views: Vec<_> = std::iter::from_fn(|| consumer.try_read().ok()).collect();
    let seen: Vec<_> = views.iter().map(|view| (&view[..], view.tag())).collect();
    assert_eq!(seen, [(&[7; 3][..], 3), (&[7; 8], 8)]);
    assert!(views.iter().all(|view| view.time() > 0));
    bytes::View::release_all(views);
    let lane = &producer.ring().mpmc_stats().unwrap().lanes[0];
    assert_eq!((lane.free, lane.writing), (CAPACITY, 0), "the rest was given up");
}

#[test]
fn consumers_are_told_of_those_before_a_panic() {
    let mut producer = Producer::<u64>::create_unnamed(&options()).unwrap();
    let mut consumer = Consumer::<u64>::attach(producer.ring()).unwrap();
    let mut sleeper = sleeper(producer.ring());
    let claims = claims(&mut producer, 0..2);
    doze(&mut sleeper);
    let claims = claims.into_iter().chain(std::iter::from_fn(|| panic!("the caller's own")));
    catch_unwind(AssertUnwindSafe(|| Claim::commit_all(claims))).unwrap_err();
    assert_eq!(wakes_by_producers(consumer.ring()), 1);
    assert_eq!(pops(&mut consumer), [0, 1]);
}
