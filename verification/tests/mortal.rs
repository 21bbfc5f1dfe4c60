//! Goal: a process that dies between any two operations costs nothing but what
//! PROTOCOL.md says, and what it costs is counted.
//!
//! Method: plain words, one life after the other. The first life ends before each
//! of its operations in turn; for each of these its successor ends before each of
//! its own; a third one finishes, and the books are compared. In the end the set of
//! operations somebody was killed at must be every operation of the core.

mod lives;

use lives::{event, lanes, passing, publishers, records, rows, slots, subscribers, tickers};
use ringbuf_core::event::Fencing;
use ringbuf_core::life::Delivery;
use ringbuf_core::mpmc::Progress;
use ringbuf_core::position::Position;
use ringbuf_core::publisher::Reclaim;
use ringbuf_core::subscriber::{Start, Want};
use ringbuf_verification::mortal::{FOREVER, killed_at};
use ringbuf_verification::site::Kind;
use ringbuf_verification::source::operations;
use std::collections::BTreeSet;

const BOTH: [Progress; 2] = [Progress::Fast, Progress::Strict];

/// Calls `scene(first, second)` for every death point of the first life and, for
/// each, every death point of the second; how often. The scene says which of the
/// two outlived its death point.
fn every_pair(scene: impl Fn(u32, u32) -> (bool, bool)) -> u32 {
    let mut count = 0;
    for first in 0.. {
        let mut first_lived = false;
        for second in 0.. {
            count += 1;
            let (one, two) = scene(first, second);
            first_lived = one;
            if two {
                break;
            }
        }
        if first_lived {
            break;
        }
    }
    count
}

/// Calls `scene(first, FOREVER)` for every death point of the first life.
fn every_first(scene: impl Fn(u32, u32) -> (bool, bool)) {
    let lived = (0..).any(|first| scene(first, FOREVER).0);
    assert!(lived, "a life ends");
}

#[test]
fn consumers_of_slots_that_die_lose_nothing_and_flag_what_they_show_again() {
    for batch in [1, 2, 3] {
        let count = every_pair(|first, second| slots::consumers(first, second, batch, false));
        println!("consumers of slots, {batch} at a time: {count} pairs of lives");
    }
}

#[test]
fn consumers_of_slots_that_drop_count_exactly_what_was_taken() {
    for batch in [1, 2, 3] {
        let count = every_pair(|first, second| slots::consumers(first, second, batch, true));
        println!("consumers of slots that drop, {batch} at a time: {count} pairs of lives");
    }
}

#[test]
fn producers_of_slots_that_die_lose_no_committed_batch_and_show_no_part_of_another() {
    for batch in [1, 2, 3] {
        let count = every_pair(|first, second| slots::producers(first, second, batch));
        println!("producers of slots, {batch} at a time: {count} pairs of lives");
    }
}

#[test]
fn consumers_of_records_that_die_lose_nothing_and_flag_what_they_show_again() {
    let count = every_pair(|first, second| records::consumers(first, second, false));
    println!("consumers of records: {count} pairs of lives");
}

#[test]
fn consumers_of_records_that_drop_count_exactly_what_was_taken() {
    let count = every_pair(|first, second| records::consumers(first, second, true));
    println!("consumers of records that drop: {count} pairs of lives");
}

#[test]
fn producers_of_records_that_die_lose_no_committed_record() {
    let count = every_pair(records::producers);
    println!("producers of records: {count} pairs of lives");
}

#[test]
fn peers_of_a_lane_that_die_lose_nothing_and_count_what_they_drop() {
    for progress in BOTH {
        for redeliveries in [0, 1, 2] {
            let count =
                every_pair(|first, second| lanes::peers(first, second, progress, redeliveries));
            println!("{progress:?}, {redeliveries} redeliveries: {count} pairs of lives");
        }
    }
}

#[test]
fn peers_that_die_beside_stopped_ones_lose_nothing_and_wait_for_nobody() {
    println!("peers that are passed: {} pairs of lives", every_pair(passing::peers));
}

/// A small ring whose slots are looked after often, and one for which that is seldom.
const PUBLISHERS: [(usize, Reclaim); 2] = [(2, Reclaim::Early), (4, Reclaim::Late)];

#[test]
fn publishers_that_die_lose_no_committed_message_and_no_slot() {
    for (capacity, reclaim) in PUBLISHERS {
        let count =
            every_pair(|first, second| publishers::publishers(first, second, capacity, reclaim));
        println!("publishers of {capacity} entries, {reclaim:?}: {count} pairs of lives");
    }
}

/// Every delivery and every start, and both of what may be wanted.
const SUBSCRIBERS: [(Delivery, Start, Want, Reclaim); 6] = [
    (Delivery::Lossless, Start::Newest, Want::Whole, Reclaim::Late),
    (Delivery::Lossless, Start::Oldest, Want::Parts, Reclaim::Early),
    (Delivery::Lossy, Start::Oldest, Want::Whole, Reclaim::Early),
    (Delivery::Lossy, Start::Position(Position::new(0)), Want::Parts, Reclaim::Late),
    (Delivery::Latest, Start::Newest, Want::Whole, Reclaim::Late),
    (Delivery::Latest, Start::Position(Position::new(u64::MAX)), Want::Parts, Reclaim::Early),
];

#[test]
fn subscribers_that_die_leave_their_rows_and_cells_and_disturb_nobody() {
    for (delivery, start, want, reclaim) in SUBSCRIBERS {
        let wish = (delivery, start, want);
        let count =
            every_pair(|first, second| subscribers::subscribers(first, second, wish, reclaim));
        println!("subscribers, {wish:?}: {count} pairs of lives");
    }
}

#[test]
fn publishers_of_ticks_that_die_show_nothing_half_written_and_lose_nothing() {
    println!("publishers of ticks: {} pairs of lives", every_pair(tickers::publishers));
}

/// Every delivery and every start.
const READERS_OF_TICKS: [(Delivery, Start); 4] = [
    (Delivery::Lossless, Start::Oldest),
    (Delivery::Lossless, Start::Newest),
    (Delivery::Lossy, Start::Position(Position::new(u64::MAX))),
    (Delivery::Latest, Start::Newest),
];

#[test]
fn subscribers_of_ticks_that_die_leave_their_rows_and_disturb_nobody() {
    for (delivery, start) in READERS_OF_TICKS {
        let count =
            every_pair(|first, second| tickers::subscribers(first, second, delivery, start));
        println!("subscribers of ticks, {delivery:?}: {count} pairs of lives");
    }
}

#[test]
fn a_sleeper_is_woken_by_the_second_notifier_wherever_the_first_died() {
    for fencing in [Fencing::Full, Fencing::Light] {
        let count = every_pair(|first, second| event::notifiers(first, second, fencing));
        println!("notifiers, fences {fencing:?}: {count} pairs of lives");
    }
}

#[test]
fn a_sleeper_that_dies_leaves_nothing_that_keeps_another_asleep() {
    for fencing in [Fencing::Full, Fencing::Light] {
        let count = every_pair(|first, second| event::sleepers(first, second, fencing));
        println!("sleepers, fences {fencing:?}: {count} pairs of lives");
    }
}

#[test]
fn a_row_whose_holders_die_at_every_step_is_taken_again() {
    println!("rows: {} pairs of lives", every_pair(rows::holders));
}

#[test]
fn a_waiter_that_dies_leaves_the_row_as_it_was() {
    println!("waiters: {} pairs of lives", every_pair(rows::waiters));
}

#[test]
fn every_operation_of_the_core_was_killed_at() {
    for drops in [false, true] {
        every_pair(|first, second| slots::consumers(first, second, 2, drops));
        every_pair(|first, second| records::consumers(first, second, drops));
    }
    every_pair(|first, second| slots::producers(first, second, 2));
    every_pair(records::producers);
    for progress in BOTH {
        for redeliveries in [0, 1] {
            every_pair(|first, second| lanes::peers(first, second, progress, redeliveries));
        }
    }
    every_pair(passing::peers);
    let publishers = |first, second| publishers::publishers(first, second, 4, Reclaim::Late);
    every_pair(publishers);
    for (delivery, start, want, reclaim) in SUBSCRIBERS {
        let wish = (delivery, start, want);
        let subscribers = |first, second| subscribers::subscribers(first, second, wish, reclaim);
        if delivery == Delivery::Latest {
            every_pair(subscribers);
        } else {
            every_first(subscribers);
        }
    }
    every_pair(tickers::publishers);
    for (delivery, start) in READERS_OF_TICKS {
        every_pair(|first, second| tickers::subscribers(first, second, delivery, start));
    }
    for fencing in [Fencing::Full, Fencing::Light] {
        every_pair(|first, second| event::notifiers(first, second, fencing));
        every_pair(|first, second| event::sleepers(first, second, fencing));
    }
    every_pair(rows::holders);
    every_pair(rows::waiters);
    let killed = killed_at();
    let calls = |kind| killed.iter().filter(|site| site.kind == kind).count();
    assert_eq!((calls(Kind::Sleep), calls(Kind::Wake)), (1, 1), "each call is killed at too");
    let killed: BTreeSet<_> = killed
        .into_iter()
        .filter(|site| !matches!(site.kind, Kind::Sleep | Kind::Wake))
        .map(|site| (site.file, site.line))
        .collect();
    let all: BTreeSet<_> =
        operations().into_iter().map(|operation| (operation.file, operation.line)).collect();
    println!("killed at {} of {} operations", killed.len(), all.len());
    assert_eq!(killed, all, "left: killed at; right: the source");
}
