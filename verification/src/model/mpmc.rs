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

/// Somebody died over the only message; another sweeps while a third one, who never
/// sweeps, looks twice, and once more when the sweep is done.
///
/// # Panics
/// If the third one does not get it.
pub fn orphan_is_announced() {
    let lane = Rc::new(somebody_died_over_a_message());
    let far = Rc::clone(&lane);
    let sweeping = spawn(move || assert!(far.sweep(&far.peer(3)), "there is something"));
    let peer = lane.peer(4);
    let mut consumer = lane.consumer(&peer);
    lane.receive(&mut consumer);
    lane.receive(&mut consumer);
    sweeping.join().unwrap();
    lane.receive(&mut consumer);
    lane.is_in_order(&peer);
}

/// A message outlives two readers, one after the other, while a third one, who never
/// sweeps, looks for it.
///
/// # Panics
/// As [`orphan_is_announced`], and if he is told that it was shown less often than it was.
pub fn orphan_again() {
    let lane = Rc::new(somebody_died_over_a_message());
    let far = Rc::clone(&lane);
    let others = spawn(move || {
        let peer = far.peer(3);
        far.sweep(&peer);
        far.take_and_keep(&mut far.consumer(&peer));
        peer.die();
        far.sweep(&far.peer(4));
    });
    let peer = lane.peer(5);
    let mut consumer = lane.consumer(&peer);
    lane.receive(&mut consumer);
    lane.receive(&mut consumer);
    others.join().unwrap();
    lane.receive(&mut consumer);
    // What was said of that message is not said of the next one in its slot.
    lane.send(&peer, 2, 1..=1);
    let dying = lane.peer(6);
    lane.take_and_keep(&mut lane.consumer(&dying));
    dying.die();
    lane.sweep(&peer);
    lane.receive(&mut consumer);
    assert_eq!(lane.shown_before(201), 1, "one had taken it");
    lane.is_in_order(&peer);
}

/// A producer marks its lane after it sends a message; a consumer that looks at marked
/// lanes only looks twice meanwhile, and once more when the producer is done.
///
/// # Panics
/// If the message is not found.
pub fn marks() {
    let lane = Rc::new(Lane::new(2, 2, 1));
    let far = Rc::clone(&lane);
    let thread = spawn(move || {
        let peer = far.peer(1);
        for number in 1..=2 {
            far.send(&peer, 1, number..=number);
            far.mark();
        }
    });
    let peer = lane.peer(2);
    let mut consumer = lane.consumer(&peer);
    lane.receive_if_marked(&mut consumer);
    lane.receive_if_marked(&mut consumer);
    thread.join().unwrap();
    while lane.receive_if_marked(&mut consumer) {}
    lane.is_in_order(&peer);
}

/// A producer sends a message and leaves; a consumer is told so when it has it.
///
/// # Panics
/// If the consumer is told before.
pub fn closes() {
    let lane = Rc::new(Lane::new(1, 1, 1));
    let far = Rc::clone(&lane);
    let thread = spawn(move || {
        let peer = far.seated();
        far.send(&peer, 1, 1..=1);
        far.leave(&peer);
    });
    let peer = lane.peer(2);
    let _ = lane.receive_until_told(&peer, false);
    thread.join().unwrap();
    lane.is_in_order(&peer);
}

/// A producer sent a message and left; a consumer dies at any step; another is told
/// only when it has what the first one did not release.
///
/// # Panics
/// If it is told before.
pub fn closes_after_a_death(after: u32) {
    let lane = Rc::new(Lane::new(1, 1, 1));
    let peer = lane.seated();
    lane.send(&peer, 1, 1..=1);
    lane.leave(&peer);
    let far = Rc::clone(&lane);
    let thread = spawn(move || {
        let peer = far.peer(2);
        mortal(after, || far.receive(&mut far.consumer(&peer)));
        peer.die();
    });
    let peer = lane.peer(3);
    let _ = lane.receive_until_told(&peer, true);
    thread.join().unwrap();
    lane.is_in_order(&peer);
}

fn somebody_died_over_a_message() -> Lane {
    let lane = Lane::new(1, 1, 1);
    lane.send(&lane.peer(1), 1, 1..=1);
    let peer = lane.peer(2);
    lane.take_and_keep(&mut lane.consumer(&peer));
    peer.die();
    lane
}
