//! Goal: a peer of a ring of many that is killed while it sleeps, or when it was woken and
//! has not looked yet, takes no message with it and no wake-up that others need, and costs
//! one needless wake-up at most (P2, P4).
//! Method: a process sleeps on an empty ring, and perhaps a consumer beside it. In one
//! test a message is committed while the process is traced (ptrace), so that it stands
//! where its sleep ends, and is killed there. In the other it is killed while it sleeps,
//! and the ring counts how often its producer asks the kernel to wake somebody.

mod process;

use process::ends::Kind;
use process::many::{self, Consumer, KINDS, Producer};
use process::notes::Notes;
use process::sleeper::{Sleeper, sleeps};
use process::trace::{Tracee, operate};
use process::{Child, HANG, enter, number, report, until, variable};
use ringbuf_shm::{Options, Ring};
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

const CAPACITY: u64 = 64;
const SEATS: usize = 2;

/// The process: sleeps until there is a message.
#[test]
#[ignore = "a process of the other tests"]
fn sleeper() {
    enter();
    let notes = Notes::open(&PathBuf::from(variable("RINGBUF_TEST_NOTES")));
    let kind = Kind::from_number(number("RINGBUF_TEST_KIND"));
    let ring = Ring::open(PathBuf::from(variable("RINGBUF_TEST_RING"))).unwrap();
    let mut consumer = Consumer::attach(kind, &ring).unwrap();
    consumer.set_spin(Duration::ZERO);
    let mut sleep = || drop(consumer.read(Duration::MAX));
    if number("RINGBUF_TEST_TRACED") == 1 { operate(&notes, sleep) } else { sleep() }
}

struct Scene {
    ring: Ring,
    producer: Producer,
    consumer: Consumer,
    notes: Notes,
    child: Child,
    _directory: TempDir,
}

impl Scene {
    /// A ring, to which a process comes to sleep.
    fn new(kind: Kind, traced: bool) -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let (path, notes) = (directory.path().join("ring"), directory.path().join("notes"));
        let seats = u32::try_from(SEATS).unwrap();
        let options = Options::new().capacity(CAPACITY).producers_max(seats).consumers_max(seats);
        let ring = many::create(kind, &path, &options);
        let producer = Producer::attach(kind, &ring).unwrap();
        let consumer = Consumer::attach(kind, &ring).unwrap();
        let variables = [
            ("RINGBUF_TEST_RING", path.display().to_string()),
            ("RINGBUF_TEST_NOTES", notes.display().to_string()),
            ("RINGBUF_TEST_KIND", kind.number().to_string()),
            ("RINGBUF_TEST_TRACED", u64::from(traced).to_string()),
        ];
        let notes = Notes::create(&notes);
        let child = Child::spawn("sleeper", &variables);
        until("it to come", || ring.mpmc_stats().unwrap().consumers.len() == 2);
        Self { ring, producer, consumer, notes, child, _directory: directory }
    }

    /// How often the producer asked the kernel to wake somebody.
    fn wakes(&self) -> u64 {
        self.ring.mpmc_stats().unwrap().producers[0].wakes
    }
}

/// Checks that the ring works without the dead.
fn check_all_works(kind: Kind, ring: &Ring, mut producer: Producer, mut consumer: Consumer) {
    assert_eq!(many::read_all(&mut consumer), []);
    many::check_lap(CAPACITY, &mut producer, &mut consumer);
    assert!(many::all_free(ring), "{:?}", ring.mpmc_stats());
    drop((producer, consumer));
    many::take_every_seat(kind, ring, SEATS, SEATS);
}

#[test]
fn a_message_goes_to_another_if_one_is_killed_that_was_woken_for_it() {
    for kind in KINDS {
        let scene = Scene::new(kind, true);
        let Scene { ref ring, mut producer, consumer, .. } = scene;
        let Some(mut tracee) = Tracee::meet(scene.child, &scene.notes) else {
            report("SKIPPED: this process may not trace its children");
            return;
        };
        let (producer, other, before) = std::thread::scope(|scope| {
            let writer = scope.spawn(move || {
                until("it to sleep", || sleeps(ring, 1) > 0);
                let other = Sleeper::start(consumer, ring, 0);
                let before = other.sleeps();
                producer.write(7, HANG).unwrap();
                (producer, other, before)
            });
            // Once it was asleep, to where it would look again.
            while tracee.step_over_call() && sleeps(ring, 1) == 0 {}
            writer.join().unwrap()
        });
        drop(tracee);
        let (consumer, found) = other.wait_no_longer(before);
        assert_eq!(found, (7, 0));
        check_all_works(kind, ring, producer, consumer);
    }
}

#[test]
fn one_that_is_killed_asleep_costs_one_wake_up_at_most() {
    for kind in KINDS {
        let mut scene = Scene::new(kind, false);
        until("it to sleep", || sleeps(&scene.ring, 1) > 0);
        scene.child.kill();
        let before = scene.wakes();
        scene.producer.write(0, HANG).unwrap();
        let after_one = scene.wakes();
        scene.producer.write(1, HANG).unwrap();
        assert!(after_one - before <= 1, "{} wake-ups", after_one - before);
        assert_eq!(scene.wakes(), after_one, "nobody sleeps");
        assert_eq!(many::read_all(&mut scene.consumer), [(0, 0), (1, 0)]);
        check_all_works(kind, &scene.ring, scene.producer, scene.consumer);
    }
}
