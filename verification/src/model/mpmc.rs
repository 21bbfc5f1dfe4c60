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
    two_write(Lane::new(2, 2, 1), each);
}

/// As [`two_producers`], in a Strict lane.
///
/// # Panics
/// As [`two_producers`].
pub fn two_producers_strict() {
    two_write(Lane::new(2, 2, 1).strict(), 1);
}

fn two_write(lane: Lane, each: u64) {
    let lane = Rc::new(lane);
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

/// One producer sends two messages; of two consumers one looks twice, the other once,
/// and then receives what is left.
///
/// # Panics
/// As [`two_producers`].
pub fn two_consumers() {
    two_take(Lane::new(2, 2, 2));
}

/// As [`two_consumers`], in a Strict lane.
///
/// # Panics
/// As [`two_producers`].
pub fn two_consumers_strict() {
    two_take(Lane::new(2, 2, 2).strict());
}

fn two_take(lane: Lane) {
    let lane = Rc::new(lane);
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
    through_one_slot(Lane::new(1, start, 1), messages);
}

/// As [`one_slot`], in a Strict lane.
///
/// # Panics
/// As [`two_producers`].
pub fn one_slot_strict(start: u64, messages: u64) {
    through_one_slot(Lane::new(1, start, 1).strict(), messages);
}

fn through_one_slot(lane: Lane, messages: u64) {
    let lane = Rc::new(lane);
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

/// `messages` pass through two slots, as many of them as there is room for meanwhile.
///
/// # Panics
/// As [`two_producers`].
pub fn two_slots(messages: u64) {
    let lane = Rc::new(Lane::new(2, u64::MAX, 2));
    let far = Rc::clone(&lane);
    let thread = spawn(move || {
        let peer = far.peer(1);
        let mut producer = far.producer(&peer);
        for number in 101..=100 + messages {
            far.try_send(&mut producer, number);
        }
    });
    let peer = lane.peer(2);
    let mut consumer = lane.consumer(&peer);
    lane.receive(&mut consumer);
    lane.receive(&mut consumer);
    thread.join().unwrap();
    while lane.receive(&mut consumer) {}
    lane.is_in_order(&peer);
}

/// Two claim at once, one of them reads.
///
/// # Panics
/// As [`two_producers`].
pub fn two_claim(slots: u64) {
    let lane = Rc::new(Lane::new(slots, 2, 1));
    let far = Rc::clone(&lane);
    let thread = spawn(move || {
        let peer = far.peer(1);
        far.try_send(&mut far.producer(&peer), 101);
    });
    let peer = lane.peer(2);
    lane.try_send(&mut lane.producer(&peer), 201);
    let mut consumer = lane.consumer(&peer);
    lane.receive(&mut consumer);
    thread.join().unwrap();
    while lane.receive(&mut consumer) {}
    lane.is_in_order(&peer);
}

/// Two read at once, and there is a message for each.
///
/// # Panics
/// As [`two_producers`], and if one of them finds nothing.
pub fn two_read() {
    let lane = Rc::new(Lane::new(2, 2, 1));
    lane.send(&lane.peer(1), 1, 1..=2);
    let far = Rc::clone(&lane);
    let thread = spawn(move || {
        let peer = far.peer(2);
        assert!(far.receive(&mut far.consumer(&peer)), "one for each");
    });
    let peer = lane.peer(3);
    assert!(lane.receive(&mut lane.consumer(&peer)), "one for each");
    thread.join().unwrap();
    lane.is_in_order(&peer);
}

/// A producer gives its first place up and writes in its second.
///
/// # Panics
/// As [`two_producers`], and if there is no second one.
pub fn aborts(slots: u64) {
    let lane = Rc::new(Lane::new(slots, u64::MAX, 1));
    let far = Rc::clone(&lane);
    let thread = spawn(move || {
        let peer = far.peer(1);
        let mut producer = far.producer(&peer);
        let claim = far.claim(&mut producer).unwrap();
        far.abort(claim);
        assert!(far.try_send(&mut producer, 101), "what is given up is free");
    });
    let peer = lane.peer(2);
    let mut consumer = lane.consumer(&peer);
    lane.receive(&mut consumer);
    lane.receive(&mut consumer);
    thread.join().unwrap();
    while lane.receive(&mut consumer) {}
    lane.is_in_order(&peer);
}

/// A producer died with a place claimed. Two sweep; one of them takes the slot at once
/// for messages of its own, however late the other exchanges what it had looked at.
///
/// # Panics
/// As [`two_producers`], and if the newcomer's place is swept away.
pub fn slow_sweeper_of_a_writer() {
    let lane = Rc::new(Lane::new(1, 3, 1));
    let dead = lane.peer(1);
    let _claim = lane.claim(&mut lane.producer(&dead)).unwrap();
    dead.die();
    let far = Rc::clone(&lane);
    let sweeping = spawn(move || far.sweep(&far.peer(2)));
    let peer = lane.peer(3);
    let ours = lane.sweep(&peer);
    let (mut producer, mut consumer) = (lane.producer(&peer), lane.consumer(&peer));
    for number in 301..=302 {
        assert!(lane.try_send(&mut producer, number), "the place is free");
        assert!(lane.receive(&mut consumer), "and stays ours");
    }
    assert!(ours != sweeping.join().unwrap(), "one of the two gives it up");
    lane.is_in_order(&peer);
}

/// A consumer died with a message taken. Two sweep; one of them reads it again and takes
/// the slot for a message of its own, however late the other is.
///
/// # Panics
/// As [`slow_sweeper_of_a_writer`], and if the message comes twice.
pub fn slow_sweeper_of_a_reader() {
    let lane = Rc::new(Lane::new(1, 1, 1));
    let dead = lane.peer(1);
    lane.send(&dead, 1, 1..=1);
    lane.take_and_keep(&mut lane.consumer(&dead));
    dead.die();
    let far = Rc::clone(&lane);
    let sweeping = spawn(move || far.sweep(&far.peer(2)));
    let peer = lane.peer(3);
    let ours = lane.sweep(&peer);
    let (mut producer, mut consumer) = (lane.producer(&peer), lane.consumer(&peer));
    assert!(lane.receive(&mut consumer), "what was orphaned is found");
    assert!(lane.try_send(&mut producer, 301), "the place is free");
    assert!(lane.receive(&mut consumer), "and stays ours");
    assert!(ours != sweeping.join().unwrap(), "one of the two makes it an orphan");
    lane.is_in_order(&peer);
}

/// A consumer died with a message taken. Two sweep while a third, who does not, reads.
///
/// # Panics
/// As [`slow_sweeper_of_a_reader`].
pub fn two_sweepers() {
    let lane = Rc::new(Lane::new(1, 1, 1));
    let dead = lane.peer(1);
    lane.send(&dead, 1, 1..=1);
    lane.take_and_keep(&mut lane.consumer(&dead));
    dead.die();
    let threads = [2, 3].map(|number| {
        let far = Rc::clone(&lane);
        spawn(move || far.sweep(&far.peer(number)))
    });
    let peer = lane.peer(4);
    let mut consumer = lane.consumer(&peer);
    lane.receive(&mut consumer);
    lane.receive(&mut consumer);
    let swept = threads.map(|thread| thread.join().unwrap());
    assert!(swept[0] != swept[1], "one of the two makes it an orphan");
    lane.receive(&mut consumer);
    lane.is_in_order(&peer);
}

/// A message whose reader died is taken by another, who dies too; one who reads for the
/// first time finds it as soon as it was swept, announced or not, and is told how often
/// it was taken.
///
/// # Panics
/// As [`consumer_dies`].
pub fn adopter_dies() {
    let lane = Rc::new(Lane::new(1, 1, 1));
    let dead = lane.peer(1);
    lane.send(&dead, 1, 1..=1);
    lane.take_and_keep(&mut lane.consumer(&dead));
    dead.die();
    let peer = lane.peer(2);
    lane.sweep(&peer);
    let far = Rc::clone(&lane);
    let thread = spawn(move || {
        let peer = far.peer(3);
        far.take_and_keep(&mut far.consumer(&peer));
        peer.die();
        far.sweep(&far.peer(4));
    });
    let received = lane.receive(&mut lane.consumer(&peer));
    thread.join().unwrap();
    lane.sweep(&peer);
    assert!(received != lane.receive(&mut lane.consumer(&peer)), "once");
    lane.is_in_order(&peer);
}

/// A producer commits and is gone; so is a consumer with the message in its hands. Who
/// finds the producer gone, sweeps, and finds the lane drained has got everything.
///
/// # Panics
/// If a message comes after that, or as [`two_producers`].
pub fn everybody_goes() {
    let lane = Rc::new(Lane::new(1, 1, 1));
    let producer = lane.peer(1).who();
    let far = Rc::clone(&lane);
    let thread = spawn(move || {
        let producer = far.thread_of(1);
        far.send(&producer, 1, 1..=1);
        producer.die();
        let consumer = far.peer(2);
        far.take_and_keep(&mut far.consumer(&consumer));
        consumer.die();
    });
    let peer = lane.peer(3);
    lane.receive_until_drained(&peer, producer);
    lane.is_in_order(&peer);
    thread.join().unwrap();
    lane.is_in_order(&peer);
}
