//! A ring of many with those who live on, and a process that is about to do an operation
//! on it, one instruction at a time.

use super::Child;
use super::HANG;
use super::course::Course;
use super::ends::Kind;
use super::many::{self, Consumer, Producer};
use super::notes::Notes;
use super::operation::*;
use super::places::{Places, READING, WRITING};
use super::sleeper::Sleeper;
use super::trace::Tracee;
use ringbuf_shm::{Options, ReadError, Ring};
use tempfile::TempDir;

/// A ring, those who live on, and a process that is about to do its operation.
pub(crate) struct Trial {
    pub(crate) kind: Kind,
    pub(crate) operation: Operation,
    pub(crate) ring: Ring,
    pub(crate) places: Places,
    pub(crate) producer: Producer,
    pub(crate) consumer: Consumer,
    pub(crate) notes: Notes,
    pub(crate) child: Child,
    _directory: TempDir,
}

impl Trial {
    pub(crate) fn new(kind: Kind, operation: Operation) -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let path = |name: &str| directory.path().join(name);
        let options = Options::new()
            .capacity(CAPACITY)
            .lanes(lanes(kind))
            .producers_max(SEATS)
            .consumers_max(SEATS)
            .first_position(THIRD.wrapping_sub(2))
            .redelivery(operation.redelivery());
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
    pub(crate) fn watched(places: &Places, kind: Kind) -> Vec<u64> {
        let lane = lane(kind);
        let slots = (0..6).flat_map(|index| [places.state(lane, index), places.fate(lane, index)]);
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
    pub(crate) fn course(self) -> Option<Course> {
        let mut tracee = Tracee::meet(self.child, &self.notes)?;
        let sleeper =
            (self.operation == Wake).then(|| Sleeper::start(self.consumer, &self.ring, 0));
        let course = Course::of(&mut tracee, || Self::watched(&self.places, self.kind));
        drop(tracee);
        if let Some(sleeper) = sleeper {
            assert_eq!(sleeper.wait().1, (3, 0));
        }
        let lane = lane(self.kind);
        let is_moved = |hint| self.places.words.load(hint) != THIRD.wrapping_sub(2);
        match self.operation {
            PushHinting => assert!(is_moved(self.places.tail(lane))),
            PopHinting => assert!(is_moved(self.places.head(lane))),
            _ => {}
        }
        Some(course)
    }
}

/// Every slot of every lane takes a message and gives it back, once and in order, and
/// every seat can be taken.
pub(crate) fn check_all_works(
    kind: Kind,
    ring: &Ring,
    mut producer: Producer,
    mut consumer: Consumer,
) {
    for lane in 0..lanes(kind) {
        producer.set_lane(lane).unwrap();
        many::check_lap(CAPACITY, &mut producer, &mut consumer);
    }
    assert!(many::all_free(ring), "{:?}", ring.mpmc_stats());
    let free = SEATS as usize - 1;
    many::take_every_seat(kind, ring, free, free);
    drop(producer);
    assert!(matches!(consumer.read(HANG).err(), Some(ReadError::Closed | ReadError::PeerDied)));
}
