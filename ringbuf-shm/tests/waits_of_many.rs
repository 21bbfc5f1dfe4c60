//! Goal: in rings of many a producer can wait until what it sees in the ring is gone, and
//! every peer until somebody sits on the other side; both sleep, are woken, and end when
//! the others are killed.
//! Method: the waiting is done in a thread, and goes on when the ring's own counters say
//! that it sleeps; a wait that is not ended by what should end it runs into a limit that
//! no test takes. Peers die in processes of their own.

mod helper;

use helper::{Helper, argument, say, until};
use ringbuf_shm::mpmc::{Consumer, Producer, bytes};
use ringbuf_shm::{ClaimError, Options, PeerStats, Redelivery, Ring, SLICE};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// Nothing here takes so long unless it hangs.
const HANG: Duration = Duration::from_secs(100);
const NOW: Duration = Duration::ZERO;
/// In how many sleeps the death of the others must be seen.
const SLICES_MAX: u64 = 3;

fn small() -> Options {
    Options::new().capacity(64)
}

fn unnamed(options: &Options) -> (Producer<u64>, Consumer<u64>) {
    let producer = Producer::create_unnamed(options).unwrap();
    let consumer = Consumer::attach(producer.ring()).unwrap();
    (producer, consumer)
}

fn sleeps(peers: &[PeerStats]) -> u64 {
    peers.iter().map(|peer| peer.sleeps).sum()
}

fn producers_sleep(ring: &Ring) -> u64 {
    sleeps(&ring.mpmc_stats().unwrap().producers)
}

/// A producer that flushes in a thread, and sleeps by now; what became of it.
fn flushing(mut producer: Producer<u64>) -> thread::JoinHandle<Result<(), ClaimError>> {
    let ring = producer.ring().clone();
    let before = producers_sleep(&ring);
    producer.set_spin(NOW);
    let flushing = thread::spawn(move || producer.flush_timeout(HANG));
    until("it sleeps", || producers_sleep(&ring) > before);
    flushing
}

#[test]
fn a_message_is_waited_for_until_it_is_released() {
    let (mut producer, mut consumer) = unnamed(&small());
    let mut other = Producer::<u64>::attach(producer.ring()).unwrap();
    assert_eq!(producer.flush(), Ok(()), "there is nothing");
    producer.push(1).unwrap();
    other.push(2).unwrap();
    assert_eq!(producer.flush_timeout(NOW), Err(ClaimError::TimedOut), "two are ready");
    let first = consumer.read().unwrap();
    assert_eq!(producer.flush_timeout(NOW), Err(ClaimError::TimedOut), "one is read");
    first.release();
    assert_eq!(producer.flush_timeout(NOW), Err(ClaimError::TimedOut), "that of another");
    consumer.pop().unwrap();
    assert_eq!((producer.flush_timeout(NOW), other.flush_timeout(NOW)), (Ok(()), Ok(())));
}

#[test]
fn claims_that_are_open_are_not_waited_for() {
    let (mut producer, mut consumer) = unnamed(&small());
    let claim = producer.claim().unwrap();
    assert_eq!(producer.flush_timeout(NOW), Ok(()));
    claim.commit().unwrap();
    assert_eq!(producer.flush_timeout(NOW), Err(ClaimError::TimedOut));
    consumer.pop().unwrap();
    assert_eq!(producer.flush_timeout(NOW), Ok(()));
}

#[test]
fn what_is_written_during_a_flush_is_not_waited_for() {
    let (mut producer, mut consumer) = unnamed(&small());
    let ring = producer.ring().clone();
    let mut other = Producer::<u64>::attach(&ring).unwrap();
    producer.push(1).unwrap();
    let flushing = flushing(producer);
    other.push(2).unwrap();
    assert_eq!(consumer.pop(), Ok(1));
    assert_eq!(flushing.join().unwrap(), Ok(()));
    assert_eq!(consumer.pop(), Ok(2), "which was there all the time");
}

#[test]
fn all_lanes_and_any_lap_are_waited_for() {
    let options = small().lanes(3).slot_size(8).first_position(u64::MAX - 70);
    let mut producer = bytes::Producer::create_unnamed(&options).unwrap();
    let mut consumer = bytes::Consumer::attach(producer.ring()).unwrap();
    for lane in [0, 1, 2] {
        producer.set_lane(lane).unwrap();
        // As far as the lap that begins anew.
        for _ in 0..100 {
            producer.push(b"").unwrap();
            assert_eq!(producer.flush_timeout(NOW), Err(ClaimError::TimedOut), "lane {lane}");
            consumer.read().unwrap().release();
            assert_eq!(producer.flush_timeout(NOW), Ok(()), "lane {lane}");
        }
    }
}

#[test]
fn who_flushes_sleeps_in_slices_and_is_woken() {
    let (mut producer, mut consumer) = unnamed(&small());
    let ring = producer.ring().clone();
    producer.push(1).unwrap();
    let before = producers_sleep(&ring);
    assert_eq!(producer.flush_timeout(2 * SLICE), Err(ClaimError::TimedOut));
    let slept = producers_sleep(&ring) - before;
    assert!((1..=SLICES_MAX).contains(&slept), "{slept} sleeps");
    let flushing = flushing(producer);
    let wakes = || ring.mpmc_stats().unwrap().consumers[0].wakes;
    let before = wakes();
    assert_eq!(consumer.pop(), Ok(1));
    assert_eq!(wakes(), before + 1);
    assert_eq!(flushing.join().unwrap(), Ok(()));
}

#[test]
fn who_flushes_is_told_that_nobody_is_left() {
    let (mut producer, consumer) = unnamed(&small());
    producer.push(1).unwrap();
    let second = Consumer::<u64>::attach(producer.ring()).unwrap();
    drop(consumer);
    assert_eq!(producer.flush_timeout(NOW), Err(ClaimError::TimedOut), "one is left");
    drop(second);
    assert_eq!(producer.flush(), Err(ClaimError::Closed));
    let mut third = Consumer::<u64>::attach(producer.ring()).unwrap();
    assert_eq!(third.pop(), Ok(1));
    drop(third);
    assert_eq!(producer.flush(), Ok(()), "nothing is left");
}

/// A ring with a name, and two seats a side.
fn named(options: &Options) -> (tempfile::TempDir, Ring) {
    let directory = tempfile::tempdir().unwrap();
    let options = options.clone().producers_max(2).consumers_max(2);
    let ring = Ring::create_mpmc::<u64>(directory.path().join("ring"), &options).unwrap();
    (directory, ring)
}

fn helper(directory: &Path, entry: &str) -> Helper {
    let mut helper = Helper::start(entry, &[("RING", directory.join("ring"))]);
    helper.expect("there");
    helper
}

#[test]
#[ignore = "run by other tests"]
fn entry_reads_one() {
    let Some(path) = argument("RING") else { return };
    let mut consumer = Consumer::<u64>::open(path).unwrap();
    let _view = consumer.read().unwrap();
    say("there");
    helper::wait_for_end();
}

#[test]
#[ignore = "run by other tests"]
fn entry_writes() {
    let Some(path) = argument("RING") else { return };
    let _producer = Producer::<u64>::open(path).unwrap();
    say("there");
    helper::wait_for_end();
}

#[test]
fn who_flushes_is_told_within_three_slices_that_the_last_reader_died() {
    let (directory, ring) = named(&small());
    let mut producer = Producer::<u64>::attach(&ring).unwrap();
    producer.push(1).unwrap();
    let mut reader = helper(directory.path(), "entry_reads_one");
    let flushing = flushing(producer);
    reader.kill();
    // The lock is free by now.
    let before = producers_sleep(&ring);
    assert_eq!(flushing.join().unwrap(), Err(ClaimError::PeerDied));
    let slept = producers_sleep(&ring) - before;
    assert!(slept <= SLICES_MAX, "{slept} sleeps");
}

#[test]
fn what_a_reader_that_died_held_is_waited_for_until_another_has_read_it() {
    let (directory, ring) = named(&small());
    let mut producer = Producer::<u64>::attach(&ring).unwrap();
    producer.push(1).unwrap();
    let mut reader = helper(directory.path(), "entry_reads_one");
    let mut other = Consumer::<u64>::attach(&ring).unwrap();
    let flushing = flushing(producer);
    reader.kill();
    // Swept by one of the two who wait.
    let again = other.read_timeout(HANG).unwrap();
    assert_eq!((*again, again.redelivered()), (1, 1));
    assert_eq!(ring.mpmc_stats().unwrap().lanes[0].reading, 1);
    assert!(!flushing.is_finished());
    again.release();
    assert_eq!(flushing.join().unwrap(), Ok(()));
}

#[test]
fn a_message_that_is_dropped_is_gone() {
    let (directory, ring) = named(&small().redelivery(Redelivery::Drop));
    let mut producer = Producer::<u64>::attach(&ring).unwrap();
    producer.push(1).unwrap();
    let mut reader = helper(directory.path(), "entry_reads_one");
    let mut other = Consumer::<u64>::attach(&ring).unwrap();
    let ending = Producer::<u64>::attach(&ring).unwrap();
    let flushing = flushing(producer);
    let waiting = thread::spawn(move || other.pop_timeout(HANG));
    until("it sleeps", || sleeps(&ring.mpmc_stats().unwrap().consumers[1..]) > 0);
    reader.kill();
    assert_eq!(flushing.join().unwrap(), Ok(()));
    assert_eq!(ring.mpmc_stats().unwrap().dropped, 1);
    drop(ending);
    waiting.join().unwrap().unwrap_err();
}

#[test]
fn somebody_on_the_other_side_is_waited_for() {
    let (directory, ring) = named(&small());
    let producer = Producer::<u64>::attach(&ring).unwrap();
    let second = Producer::<u64>::attach(&ring).unwrap();
    assert!(!producer.wait_for_peer(Some(NOW)).unwrap(), "another producer is no peer");
    drop(second);
    let consumer = Consumer::<u64>::attach(&ring).unwrap();
    assert!(producer.wait_for_peer(None).unwrap());
    assert!(consumer.wait_for_peer(None).unwrap());
    drop(consumer);
    assert!(!producer.wait_for_peer(Some(NOW)).unwrap(), "it left");
    drop(producer);
    let consumer = Consumer::<u64>::attach(&ring).unwrap();
    assert!(!consumer.wait_for_peer(Some(NOW)).unwrap());
    let mut writer = helper(directory.path(), "entry_writes");
    assert!(consumer.wait_for_peer(None).unwrap());
    writer.kill();
    assert!(!consumer.wait_for_peer(Some(NOW)).unwrap(), "it died");
}

#[test]
fn who_waits_for_a_peer_sleeps_in_slices_and_is_woken_by_who_comes() {
    let (_directory, ring) = named(&small());
    let mut producer = Producer::<u64>::attach(&ring).unwrap();
    producer.set_spin(NOW);
    assert!(!producer.wait_for_peer(Some(2 * SLICE)).unwrap());
    let slept = producers_sleep(&ring);
    assert!((1..=SLICES_MAX).contains(&slept), "{slept} sleeps");
    let waiting = thread::spawn(move || producer.wait_for_peer(Some(HANG)).unwrap());
    until("it sleeps", || producers_sleep(&ring) > slept);
    let mut consumer = Consumer::<u64>::attach(&ring).unwrap();
    assert_eq!(ring.mpmc_stats().unwrap().consumers[0].wakes, 1);
    assert!(waiting.join().unwrap());
    // And the other way round; the producer is gone by now.
    consumer.set_spin(NOW);
    let consumers_sleep = || sleeps(&ring.mpmc_stats().unwrap().consumers);
    let before = consumers_sleep();
    let waiting = thread::spawn(move || consumer.wait_for_peer(Some(HANG)).unwrap());
    until("it sleeps", || consumers_sleep() > before);
    let wakes = || ring.mpmc_stats().unwrap().producers.iter().map(|peer| peer.wakes).sum::<u64>();
    let before = wakes();
    let producer = Producer::<u64>::attach(&ring).unwrap();
    assert_eq!(wakes(), before + 1);
    assert!(waiting.join().unwrap());
    drop(producer);
}
