//! Goal: whatever another process writes into the words of a broadcast ring, a call answers
//! with an error or a result of valid length, in time: no panic, no signal, no access out
//! of bounds, no endless loop (P6).
//! Method: a publisher and three subscribers, one of each contract at a time, in processes
//! of their own come, claim, publish whole and piece by piece, read, hold, wait and leave
//! with calls that do not wait, or wait at most a moment, while the test writes random and
//! well-chosen values to every word that peers believe, as fast as it can and in bursts. A
//! process that fails ends by itself; one that hangs is not there when it is waited for.
//! `RINGBUF_HOSTILE_MS` is how long each ring is damaged (1,000).

mod process;

use process::broadcast::holder::DELIVERIES;
use process::broadcast::places::{FREE, IDLE, Places};
use process::ends::Kind;
use process::knob;
use process::random::Random;
use process::victims::{Victims, of_arrival, of_claim, of_read, suffer, time};
use ringbuf_shm::broadcast::{self, Join, Payload, Start, bytes};
use ringbuf_shm::{OpenError, Options, ReadError, Ring};
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

const CAPACITY: u64 = 8;
const SUBSCRIBERS: u32 = 4;
const VIEWS: u32 = 32;
const LEN: usize = 256;
/// The most views of a victim.
const HELD_MAX: u32 = 3;
/// Calls on one handle before it is closed and another follows.
const CALLS_PER_HANDLE: u64 = 100;
/// For subscribers that are in the way.
const PATIENCE: Duration = Duration::from_micros(500);

/// Strikes between two pauses, and how long these are.
const REST_EVERY: u64 = 32;
const REST: Duration = Duration::from_micros(200);

type Value = [u64; LEN / 8];
/// What stands in the entries, as many words of it as may be.
type Tick = [u64; TICK_WORDS];
const TICK_WORDS: usize = 15;

enum Publisher {
    Values(broadcast::Publisher<Value>),
    Ticks(broadcast::Publisher<Tick>),
    Bytes(bytes::Publisher),
}

enum Subscriber {
    Values(broadcast::Subscriber<Value>),
    Ticks(broadcast::Subscriber<Tick>),
    Bytes(bytes::Subscriber),
}

enum Held {
    Value(Box<broadcast::View<Value>>),
    Tick(Box<broadcast::View<Tick>>),
    View(bytes::View),
    Part(bytes::Part),
}

fn is_of_ticks(ring: &Ring) -> bool {
    ring.shape().name() == "ticks"
}

fn attach_publisher(kind: Kind, ring: &Ring) -> Result<Publisher, OpenError> {
    Ok(match kind {
        Kind::Slots if is_of_ticks(ring) => Publisher::Ticks(broadcast::Publisher::attach(ring)?),
        Kind::Slots => Publisher::Values(broadcast::Publisher::attach(ring)?),
        _ => Publisher::Bytes(bytes::Publisher::attach(ring)?),
    })
}

#[test]
#[ignore = "a process of the other tests"]
fn publisher() {
    suffer(CALLS_PER_HANDLE, attach_publisher, |publisher, choice| match publisher {
        Publisher::Values(publisher) => publish_value(publisher, choice),
        Publisher::Ticks(publisher) => publish_value(publisher, choice),
        Publisher::Bytes(publisher) => match choice >> 8 & 7 {
            0 => of_arrival(publisher.wait_for_peer(Some(time(choice)))),
            1..4 => publish_in_parts(publisher, choice),
            _ => of_claim(publisher.push_timeout(&[7; LEN][..len(choice)], time(choice))),
        },
    });
}

fn publish_value<const W: usize>(
    publisher: &mut broadcast::Publisher<[u64; W]>,
    choice: u64,
) -> usize {
    match choice >> 8 & 7 {
        0 => of_arrival(publisher.wait_for_peer(Some(time(choice)))),
        1 => match publisher.try_claim() {
            Ok(mut claim) => {
                claim.fill(choice);
                of_claim(if choice >> 16 & 1 == 0 { claim.commit() } else { Ok(()) })
            }
            Err(error) => of_claim::<()>(Err(error)),
        },
        _ => {
            let pushed = publisher.push_timeout([choice; W], time(choice));
            of_claim(pushed.map_err(|refused| refused.error))
        }
    }
}

fn len(choice: u64) -> usize {
    usize::try_from((choice >> 32) % (LEN as u64 + 1)).unwrap()
}

fn publish_in_parts(publisher: &mut bytes::Publisher, choice: u64) -> usize {
    let claim = match publisher.claim_timeout(time(choice)) {
        Ok(claim) => claim,
        Err(error) => return of_claim::<()>(Err(error)),
    };
    assert_eq!(claim.len(), LEN);
    let mut begun = match claim.begin() {
        Ok(begun) => begun,
        Err(error) => return of_claim::<()>(Err(error)),
    };
    let bytes = len(choice);
    begun.rest_mut().fill(choice.to_ne_bytes()[0]);
    let shown = begun.advance(bytes);
    assert_eq!(begun.rest_mut().len(), LEN - begun.shown());
    if choice >> 16 & 3 == 0 {
        begun.abort();
        return of_claim(shown);
    }
    of_claim(shown.and(begun.commit()))
}

/// By a contract, and from a position, that are others each time.
fn attach_subscriber(kind: Kind, ring: &Ring) -> Result<Subscriber, OpenError> {
    let places = Places::of(ring);
    let choice = process::random::mix(places.words.load(places.tail()));
    let delivery = DELIVERIES[usize::try_from(choice % 3).unwrap()];
    let start = match choice >> 8 & 3 {
        0 => Start::Newest,
        1 => Start::Position(choice),
        _ => Start::Oldest,
    };
    let join = Join::new(delivery).start(start).views(HELD_MAX);
    let attached = match kind {
        Kind::Slots if is_of_ticks(ring) => {
            broadcast::Subscriber::attach(ring, join).map(Subscriber::Ticks)
        }
        Kind::Slots => broadcast::Subscriber::attach(ring, join).map(Subscriber::Values),
        _ => bytes::Subscriber::attach(ring, join).map(Subscriber::Bytes),
    };
    attached.map_err(|error| match error {
        // Who says that all cells are taken is told from one that comes in vain by nobody.
        OpenError::TooManyViews { .. } => OpenError::TooManyPeers(SUBSCRIBERS),
        error => error,
    })
}

#[test]
#[ignore = "a process of the other tests"]
fn subscriber() {
    let mut held: Vec<Held> = Vec::new();
    suffer(CALLS_PER_HANDLE, attach_subscriber, |subscriber, choice| {
        if held.len() == HELD_MAX as usize || choice >> 24 & 3 == 0 && !held.is_empty() {
            let index = usize::try_from(choice >> 32).unwrap() % held.len();
            look_at(&held.swap_remove(index), choice);
        }
        let found = match subscriber {
            Subscriber::Values(subscriber) => read_value(subscriber, choice, Held::Value),
            Subscriber::Ticks(subscriber) => read_value(subscriber, choice, Held::Tick),
            Subscriber::Bytes(subscriber) => match choice >> 8 & 7 {
                0 => Err(of_arrival(subscriber.wait_for_peer(Some(time(choice))))),
                1..4 => Ok(subscriber.read_part_timeout(time(choice)).map(Held::Part)),
                4 => Ok(subscriber.latest().map(Held::View)),
                _ => Ok(subscriber.read_timeout(time(choice)).map(Held::View)),
            },
        };
        let found = match found {
            Ok(found) => found,
            Err(outcome) => return outcome,
        };
        let outcome = of_read(found.as_ref().map_err(|&error| error));
        if let Ok(found) = found {
            look_at(&found, choice);
            held.push(found);
        }
        outcome
    });
}

/// What was read, to be held; or what came of a call that gives nothing to hold.
fn read_value<T: Payload>(
    subscriber: &mut broadcast::Subscriber<T>,
    choice: u64,
    held: fn(Box<broadcast::View<T>>) -> Held,
) -> Result<Result<Held, ReadError>, usize> {
    let wait = time(choice);
    let found = match choice >> 8 & 7 {
        0 => return Err(of_arrival(subscriber.wait_for_peer(Some(wait)))),
        1 => return Err(of_read(subscriber.pop_timeout(wait))),
        2 => subscriber.latest(),
        _ => subscriber.read_timeout(wait),
    };
    Ok(found.map(Box::new).map(held))
}

/// What is shown may be anything, but not more than a slot.
fn look_at(held: &Held, choice: u64) {
    let sum = |bytes: &[u8]| {
        assert!(bytes.len() <= LEN);
        std::hint::black_box(bytes.iter().fold(0, |sum, byte| sum ^ byte));
    };
    let mut copy = [0; 2 * LEN];
    match held {
        Held::Value(view) => _ = std::hint::black_box(view.iter().fold(0, |sum, word| sum ^ word)),
        Held::Tick(view) => _ = std::hint::black_box(view.iter().fold(0, |sum, word| sum ^ word)),
        Held::View(view) => {
            sum(view);
            assert_eq!(view.copy_to(&mut copy), view.len());
            std::hint::black_box((view.tag(), view.time(), view.position()));
        }
        Held::Part(part) => {
            _ = part.bytes().map(sum);
            _ = part.wait_for_timeout(len(choice), time(choice)).map(sum);
            _ = part.state();
            assert!(part.copy_to(&mut copy).unwrap_or(0) <= LEN);
        }
    }
}

/// Who writes to words that are not its own.
struct Vandal {
    places: Places,
    /// There is neither a pool nor a cell.
    ticks: bool,
    random: Random,
}

impl Vandal {
    /// Damages one word, or mends all of them.
    fn strike(&mut self) {
        let random = self.random.below(128);
        // Now and then the victims get somewhere.
        if self.random.below(REST_EVERY) == 0 {
            std::thread::sleep(REST);
        }
        let (row, cell) = (1 + self.below(SUBSCRIBERS.into()), self.below(VIEWS.into()));
        let (slot, entry) = (self.below(self.places.slots), self.below(CAPACITY));
        let places = &self.places;
        let (at, value) = match random {
            0..4 => return self.mend(),
            4..8 => {
                let event = places.data_event();
                let half = event + 4 * self.index(2) + 128 * self.index(2);
                let value = self.value().to_ne_bytes();
                let value = u32::from_ne_bytes(value[..4].try_into().unwrap());
                self.places.words.half(half).store(value, SeqCst);
                return;
            }
            8..12 => {
                let of = self.below_row();
                (self.places.row(of) + 8 * self.index(3), self.row_word(of))
            }
            12..28 => (places.life(row), self.owned_word(row)),
            28..48 => (places.cursor(row), self.value()),
            // For people.
            48..52 => (places.cursor(row) + 8 + 8 * self.index(3), self.value()),
            52..112 if self.ticks => {
                let (entry, word) = (places.slot(entry), 8 * (1 + self.index(TICK_WORDS)));
                match random {
                    52..92 => (entry, self.stamp()),
                    _ => (entry + word, self.value()),
                }
            }
            52..68 => (places.cell(cell), self.owned_word(row)),
            68..92 => (places.entry(entry), self.entry_word()),
            92..108 => (places.progress(slot), self.progress_word()),
            // The length of a message, or the start of a value.
            108..112 => (places.slot(slot), self.value()),
            112..120 => (places.tail(), self.value()),
            _ => (places.floor(), self.value()),
        };
        self.places.words.store(at, value);
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.random.below(limit)
    }

    fn index(&mut self, choices: usize) -> usize {
        usize::try_from(self.random.below(choices as u64)).unwrap()
    }

    fn below_row(&mut self) -> u64 {
        self.random.below(self.places.rows)
    }

    fn row_word(&mut self, row: u64) -> u64 {
        match self.random.below(4) {
            0 => self.value(),
            1 => 1,
            // Held, or left, by some incarnation.
            _ => ((1 + self.random.below(1 << 17)) << 12 | row) << 3 | (2 + self.random.below(2)),
        }
    }

    /// A life or a cell that may be believed, or not: of one who sits there, perhaps.
    fn owned_word(&mut self, row: u64) -> u64 {
        let who = match self.random.below(4) {
            0 => (1 + self.random.below(1 << 29)) << 3,
            _ => self.places.who(row),
        };
        let upper = match self.random.below(3) {
            0 => self.random.next() << 32,
            _ => self.random.below(self.places.slots + 2) << 32,
        };
        match self.random.below(8) {
            0 => self.value(),
            1 => IDLE,
            _ => upper | who | self.random.below(8),
        }
    }

    fn entry_word(&mut self) -> u64 {
        let near = (self.tail() / CAPACITY).wrapping_add(self.random.below(4)).wrapping_sub(2);
        match self.random.below(8) {
            0 => self.value(),
            1 => 0,
            _ => near << 24 | self.random.below(self.places.slots + 2),
        }
    }

    /// A stamp that may be believed, or not.
    fn stamp(&mut self) -> u64 {
        let near = self.tail().wrapping_add(self.random.below(2 * CAPACITY)).wrapping_sub(CAPACITY);
        match self.random.below(8) {
            0 => self.value(),
            1 => 0,
            _ => near << 2 | self.random.below(4),
        }
    }

    fn progress_word(&mut self) -> u64 {
        match self.random.below(4) {
            0 => self.value(),
            _ => self.random.below(LEN as u64 + 9) << 3 | self.random.below(5),
        }
    }

    /// A ring with nothing in it at some position, so that the victims come further.
    fn mend(&mut self) {
        let position = match self.random.below(3) {
            0 => self.random.next(),
            1 => 1 << 43,
            _ => 0,
        };
        let (words, places) = (&self.places.words, &self.places);
        let entry = |entry| if self.ticks { places.slot(entry) } else { places.entry(entry) };
        (0..CAPACITY).for_each(|number| words.store(entry(number), 0));
        (0..places.cells).for_each(|cell| words.store(places.cell(cell), FREE));
        (1..places.rows).for_each(|row| words.store(places.life(row), IDLE));
        // Nobody comes while a row says what cannot be.
        for row in 0..places.rows {
            let word = words.load(places.row(row));
            let is_possible = (2..=3).contains(&(word & 7)) && word >> 3 & 0xFFF == row;
            if !is_possible || word >> 32 != 0 {
                words.store(places.row(row), 1);
            }
        }
        [places.tail(), places.floor()].iter().for_each(|&at| words.store(at, position));
    }

    fn tail(&self) -> u64 {
        self.places.words.load(self.places.tail())
    }

    /// A value that may be believed, or not.
    fn value(&mut self) -> u64 {
        let near = self.tail();
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
}

fn damage(kind: Kind, ticks: bool) {
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    let options = Options::new()
        .capacity(CAPACITY)
        .slot_size(LEN as u64)
        .subscribers_max(SUBSCRIBERS)
        .views_max(VIEWS)
        .reader_patience(Some(PATIENCE))
        .reopen(true);
    let path = directory.path().join("ring");
    let ring = match kind {
        Kind::Slots if ticks => Ring::create_broadcast::<Tick>(path, &options),
        Kind::Slots => Ring::create_broadcast::<Value>(path, &options),
        _ => Ring::create_broadcast_bytes(path, &options),
    };
    let ring = ring.unwrap();
    assert_eq!(is_of_ticks(&ring), ticks);
    let entries = ["publisher", "subscriber", "subscriber", "subscriber"];
    let victims = Victims::start(directory.path(), kind, &entries);
    let mut vandal = Vandal { places: Places::of(&ring), ticks, random: Random::new(7) };
    let time = Duration::from_millis(knob("RINGBUF_HOSTILE_MS", 1000));
    let what = if ticks { "ticks".to_owned() } else { format!("{kind:?} of a broadcast") };
    victims.damage(&what, time, || vandal.strike(), |_| {});
}

#[test]
fn values_survive_any_words() {
    damage(Kind::Slots, false);
}

#[test]
fn bytes_survive_any_words() {
    damage(Kind::Bytes, false);
}

#[test]
fn ticks_survive_any_words() {
    damage(Kind::Slots, true);
}
