//! Goal: a process that is killed at any moment takes nothing with it that it had
//! committed, leaves nothing torn, and is followed where it stood (P1, P3).
//! Method: a producer and a consumer in processes of their own, killed and followed
//! again and again at random moments, while the ring is small or large, awake or
//! asleep, and near the wraps of its positions; see `process/traffic.rs` for what is
//! checked. `RINGBUF_KILLS` is how many kills of each side the tests of this file do
//! together (600).

mod process;

use process::ends::Kind;
use process::notes::Note;
use process::random::{Random, mix};
use process::traffic::{Plan, Side, Traffic, consume, produce};
use process::{knob, report};
use ringbuf_shm::{Redelivery, Sleeper};
use std::time::{Duration, Instant};

const TESTS: u64 = 6;
/// Kills of each side before the ring is replaced by one of another description.
const KILLS_PER_RING: u64 = 14;
/// A process runs at most so long before it is killed.
const LIFE_MAX: Duration = Duration::from_millis(8);

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
    let messages = cycle(&[4, 1, 64, 4096]);
    Plan {
        kind,
        messages,
        // A multiple of 8, as records want, and some messages before a wrap.
        first_position: cycle(&[1 << 32, 0, 0]).wrapping_sub(8 * (mix(ring) % 10_000)),
        redelivery,
        sleeper: if ring % 5 == 4 { Sleeper::Spin } else { Sleeper::Futex },
        spin: Duration::from_micros(cycle(&[0, 1, 20])),
        batch: if kind == Kind::Slots { messages.min(5) } else { 1 },
        deaths: true,
    }
}

fn kill_both_sides(kind: Kind, redelivery: Redelivery) {
    let start = Instant::now();
    let most = knob("RINGBUF_KILLS", 600).div_ceil(TESTS);
    let mut random = Random::new(kind.number());
    let (mut produced, mut consumed, mut messages) = (0, 0, 0);
    for ring in 0.. {
        let mut traffic = Traffic::start(plan(kind, redelivery, ring));
        let until = (ring + 1) * KILLS_PER_RING;
        while produced.min(consumed) < until.min(most) {
            let victims = match random.below(3) {
                0 => &[Side::Producer][..],
                1 => &[Side::Consumer],
                _ => &[Side::Producer, Side::Consumer],
            };
            let note = [Note::Committed, Note::Released, Note::Releasing];
            traffic.wait_a_moment(note[victims.len()], &mut random, LIFE_MAX);
            for &side in victims {
                traffic.kill(side);
                *if side == Side::Producer { &mut produced } else { &mut consumed } += 1;
            }
            victims.iter().for_each(|&side| traffic.follow(side));
        }
        messages += traffic.finish();
        if produced.min(consumed) >= most {
            break;
        }
    }
    report(&format!(
        "killed {kind:?} {redelivery:?}: {produced} producers, {consumed} consumers, \
         {messages} messages, {:.1?}",
        start.elapsed()
    ));
}

#[test]
fn killed_peers_of_typed_slots_lose_nothing_and_get_again_what_they_held() {
    kill_both_sides(Kind::Slots, Redelivery::Redeliver);
}

#[test]
fn killed_peers_of_byte_slots_lose_nothing_and_get_again_what_they_held() {
    kill_both_sides(Kind::Bytes, Redelivery::Redeliver);
}

#[test]
fn killed_peers_of_records_lose_nothing_and_get_again_what_they_held() {
    kill_both_sides(Kind::Records, Redelivery::Redeliver);
}

#[test]
fn killed_peers_of_typed_slots_drop_exactly_what_they_held_and_it_is_counted() {
    kill_both_sides(Kind::Slots, Redelivery::Drop);
}

#[test]
fn killed_peers_of_byte_slots_drop_exactly_what_they_held_and_it_is_counted() {
    kill_both_sides(Kind::Bytes, Redelivery::Drop);
}

#[test]
fn killed_peers_of_records_drop_exactly_what_they_held_and_it_is_counted() {
    kill_both_sides(Kind::Records, Redelivery::Drop);
}
