//! Goal: whatever another process writes into the words of a ring, a call answers with
//! an error or a result of valid length, in time: no panic, no signal, no access out
//! of bounds, no endless loop (P6).
//! Method: a producer and a consumer in processes of their own work with calls that do
//! not wait, or wait at most a moment, while the test writes random and well-chosen
//! values to every word that peers believe, as fast as it can and in bursts. A process
//! that fails ends by itself; one that hangs counts no more calls. The payload is not
//! believed by anybody. `RINGBUF_HOSTILE_MS` is how long each ring is damaged (1,000).

mod process;

use process::ends::{Consumer, Kind, Producer};
use process::knob;
use process::message::{self, LEN_MAX};
use process::random::Random;
use process::victims::{BUSY, Victims, of_claim, of_read, suffer, time};
use process::words::{
    CONSUMER_ROW, DATA, DATA_EVENT, DROPPED, DROPPING, HEAD, PRODUCER_ROW, ROOM_EVENT, TAIL, TAKEN,
    Words,
};
use ringbuf_shm::{OpenError, Options, Redelivery};
use std::time::Duration;

const CAPACITY_SLOTS: u64 = 8;
/// From one slot of bytes to the next: its header, and the payload in whole lines.
const BYTES_STRIDE: usize = 64 + LEN_MAX.next_multiple_of(64);
/// Calls on one handle before it is closed and another follows.
const CALLS_PER_HANDLE: u64 = 200;
/// The most messages read or written at once.
const BATCH: usize = 3;

#[test]
#[ignore = "a process of the other tests"]
fn producer() {
    suffer(CALLS_PER_HANDLE, Producer::attach, |producer, choice| {
        let time = time(choice);
        match (producer, choice >> 8 & 7) {
            (producer, 0) => {
                let _ = producer.ring().stats();
                let found = producer.wait_for_peer(time);
                assert!(matches!(found, Ok(_) | Err(OpenError::Corrupt)), "{found:?}");
                1
            }
            (Producer::Slots(producer), 1) => match producer.free() {
                Ok(free) => {
                    assert!(free <= CAPACITY_SLOTS);
                    0
                }
                Err(error) => of_claim::<()>(Err(error)),
            },
            (Producer::Slots(producer), 2) => {
                of_claim(producer.try_push_slice(&[message::slot(choice); BATCH]))
            }
            (Producer::Slots(producer), 3) => match producer.try_claim(BATCH) {
                Ok(mut claim) => {
                    let (front, back) = claim.slices();
                    front.iter_mut().chain(back).for_each(|slot| slot.fill(choice));
                    assert_eq!(claim.len(), BATCH);
                    of_claim(claim.commit_first(BATCH - 1))
                }
                Err(error) => of_claim::<()>(Err(error)),
            },
            (Producer::Bytes(producer), 1..4) => match producer.try_claim() {
                Ok(mut claim) => {
                    assert_eq!(claim.len(), LEN_MAX);
                    claim.fill(choice.to_ne_bytes()[0]);
                    of_claim(claim.commit(LEN_MAX))
                }
                Err(error) => of_claim::<()>(Err(error)),
            },
            (Producer::Records(producer), 1..4) => match producer.try_claim(producer.len_max()) {
                Ok(mut claim) => {
                    claim.fill(choice.to_ne_bytes()[0]);
                    of_claim(claim.commit(message::len(choice)))
                }
                Err(error) => of_claim::<()>(Err(error)),
            },
            (producer, _) => of_claim(producer.write(choice >> 1, 1, time)),
        }
    });
}

#[test]
#[ignore = "a process of the other tests"]
fn consumer() {
    suffer(CALLS_PER_HANDLE, Consumer::attach, |consumer, choice| {
        let time = time(choice);
        let mut copy = [0; 2 * LEN_MAX];
        match (consumer, choice >> 8 & 7) {
            (consumer, 0) => {
                let _ = consumer.ring().stats();
                let found = consumer.wait_for_peer(time);
                assert!(matches!(found, Ok(_) | Err(OpenError::Corrupt)), "{found:?}");
                1
            }
            (Consumer::Slots(consumer), 1) => of_read(consumer.try_pop().map(|_| ())),
            (Consumer::Slots(consumer), 2) => match consumer.available() {
                Ok(available) => {
                    assert!(available <= CAPACITY_SLOTS);
                    assert!(consumer.redelivered_ahead() <= CAPACITY_SLOTS);
                    0
                }
                Err(error) => of_read::<()>(Err(error)),
            },
            (Consumer::Slots(consumer), _) => match consumer.read_timeout(BATCH, time) {
                Ok(view) => {
                    assert!((1..=BATCH).contains(&view.len()));
                    assert!(view.redelivered() <= view.len());
                    std::hint::black_box(view.iter().flatten().fold(0, |sum, word| sum ^ word));
                    view.release_first(usize::from(choice.to_ne_bytes()[0]) % (BATCH + 1));
                    0
                }
                Err(error) => of_read::<()>(Err(error)),
            },
            (Consumer::Bytes(consumer), _) => match consumer.read_timeout(time) {
                Ok(view) => {
                    assert!(view.len() <= LEN_MAX);
                    assert_eq!(view.copy_to(&mut copy), view.len());
                    0
                }
                Err(error) => of_read::<()>(Err(error)),
            },
            (Consumer::Records(consumer), _) => match consumer.read_timeout(time) {
                Ok(view) => {
                    assert!(view.len() as u64 <= Kind::Records.capacity(CAPACITY_SLOTS) / 2);
                    assert_eq!(view.copy_to(&mut copy), view.len().min(copy.len()));
                    0
                }
                Err(error) => of_read::<()>(Err(error)),
            },
        }
    });
}

/// Who writes to words that are not its own.
struct Vandal<'a> {
    kind: Kind,
    capacity: u64,
    words: &'a Words,
    random: Random,
}

impl Vandal<'_> {
    /// Damages one word, or mends all of them.
    fn strike(&mut self) {
        match self.random.below(64) {
            0 => self.mend(),
            1..8 => {
                let event = [DATA_EVENT, ROOM_EVENT][self.index(2)];
                let half = event + 4 * self.index(2);
                let value = self.value().to_ne_bytes();
                let value = u32::from_ne_bytes(value[..4].try_into().unwrap());
                self.words.half(half).store(value, std::sync::atomic::Ordering::SeqCst);
            }
            8..16 => {
                let (row, number) = [(PRODUCER_ROW, 0), (CONSUMER_ROW, 1)][self.index(2)];
                let value = match self.random.below(4) {
                    0 => self.value(),
                    1 => 1,
                    // Held, or left, by some incarnation.
                    _ => {
                        ((1 + self.random.below(1 << 17)) << 12 | number) << 3
                            | (2 + self.random.below(2))
                    }
                };
                self.words.store(row + 8 * self.index(3), value);
            }
            16..32 => self.strike_message(),
            _ => {
                let word = [TAIL, HEAD, TAKEN, DROPPING, DROPPED][self.index(5)];
                let value = self.value();
                self.words.store(word, value);
            }
        }
    }

    /// Damages what stands in front of a message.
    fn strike_message(&mut self) {
        let slot = self.index(8);
        let (offset, value) = match self.kind {
            // Typed slots have nothing in front of them.
            Kind::Slots => (8 * slot, self.value()),
            Kind::Bytes => (slot * BYTES_STRIDE + 8 * self.index(8), self.value()),
            Kind::Records => {
                let words = usize::try_from(self.capacity / 8).unwrap();
                let len = self.random.below(self.capacity);
                let value = match self.random.below(4) {
                    0 => self.value(),
                    // The length of some data, or padding.
                    _ => (1 + self.random.below(2)) << 32 | len,
                };
                (8 * self.index(words), value)
            }
        };
        self.words.store(DATA + offset, value);
    }

    /// An empty ring at some position, so that the victims come further.
    fn mend(&mut self) {
        let position = match self.random.below(3) {
            0 => self.random.next(),
            1 => 1 << 32,
            _ => 0,
        };
        // Where a record may begin.
        let position = position & !7;
        for word in [HEAD, TAKEN, TAIL] {
            self.words.store(word, position);
        }
    }

    /// A value that may be believed, or not.
    fn value(&mut self) -> u64 {
        let words = [TAIL, HEAD, TAKEN];
        let near = self.words.load(words[self.index(3)]);
        let (small, bit) = (self.random.below(9), self.random.below(64));
        match self.random.below(8) {
            0 => small,
            1 => u64::MAX - small,
            2 => self.random.next(),
            3 => near ^ 1 << bit,
            4 => near.wrapping_sub(small),
            5 => near.wrapping_add(self.capacity + 4 - small),
            6 => near.wrapping_add(8 * self.random.below(self.capacity / 8 + 1)),
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
    let options =
        Options::new().capacity(kind.capacity(CAPACITY_SLOTS)).redelivery(redelivery).reopen(true);
    let maker = Producer::create(kind, &path("ring"), &options).unwrap();
    let ring = maker.ring().clone();
    drop(maker);
    let words = Words::of(&ring);
    let victims = Victims::start(directory.path(), kind, &["producer", "consumer"]);
    let capacity = ring.shape().capacity();
    let mut vandal = Vandal { kind, capacity, words: &words, random: Random::new(7) };
    let time = Duration::from_millis(knob("RINGBUF_HOSTILE_MS", 1000));
    let never_busy = |calls: &[u64]| assert_eq!(calls[BUSY], 0);
    victims.damage(&format!("{kind:?} {redelivery:?}"), time, || vandal.strike(), never_busy);
}

#[test]
fn typed_slots_survive_any_words() {
    damage(Kind::Slots, Redelivery::Redeliver);
    damage(Kind::Slots, Redelivery::Drop);
}

#[test]
fn byte_slots_survive_any_words() {
    damage(Kind::Bytes, Redelivery::Redeliver);
}

#[test]
fn records_survive_any_words() {
    damage(Kind::Records, Redelivery::Redeliver);
    damage(Kind::Records, Redelivery::Drop);
}
