//! Goal: there is no instruction at which killing a peer of a ring of many loses, tears,
//! repeats or strands a message, keeps a slot or a seat, or leaves anybody asleep
//! (P1, P2, P8).
//! Method: a process does one operation, one instruction at a time (ptrace), and is
//! killed after the first, the second, … the last. Others, who live on, then find what
//! was there before, or that and the operation, and nothing else; and every slot and
//! every seat serves again. Rings of values have one lane, those of bytes have two.
//! Positions, and laps, wrap in the operation.
//!
//! `RINGBUF_STEPS` is about how many instructions may be stepped for one operation
//! (3,000): the kills are spread over it, and there is one after every change of a word
//! of the protocol. With 0 there is one for every instruction.

mod process;

use process::course::Moment;
use process::ends::Kind;
use process::many::{KINDS, read_all};
use process::operation::*;
use process::places::{FULL, READING, STATE_MASK};
use process::sleeper::Sleeper;
use process::trace::Tracee;
use process::trial::{Trial, check_all_works};
use process::{HANG, knob, report};
use std::ops::RangeInclusive;
use std::time::Instant;

/// The process that is killed.
#[test]
#[ignore = "a process of the other tests"]
fn victim() {
    process::operation::victim();
}

/// What those who live on found: numbers, and how often each had been shown before; and
/// how many messages were dropped.
type Found = (Vec<(u64, u8)>, u64);

/// What may be found after an operation was cut short anywhere; each must be, some time.
fn expected(operation: Operation) -> Vec<Found> {
    let fresh = |numbers: RangeInclusive<u64>| (numbers.map(|number| (number, 0)).collect(), 0);
    let nothing = || (vec![], 0);
    let again = |number| (vec![(number, 1)], 0);
    match operation {
        Claim | Abort | AttachProducer | DropProducer => vec![fresh(1..=2)],
        Commit | Push => vec![fresh(1..=2), fresh(1..=3)],
        Wake => vec![nothing(), fresh(3..=3)],
        PushHinting => vec![fresh(1..=7), fresh(1..=8)],
        Read => vec![fresh(3..=3), again(3)],
        Release => vec![again(3), nothing()],
        Pop => vec![fresh(3..=3), again(3), nothing()],
        PopDropping => vec![fresh(3..=3), (vec![], 1), nothing()],
        PopHinting => vec![fresh(8..=8), again(8), nothing()],
        Nothing => vec![nothing()],
        Sweep => vec![(vec![(3, 1), (5, 0)], 0), (vec![(3, 2), (5, 0)], 0)],
        SweepDropping => vec![(vec![(5, 0)], 1), (vec![], 2)],
        AttachConsumer => vec![again(3)],
        DropConsumer => vec![fresh(3..=3)],
    }
}

/// Kills at this moment, and says what is found then. `None`: the operation was over
/// before.
fn kill_at(mut trial: Trial, moment: Moment) -> Option<Found> {
    let mut tracee = Tracee::meet(trial.child, &trial.notes).unwrap();
    let (places, kind) = (&trial.places, trial.kind);
    let kill = || {
        let killed = moment.reach(&mut tracee, || Trial::watched(places, kind));
        drop(tracee);
        killed
    };
    if trial.operation == Wake {
        let sleeper = Sleeper::start(trial.consumer, &trial.ring, 0);
        let killed = kill();
        let state = places.words.load(places.state(lane(kind), THIRD)) & STATE_MASK;
        let committed = state == FULL || state == READING || sleeper.has_found();
        if !committed {
            trial.producer.write(4, HANG).unwrap();
        }
        // What was committed it must find by itself.
        let before = sleeper.sleeps();
        let (consumer, found) =
            if committed { sleeper.wait_no_longer(before) } else { sleeper.wait() };
        assert_eq!(found, if committed { (3, 0) } else { (4, 0) });
        check_all_works(kind, &trial.ring, trial.producer, consumer);
        let found = if committed { vec![found] } else { vec![] };
        return killed.then_some((found, 0));
    }
    let killed = kill();
    let mut found = read_all(&mut trial.consumer);
    // Orphans are found before or after the others.
    found.sort_unstable();
    let dropped = trial.ring.mpmc_stats().unwrap().dropped;
    check_all_works(kind, &trial.ring, trial.producer, trial.consumer);
    killed.then_some((found, dropped))
}

/// Kills at every step, or at as many as asked for, and checks that everything expected
/// was found and nothing else.
fn kill_at_every_step(kind: Kind, operation: Operation) {
    let start = Instant::now();
    let Some(course) = Trial::new(kind, operation).course() else {
        report("SKIPPED: this process may not trace its children");
        return;
    };
    let seen: Vec<_> = course
        .moments(knob("RINGBUF_STEPS", 3000))
        .into_iter()
        .filter_map(|moment| kill_at(Trial::new(kind, operation), moment))
        .collect();
    report(&format!(
        "killed at every step of {operation:?} in {kind:?} of many: {} kills over {} \
         instructions, {:.1?}",
        seen.len(),
        course.length,
        start.elapsed()
    ));
    let expected = expected(operation);
    for found in &seen {
        assert!(expected.contains(found), "{operation:?} in {kind:?}: {found:?}");
    }
    for found in &expected {
        assert!(seen.contains(found), "{operation:?} in {kind:?}: never {found:?}");
    }
}

fn kill_each(operations: &[Operation]) {
    for &operation in operations {
        KINDS.into_iter().for_each(|kind| kill_at_every_step(kind, operation));
    }
}

#[test]
fn a_producer_killed_at_any_instruction_committed_all_or_nothing() {
    kill_each(&[Claim, Commit, Abort, Push]);
}

#[test]
fn who_is_killed_while_it_moves_a_hint_along_is_in_nobodys_way() {
    kill_each(&[PushHinting]);
    kill_at_every_step(Kind::Slots, PopHinting);
}

#[test]
fn a_producer_killed_at_any_instruction_leaves_no_consumer_asleep() {
    kill_each(&[Wake]);
}

#[test]
fn a_consumer_killed_at_any_instruction_leaves_what_it_had_not_released() {
    kill_each(&[Read, Release]);
    kill_at_every_step(Kind::Slots, Pop);
    kill_at_every_step(Kind::Slots, PopDropping);
    // Where that is noted.
    kill_at_every_step(Kind::Bytes, Nothing);
}

// Long operations, each in rings of one kind: what they do is the same in both.

#[test]
fn who_is_killed_while_it_sweeps_leaves_everything_to_be_swept_again() {
    kill_at_every_step(Kind::Bytes, Sweep);
    kill_at_every_step(Kind::Slots, SweepDropping);
}

#[test]
fn who_is_killed_while_it_comes_keeps_no_seat() {
    kill_at_every_step(Kind::Slots, AttachProducer);
    kill_at_every_step(Kind::Bytes, AttachConsumer);
}

#[test]
fn who_is_killed_while_it_leaves_keeps_no_seat() {
    kill_each(&[DropProducer, DropConsumer]);
}
