//! A broadcast ring with those who live on, and a process that is about to do an operation
//! on it, one instruction at a time.

use super::operation::*;
use super::places::{FREE, HELD, LOSSLESS, OPEN, Places, TAKEN};
use crate::process::course::Course;
use crate::process::notes::Notes;
use crate::process::trace::Tracee;
use crate::process::{Child, HANG, until};
use ringbuf_shm::broadcast::bytes::{Publisher, Subscriber, View};
use ringbuf_shm::broadcast::{Delivery, Join, Start};
use ringbuf_shm::{Options, ReadError, Ring};
use std::time::Duration;
use tempfile::TempDir;

const CAPACITY: u64 = 4;
const SUBSCRIBERS: u32 = 5;
const VIEWS_MAX: u32 = 10;
/// The rows of dead subscribers.
const DEAD: [u64; 2] = [4, 5];
/// Messages published in front of the operation: more than the ring keeps. Positions, and
/// laps, wrap behind them.
const BEFORE: u64 = 6;
/// The position of the next message.
pub(crate) const NEXT: u64 = 0;
const FIRST: u64 = NEXT.wrapping_sub(BEFORE);
/// For subscribers that are in the way, where there is one.
const PATIENCE: Duration = Duration::from_millis(1);

/// Those who live on.
pub(crate) struct Others {
    pub(crate) ring: Ring,
    pub(crate) places: Places,
    /// Unless the process is the publisher.
    pub(crate) publisher: Option<Publisher>,
    /// A lossless subscriber, which has read everything so far, or nothing (`Evict`).
    pub(crate) all: Subscriber,
    pub(crate) some: Subscriber,
    pub(crate) newest: Subscriber,
    /// Messages that the ring does not keep any more.
    held: Vec<View>,
}

/// A ring, those who live on, and a process that is about to do its operation.
pub(crate) struct Trial {
    pub(crate) operation: Operation,
    pub(crate) others: Others,
    pub(crate) notes: Notes,
    pub(crate) child: Child,
    _directory: TempDir,
}

impl Trial {
    /// `is_patient`: the publisher waits for lossless subscribers however long it takes.
    pub(crate) fn new(operation: Operation, is_patient: bool) -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let path = |name: &str| directory.path().join(name);
        let options = Options::new()
            .capacity(CAPACITY)
            .slot_size(LEN as u64)
            .subscribers_max(SUBSCRIBERS)
            .views_max(VIEWS_MAX)
            .reader_patience((!is_patient || operation == Evict).then_some(PATIENCE))
            .first_position(FIRST)
            .reopen(true);
        let ring = Ring::create_broadcast_bytes(path("ring"), &options).unwrap();
        let others = Others::new(ring, operation);
        let notes = Notes::create(&path("notes"));
        let variables = [
            ("RINGBUF_TEST_RING", path("ring").display().to_string()),
            ("RINGBUF_TEST_NOTES", path("notes").display().to_string()),
            ("RINGBUF_TEST_OPERATION", operation.number().to_string()),
        ];
        let child = Child::spawn("victim", &variables);
        Self { operation, others, notes, child, _directory: directory }
    }

    /// How many system calls the operation makes before it changes a word. `None`: tracing
    /// is not permitted.
    ///
    /// Who comes opens files first, in many instructions that concern nobody else.
    pub(crate) fn calls_in_front(self) -> Option<u64> {
        let mut tracee = Tracee::meet(self.child, &self.notes)?;
        let look = || watched(&self.others.places);
        let before = look();
        (0..).find(|_| !tracee.step_over_call() || look() != before)
    }

    /// How the operation goes behind so many calls when it is left alone.
    pub(crate) fn course(self, calls_in_front: u64) -> Course {
        let mut tracee = Tracee::meet(self.child, &self.notes).unwrap();
        let Others { places, mut all, .. } = self.others;
        std::thread::scope(|scope| {
            if self.operation == Wake {
                scope.spawn(move || drop(all.read_timeout(HANG)));
                until("it to sleep", || places.sleeps(1) > 0);
            }
            pass_calls(&mut tracee, calls_in_front);
            let course = Course::of(&mut tracee, || watched(&places));
            // Who sleeps finds out.
            drop(tracee);
            course
        })
    }
}

/// Lets the process make so many calls of its operation.
pub(crate) fn pass_calls(tracee: &mut Tracee<'_>, calls: u64) {
    assert!((0..calls).all(|_| tracee.step_over_call()));
}

/// The words whose changes make a difference to others.
pub(crate) fn watched(places: &Places) -> Vec<u64> {
    let rows = (0..places.rows).map(|row| places.row(row));
    let lives = (1..places.rows).flat_map(|row| [places.life(row), places.cursor(row)]);
    let cells = (0..places.cells).map(|cell| places.cell(cell));
    let entries = (0..places.capacity).map(|index| places.entry(index));
    let slots = (0..places.slots).map(|slot| places.progress(slot));
    let events = [places.data_event(), places.data_event() + 128];
    let words = [places.tail(), places.floor()].into_iter().chain(events);
    let all = words.chain(rows).chain(lives).chain(cells).chain(entries).chain(slots);
    all.map(|at| places.words.load(at)).collect()
}

impl Others {
    fn new(ring: Ring, operation: Operation) -> Self {
        let mut publisher = Publisher::attach(&ring).unwrap();
        let join = |delivery, views| {
            let join = Join::new(delivery).start(Start::Oldest).views(views);
            let mut subscriber = Subscriber::attach(&ring, join).unwrap();
            subscriber.set_spin(Duration::ZERO);
            subscriber
        };
        let mut all = join(Delivery::Lossless, 2);
        let (mut some, newest) = (join(Delivery::Lossy, 2), join(Delivery::Latest, 1));
        let mut held = vec![];
        let whole = matches!(operation, TakeOverBegun | TakeOverWhole);
        for number in 0..BEFORE + u64::from(whole) {
            publish(&mut publisher, HANG).unwrap();
            // What stands in its way; or what is published, perhaps.
            let is_left = operation == Evict && number >= BEFORE - CAPACITY || number == BEFORE;
            if !is_left {
                drop(all.try_read().unwrap());
            }
            match number {
                0 | 1 => held.push(some.try_read().unwrap()),
                BEFORE.. => {}
                _ => assert_eq!(some.try_read().unwrap_err(), ReadError::AllHeld),
            }
        }
        let places = Places::of(&ring);
        let publisher = if operation.is_of_publisher() {
            drop(publisher);
            None
        } else {
            Some(publisher)
        };
        let mut others = Self { ring, places, publisher, all, some, newest, held };
        if whole {
            others.unpublish(operation == TakeOverBegun);
        }
        if operation.joins() {
            others.bury();
        }
        others
    }

    /// As if a publisher had died over the last message.
    fn unpublish(&mut self, is_open: bool) {
        let (words, places) = (&self.places.words, &self.places);
        words.store(places.tail(), NEXT);
        // It had left.
        words.store(places.row(0), places.who(0) | HELD);
        if is_open {
            let entry = words.load(places.entry(NEXT % CAPACITY));
            let slot = (entry & 0xFF_FFFF) - 1;
            words.store(places.progress(slot), (LEN as u64 / 2) << 3 | OPEN);
        }
    }

    /// Makes lossless subscribers that died: they had read nothing, and the last one held
    /// a view.
    fn bury(&mut self) {
        let (words, places) = (&self.places.words, &self.places);
        for row in DEAD {
            places.kill_row(row);
            words.store(places.cursor(row), FIRST);
            words.store(places.life(row), 1 << 32 | Places::first_who(row) | LOSSLESS);
        }
        let cell = (0..places.cells).find(|&cell| words.load(places.cell(cell)) == FREE).unwrap();
        words.store(places.cell(cell), 1 << 32 | Places::first_who(DEAD[1]) | TAKEN);
    }

    pub(crate) fn check_held(&self) {
        for view in &self.held {
            assert_eq!(**view, message(view.position()), "held, and torn");
        }
    }

    /// Publishes some messages, and the lossless subscriber gets them. They wait for
    /// nobody who is dead.
    pub(crate) fn pass(&mut self, messages: u64, time: Duration) {
        let publisher = self.publisher.as_mut().unwrap();
        for _ in 0..messages {
            let position = publisher.position();
            publish(publisher, time).unwrap();
            let view = self.all.try_read().unwrap();
            assert_eq!((view.position(), &*view), (position, &message(position)[..]));
        }
    }

    /// Everything works, and everything that the dead had comes back.
    pub(crate) fn check_all_works(mut self) {
        // Whoever asks and waits no time finds out at once who is dead.
        self.pass(3 * self.places.slots, Duration::ZERO);
        self.check_held();
        let last = self.publisher.as_ref().unwrap().position().wrapping_sub(1);
        for subscriber in [&mut self.some, &mut self.newest] {
            if subscriber.delivery() == Delivery::Lossy {
                self.held.clear();
            }
            let mut position = None;
            loop {
                match subscriber.try_read() {
                    Ok(view) => {
                        assert_eq!(*view, message(view.position()), "torn");
                        position = Some(view.position());
                    }
                    Err(error) => break assert_eq!(error, ReadError::Empty),
                }
            }
            assert_eq!(position, Some(last));
        }
        let Self { ring, places, publisher, all, some, newest, held } = self;
        drop((all, some, newest, held));
        let mut publisher = publisher.unwrap();
        let join = |views| {
            let join = Join::new(Delivery::Lossless).start(Start::Newest).views(views);
            Subscriber::attach(&ring, join).unwrap()
        };
        // Every row, and every cell.
        let rest = VIEWS_MAX - (SUBSCRIBERS - 1);
        let mut subscribers = vec![join(rest)];
        subscribers.extend((1..SUBSCRIBERS).map(|_| join(1)));
        let mut held = vec![];
        for count in 0..3 * places.slots {
            publish(&mut publisher, Duration::ZERO).unwrap();
            for (number, subscriber) in subscribers.iter_mut().enumerate() {
                let view = subscriber.try_read().unwrap();
                if number == 0 && count < u64::from(rest) - 1 {
                    held.push(view);
                }
            }
        }
        held.iter().for_each(|view| assert_eq!(**view, message(view.position())));
        drop((held, subscribers));
        until("nobody to be left", || places.is_left());
    }
}
