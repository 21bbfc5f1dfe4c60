//! Goal: programs in C and in Rust share a ring of many, whoever writes and whoever
//! reads, with lanes, and each message comes to one of them.
//! Method: real processes exchange messages of changing lengths in a ring that is much
//! smaller than all of them. The sum of the checksums of what all have read is that of
//! what was written; the C programs have several claims and messages open.

mod child;
mod compiler;
mod sent;

use child::Running;
use compiler::{Language, Linkage, WAYS, Workshop};
use ringbuf_shm::mpmc::{Lanes, bytes};
use ringbuf_shm::{Options, ReadError};
use sent::{MESSAGE_LENGTH_MAX, Sum, TYPE_NAME, message};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

const COUNT: u64 = 3000;
const LANES: u64 = 3;
const HANG: Duration = Duration::from_secs(60);
const C: (Language, Linkage) = (Language::C99, Linkage::Static);

/// As in `tests/c/mpmc_options.h`.
fn options() -> Options {
    Options::new()
        .capacity(64)
        .slot_size(MESSAGE_LENGTH_MAX)
        .lanes(3)
        .producers_max(5)
        .consumers_max(6)
        .redeliveries_max(100)
        .type_name(TYPE_NAME)
}

fn start(program: &Path, ring: &Path, rest: &[u64]) -> Running {
    let mut arguments = vec![ring.to_str().unwrap().to_owned()];
    arguments.extend(rest.iter().map(u64::to_string));
    Running::start(program, &arguments)
}

fn produce(mut producer: bytes::Producer, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let message = message(number);
        producer.set_lane(u32::try_from(number % LANES).unwrap()).unwrap();
        let mut claim = producer.claim_timeout(HANG).unwrap();
        claim[..message.len()].copy_from_slice(&message);
        claim.commit(message.len()).unwrap();
    }
}

fn consume(mut consumer: bytes::Consumer) -> Sum {
    let mut sum = Sum::default();
    loop {
        match consumer.read_timeout(HANG) {
            Ok(view) => {
                let number = u64::from_ne_bytes(*view.first_chunk().unwrap());
                assert_eq!(
                    (&view[..], u64::from(view.lane())),
                    (&*message(number), number % LANES)
                );
                sum = sum.and_one(&view);
            }
            Err(error) => {
                assert_eq!(error, ReadError::Closed);
                return sum;
            }
        }
    }
}

#[test]
fn c_producers_are_understood_by_rust_consumers() {
    let workshop = Workshop::new();
    let Some(program) = workshop.compile("mpmc_producer", C) else { return };
    let ring = workshop.path("ring");
    let consumers = [(); 3].map(|()| bytes::Consumer::create_or_open(&ring, &options()).unwrap());
    // So that nobody is told that the first is gone before the second came.
    let guard = bytes::Producer::open(&ring).unwrap();
    let consumers = consumers.map(|consumer| std::thread::spawn(|| consume(consumer)));
    let producers = [0, COUNT].map(|first| start(&program, &ring, &[first, COUNT]));
    for (producer, first) in producers.into_iter().zip([0, COUNT]) {
        let printed = Sum::printed(&producer.succeed());
        assert_eq!(printed, Sum::of(first..first + COUNT));
    }
    drop(guard);
    let read = consumers.map(|consumer| consumer.join().unwrap());
    assert_eq!(read.into_iter().fold(Sum::default(), Sum::and), Sum::of(0..2 * COUNT));
}

#[test]
fn rust_producers_are_understood_by_c_consumers_of_a_lane_each() {
    let workshop = Workshop::new();
    let Some(program) = workshop.compile("mpmc_consumer", C) else { return };
    let ring = workshop.path("ring");
    let producers = [(); 2].map(|()| bytes::Producer::create_or_open(&ring, &options()).unwrap());
    let consumers = [0, 1, 2].map(|lane| start(&program, &ring, &[lane]));
    let mut first = 0;
    let producers = producers.map(|producer| {
        let numbers = first..first + COUNT;
        first += COUNT;
        std::thread::spawn(|| produce(producer, numbers))
    });
    for producer in producers {
        producer.join().unwrap();
    }
    for (consumer, lane) in consumers.into_iter().zip(0..) {
        let expected = Sum::of((0..2 * COUNT).filter(|number| number % LANES == lane));
        assert_eq!(Sum::printed(&consumer.succeed()), expected);
    }
}

#[test]
fn c_programs_share_a_ring_however_they_were_built() {
    let workshop = Workshop::new();
    for way in WAYS {
        let Some(writes) = workshop.compile("mpmc_producer", way) else { continue };
        let Some(reads) = workshop.compile("mpmc_consumer", way) else { continue };
        let ring = workshop.path(&format!("{way:?}"));
        let guard = bytes::Producer::create(&ring, &options()).unwrap();
        let consumers = [(); 2].map(|()| start(&reads, &ring, &[]));
        let producers = [0, COUNT].map(|first| start(&writes, &ring, &[first, COUNT]));
        for producer in producers {
            producer.succeed();
        }
        drop(guard);
        let read = consumers.map(|consumer| Sum::printed(&consumer.succeed()));
        assert_eq!(read[0].and(read[1]), Sum::of(0..2 * COUNT), "{way:?}");
    }
}

#[test]
fn a_killed_c_consumer_leaves_its_messages_to_another() {
    let workshop = Workshop::new();
    let Some(writes) = workshop.compile("mpmc_producer", C) else { return };
    let Some(holds) = workshop.compile("mpmc_holder", C) else { return };
    let Some(reads) = workshop.compile("mpmc_consumer", C) else { return };
    let ring = workshop.path("ring");
    start(&writes, &ring, &[0, 5]).succeed();
    let mut holder = start(&holds, &ring, &[]);
    let mut line = String::new();
    BufReader::new(holder.stdout()).read_line(&mut line).unwrap();
    assert_eq!(line, "holding\n");
    holder.kill();
    let printed = start(&reads, &ring, &[]).succeed();
    assert_eq!(Sum::printed(&printed), Sum::of(0..5));
    assert!(printed.ends_with("\n2 redelivered\n"), "{printed}");
    let mut consumer = bytes::Consumer::open(&ring).unwrap();
    consumer.set_lanes(Lanes::LowestUpTo(2)).unwrap();
    assert_eq!(consumer.try_read().unwrap_err(), ReadError::Closed);
}
