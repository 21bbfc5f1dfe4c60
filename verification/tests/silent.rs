//! Goal: no system call per message while both sides are awake (P4).
//! Method: a process passes messages while every system call it makes stops it for
//! the test (ptrace), which counts them; and the ring's own counters of sleeps, wakes
//! and probes stand still.

mod process;

use process::ends::{Consumer, KINDS, Kind, Producer};
use process::notes::Notes;
use process::trace::{Tracee, operate};
use process::{Child, HANG, enter, number, report, variable};
use ringbuf_shm::{Options, Ring, Sleeper};
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// Messages passed in one process, by both ends in turn.
const IN_TURN: u64 = 100_000;
/// Messages passed between processes, through a ring that holds them all.
const ACROSS: u64 = 20_000;
/// Passed before the counting, so that what is allocated once is.
const WARM_UP: u64 = 10;
/// Longer than any test: who waits spins.
const ALWAYS: Duration = Duration::from_secs(3600);

/// What the traced process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
enum Role {
    Both,
    Producer,
    Consumer,
}

fn write(producer: &mut Producer, messages: std::ops::Range<u64>) {
    messages.for_each(|number| producer.write(number, 1, HANG).unwrap());
}

fn read(consumer: &mut Consumer, messages: std::ops::Range<u64>) {
    for number in messages {
        let right = |seen: &[process::ends::Seen]| {
            assert_eq!(seen[0].number, number);
            1
        };
        consumer.read(1, HANG, right).unwrap();
    }
}

/// The process that is traced.
#[test]
#[ignore = "a process of the other tests"]
fn talker() {
    enter();
    let kind = Kind::from_number(number("RINGBUF_TEST_KIND"));
    let role = number("RINGBUF_TEST_ROLE");
    let ring = Ring::open(PathBuf::from(variable("RINGBUF_TEST_RING"))).unwrap();
    let notes = Notes::open(&PathBuf::from(variable("RINGBUF_TEST_NOTES")));
    let mut producer =
        (role != Role::Consumer as u64).then(|| Producer::attach(kind, &ring).unwrap());
    let mut consumer =
        (role != Role::Producer as u64).then(|| Consumer::attach(kind, &ring).unwrap());
    let mut pass = |messages: std::ops::Range<u64>| match (&mut producer, &mut consumer) {
        (Some(producer), Some(consumer)) => messages.for_each(|number| {
            write(producer, number..number + 1);
            read(consumer, number..number + 1);
        }),
        (Some(producer), None) => write(producer, messages),
        (None, consumer) => read(consumer.as_mut().unwrap(), messages),
    };
    let count = if role == Role::Both as u64 { IN_TURN } else { ACROSS };
    pass(0..WARM_UP);
    operate(&notes, || pass(WARM_UP..count));
}

struct Stage {
    directory: TempDir,
    notes: Notes,
    kind: Kind,
}

impl Stage {
    fn new(kind: Kind) -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let notes = Notes::create(&directory.path().join("notes"));
        Self { directory, notes, kind }
    }

    fn options(&self, messages: u64, sleeper: Sleeper) -> Options {
        // Reopened, since whoever makes a ring sits on it.
        Options::new().capacity(self.kind.capacity(messages)).sleeper(sleeper).reopen(true)
    }

    fn ring(&self) -> PathBuf {
        self.directory.path().join("ring")
    }

    fn start(&self, role: Role) -> Child {
        Child::spawn(
            "talker",
            &[
                ("RINGBUF_TEST_RING", self.ring().display().to_string()),
                ("RINGBUF_TEST_NOTES", self.directory.path().join("notes").display().to_string()),
                ("RINGBUF_TEST_KIND", self.kind.number().to_string()),
                ("RINGBUF_TEST_ROLE", (role as u64).to_string()),
            ],
        )
    }

    /// Runs the traced process, and checks that it makes no system call.
    fn assert_silent(&self, child: Child, what: &str) {
        match Tracee::meet(child, &self.notes) {
            None => report("SKIPPED: this process may not trace its children"),
            Some(mut tracee) => {
                let calls = tracee.count_system_calls();
                assert_eq!(calls, 0, "system calls of {what} in a ring of {:?}", self.kind);
            }
        }
    }
}

/// What the ring counted of both sides: sleeps, wakes, probes.
fn counters(ring: &Ring) -> [[u64; 3]; 2] {
    let stats = ring.stats().unwrap();
    [stats.producer, stats.consumer].map(|peer| [peer.sleeps, peer.wakes, peer.probes])
}

#[test]
fn both_ends_in_turn_make_no_system_call() {
    for (kind, sleeper) in KINDS
        .iter()
        .flat_map(|&kind| [Sleeper::Futex, Sleeper::Spin].map(|sleeper| (kind, sleeper)))
    {
        let stage = Stage::new(kind);
        let maker = Producer::create(kind, &stage.ring(), &stage.options(8, sleeper)).unwrap();
        let ring = maker.ring().clone();
        drop(maker);
        stage.assert_silent(stage.start(Role::Both), "both ends");
        assert_eq!(counters(&ring), [[0; 3]; 2]);
    }
}

#[test]
fn a_producer_makes_no_system_call_while_its_consumer_is_awake() {
    for kind in KINDS {
        let stage = Stage::new(kind);
        let options = stage.options(2 * ACROSS, Sleeper::Futex);
        let mut consumer = Consumer::create(kind, &stage.ring(), &options).unwrap();
        consumer.set_spin(ALWAYS);
        let ring = consumer.ring().clone();
        let reader = std::thread::spawn(move || read(&mut consumer, 0..ACROSS));
        stage.assert_silent(stage.start(Role::Producer), "a producer");
        reader.join().unwrap();
        let [producer, [sleeps, wakes, _]] = counters(&ring);
        assert_eq!((producer, sleeps, wakes), ([0; 3], 0, 0));
    }
}

#[test]
fn a_consumer_makes_no_system_call_while_there_is_something_to_read() {
    for kind in KINDS {
        let stage = Stage::new(kind);
        let options = stage.options(2 * ACROSS, Sleeper::Futex);
        let mut producer = Producer::create(kind, &stage.ring(), &options).unwrap();
        write(&mut producer, 0..ACROSS);
        stage.assert_silent(stage.start(Role::Consumer), "a consumer");
        assert_eq!(counters(producer.ring()), [[0; 3]; 2]);
    }
}
