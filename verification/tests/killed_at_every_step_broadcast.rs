//! Goal: there is no instruction at which killing a publisher or a subscriber of a
//! broadcast ring loses, tears or repeats a message, keeps a slot, a view or a seat, or
//! leaves anybody asleep (P1, P2, P3, P8).
//! Method: a process does one operation, one instruction at a time (ptrace), and is killed
//! after the first, the second, … the last. After a publisher, another comes, and all
//! subscribers find the same: nothing new, or the message, or that it was broken off.
//! After a subscriber, nobody waits for it who asks, and everybody else gets everything.
//! Then every slot, view and seat serves again. Positions, and laps, wrap in the operation.
//!
//! `RINGBUF_STEPS` is about how many instructions may be stepped for one operation (1,500):
//! the kills are spread over it, and there is one after every change of a word of the
//! protocol. System calls in front of the first change are passed by. With 0 there is one
//! for every instruction.

mod process;

use process::broadcast::operation::*;
use process::broadcast::trial::{NEXT, Others, Trial, pass_calls, watched};
use process::course::Moment;
use process::trace::Tracee;
use process::{HANG, knob, report};
use ringbuf_shm::ReadError;
use ringbuf_shm::broadcast::bytes::{Publisher, Subscriber};
use std::time::Instant;

/// The process that is killed.
#[test]
#[ignore = "a process of the other tests"]
fn victim() {
    process::broadcast::operation::victim();
}

/// What is found of the message that a publisher was killed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Whole,
    Broken,
}

use Found::{Broken, Nothing, Whole};

/// What may be found after an operation was cut short anywhere; each must be, some time.
fn expected(operation: Operation) -> &'static [Found] {
    match operation {
        Push | Wake => &[Nothing, Whole],
        Begin => &[Nothing, Broken],
        Advance | BreakOff | TakeOverBegun => &[Broken],
        Finish => &[Broken, Whole],
        TakeOverWhole => &[Whole],
        _ => &[Nothing],
    }
}

/// What a subscriber finds from the next message on; it was told to join again, if it was
/// evicted.
fn find(subscriber: &mut Subscriber) -> Found {
    let (mut found, before) = (Nothing, subscriber.broken());
    loop {
        match subscriber.try_read() {
            Ok(view) => {
                assert_eq!(*view, message(view.position()), "torn");
                if view.position() == NEXT {
                    found = Whole;
                }
            }
            Err(ReadError::Evicted) => {}
            Err(ReadError::AllHeld) => return found,
            Err(error) => break assert_eq!(error, ReadError::Empty),
        }
    }
    match subscriber.broken() - before {
        0 => found,
        _ => Broken,
    }
}

/// What all who live on find after the publisher was killed.
fn find_after_publisher(others: &mut Others, operation: Operation) -> Found {
    let publisher = Publisher::attach(&others.ring).unwrap();
    let found = find(&mut others.all);
    let next = NEXT.wrapping_add(u64::from(found != Nothing));
    assert_eq!(publisher.position(), next, "{found:?}");
    assert_eq!(others.all.position(), next);
    assert_eq!(find(&mut others.newest), found, "{operation:?}");
    let lost = others.all.lost();
    assert!(lost == 0 || operation == Evict, "lost {lost}");
    others.publisher = Some(publisher);
    found
}

/// Kills at this moment after so many calls, and says what is found then. `None`: the operation was over
/// before.
fn kill_at(mut trial: Trial, calls: u64, moment: Moment) -> Option<Found> {
    let operation = trial.operation;
    let mut tracee = Tracee::meet(trial.child, &trial.notes).unwrap();
    let places = &trial.others.places;
    if operation == Wake {
        // Sleeps until there is something.
        return kill_waker(trial.others, tracee, moment);
    }
    pass_calls(&mut tracee, calls);
    let reached = moment.reach(&mut tracee, || watched(places));
    drop(tracee);
    let found = if operation.is_of_publisher() {
        find_after_publisher(&mut trial.others, operation)
    } else {
        Nothing
    };
    trial.others.check_held();
    trial.others.check_all_works();
    reached.then_some(found)
}

/// Who sleeps finds by itself what was committed, and otherwise that nobody is there.
fn kill_waker(mut others: Others, mut tracee: Tracee<'_>, moment: Moment) -> Option<Found> {
    let places = &others.places;
    let (row, before) = (1, places.sleeps(1));
    let mut all = others.all;
    let (reached, found);
    (all, reached, found) = std::thread::scope(|scope| {
        let sleeper = scope.spawn(move || {
            let found = all.read_timeout(HANG).map(|view| view.position());
            (all, found)
        });
        process::until("it to sleep", || places.sleeps(row) > before);
        let reached = moment.reach(&mut tracee, || watched(places));
        drop(tracee);
        let (all, found) = sleeper.join().unwrap();
        (all, reached, found)
    });
    others.all = all;
    let found = match found {
        Ok(position) => {
            assert_eq!(position, NEXT);
            Whole
        }
        Err(error) => {
            assert_eq!(error, ReadError::PeerDied);
            Nothing
        }
    };
    let publisher = Publisher::attach(&others.ring).unwrap();
    assert_eq!(publisher.position(), NEXT.wrapping_add(u64::from(found == Whole)));
    others.publisher = Some(publisher);
    others.check_all_works();
    reached.then_some(found)
}

/// Kills at every step, or at as many as asked for, and checks that everything expected
/// was found and nothing else.
fn kill_at_every_step(operation: Operation) {
    let start = Instant::now();
    let Some(calls) = Trial::new(operation, true).calls_in_front() else {
        report("SKIPPED: this process may not trace its children");
        return;
    };
    let steps = knob("RINGBUF_STEPS", 1500);
    let calls = if steps == 0 { 0 } else { calls };
    let course = Trial::new(operation, true).course(calls);
    let seen: Vec<_> = course
        .moments(steps)
        .into_iter()
        .filter_map(|moment| kill_at(Trial::new(operation, true), calls, moment))
        .collect();
    report(&format!(
        "killed at every step of {operation:?} of a broadcast: {} kills over {} instructions, \
         {:.1?}",
        seen.len(),
        course.length,
        start.elapsed()
    ));
    let expected = expected(operation);
    for found in &seen {
        assert!(expected.contains(found), "{operation:?}: {found:?}");
    }
    for found in expected {
        assert!(seen.contains(found), "{operation:?}: never {found:?}");
    }
}

/// Those that are long, and differ little from others: only if more is asked for.
fn kill_each_if_asked(operations: &[Operation]) {
    if std::env::var_os("RINGBUF_STEPS").is_some() {
        kill_each(operations);
    }
}

fn kill_each(operations: &[Operation]) {
    operations.iter().for_each(|&operation| kill_at_every_step(operation));
}

#[test]
fn a_publisher_killed_at_any_instruction_published_all_or_nothing() {
    kill_each(&[Claim, Push, Wake]);
}

#[test]
fn a_publisher_killed_at_any_instruction_over_a_piece_is_found_broken_off() {
    kill_each(&[Begin, Advance, Finish, BreakOff]);
}

#[test]
fn a_publisher_killed_while_it_evicts_or_takes_over_or_leaves_is_followed() {
    kill_each(&[Evict, TakeOverWhole, LeavePublisher]);
    kill_each_if_asked(&[TakeOver, TakeOverBegun]);
}

#[test]
fn a_subscriber_killed_at_any_instruction_of_a_read_is_in_nobodys_way() {
    kill_each(&[ReadLossless, ReadLossy, ReadLatest, Rejoin, Release]);
}

#[test]
fn a_subscriber_killed_while_it_joins_or_leaves_keeps_no_seat_and_no_view() {
    kill_each(&[JoinLossless, LeaveSubscriber]);
    kill_each_if_asked(&[JoinLossy, JoinLatest]);
}
