//! Goal: in a Strict ring of many, a peer that is stopped holds nobody up. It keeps its slot,
//! and nothing else: everybody goes on with all the others, for as many laps as they like.
//! Once it goes on, its commit succeeds and its message comes exactly once, behind the
//! others; or its message is as it was. Killed while it is stopped, it is dead, and what it
//! held is recovered (P1, P2).
//! Method: as in `stopped_many`: a process claims a place, or takes a message, or one does
//! this and another that, and is stopped by SIGSTOP. Others go round the ring; what they get,
//! and how far, is compared for equality. They do not spin, and have no time to wait, so
//! each of their calls that finds nothing looks once for a way past who is in the way.

mod process;

use process::HANG;
use process::ends::Kind;
use process::holder::{Holder, Role, hold};
use process::many::{self, Consumer, KINDS, Producer};
use ringbuf_shm::{ClaimError, Options, Progress, Ring};
use std::time::Duration;
use tempfile::TempDir;

const CAPACITY: u64 = 64;
/// Laps that others go round while a peer stands.
const LAPS: u64 = 10;
/// Messages that nobody has read when it goes on, or is killed.
const UNREAD: u64 = 3;

/// The process that is stopped: holds one place, or one message, until told to finish.
#[test]
#[ignore = "a process of the other tests"]
fn holder() {
    hold();
}

/// A ring on which the first slots are held by processes that stand.
struct Scene {
    kind: Kind,
    roles: &'static [Role],
    ring: Ring,
    holders: Vec<Holder>,
    producer: Producer,
    consumer: Consumer,
    /// The number of the next message. The holders' are number 0.
    next: u64,
    _directory: TempDir,
}

impl Scene {
    fn new(kind: Kind, roles: &'static [Role]) -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let options = Options::new()
            .capacity(CAPACITY)
            .producers_max(3)
            .consumers_max(3)
            .first_position(0u64.wrapping_sub(CAPACITY / 2))
            .progress(Progress::Strict);
        let ring = many::create(kind, &directory.path().join("ring"), &options);
        let mut producer = Producer::attach(kind, &ring).unwrap();
        let mut consumer = Consumer::attach(kind, &ring).unwrap();
        producer.set_spin(Duration::ZERO);
        consumer.set_spin(Duration::ZERO);
        let start = |(number, &role): (u64, &Role)| {
            if role == Role::Consumer {
                producer.write(0, HANG).unwrap();
            }
            let mut holder = Holder::start(directory.path(), number, kind, role, 1);
            holder.child.stop();
            holder
        };
        let holders = (0..).zip(roles).map(start).collect();
        Self { kind, roles, ring, holders, producer, consumer, next: 1, _directory: directory }
    }

    /// Writes so many messages, without waiting, and says what they will be read as.
    fn write(&mut self, count: u64) -> Vec<(u64, u8)> {
        let numbers = self.next..self.next + count;
        self.next = numbers.end;
        let write = |number| {
            self.producer.write(number, Duration::ZERO).unwrap();
            (number, 0)
        };
        numbers.map(write).collect()
    }

    /// All slots but theirs take a message and give it back, lap after lap.
    fn go_round(&mut self) {
        for _ in 0..LAPS {
            let written = self.write(CAPACITY - self.holders.len() as u64);
            let nothing = self.producer.claim(Duration::ZERO).err();
            assert_eq!(nothing, Some(ClaimError::TimedOut), "no slot is free");
            assert_eq!(many::read_all(&mut self.consumer), written);
        }
        self.sweep_in_vain();
    }

    /// Others come and sweep, and those who stand keep what they have.
    fn sweep_in_vain(&self) {
        self.sweep();
        let lane = self.ring.mpmc_stats().unwrap().lanes[0].clone();
        assert_eq!([lane.writing, lane.reading], self.held());
        assert_eq!((lane.free, lane.orphans), (CAPACITY - self.holders.len() as u64, 0));
    }

    /// Whoever comes sweeps.
    fn sweep(&self) {
        drop(Producer::attach(self.kind, &self.ring).unwrap());
        drop(Consumer::attach(self.kind, &self.ring).unwrap());
    }

    /// How many slots are held by producers, and by consumers.
    fn held(&self) -> [u64; 2] {
        [Role::Producer, Role::Consumer].map(|role| u64::from(self.roles.contains(&role)))
    }

    fn resume(mut self) {
        self.go_round();
        let mut expected = self.write(UNREAD);
        for holder in &mut self.holders {
            holder.finish();
            assert!(!holder.gave_back(), "it stands");
            holder.child.resume();
            let status = holder.child.wait();
            assert!(status.success(), "{status}");
            assert!(holder.gave_back());
        }
        // What was claimed before all others is behind those that were committed before it.
        let [moved, _] = self.held();
        expected.extend((0..moved).map(|number| (number, 0)));
        self.assert_all_works(expected);
    }

    fn kill(mut self) {
        self.go_round();
        let written = self.write(UNREAD);
        self.holders.iter_mut().for_each(|holder| holder.child.kill());
        self.sweep();
        // What was claimed was never committed; what was taken comes again, and first.
        let [_, again] = self.held();
        let expected = (0..again).map(|number| (number, 1)).chain(written).collect();
        self.assert_all_works(expected);
    }

    /// These messages come next, and then a lap works again, with every slot.
    fn assert_all_works(mut self, expected: Vec<(u64, u8)>) {
        assert_eq!(many::read_all(&mut self.consumer), expected);
        assert!(many::all_free(&self.ring), "{:?}", self.ring.mpmc_stats());
        many::check_lap(CAPACITY, &mut self.producer, &mut self.consumer);
        assert!(many::all_free(&self.ring), "{:?}", self.ring.mpmc_stats());
    }
}

const BOTH: [Role; 2] = [Role::Consumer, Role::Producer];

#[test]
fn others_pass_a_stopped_producer_and_its_message_comes_once_behind_theirs() {
    KINDS.iter().for_each(|&kind| Scene::new(kind, &[Role::Producer]).resume());
}

#[test]
fn others_pass_a_stopped_consumer_and_it_finds_its_message_as_it_was() {
    KINDS.iter().for_each(|&kind| Scene::new(kind, &[Role::Consumer]).resume());
}

#[test]
fn others_pass_a_stopped_producer_and_a_stopped_consumer_at_once() {
    KINDS.iter().for_each(|&kind| Scene::new(kind, &BOTH).resume());
}

#[test]
fn the_slot_of_a_producer_that_was_passed_and_killed_comes_back() {
    KINDS.iter().for_each(|&kind| Scene::new(kind, &[Role::Producer]).kill());
}

#[test]
fn the_message_of_a_consumer_that_was_passed_and_killed_comes_again() {
    KINDS.iter().for_each(|&kind| Scene::new(kind, &[Role::Consumer]).kill());
}

#[test]
fn what_both_held_that_were_passed_and_killed_is_recovered() {
    KINDS.iter().for_each(|&kind| Scene::new(kind, &BOTH).kill());
}
