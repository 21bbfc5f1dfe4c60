//! Peers of a Strict lane who pass those that hold slots, and those who are passed.

use super::lane::Lane;
use crate::lab::{Lab, U32, UNTIL_WOKEN, mortal};
use loom::thread::spawn;
use ringbuf_core::event::{Event, EventWords};
use std::rc::Rc;

/// A producer has claimed a place and commits late; another sends a message behind it,
/// and a consumer looks twice meanwhile.
///
/// # Panics
/// If the message behind is not found at once, or if one is lost, repeated or torn.
pub fn writer_is_passed() {
    let lane = Rc::new(Lane::new(2, 2, 1).strict());
    let (far, slow) = (Rc::clone(&lane), Rc::clone(&lane));
    let peer = lane.peer(1);
    let claim = lane.claim(&mut lane.producer(&peer)).expect("a place");
    lane.send(&far.peer(2), 2, 1..=1);
    let thread = spawn(move || {
        let peer = slow.thread_of(1);
        slow.commit(&slow.first_producer(&peer), claim, 101);
    });
    let peer = lane.peer(3);
    let mut consumer = lane.consumer(&peer);
    assert!(lane.receive(&mut consumer), "a message is there");
    lane.receive(&mut consumer);
    thread.join().unwrap();
    while lane.receive(&mut consumer) {}
    lane.is_in_order(&peer);
}

/// As [`writer_is_passed`], and the consumer sleeps when it finds nothing: nothing but
/// a wake-up ends a sleep.
///
/// # Panics
/// As [`writer_is_passed`]; a wake-up that is lost is a deadlock.
pub fn writer_is_passed_and_wakes() {
    let lane = Rc::new(Lane::new(2, 2, 1).strict());
    let words = Rc::new(EventWords::<Lab> { epoch: U32::new(0), woken: U32::new(0) });
    let peer = lane.peer(1);
    let claim = lane.claim(&mut lane.producer(&peer)).expect("a place");
    lane.send(&lane.peer(2), 2, 1..=1);
    let peer = lane.peer(3);
    let mut consumer = lane.consumer(&peer);
    assert!(lane.receive(&mut consumer), "the message behind");
    let (slow, far) = (Rc::clone(&lane), Rc::clone(&words));
    let thread = spawn(move || {
        let peer = slow.thread_of(1);
        slow.commit(&slow.first_producer(&peer), claim, 101);
        Event::new(&Lab, &far).notify();
    });
    let mut look = || lane.receive(&mut consumer).then_some(());
    while look().is_none() {
        if Event::new(&Lab, &words).sleep(UNTIL_WOKEN, &mut look).is_some() {
            break;
        }
    }
    thread.join().unwrap();
    lane.is_in_order(&peer);
}

/// A consumer has taken a message and releases it late; a producer sends three more
/// through the other slot, or through both.
///
/// # Panics
/// If there is no room at once for as many as one slot takes, and as [`writer_is_passed`].
pub fn reader_is_passed() {
    let lane = Rc::new(Lane::new(2, 2, 1).strict());
    lane.send(&lane.peer(1), 1, 1..=1);
    let peer = lane.peer(2);
    let (message, taken) = lane.take(&mut lane.consumer(&peer)).expect("a message");
    let slow = Rc::clone(&lane);
    let thread = spawn(move || slow.release(message, taken));
    let (peer, reader) = (lane.thread_of(1), lane.peer(3));
    let (mut producer, mut consumer) = (lane.producer(&peer), lane.consumer(&reader));
    for message in 102..=104 {
        assert!(lane.try_send(&mut producer, message), "a slot is free");
        assert!(lane.receive(&mut consumer), "a message is there");
    }
    thread.join().unwrap();
    lane.is_in_order(&reader);
}

/// A producer has claimed a place and commits late; another sends three messages through
/// the other slot, which takes them past the first one's a lap later too.
///
/// # Panics
/// If there is no room at once, and as [`writer_is_passed`].
pub fn writer_is_lapped() {
    let lane = Rc::new(Lane::new(2, u64::MAX - 1, 1).strict());
    let peer = lane.peer(1);
    let claim = lane.claim(&mut lane.producer(&peer)).expect("a place");
    let slow = Rc::clone(&lane);
    let thread = spawn(move || {
        let peer = slow.thread_of(1);
        slow.commit(&slow.first_producer(&peer), claim, 101);
    });
    let (peer, reader) = (lane.peer(2), lane.peer(3));
    let (mut producer, mut consumer) = (lane.producer(&peer), lane.consumer(&reader));
    for message in 201..=203 {
        assert!(lane.try_send(&mut producer, message), "a slot is free");
        assert!(lane.receive(&mut consumer), "a message is there");
    }
    thread.join().unwrap();
    while lane.receive(&mut consumer) {}
    lane.is_in_order(&reader);
}

/// A producer has two places and commits in their order, while a third message is sent
/// behind them, and read.
///
/// # Panics
/// As [`writer_is_passed`], and if the second of the two comes first.
pub fn two_claims_are_passed() {
    let lane = Rc::new(Lane::new(4, 4, 1).strict());
    let peer = lane.peer(1);
    let mut producer = lane.producer(&peer);
    let claims = [(); 2].map(|()| lane.claim(&mut producer).expect("a place"));
    lane.send(&lane.peer(2), 2, 1..=1);
    let slow = Rc::clone(&lane);
    let thread = spawn(move || {
        let peer = slow.thread_of(1);
        let producer = slow.first_producer(&peer);
        let [first, second] = claims;
        slow.commit(&producer, first, 101);
        slow.commit(&producer, second, 102);
    });
    let peer = lane.peer(3);
    let mut consumer = lane.consumer(&peer);
    lane.receive(&mut consumer);
    lane.receive(&mut consumer);
    thread.join().unwrap();
    while lane.receive(&mut consumer) {}
    lane.is_in_order(&peer);
}

/// A producer whose place was passed, in a lane whose other slot is in use, dies at any step
/// of its commit; a consumer sweeps and receives what there is.
///
/// # Panics
/// If what was committed is not received, or the slot does not come back.
pub fn passed_writer_dies(after: u32) {
    let lane = Rc::new(Lane::new(2, 2, 1).strict());
    let peer = lane.peer(1);
    let claim = lane.claim(&mut lane.producer(&peer)).expect("a place");
    lane.send(&lane.peer(2), 2, 1..=1);
    let slow = Rc::clone(&lane);
    let thread = spawn(move || {
        let peer = slow.thread_of(1);
        mortal(after, || slow.commit(&slow.first_producer(&peer), claim, 101));
        peer.die();
        slow.end();
    });
    let peer = lane.peer(3);
    lane.receive_all(&peer, 1, true);
    thread.join().unwrap();
    lane.sweep(&peer);
    lane.is_in_order(&peer);
}

/// A consumer has taken a message and dies at any step of its release, while a producer
/// passes it; another consumer sweeps.
///
/// # Panics
/// As [`passed_writer_dies`].
pub fn passed_reader_dies(after: u32) {
    let lane = Rc::new(Lane::new(2, 2, 1).strict());
    lane.send(&lane.peer(1), 1, 1..=1);
    let peer = lane.peer(2);
    let (message, taken) = lane.take(&mut lane.consumer(&peer)).expect("a message");
    let slow = Rc::clone(&lane);
    let thread = spawn(move || {
        let peer = slow.thread_of(2);
        mortal(after, || slow.release(message, taken));
        peer.die();
        slow.end();
    });
    let (peer, reader) = (lane.thread_of(1), lane.peer(3));
    let mut producer = lane.producer(&peer);
    for message in 102..=103 {
        assert!(lane.try_send(&mut producer, message), "a slot is free");
        lane.receive(&mut lane.consumer(&reader));
    }
    lane.receive_all(&reader, 1, true);
    thread.join().unwrap();
    lane.sweep(&reader);
    lane.is_in_order(&reader);
}
