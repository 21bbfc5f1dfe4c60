//! Goal: there is no instruction at which killing a peer of a ring of many loses, tears,
//! repeats or strands a message, keeps a slot or a seat, or leaves anybody asleep
//! (P1, P2, P8).
//! Method: a process does one operation, one instruction at a time (ptrace), and is
//! killed after the first, the second, … the last. Others, who live on, then find what
//! was there before, or that and the operation, and nothing else; and every slot and
//! every seat serves again. Rings of values have one lane, those of bytes have two.
//! Positions, and laps, wrap in the operation.
//!
//! `RINGBUF_STEPS` is about how many instructions may be stepped for one operation
//! (3,000): the kills are spread over it, and there is one after every change of a word
//! of the protocol. With 0 there is one for every instruction.

mod process;

use process::course::{Course, Moment};
use process::ends::Kind;
use process::many::{self, Consumer, KINDS, Producer};
use process::notes::Notes;
use process::places::{FULL, Places, READING, STATE_MASK, WRITING};
use process::trace::{Tracee, operate};
use process::{Child, HANG, enter, knob, number, report, until, variable};
use ringbuf_shm::{ClaimError, Options, ReadError, Redelivery, Ring};
use std::mem::forget;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Seats on each side: of one who lives, the victim, and one who died before.
const SEATS: u32 = 3;
const DEAD_PRODUCER: u64 = 2;
const DEAD_CONSUMER: u64 = SEATS as u64 + 2;
const CAPACITY: u64 = 64;
/// Where the third message stands: at position 0, behind the wrap.
const THIRD: u64 = 0;
/// In how many sleeps a sleeper must find out by itself.
const SLICES_MAX: u64 = 3;

/// What the process does while it is stepped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    /// Claim the third place.
    Claim,
    /// Commit the third message, whose place is claimed.
    Commit,
    /// Give the third place up.
    Abort,
    /// Push the third message.
    Push,
    /// Push the third message, for which a consumer sleeps.
    Wake,
    /// Take a producer's seat, where a dead one has claimed the third place.
    AttachProducer,
    DropProducer,
    /// Take the third message.
    Read,
    /// Give the third message back.
    Release,
    /// Take the third message out by value.
    Pop,
    /// Look for a message where there is none.
    Nothing,
    /// Give up what the dead have: the third message was being read, the fourth place
    /// being written, the fifth message is there. Then take a message.
    Sweep,
    /// The same, where what the dead held is dropped.
    SweepDropping,
    /// Take a consumer's seat, where a dead one was reading the third message.
    AttachConsumer,
    DropConsumer,
}

use Operation::{
    Abort, AttachConsumer, AttachProducer, Claim, Commit, DropConsumer, DropProducer, Nothing, Pop,
    Push, Read, Release, Sweep, SweepDropping, Wake,
};

const OPERATIONS: [Operation; 15] = [
    Claim,
    Commit,
    Abort,
    Push,
    Wake,
    AttachProducer,
    DropProducer,
    Read,
    Release,
    Pop,
    Nothing,
    Sweep,
    SweepDropping,
    AttachConsumer,
    DropConsumer,
];

/// What those who live on found: numbers, and how often each had been shown before; and
/// how many messages were dropped.
type Found = (Vec<(u64, u8)>, u64);

impl Operation {
    /// Messages written, and read, in front of it.
    fn before(self) -> (u64, u64) {
        match self {
            Claim | Commit | Abort | Push | AttachProducer | DropProducer => (2, 0),
            Wake | Nothing => (2, 2),
            Read | Release | Pop | AttachConsumer | DropConsumer => (3, 2),
            Sweep | SweepDropping => (5, 2),
        }
    }

    /// What may be found after it was cut short anywhere; each must be, some time.
    fn expected(self) -> Vec<Found> {
        let fresh = |numbers: &[u64]| (numbers.iter().map(|&number| (number, 0)).collect(), 0);
        match self {
            Claim | Abort | AttachProducer | DropProducer => vec![fresh(&[1, 2])],
            Commit | Push => vec![fresh(&[1, 2]), fresh(&[1, 2, 3])],
            Wake => vec![fresh(&[]), fresh(&[3])],
            Read => vec![fresh(&[3]), (vec![(3, 1)], 0)],
            Release => vec![(vec![(3, 1)], 0), fresh(&[])],
            Pop => vec![fresh(&[3]), (vec![(3, 1)], 0), fresh(&[])],
            Nothing => vec![fresh(&[])],
            Sweep => vec![(vec![(3, 1), (5, 0)], 0), (vec![(3, 2), (5, 0)], 0)],
            SweepDropping => vec![(vec![(5, 0)], 1), (vec![], 2)],
            AttachConsumer => vec![(vec![(3, 1)], 0)],
            DropConsumer => vec![fresh(&[3])],
        }
    }
}

fn lanes(kind: Kind) -> u32 {
    if kind == Kind::Slots { 1 } else { 2 }
}

/// The lane in which it all happens.
fn lane(kind: Kind) -> u32 {
    lanes(kind) - 1
}

fn attach_producer(kind: Kind, ring: &Ring) -> Producer {
    let mut producer = Producer::attach(kind, ring).unwrap();
    producer.set_lane(lane(kind)).unwrap();
    producer
}

/// The process that is killed.
#[test]
#[ignore = "a process of the other tests"]
fn victim() {
    enter();
    let kind = Kind::from_number(number("RINGBUF_TEST_KIND"));
    let operation = OPERATIONS[usize::try_from(number("RINGBUF_TEST_OPERATION")).unwrap()];
    let ring = Ring::open(PathBuf::from(variable("RINGBUF_TEST_RING"))).unwrap();
    let notes = Notes::open(&PathBuf::from(variable("RINGBUF_TEST_NOTES")));
    match operation {
        AttachProducer => forget(operate(&notes, || attach_producer(kind, &ring))),
        AttachConsumer => forget(operate(&notes, || Consumer::attach(kind, &ring))),
        Claim | Commit | Abort | Push | Wake | DropProducer => {
            write(operation, attach_producer(kind, &ring), &notes);
        }
        _ => {
            let consumer = Consumer::attach(kind, &ring).unwrap();
            // Not before: whoever comes sweeps.
            if matches!(operation, Sweep | SweepDropping) {
                let places = Places::of(&ring);
                places.give_slot(lane(kind), THIRD, DEAD_CONSUMER, READING);
                places.give_slot(lane(kind), THIRD + 1, DEAD_PRODUCER, WRITING);
            }
            read(operation, consumer, &notes);
        }
    }
}

fn write(operation: Operation, mut producer: Producer, notes: &Notes) {
    match operation {
        Claim => forget(operate(notes, || producer.claim(HANG)).unwrap()),
        Commit | Abort => {
            let claim = producer.claim(HANG).unwrap();
            if operation == Commit {
                operate(notes, || claim.commit(3)).unwrap();
            } else {
                operate(notes, || drop(claim));
            }
        }
        Push | Wake => operate(notes, || producer.push(3, HANG)).unwrap(),
        _ => operate(notes, || drop(producer)),
    }
}

fn read(operation: Operation, mut consumer: Consumer, notes: &Notes) {
    match operation {
        Read => forget(operate(notes, || consumer.read(HANG)).unwrap()),
        Release => {
            let view = consumer.read(HANG).unwrap();
            operate(notes, || drop(view));
        }
        Pop => match &mut consumer {
            Consumer::Slots(consumer) => _ = operate(notes, || consumer.pop_timeout(HANG)).unwrap(),
            Consumer::Bytes(_) => panic!("bytes are not taken out by value"),
        },
        Nothing => assert_eq!(operate(notes, || none(&mut consumer)), ReadError::TimedOut),
        // A call whose time is up sweeps, and looks once more.
        Sweep | SweepDropping => forget(operate(notes, || consumer.read(Duration::ZERO)).unwrap()),
        _ => operate(notes, || drop(consumer)),
    }
}

fn none(consumer: &mut Consumer) -> ReadError {
    consumer.read(Duration::ZERO).err().unwrap()
}

/// A ring, those who live on, and a process that is about to do its operation.
struct Trial {
    kind: Kind,
    operation: Operation,
    ring: Ring,
    places: Places,
    producer: Producer,
    consumer: Consumer,
    notes: Notes,
    child: Child,
    _directory: TempDir,
}

impl Trial {
    fn new(kind: Kind, operation: Operation) -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let path = |name: &str| directory.path().join(name);
        let dropping = operation == SweepDropping;
        let options = Options::new()
            .capacity(CAPACITY)
            .lanes(lanes(kind))
            .producers_max(SEATS)
            .consumers_max(SEATS)
            .first_position(THIRD.wrapping_sub(2))
            .redelivery(if dropping { Redelivery::Drop } else { Redelivery::Redeliver });
        let ring = many::create(kind, &path("ring"), &options);
        let (places, notes) = (Places::of(&ring), Notes::create(&path("notes")));
        let mut producer = attach_producer(kind, &ring);
        let mut consumer = Consumer::attach(kind, &ring).unwrap();
        let (written, read) = operation.before();
        (1..=written).for_each(|number| producer.write(number, HANG).unwrap());
        (1..=read).for_each(|number| assert_eq!(consumer.read(HANG).unwrap().number(), number));
        [DEAD_PRODUCER, DEAD_CONSUMER].iter().for_each(|&row| places.kill_row(row));
        match operation {
            AttachProducer => places.give_slot(lane(kind), THIRD, DEAD_PRODUCER, WRITING),
            AttachConsumer => places.give_slot(lane(kind), THIRD, DEAD_CONSUMER, READING),
            _ => {}
        }
        let index = OPERATIONS.iter().position(|&other| other == operation).unwrap();
        let variables = [
            ("RINGBUF_TEST_RING", path("ring").display().to_string()),
            ("RINGBUF_TEST_NOTES", path("notes").display().to_string()),
            ("RINGBUF_TEST_KIND", kind.number().to_string()),
            ("RINGBUF_TEST_OPERATION", index.to_string()),
        ];
        let child = Child::spawn("victim", &variables);
        Self {
            kind,
            operation,
            ring,
            places,
            producer,
            consumer,
            notes,
            child,
            _directory: directory,
        }
    }

    /// The words whose changes make a difference to others.
    fn watched(places: &Places, kind: Kind) -> Vec<u64> {
        let lane = lane(kind);
        let slots = (0..3).flat_map(|index| [places.state(lane, index), places.fate(lane, index)]);
        let rows = (0..u64::from(2 * SEATS)).map(|row| places.row(row));
        let event = places.data_event();
        let others = [
            places.tail(lane),
            places.head(lane),
            places.orphans(lane),
            places.occupied(),
            places.departures(),
            event,
            event + 128,
        ];
        slots.chain(rows).chain(others).map(|at| places.words.load(at)).collect()
    }

    /// How the operation goes when it is left alone. `None`: tracing is not permitted.
    fn course(self) -> Option<Course> {
        let mut tracee = Tracee::meet(self.child, &self.notes)?;
        let sleeper =
            (self.operation == Wake).then(|| Sleeper::start(self.consumer, self.ring.clone()));
        let course = Course::of(&mut tracee, || Self::watched(&self.places, self.kind));
        drop(tracee);
        if let Some(sleeper) = sleeper {
            assert_eq!(sleeper.wait().1, 3);
        }
        Some(course)
    }

    /// Kills at this moment, and says what is found then. `None`: the operation was over
    /// before.
    fn kill_at(mut self, moment: Moment) -> Option<Found> {
        let mut tracee = Tracee::meet(self.child, &self.notes).unwrap();
        let (places, kind) = (&self.places, self.kind);
        let kill = || {
            let killed = moment.reach(&mut tracee, || Self::watched(places, kind));
            drop(tracee);
            killed
        };
        if self.operation == Wake {
            let sleeper = Sleeper::start(self.consumer, self.ring.clone());
            let killed = kill();
            let (consumer, found) = sleeper.after_kill(&self.places, self.kind, &mut self.producer);
            let found = (found, 0);
            check_all_works(self.kind, &self.ring, self.producer, consumer);
            return killed.then_some(found);
        }
        let killed = kill();
        let mut found = found_by(&mut self.consumer);
        // Orphans are found before or after the others.
        found.sort_unstable();
        let dropped = self.ring.mpmc_stats().unwrap().dropped;
        check_all_works(self.kind, &self.ring, self.producer, self.consumer);
        killed.then_some((found, dropped))
    }
}

/// Everything that there is to read.
fn found_by(consumer: &mut Consumer) -> Vec<(u64, u8)> {
    let mut found = Vec::new();
    // A call whose time is up sweeps, and looks once more.
    loop {
        match consumer.read(Duration::ZERO) {
            Ok(view) => found.push((view.number(), view.redelivered())),
            Err(error) => {
                assert_eq!(error, ReadError::TimedOut);
                return found;
            }
        }
    }
}

/// Every slot of every lane takes a message and gives it back, once and in order, and
/// every seat can be taken.
fn check_all_works(kind: Kind, ring: &Ring, mut producer: Producer, mut consumer: Consumer) {
    for lane in 0..lanes(kind) {
        producer.set_lane(lane).unwrap();
        (0..CAPACITY).for_each(|number| producer.write(number, HANG).unwrap());
        assert_eq!(producer.try_claim().err(), Some(ClaimError::Full));
        let expected: Vec<_> = (0..CAPACITY).map(|number| (number, 0)).collect();
        assert_eq!(found_by(&mut consumer), expected);
    }
    assert!(many::all_free(ring), "{:?}", ring.mpmc_stats());
    let free = SEATS as usize - 1;
    many::take_every_seat(kind, ring, free, free);
    drop(producer);
    assert!(matches!(consumer.read(HANG).err(), Some(ReadError::Closed | ReadError::PeerDied)));
}

/// A consumer that waits, without end, for the third message or the one after it.
struct Sleeper {
    thread: JoinHandle<(Consumer, u64)>,
    ring: Ring,
}

impl Sleeper {
    fn start(mut consumer: Consumer, ring: Ring) -> Self {
        consumer.set_spin(Duration::ZERO);
        let before = Self::sleeps(&ring);
        let thread = std::thread::spawn(move || {
            // Without end: the one at the end of a wait is not to hide a missing look.
            let number = consumer.read(Duration::MAX).unwrap().number();
            (consumer, number)
        });
        until("a consumer to sleep", || Self::sleeps(&ring) > before);
        Self { thread, ring }
    }

    fn sleeps(ring: &Ring) -> u64 {
        ring.mpmc_stats().unwrap().consumers[0].sleeps
    }

    fn wait(self) -> (Consumer, u64) {
        until("the sleeper to find out", || self.thread.is_finished());
        self.thread.join().unwrap()
    }

    /// What it has, after who was to wake it was killed. What was committed it must find
    /// by itself.
    fn after_kill(
        self,
        places: &Places,
        kind: Kind,
        producer: &mut Producer,
    ) -> (Consumer, Vec<(u64, u8)>) {
        let before = Self::sleeps(&self.ring);
        let state = places.words.load(places.state(lane(kind), THIRD)) & STATE_MASK;
        let committed = state == FULL || state == READING || self.thread.is_finished();
        if !committed {
            producer.write(4, HANG).unwrap();
            let (consumer, number) = self.wait();
            assert_eq!(number, 4);
            return (consumer, vec![]);
        }
        let ring = self.ring.clone();
        let (consumer, number) = self.wait();
        assert!(Self::sleeps(&ring) - before <= SLICES_MAX, "slept on");
        (consumer, vec![(number, 0)])
    }
}

/// Kills at every step, or at as many as asked for, and checks that everything expected
/// was found and nothing else.
fn kill_at_every_step(kind: Kind, operation: Operation) {
    let start = Instant::now();
    let Some(course) = Trial::new(kind, operation).course() else {
        report("SKIPPED: this process may not trace its children");
        return;
    };
    let seen: Vec<_> = course
        .moments(knob("RINGBUF_STEPS", 3000))
        .into_iter()
        .filter_map(|moment| Trial::new(kind, operation).kill_at(moment))
        .collect();
    report(&format!(
        "killed at every step of {operation:?} in {kind:?} of many: {} kills over {} \
         instructions, {:.1?}",
        seen.len(),
        course.length,
        start.elapsed()
    ));
    let expected = operation.expected();
    for found in &seen {
        assert!(expected.contains(found), "{operation:?} in {kind:?}: {found:?}");
    }
    for found in &expected {
        assert!(seen.contains(found), "{operation:?} in {kind:?}: never {found:?}");
    }
}

fn kill_each(operations: &[Operation]) {
    for &operation in operations {
        KINDS.into_iter().for_each(|kind| kill_at_every_step(kind, operation));
    }
}

#[test]
fn a_producer_killed_at_any_instruction_committed_all_or_nothing() {
    kill_each(&[Claim, Commit, Abort, Push]);
}

#[test]
fn a_producer_killed_at_any_instruction_leaves_no_consumer_asleep() {
    kill_each(&[Wake]);
}

#[test]
fn a_consumer_killed_at_any_instruction_leaves_what_it_had_not_released() {
    kill_each(&[Read, Release]);
    kill_at_every_step(Kind::Slots, Pop);
    // Where that is noted.
    kill_at_every_step(Kind::Bytes, Nothing);
}

// Long operations, each in rings of one kind: what they do is the same in both.

#[test]
fn who_is_killed_while_it_sweeps_leaves_everything_to_be_swept_again() {
    kill_at_every_step(Kind::Bytes, Sweep);
    kill_at_every_step(Kind::Slots, SweepDropping);
}

#[test]
fn who_is_killed_while_it_comes_keeps_no_seat() {
    kill_at_every_step(Kind::Slots, AttachProducer);
    kill_at_every_step(Kind::Bytes, AttachConsumer);
}

#[test]
fn who_is_killed_while_it_leaves_keeps_no_seat() {
    kill_each(&[DropProducer, DropConsumer]);
}
