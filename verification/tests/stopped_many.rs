//! Goal: a peer of a Fast ring of many that is stopped, however long, keeps what it holds and
//! nothing else: nobody takes it, everybody goes on as far as the order of places lets
//! them, and once it goes on everything arrives. Killed while it is stopped, it is dead,
//! and what it held is recovered (P2).
//! Method: a process claims a place or takes a message, and is stopped by SIGSTOP. Others
//! come, sweep, time out, and go round the ring; what they get, and how far, is compared
//! for equality. Then it goes on, or is killed. Of Strict rings, see `stopped_strict`.

mod process;

use process::HANG;
use process::ends::Kind;
use process::holder::{Holder, Role, hold};
use process::many::{self, Consumer, KINDS, Producer};
use process::sleeper::Sleeper;
use ringbuf_shm::{ClaimError, LaneStats, Options, PeerStats, Presence, Progress, ReadError, Ring};
use std::time::Duration;
use tempfile::TempDir;

const CAPACITY: u64 = 64;
/// How often others come and sweep while a peer stands.
const SWEEPS: usize = 3;

/// The process that is stopped: holds one place, or one message, until told to finish.
#[test]
#[ignore = "a process of the other tests"]
fn holder() {
    hold();
}

/// A ring on which the first place is held by a process that stands.
struct Scene {
    kind: Kind,
    role: Role,
    ring: Ring,
    holder: Holder,
    producer: Producer,
    consumer: Consumer,
    _directory: TempDir,
}

impl Scene {
    fn new(kind: Kind, role: Role) -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let options = Options::new()
            .capacity(CAPACITY)
            .producers_max(3)
            .consumers_max(3)
            .first_position(0u64.wrapping_sub(CAPACITY / 2))
            .progress(Progress::Fast);
        let ring = many::create(kind, &directory.path().join("ring"), &options);
        let mut producer = Producer::attach(kind, &ring).unwrap();
        let consumer = Consumer::attach(kind, &ring).unwrap();
        if role == Role::Consumer {
            producer.write(0, HANG).unwrap();
        }
        let mut holder = Holder::start(directory.path(), 0, kind, role, 1);
        holder.child.stop();
        Self { kind, role, ring, holder, producer, consumer, _directory: directory }
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
        let expected: Vec<_> = numbers.map(|number| (number, 0)).collect();
        assert_eq!(many::read_all(&mut self.consumer), expected);
        many::check_lap(CAPACITY, &mut self.producer, &mut self.consumer);
        assert!(many::all_free(&self.ring));
    }

    fn resume(mut self) {
        self.go_round();
        self.holder.finish();
        assert!(!self.holder.gave_back(), "it stands");
        self.holder.child.resume();
        let status = self.holder.child.wait();
        assert!(status.success(), "{status}");
        assert!(self.holder.gave_back());
        // What it had claimed comes first, since it claimed first.
        let numbers = if self.role == Role::Producer { 0..CAPACITY } else { 0..0 };
        self.assert_all_works(numbers);
    }

    /// Blocks a consumer on what the holder has, kills that, and counts the sleeps until
    /// the consumer gets on.
    fn kill(mut self) {
        self.go_round();
        let blocked = Sleeper::start(self.consumer, &self.ring, 0);
        self.holder.child.kill();
        let before = blocked.sleeps();
        let found;
        (self.consumer, found) = blocked.wait_no_longer(before);
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
