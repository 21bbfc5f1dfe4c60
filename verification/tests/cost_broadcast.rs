//! Goal: a message of a broadcast ring costs what PROTOCOL.md says, whatever the capacity
//! and however many subscribers there are that need not be waited for.
//!
//! Method: the same calls on a machine that counts, with the words laid out as in a file.
//! The counts are exact, so they are compared, not bounded.

use ringbuf_core::error::{ClaimError, ReceiveError};
use ringbuf_core::life::Delivery;
use ringbuf_core::peer::Who;
use ringbuf_core::publisher::Reclaim;
use ringbuf_core::subscriber::{Start, Subscriber, Want};
use ringbuf_verification::broadcast_words::{BroadcastWords, PublisherOf, Size, SubscriberOf};
use ringbuf_verification::counting::{Counted, Counting, Tally, Uses, counting};

const CAPACITIES: [usize; 5] = [8, 64, 1024, 8192, 65_536];
const IDLE: [usize; 4] = [0, 1, 8, 200];
/// Rows of subscribers, and cells, in every ring.
const READERS: usize = 256;

type Words = BroadcastWords<Counting>;
type Reader<'a> = SubscriberOf<'a, Counting>;

fn words(capacity: usize, cells: usize) -> Words {
    let size = Size { capacity, readers: READERS, cells };
    BroadcastWords::new(Counting, size, 0, Counted::new)
}

fn uses(loads: u64, stores: u64) -> Uses {
    Uses { loads, stores, exchanges: 0 }
}

/// What was done in all: words, fences, lines.
fn sum(tally: &Tally) -> (Uses, u64, usize) {
    assert_eq!(tally.calls, 0, "no call");
    (tally.all(), tally.fences, tally.lines())
}

fn join(words: &Words, row: usize, delivery: Delivery, views: usize) -> Reader<'_> {
    let who = Who::new(u32::try_from(row + 1).expect("few rows"), 1);
    let cells = words.take_cells(who, views).expect("a cell for each");
    Subscriber::join(words.ring(), row, who, cells, delivery, Start::Newest)
}

fn publish(publisher: &mut PublisherOf<'_, Counting>) {
    publisher.claim().expect("room");
    publisher.commit(8);
}

/// What a publish does besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Besides {
    makes_room: bool,
    reclaims: bool,
}

/// Publishes, compares the cost, and says what else was done.
fn measure(words: &Words, publisher: &mut PublisherOf<'_, Counting>, lossless: usize) -> Besides {
    let tally = counting(|| publish(publisher));
    let rows = tally.of(&words.readers[..]);
    let cells = tally.of(&words.cells[..]);
    let makes_room = rows.loads > 0;
    let reclaims = cells.loads > 0;
    let raises = tally.of(&words.publisher.floor).stores;
    assert!(raises <= u64::from(makes_room), "only then");
    // The extent, the entry, the tail; and nothing is loaded back.
    let all = tally.all();
    let rows_loads = if makes_room { words.readers.len() + lossless } else { 0 };
    let cells_loads = if reclaims { words.cells.len() } else { 0 };
    assert_eq!(all, uses((rows_loads + cells_loads) as u64, 3 + raises));
    assert_eq!(tally.of(&words.slots.0[..]), uses(0, 1));
    assert_eq!(tally.of(&words.entries[..]), uses(0, 1));
    assert_eq!(tally.of(&words.publisher.tail), uses(0, 1));
    assert_eq!(tally.fences, u64::from(makes_room) + u64::from(reclaims), "one for each");
    if !makes_room && !reclaims {
        assert_eq!(sum(&tally), (uses(0, 3), 0, 3), "the same for all");
    }
    Besides { makes_room, reclaims }
}

#[test]
fn a_publish_is_three_stores_whatever_the_capacity_and_whoever_only_listens() {
    for capacity in CAPACITIES {
        for idle in IDLE {
            let words = words(capacity, READERS);
            let mut publisher = words.take_over(Reclaim::Late).expect("true words");
            let lossy: Vec<_> = (0..idle)
                .map(|row| join(&words, row, [Delivery::Lossy, Delivery::Latest][row % 2], 1))
                .collect();
            // The first lap fills the ring; a successor trusts nothing and looks once.
            (0..capacity).for_each(|_| publish(&mut publisher));
            let laps = 4;
            let mut count = [0; 2];
            for _ in 0..laps * capacity {
                let besides = measure(&words, &mut publisher, 0);
                count[0] += usize::from(besides.makes_room);
                count[1] += usize::from(besides.reclaims);
            }
            // Once for a quarter of a lap and the message itself; once for all free slots.
            assert!(count[0].abs_diff(laps * capacity / (capacity / 4 + 1)) <= 1, "{count:?}");
            assert!(count[1].abs_diff(laps * capacity / (READERS + 1)) <= 1, "{count:?}");
            drop(lossy);
        }
    }
}

#[test]
fn a_lossless_subscriber_costs_a_publisher_one_load_more_a_quarter_of_a_lap() {
    for capacity in CAPACITIES {
        let words = words(capacity, 4);
        let mut publisher = words.take_over(Reclaim::Late).expect("true words");
        let mut reader = join(&words, 0, Delivery::Lossless, 1);
        let mut rooms = 0;
        for _ in 0..4 * capacity {
            rooms += usize::from(measure(&words, &mut publisher, 1).makes_room);
            let taken = reader.read(Want::Whole).expect("the message");
            reader.release(taken);
        }
        // Not in the first lap, but for the very first.
        let expected = 1 + 3 * capacity / (capacity / 4 + 1);
        assert!(rooms.abs_diff(expected) <= 1, "{rooms} instead of {expected}");
        // Who finds no room looks every time, and evicts with an exchange.
        (0..capacity).for_each(|_| publish(&mut publisher));
        let full = counting(|| assert_eq!(publisher.claim(), Err(ClaimError::Full)));
        assert_eq!(full.of(&words.readers[..]), uses(READERS as u64 + 1, 0));
        assert_eq!(full.fences, 1);
        let evicted = counting(|| assert_eq!(publisher.evict_those_in_the_way(), 1));
        assert_eq!(evicted.all(), Uses { loads: 2 * READERS as u64, stores: 0, exchanges: 1 });
        publish(&mut publisher);
    }
}

#[test]
fn who_reclaims_early_looks_at_the_cells_for_each_message() {
    const CELLS: usize = 16;
    for capacity in CAPACITIES {
        let words = words(capacity, CELLS);
        let mut publisher = words.take_over(Reclaim::Early).expect("true words");
        (0..=capacity).for_each(|_| publish(&mut publisher));
        let mut slots = std::collections::BTreeSet::new();
        for _ in 0..capacity {
            let besides = measure(&words, &mut publisher, 0);
            assert!(besides.reclaims);
            let position = publisher.position().count() - 1;
            let index = usize::try_from(position).expect("few messages") % capacity;
            slots.insert(words.slot_of(peek(&words.entries[index])));
        }
        assert!(slots.len() <= capacity + 1, "no more slots than entries, and one");
    }
}

fn peek(word: &Counted<u64>) -> u64 {
    use ringbuf_core::machine::Word as _;
    word.load(std::sync::atomic::Ordering::Relaxed)
}

#[test]
fn a_message_shown_in_parts_is_one_store_more_a_part() {
    for capacity in CAPACITIES {
        let words = words(capacity, 4);
        let mut publisher = words.take_over(Reclaim::Late).expect("true words");
        publish(&mut publisher);
        publisher.claim().expect("room");
        let begun = counting(|| publisher.advance(1));
        assert_eq!(sum(&begun), (uses(0, 2), 0, 2), "the extent and the entry");
        let grown = counting(|| publisher.advance(2));
        assert_eq!(sum(&grown), (uses(0, 1), 0, 1), "the extent");
        let whole = counting(|| publisher.commit(3));
        assert_eq!(sum(&whole), (uses(0, 2), 0, 2), "the extent and the tail");
        publisher.claim().expect("room");
        let given_up = counting(|| publisher.abort());
        assert_eq!(sum(&given_up), (uses(0, 0), 0, 0), "nobody saw it");
    }
}

#[test]
fn a_read_is_four_or_five_loads_one_fence_and_two_stores() {
    // The entry, the extent, the cell and the life, or the entry once more; the latest is
    // found by the tail. The cell and the cursor are stored.
    let costs = [(Delivery::Lossless, 4, 4), (Delivery::Lossy, 4, 4), (Delivery::Latest, 5, 5)];
    for (capacity, (delivery, loads, lines)) in
        CAPACITIES.into_iter().flat_map(|capacity| costs.map(|cost| (capacity, cost)))
    {
        let words = words(capacity, 4);
        let mut publisher = words.take_over(Reclaim::Late).expect("true words");
        let mut reader = join(&words, 0, delivery, 2);
        let nothing = counting(|| {
            assert_eq!(reader.read(Want::Whole), Err(ReceiveError::Empty));
        });
        assert_eq!(sum(&nothing), (uses(1, 0), 0, 1), "a look that finds nothing");
        for _ in 0..2 * capacity {
            publish(&mut publisher);
            let mut taken = None;
            let read = counting(|| taken = reader.read(Want::Whole).ok());
            assert_eq!(sum(&read), (uses(loads, 2), 1, lines), "{delivery:?}");
            let release = counting(|| reader.release(taken.take().expect("a message")));
            assert_eq!(sum(&release), (uses(0, 1), 0, 1));
        }
        // With one view held, a cell more is looked at.
        publish(&mut publisher);
        let held = reader.latest(Want::Whole).expect("the newest");
        let read = counting(|| {
            let taken = reader.read(Want::Whole).expect("a message");
            reader.release(taken);
        });
        assert_eq!(read.all(), uses(loads + 1, 3), "{delivery:?}, with one view held");
        reader.release(held);
    }
}

#[test]
fn who_was_lapped_goes_on_at_the_cost_of_one_look_more() {
    for capacity in CAPACITIES {
        let words = words(capacity, 4);
        let mut publisher = words.take_over(Reclaim::Late).expect("true words");
        let mut reader = join(&words, 0, Delivery::Lossy, 1);
        (0..3 * capacity).for_each(|_| publish(&mut publisher));
        // The entry and the floor; how many were lost, for people.
        let read = counting(|| {
            let taken = reader.read(Want::Whole).expect("a message");
            reader.release(taken);
        });
        assert_eq!((read.all(), read.fences), (uses(4 + 2, 2 + 1 + 1), 1));
        let most = 2 * capacity + capacity / 4 + 1;
        assert!((2 * capacity as u64..=most as u64).contains(&reader.lost()));
    }
}
