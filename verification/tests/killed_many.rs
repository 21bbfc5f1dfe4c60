//! Goal: of a ring of many, a process that is killed at any moment takes no message with
//! it that was committed, holds up nobody, and leaves no slot and no seat taken; and in a
//! Strict ring one that is stopped at any moment holds up nobody either (P1, P2, P3, P8).
//! Method: four producers and four consumers in processes of their own, of which a random
//! one is killed and followed every few milliseconds, with one lane and several, small
//! rings and larger ones, near the wraps of positions and of laps. Half of the rings are
//! Fast, half are Strict; in these, some of the deaths come while one or two others are
//! stopped, or to one that is, and messages must be released meanwhile. See `process/member.rs`
//! for what they do, `process/books.rs` for what became of every message, and
//! `process/corpse.rs` for how long the dead hold somebody up, which is counted in
//! questions of that one's own. How long survivors wait for whatever reason is reported,
//! and decides nothing. `RINGBUF_KILLS` is how many kills the tests of this file do
//! together (300), `RINGBUF_SOAK` for how many seconds those of one at a time go on at
//! least, if two run at once (0).

mod process;

use process::books::Summary;
use process::crew::{Crew, Plan};
use process::ends::Kind;
use process::many::KINDS;
use process::member::{consume, produce};
use process::random::{Random, mix};
use process::{HANG, knob, report};
use ringbuf_shm::{Progress, Redelivery, SLICE, Sleeper};
use std::time::{Duration, Instant};

/// Tests that kill one at a time, and how many of them run at once.
const TESTS: u32 = 4;
const AT_ONCE: u32 = 2;
/// Kills before the ring is replaced by one of another description; in a long test, and
/// in others.
const KILLS_PER_RING: [u64; 2] = [500, 15];
/// Every so many kills nobody comes until the others have seen to what the dead held.
const LATE_EVERY: u64 = 4;
/// The same in a Strict ring while others stand, half-way between two of those.
const STANDING_AFTER: u64 = 2;
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
        progress: progress(kind, redelivery),
        redeliveries_max: if ring % 4 < 2 { 8 } else { 1 },
        sleeper: if ring % 8 == 3 { Sleeper::Spin } else { Sleeper::Futex },
        spin: Duration::from_micros(cycle(&[0, 1, 20])),
        // One slice, or several.
        call: SLICE * u32::try_from(cycle(&[1, 4])).unwrap(),
    }
}

/// Each kind of message is seen in both modes, and so is each policy.
fn progress(kind: Kind, redelivery: Redelivery) -> Progress {
    match (kind == Kind::Bytes) == (redelivery == Redelivery::Redeliver) {
        true => Progress::Strict,
        false => Progress::Fast,
    }
}

fn kill_anybody(kind: Kind, redelivery: Redelivery) {
    let start = Instant::now();
    let most = knob("RINGBUF_KILLS", 300).div_ceil(TESTS.into());
    let time = Duration::from_secs(knob("RINGBUF_SOAK", 0)) * AT_ONCE / TESTS;
    let kills_per_ring = KILLS_PER_RING[usize::from(time.is_zero())];
    let progress = progress(kind, redelivery);
    let mut random = Random::new(kind.number());
    let (mut kills, mut long_waits, mut all) = (0, 0, Summary::default());
    let (mut longest_of_sleepers, mut longest_of_spinners) = (Duration::ZERO, Duration::ZERO);
    for ring in 0.. {
        let mut crew = Crew::start(plan(kind, redelivery, ring));
        for kill in 0..kills_per_ring {
            match kill % LATE_EVERY {
                0 => crew.replace_one_late(&mut random, MOMENT_MAX),
                STANDING_AFTER if progress == Progress::Strict => {
                    crew.replace_one_while_some_stand(&mut random, MOMENT_MAX);
                }
                _ => crew.replace_one(&mut random, MOMENT_MAX),
            }
        }
        kills += kills_per_ring;
        let one = crew.finish();
        // More spinners than processors wait for a processor.
        let sleeps = plan(kind, redelivery, ring).sleeper == Sleeper::Futex;
        let longest = if sleeps { &mut longest_of_sleepers } else { &mut longest_of_spinners };
        *longest = one.longest.max(*longest);
        long_waits += if sleeps { one.long_waits } else { 0 };
        all.add(&one);
        if kills >= most && start.elapsed() >= time {
            break;
        }
    }
    report(&format!(
        "killed {kind:?} of many, {progress:?}, {redelivery:?}: {kills} processes, {} stopped, {} \
         messages, {} overtaken, {} again, {} dropped, {} open; {} held something when they died, for {:.1?} at most, and held somebody up \
         for {} of its slices at most, perhaps {}; the longest wait {longest_of_sleepers:.1?}, {long_waits} \
         longer than three slices; of spinners {longest_of_spinners:.1?}; {:.1?}",
        all.stops,
        all.messages,
        all.overtaken,
        all.again,
        all.dropped,
        all.open,
        all.held_up.corpses,
        all.held_up.time,
        all.held_up.least,
        all.held_up.most,
        start.elapsed()
    ));
    assert!(all.held_up.corpses > 0, "where the dead hold nothing, nobody is held up");
    if progress == Progress::Strict {
        assert!(all.stops > 0 && all.overtaken > 0, "nobody was in anybody's way");
    }
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

#[test]
fn when_everybody_is_killed_others_find_everything_and_every_seat() {
    const RINGS: u64 = 4;
    const TIMES: u64 = 7;
    let (start, mut random, mut all) = (Instant::now(), Random::new(RINGS), Summary::default());
    for ring in 0..RINGS {
        let kind = KINDS[usize::try_from(ring).unwrap() % KINDS.len()];
        let redelivery = if ring < 2 { Redelivery::Redeliver } else { Redelivery::Drop };
        let mut crew = Crew::start(plan(kind, redelivery, ring));
        (0..TIMES).for_each(|_| crew.replace_all(&mut random, MOMENT_MAX));
        all.add(&crew.finish());
    }
    report(&format!(
        "killed all of many: {} times, {} messages, {} again, {} dropped, {} open; {:.1?}",
        RINGS * TIMES,
        all.messages,
        all.again,
        all.dropped,
        all.open,
        start.elapsed()
    ));
}
