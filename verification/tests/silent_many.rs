//! Goal: in rings of many, too, no system call per message while both sides are awake,
//! with one lane and with several (P4).
//! Method: as in `silent`: a process passes messages while every system call it makes
//! stops it for the test (ptrace), which counts them; and the ring's own counters of
//! sleeps, wakes and probes stand still.

mod process;

use process::ends::Kind;
use process::many::{self, Consumer, KINDS, Producer};
use process::notes::Notes;
use process::trace::{Tracee, operate};
use process::{Child, HANG, enter, number, report, variable};
use ringbuf_shm::{Options, PeerStats, Ring, Sleeper};
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// Messages passed in one process, by both ends in turn.
const IN_TURN: u64 = 20_000;
/// Messages passed between processes, through lanes that hold them all.
const ACROSS: u64 = 20_000;
/// Passed before the counting, so that what is done once is.
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

fn write(producer: &mut Producer, messages: std::ops::Range<u64>, lanes: u64) {
    for number in messages {
        producer.set_lane(u32::try_from(number % lanes).unwrap()).unwrap();
        producer.push(number, HANG).unwrap();
    }
}

fn read(consumer: &mut Consumer, count: usize) {
    (0..count).for_each(|_| _ = consumer.read(HANG).unwrap().number());
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
    let lanes = u64::from(ring.lanes());
    let mut producer =
        (role != Role::Consumer as u64).then(|| Producer::attach(kind, &ring).unwrap());
    let mut consumer =
        (role != Role::Producer as u64).then(|| Consumer::attach(kind, &ring).unwrap());
    let mut pass = |messages: std::ops::Range<u64>| match (&mut producer, &mut consumer) {
        (Some(producer), Some(consumer)) => messages.for_each(|number| {
            write(producer, number..number + 1, lanes);
            read(consumer, 1);
        }),
        (Some(producer), None) => write(producer, messages, lanes),
        (None, consumer) => read(consumer.as_mut().unwrap(), messages.count()),
    };
    let count = if role == Role::Both as u64 { IN_TURN } else { ACROSS };
    pass(0..WARM_UP);
    operate(&notes, || pass(WARM_UP..count));
}

struct Stage {
    ring: Ring,
    notes: Notes,
    kind: Kind,
    directory: TempDir,
}

impl Stage {
    fn new(kind: Kind, capacity: u64, lanes: u32, sleeper: Sleeper) -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let options = Options::new().capacity(capacity).lanes(lanes).sleeper(sleeper);
        let ring = many::create(kind, &directory.path().join("ring"), &options);
        let notes = Notes::create(&directory.path().join("notes"));
        Self { ring, notes, kind, directory }
    }

    /// Runs the traced process, and checks that it makes no system call.
    fn assert_silent(&self, role: Role) {
        let path = |name: &str| self.directory.path().join(name).display().to_string();
        let child = Child::spawn(
            "talker",
            &[
                ("RINGBUF_TEST_RING", path("ring")),
                ("RINGBUF_TEST_NOTES", path("notes")),
                ("RINGBUF_TEST_KIND", self.kind.number().to_string()),
                ("RINGBUF_TEST_ROLE", (role as u64).to_string()),
            ],
        );
        match Tracee::meet(child, &self.notes) {
            None => report("SKIPPED: this process may not trace its children"),
            Some(mut tracee) => {
                let calls = tracee.count_system_calls();
                let (kind, lanes) = (self.kind, self.ring.lanes());
                assert_eq!(calls, 0, "calls of {role:?} in a ring of {kind:?}, {lanes} lanes");
            }
        }
    }

    /// What the ring counted of both sides: sleeps, wakes, probes.
    fn counters(&self) -> [[u64; 3]; 2] {
        let stats = self.ring.mpmc_stats().unwrap();
        [stats.producers, stats.consumers].map(|peers: Vec<PeerStats>| {
            let sum = |of: fn(&PeerStats) -> u64| peers.iter().map(of).sum();
            [sum(|peer| peer.sleeps), sum(|peer| peer.wakes), sum(|peer| peer.probes)]
        })
    }
}

/// The kinds and numbers of lanes there are to look at.
fn each(mut look: impl FnMut(Kind, u32)) {
    for kind in KINDS {
        [1, 3].into_iter().for_each(|lanes| look(kind, lanes));
    }
}

#[test]
fn both_ends_in_turn_make_no_system_call() {
    each(|kind, lanes| {
        for sleeper in [Sleeper::Futex, Sleeper::Spin] {
            let stage = Stage::new(kind, 64, lanes, sleeper);
            stage.assert_silent(Role::Both);
            assert_eq!(stage.counters(), [[0; 3]; 2]);
        }
    });
}

#[test]
fn a_producer_makes_no_system_call_while_consumers_are_awake() {
    each(|kind, lanes| {
        let stage = Stage::new(kind, 2 * ACROSS, lanes, Sleeper::Futex);
        // Two, who share what comes, each half of it.
        let readers = [(); 2].map(|()| {
            let mut consumer = Consumer::attach(kind, &stage.ring).unwrap();
            consumer.set_spin(ALWAYS);
            consumer
        });
        let readers = readers.map(|mut consumer| {
            let count = usize::try_from(ACROSS / 2).unwrap();
            std::thread::spawn(move || read(&mut consumer, count))
        });
        stage.assert_silent(Role::Producer);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        let [producer, [sleeps, wakes, _]] = stage.counters();
        assert_eq!((producer, sleeps, wakes), ([0; 3], 0, 0));
    });
}

#[test]
fn a_consumer_makes_no_system_call_while_there_is_something_to_read() {
    each(|kind, lanes| {
        let stage = Stage::new(kind, 2 * ACROSS, lanes, Sleeper::Futex);
        let mut producer = Producer::attach(kind, &stage.ring).unwrap();
        write(&mut producer, 0..ACROSS, lanes.into());
        stage.assert_silent(Role::Consumer);
        assert_eq!(stage.counters(), [[0; 3]; 2]);
    });
}
