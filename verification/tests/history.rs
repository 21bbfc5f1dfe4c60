//! Goal: what several real threads are answered by a lane is what a queue answers.
//!
//! Method: producers and consumers write and read until all is read, every call between
//! two tickets; the whole history is searched for the patterns that no queue shows. The
//! search itself is shown each pattern, and compared with one that tries every order.

use proptest::prelude::*;
use ringbuf_core::mpmc::Progress;
use ringbuf_verification::history::{Event, Span, Violation, check, check_strict};
use ringbuf_verification::threads::{Cast, Stage};
use std::time::Instant;

/// How many messages there are in all, unless asked for more.
const MESSAGES: u64 = 540_000;
const ASKED: &str = "RINGBUF_HISTORY";

#[test]
fn threads_are_answered_as_by_a_queue() {
    let asked = std::env::var(ASKED).ok();
    let messages = asked.map_or(MESSAGES, |asked| asked.parse().expect("a number of messages"));
    let scenes = [2, 4].into_iter().flat_map(|each| [1, 2, 64].map(|capacity| (each, capacity)));
    let both = [Progress::Fast, Progress::Strict];
    let scenes = scenes.flat_map(|scene| both.map(|progress| (scene, progress)));
    let scenes: Vec<_> = scenes.collect();
    let (mut calls, started) = (0, Instant::now());
    for ((threads, capacity), progress) in &scenes {
        let each = messages / scenes.len() as u64 / u64::from(*threads);
        let cast = Cast { producers: *threads, consumers: *threads, each };
        let events = Stage::new(*capacity, *progress).play(cast);
        let found = match progress {
            Progress::Fast => check(&events),
            Progress::Strict => check_strict(&events, |value| value >> 32),
        };
        assert_eq!(found, Ok(()), "{threads} producers and consumers, {capacity} slots");
        let empty = events.iter().filter(|event| matches!(event, Event::Empty(_))).count();
        let read = events.iter().filter(|event| matches!(event, Event::Read { .. })).count();
        assert_eq!(read as u64, each * u64::from(*threads), "everything arrived");
        calls += events.len();
        println!(
            "{progress:?}, {threads} and {threads}, {capacity} slots: {} events, {empty} empty",
            events.len()
        );
    }
    println!("{calls} events in all, {:.1} s", started.elapsed().as_secs_f64());
}

/// Calls take the tickets that are given: `(from, to)`.
fn wrote(value: u64, claimed: (u64, u64), committed: (u64, u64)) -> Event {
    Event::Wrote { value, claimed: span(claimed), committed: span(committed) }
}

fn read(value: u64, at: (u64, u64)) -> Event {
    Event::Read { value, read: span(at) }
}

fn empty(at: (u64, u64)) -> Event {
    Event::Empty(span(at))
}

fn span((from, to): (u64, u64)) -> Span {
    Span { from, to }
}

#[test]
fn a_value_from_nowhere_is_found() {
    let history = [wrote(1, (1, 2), (3, 4)), read(2, (5, 6))];
    assert_eq!(check(&history), Err(Violation::FromNowhere(2)));
    // It has its place, but was not committed.
    let history = [wrote(1, (1, 2), (5, 6)), read(1, (3, 4))];
    assert_eq!(check(&history), Err(Violation::FromNowhere(1)));
    let history = [wrote(1, (1, 2), (3, 5)), read(1, (4, 6))];
    assert_eq!(check(&history), Ok(()), "while it is committed");
}

#[test]
fn a_value_that_comes_twice_is_found() {
    let history = [wrote(1, (1, 2), (3, 4)), read(1, (5, 6)), read(1, (7, 8))];
    assert_eq!(check(&history), Err(Violation::ReadTwice(1)));
    let history = [wrote(1, (1, 2), (3, 4)), wrote(1, (5, 6), (7, 8))];
    assert_eq!(check(&history), Err(Violation::WrittenTwice(1)));
}

#[test]
fn a_value_that_overtakes_is_found() {
    let [a, b] = [wrote(1, (1, 2), (3, 4)), wrote(2, (5, 6), (7, 8))];
    assert_eq!(check(&[a, b, read(1, (9, 10)), read(2, (11, 12))]), Ok(()));
    let late = [a, b, read(2, (9, 10)), read(1, (11, 12))];
    assert_eq!(check(&late), Err(Violation::Overtaken(1, 2)));
    assert_eq!(check(&[a, b, read(2, (9, 10))]), Err(Violation::Overtaken(1, 2)), "lost");
    assert_eq!(check(&[a, b, read(2, (9, 11)), read(1, (10, 12))]), Ok(()), "at once");
    // The order is that of the claims, whoever commits first.
    let [a, b] = [wrote(1, (1, 2), (7, 8)), wrote(2, (3, 4), (5, 6))];
    let late = [a, b, read(2, (9, 10)), read(1, (11, 12))];
    assert_eq!(check(&late), Err(Violation::Overtaken(1, 2)));
    let [a, b] = [wrote(1, (1, 3), (5, 6)), wrote(2, (2, 4), (7, 8))];
    assert_eq!(check(&[a, b, read(2, (9, 10)), read(1, (11, 12))]), Ok(()), "claimed at once");
}

#[test]
fn a_look_that_misses_a_value_is_found() {
    let write = wrote(1, (1, 2), (3, 4));
    let found = Err(Violation::NotEmpty(span((5, 6))));
    assert_eq!(check(&[write, empty((5, 6))]), found);
    assert_eq!(check(&[write, empty((5, 6)), read(1, (7, 8))]), found);
    assert_eq!(check(&[write, empty((5, 7)), read(1, (6, 8))]), Ok(()), "perhaps read before");
    // Whatever has its place is inside, committed or not.
    let early = [wrote(1, (1, 2), (5, 6)), empty((3, 4)), read(1, (7, 8))];
    assert_eq!(check(&early), Err(Violation::NotEmpty(span((3, 4)))));
    // One leaves when the next is surely inside.
    let relay = |second: (u64, u64)| {
        [
            wrote(1, (1, 2), (3, 4)),
            wrote(2, second, (11, 12)),
            empty((5, 13)),
            read(1, (9, 10)),
            read(2, (14, 15)),
        ]
    };
    assert_eq!(check(&relay((6, 7))), Err(Violation::NotEmpty(span((5, 13)))));
    assert_eq!(check(&relay((6, 10))), Ok(()), "there may be an instant between the two");
}

#[test]
fn a_strict_lane_keeps_each_producers_order_and_misses_no_message() {
    let strict = |events: &[Event]| check_strict(events, |value| value / 10);
    let [a, b] = [wrote(11, (1, 2), (3, 4)), wrote(12, (5, 6), (7, 8))];
    let late = [a, b, read(12, (9, 10)), read(11, (11, 12))];
    assert_eq!(strict(&late), Err(Violation::Overtaken(11, 12)));
    // Two producers: the first message was passed, and came later.
    let other = wrote(22, (5, 6), (7, 8));
    assert_eq!(strict(&[a, other, read(22, (9, 10)), read(11, (11, 12))]), Ok(()));
    let missed = [a, empty((5, 6)), read(11, (7, 8))];
    assert_eq!(strict(&missed), Err(Violation::NotEmpty(span((5, 6)))));
    let long =
        [a, wrote(21, (5, 6), (7, 8)), read(21, (9, 10)), empty((11, 12)), read(11, (13, 14))];
    assert_eq!(strict(&long), Err(Violation::NotEmpty(span((11, 12)))));
    assert_eq!(strict(&[a, empty((2, 5)), read(11, (6, 7))]), Ok(()), "not yet committed");
    assert_eq!(strict(&[a, read(11, (5, 6)), read(11, (7, 8))]), Err(Violation::ReadTwice(11)));
}

/// What a queue is, and nothing more clever: tries every order of the calls.
fn some_order_explains(done: u32, queue: &[u64], events: &[Event]) -> bool {
    if done.count_ones() as usize == events.len() {
        return true;
    }
    let open = |number: &usize| done >> number & 1 == 0;
    let takes_effect = |event: &Event| match *event {
        Event::Wrote { claimed, .. } => claimed,
        Event::Read { read, .. } => read,
        Event::Empty(look) => look,
    };
    let next: Vec<_> = (0..events.len()).filter(open).collect();
    next.iter().any(|number| {
        let span = takes_effect(&events[*number]);
        let waits = |other: &usize| takes_effect(&events[*other]).to < span.from;
        let done = done | 1 << number;
        if next.iter().any(waits) {
            return false;
        }
        match events[*number] {
            Event::Wrote { value, .. } => {
                some_order_explains(done, &[queue, &[value]].concat(), events)
            }
            Event::Read { value, .. } => {
                queue.first() == Some(&value) && some_order_explains(done, &queue[1..], events)
            }
            Event::Empty(_) => queue.is_empty() && some_order_explains(done, queue, events),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(8192)
    })]

    #[test]
    fn the_search_finds_what_trying_every_order_finds(
        kinds in prop::collection::vec((0..7_u64, 0..4_u64), 2..8),
        tickets in Just((0..14_u64).collect::<Vec<_>>()).prop_shuffle(),
        short in 1..14_u64,
    ) {
        let mut events = Vec::new();
        let mut written = 0;
        for ((kind, which), ticket) in kinds.into_iter().zip(tickets.chunks(2)) {
            let from = ticket[0].min(ticket[1]);
            // Short calls overlap less.
            let to = ticket[0].max(ticket[1]).min(from + short);
            // No call ends at the ticket at which another starts.
            let span = Span { from: 2 * from, to: 2 * to + 1 };
            events.push(match kind {
                // Committed in the call that claims: the definition knows no commits.
                0..3 => Event::Wrote { value: written, claimed: span, committed: span },
                3 => Event::Empty(span),
                _ => Event::Read { value: which, read: span },
            });
            written += u64::from(kind < 3);
        }
        let explained = some_order_explains(0, &[], &events);
        prop_assert_eq!(check(&events).is_ok(), explained, "{:?}", events);
    }
}
