//! Goal: of a ring of many, a process that is killed at any moment takes no message with
//! it that was committed, holds up nobody, and leaves no slot and no seat taken
//! (P1, P2, P3, P8).
//! Method: four producers and four consumers in processes of their own, of which a random
//! one is killed and followed every few milliseconds, with one lane and several, small
//! rings and larger ones, near the wraps of positions and of laps; see `process/crew.rs`
//! for what they do, and `process/books.rs` for what is checked. How long survivors wait
//! is reported, and decides nothing. `RINGBUF_KILLS` is how many kills the tests of this
//! file do together (300), `RINGBUF_SOAK` for how many seconds each goes on at least (0).

mod process;

use process::books::Summary;
use process::crew::{Crew, Plan, consume, produce};
use process::ends::Kind;
use process::random::{Random, mix};
use process::{HANG, knob, report};
use ringbuf_shm::{Redelivery, Sleeper};
use std::time::{Duration, Instant};

const TESTS: u64 = 4;
/// Kills before the ring is replaced by one of another description.
const KILLS_PER_RING: u64 = 15;
/// The time between two kills.
const MOMENT_MAX: Duration = Duration::from_millis(8);

#[test]
#[ignore = "a process of the other tests"]
fn producer() {
    produce();
}

#[test]
#[ignore = "a process of the other tests"]
fn consumer() {
    consume();
}

/// The plan of ring number `ring`: every combination comes up.
fn plan(kind: Kind, redelivery: Redelivery, ring: u64) -> Plan {
    let cycle = |choices: &[u64]| choices[usize::try_from(ring).unwrap() % choices.len()];
    let capacity = cycle(&[64, 64, 1024]);
    let lanes = if ring.is_multiple_of(2) { 1 } else { 3 };
    Plan {
        kind,
        capacity,
        lanes,
        // Some messages before a wrap: of half a position, of a whole one, of a lap.
        first_position: cycle(&[1 << 32, 0, 1 << 32, 0, capacity << 32])
            .wrapping_sub(mix(ring) % 10_000),
        redelivery,
        redeliveries_max: if ring % 4 < 2 { 8 } else { 1 },
        sleeper: if ring % 8 == 3 { Sleeper::Spin } else { Sleeper::Futex },
        spin: Duration::from_micros(cycle(&[0, 1, 20])),
    }
}

fn kill_anybody(kind: Kind, redelivery: Redelivery) {
    let start = Instant::now();
    let (most, time) = (knob("RINGBUF_KILLS", 300).div_ceil(TESTS), knob("RINGBUF_SOAK", 0));
    let mut random = Random::new(kind.number());
    let (mut kills, mut held_up, mut all) = (0, 0, Summary::default());
    let (mut longest_of_sleepers, mut longest_of_spinners) = (Duration::ZERO, Duration::ZERO);
    for ring in 0.. {
        let mut crew = Crew::start(plan(kind, redelivery, ring));
        for _ in 0..KILLS_PER_RING {
            crew.kill_one(&mut random, MOMENT_MAX);
        }
        kills += KILLS_PER_RING;
        let one = crew.finish();
        // More spinners than processors wait for a processor.
        let sleeps = plan(kind, redelivery, ring).sleeper == Sleeper::Futex;
        let longest = if sleeps { &mut longest_of_sleepers } else { &mut longest_of_spinners };
        *longest = one.longest.max(*longest);
        held_up += if sleeps { one.held_up } else { 0 };
        all.add(&one);
        if kills >= most && start.elapsed() >= Duration::from_secs(time) {
            break;
        }
    }
    report(&format!(
        "killed {kind:?} of many, {redelivery:?}: {kills} processes, {} messages, {} again, {} \
         dropped, {} open; the longest wait {longest_of_sleepers:.1?}, {held_up} longer \
         than three slices; of spinners {longest_of_spinners:.1?}; {:.1?}",
        all.messages,
        all.again,
        all.dropped,
        all.open,
        start.elapsed()
    ));
    assert!(longest_of_sleepers.max(longest_of_spinners) < HANG);
}

#[test]
fn of_values_nothing_is_lost_and_what_the_dead_held_comes_again() {
    kill_anybody(Kind::Slots, Redelivery::Redeliver);
}

#[test]
fn of_bytes_nothing_is_lost_and_what_the_dead_held_comes_again() {
    kill_anybody(Kind::Bytes, Redelivery::Redeliver);
}

#[test]
fn of_values_what_the_dead_held_is_dropped_and_counted() {
    kill_anybody(Kind::Slots, Redelivery::Drop);
}

#[test]
fn of_bytes_what_the_dead_held_is_dropped_and_counted() {
    kill_anybody(Kind::Bytes, Redelivery::Drop);
}
