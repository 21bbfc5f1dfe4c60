//! Goal: in broadcast rings, too, a sleeper is always woken, never left to the end of its
//! slice: a subscriber of any contract that waits for a message, or for the next piece of
//! one, alone or with others, and a publisher that waits for room (P4).
//! Method: processes that never spin send messages to and fro, so that all sleep all the
//! time; then a publisher floods a ring of two messages that lossless subscribers empty. A
//! call that takes about as long as a slice was slept through. A busy machine is late now
//! and then; more than one in two hundred is not the machine. `RINGBUF_ROUND_TRIPS` is how
//! many there are of each kind (10,000), half of them with full fences; of messages there
//! are more where nobody slept for so many.

mod process;

use process::broadcast::holder::DELIVERIES;
use process::broadcast::places::Places;
use process::notes::{Note, Notes};
use process::{Child, HANG, enter, knob, number, report, variable};
use ringbuf_shm::broadcast::{self, Delivery, Join, Start, bytes};
use ringbuf_shm::{Fence, Options, ReadError, Ring, SLICE};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Round trips, or messages, of each test.
const TRIPS: u64 = 10_000;
/// Full ones, and by default those that the kernel offers.
const FENCES: [Option<Fence>; 2] = [Some(Fence::Full), None];
/// A sleeper that is not woken goes on about a slice later.
const LATE: Duration = SLICE.saturating_sub(Duration::from_millis(10));
const LEN: usize = 8;
const GROUP_MAX: u64 = 4;
/// How an echo reads, besides those of each contract: piece by piece.
const IN_PARTS: u64 = 3;
/// The same, and it answers each piece.
const BY_PIECE: u64 = 4;

fn trips() -> u64 {
    knob("RINGBUF_ROUND_TRIPS", TRIPS) / 2
}

/// A test of sleeping in which nobody sleeps shows nothing.
fn sleeps_min() -> u64 {
    trips() / 1000
}

/// In each process, and in all of them. One moment without a processor makes all late.
fn late_max() -> u64 {
    trips() / 200 + 1
}

/// Counts what was late, and gives up when that is too much to be the machine's doing.
#[derive(Default)]
struct Late(u64);

impl Late {
    /// Whether a call took long.
    fn time<T>(&mut self, call: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = call();
        self.0 += u64::from(start.elapsed() > LATE);
        assert!(self.0 <= late_max(), "{} were slept through", self.0);
        result
    }
}

/// What the messages of a ring are: a number each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// In bytes that are published in two pieces.
    Bytes,
    /// As values that stand in the entries.
    Ticks,
}

enum Publisher {
    Bytes(bytes::Publisher),
    Ticks(broadcast::Publisher<u64>),
}

enum Subscriber {
    Bytes(bytes::Subscriber),
    Ticks(broadcast::Subscriber<u64>),
}

fn is_of_ticks(ring: &Ring) -> bool {
    ring.shape().name() == "ticks"
}

fn publisher_on(ring: &Ring) -> Publisher {
    if is_of_ticks(ring) {
        let mut publisher = broadcast::Publisher::attach(ring).unwrap();
        publisher.set_spin(Duration::ZERO);
        Publisher::Ticks(publisher)
    } else {
        Publisher::Bytes(publisher_of_bytes(ring))
    }
}

fn publisher_of_bytes(ring: &Ring) -> bytes::Publisher {
    let mut publisher = bytes::Publisher::attach(ring).unwrap();
    publisher.set_spin(Duration::ZERO);
    publisher
}

fn subscriber_on(ring: &Ring, delivery: Delivery) -> Subscriber {
    let join = Join::new(delivery).start(Start::Newest).views(1);
    if is_of_ticks(ring) {
        let mut subscriber = broadcast::Subscriber::attach(ring, join).unwrap();
        subscriber.set_spin(Duration::ZERO);
        Subscriber::Ticks(subscriber)
    } else {
        let mut subscriber = bytes::Subscriber::attach(ring, join).unwrap();
        subscriber.set_spin(Duration::ZERO);
        Subscriber::Bytes(subscriber)
    }
}

fn publish(publisher: &mut Publisher, number: u64) {
    match publisher {
        Publisher::Ticks(publisher) => publisher.push_timeout(number, HANG).unwrap(),
        Publisher::Bytes(publisher) => {
            let mut begun = publisher.claim_timeout(HANG).unwrap().begin().unwrap();
            for piece in number.to_ne_bytes().chunks(LEN / 2) {
                begun.rest_mut()[..LEN / 2].copy_from_slice(piece);
                begun.advance(LEN / 2).unwrap();
            }
            begun.commit().unwrap();
        }
    }
}

/// The number of the next message.
fn read(subscriber: &mut Subscriber, in_parts: bool, late: &mut Late) -> Result<u64, ReadError> {
    let number = |bytes: &[u8]| u64::from_ne_bytes(bytes.try_into().unwrap());
    match subscriber {
        Subscriber::Ticks(subscriber) => late.time(|| subscriber.pop_timeout(HANG)),
        Subscriber::Bytes(subscriber) if in_parts => {
            let part = late.time(|| subscriber.read_part_timeout(HANG))?;
            for bytes in [LEN / 2, LEN, LEN + 1] {
                assert!(late.time(|| part.wait_for_timeout(bytes, HANG))?.len() >= bytes.min(LEN));
            }
            Ok(number(part.bytes()?))
        }
        Subscriber::Bytes(subscriber) => {
            late.time(|| subscriber.read_timeout(HANG)).map(|view| number(&view))
        }
    }
}

fn notes() -> Notes {
    Notes::open(&PathBuf::from(variable("RINGBUF_TEST_NOTES")))
}

fn ring_of(name: &str) -> Ring {
    Ring::open(PathBuf::from(variable("RINGBUF_TEST_DIRECTORY")).join(name)).unwrap()
}

/// A process that answers every message by one on a ring of its own.
#[test]
#[ignore = "a process of the other tests"]
fn echo() {
    enter();
    let (number, notes) = (number("RINGBUF_TEST_NUMBER"), notes());
    let delivery = DELIVERIES.get(usize::try_from(number).unwrap());
    let mut there = subscriber_on(&ring_of("there"), *delivery.unwrap_or(&Delivery::Lossless));
    let mut back = publisher_on(&ring_of(&format!("back {number}")));
    notes.set(Note::Phase, 1);
    let mut late = Late::default();
    if number == BY_PIECE {
        return answer_pieces(there, back, &notes);
    }
    loop {
        match read(&mut there, number == IN_PARTS, &mut late) {
            Ok(number) => late.time(|| publish(&mut back, number)),
            Err(ReadError::Closed) => return,
            Err(error) => panic!("{error}"),
        }
        notes.set(Note::Late, late.0);
    }
}

/// Answers that a message is there, each piece of it, and that it is whole.
fn answer_pieces(there: Subscriber, mut back: Publisher, notes: &Notes) {
    let Subscriber::Bytes(mut there) = there else { panic!("there are no parts of ticks") };
    let mut late = Late::default();
    loop {
        let part = match late.time(|| there.read_part_timeout(HANG)) {
            Ok(part) => part,
            Err(ReadError::Closed) => return,
            Err(error) => panic!("{error}"),
        };
        for bytes in [0, LEN / 2, LEN, LEN + 1] {
            late.time(|| part.wait_for_timeout(bytes, HANG)).unwrap();
            publish(&mut back, 0);
        }
        notes.set(Note::Late, late.0);
    }
}

/// A process that reads all messages.
#[test]
#[ignore = "a process of the other tests"]
fn reader() {
    enter();
    let (mut there, notes) = (subscriber_on(&ring_of("there"), Delivery::Lossless), notes());
    notes.set(Note::Phase, 1);
    let (mut late, mut next) = (Late::default(), 0);
    loop {
        match read(&mut there, false, &mut late) {
            Ok(number) => assert_eq!(number, next),
            Err(ReadError::Closed) => return,
            Err(error) => panic!("{error}"),
        }
        next += 1;
        notes.set(Note::Late, late.0);
    }
}

/// Rings, and processes on them.
struct Stage {
    there: Ring,
    back: Vec<Ring>,
    others: Vec<(Child, Notes)>,
    _directory: TempDir,
}

fn create(path: &Path, shape: Shape, capacity: u64, fence: Option<Fence>) -> Ring {
    let options = Options::new().capacity(capacity).slot_size(LEN as u64);
    let options = fence.into_iter().fold(options, Options::fence);
    let ring = match shape {
        Shape::Bytes => Ring::create_broadcast_bytes(path, &options).unwrap(),
        Shape::Ticks => Ring::create_broadcast::<u64>(path, &options).unwrap(),
    };
    assert_eq!(is_of_ticks(&ring), shape == Shape::Ticks);
    ring
}

impl Stage {
    /// Runs the entry with each of these numbers.
    fn new(
        entry: &str,
        numbers: &[u64],
        (shape, capacity): (Shape, u64),
        fence: Option<Fence>,
    ) -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let path = |name: &str| directory.path().join(name);
        let make = |name: &str| create(&path(name), shape, capacity, fence);
        let there = make("there");
        let back = numbers.iter().map(|number| make(&format!("back {number}"))).collect();
        let others: Vec<_> = numbers
            .iter()
            .map(|number| {
                let notes = path(&number.to_string());
                let variables = [
                    ("RINGBUF_TEST_DIRECTORY", directory.path().display().to_string()),
                    ("RINGBUF_TEST_NOTES", notes.display().to_string()),
                    ("RINGBUF_TEST_NUMBER", number.to_string()),
                ];
                let notes = Notes::create(&notes);
                (Child::spawn(entry, &variables), notes)
            })
            .collect();
        for (_, notes) in &others {
            process::until("a process to come", || notes.get(Note::Phase) == 1);
        }
        Self { there, back, others, _directory: directory }
    }

    /// Waits until all have ended, and reports.
    fn finish(mut self, what: &str, trips: u64, late: &Late, start: Instant) {
        let mut late = late.0;
        for (child, notes) in &mut self.others {
            let status = child.wait();
            assert!(status.success(), "{status}");
            late += notes.get(Note::Late);
        }
        let of_publishers = |ring: &Ring| Places::of(ring).sleeps(0);
        let of_subscribers = |ring: &Ring| {
            let places = Places::of(ring);
            (1..places.rows).map(|row| places.sleeps(row)).sum::<u64>()
        };
        let rings = || self.back.iter().chain([&self.there]);
        let publishers: u64 = rings().map(of_publishers).sum();
        let subscribers: u64 = rings().map(of_subscribers).sum();
        report(&format!(
            "woken of a broadcast of {}, {:?}: {trips} {what} with {}, {subscribers} sleeps of \
             subscribers, {publishers} of publishers, {late} late, {:.1?}",
            self.there.shape().name(),
            self.there.fence(),
            self.others.len(),
            start.elapsed()
        ));
        assert!(late <= late_max(), "{late} of {trips} were slept through");
        let sleeps = if self.back.is_empty() { publishers } else { subscribers };
        assert!(sleeps > sleeps_min(), "{sleeps} sleeps");
    }
}

/// To all of these, and back from each of them.
fn to_and_fro(numbers: &[u64], shape: Shape, fence: Option<Fence>) {
    let trips = trips() / numbers.len() as u64;
    let stage = Stage::new("echo", numbers, (shape, 64), fence);
    let (start, mut late) = (Instant::now(), Late::default());
    let mut there = publisher_on(&stage.there);
    let back = stage.back.iter().map(|ring| subscriber_on(ring, Delivery::Lossless));
    let mut back: Vec<_> = back.collect();
    for trip in 0..trips {
        publish(&mut there, trip);
        for subscriber in &mut back {
            assert_eq!(read(subscriber, false, &mut late), Ok(trip));
        }
    }
    drop((there, back));
    stage.finish("round trips", trips, &late, start);
}

/// Through a ring of so few messages.
fn into_a_full_ring(numbers: &[u64], of: (Shape, u64), fence: Option<Fence>) {
    let mut stage = Stage::new("reader", numbers, of, fence);
    // Nobody answers.
    stage.back.clear();
    let (start, mut late) = (Instant::now(), Late::default());
    let mut there = publisher_on(&stage.there);
    // As long as it takes: who is awake is for the machine to say.
    let enough = || Places::of(&stage.there).sleeps(0) > sleeps_min();
    let messages = (1..).find(|&message: &u64| {
        late.time(|| publish(&mut there, message - 1));
        message >= trips() && message.is_multiple_of(64) && enough()
    });
    drop(there);
    stage.finish("messages", messages.unwrap(), &late, start);
}

#[test]
fn a_sleeping_subscriber_is_woken_whatever_it_wants() {
    for fence in FENCES {
        (0..GROUP_MAX).for_each(|number| to_and_fro(&[number], Shape::Bytes, fence));
    }
}

#[test]
fn who_waits_for_a_piece_is_woken() {
    FENCES.into_iter().for_each(piece_by_piece);
}

fn piece_by_piece(fence: Option<Fence>) {
    // As many answers as messages are begun, pieces shown, and messages completed.
    let messages = trips() / 4;
    let stage = Stage::new("echo", &[BY_PIECE], (Shape::Bytes, 64), fence);
    let (start, mut late) = (Instant::now(), Late::default());
    let mut there = publisher_of_bytes(&stage.there);
    let mut back = subscriber_on(&stage.back[0], Delivery::Lossless);
    let mut answer = || read(&mut back, false, &mut late).unwrap();
    for _ in 0..messages {
        let mut begun = there.claim_timeout(HANG).unwrap().begin().unwrap();
        answer();
        for _ in 0..2 {
            begun.rest_mut()[..LEN / 2].fill(7);
            begun.advance(LEN / 2).unwrap();
            answer();
        }
        begun.commit().unwrap();
        answer();
    }
    drop((there, back));
    stage.finish("pieces", 4 * messages, &late, start);
}

#[test]
fn all_who_sleep_are_woken() {
    FENCES.into_iter().for_each(|fence| to_and_fro(&[0, 1, 2, 3], Shape::Bytes, fence));
}

#[test]
fn a_publisher_that_sleeps_for_room_is_woken() {
    FENCES.into_iter().for_each(|fence| into_a_full_ring(&[0], (Shape::Bytes, 2), fence));
}

#[test]
fn a_publisher_that_sleeps_is_woken_by_the_last_of_several() {
    FENCES.into_iter().for_each(|fence| into_a_full_ring(&[0, 1, 2, 3], (Shape::Bytes, 2), fence));
}

#[test]
fn a_sleeping_subscriber_of_ticks_is_woken_whatever_it_wants() {
    for fence in FENCES {
        (0..3).for_each(|number| to_and_fro(&[number], Shape::Ticks, fence));
        to_and_fro(&[0, 1, 2], Shape::Ticks, fence);
    }
}

#[test]
fn a_publisher_of_ticks_that_sleeps_for_room_is_woken() {
    for fence in FENCES {
        into_a_full_ring(&[0], (Shape::Ticks, 2), fence);
        into_a_full_ring(&[0, 1, 2, 3], (Shape::Ticks, 16), fence);
    }
}
