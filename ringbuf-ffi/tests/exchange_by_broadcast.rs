//! Goal: programs in C and in Rust share a broadcast ring, whoever publishes and whoever
//! subscribes, and each subscriber gets what its contract says.
//! Method: real processes exchange messages of changing lengths, whole and in parts, in a
//! ring that is much smaller than all of them. All subscribers have joined before the
//! first is published: so what each got, lost and found broken off is all of them.

mod child;
mod compiler;
mod sent;

use child::Running;
use compiler::{Language, Linkage, WAYS, Workshop};
use ringbuf::broadcast::join::{DELIVERY_LATEST, DELIVERY_LOSSLESS, DELIVERY_LOSSY};
use ringbuf_shm::broadcast::bytes::{Publisher, Subscriber};
use ringbuf_shm::broadcast::{Delivery, Join, Start};
use ringbuf_shm::{Options, ReadError};
use sent::{MESSAGE_LENGTH_MAX, Sum, TYPE_NAME, message};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::ChildStdout;
use std::time::Duration;

const COUNT: u64 = 3000;
/// As in `tests/c/broadcast_options.h`.
const BROKEN: u64 = COUNT / 50;
const HANG: Duration = Duration::from_secs(60);
const C: (Language, Linkage) = (Language::C99, Linkage::Static);

/// As in `tests/c/broadcast_options.h`.
fn options() -> Options {
    Options::new()
        .capacity(16)
        .slot_size(MESSAGE_LENGTH_MAX)
        .subscribers_max(5)
        .views_max(12)
        .type_name(TYPE_NAME)
}

/// A C program that has joined a ring.
struct Joined {
    program: Running,
    printed: BufReader<ChildStdout>,
}

impl Joined {
    fn start(program: &Path, ring: &Path, delivery: u32, rest: &[&str]) -> Self {
        let delivery = delivery.to_string();
        let mut arguments = vec![ring.to_str().unwrap(), &delivery];
        arguments.extend(rest);
        let mut program = Running::start(program, &arguments);
        let printed = BufReader::new(program.stdout());
        let mut joined = Self { program, printed };
        assert_eq!(joined.line(), "joined\n");
        joined
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.printed.read_line(&mut line).unwrap();
        line
    }

    fn result(mut self) -> Outcome {
        self.program.succeed();
        let mut printed = String::new();
        self.printed.read_to_string(&mut printed).unwrap();
        let (lost, broken) = printed.lines().nth(1).unwrap().split_once(" lost, ").unwrap();
        let broken = broken.strip_suffix(" broken off").unwrap();
        Outcome {
            got: Sum::printed(&printed),
            lost: lost.parse().unwrap(),
            broken: broken.parse().unwrap(),
        }
    }
}

/// What a subscriber made of everything that was published.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    got: Sum,
    lost: u64,
    broken: u64,
}

impl Outcome {
    fn all(broken: u64) -> Self {
        Self { got: Sum::of(0..COUNT), lost: 0, broken }
    }

    fn published(&self) -> u64 {
        self.got.0 + self.lost + self.broken
    }
}

fn join(delivery: Delivery) -> Join {
    Join::new(delivery).start(Start::Oldest)
}

fn publish(publisher: &mut Publisher) {
    for number in 0..COUNT {
        let message = message(number);
        let mut claim = publisher.claim_timeout(HANG).unwrap();
        claim.set_tag(number);
        if number % 2 == 0 {
            claim[..message.len()].copy_from_slice(&message);
            claim.commit(message.len()).unwrap();
        } else {
            let mut begun = claim.begin().unwrap();
            for piece in message.chunks(50) {
                begun.rest_mut()[..piece.len()].copy_from_slice(piece);
                begun.advance(piece.len()).unwrap();
            }
            begun.commit().unwrap();
        }
    }
}

fn read(mut subscriber: Subscriber) -> Outcome {
    let mut got = Sum::default();
    loop {
        match subscriber.read_timeout(HANG) {
            Ok(view) => {
                assert_eq!(view[..], message(view.tag())[..]);
                got = got.and_one(&view);
            }
            Err(error) => {
                assert_eq!(error, ReadError::Closed);
                return Outcome { got, lost: subscriber.lost(), broken: subscriber.broken() };
            }
        }
    }
}

#[test]
fn a_c_publisher_is_understood_by_rust_subscribers() {
    let workshop = Workshop::new();
    let Some(program) = workshop.compile("broadcast_publisher", C) else { return };
    let ring = workshop.path("ring");
    let subscribers = [Delivery::Lossless, Delivery::Lossy, Delivery::Latest].map(|delivery| {
        let subscriber = Subscriber::create_or_open(&ring, &options(), join(delivery)).unwrap();
        std::thread::spawn(|| read(subscriber))
    });
    let publisher = Running::start(&program, &[ring.to_str().unwrap(), &COUNT.to_string()]);
    assert_eq!(Sum::printed(&publisher.succeed()), Sum::of(0..COUNT));
    let [all, some, newest] = subscribers.map(|subscriber| subscriber.join().unwrap());
    assert_eq!(all, Outcome::all(BROKEN));
    assert_eq!(some.published(), COUNT + BROKEN);
    assert_eq!(newest.published(), COUNT + BROKEN);
}

#[test]
fn a_rust_publisher_is_understood_by_c_subscribers() {
    let workshop = Workshop::new();
    let Some(program) = workshop.compile("broadcast_subscriber", C) else { return };
    let ring = workshop.path("ring");
    let start = |delivery, rest| Joined::start(&program, &ring, delivery, rest);
    let all = start(DELIVERY_LOSSLESS, &[]);
    let parts = start(DELIVERY_LOSSLESS, &["parts"]);
    let some = start(DELIVERY_LOSSY, &["parts"]);
    let newest = start(DELIVERY_LATEST, &[]);
    let mut publisher = Publisher::open(&ring).unwrap();
    publish(&mut publisher);
    drop(publisher);
    assert_eq!(all.result(), Outcome::all(0));
    assert_eq!(parts.result(), Outcome::all(0));
    assert_eq!(some.result().published(), COUNT);
    assert_eq!(newest.result().published(), COUNT);
}

#[test]
fn c_programs_share_a_broadcast_ring_however_they_were_built() {
    let workshop = Workshop::new();
    for way in WAYS {
        let Some(writes) = workshop.compile("broadcast_publisher", way) else { continue };
        let Some(reads) = workshop.compile("broadcast_subscriber", way) else { continue };
        let ring = workshop.path(&format!("{way:?}"));
        let all = Joined::start(&reads, &ring, DELIVERY_LOSSLESS, &[]);
        let parts = Joined::start(&reads, &ring, DELIVERY_LOSSLESS, &["parts"]);
        let some = Joined::start(&reads, &ring, DELIVERY_LOSSY, &[]);
        let publisher = Running::start(&writes, &[ring.to_str().unwrap(), &COUNT.to_string()]);
        publisher.succeed();
        assert_eq!(all.result(), Outcome::all(BROKEN), "{way:?}");
        assert_eq!(parts.result(), Outcome::all(BROKEN), "{way:?}");
        assert_eq!(some.result().published(), COUNT + BROKEN, "{way:?}");
    }
}

#[test]
fn nobody_waits_for_a_killed_c_subscriber() {
    let workshop = Workshop::new();
    let Some(program) = workshop.compile("broadcast_subscriber", C) else { return };
    let ring = workshop.path("ring");
    let mut holder = Joined::start(&program, &ring, DELIVERY_LOSSLESS, &["hold"]);
    let all = Joined::start(&program, &ring, DELIVERY_LOSSLESS, &[]);
    let mut publisher = Publisher::open(&ring).unwrap();
    let first = message(0);
    publisher.push(&first).unwrap();
    assert_eq!(holder.line(), "holding\n");
    holder.program.kill();
    for number in 1..COUNT {
        let message = message(number);
        let mut claim = publisher.claim_timeout(HANG).unwrap();
        claim[..message.len()].copy_from_slice(&message);
        claim.set_tag(number);
        claim.commit(message.len()).unwrap();
    }
    drop(publisher);
    assert_eq!(all.result(), Outcome::all(0));
}
