//! Goal: a process that is stopped, however long, is alive: nobody takes what it has,
//! and once it goes on everything arrives. Killed while it is stopped, it is dead (P2).
//! Method: a producer or a consumer is stopped at a random moment until the other
//! side, whose ring is then full or empty, has asked the kernel about it more than
//! once. `RINGBUF_STOPS` is how often that is done in each test (4).

mod process;

use process::ends::{Consumer, KINDS, Kind, Producer};
use process::notes::Note;
use process::random::Random;
use process::traffic::{Plan, Side, Traffic, consume, produce};
use process::words::{HEAD, TAIL, TAKEN};
use process::{knob, until};
use ringbuf_shm::{OpenError, PeerStats, Presence, Redelivery, Sleeper, Stats};
use std::time::Duration;

/// The other side asks at least so often before the stopped one goes on.
const PROBES: u64 = 2;
const MOMENT_MAX: Duration = Duration::from_millis(5);
/// Messages in the ring.
const MESSAGES: u64 = 16;

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

fn plan(kind: Kind, deaths: bool) -> Plan {
    Plan {
        kind,
        messages: MESSAGES,
        first_position: 0u64.wrapping_sub(1 << 16),
        redelivery: Redelivery::Redeliver,
        sleeper: Sleeper::Futex,
        spin: Duration::from_micros(1),
        batch: if kind == Kind::Slots { 3 } else { 1 },
        deaths,
    }
}

fn own(stats: &Stats, side: Side) -> &PeerStats {
    match side {
        Side::Producer => &stats.producer,
        Side::Consumer => &stats.consumer,
    }
}

fn other(side: Side) -> Side {
    match side {
        Side::Producer => Side::Consumer,
        Side::Consumer => Side::Producer,
    }
}

/// The positions that only `side` may move.
fn positions(traffic: &Traffic, side: Side) -> Vec<u64> {
    let words = match side {
        Side::Producer => &[TAIL][..],
        Side::Consumer => &[HEAD, TAKEN],
    };
    words.iter().map(|&word| traffic.words().load(word)).collect()
}

/// Why a second handle on a side is refused.
fn refusal(traffic: &Traffic, kind: Kind, side: Side) -> OpenError {
    match side {
        Side::Producer => Producer::attach(kind, traffic.ring()).err().unwrap(),
        Side::Consumer => Consumer::attach(kind, traffic.ring()).err().unwrap(),
    }
}

/// Stops a side until the other has asked about it, and checks that it keeps its seat.
fn stop(traffic: &mut Traffic, kind: Kind, side: Side, random: &mut Random) {
    traffic.wait_for_progress(1);
    traffic.wait_a_moment(Note::Committed, random, MOMENT_MAX);
    traffic.child(side).stop();
    let (positions_before, before) = (positions(traffic, side), traffic.stats());
    let probes = |stats: &Stats| own(stats, other(side)).probes;
    until("the other side to ask", || probes(&traffic.stats()) >= probes(&before) + PROBES);
    let after = traffic.stats();
    assert_eq!(own(&after, side).presence, Presence::Alive);
    assert_eq!(own(&after, side).incarnation, own(&before, side).incarnation);
    assert!(matches!(refusal(traffic, kind, side), OpenError::InUse));
    assert_eq!(positions(traffic, side), positions_before);
    traffic.child(other(side)).assert_running();
}

fn stop_and_resume(kind: Kind, side: Side) {
    let mut traffic = Traffic::start(plan(kind, false));
    let mut random = Random::new(kind.number());
    for _ in 0..knob("RINGBUF_STOPS", 4) {
        stop(&mut traffic, kind, side, &mut random);
        traffic.child(side).resume();
        traffic.wait_for_progress(4 * MESSAGES);
    }
    traffic.finish();
}

fn stop_and_kill(kind: Kind, side: Side) {
    let mut traffic = Traffic::start(plan(kind, true));
    let mut random = Random::new(!kind.number());
    for _ in 0..knob("RINGBUF_STOPS", 4).div_ceil(2) {
        stop(&mut traffic, kind, side, &mut random);
        traffic.kill(side);
        assert_eq!(own(&traffic.stats(), side).presence, Presence::Dead);
        traffic.follow(side);
        traffic.wait_for_progress(4 * MESSAGES);
    }
    traffic.finish();
}

#[test]
fn a_stopped_producer_keeps_its_seat_and_goes_on() {
    KINDS.iter().for_each(|&kind| stop_and_resume(kind, Side::Producer));
}

#[test]
fn a_stopped_consumer_keeps_what_it_took_and_goes_on() {
    KINDS.iter().for_each(|&kind| stop_and_resume(kind, Side::Consumer));
}

#[test]
fn a_producer_killed_while_it_is_stopped_is_followed() {
    KINDS.iter().for_each(|&kind| stop_and_kill(kind, Side::Producer));
}

#[test]
fn a_consumer_killed_while_it_is_stopped_is_followed() {
    KINDS.iter().for_each(|&kind| stop_and_kill(kind, Side::Consumer));
}
