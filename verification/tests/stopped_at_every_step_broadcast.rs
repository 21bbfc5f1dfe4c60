//! Goal: there is no instruction at which stopping a publisher or a subscriber of a
//! broadcast ring loses, tears or repeats a message for anybody else, or takes anything
//! from it: who stands keeps what it has, and once it goes on its operation is done, and
//! its counts are exact; and who stands while it joins is in nobody's way for longer than
//! the ring's patience (P1, P2, P3).
//! Method: a process does one operation, one instruction at a time (ptrace), and stands
//! after the first, the second, … the last. Beside a subscriber that stands, others come,
//! sweep and leave, and the publisher goes several laps. Beside a publisher, nobody else
//! gets its seat. Then it goes on.
//!
//! `RINGBUF_STEPS` is about how many instructions may be stepped for one operation (1): the
//! stops are spread over it, and there is one after every change of a word of the
//! protocol. With 0 there is one for every instruction.

mod process;

use process::broadcast::operation::*;
use process::broadcast::places::{HELD, STATE_MASK};
use process::broadcast::trial::{NEXT, Others, Trial, watched};
use process::course::Moment;
use process::trace::Tracee;
use process::{HANG, knob, report};
use ringbuf_shm::broadcast::bytes::{Publisher, Subscriber};
use ringbuf_shm::broadcast::{Delivery, Join};
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

/// Several laps while the process stands. Who is in the way is evicted.
fn go_round(others: &mut Others) {
    let laps = 3 * others.places.slots;
    others.pass(laps, HANG);
    others.check_held();
    // Some come, sweep, and leave.
    let join = Join::new(Delivery::Lossless).views(1);
    drop(Subscriber::attach(&others.ring, join));
    others.pass(laps, HANG);
    others.check_held();
}

/// Stops at this moment, lets others go round, and lets it go on. False: the operation
/// was over before.
fn stop_at(trial: Trial, moment: Moment) -> bool {
    let Trial { operation, mut others, notes, child, .. } = trial;
    let pid = child.id();
    let mut tracee = Tracee::meet(child, &notes).unwrap();
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
        go_round(&mut others);
        assert_eq!(row.map(|row| others.places.who(row)), who, "it keeps its seat");
        let status = tracee.go_on();
        assert!(status.success(), "{operation:?}: {status}");
    }
    others.check_held();
    others.check_all_works();
    stands
}

/// Stops at every step, or at as many as asked for.
fn stop_each(operations: &[Operation]) {
    for &operation in operations {
        let start = Instant::now();
        let Some(course) = Trial::new(operation, false).course() else {
            report("SKIPPED: this process may not trace its children");
            return;
        };
        let moments = course.moments(knob("RINGBUF_STEPS", 1));
        let stops = moments.len();
        let in_time = moments.into_iter().filter(|&at| stop_at(Trial::new(operation, false), at));
        let in_time = in_time.count();
        report(&format!(
            "stopped in {operation:?} of a broadcast: {stops} stops, {in_time} of them in time, \
             {:.1?}",
            start.elapsed()
        ));
        assert!(in_time > 0);
    }
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
