//! Several producers and consumers on a lane of one or two slots.

use super::lane::Lane;
use crate::lab::mortal;
use loom::thread::{spawn, yield_now};
use std::rc::Rc;

/// Two producers send up to `each` messages, as long as there is room; one consumer
/// looks twice meanwhile and receives what is left.
///
/// # Panics
/// If a message is lost, repeated, torn or out of order.
pub fn two_producers(each: u64) {
    let lane = Rc::new(Lane::new(2, 2, 1));
    let threads = [1_u32, 2].map(|number| {
        let lane = Rc::clone(&lane);
        spawn(move || {
            let peer = lane.peer(number);
            let mut producer = lane.producer(&peer);
            for message in 1..=each {
                if !lane.try_send(&mut producer, 100 * u64::from(number) + message) {
                    break;
                }
            }
        })
    });
    let peer = lane.peer(3);
    let mut consumer = lane.consumer(&peer);
    lane.receive(&mut consumer);
    lane.receive(&mut consumer);
    for thread in threads {
        thread.join().unwrap();
    }
    while lane.receive(&mut consumer) {}
    lane.is_in_order(&peer);
}

/// One producer sends two messages; of two consumers each looks twice, and one of
/// them receives what is left.
///
/// # Panics
/// As [`two_producers`].
pub fn two_consumers() {
    let lane = Rc::new(Lane::new(2, 2, 2));
    let far = Rc::clone(&lane);
    let thread = spawn(move || {
        let peer = far.peer(2);
        let mut consumer = far.consumer(&peer);
        far.receive(&mut consumer);
        far.receive(&mut consumer);
    });
    let far = Rc::clone(&lane);
    let sender = spawn(move || {
        far.send(&far.peer(1), 1, 1..=2);
        far.end();
    });
    let peer = lane.peer(3);
    let mut consumer = lane.consumer(&peer);
    lane.receive(&mut consumer);
    lane.receive(&mut consumer);
    thread.join().unwrap();
    sender.join().unwrap();
    while lane.receive(&mut consumer) {}
    lane.is_in_order(&peer);
}

/// `messages` pass through a single slot, which each side takes again and again.
///
/// # Panics
/// As [`two_producers`].
pub fn one_slot(start: u64, messages: u64) {
    let lane = Rc::new(Lane::new(1, start, 1));
    let far = Rc::clone(&lane);
    let thread = spawn(move || {
        far.send(&far.peer(1), 1, 1..=messages);
        far.end();
    });
    let peer = lane.peer(2);
    lane.receive_all(&peer, 1, false);
    thread.join().unwrap();
    lane.is_in_order(&peer);
}

/// Two messages pass through a single slot; somebody comes meanwhile, follows the
/// hints, and receives what he finds.
///
/// # Panics
/// As [`two_producers`], and if he takes an old word for damage.
pub fn latecomer() {
    let lane = Rc::new(Lane::new(1, 7, 1));
    let far = Rc::clone(&lane);
    let thread = spawn(move || {
        let peer = far.peer(1);
        let mut consumer = far.consumer(&peer);
        for number in 1..=2 {
            far.send(&peer, 1, number..=number);
            while !far.is_over(0) {
                if !far.receive(&mut consumer) {
                    yield_now();
                }
            }
        }
    });
    let peer = lane.peer(2);
    lane.receive(&mut lane.consumer(&peer));
    thread.join().unwrap();
    lane.is_in_order(&peer);
}

/// A producer dies at any step of two messages while another sends one.
///
/// # Panics
/// As [`two_producers`], and if the dead one's place is not given back.
pub fn producer_dies(after: u32) {
    let lane = Rc::new(Lane::new(2, 2, 1));
    let far = Rc::clone(&lane);
    let thread = spawn(move || {
        let peer = far.peer(1);
        mortal(after, || far.send(&peer, 1, 1..=2));
        peer.die();
        far.end();
    });
    let peer = lane.peer(3);
    lane.receive_all(&peer, 1, true);
    thread.join().unwrap();
    lane.sweep(&peer);
    lane.is_in_order(&peer);
}

/// A consumer dies at any step; another, who sweeps when there is nothing, receives
/// what the first did not release.
///
/// # Panics
/// As [`two_producers`], and if what comes back is not exactly what was shown.
pub fn consumer_dies(after: u32) {
    let lane = Rc::new(Lane::new(2, 2, 1));
    lane.send(&lane.peer(1), 1, 1..=2);
    lane.end();
    let far = Rc::clone(&lane);
    let thread = spawn(move || {
        let peer = far.peer(2);
        mortal(after, || far.receive_all(&peer, 1, false));
        peer.die();
    });
    let peer = lane.peer(3);
    lane.receive_all(&peer, 1, true);
    thread.join().unwrap();
    lane.is_in_order(&peer);
}

/// A message outlives two readers, one after the other, while somebody sweeps; a third
/// one, who leaves the sweeping to others, is told how often it was taken.
///
/// # Panics
/// As [`consumer_dies`].
pub fn two_consumers_die() {
    let lane = Rc::new(Lane::new(1, 1, 1));
    lane.send(&lane.peer(1), 1, 1..=1);
    lane.end();
    let far = Rc::clone(&lane);
    let dying = spawn(move || {
        let peer = far.peer(2);
        far.take_and_keep(&mut far.consumer(&peer));
        peer.die();
        let peer = far.peer(3);
        far.sweep(&peer);
        far.take_and_keep(&mut far.consumer(&peer));
        peer.die();
    });
    let far = Rc::clone(&lane);
    let sweeping = spawn(move || {
        let peer = far.peer(4);
        far.sweep(&peer);
        far.sweep(&peer);
    });
    let peer = lane.peer(5);
    let mut consumer = lane.consumer(&peer);
    lane.receive(&mut consumer);
    lane.receive(&mut consumer);
    dying.join().unwrap();
    sweeping.join().unwrap();
    while !lane.is_over(1) {
        lane.sweep(&peer);
        lane.receive(&mut consumer);
    }
    lane.is_in_order(&peer);
}
