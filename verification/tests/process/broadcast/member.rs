//! What the processes of a [company](super::company) do.
//!
//! Each logs what it is about to do and what it did. The publisher publishes frames whole
//! and piece by piece, gives some up and breaks some off. A subscriber joins, reads for a
//! while, holds several views, and leaves; then it joins again, and wants something else.

use super::frame::{self, LEN_MAX};
use super::places::Places;
use crate::process::log::{Log, Step};
use crate::process::member::pick;
use crate::process::notes::{Note, Notes};
use crate::process::random::Random;
use crate::process::{enter, note_panics, number, variable};
use ringbuf_shm::broadcast::bytes::{Claim, Part, Publisher, State, Subscriber, View};
use ringbuf_shm::broadcast::{Delivery, Join, Start};
use ringbuf_shm::{ClaimError, ReadError, Ring};
use std::path::PathBuf;
use std::time::Duration;

/// The most views that a subscriber holds.
pub(crate) const VIEWS_MAX: u64 = 3;
/// The most calls of a subscriber before it leaves.
const CALLS_MAX: u64 = 50;
/// The longest that anybody does nothing, now and then.
const REST_MAX_MICROS: u64 = 400;
/// What processes count as their calls: how often they joined.
pub(crate) const JOINS: usize = 0;
/// And messages that subscribers lost, as they are told.
pub(crate) const LOST: usize = 1;

/// What an entry was told.
struct Orders {
    ring: Ring,
    places: Places,
    notes: Notes,
    log: Log,
    first: u64,
    spin: Duration,
    call: Duration,
    patient: bool,
    random: Random,
}

fn orders() -> Orders {
    enter();
    let notes = || Notes::open(&PathBuf::from(variable("RINGBUF_TEST_NOTES")));
    note_panics(notes());
    let ring = Ring::open(PathBuf::from(variable("RINGBUF_TEST_RING"))).unwrap();
    Orders {
        places: Places::of(&ring),
        ring,
        notes: notes(),
        log: Log::open(&PathBuf::from(variable("RINGBUF_TEST_LOG"))),
        first: number("RINGBUF_TEST_FIRST"),
        spin: Duration::from_nanos(number("RINGBUF_TEST_SPIN")),
        call: Duration::from_nanos(number("RINGBUF_TEST_CALL")),
        patient: number("RINGBUF_TEST_PATIENT") == 1,
        random: Random::new(number("RINGBUF_TEST_ID")),
    }
}

/// Now and then, does nothing for a moment.
fn rest(random: &mut Random) {
    if random.below(16) == 0 {
        std::thread::sleep(Duration::from_micros(random.below(REST_MAX_MICROS)));
    }
}

/// The publisher's process: publishes until it is told to finish.
pub(crate) fn publish() {
    let Orders { ring, notes, mut log, first, spin, call, mut random, .. } = orders();
    let mut publisher = Publisher::attach(&ring).unwrap();
    publisher.set_spin(spin);
    log.add(Step::Came, publisher.position().wrapping_sub(first), 0);
    while notes.get(Note::Finish) == 0 {
        if !log.has_room() {
            std::thread::sleep(call);
            continue;
        }
        let claim = match publisher.claim_timeout(call) {
            Ok(claim) => claim,
            Err(ClaimError::TimedOut) => continue,
            Err(error) => panic!("{error}"),
        };
        rest(&mut random);
        match random.below(8) {
            0 => drop(claim),
            1..4 => publish_in_parts(claim, first, &mut log, &mut random),
            _ => publish_whole(claim, first, &mut log),
        }
    }
}

fn publish_whole(mut claim: Claim<'_>, first: u64, log: &mut Log) {
    let position = claim.position();
    let len = frame::write(position, &mut claim);
    claim.set_tag(position);
    log.add(Step::Committing, position.wrapping_sub(first), 0);
    claim.commit(len).unwrap();
    log.add(Step::Committed, position.wrapping_sub(first), 0);
}

fn publish_in_parts(mut claim: Claim<'_>, first: u64, log: &mut Log, random: &mut Random) {
    let position = claim.position();
    let number = position.wrapping_sub(first);
    let mut frame = [0; LEN_MAX];
    let len = frame::write(position, &mut frame);
    claim.set_tag(position);
    log.add(Step::Beginning, number, 0);
    let mut begun = claim.begin().unwrap();
    let pieces = 1 + usize::try_from(random.below(5)).unwrap();
    let is_broken = random.below(4) == 0;
    while begun.shown() < len {
        let from = begun.shown();
        // Any number of bytes, also such that are no multiple of anything.
        let piece = (len / pieces + 1).min(len - from);
        begun.rest_mut()[..piece].copy_from_slice(&frame[from..from + piece]);
        begun.advance(piece).unwrap();
        rest(random);
        if is_broken && random.below(2) == 0 {
            break;
        }
    }
    if is_broken {
        log.add(Step::Breaking, number, 0);
        begun.abort();
        log.add(Step::Broke, number, 0);
    } else {
        log.add(Step::Committing, number, 0);
        begun.commit().unwrap();
        log.add(Step::Committed, number, 0);
    }
}

/// What a subscriber holds.
enum Held {
    View(View),
    Part(Part),
}

impl Held {
    /// Still whole, or as much of it as there was.
    fn check(&self) {
        match self {
            Self::View(view) => {
                assert_eq!(view.tag(), view.position(), "the tag is another's");
                frame::check(view.position(), view);
            }
            Self::Part(part) => {
                assert_eq!(part.tag(), part.position(), "the tag is another's");
                let bytes = part.bytes().unwrap();
                match part.state().unwrap() {
                    State::Whole => frame::check(part.position(), part.bytes().unwrap()),
                    _ => frame::check_part(part.position(), bytes),
                }
            }
        }
    }
}

/// A subscriber between joining and leaving.
struct Life<'a> {
    orders: &'a mut Orders,
    subscriber: Subscriber,
    delivery: Delivery,
    views: u64,
    in_parts: bool,
    start: u64,
    got: u64,
    held: Vec<Held>,
    /// The newest message that it was shown, if any.
    newest: Option<u64>,
}

/// A subscriber's process: joins and leaves until the publisher has gone and nothing is
/// left.
pub(crate) fn subscribe() {
    let mut orders = orders();
    while !Life::new(&mut orders).live() {}
}

impl<'a> Life<'a> {
    fn new(orders: &'a mut Orders) -> Self {
        let random = &mut orders.random;
        let delivery = match random.below(4) {
            0 => Delivery::Lossy,
            1 => Delivery::Latest,
            _ => Delivery::Lossless,
        };
        let tail = orders.places.words.load(orders.places.tail());
        let start = match random.below(4) {
            0 => Start::Newest,
            1 => Start::Position(tail.wrapping_add(2).wrapping_sub(random.below(100))),
            _ => Start::Oldest,
        };
        let views = 1 + random.below(VIEWS_MAX);
        let in_parts = random.below(3) == 0;
        let join = Join::new(delivery).start(start).views(u32::try_from(views).unwrap());
        let mut subscriber = Subscriber::attach(&orders.ring, join).unwrap();
        subscriber.set_spin(orders.spin);
        orders.notes.count_call(JOINS);
        let start = subscriber.position();
        let joined = match delivery {
            Delivery::Lossless => Step::JoinedLossless,
            Delivery::Lossy => Step::JoinedLossy,
            Delivery::Latest => Step::JoinedLatest,
        };
        orders.log.add(joined, start.wrapping_sub(orders.first), 0);
        let (got, held, newest) = (0, vec![], None);
        Self { orders, subscriber, delivery, views, in_parts, start, got, held, newest }
    }

    fn log(&mut self, step: Step, position: u64) {
        self.orders.log.add(step, position.wrapping_sub(self.orders.first), 0);
    }

    /// Reads for a while; whether nothing is left.
    fn live(mut self) -> bool {
        let calls = self.orders.random.below(CALLS_MAX);
        let slow = self.orders.random.below(4) == 0;
        let mut over = false;
        // Who is told that all is over reads to the end.
        for call in 0.. {
            let drain = self.orders.notes.get(Note::Drain) != 0;
            assert!(self.orders.log.has_room());
            if call >= calls && !drain {
                break;
            }
            over = self.read(drain);
            if over {
                break;
            }
            if slow {
                rest(&mut self.orders.random);
            }
        }
        let end = if over { Step::Ended } else { Step::Left };
        self.log(end, self.subscriber.position());
        // Views outlive the subscriber, or it outlives them.
        if self.orders.random.below(2) == 0 {
            self.held.drain(..).for_each(|held| held.check());
        }
        let Self { subscriber, held, .. } = self;
        drop(subscriber);
        held.iter().for_each(Held::check);
        over
    }

    /// Reads one message, or waits in vain; whether nothing is left.
    fn read(&mut self, drain: bool) -> bool {
        let before = self.orders.places.words.load(self.orders.places.tail());
        let call = self.orders.call;
        let found = if self.in_parts {
            self.subscriber.read_part_timeout(call).map(Held::Part)
        } else {
            self.subscriber.read_timeout(call).map(Held::View)
        };
        match found {
            Ok(held) => self.keep(held, before, drain),
            Err(ReadError::TimedOut) => {}
            Err(ReadError::Closed | ReadError::PeerDied) if drain => return true,
            // Another publisher follows.
            Err(ReadError::Closed | ReadError::PeerDied) => {
                std::thread::sleep(Duration::from_micros(100));
            }
            Err(ReadError::Evicted) => {
                assert!(self.delivery == Delivery::Lossless && !self.orders.patient);
                self.log(Step::Evicted, self.subscriber.position());
                self.orders.notes.count_call(LOST);
            }
            Err(error) => panic!("{error}"),
        }
        self.check_counts();
        if self.orders.random.below(16) == 0 {
            self.look_at_newest();
        }
        false
    }

    /// What it got, lost, and passed by is all that was published since it joined.
    fn check_counts(&self) {
        let subscriber = &self.subscriber;
        let passed = subscriber.position().wrapping_sub(self.start);
        let (lost, broken) = (subscriber.lost(), subscriber.broken());
        assert_eq!(self.got + lost + broken, passed, "{} {lost} {broken}", self.got);
        if self.delivery == Delivery::Lossless && self.orders.patient {
            assert_eq!(lost, 0, "lost by a lossless one that was waited for");
        }
    }

    /// Checks a message, and keeps it or another.
    fn keep(&mut self, held: Held, tail_before: u64, drain: bool) {
        held.check();
        self.got += 1;
        let (position, step) = match &held {
            Held::View(view) => (view.position(), Step::Got),
            Held::Part(part) => (part.position(), self.wait_for_all(part, drain)),
        };
        self.log(step, position);
        held.check();
        let next = self.subscriber.position();
        assert_eq!(position.wrapping_add(1), next.wrapping_sub(self.broken_behind(position)));
        if self.delivery == Delivery::Latest {
            let ahead = next.wrapping_sub(tail_before).cast_signed();
            assert!(ahead >= 0, "an older message than there was: by {ahead}");
        }
        self.held.push(held);
        let full = self.held.len() as u64 == self.views;
        if full || self.orders.random.below(2) == 0 {
            rest(&mut self.orders.random);
            pick(&mut self.held, &mut self.orders.random).unwrap().check();
        }
    }

    /// Who reads the latest passes those behind it that were broken off.
    fn broken_behind(&self, position: u64) -> u64 {
        match self.delivery {
            Delivery::Latest => self.subscriber.position().wrapping_sub(position) - 1,
            _ => 0,
        }
    }

    /// Waits until a message is whole, or broken off, or for no longer.
    fn wait_for_all(&mut self, part: &Part, drain: bool) -> Step {
        let mut shown = 0;
        loop {
            let bytes = part.bytes().unwrap();
            assert!(bytes.len() >= shown, "there were {shown} bytes");
            shown = bytes.len();
            frame::check_part(part.position(), bytes);
            match part.state().unwrap() {
                State::Whole => return Step::Got,
                State::Broken => return Step::GotBroken,
                State::Open if drain || self.orders.random.below(64) == 0 => return Step::GotPart,
                State::Open => {}
            }
            match part.wait_for_timeout(shown + 1, self.orders.call) {
                Ok(_) | Err(ReadError::Broken | ReadError::TimedOut) => {}
                Err(ReadError::Closed | ReadError::PeerDied) => {
                    if self.orders.notes.get(Note::Drain) != 0 {
                        return Step::GotPart;
                    }
                    std::thread::sleep(Duration::from_micros(100));
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// The newest there is, which is none before the newest there was.
    fn look_at_newest(&mut self) {
        match self.subscriber.latest() {
            Ok(view) => {
                frame::check(view.position(), &view);
                if let Some(newest) = self.newest {
                    let ahead = view.position().wrapping_sub(newest).cast_signed();
                    assert!(ahead >= 0, "the newest was newer, by {ahead}");
                }
                self.newest = Some(view.position());
            }
            Err(ReadError::Empty | ReadError::Busy | ReadError::AllHeld) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
