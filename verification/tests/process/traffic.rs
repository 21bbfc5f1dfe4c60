//! A ring with a producer and a consumer in processes of their own, each of which
//! can be killed and followed, and the check of what its death left.
//!
//! Messages are numbered without gaps. The position of a message follows from its
//! number, so that `tail`, `head` and `taken` say exactly which messages are
//! committed, released and shown; each is compared with what the dead one had noted
//! about itself. A successor is told what it must find, and fails if it does not.

use super::ends::{Consumer, Kind, Producer};
use super::notes::{Note, Notes};
use super::random::Random;
use super::words::{HEAD, TAIL, TAKEN, Words};
use super::{Child, enter, note_panics, number, until, variable};
use ringbuf_shm::{ClaimError, Options, Presence, ReadError, Redelivery, Ring, Sleeper, Stats};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long one call of a process waits before it looks for the wish to finish.
const CALL: Duration = Duration::from_millis(200);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Producer,
    Consumer,
}

/// What the ring is like, and how its peers use it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    /// About how many messages the ring holds.
    pub(crate) messages: u64,
    pub(crate) first_position: u64,
    pub(crate) redelivery: Redelivery,
    pub(crate) sleeper: Sleeper,
    pub(crate) spin: Duration,
    /// The most messages in one commit or one read of typed slots.
    pub(crate) batch: u64,
    /// Whether a process may find the other dead; else that fails the test.
    pub(crate) deaths: bool,
}

/// A message's number, and the position at which it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    number: u64,
    position: u64,
}

#[derive(Debug)]
pub(crate) struct Traffic {
    plan: Plan,
    ring: Ring,
    words: Words,
    notes: Notes,
    producer: Option<Child>,
    consumer: Option<Child>,
    /// Where the last producer began.
    tail: Place,
    /// Where the last consumer found `head`.
    head: Place,
    /// The number after the last message shown to the predecessors of the last consumer.
    taken: u64,
    /// How many messages were dropped by consumers that lived to do it.
    dropped: u64,
    directory: TempDir,
}

impl Traffic {
    /// Makes the ring, and runs the ignored tests `producer` and `consumer`, which
    /// call [`produce`] and [`consume`].
    pub(crate) fn start(plan: Plan) -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let options = Options::new()
            .capacity(plan.kind.capacity(plan.messages))
            .first_position(plan.first_position)
            .redelivery(plan.redelivery)
            .sleeper(plan.sleeper)
            .reopen(true);
        // Reopened, since whoever makes a ring sits on it.
        let maker = Consumer::create(plan.kind, &directory.path().join("ring"), &options).unwrap();
        let ring = maker.ring().clone();
        drop(maker);
        let start = Place { number: 0, position: plan.first_position };
        let mut traffic = Self {
            plan,
            words: Words::of(&ring),
            notes: Notes::create(&directory.path().join("notes")),
            ring,
            producer: None,
            consumer: None,
            tail: start,
            head: start,
            taken: 0,
            dropped: 0,
            directory,
        };
        // The consumer first: a producer is not to find that the maker has left.
        traffic.follow(Side::Consumer);
        until("a consumer to come", || traffic.stats().consumer.presence == Presence::Alive);
        traffic.follow(Side::Producer);
        traffic
    }

    pub(crate) fn ring(&self) -> &Ring {
        &self.ring
    }

    pub(crate) fn words(&self) -> &Words {
        &self.words
    }

    pub(crate) fn notes(&self) -> &Notes {
        &self.notes
    }

    pub(crate) fn stats(&self) -> Stats {
        self.ring.stats().unwrap()
    }

    pub(crate) fn child(&mut self, side: Side) -> &mut Child {
        match side {
            Side::Producer => self.producer.as_mut().unwrap(),
            Side::Consumer => self.consumer.as_mut().unwrap(),
        }
    }

    /// Waits a random moment of at most `most`, in half of the cases counted from
    /// when `note` moves.
    pub(crate) fn wait_a_moment(&self, note: Note, random: &mut Random, most: Duration) {
        let before = self.notes.get(note);
        let start = Instant::now();
        let awake = random.below(2) == 0;
        // It never moves if the other side is dead and the ring is full or empty.
        while awake && self.notes.get(note) == before && start.elapsed() < 10 * most {
            std::thread::sleep(Duration::from_micros(50));
        }
        std::thread::sleep(most.mul_f64(random.below(1000) as f64 / 1000.0));
    }

    /// Waits until both sides have come so many messages further.
    pub(crate) fn wait_for_progress(&self, messages: u64) {
        for note in [Note::Committed, Note::Released] {
            let before = self.notes.get(note);
            until("messages to pass", || self.notes.get(note) >= before + messages);
        }
    }

    /// Starts the process of a side that has none, where the last one stopped.
    pub(crate) fn follow(&mut self, side: Side) {
        let first = match side {
            Side::Producer => self.tail.number,
            Side::Consumer => self.first_to_consume(),
        };
        let notes = match side {
            Side::Producer => &[Note::Committing, Note::Committed][..],
            Side::Consumer => &[Note::Shown, Note::Releasing, Note::Released],
        };
        notes.iter().for_each(|&note| self.notes.set(note, first));
        let path = |name: &str| self.directory.path().join(name).display().to_string();
        let variables = [
            ("RINGBUF_TEST_RING", path("ring")),
            ("RINGBUF_TEST_NOTES", path("notes")),
            ("RINGBUF_TEST_KIND", self.plan.kind.number().to_string()),
            ("RINGBUF_TEST_SPIN", self.plan.spin.as_nanos().to_string()),
            ("RINGBUF_TEST_BATCH", self.plan.batch.to_string()),
            ("RINGBUF_TEST_FIRST", first.to_string()),
            ("RINGBUF_TEST_TAKEN", self.taken.to_string()),
            ("RINGBUF_TEST_DEATHS", u64::from(self.plan.deaths).to_string()),
        ];
        match side {
            Side::Producer => self.producer = Some(Child::spawn("producer", &variables)),
            Side::Consumer => self.consumer = Some(Child::spawn("consumer", &variables)),
        }
    }

    /// Kills a side and checks what it left.
    pub(crate) fn kill(&mut self, side: Side) {
        self.child(side).kill();
        // Perhaps it was killed while it said so.
        assert_eq!(self.notes.get(Note::Failed), 0, "a process found something wrong");
        match side {
            Side::Producer => {
                self.producer = None;
                self.check_committed();
            }
            Side::Consumer => {
                self.consumer = None;
                self.check_taken();
            }
        }
    }

    /// What a dead producer committed is all that it said, and at most its last batch.
    fn check_committed(&mut self) {
        let (committed, committing) =
            (self.notes.get(Note::Committed), self.notes.get(Note::Committing));
        let tail = self.find(self.tail, self.words.load(TAIL), committing);
        assert!(
            tail.number == committed || tail.number == committing,
            "the producer said {committed}, was at {committing}, and committed {tail:?}"
        );
        assert!(tail.number >= self.tail.number);
        if self.plan.kind != Kind::Records {
            assert_eq!(self.stats().committed, tail.number);
        }
        assert_ne!(self.stats().producer.presence, Presence::Alive);
        self.tail = tail;
    }

    /// What a dead consumer released is all that it said, and at most its last
    /// batch; what it took is all that it was shown, and at most one batch more.
    fn check_taken(&mut self) {
        let (shown, releasing, released) = (
            self.notes.get(Note::Shown),
            self.notes.get(Note::Releasing),
            self.notes.get(Note::Released),
        );
        let first = self.first_to_consume();
        let head = self.find(self.head, self.words.load(HEAD), releasing);
        let began = releasing == first;
        assert!(
            head.number == released
                || head.number == releasing
                || (began && head.number == self.head.number),
            "the consumer said {released}, was at {releasing}, and released {head:?}"
        );
        let taken_most = (shown + self.plan.batch).max(self.taken);
        let taken = self.find(head, self.words.load(TAKEN), taken_most).number;
        assert!(taken >= shown, "the consumer was shown {shown}, and took {taken}");
        let stats = self.stats();
        assert_eq!(stats.taken, self.words.load(TAKEN).wrapping_sub(head.position));
        assert_ne!(stats.consumer.presence, Presence::Alive);
        if head.number >= first {
            self.dropped += first - self.head.number;
        }
        if releasing > first {
            assert_eq!(stats.dropped, self.dropped);
        }
        (self.head, self.taken) = (head, taken);
    }

    /// The message that stands at `position`: from the one at `from`, up to `most`.
    fn find(&self, from: Place, position: u64, most: u64) -> Place {
        let capacity = self.ring.shape().capacity();
        let mut place = from;
        while place.position != position {
            assert!(place.number < most, "{position} is not in front of {most}, from {from:?}");
            place.position = self.plan.kind.after(capacity, place.position, place.number);
            place.number += 1;
        }
        place
    }

    /// The number of the message that the next consumer gets first.
    fn first_to_consume(&self) -> u64 {
        match self.plan.redelivery {
            Redelivery::Drop => self.taken,
            _ => self.head.number,
        }
    }

    /// Lets both sides finish, checks that nothing is left, and says how many
    /// messages there were.
    pub(crate) fn finish(mut self) -> u64 {
        self.notes.set(Note::Finish, 1);
        let producer = self.producer.as_mut().unwrap().wait();
        assert!(producer.success(), "the producer failed: {producer}");
        let consumer = self.consumer.as_mut().unwrap().wait();
        assert!(consumer.success(), "the consumer failed: {consumer}");
        self.dropped += self.first_to_consume() - self.head.number;
        let sent = self.notes.get(Note::Committed);
        assert_eq!(self.find(self.tail, self.words.load(TAIL), sent).number, sent);
        assert_eq!(self.words.load(HEAD), self.words.load(TAIL));
        if sent > self.first_to_consume() {
            assert_eq!(self.notes.get(Note::Released), sent);
        }
        let stats = self.stats();
        assert_eq!((stats.dropped, stats.used, stats.taken), (self.dropped, 0, 0));
        sent
    }
}

/// What an entry was told.
struct Orders {
    kind: Kind,
    ring: Ring,
    notes: Notes,
    spin: Duration,
    batch: u64,
    first: u64,
    deaths: bool,
}

fn orders() -> Orders {
    enter();
    let notes = || Notes::open(&PathBuf::from(variable("RINGBUF_TEST_NOTES")));
    note_panics(notes());
    Orders {
        kind: Kind::from_number(number("RINGBUF_TEST_KIND")),
        ring: Ring::open(PathBuf::from(variable("RINGBUF_TEST_RING"))).unwrap(),
        notes: notes(),
        spin: Duration::from_nanos(number("RINGBUF_TEST_SPIN")),
        batch: number("RINGBUF_TEST_BATCH"),
        first: number("RINGBUF_TEST_FIRST"),
        deaths: number("RINGBUF_TEST_DEATHS") != 0,
    }
}

/// The producer's process: commits messages until it is told to finish.
pub(crate) fn produce() {
    let Orders { kind, ring, notes, spin, batch, first, deaths } = orders();
    let mut producer = Producer::attach(kind, &ring).unwrap();
    producer.set_spin(spin);
    let (mut next, mut random) = (first, Random::new(first));
    while notes.get(Note::Finish) == 0 {
        let count = if kind == Kind::Slots { 1 + random.below(batch) } else { 1 };
        notes.set(Note::Committing, next + count);
        match producer.write(next, count, CALL) {
            Ok(()) => {
                next += count;
                notes.set(Note::Committed, next);
            }
            Err(ClaimError::TimedOut) => {}
            Err(ClaimError::PeerDied) if deaths => _ = producer.wait_for_peer(CALL).unwrap(),
            Err(error) => panic!("message {next}: {error}"),
        }
    }
}

/// The consumer's process: reads messages until the producer has closed the ring.
pub(crate) fn consume() {
    let Orders { kind, ring, notes, spin, batch, first, deaths } = orders();
    let taken = number("RINGBUF_TEST_TAKEN");
    let mut consumer = Consumer::attach(kind, &ring).unwrap();
    consumer.set_spin(spin);
    let (mut next, mut random) = (first, Random::new(!first));
    loop {
        let released = consumer.read(batch, CALL, |messages| {
            for (message, expected) in messages.iter().zip(next..) {
                assert_eq!(message.number, expected, "a message is lost or came again");
                assert_eq!(message.redelivered, expected < taken, "flag of message {expected}");
            }
            notes.set(Note::Shown, next + messages.len() as u64);
            let release = 1 + random.below(messages.len() as u64);
            notes.set(Note::Releasing, next + release);
            release
        });
        match released {
            Ok(released) => {
                next += released;
                notes.set(Note::Released, next);
            }
            Err(ReadError::TimedOut) => {}
            Err(ReadError::Closed) => return,
            Err(ReadError::PeerDied) if deaths => _ = consumer.wait_for_peer(CALL).unwrap(),
            Err(error) => panic!("message {next}: {error}"),
        }
    }
}
