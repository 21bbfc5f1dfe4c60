//! Goal: there is no instruction at which stopping a publisher or a subscriber of a
//! broadcast ring loses, tears or repeats a message for anybody else, or takes anything
//! from it: who stands keeps what it has, and once it goes on its operation is done, and
//! its counts are exact; and who stands while it joins is in nobody's way for longer than
//! the ring's patience, and takes nothing from those who came to the row of a dead one
//! meanwhile (P1, P2, P3).
//! Method: a process does one operation, one instruction at a time (ptrace), and stands
//! after the first, the second, … the last. Beside a subscriber that stands, others come,
//! sweep and leave, and the publisher goes several laps. Beside a publisher, nobody else
//! gets its seat. Then it goes on.
//!
//! `RINGBUF_STEPS` is about how many instructions may be stepped for one operation (1): the
//! stops are spread over it, and there is one after every change of a word of the
//! protocol. System calls in front of the first change are passed by. With 0 there is one
//! for every instruction. Who joins also stands after each
//! question that it asked the kernel.

mod process;

use process::broadcast::operation::*;
use process::broadcast::places::{HELD, STATE_MASK};
use process::broadcast::trial::{NEXT, Others, Trial, pass_calls, watched};
use process::course::Moment;
use process::trace::Tracee;
use process::{HANG, knob, report};
use ringbuf_shm::broadcast::bytes::{Publisher, Subscriber, View};
use ringbuf_shm::broadcast::{Delivery, Join, Start};
use ringbuf_shm::{OpenError, ReadError};
use std::time::Instant;

/// The process that is stopped.
#[test]
#[ignore = "a process of the other tests"]
fn victim() {
    process::broadcast::operation::victim();
}

/// Whether the message is published once the operation is done.
fn publishes(operation: Operation) -> bool {
    matches!(operation, Push | Finish | TakeOverWhole)
}

/// Whether its position is passed.
fn passes(operation: Operation) -> bool {
    publishes(operation) || matches!(operation, Begin | Advance | BreakOff | TakeOverBegun)
}

/// Several laps while the process stands. Who is in the way is evicted. One comes, sweeps,
/// and holds the newest message: perhaps in the row, and with the cell, of a dead one about
/// whom the process that stands has asked.
fn go_round(others: &mut Others) -> (Subscriber, View) {
    others.pass(6 * others.places.slots, HANG);
    others.check_held();
    let join = Join::new(Delivery::Lossless).start(Start::Newest).views(2);
    let mut newcomer = Subscriber::attach(&others.ring, join).unwrap();
    others.pass(1, HANG);
    let view = newcomer.try_read().unwrap();
    (newcomer, view)
}

/// The newcomer is still waited for, and has what it had.
fn check_newcomer(others: &mut Others, mut newcomer: Subscriber, view: View) {
    others.pass(1, HANG);
    let next = newcomer.try_read().expect("nobody has taken its place");
    assert_eq!(next.position(), view.position().wrapping_add(1));
    others.pass(3 * others.places.slots, HANG);
    for view in [view, next] {
        assert_eq!(*view, message(view.position()), "taken from one who came since");
    }
}

/// Stops at this moment after so many calls, lets others go round, and lets it go on. False: the operation
/// was over before.
fn stop_at(trial: Trial, calls: u64, moment: Moment) -> bool {
    let Trial { operation, mut others, notes, child, .. } = trial;
    let pid = child.id();
    let mut tracee = Tracee::meet(child, &notes).unwrap();
    pass_calls(&mut tracee, calls);
    let stands = moment.reach(&mut tracee, || watched(&others.places));
    if operation.is_of_publisher() {
        // From before it has taken the seat to when it has left, somebody else may have it.
        if !matches!(operation, TakeOver | TakeOverBegun | TakeOverWhole | LeavePublisher) {
            let in_use = Publisher::attach(&others.ring);
            assert!(matches!(in_use, Err(OpenError::InUse)), "it lives");
            let nothing = others.all.try_read().map(|view| view.position());
            assert!(matches!(nothing, Ok(_) | Err(ReadError::Empty | ReadError::Evicted)));
        }
        let status = tracee.go_on();
        assert!(status.success(), "{operation:?}: {status}");
        let publisher = Publisher::attach(&others.ring).unwrap();
        let next = NEXT.wrapping_add(u64::from(passes(operation)));
        assert_eq!(publisher.position(), next, "{operation:?}");
        while !matches!(others.all.try_read(), Err(ReadError::Empty)) {}
        let broken = passes(operation) && !publishes(operation);
        assert_eq!((others.all.position(), others.all.broken()), (next, u64::from(broken)));
        others.publisher = Some(publisher);
    } else {
        // Unless it has not come yet, or has left.
        let sits =
            |&row: &u64| others.places.words.load(others.places.row(row)) & STATE_MASK == HELD;
        let row = others.places.row_of(pid).filter(sits);
        let who = row.map(|row| others.places.who(row));
        let (newcomer, view) = go_round(&mut others);
        assert_eq!(row.map(|row| others.places.who(row)), who, "it keeps its seat");
        let status = tracee.go_on();
        assert!(status.success(), "{operation:?}: {status}");
        check_newcomer(&mut others, newcomer, view);
    }
    others.check_held();
    others.check_all_works();
    stands
}

/// Stops at every step, or at as many as asked for.
fn stop_each(operations: &[Operation]) {
    for &operation in operations {
        let Some(calls) = Trial::new(operation, false).calls_in_front() else { return skipped() };
        let steps = knob("RINGBUF_STEPS", 1);
        let calls = if steps == 0 { 0 } else { calls };
        let course = Trial::new(operation, false).course(calls);
        stop_all(operation, calls, course.moments(steps));
    }
}

fn stop_all(operation: Operation, calls: u64, moments: Vec<Moment>) {
    let (start, stops) = (Instant::now(), moments.len());
    let in_time = moments.into_iter();
    let in_time = in_time.filter(|&at| stop_at(Trial::new(operation, false), calls, at));
    let in_time = in_time.count();
    report(&format!(
        "stopped in {operation:?} of a broadcast: {stops} stops, {in_time} of them in time, {:.1?}",
        start.elapsed()
    ));
    assert!(in_time > 0);
}

fn skipped() {
    report("SKIPPED: this process may not trace its children");
}

#[test]
fn a_publisher_that_stands_at_any_instruction_keeps_its_seat_and_goes_on() {
    stop_each(&[Claim, Push, Begin, Advance, Finish, BreakOff, Evict, TakeOverBegun]);
}

#[test]
fn a_subscriber_that_stands_at_any_instruction_of_a_read_keeps_what_it_has() {
    stop_each(&[ReadLossless, ReadLossy, ReadLatest, Rejoin, Release]);
}

#[test]
fn who_stands_while_it_joins_or_leaves_is_in_nobodys_way() {
    stop_each(&[JoinLossless, LeaveSubscriber]);
}

#[test]
fn who_stands_while_it_sweeps_takes_nothing_from_those_who_came_since() {
    let trial = Trial::new(JoinLossless, false);
    let Some(mut tracee) = Tracee::meet(trial.child, &trial.notes) else { return skipped() };
    // What the kernel said is out of date at once.
    let moments = (1..=tracee.count_system_calls()).map(Moment::Calls).collect();
    drop(tracee);
    stop_all(JoinLossless, 0, moments);
}
