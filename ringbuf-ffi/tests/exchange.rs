//! Goal: programs in C and in Rust understand each other, whoever writes and whoever
//! reads, whoever makes the ring, however the program was compiled and linked.
//! Method: real processes exchange messages of changing lengths in a ring that is
//! much smaller than all of them, and both sides compute a checksum.

mod child;
mod compiler;
mod sent;

use child::Running;
use compiler::{Language, Linkage, WAYS, Workshop};
use ringbuf_shm::spsc::{bytes, records};
use ringbuf_shm::{Options, ReadError};
use sent::{CHECKSUM_START, MESSAGE_LENGTH_MAX, TYPE_NAME, checksum_add, message};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

const COUNT: u64 = 3000;
const HANG: Duration = Duration::from_secs(60);
const C: (Language, Linkage) = (Language::C99, Linkage::Static);

#[derive(Clone, Copy)]
enum Shape {
    Bytes,
    Records,
}

impl Shape {
    const BOTH: [Self; 2] = [Self::Bytes, Self::Records];

    fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Records => "records",
        }
    }

    /// As in `tests/c/ring_options.h`.
    fn options(self) -> Options {
        let options = Options::new().type_name(TYPE_NAME);
        match self {
            Self::Bytes => options.capacity(8).slot_size(MESSAGE_LENGTH_MAX),
            Self::Records => options.capacity(4096),
        }
    }
}

/// What a C program prints that wrote or read all messages.
fn report() -> String {
    let checksum =
        (0..COUNT).fold(CHECKSUM_START, |sum, number| checksum_add(sum, &message(number)));
    format!("{COUNT} messages, checksum {checksum:016x}\n")
}

fn produce(ring: &Path, shape: Shape) {
    match shape {
        Shape::Bytes => {
            let mut producer = bytes::Producer::create_or_open(ring, &shape.options()).unwrap();
            for number in 0..COUNT {
                let message = message(number);
                let mut claim = producer.claim_timeout(HANG).unwrap();
                claim[..message.len()].copy_from_slice(&message);
                claim.set_tag(number);
                claim.commit(message.len()).unwrap();
            }
        }
        Shape::Records => {
            let mut producer = records::Producer::create_or_open(ring, &shape.options()).unwrap();
            for number in 0..COUNT {
                producer.push_timeout(&message(number), HANG).unwrap();
            }
        }
    }
}

fn consume(ring: &Path, shape: Shape) {
    match shape {
        Shape::Bytes => {
            let mut consumer = bytes::Consumer::create_or_open(ring, &shape.options()).unwrap();
            for number in 0..COUNT {
                let view = consumer.read_timeout(HANG).unwrap();
                assert_eq!((&view[..], view.tag()), (&message(number)[..], number));
            }
            assert_eq!(consumer.read_timeout(HANG).unwrap_err(), ReadError::Closed);
        }
        Shape::Records => {
            let mut consumer = records::Consumer::create_or_open(ring, &shape.options()).unwrap();
            for number in 0..COUNT {
                assert_eq!(consumer.read_timeout(HANG).unwrap()[..], message(number)[..]);
            }
            assert_eq!(consumer.read_timeout(HANG).unwrap_err(), ReadError::Closed);
        }
    }
}

fn start(program: &Path, ring: &Path, rest: &[&str]) -> Running {
    let mut arguments = vec![ring.to_str().unwrap()];
    arguments.extend(rest);
    Running::start(program, &arguments)
}

#[test]
fn a_c_producer_is_understood_by_a_rust_consumer() {
    let workshop = Workshop::new();
    let Some(program) = workshop.compile("producer", C) else { return };
    for shape in Shape::BOTH {
        let ring = workshop.path(shape.name());
        let producer = start(&program, &ring, &[shape.name(), &COUNT.to_string()]);
        consume(&ring, shape);
        assert_eq!(producer.succeed(), report());
    }
}

#[test]
fn a_rust_producer_is_understood_by_a_c_consumer() {
    let workshop = Workshop::new();
    let Some(program) = workshop.compile("consumer", C) else { return };
    for shape in Shape::BOTH {
        let ring = workshop.path(shape.name());
        let consumer = start(&program, &ring, &[shape.name()]);
        produce(&ring, shape);
        assert_eq!(consumer.succeed(), report());
    }
}

#[test]
fn c_programs_understand_each_other_however_they_were_built() {
    let workshop = Workshop::new();
    for way in WAYS {
        let Some(writes) = workshop.compile("producer", way) else { continue };
        let Some(reads) = workshop.compile("consumer", way) else { continue };
        for shape in Shape::BOTH {
            let ring = workshop.path(&format!("{way:?}-{}", shape.name()));
            let consumer = start(&reads, &ring, &[shape.name()]);
            let producer = start(&writes, &ring, &[shape.name(), &COUNT.to_string()]);
            assert_eq!(producer.succeed(), report(), "{way:?}");
            assert_eq!(consumer.succeed(), report(), "{way:?}");
        }
    }
}

#[test]
fn a_killed_c_consumer_leaves_its_message_to_the_next_one() {
    let workshop = Workshop::new();
    let Some(writes) = workshop.compile("producer", C) else { return };
    let Some(holds) = workshop.compile("holder", C) else { return };
    let Some(reads) = workshop.compile("consumer", C) else { return };
    for shape in Shape::BOTH {
        let ring = workshop.path(shape.name());
        start(&writes, &ring, &[shape.name(), "3"]).succeed();

        let mut holder = start(&holds, &ring, &[]);
        let mut line = String::new();
        BufReader::new(holder.stdout()).read_line(&mut line).unwrap();
        assert_eq!(line, "holding\n");
        holder.kill();

        let printed = start(&reads, &ring, &[shape.name()]).succeed();
        assert!(printed.starts_with("3 messages, "), "{printed}");
        assert!(printed.ends_with("\n1 redelivered\n"), "{printed}");
    }
}
