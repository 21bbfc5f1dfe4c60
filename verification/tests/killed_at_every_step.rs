//! Goal: there is no instruction at which killing a process loses, tears, repeats or
//! strands a message, or keeps the other side asleep (P1, P2).
//! Method: a process does one operation, one instruction at a time (ptrace), and is
//! killed after the first, the second, … the last. Each time the test takes over the
//! dead one's seat, and finds what was there before, or that and the operation, and
//! nothing else; then a message goes through. Positions pass 2^64 in the operation,
//! and records the end of the array.
//!
//! `RINGBUF_STEPS` is about how many instructions may be stepped for one operation
//! (10,000): the kills are spread over it, and there are two for every
//! change of a word of the protocol. With 0 there is one for every instruction.

mod process;

use process::course::Course;
use process::ends::{Consumer, KINDS, Kind, Producer, Seen};
use process::notes::Notes;
use process::trace::{Tracee, operate};
use process::words::{
    CONSUMER_ROW, DATA_EVENT, DROPPED, DROPPING, HEAD, PRODUCER_ROW, ROOM_EVENT, TAIL, TAKEN, Words,
};
use process::{Child, HANG, enter, knob, message, number, report, until, variable};
use ringbuf_shm::{Options, Predecessor, ReadError, Redelivery, Ring};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The words whose changes make a difference to others.
const WATCHED: [usize; 9] =
    [PRODUCER_ROW, CONSUMER_ROW, TAIL, HEAD, TAKEN, DROPPING, DROPPED, DATA_EVENT, ROOM_EVENT];

/// What the process does while it is stepped. What is in front of it is done before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    /// Commit the third message.
    Write,
    /// Commit the second and the third with one commit.
    WriteBatch,
    /// Commit the third message, for which the consumer sleeps.
    Wake,
    /// Look at the third message in place, and release it.
    Read,
    /// Look at the second and the third, and release both.
    ReadBatch,
    /// Take the third message out by value.
    Pop,
    /// Follow a producer that died.
    AttachProducer,
    /// Follow a consumer that died and had taken two of three messages.
    AttachConsumer,
}

use Operation::{AttachConsumer, AttachProducer, Pop, Read, ReadBatch, Wake, Write, WriteBatch};
use Outcome::{After, Before, Taken};

const OPERATIONS: [Operation; 8] =
    [Write, WriteBatch, Wake, Read, ReadBatch, Pop, AttachProducer, AttachConsumer];

impl Operation {
    /// How many of three messages are committed, or released, in front of it.
    fn done_before(self) -> u64 {
        match self {
            Write | Wake | Read | Pop => 2,
            WriteBatch | ReadBatch => 1,
            AttachProducer | AttachConsumer => 0,
        }
    }

    fn of_producer(self) -> bool {
        matches!(self, Write | WriteBatch | Wake | AttachProducer)
    }
}

/// The number of the first message: the first of three short ones, which fit in the
/// smallest ring of records.
fn first_number() -> u64 {
    let short = |number: &u64| (*number..number + 4).all(|number| message::len(number) < 100);
    (0..).find(short).unwrap()
}

/// Where the ring begins, so that the third message is the first after the wrap.
fn first_position(kind: Kind) -> u64 {
    let first = first_number();
    let before = (first..first + 2).fold(0, |at, number| kind.after(1 << 32, at, number));
    // The padding in front of the third record.
    let padding = if kind == Kind::Records { 16 } else { 0 };
    0u64.wrapping_sub(before + padding)
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
    let (first, done) = (first_number(), operation.done_before());
    match operation {
        Write | WriteBatch | Wake => {
            let mut producer = Producer::attach(kind, &ring).unwrap();
            (first..first + done).for_each(|number| producer.write(number, 1, HANG).unwrap());
            operate(&notes, || producer.write(first + done, 3 - done, HANG)).unwrap();
        }
        Read | ReadBatch | Pop => {
            let mut consumer = Consumer::attach(kind, &ring).unwrap();
            (0..done).for_each(|_| _ = consumer.read(1, HANG, |_| 1).unwrap());
            match &mut consumer {
                Consumer::Slots(consumer) if operation == Pop => {
                    operate(&notes, || consumer.pop_timeout(HANG)).unwrap();
                }
                consumer => {
                    operate(&notes, || consumer.read(3 - done, HANG, |seen| seen.len() as u64))
                        .unwrap();
                }
            }
        }
        AttachProducer => drop(operate(&notes, || Producer::attach(kind, &ring)).unwrap()),
        AttachConsumer => drop(operate(&notes, || Consumer::attach(kind, &ring)).unwrap()),
    }
}

/// What was found after a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// Nothing had happened.
    Before,
    /// The messages had been shown, and came again.
    Taken,
    /// The operation had happened.
    After,
}

/// The side that lives on, which made the ring.
enum Other {
    Producer(Producer),
    Consumer(Consumer),
    /// A consumer that waits for the third message, and what it gets.
    Sleeper(JoinHandle<(Consumer, Result<Option<Seen>, ReadError>)>),
}

impl Other {
    /// Gets ready for `operation`, in front of which the victim stands.
    fn prepare(self, operation: Operation) -> Self {
        let Self::Consumer(mut consumer) = self else { return self };
        if operation != Wake {
            return Self::Consumer(consumer);
        }
        (0..operation.done_before()).for_each(|_| _ = read_one(&mut consumer, HANG).unwrap());
        let ring = consumer.ring().clone();
        let sleeps = || ring.stats().unwrap().consumer.sleeps;
        let before = sleeps();
        consumer.set_spin(Duration::ZERO);
        let sleeper = std::thread::spawn(move || {
            // Without end: the one at the end of a wait is not to hide a missing look.
            let found = read_one(&mut consumer, Duration::MAX);
            (consumer, found)
        });
        until("a consumer to sleep", || sleeps() > before);
        Self::Sleeper(sleeper)
    }
}

/// A ring, and a process that is about to do its operation on it.
struct Trial {
    kind: Kind,
    operation: Operation,
    ring: Ring,
    other: Other,
    notes: Notes,
    child: Child,
    _directory: TempDir,
}

impl Trial {
    fn new(kind: Kind, operation: Operation) -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let (path, notes) = (directory.path().join("ring"), directory.path().join("notes"));
        let other = make(kind, operation, &path);
        let index = OPERATIONS.iter().position(|&other| other == operation).unwrap();
        let variables = [
            ("RINGBUF_TEST_RING", path.display().to_string()),
            ("RINGBUF_TEST_NOTES", notes.display().to_string()),
            ("RINGBUF_TEST_KIND", kind.number().to_string()),
            ("RINGBUF_TEST_OPERATION", index.to_string()),
        ];
        let notes = Notes::create(&notes);
        let child = Child::spawn("victim", &variables);
        let ring = Ring::open(path).unwrap();
        Self { kind, operation, ring, other, notes, child, _directory: directory }
    }

    /// How the operation goes when it is left alone. `None`: tracing is not permitted.
    fn course(self) -> Option<Course> {
        let words = Words::of(&self.ring);
        let look = || WATCHED.map(|word| words.load(word));
        let mut tracee = Tracee::meet(self.child, &self.notes)?;
        let _other = self.other.prepare(self.operation);
        Some(Course::of(&mut tracee, look))
    }

    /// Kills after so many instructions, and says what is found then. `None`: the
    /// operation was over before.
    fn kill_after(self, steps: u64) -> Option<Outcome> {
        let mut tracee = Tracee::meet(self.child, &self.notes).unwrap();
        let other = self.other.prepare(self.operation);
        let killed = (0..steps).all(|_| tracee.step());
        drop(tracee);
        let outcome = match other {
            Other::Consumer(consumer) => follow_producer(self.kind, self.operation, consumer),
            Other::Producer(producer) => follow_consumer(self.kind, self.operation, producer),
            Other::Sleeper(sleeper) => {
                until("the sleeper to find out", || sleeper.is_finished());
                let (consumer, found) = sleeper.join().unwrap();
                follow_waker(self.kind, consumer, found)
            }
        };
        killed.then_some(outcome)
    }
}

/// Makes the ring, with the other side on it and what is to be read in it.
fn make(kind: Kind, operation: Operation, path: &Path) -> Other {
    let capacity = kind.capacity(4);
    let options = Options::new().capacity(capacity).first_position(first_position(kind));
    if operation.of_producer() {
        let consumer = Consumer::create(kind, path, &options).unwrap();
        if operation == AttachProducer {
            Words::of(consumer.ring()).store(PRODUCER_ROW, dead(0));
        }
        return Other::Consumer(consumer);
    }
    let dropping = operation == AttachConsumer;
    let redelivery = if dropping { Redelivery::Drop } else { Redelivery::Redeliver };
    let mut producer = Producer::create(kind, path, &options.redelivery(redelivery)).unwrap();
    let first = first_number();
    (first..first + 3).for_each(|number| producer.write(number, 1, HANG).unwrap());
    if dropping {
        let words = Words::of(producer.ring());
        let taken = (first..first + 2)
            .fold(first_position(kind), |at, number| kind.after(capacity, at, number));
        words.store(TAKEN, taken);
        words.store(CONSUMER_ROW, dead(1));
    }
    Other::Producer(producer)
}

/// The state of `row` after its first holder died.
fn dead(row: u64) -> u64 {
    let (incarnation, held) = (1, 2);
    (incarnation << 12 | row) << 3 | held
}

/// Takes the place of a dead producer.
fn follow_producer(kind: Kind, operation: Operation, mut consumer: Consumer) -> Outcome {
    let (first, done) = (first_number(), operation.done_before());
    let mut producer = Producer::attach(kind, consumer.ring()).unwrap();
    assert_eq!(producer.predecessor(), Predecessor::Died);
    let found: Vec<_> = std::iter::from_fn(|| read_now(&mut consumer)).collect();
    let committed = found.len() as u64;
    let expected: Vec<_> =
        (first..first + committed).map(|number| Seen { number, redelivered: false }).collect();
    assert_eq!(found, expected);
    let outcome = match committed {
        count if count == done => Before,
        3 => After,
        other => panic!("{other} messages are committed"),
    };
    producer.write(first + committed, 1, HANG).unwrap();
    assert_eq!(read_now(&mut consumer).unwrap().number, first + committed);
    outcome
}

/// Takes the place of a dead consumer.
fn follow_consumer(kind: Kind, operation: Operation, mut producer: Producer) -> Outcome {
    let (first, done) = (first_number(), operation.done_before());
    let mut consumer = Consumer::attach(kind, producer.ring()).unwrap();
    assert_eq!(consumer.predecessor(), Predecessor::Died);
    producer.write(first + 3, 1, HANG).unwrap();
    let found: Vec<_> = std::iter::from_fn(|| read_now(&mut consumer)).collect();
    let dropped = producer.ring().stats().unwrap().dropped;
    if operation == AttachConsumer {
        assert_eq!((found[0].number, found.len(), dropped), (first + 2, 2, 2));
        assert!(found.iter().all(|seen| !seen.redelivered));
        return After;
    }
    assert_eq!(dropped, 0);
    let again = found.iter().take_while(|seen| seen.redelivered).count() as u64;
    let released = 4 - found.len() as u64;
    for (seen, expected) in found.iter().zip(first + released..) {
        let redelivered = expected < first + released + again;
        assert_eq!(*seen, Seen { number: expected, redelivered });
    }
    match (released, again) {
        (3, 0) => After,
        (left, 0) if left == done => Before,
        (left, again) if left == done && again == 3 - done => Taken,
        other => panic!("released and shown: {other:?}"),
    }
}

/// Takes the place of a producer that died while its consumer slept, and looks at
/// what the consumer got.
fn follow_waker(
    kind: Kind,
    mut consumer: Consumer,
    found: Result<Option<Seen>, ReadError>,
) -> Outcome {
    let third = first_number() + 2;
    let mut producer = Producer::attach(kind, consumer.ring()).unwrap();
    let outcome = match found {
        Ok(seen) => {
            assert_eq!(seen, Some(Seen { number: third, redelivered: false }));
            After
        }
        Err(ReadError::PeerDied) => Before,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(read_now(&mut consumer), None);
    let next = third + u64::from(outcome == After);
    producer.write(next, 1, HANG).unwrap();
    assert_eq!(read_now(&mut consumer).unwrap().number, next);
    outcome
}

fn read_one(consumer: &mut Consumer, most: Duration) -> Result<Option<Seen>, ReadError> {
    let mut found = None;
    consumer.read(1, most, |seen| {
        found = seen.first().copied();
        1
    })?;
    Ok(found)
}

fn read_now(consumer: &mut Consumer) -> Option<Seen> {
    match read_one(consumer, Duration::ZERO) {
        Ok(found) => found,
        Err(ReadError::TimedOut) => None,
        Err(error) => panic!("{error}"),
    }
}

/// Kills at every step, or at as many as asked for, and checks that every expected
/// outcome was seen and no other.
fn kill_at_every_step(kind: Kind, operation: Operation, expected: &[Outcome]) {
    let start = Instant::now();
    let Some(course) = Trial::new(kind, operation).course() else {
        report("SKIPPED: this process may not trace its children");
        return;
    };
    let seen: Vec<_> = course
        .kills(knob("RINGBUF_STEPS", 10_000))
        .into_iter()
        .filter_map(|steps| Trial::new(kind, operation).kill_after(steps))
        .collect();
    report(&format!(
        "killed at every step of {operation:?} in {kind:?}: {} kills over {} instructions, \
         {:.1?}",
        seen.len(),
        course.length,
        start.elapsed()
    ));
    for outcome in &seen {
        assert!(expected.contains(outcome), "{outcome:?}");
    }
    for outcome in expected {
        assert!(seen.contains(outcome), "never {outcome:?}");
    }
}

#[test]
fn a_producer_of_typed_slots_killed_at_any_instruction_committed_all_or_nothing() {
    kill_at_every_step(Kind::Slots, Write, &[Before, After]);
    kill_at_every_step(Kind::Slots, WriteBatch, &[Before, After]);
}

#[test]
fn a_producer_of_byte_slots_killed_at_any_instruction_committed_all_or_nothing() {
    kill_at_every_step(Kind::Bytes, Write, &[Before, After]);
}

#[test]
fn a_producer_of_records_killed_at_any_instruction_committed_all_or_nothing() {
    kill_at_every_step(Kind::Records, Write, &[Before, After]);
}

#[test]
fn a_producer_killed_at_any_instruction_leaves_no_consumer_asleep() {
    kill_at_every_step(Kind::Slots, Wake, &[Before, After]);
}

#[test]
fn a_consumer_of_typed_slots_killed_at_any_instruction_leaves_what_it_had_not_released() {
    kill_at_every_step(Kind::Slots, Read, &[Before, Taken, After]);
    kill_at_every_step(Kind::Slots, ReadBatch, &[Before, Taken, After]);
    kill_at_every_step(Kind::Slots, Pop, &[Before, Taken, After]);
}

#[test]
fn a_consumer_of_byte_slots_killed_at_any_instruction_leaves_what_it_had_not_released() {
    kill_at_every_step(Kind::Bytes, Read, &[Before, Taken, After]);
}

#[test]
fn a_consumer_of_records_killed_at_any_instruction_leaves_what_it_had_not_released() {
    kill_at_every_step(Kind::Records, Read, &[Before, Taken, After]);
}

#[test]
fn a_producer_killed_while_it_follows_another_is_followed_itself() {
    for kind in KINDS {
        kill_at_every_step(kind, AttachProducer, &[Before]);
    }
}

#[test]
fn a_consumer_killed_while_it_drops_what_another_held_leaves_the_count_exact() {
    for kind in KINDS {
        kill_at_every_step(kind, AttachConsumer, &[After]);
    }
}
