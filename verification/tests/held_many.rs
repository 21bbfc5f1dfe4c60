//! Goal: it is known, and said, how far workers that hold messages of a ring of many for as
//! long as they like, and give them back in any order, hold up a producer (P2).
//! Method: sixteen consumers hold a message of a megabyte each, or nothing. In a random
//! order, always the same, one of them gives its message back or takes one, and then the
//! producer tries to write. Every answer is compared with what the ring's way to make
//! progress (FORMAT.md) says.

mod process;

use process::random::Random;
use process::report;
use ringbuf_shm::mpmc::bytes;
use ringbuf_shm::{ClaimError, Options, ReadError};
use std::collections::BTreeSet;

const CAPACITY: u64 = 64;
const WORKERS: u64 = 16;
/// A megabyte.
const LEN: usize = 1 << 20;
const MESSAGES: u64 = 20_000;

/// What is to be known to say whether there is room for the next message.
struct Moment<'a> {
    written: u64,
    /// Messages that are held, or that nobody has read yet.
    in_use: &'a BTreeSet<u64>,
}

/// Progress *fast*: the next place is that a lap after a message; until it is given back,
/// there is no room, however many other slots are free.
fn has_room_in_fast(moment: &Moment<'_>) -> bool {
    moment.in_use.first().is_none_or(|&oldest| moment.written < oldest + CAPACITY)
}

/// Lets workers take messages and give them back in a random order, and a producer write
/// after each; it finds room exactly where `has_room` says so.
fn give_back_in_any_order(options: &Options, has_room: fn(&Moment<'_>) -> bool) {
    let options = options.clone().capacity(CAPACITY).slot_size(LEN as u64);
    let mut producer = bytes::Producer::create_unnamed(&options).unwrap();
    let ring = producer.ring().clone();
    let mut workers: Vec<(bytes::Consumer, Option<bytes::View>)> =
        (0..WORKERS).map(|_| (bytes::Consumer::attach(&ring).unwrap(), None)).collect();
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
        let room = has_room(&Moment { written, in_use: &in_use });
        match producer.try_claim() {
            Ok(mut claim) => {
                assert!(room, "{written} with {in_use:?} in use");
                let number = written.to_ne_bytes();
                claim[..8].copy_from_slice(&number);
                claim[LEN - 8..].copy_from_slice(&number);
                claim.commit(LEN).unwrap();
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
        "{WORKERS} workers, {CAPACITY} slots of a megabyte: {waits} attempts in {} found the \
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

/// A producer is held up exactly when it comes round to a message that is still held: a
/// lap after that was written, however many other slots are free by then.
#[test]
fn workers_that_give_back_in_any_order_hold_up_a_producer_a_lap_later_only() {
    give_back_in_any_order(&Options::new(), has_room_in_fast);
}
