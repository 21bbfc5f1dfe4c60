//! Goal: in broadcast rings, too, no system call per message while everybody is awake; and
//! a whole group that sleeps is woken by one (P4).
//! Method: as in `silent`: a process publishes, or reads, while every system call it makes
//! stops it for the test (ptrace), which counts them; and the ring's own counters of
//! sleeps, wakes and probes stand still. Of a group, the process waits without a system
//! call until all have gone to sleep again.

mod process;

use process::broadcast::holder::DELIVERIES;
use process::broadcast::places::Places;
use process::notes::Notes;
use process::trace::{Tracee, operate};
use process::{Child, HANG, enter, number, report, variable};
use ringbuf_shm::broadcast::{self, Delivery, Join, Start, bytes};
use ringbuf_shm::{Options, ReadError, Ring, Sleeper};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Messages passed, and among them those before the counting, so that what is done once is.
const MESSAGES: u64 = 20_000;
const WARM_UP: u64 = 10;
/// Messages of which each piece is waited for: both sides need a processor for each.
const FOLLOWED: u64 = 2_000;
/// System calls to find out whether somebody lives.
const CALLS_PER_PROBE: u64 = 4;
/// Messages for a group that sleeps.
const WAKE_UPS: u64 = 20;
const GROUP_MAX: u32 = 8;
const LEN: usize = 64;
/// Of one that is published piece by piece.
const PIECE: usize = 32;
/// Longer than any test: who waits spins.
const ALWAYS: Duration = Duration::from_secs(3600);

/// What the traced process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
enum Role {
    /// Publishes, and reads by every contract, in turn.
    Both,
    Publisher,
    Lossless,
    Lossy,
    /// Reads what is published piece by piece meanwhile, and waits for each piece.
    Follower,
    /// Publishes whenever all subscribers sleep.
    Waker,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
enum Shape {
    /// Values in the entries.
    Ticks,
    /// Values in a pool.
    Values,
    Bytes,
    /// Bytes, piece by piece.
    Parts,
}

const SHAPES: [Shape; 4] = [Shape::Ticks, Shape::Values, Shape::Bytes, Shape::Parts];

enum Publisher {
    Values(broadcast::Publisher<u64>),
    Bytes(bytes::Publisher),
    Parts(bytes::Publisher),
}

enum Subscriber {
    Values(broadcast::Subscriber<u64>),
    Bytes(bytes::Subscriber),
    Parts(bytes::Subscriber),
}

impl Publisher {
    fn attach(shape: Shape, ring: &Ring) -> Self {
        match shape {
            Shape::Ticks | Shape::Values => {
                Self::Values(broadcast::Publisher::attach(ring).unwrap())
            }
            Shape::Bytes => Self::Bytes(bytes::Publisher::attach(ring).unwrap()),
            Shape::Parts => Self::Parts(bytes::Publisher::attach(ring).unwrap()),
        }
    }

    fn publish(&mut self) {
        match self {
            Self::Values(publisher) => publisher.push_timeout(7, HANG).unwrap(),
            Self::Bytes(publisher) => publisher.push_timeout(&[7; LEN], HANG).unwrap(),
            Self::Parts(_) => self.publish_when(|_| true),
        }
    }

    /// Begins, and publishes the pieces once somebody has come so far.
    fn publish_when(&mut self, there: impl Fn(u64) -> bool) {
        match self {
            Self::Values(_) | Self::Bytes(_) => panic!("not piece by piece"),
            Self::Parts(publisher) => {
                let mut begun = publisher.claim_timeout(HANG).unwrap().begin().unwrap();
                spin_until(|| there(begun.position()));
                for _ in 0..LEN / PIECE {
                    begun.rest_mut()[..PIECE].fill(7);
                    begun.advance(PIECE).unwrap();
                }
                begun.commit().unwrap();
            }
        }
    }
}

impl Subscriber {
    fn attach(shape: Shape, ring: &Ring, delivery: Delivery) -> Self {
        // All that is there, of those who want more than one.
        let start = if delivery == Delivery::Latest { Start::Newest } else { Start::Oldest };
        let join = Join::new(delivery).start(start).views(1);
        match shape {
            Shape::Ticks | Shape::Values => {
                Self::Values(broadcast::Subscriber::attach(ring, join).unwrap())
            }
            Shape::Bytes => Self::Bytes(bytes::Subscriber::attach(ring, join).unwrap()),
            Shape::Parts => Self::Parts(bytes::Subscriber::attach(ring, join).unwrap()),
        }
    }

    fn set_spin(&mut self, spin: Duration) {
        match self {
            Self::Values(subscriber) => subscriber.set_spin(spin),
            Self::Bytes(subscriber) | Self::Parts(subscriber) => subscriber.set_spin(spin),
        }
    }

    fn read(&mut self, time: Duration) -> Result<(), ReadError> {
        match self {
            Self::Values(subscriber) => assert_eq!(subscriber.pop_timeout(time)?, 7),
            Self::Bytes(subscriber) => assert_eq!(*subscriber.read_timeout(time)?, [7; LEN]),
            Self::Parts(subscriber) => {
                let part = subscriber.read_part_timeout(time)?;
                for piece in 0..=LEN / PIECE {
                    let bytes = part.wait_for_timeout(piece * PIECE, time)?;
                    assert!(bytes.iter().all(|&byte| byte == 7));
                }
            }
        }
        Ok(())
    }
}

/// Waits without a system call.
fn spin_until(done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < HANG);
        std::hint::spin_loop();
    }
}

/// The process that is traced.
#[test]
#[ignore = "a process of the other tests"]
fn talker() {
    enter();
    let ring = Ring::open(PathBuf::from(variable("RINGBUF_TEST_RING"))).unwrap();
    let notes = Notes::open(&PathBuf::from(variable("RINGBUF_TEST_NOTES")));
    let shape = SHAPES[usize::try_from(number("RINGBUF_TEST_SHAPE")).unwrap()];
    let role = number("RINGBUF_TEST_ROLE");
    if role == Role::Waker as u64 {
        let mut publisher = Publisher::attach(shape, &ring);
        let (places, group) = (Places::of(&ring), number("RINGBUF_TEST_GROUP"));
        let sleeps = |row| places.sleeps(row);
        operate(&notes, || {
            let mut before = [0; GROUP_MAX as usize + 1];
            for _ in 0..WAKE_UPS {
                for row in 1..=group {
                    let last = &mut before[usize::try_from(row).unwrap()];
                    spin_until(|| sleeps(row) > *last);
                }
                for row in 1..=group {
                    before[usize::try_from(row).unwrap()] = sleeps(row);
                }
                publisher.publish();
            }
        });
        return;
    }
    let mut publisher = (role <= Role::Publisher as u64).then(|| Publisher::attach(shape, &ring));
    let deliveries = match role {
        role if role == Role::Both as u64 => &DELIVERIES[..],
        role if role == Role::Lossless as u64 => &[Delivery::Lossless],
        role if role == Role::Follower as u64 => &[Delivery::Lossless],
        role if role == Role::Lossy as u64 => &[Delivery::Lossy],
        _ => &[],
    };
    let mut subscribers: Vec<_> = deliveries
        .iter()
        .map(|&delivery| {
            let mut subscriber = Subscriber::attach(shape, &ring, delivery);
            subscriber.set_spin(ALWAYS);
            subscriber
        })
        .collect();
    let mut pass = |messages: u64| {
        for _ in 0..messages {
            if let Some(publisher) = &mut publisher {
                publisher.publish();
            }
            for subscriber in &mut subscribers {
                subscriber.read(HANG).unwrap();
            }
        }
    };
    let messages = if role == Role::Follower as u64 { FOLLOWED } else { MESSAGES };
    pass(WARM_UP);
    operate(&notes, || pass(messages - WARM_UP));
}

struct Stage {
    shape: Shape,
    ring: Ring,
    places: Places,
    notes: Notes,
    directory: TempDir,
}

impl Stage {
    fn new(shape: Shape, capacity: u64, sleeper: Sleeper) -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let options = Options::new()
            .capacity(capacity)
            .subscribers_max(GROUP_MAX)
            .views_max(GROUP_MAX)
            .reopen(true)
            .sleeper(sleeper);
        let path = directory.path().join("ring");
        let ring = match shape {
            Shape::Ticks => Ring::create_broadcast::<u64>(path, &options),
            Shape::Values => Ring::create_broadcast::<u64>(path, &options.in_place(true)),
            _ => Ring::create_broadcast_bytes(path, &options.slot_size(LEN as u64)),
        };
        let ring = ring.unwrap();
        assert_eq!(ring.shape().name() == "ticks", shape == Shape::Ticks);
        let notes = Notes::create(&directory.path().join("notes"));
        Self { shape, places: Places::of(&ring), ring, notes, directory }
    }

    fn spawn(&self, role: Role, group: u32) -> Child {
        let path = |name: &str| self.directory.path().join(name).display().to_string();
        Child::spawn(
            "talker",
            &[
                ("RINGBUF_TEST_RING", path("ring")),
                ("RINGBUF_TEST_NOTES", path("notes")),
                ("RINGBUF_TEST_SHAPE", (self.shape as u64).to_string()),
                ("RINGBUF_TEST_ROLE", (role as u64).to_string()),
                ("RINGBUF_TEST_GROUP", group.to_string()),
            ],
        )
    }

    /// Runs the traced process, and checks that it makes no system call.
    fn assert_silent(&self, role: Role) {
        match Tracee::meet(self.spawn(role, 0), &self.notes) {
            None => report("SKIPPED: this process may not trace its children"),
            Some(mut tracee) => {
                let calls = tracee.count_system_calls();
                assert_eq!(calls, 0, "calls of {role:?} with {:?}", self.shape);
            }
        }
    }

    /// What the ring counted of all: sleeps, wakes, probes.
    fn counters(&self) -> [u64; 3] {
        let sum = |of: &dyn Fn(u64) -> u64| (0..self.places.rows).map(of).sum();
        let places = &self.places;
        [
            sum(&|row| places.sleeps(row)),
            sum(&|row| places.wakes(row)),
            sum(&|row| places.probes(row)),
        ]
    }
}

#[test]
fn all_ends_in_turn_make_no_system_call() {
    for shape in SHAPES {
        for sleeper in [Sleeper::Futex, Sleeper::Spin] {
            // Messages stay in the ring, or are overwritten all the time.
            for capacity in [4, 1024] {
                let stage = Stage::new(shape, capacity, sleeper);
                stage.assert_silent(Role::Both);
                assert_eq!(stage.counters(), [0; 3], "{shape:?}");
            }
        }
    }
}

#[test]
fn a_publisher_makes_no_system_call_while_subscribers_are_awake() {
    for shape in SHAPES {
        let stage = Stage::new(shape, 2 * MESSAGES, Sleeper::Futex);
        let readers = DELIVERIES.map(|delivery| {
            let mut subscriber = Subscriber::attach(shape, &stage.ring, delivery);
            subscriber.set_spin(ALWAYS);
            std::thread::spawn(move || {
                // The publisher is killed, once it has published all.
                while !matches!(subscriber.read(HANG), Err(ReadError::PeerDied)) {}
            })
        });
        stage.assert_silent(Role::Publisher);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        assert_eq!((stage.counters()[0], stage.counters()[1]), (0, 0), "{shape:?}");
    }
}

#[test]
fn a_subscriber_makes_no_system_call_while_there_is_something_to_read() {
    for shape in SHAPES {
        for role in [Role::Lossless, Role::Lossy] {
            let stage = Stage::new(shape, 2 * MESSAGES, Sleeper::Futex);
            let mut publisher = Publisher::attach(shape, &stage.ring);
            (0..MESSAGES).for_each(|_| publisher.publish());
            stage.assert_silent(role);
            assert_eq!(stage.counters(), [0; 3], "{shape:?}");
        }
    }
}

#[test]
fn a_subscriber_makes_no_system_call_while_it_spins_for_the_next_piece() {
    let stage = Stage::new(Shape::Parts, 2 * MESSAGES, Sleeper::Futex);
    let mut publisher = Publisher::attach(Shape::Parts, &stage.ring);
    let child = stage.spawn(Role::Follower, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let it = "it to join";
            process::until(it, || stage.places.words.load(stage.places.life(1)) != 1);
            // Nothing is shown before it looks, and so it waits.
            let cursor = stage.places.cursor(1);
            let there = |position: u64| stage.places.words.load(cursor) == position + 1;
            (0..FOLLOWED).for_each(|_| publisher.publish_when(there));
        });
        match Tracee::meet(child, &stage.notes) {
            None => report("SKIPPED: this process may not trace its children"),
            Some(mut tracee) => {
                let calls = tracee.count_system_calls();
                // Whoever waits for a whole slice asks the kernel who lives.
                let asked = stage.places.probes(1);
                assert!(calls <= CALLS_PER_PROBE * asked, "{calls} calls, {asked} questions");
            }
        }
    });
}

#[test]
fn one_call_wakes_a_whole_group() {
    for shape in SHAPES {
        for group in [1, GROUP_MAX] {
            let stage = Stage::new(shape, 1024, Sleeper::Futex);
            let child = stage.spawn(Role::Waker, group);
            let Some(mut tracee) = Tracee::meet(child, &stage.notes) else {
                report("SKIPPED: this process may not trace its children");
                return;
            };
            let sleepers = (0..group).map(|number| {
                let delivery = DELIVERIES[number as usize % DELIVERIES.len()];
                let mut subscriber = Subscriber::attach(shape, &stage.ring, delivery);
                subscriber.set_spin(Duration::ZERO);
                std::thread::spawn(move || {
                    let mut got = 0;
                    loop {
                        match subscriber.read(HANG) {
                            Ok(()) => got += 1,
                            Err(ReadError::PeerDied) => return got,
                            Err(error) => panic!("{error}"),
                        }
                    }
                })
            });
            let sleepers: Vec<_> = sleepers.collect();
            let calls = tracee.count_system_calls();
            drop(tracee);
            let got: Vec<u64> = sleepers.into_iter().map(|one| one.join().unwrap()).collect();
            assert_eq!(calls, stage.places.wakes(0), "a call is a wake-up");
            // Begun, each of its pieces, and committed.
            let times = if shape == Shape::Parts { 2 + (LEN / PIECE) as u64 } else { 1 };
            assert!((1..=WAKE_UPS * times).contains(&calls), "{calls} calls for {WAKE_UPS}");
            assert!(got.iter().all(|&got| got > 0), "{got:?}");
            report(&format!(
                "silent broadcast: {calls} wake-ups for {WAKE_UPS} messages, {shape:?}, {group} asleep"
            ));
        }
    }
}
