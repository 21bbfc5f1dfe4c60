//! Goal: of a broadcast ring, a process that is killed at any moment, the publisher or a
//! subscriber, takes no message from anybody else, holds up nobody, and leaves no seat, no
//! view and no slot taken; and what is shown is never torn (P1, P2, P3, P8).
//! Method: a publisher and five subscribers in processes of their own, of which a random
//! one is killed and followed every few milliseconds. Subscribers join and leave all the
//! time, each time with another contract; some are slow; they hold several views at a
//! time, and read frames of 64 bytes to 64 KiB whole or in parts. In some rings the
//! publisher waits for lossless subscribers however long it takes, in others for 2 ms.
//! See `process/broadcast/member.rs` for what they do, `books.rs` beside it for what became
//! of every message, and `waited_for.rs` for how long the dead are waited for, which is
//! counted in questions of the publisher's. `RINGBUF_KILLS` is how many kills the tests of
//! this file do together (240), `RINGBUF_SOAK` for how many seconds they go on at least, if
//! both run at once (0).

mod process;

use process::broadcast::books::Summary;
use process::broadcast::company::{Company, Plan};
use process::broadcast::member::{publish, subscribe};
use process::random::{Random, mix};
use process::{knob, report};
use ringbuf_shm::{SLICE, Sleeper};
use std::time::{Duration, Instant};

const TESTS: u64 = 2;
/// Kills before the ring is replaced by one of another description; in a long test, and
/// in others.
const KILLS_PER_RING: [u64; 2] = [500, 15];
/// Every so many kills nobody follows until the publisher waits for the dead no longer.
const LATE_EVERY: u64 = 4;
/// The time between two kills.
const MOMENT_MAX: Duration = Duration::from_millis(8);
const PATIENCE: Duration = Duration::from_millis(2);

#[test]
#[ignore = "a process of the other tests"]
fn publisher() {
    publish();
}

#[test]
#[ignore = "a process of the other tests"]
fn subscriber() {
    subscribe();
}

/// The plan of ring number `ring`.
fn plan(patience: Option<Duration>, ring: u64) -> Plan {
    let cycle = |choices: &[u64]| choices[usize::try_from(ring).unwrap() % choices.len()];
    let capacity = cycle(&[4, 16, 64, 2]);
    Plan {
        capacity,
        // Some messages before a wrap: of a whole position, of half of one, of a lap.
        first_position: cycle(&[0, 1 << 63, capacity << 40]).wrapping_sub(mix(ring) % 500),
        patience,
        sleeper: if ring % 8 == 3 { Sleeper::Spin } else { Sleeper::Futex },
        spin: Duration::from_micros(cycle(&[0, 1, 20])),
        // One slice, or several.
        call: SLICE * u32::try_from(cycle(&[1, 4])).unwrap(),
    }
}

fn kill_anybody(patience: Option<Duration>) {
    let start = Instant::now();
    let most = knob("RINGBUF_KILLS", 240).div_ceil(TESTS);
    let time = Duration::from_secs(knob("RINGBUF_SOAK", 0));
    let kills_per_ring = KILLS_PER_RING[usize::from(time.is_zero())];
    let mut random = Random::new(u64::from(patience.is_some()));
    let (mut kills, mut all) = (0, Summary::default());
    for ring in 0.. {
        let mut company = Company::start(plan(patience, ring));
        for kill in 0..kills_per_ring {
            match kill % LATE_EVERY {
                0 => company.replace_one_late(&mut random, MOMENT_MAX),
                _ => company.replace_one(&mut random, MOMENT_MAX),
            }
        }
        kills += kills_per_ring;
        all.add(&company.finish());
        if kills >= most && start.elapsed() >= time {
            break;
        }
    }
    report(&format!(
        "killed of a broadcast, patience {patience:?}: {kills} processes, {} joins, {} messages, \
         {} broken off, {} open, {} got, {} lost, {} evicted; {} of the dead were waited for, \
         for {} questions at most, {:.1?}",
        all.joins,
        all.messages,
        all.broken,
        all.open,
        all.got,
        all.lost,
        all.evicted,
        all.waited_for,
        all.questions,
        start.elapsed()
    ));
    assert!(all.waited_for > 0 && all.lost > 0 && all.broken > 0 && all.joins > 200);
    assert_eq!(all.evicted > 0, patience.is_some(), "a patience that never ends shows nothing");
}

#[test]
fn lossless_subscribers_that_live_get_everything_and_others_know_what_they_lost() {
    kill_anybody(None);
}

#[test]
fn those_who_are_evicted_know_exactly_what_they_lost() {
    kill_anybody(Some(PATIENCE));
}

#[test]
fn when_everybody_is_killed_others_find_everything_and_every_seat() {
    const TIMES: u64 = 10;
    let (start, mut random, mut all) = (Instant::now(), Random::new(TIMES), Summary::default());
    for (ring, patience) in [(0, None), (1, Some(PATIENCE))] {
        let mut company = Company::start(plan(patience, ring));
        (0..TIMES).for_each(|_| company.replace_all(&mut random, 3 * MOMENT_MAX));
        all.add(&company.finish());
    }
    report(&format!(
        "killed all of a broadcast: {} times, {} messages, {} open, {} joins, {:.1?}",
        2 * TIMES,
        all.messages,
        all.open,
        all.joins,
        start.elapsed()
    ));
    assert!(all.joins > 2 * TIMES);
}
