//! Goal: however much a process of a ring of many holds when it is killed, by however many
//! threads, and however many wait for it: all of it is there again within three slices,
//! each thing for one of them, and nothing is written to it any more by the dead; and in a
//! Strict ring nobody waits for what is behind it (P1, P2, P3, P8).
//! Method: processes claim places, or take messages, one or as many as there are, and are
//! killed while consumers sleep on what they hold; sleeps are counted. In a Strict ring,
//! consumers have everything that is behind before anybody is killed. Then threads of a
//! process write to their places as fast as they can while it is killed; the moment the
//! kernel says that it is dead, the places are written again, and read after the last of
//! it is gone. `RINGBUF_KILLS` is how many kills of any kind the tests are to do (300); a
//! fifteenth of them are of such processes.

mod process;

use process::ends::Kind;
use process::holder::{Holder, Role, hold};
use process::many::{self, Consumer, KINDS, Producer};
use process::notes::{Note, Notes};
use process::sleeper::{SLEEPS_MAX, Sleeper, sleeps};
use process::{Child, HANG, enter, knob, report, until, variable};
use ringbuf_shm::mpmc::bytes;
use ringbuf_shm::{Options, Progress, ReadError, Ring};
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const CAPACITY: u64 = 64;
const SEATS: usize = 4;
/// Consumers that sleep while others hold something.
const SLEEPERS: u64 = 3;
const BOTH: [Progress; 2] = [Progress::Fast, Progress::Strict];

#[test]
#[ignore = "a process of the other tests"]
fn holder() {
    hold();
}

/// A ring, and a producer and consumers on the first rows of it.
struct Scene {
    kind: Kind,
    directory: TempDir,
    ring: Ring,
    producer: Producer,
    consumers: Vec<Consumer>,
}

impl Scene {
    fn new(kind: Kind, progress: Progress) -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let seats = u32::try_from(SEATS).unwrap();
        let options = Options::new()
            .capacity(CAPACITY)
            .producers_max(seats)
            .consumers_max(seats)
            .progress(progress);
        let ring = many::create(kind, &directory.path().join("ring"), &options);
        let producer = Producer::attach(kind, &ring).unwrap();
        let consumers =
            (0..SLEEPERS).map(|_| Consumer::attach(kind, &ring).unwrap()).collect::<Vec<_>>();
        Self { kind, directory, ring, producer, consumers }
    }

    fn hold(&self, number: u64, role: Role, count: u64) -> Holder {
        Holder::start(self.directory.path(), number, self.kind, role, count)
    }

    /// Kills while so many consumers sleep, and says what all of them find, sorted.
    fn kill(&mut self, mut holder: Holder, sleepers: u64) -> Vec<(u64, u8)> {
        let rows = 0..usize::try_from(sleepers).unwrap();
        let waiting: Vec<_> = rows
            .zip(self.consumers.drain(..))
            .map(|(row, consumer)| Sleeper::start(consumer, &self.ring, row))
            .collect();
        holder.child.kill();
        let before: Vec<_> = waiting.iter().map(Sleeper::sleeps).collect();
        let mut found = Vec::new();
        for (sleeper, before) in waiting.into_iter().zip(before) {
            let (consumer, first) = sleeper.wait_no_longer(before);
            found.push(first);
            self.consumers.push(consumer);
        }
        found.extend(many::read_all(&mut self.consumers[0]));
        found.sort_unstable();
        found
    }

    fn assert_all_works(mut self) {
        many::check_lap(CAPACITY, &mut self.producer, &mut self.consumers[0]);
        assert!(many::all_free(&self.ring), "{:?}", self.ring.mpmc_stats());
        drop((self.producer, self.consumers));
        many::take_every_seat(self.kind, &self.ring, SEATS, SEATS);
    }
}

#[test]
fn all_that_a_dead_consumer_held_comes_again_each_to_one_of_those_who_wait() {
    for (kind, count) in KINDS.into_iter().zip([[1, CAPACITY - 1], [2, CAPACITY]]) {
        for (count, progress) in count.into_iter().flat_map(|count| BOTH.map(|both| (count, both)))
        {
            let mut scene = Scene::new(kind, progress);
            (0..count).for_each(|number| scene.producer.write(number, HANG).unwrap());
            let holder = scene.hold(0, Role::Consumer, count);
            let found = scene.kill(holder, count.min(SLEEPERS));
            assert!(found.into_iter().eq((0..count).map(|number| (number, 1))));
            scene.assert_all_works();
        }
    }
}

#[test]
fn all_places_that_a_dead_producer_held_are_passed() {
    for (kind, count) in KINDS.into_iter().zip([[1, CAPACITY - 1], [2, CAPACITY / 2]]) {
        for count in count {
            let mut scene = Scene::new(kind, Progress::Fast);
            let holder = scene.hold(0, Role::Producer, count);
            let behind = CAPACITY - count;
            (0..behind).for_each(|number| scene.producer.write(number, HANG).unwrap());
            let found = scene.kill(holder, behind.min(SLEEPERS));
            assert!(found.into_iter().eq((0..behind).map(|number| (number, 0))));
            scene.assert_all_works();
        }
    }
}

#[test]
fn in_a_strict_ring_all_places_that_a_producer_holds_are_passed_and_come_back_when_it_dies() {
    for (kind, count) in KINDS.into_iter().zip([[1, CAPACITY - 1], [2, CAPACITY / 2]]) {
        for count in count {
            let mut scene = Scene::new(kind, Progress::Strict);
            let mut holder = scene.hold(0, Role::Producer, count);
            let behind = CAPACITY - count;
            (0..behind).for_each(|number| scene.producer.write(number, HANG).unwrap());
            scene.consumers[0].set_spin(Duration::ZERO);
            let found = many::read_all(&mut scene.consumers[0]);
            assert!(found.into_iter().eq((0..behind).map(|number| (number, 0))));
            assert_eq!(scene.ring.mpmc_stats().unwrap().lanes[0].writing, count);
            holder.child.kill();
            // Whoever comes sweeps.
            drop(Consumer::attach(kind, &scene.ring).unwrap());
            scene.assert_all_works();
        }
    }
}

/// Consumers sleep while others hold the first place and the last. They get everything in
/// between: in a Fast ring when those are dead, in a Strict one before; and then they are told.
fn consumers_that_wait(progress: Progress) {
    const MESSAGES: u64 = 40;
    for kind in KINDS {
        let mut scene = Scene::new(kind, progress);
        let mut holders = vec![scene.hold(0, Role::Producer, 2)];
        (0..MESSAGES).for_each(|number| scene.producer.write(number, HANG).unwrap());
        holders.push(scene.hold(1, Role::Producer, 2));
        drop(scene.producer);
        let (ring, read) = (&scene.ring, &AtomicU64::new(0));
        let rows = 0..scene.consumers.len();
        thread::scope(|scope| {
            let waiting: Vec<_> = scene
                .consumers
                .into_iter()
                .map(|mut consumer| {
                    scope.spawn(move || {
                        consumer.set_spin(Duration::ZERO);
                        loop {
                            match consumer.read(HANG) {
                                Ok(view) => assert_eq!(view.redelivered(), 0),
                                Err(error) => return error,
                            }
                            read.fetch_add(1, SeqCst);
                        }
                    })
                })
                .collect();
            until("all to sleep", || rows.clone().all(|row| sleeps(ring, row) > 0));
            let mut kill = || holders.iter_mut().for_each(|holder| holder.child.kill());
            if progress == Progress::Fast {
                assert_eq!(read.load(SeqCst), 0, "behind a place that is being written");
                kill();
            }
            until("all to be read", || read.load(SeqCst) == MESSAGES);
            if progress == Progress::Strict {
                kill();
            }
            let before: Vec<_> = rows.clone().map(|row| sleeps(ring, row)).collect();
            for (row, waiting) in rows.zip(waiting) {
                assert_eq!(waiting.join().unwrap(), ReadError::PeerDied);
                assert!(sleeps(ring, row) - before[row] <= SLEEPS_MAX);
            }
        });
        assert_eq!(read.load(SeqCst), MESSAGES);
        assert!(many::all_free(ring), "{:?}", ring.mpmc_stats());
    }
}

#[test]
fn consumers_that_wait_get_all_and_are_told_that_the_producers_are_dead() {
    BOTH.into_iter().for_each(consumers_that_wait);
}

/// Threads that write to places that they have claimed.
const SCRIBBLERS: usize = 3;
const LEN: usize = 16 << 10;

/// Threads that write to their places for ever, and one that does nothing.
#[test]
#[ignore = "a process of the other tests"]
fn scribblers() {
    enter();
    let ring = Ring::open(PathBuf::from(variable("RINGBUF_TEST_RING"))).unwrap();
    let notes = Notes::open(&PathBuf::from(variable("RINGBUF_TEST_NOTES")));
    thread::scope(|scope| {
        for _ in 0..SCRIBBLERS {
            let mut producer = bytes::Producer::attach(&ring).unwrap();
            let notes = &notes;
            scope.spawn(move || {
                let mut claim = producer.claim_timeout(HANG).unwrap();
                notes.count_call(0);
                while notes.get(Note::Finish) == 0 {
                    black_box(&mut *claim).fill(1);
                }
            });
        }
    });
}

/// Kills such a process; the bytes that it stored to its places after others had them.
fn late_stores() -> usize {
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = |name: &str| directory.path().join(name);
    let options = Options::new()
        .capacity(CAPACITY)
        .slot_size(LEN as u64)
        .producers_max(u32::try_from(SCRIBBLERS).unwrap() + 1);
    let ring = Ring::create_mpmc_bytes(path("ring"), &options).unwrap();
    let notes = Notes::create(&path("notes"));
    let mut producer = bytes::Producer::attach(&ring).unwrap();
    let mut child = Child::spawn(
        "scribblers",
        &[
            ("RINGBUF_TEST_RING", path("ring").display().to_string()),
            ("RINGBUF_TEST_NOTES", path("notes").display().to_string()),
        ],
    );
    until("all threads to write", || notes.calls(0) == SCRIBBLERS as u64);
    (SCRIBBLERS as u64..CAPACITY).for_each(|_| producer.try_push(&[0; LEN]).unwrap());
    let writing = || ring.mpmc_stats().unwrap().lanes[0].writing;
    assert_eq!(writing(), SCRIBBLERS as u64);
    child.begin_to_kill();
    let start = Instant::now();
    while writing() > 0 {
        // Whoever comes sweeps.
        drop(bytes::Consumer::attach(&ring).unwrap());
        assert!(start.elapsed() < HANG);
    }
    (0..SCRIBBLERS).for_each(|_| producer.try_push(&[0; LEN]).unwrap());
    child.reap_killed();
    let mut consumer = bytes::Consumer::attach(&ring).unwrap();
    let messages: Vec<_> = (0..CAPACITY).map(|_| consumer.try_read().unwrap()).collect();
    messages.iter().flat_map(|view| view.iter()).filter(|&&byte| byte != 0).count()
}

#[test]
fn no_thread_of_the_dead_writes_to_what_was_given_up() {
    let kills = knob("RINGBUF_KILLS", 300).div_ceil(15);
    let late: usize = (0..kills).map(|_| late_stores()).sum();
    report(&format!("{kills} processes of {SCRIBBLERS} threads killed: {late} late stores"));
    assert_eq!(late, 0);
}
