//! Goal: a peer of a ring of many that is stopped, however long, keeps what it holds and
//! nothing else: nobody takes it, everybody goes on as far as the order of places lets
//! them, and once it goes on everything arrives. Killed while it is stopped, it is dead,
//! and what it held is recovered (P2).
//! Method: a process claims a place or takes a message, and is stopped by SIGSTOP. Others
//! come, sweep, time out, and go round the ring; what they get, and how far, is compared
//! for equality. Then it goes on, or is killed. The last test counts what it costs that a
//! place that is held holds up those that come to it (progress *fast* of FORMAT.md).

mod process;

use process::ends::Kind;
use process::many::{self, Consumer, KINDS, Producer};
use process::notes::{Note, Notes};
use process::random::Random;
use process::{Child, HANG, enter, number, report, until, variable};
use ringbuf_shm::{ClaimError, LaneStats, Options, PeerStats, Presence, ReadError, Ring, mpmc};
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

const CAPACITY: u64 = 64;
/// How often others come and sweep while a peer stands.
const SWEEPS: usize = 3;
/// Sleeps in which a blocked peer must get at what a dead one held.
const SLICES_MAX: u64 = 3;
/// What a process that holds something notes as its phase.
const HOLDS: u64 = 1;
const GAVE_BACK: u64 = 2;

/// What the process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
enum Role {
    Producer,
    Consumer,
}

/// The process that is stopped: holds one place, or one message, until told to finish.
#[test]
#[ignore = "a process of the other tests"]
fn holder() {
    enter();
    let kind = Kind::from_number(number("RINGBUF_TEST_KIND"));
    let ring = Ring::open(PathBuf::from(variable("RINGBUF_TEST_RING"))).unwrap();
    let notes = Notes::open(&PathBuf::from(variable("RINGBUF_TEST_NOTES")));
    let wait = || {
        notes.set(Note::Phase, HOLDS);
        until("the wish to finish", || notes.get(Note::Finish) != 0);
    };
    if number("RINGBUF_TEST_ROLE") == Role::Producer as u64 {
        let mut producer = Producer::attach(kind, &ring).unwrap();
        let claim = producer.claim(HANG).unwrap();
        wait();
        claim.commit(0).unwrap();
    } else {
        let mut consumer = Consumer::attach(kind, &ring).unwrap();
        let view = consumer.read(HANG).unwrap();
        assert_eq!((view.number(), view.redelivered()), (0, 0));
        wait();
        assert_eq!(view.number(), 0, "still whole");
        drop(view);
    }
    notes.set(Note::Phase, GAVE_BACK);
}

/// A ring on which the first place is held by a process that stands.
struct Scene {
    kind: Kind,
    role: Role,
    ring: Ring,
    notes: Notes,
    holder: Child,
    producer: Producer,
    consumer: Consumer,
    _directory: TempDir,
}

impl Scene {
    fn new(kind: Kind, role: Role) -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let path = |name: &str| directory.path().join(name);
        let options = Options::new()
            .capacity(CAPACITY)
            .producers_max(3)
            .consumers_max(3)
            .first_position(0u64.wrapping_sub(CAPACITY / 2));
        let ring = many::create(kind, &path("ring"), &options);
        let notes = Notes::create(&path("notes"));
        let mut producer = Producer::attach(kind, &ring).unwrap();
        let consumer = Consumer::attach(kind, &ring).unwrap();
        if role == Role::Consumer {
            producer.write(0, HANG).unwrap();
        }
        let mut holder = Child::spawn(
            "holder",
            &[
                ("RINGBUF_TEST_RING", path("ring").display().to_string()),
                ("RINGBUF_TEST_NOTES", path("notes").display().to_string()),
                ("RINGBUF_TEST_KIND", kind.number().to_string()),
                ("RINGBUF_TEST_ROLE", (role as u64).to_string()),
            ],
        );
        until("it to hold something", || {
            holder.assert_running();
            notes.get(Note::Phase) == HOLDS
        });
        holder.stop();
        Self { kind, role, ring, notes, holder, producer, consumer, _directory: directory }
    }

    fn lane(&self) -> LaneStats {
        self.ring.mpmc_stats().unwrap().lanes[0].clone()
    }

    fn stats_of_holder(&self) -> PeerStats {
        let stats = self.ring.mpmc_stats().unwrap();
        let peers = if self.role == Role::Producer { stats.producers } else { stats.consumers };
        peers[1].clone()
    }

    /// Others come, sweep and wait in vain, and the one that stands keeps what it has.
    fn sweep_in_vain(&mut self) {
        for _ in 0..SWEEPS {
            drop(Producer::attach(self.kind, &self.ring).unwrap());
            drop(Consumer::attach(self.kind, &self.ring).unwrap());
            let nothing = self.consumer.read(Duration::ZERO).err();
            assert_eq!(nothing, Some(ReadError::TimedOut));
            let (lane, holder) = (self.lane(), self.stats_of_holder());
            let held = if self.role == Role::Producer { lane.writing } else { lane.reading };
            assert_eq!((held, lane.orphans, holder.presence), (1, 0, Presence::Alive));
        }
    }

    /// While a claim stands, messages go in behind it as far as a lap, and none comes out.
    fn go_round_a_claim(&mut self) {
        for number in 1..CAPACITY {
            self.producer.write(number, HANG).unwrap();
        }
        self.assert_full();
        assert_eq!(self.consumer.try_read().err(), Some(ReadError::Busy));
        self.sweep_in_vain();
    }

    /// While a message is held, others pass it, as far as a lap.
    fn go_round_a_view(&mut self) {
        for number in 1..CAPACITY {
            self.producer.write(number, HANG).unwrap();
            assert_eq!(self.consumer.read(HANG).unwrap().number(), number);
        }
        self.assert_full();
        assert_eq!(self.lane().free, CAPACITY - 1, "though all others are free");
        assert_eq!(self.consumer.try_read().err(), Some(ReadError::Empty));
        self.sweep_in_vain();
    }

    fn assert_full(&mut self) {
        assert_eq!(self.producer.try_claim().err(), Some(ClaimError::Full));
        let late = self.producer.claim(Duration::from_millis(1)).err();
        assert_eq!(late, Some(ClaimError::TimedOut));
    }

    fn go_round(&mut self) {
        match self.role {
            Role::Producer => self.go_round_a_claim(),
            Role::Consumer => self.go_round_a_view(),
        }
    }

    /// The messages in `numbers` come next, for the first time, and a lap works again.
    fn assert_all_works(mut self, numbers: std::ops::Range<u64>) {
        let mut read = |numbers: std::ops::Range<u64>| {
            for number in numbers {
                let view = self.consumer.read(HANG).unwrap();
                assert_eq!((view.number(), view.redelivered()), (number, 0));
            }
        };
        read(numbers);
        (0..CAPACITY).for_each(|number| self.producer.write(number, HANG).unwrap());
        read(0..CAPACITY);
        assert!(many::all_free(&self.ring));
    }

    fn resume(mut self) {
        self.go_round();
        self.notes.set(Note::Finish, 1);
        assert_eq!(self.notes.get(Note::Phase), HOLDS, "it stands");
        self.holder.resume();
        let status = self.holder.wait();
        assert!(status.success(), "{status}");
        assert_eq!(self.notes.get(Note::Phase), GAVE_BACK);
        // What it had claimed comes first, since it claimed first.
        let numbers = if self.role == Role::Producer { 0..CAPACITY } else { 0..0 };
        self.assert_all_works(numbers);
    }

    /// Blocks a consumer on what the holder has, kills that, and counts the sleeps until
    /// the consumer gets on.
    fn kill(mut self) {
        self.go_round();
        let ring = self.ring.clone();
        let sleeps = || ring.mpmc_stats().unwrap().consumers[0].sleeps;
        let before = sleeps();
        self.consumer.set_spin(Duration::ZERO);
        let blocked = std::thread::spawn(move || {
            let view = self.consumer.read(Duration::MAX).unwrap();
            let found = (view.number(), view.redelivered());
            (found, self.consumer)
        });
        until("a consumer to sleep", || sleeps() > before);
        self.holder.kill();
        let before = sleeps();
        until("it to get on", || blocked.is_finished());
        assert!(sleeps() - before <= SLICES_MAX, "{} sleeps", sleeps() - before);
        let found;
        (found, self.consumer) = blocked.join().unwrap();
        // What was claimed was never committed; what was taken comes again.
        let (expected, left) = match self.role {
            Role::Producer => ((1, 0), 2..CAPACITY),
            Role::Consumer => ((0, 1), 0..0),
        };
        assert_eq!(found, expected);
        self.assert_all_works(left);
    }
}

#[test]
fn a_stopped_producer_keeps_its_claim_and_goes_on() {
    KINDS.iter().for_each(|&kind| Scene::new(kind, Role::Producer).resume());
}

#[test]
fn a_stopped_consumer_keeps_its_message_and_goes_on() {
    KINDS.iter().for_each(|&kind| Scene::new(kind, Role::Consumer).resume());
}

#[test]
fn what_a_producer_held_that_is_killed_while_it_is_stopped_is_recovered() {
    KINDS.iter().for_each(|&kind| Scene::new(kind, Role::Producer).kill());
}

#[test]
fn what_a_consumer_held_that_is_killed_while_it_is_stopped_is_recovered() {
    KINDS.iter().for_each(|&kind| Scene::new(kind, Role::Consumer).kill());
}

/// Sixteen workers that each keep a message for a while and give them back in any order
/// hold up the producer exactly when it comes round to a message that is still held: a
/// lap after that was written, however many other slots are free by then.
#[test]
fn workers_that_give_back_in_any_order_hold_up_a_producer_a_lap_later_only() {
    const WORKERS: u64 = 16;
    const MESSAGES: u64 = 100_000;
    let options = Options::new().capacity(CAPACITY);
    let mut producer = mpmc::Producer::<u64>::create_unnamed(&options).unwrap();
    let ring = producer.ring().clone();
    let mut workers: Vec<_> =
        (0..WORKERS).map(|_| mpmc::Consumer::<u64>::attach(&ring).unwrap()).collect();
    let mut held: Vec<Option<mpmc::View<u64>>> = workers.iter().map(|_| None).collect();
    let (mut random, mut written, mut waits, mut free_while_waiting) = (Random::new(16), 0, 0, 0);
    let mut read = 0;
    while written < MESSAGES {
        // One of the workers gives back what it has, or takes a message.
        let worker = usize::try_from(random.below(WORKERS)).unwrap();
        if held[worker].take().is_none() {
            match workers[worker].try_read() {
                Ok(view) => {
                    assert_eq!(*view, read, "in order, whoever asks");
                    read += 1;
                    held[worker] = Some(view);
                }
                Err(error) => assert_eq!((error, read), (ReadError::Empty, written)),
            }
        }
        let oldest = held.iter().flatten().map(|view| **view).min().unwrap_or(read);
        match producer.try_push(written) {
            Ok(()) => {
                assert!(written < oldest + CAPACITY);
                written += 1;
            }
            Err(refused) => {
                assert_eq!((refused.error, written), (ClaimError::Full, oldest + CAPACITY));
                waits += 1;
                free_while_waiting += ring.mpmc_stats().unwrap().lanes[0].free;
            }
        }
    }
    report(&format!(
        "sixteen workers, {CAPACITY} slots: {waits} attempts in {} found the ring full, when on \
         average {:.1} slots were free",
        waits + MESSAGES,
        free_while_waiting as f64 / waits as f64
    ));
    assert!(waits > 0 && free_while_waiting > 0, "a test in which nobody waits shows nothing");
}
