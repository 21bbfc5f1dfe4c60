//! Goal: whatever another process writes into the words of a ring of many, a call answers
//! with an error or a result of valid length, in time: no panic, no signal, no access out
//! of bounds, no endless loop (P6).
//! Method: two producers and two consumers in processes of their own come, claim, push,
//! read, sweep, flush, hold and leave with calls that do not wait, or wait at most a moment,
//! while the test writes random and well-chosen values to every word that peers believe,
//! as fast as it can and in bursts. A process that fails ends by itself; one that hangs
//! is not there when it is waited for. `RINGBUF_HOSTILE_MS` is how long each ring is
//! damaged (1,500).

mod process;

use process::ends::Kind;
use process::knob;
use process::many::{self, Claim, Consumer, Producer, View};
use process::message::{self, LEN_MAX};
use process::places::{FREE, Places};
use process::random::Random;
use process::victims::{Victims, of_arrival, of_claim, of_read, suffer, time};
use ringbuf_shm::mpmc::Lanes;
use ringbuf_shm::{MpmcWatch, OpenError, Options, Redelivery, Ring};
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

const CAPACITY: u64 = 64;
const LANES: u32 = 3;
const SEATS: u32 = 3;
/// Calls on one handle before it is closed and another follows.
const CALLS_PER_HANDLE: u64 = 1000;
/// The most places or messages that a victim holds.
const HELD_MAX: usize = 8;

/// Looks at the ring, which may be damaged, and comes.
fn attach<T>(ring: &Ring, attach: impl Fn(&Ring) -> Result<T, OpenError>) -> Result<T, OpenError> {
    let found = MpmcWatch::new(ring).look();
    assert!(matches!(found, Ok(_) | Err(OpenError::Corrupt)), "{found:?}");
    attach(ring)
}

fn lane(choice: u64) -> u32 {
    u32::try_from((choice >> 16) % u64::from(LANES)).unwrap()
}

/// Takes any of these out, if there are many or by chance.
fn let_go<T>(held: &mut Vec<T>, choice: u64) -> Option<T> {
    let index = usize::try_from(choice >> 32).unwrap() % held.len().max(1);
    let go = held.len() == HELD_MAX || choice >> 24 & 3 == 0;
    (go && !held.is_empty()).then(|| held.swap_remove(index))
}

#[test]
#[ignore = "a process of the other tests"]
fn producer() {
    let mut held: Vec<Claim> = Vec::new();
    let come = |kind, ring: &Ring| attach(ring, |ring| Producer::attach(kind, ring));
    suffer(CALLS_PER_HANDLE, come, |producer, choice| {
        if let Some(claim) = let_go(&mut held, choice) {
            match choice >> 40 & 3 {
                0 => drop(claim),
                // `Corrupt`, where its slot was taken from it.
                _ => _ = of_claim(claim.commit(choice >> 1)),
            }
        }
        producer.set_lane(lane(choice)).unwrap();
        match (producer, choice >> 8 & 7) {
            (Producer::Slots(producer), 0) => {
                of_claim(producer.try_push_slice(&[message::slot(choice); 3]))
            }
            (Producer::Bytes(producer), 0) => match producer.claim_timeout(time(choice)) {
                Ok(mut claim) => {
                    assert_eq!(claim.len(), LEN_MAX);
                    claim.fill(choice.to_ne_bytes()[0]);
                    of_claim(claim.commit(LEN_MAX))
                }
                Err(error) => of_claim::<()>(Err(error)),
            },
            (producer, 1 | 2) => {
                let claim = if choice >> 8 & 1 == 0 {
                    producer.try_claim()
                } else {
                    producer.claim(time(choice))
                };
                let outcome = of_claim(claim.as_ref().map_err(|&error| error));
                held.extend(claim);
                outcome
            }
            (producer, 3) => of_claim(producer.flush(time(choice))),
            (producer, 4) => of_arrival(producer.wait_for_peer(time(choice))),
            (producer, _) => of_claim(producer.push(choice >> 1, time(choice))),
        }
    });
}

#[test]
#[ignore = "a process of the other tests"]
fn consumer() {
    let mut held: Vec<View> = Vec::new();
    let come = |kind, ring: &Ring| attach(ring, |ring| Consumer::attach(kind, ring));
    suffer(CALLS_PER_HANDLE, come, |consumer, choice| {
        drop(let_go(&mut held, choice));
        let lanes = match choice >> 20 & 3 {
            0 => Lanes::Only(lane(choice)),
            1 => Lanes::LowestUpTo(lane(choice)),
            _ => Lanes::Highest,
        };
        consumer.set_lanes(lanes).unwrap();
        match (consumer, choice >> 8 & 7) {
            (Consumer::Slots(consumer), 0) => of_read(consumer.pop_timeout(time(choice))),
            (Consumer::Slots(consumer), 1) => of_read(consumer.try_pop_slice(&mut [[0; 6]; 3])),
            (consumer, 2) => of_arrival(consumer.wait_for_peer(time(choice))),
            (consumer, kind) => {
                let view = if kind < 5 { consumer.try_read() } else { consumer.read(time(choice)) };
                let outcome = of_read(view.as_ref().map_err(|&error| error));
                if let Ok(view) = view {
                    look_at(&view);
                    held.push(view);
                }
                outcome
            }
        }
    });
}

/// What is in a view may be anything, but not more than a slot.
fn look_at(view: &View) {
    assert!(view.lane() < LANES);
    match view {
        View::Slots(view) => _ = std::hint::black_box(view.iter().fold(0, |sum, word| sum ^ word)),
        View::Bytes(view) => {
            assert!(view.len() <= LEN_MAX);
            let mut copy = [0; 2 * LEN_MAX];
            assert_eq!(view.copy_to(&mut copy), view.len());
            std::hint::black_box((view.tag(), view.time()));
        }
    }
}

/// Who writes to words that are not its own.
struct Vandal {
    kind: Kind,
    places: Places,
    random: Random,
}

impl Vandal {
    /// Damages one word, or mends all of them.
    fn strike(&mut self) {
        let (lane, slot) = (self.lane(), self.random.below(CAPACITY));
        let places = &self.places;
        let (at, value) = match self.random.below(128) {
            0..4 => return self.mend(),
            4..8 => {
                let half = places.data_event() + 4 * self.index(2) + 128 * self.index(2);
                let value = self.value().to_ne_bytes();
                let value = u32::from_ne_bytes(value[..4].try_into().unwrap());
                self.places.words.half(half).store(value, SeqCst);
                return;
            }
            8..24 => {
                let row = self.random.below(u64::from(2 * SEATS));
                (self.places.row(row) + 8 * self.index(3), self.row_word(row))
            }
            24..72 => (places.state(lane, slot), self.slot_word()),
            72..80 => (places.fate(lane, slot), self.value()),
            // The length of a message, or the start of a value.
            80..88 if self.kind == Kind::Bytes => (places.slot(lane, slot), self.value()),
            80..96 => (places.occupied(), self.value()),
            96..104 => (places.departures(), self.value()),
            104..112 => (places.orphans(lane), self.value()),
            112..120 => (places.tail(lane), self.value()),
            _ => (places.head(lane), self.value()),
        };
        self.places.words.store(at, value);
    }

    fn row_word(&mut self, row: u64) -> u64 {
        match self.random.below(4) {
            0 => self.value(),
            1 => 1,
            // Held, or left, by some incarnation.
            _ => ((1 + self.random.below(1 << 17)) << 12 | row) << 3 | (2 + self.random.below(2)),
        }
    }

    /// A word that may be believed, or not.
    fn slot_word(&mut self) -> u64 {
        let near = self.position() / CAPACITY;
        let lap = near.wrapping_add(self.random.below(4)).wrapping_sub(2) << 32;
        let state = self.random.below(8);
        let row = self.random.below(u64::from(2 * SEATS));
        match self.random.below(8) {
            0 => self.value(),
            // Who holds the slot is one who sits there, perhaps.
            1..5 => lap | self.places.words.load(self.places.row(row)) & 0xFFFF_FFF8 | state,
            5 => lap | (1 + self.random.below(1 << 29)) << 3 | state,
            _ => lap | state,
        }
    }

    /// Rings that are empty at some position, so that the victims come further.
    fn mend(&mut self) {
        let position = match self.random.below(3) {
            0 => self.random.next(),
            1 => 1 << 32,
            _ => 0,
        };
        for lane in 0..LANES {
            for at in [self.places.tail(lane), self.places.head(lane)] {
                self.places.words.store(at, position);
            }
            for place in (0..CAPACITY).map(|more| position.wrapping_add(more)) {
                let lap = place / CAPACITY;
                let at = self.places.state(lane, place % CAPACITY);
                self.places.words.store(at, lap << 32 | FREE);
            }
        }
    }

    fn position(&mut self) -> u64 {
        let lane = self.lane();
        let at = if self.index(2) == 0 { self.places.tail(lane) } else { self.places.head(lane) };
        self.places.words.load(at)
    }

    fn lane(&mut self) -> u32 {
        u32::try_from(self.random.below(u64::from(LANES))).unwrap()
    }

    /// A value that may be believed, or not.
    fn value(&mut self) -> u64 {
        let near = self.position();
        let (small, bit) = (self.random.below(9), self.random.below(64));
        match self.random.below(8) {
            0 => small,
            1 => u64::MAX - small,
            2 => self.random.next(),
            3 => near ^ 1 << bit,
            4 => near.wrapping_sub(small),
            5 => near.wrapping_add(CAPACITY + 4 - small),
            6 => near.wrapping_add(small),
            _ => (1 << bit) - small.min(1),
        }
    }

    fn index(&mut self, choices: usize) -> usize {
        usize::try_from(self.random.below(choices as u64)).unwrap()
    }
}

fn damage(kind: Kind, redelivery: Redelivery) {
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = |name: &str| directory.path().join(name);
    let options = Options::new()
        .capacity(CAPACITY)
        .lanes(LANES)
        .producers_max(SEATS)
        .consumers_max(SEATS)
        .redelivery(redelivery);
    let ring = many::create(kind, &path("ring"), &options);
    let entries = ["producer", "consumer", "producer", "consumer"];
    let victims = Victims::start(directory.path(), kind, &entries);
    let mut vandal = Vandal { kind, places: Places::of(&ring), random: Random::new(7) };
    let time = Duration::from_millis(knob("RINGBUF_HOSTILE_MS", 1500));
    let what = format!("{kind:?} of many {redelivery:?}");
    victims.damage(&what, time, || vandal.strike(), |_| {});
}

#[test]
fn values_survive_any_words() {
    damage(Kind::Slots, Redelivery::Redeliver);
}

#[test]
fn bytes_survive_any_words() {
    damage(Kind::Bytes, Redelivery::Redeliver);
}

#[test]
fn dropping_survives_any_words() {
    damage(Kind::Slots, Redelivery::Drop);
}
