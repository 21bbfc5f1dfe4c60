//! Goal: a tick costs what PROTOCOL.md says, whatever the capacity: no compare-and-swap, no
//! fence that a processor with ordered stores has to wait for, and no store of a reader's but its
//! cursor.
//!
//! Method: the same calls on a machine that counts. The counts are exact, so they are compared,
//! not bounded.

use ringbuf_core::error::ReceiveError;
use ringbuf_core::life::Delivery;
use ringbuf_core::peer::Who;
use ringbuf_core::subscriber::Start;
use ringbuf_core::tick_publisher::TickPublisher;
use ringbuf_core::tick_subscriber::TickSubscriber;
use ringbuf_verification::counting::{Counted, Counting, Uses, counting};
use ringbuf_verification::tick_words::{TickSize, TickWords};

const CAPACITIES: [usize; 4] = [8, 64, 1024, 65_536];
/// Rows of subscribers in every ring.
const READERS: usize = 256;
/// Words of a message.
const WORDS: usize = 8;
const NOTHING: Uses = Uses { loads: 0, stores: 0, exchanges: 0 };

type Words = TickWords<Counting>;

fn words(capacity: usize) -> Words {
    let size = TickSize { capacity, readers: READERS, words: WORDS };
    TickWords::new(Counting, size, 0, Counted::new, Counted::new)
}

fn joined(words: &Words, row: u16, delivery: Delivery) -> TickSubscriber<'_, Counting> {
    let who = Who::new(u32::from(row) + 1, 1);
    TickSubscriber::join(words.ring(), row.into(), who, delivery, Start::Oldest)
}

fn publish(publisher: &mut TickPublisher<'_, Counting>) {
    publisher.publish(&[1; WORDS]).expect("nobody is in the way");
}

fn stores(stores: u64) -> Uses {
    Uses { stores, ..NOTHING }
}

fn loads(loads: u64) -> Uses {
    Uses { loads, ..NOTHING }
}

#[test]
fn a_message_is_its_words_and_two_stamps_and_the_tail() {
    for capacity in CAPACITIES {
        let words = words(capacity);
        let mut publisher = TickPublisher::take_over(words.ring()).expect("true words");
        publish(&mut publisher);
        // Of the first lap the rows are looked at after a quarter of it at the earliest.
        let tally = counting(|| publish(&mut publisher));
        assert_eq!(tally.of(words.words.as_slice()), stores(WORDS as u64 + 2));
        assert_eq!(tally.of(&words.publisher), stores(1));
        assert_eq!(tally.all(), stores(WORDS as u64 + 3));
        assert_eq!((tally.fences, tally.calls), (0, 0));
    }
}

#[test]
fn the_rows_are_looked_at_once_in_a_quarter_of_a_lap() {
    for capacity in CAPACITIES {
        let words = words(capacity);
        let mut publisher = TickPublisher::take_over(words.ring()).expect("true words");
        let mut reader = joined(&words, 3, Delivery::Lossless);
        let laps = 8_u64;
        let tally = counting(|| {
            for _ in 0..laps * capacity as u64 {
                publish(&mut publisher);
                reader.read(&mut [0; WORDS]).expect("what was published");
            }
        });
        // Once at first, and, from the second lap on, for a quarter of a lap and the message
        // that makes it necessary.
        let rest = (laps - 1) * capacity as u64;
        let looks = rest.div_ceil(capacity as u64 / 4 + 1);
        assert_eq!(tally.fences, 1 + looks, "capacity {capacity}");
        assert_eq!(tally.of(&words.publisher.floor), stores(looks), "capacity {capacity}");
        let rows = (1 + looks) * READERS as u64 + laps * capacity as u64;
        assert_eq!(words.readers.iter().map(|row| tally.of(&row.life).loads).sum::<u64>(), rows);
        assert_eq!(tally.all().exchanges, 0);
    }
}

#[test]
fn a_copy_is_its_words_and_two_looks_and_one_store() {
    for capacity in CAPACITIES {
        for delivery in [Delivery::Lossless, Delivery::Lossy, Delivery::Latest] {
            let words = words(capacity);
            let mut publisher = TickPublisher::take_over(words.ring()).expect("true words");
            let mut reader = joined(&words, 0, delivery);
            publish(&mut publisher);
            let mut copy = [0; WORDS];
            let tally = counting(|| {
                reader.read(&mut copy).expect("what was published");
            });
            assert_eq!(copy, [1; WORDS]);
            assert_eq!(tally.of(words.words.as_slice()), loads(WORDS as u64 + 2));
            let tail = u64::from(delivery == Delivery::Latest);
            assert_eq!(tally.of(&words.publisher), loads(tail), "{delivery:?}");
            let row = &words.readers[0];
            let life = u64::from(delivery == Delivery::Lossless);
            assert_eq!((tally.of(&row.life), tally.of(&row.cursor)), (loads(life), stores(1)));
            assert_eq!(tally.all().stores, 1);
            assert_eq!((tally.fences, tally.calls), (0, 0));
        }
    }
}

#[test]
fn who_finds_nothing_has_looked_once() {
    for delivery in [Delivery::Lossless, Delivery::Lossy] {
        let words = words(8);
        let mut reader = joined(&words, 0, delivery);
        let tally = counting(|| {
            assert_eq!(reader.read(&mut [0; WORDS]), Err(ReceiveError::Empty));
        });
        assert_eq!(tally.of(words.words.as_slice()), loads(1));
        assert_eq!(tally.all().stores, 0);
        assert_eq!(tally.fences, 0);
    }
}

#[test]
fn a_reader_tells_a_publisher_once_in_a_quarter_of_a_lap() {
    for capacity in CAPACITIES {
        let words = words(capacity);
        let mut publisher = TickPublisher::take_over(words.ring()).expect("true words");
        let mut reader = joined(&words, 0, Delivery::Lossless);
        let mut told = 0;
        for _ in 0..4 * capacity {
            publish(&mut publisher);
            reader.read(&mut [0; WORDS]).expect("what was published");
            told += u32::from(reader.tells());
        }
        assert_eq!(told, 16);
        let lossy = joined(&words, 1, Delivery::Lossy);
        assert!(!lossy.tells(), "nobody waits for it");
    }
}
