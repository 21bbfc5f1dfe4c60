//! What the processes of a [crew](super::crew) do.
//!
//! Each logs what it is about to do and what it did. Producers claim several places, and
//! commit or abort them in any order; consumers hold several messages, and release
//! them in any order.

use super::corpse::SLICES_MAX;
use super::ends::Kind;
use super::log::{Log, Step};
use super::many::{Claim, Consumer, Producer, View};
use super::notes::{Note, Notes};
use super::places::Places;
use super::random::{Random, mix};
use super::{enter, note_panics, number, variable};
use ringbuf_shm::{ClaimError, ReadError, Ring};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The most places or messages that one process holds.
const HELD_MAX: u64 = 3;
/// The longest that it holds them, now and then.
const HOLD_MAX_MICROS: u64 = 400;

/// What processes count as their calls: waits over more slices than anybody is held up by
/// the dead.
pub(crate) const LONG_WAITS: usize = 0;
/// And messages that they released.
pub(crate) const RELEASES: usize = 1;

/// The lane of a message.
pub(crate) fn lane_of(number: u64, lanes: u32) -> u32 {
    u32::try_from(mix(!number) % u64::from(lanes)).unwrap()
}

/// What an entry was told.
struct Orders {
    kind: Kind,
    lanes: u32,
    ring: Ring,
    notes: Notes,
    log: Log,
    spin: Duration,
    call: Duration,
    id: u64,
}

fn orders() -> Orders {
    enter();
    let notes = || Notes::open(&PathBuf::from(variable("RINGBUF_TEST_NOTES")));
    note_panics(notes());
    Orders {
        kind: Kind::from_number(number("RINGBUF_TEST_KIND")),
        lanes: u32::try_from(number("RINGBUF_TEST_LANES")).unwrap(),
        ring: Ring::open(PathBuf::from(variable("RINGBUF_TEST_RING"))).unwrap(),
        notes: notes(),
        log: Log::open(&PathBuf::from(variable("RINGBUF_TEST_LOG"))),
        spin: Duration::from_nanos(number("RINGBUF_TEST_SPIN")),
        call: Duration::from_nanos(number("RINGBUF_TEST_CALL")),
        id: number("RINGBUF_TEST_ID"),
    }
}

/// How long a process has been waiting for its next success.
struct Wait<'a> {
    notes: &'a Notes,
    places: Places,
    /// The row of this process, which counts how often it asked who lives.
    row: u64,
    /// And how often it had asked then. Unknown before the first success: perhaps nobody
    /// else was there.
    since: Option<(Instant, u64)>,
}

impl<'a> Wait<'a> {
    /// Of a process that has taken a seat.
    fn new(notes: &'a Notes, ring: &Ring) -> Self {
        let places = Places::of(ring);
        let row = places.row_of(std::process::id()).unwrap();
        Self { notes, places, row, since: None }
    }

    fn succeeded(&self) {
        let since = self.since.filter(|_| self.notes.get(Note::Finish) == 0);
        let Some((since, probes)) = since else { return };
        let waited = since.elapsed();
        self.notes.raise(Note::Longest, u64::try_from(waited.as_nanos()).unwrap());
        // Who waits asks once a slice; one that asked less often was not held up by anybody,
        // but had no processor.
        if self.places.probes(self.row) > probes + SLICES_MAX {
            self.notes.count_call(LONG_WAITS);
        }
    }

    fn begin(&mut self) {
        self.since = Some((Instant::now(), self.places.probes(self.row)));
    }
}

/// Now and then, does nothing for a moment.
fn hold(random: &mut Random) {
    if random.below(16) == 0 {
        std::thread::sleep(Duration::from_micros(random.below(HOLD_MAX_MICROS)));
    }
}

/// Takes any of these out.
pub(crate) fn pick<T>(held: &mut Vec<T>, random: &mut Random) -> Option<T> {
    let index = usize::try_from(random.next() % held.len().max(1) as u64).unwrap();
    (!held.is_empty()).then(|| held.swap_remove(index))
}

/// A producer's process: commits messages until it is told to finish.
pub(crate) fn produce() {
    let Orders { kind, lanes, ring, notes, mut log, spin, call, id } = orders();
    let mut producer = Producer::attach(kind, &ring).unwrap();
    producer.set_spin(spin);
    let mut random = Random::new(id);
    let mut wait = Wait::new(&notes, &ring);
    let mut numbers = id << 32 | 1..;
    while notes.get(Note::Finish) == 0 {
        if !log.has_room() {
            std::thread::sleep(call);
            wait.since = None;
            continue;
        }
        let first = numbers.next().unwrap();
        producer.set_lane(lane_of(first, lanes)).unwrap();
        if random.below(4) == 0 {
            log.add(Step::Committing, first, 0);
            match producer.push(first, call) {
                Ok(()) => {
                    log.add(Step::Committed, first, 0);
                    wait.succeeded();
                    wait.begin();
                }
                Err(error) => {
                    not_now(error);
                    log.add(Step::Refused, first, 0);
                }
            }
            continue;
        }
        let mut held: Vec<(u64, Claim)> = Vec::new();
        match producer.claim(call) {
            Ok(claim) => held.push((first, claim)),
            Err(error) => {
                not_now(error);
                continue;
            }
        }
        wait.succeeded();
        // Without waiting: consumers may wait for what is held.
        for _ in 0..random.below(HELD_MAX) {
            let number = numbers.next().unwrap();
            producer.set_lane(lane_of(number, lanes)).unwrap();
            match producer.try_claim() {
                Ok(claim) => held.push((number, claim)),
                Err(error) => not_now(error),
            }
        }
        while let Some((number, claim)) = pick(&mut held, &mut random) {
            hold(&mut random);
            if random.below(8) == 0 {
                drop(claim);
                continue;
            }
            log.add(Step::Committing, number, 0);
            claim.commit(number).unwrap();
            log.add(Step::Committed, number, 0);
        }
        wait.begin();
    }
}

/// Nothing that is wrong: others may be dead, and followed.
fn not_now(error: ClaimError) {
    let expected = [
        ClaimError::Full,
        ClaimError::Busy,
        ClaimError::TimedOut,
        ClaimError::Closed,
        ClaimError::PeerDied,
    ];
    assert!(expected.contains(&error), "{error}");
}

/// A consumer's process: reads messages until all producers have gone and nothing is
/// left.
pub(crate) fn consume() {
    let Orders { kind, lanes, ring, notes, mut log, spin, call, id } = orders();
    let mut consumer = Consumer::attach(kind, &ring).unwrap();
    consumer.set_spin(spin);
    let mut random = Random::new(id);
    let mut wait = Wait::new(&notes, &ring);
    loop {
        let over = notes.get(Note::Drain) != 0;
        let mut found = consumer.read(call);
        let mut held: Vec<(u64, View)> = Vec::new();
        match &found {
            Ok(_) => wait.succeeded(),
            Err(ReadError::TimedOut) => {}
            Err(ReadError::Closed | ReadError::PeerDied) if over => return,
            // All who had come so far are gone.
            Err(ReadError::Closed | ReadError::PeerDied) => {}
            Err(error) => panic!("{error}"),
        }
        let most = 1 + random.below(HELD_MAX);
        while let Ok(view) = found {
            let number = view.number();
            log.add(Step::Taken, number, view.redelivered());
            assert_eq!(view.lane(), lane_of(number, lanes), "in another lane");
            held.push((number, view));
            // Without waiting: producers may wait for what is held.
            found =
                if held.len() as u64 == most { Err(ReadError::Empty) } else { consumer.try_read() };
        }
        assert_ne!(found.err(), Some(ReadError::Corrupt));
        if held.is_empty() {
            continue;
        }
        while let Some((number, view)) = pick(&mut held, &mut random) {
            hold(&mut random);
            log.add(Step::Releasing, number, 0);
            drop(view);
            log.add(Step::Released, number, 0);
            notes.count_call(RELEASES);
        }
        wait.begin();
    }
}
