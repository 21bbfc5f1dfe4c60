//! Waiting until the messages that stand in a lane are gone.

use super::lane::Lane;
use crate::lab::mortal;
use loom::thread::{spawn, yield_now};
use std::rc::Rc;

/// One sends a message and waits until it is gone; then it writes where the message
/// stood, as whoever has seen its reading end may.
///
/// # Panics
/// If that is seen too early, or the message was not released.
pub fn sees_the_end_of_reading() {
    let lane = Rc::new(Lane::new(1, 1, 1));
    let far = Rc::clone(&lane);
    let thread = spawn(move || {
        let peer = far.peer(2);
        let mut consumer = far.consumer(&peer);
        while !far.receive(&mut consumer) {
            yield_now();
        }
    });
    let peer = lane.peer(1);
    lane.send(&peer, 1, 1..=1);
    lane.flush(yield_now);
    thread.join().unwrap();
    lane.is_in_order(&peer);
}

/// A consumer dies at any step of two messages; who waits until they are gone sweeps
/// meanwhile, and another consumer receives what comes back.
///
/// # Panics
/// As [`sees_the_end_of_reading`].
pub fn outlasts_a_death(after: u32) {
    let lane = Rc::new(Lane::new(2, 2, 1));
    let producer = lane.peer(1);
    lane.send(&producer, 1, 1..=2);
    let far = Rc::clone(&lane);
    let thread = spawn(move || {
        let peer = far.peer(2);
        mortal(after, || {
            let mut consumer = far.consumer(&peer);
            far.receive(&mut consumer);
            far.receive(&mut consumer);
        });
        peer.die();
    });
    let peer = lane.peer(3);
    let mut consumer = lane.consumer(&peer);
    lane.flush(|| {
        // One thing at a time: an orphan is looked at before it is received.
        if !lane.sweep(&producer) && !lane.receive(&mut consumer) {
            yield_now();
        }
    });
    thread.join().unwrap();
    lane.is_in_order(&peer);
}
