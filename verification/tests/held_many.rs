//! Goal: it is known, and said, how far workers that hold messages of a ring of many for as
//! long as they like, and give them back in any order, hold up a producer (P2).
//! Method: sixteen consumers hold messages of a megabyte. In a random order, always the same,
//! one of them gives a message back or takes one, and the producer tries to write: in a Fast
//! ring once after each turn, in a Strict one as often as it takes to look for a way past who
//! is in the way, and then somebody takes what it wrote. Every answer is compared with what
//! the ring's way to make progress (FORMAT.md) says.

mod process;

use process::random::Random;
use process::report;
use ringbuf_shm::mpmc::bytes;
use ringbuf_shm::{ClaimError, Options, Progress, ReadError};
use std::collections::BTreeSet;

const CAPACITY: u64 = 64;
const WORKERS: u64 = 16;
/// A megabyte.
const LEN: usize = 1 << 20;
const MESSAGES: u64 = 20_000;
/// Attempts in a row of which one at least looks for a way past who is in the way.
const ATTEMPTS: usize = 64;

/// Whether the next place is before that a lap after a message in use. There, one has to
/// wait in a Fast ring until that message is given back, however many other slots are free.
fn is_within_a_lap(written: u64, in_use: &BTreeSet<u64>) -> bool {
    in_use.first().is_none_or(|&oldest| written < oldest + CAPACITY)
}

/// A ring of this kind with its producer, and workers that hold something or not.
fn start<T: Default>(progress: Progress) -> (bytes::Producer, Vec<(bytes::Consumer, T)>) {
    let options = Options::new().capacity(CAPACITY).slot_size(LEN as u64).progress(progress);
    let producer = bytes::Producer::create_unnamed(&options).unwrap();
    let worker = |_| (bytes::Consumer::attach(producer.ring()).unwrap(), T::default());
    let workers = (0..WORKERS).map(worker).collect();
    (producer, workers)
}

fn write(mut claim: bytes::Claim, number: u64) {
    let number = number.to_ne_bytes();
    claim[..8].copy_from_slice(&number);
    claim[LEN - 8..].copy_from_slice(&number);
    claim.commit(LEN).unwrap();
}

/// A producer is held up exactly when it comes round to a message that is still held: a
/// lap after that was written, however many other slots are free by then.
#[test]
fn workers_that_give_back_in_any_order_hold_up_a_producer_a_lap_later_only() {
    let (mut producer, mut workers) = start::<Option<bytes::View>>(Progress::Fast);
    let ring = producer.ring().clone();
    let (mut random, mut in_use) = (Random::new(16), BTreeSet::new());
    let (mut written, mut read) = (0, 0);
    let (mut waits, mut free_while_waiting) = (0, 0);
    while written < MESSAGES {
        // One of the workers gives back what it has, or takes a message.
        let worker = usize::try_from(random.below(WORKERS)).unwrap();
        let (consumer, held) = &mut workers[worker];
        match held.take() {
            Some(view) => assert!(in_use.remove(&ends_of(&view)), "still whole"),
            None => match consumer.try_read() {
                Ok(view) => {
                    assert_eq!(ends_of(&view), read, "in order, whoever asks");
                    read += 1;
                    *held = Some(view);
                }
                Err(error) => assert_eq!((error, read), (ReadError::Empty, written)),
            },
        }
        let room = is_within_a_lap(written, &in_use);
        match producer.try_claim() {
            Ok(claim) => {
                assert!(room, "{written} with {in_use:?} in use");
                write(claim, written);
                in_use.insert(written);
                written += 1;
            }
            Err(error) => {
                assert!(!room, "{written} with {in_use:?} in use");
                assert_eq!(error, ClaimError::Full);
                waits += 1;
                free_while_waiting += ring.mpmc_stats().unwrap().lanes[0].free;
            }
        }
    }
    report(&format!(
        "{WORKERS} workers, {CAPACITY} slots of a megabyte, Fast: {waits} attempts in {} found the \
         ring full, when on average {:.1} slots were free",
        waits + written,
        free_while_waiting as f64 / waits as f64
    ));
    assert!(waits > 0 && free_while_waiting > 0, "a test in which nobody waits shows nothing");
}

/// The number that stands at both ends of a large message.
fn ends_of(message: &[u8]) -> u64 {
    assert_eq!(message.len(), LEN);
    let [first, last] = [&message[..8], &message[LEN - 8..]];
    assert_eq!(first, last);
    u64::from_ne_bytes(first.try_into().unwrap())
}

/// Whoever takes each message at once, and gives them back in any order, holds up nobody in
/// a Strict ring: a producer finds it full exactly when every slot is held.
#[test]
fn workers_that_give_back_in_any_order_never_hold_up_a_producer_in_a_strict_ring() {
    let (mut producer, mut workers) = start::<Vec<bytes::View>>(Progress::Strict);
    let ring = producer.ring().clone();
    let (mut random, mut in_use) = (Random::new(16), BTreeSet::new());
    let (mut written, mut waits, mut passed) = (0, 0, 0);
    while written < MESSAGES {
        let worker = usize::try_from(random.below(WORKERS)).unwrap();
        let (consumer, held) = &mut workers[worker];
        let any = usize::try_from(random.below(CAPACITY)).unwrap();
        if random.below(2) == 0 && !held.is_empty() {
            let view = held.swap_remove(any % held.len());
            assert!(in_use.remove(&ends_of(&view)), "still whole");
            continue;
        }
        let free = ring.mpmc_stats().unwrap().lanes[0].free;
        assert_eq!(free, CAPACITY - in_use.len() as u64);
        let claim = (0..ATTEMPTS).find_map(|_| match producer.try_claim() {
            Ok(claim) => Some(claim),
            Err(error) => {
                assert_eq!(error, ClaimError::Full);
                None
            }
        });
        assert_eq!(claim.is_some(), free > 0, "{written} with {in_use:?} in use");
        let Some(claim) = claim else {
            waits += 1;
            continue;
        };
        passed += u64::from(!is_within_a_lap(written, &in_use));
        write(claim, written);
        let view = consumer.try_read().unwrap();
        assert_eq!(ends_of(&view), written);
        held.push(view);
        in_use.insert(written);
        written += 1;
    }
    report(&format!(
        "{WORKERS} workers, {CAPACITY} slots of a megabyte, Strict: {passed} of {written} messages \
         found room only past others; {waits} times no slot was free"
    ));
    assert!(waits > 0 && passed > 0, "a test in which nobody is in the way shows nothing");
}
