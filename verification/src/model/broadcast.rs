//! One who publishes and those who read, on a ring of as few entries and slots as
//! go; everybody lives.
//!
//! The publisher reclaims a slot as soon as it can, so that a slot that is looked at is
//! the next to be written, if nothing prevents it.

use super::hub::{Hub, Publisher};
use crate::lab::UNTIL_WOKEN;
use loom::thread::{JoinHandle, spawn, yield_now};
use ringbuf_core::life::Delivery;
use ringbuf_core::position::Position;
use ringbuf_core::publisher::Reclaim;
use ringbuf_core::subscriber::{Start, Want};
use std::rc::Rc;

/// As many messages as the ring keeps: whoever comes finds them there.
const KEPT: u64 = 2;

/// A ring that keeps two messages, with a row for one subscriber.
pub(super) fn filled(start: u64, cells: usize) -> Rc<Hub> {
    let hub = Hub::new(start, 1, cells);
    hub.send(&mut hub.publisher(), KEPT);
    Rc::new(hub)
}

/// Another publisher goes on.
///
/// Loom runs first who came first, and remembers only the last access to a word when it
/// looks for interleavings to try: so a publisher looks at every entry before anybody else
/// does, and then lets the others go first.
pub(super) fn going_on(
    hub: &Rc<Hub>,
    reclaim: Reclaim,
    act: impl FnOnce(&Hub, &mut Publisher<'_>) + 'static,
) -> JoinHandle<()> {
    let far = Rc::clone(hub);
    let thread = spawn(move || {
        let mut publisher = far.publisher_that(reclaim);
        yield_now();
        act(&far, &mut publisher);
    });
    yield_now();
    thread
}

/// Another publisher goes on and sends so many messages, or as many as there is room for.
pub(super) fn publishing(hub: &Rc<Hub>, messages: u64) -> JoinHandle<()> {
    going_on(hub, Reclaim::Early, move |hub, publisher| {
        for _ in 0..messages {
            hub.try_send(publisher);
        }
    })
}

/// A subscriber reads twice while the publisher sends two messages, the second of which
/// takes the slot that is looked at first, unless it is looked at.
///
/// # Panics
/// If a message is torn, repeated, out of order, or lost and not counted.
pub fn reads(delivery: Delivery) {
    let hub = filled(u64::MAX, 1);
    let mut reader = hub.join(0, 1, delivery, Start::Oldest);
    let thread = publishing(&hub, 2);
    reader.read();
    reader.read();
    thread.join().unwrap();
    reader.drain();
    reader.is_done();
}

/// As [`reads`], of a publisher that looks at the cells only when no slot is free, and so
/// takes the slot with its third message.
///
/// # Panics
/// As [`reads`].
pub fn reads_beside_late_reclaim(delivery: Delivery) {
    let hub = filled(2, 1);
    let mut reader = hub.join(0, 1, delivery, Start::Oldest);
    let thread = going_on(&hub, Reclaim::Late, |hub, publisher| {
        for _ in 0..3 {
            hub.try_send(publisher);
        }
    });
    reader.read();
    reader.read();
    thread.join().unwrap();
    reader.drain();
    reader.is_done();
}

/// As [`reads`], of a ring of four entries, the smallest in which a publisher that sends two
/// messages looks at the rows once.
///
/// # Panics
/// As [`reads`].
pub fn reads_in_a_ring_of_four(delivery: Delivery) {
    let hub = Rc::new(Hub::of(4, u64::MAX, 1, 1));
    hub.send(&mut hub.publisher(), 4);
    let mut reader = hub.join(0, 1, delivery, Start::Oldest);
    let thread = publishing(&hub, 2);
    reader.read();
    thread.join().unwrap();
    reader.drain();
    reader.is_done();
}

/// A subscriber holds a message while it reads on.
///
/// # Panics
/// As [`reads`], and if what is held is overwritten.
pub fn holds_one_and_reads_on(delivery: Delivery) {
    let hub = filled(0, 2);
    let mut reader = hub.join(0, 2, delivery, Start::Oldest);
    let thread = publishing(&hub, 3);
    let held = reader.take(Want::Whole).expect("what is kept is found");
    reader.read();
    hub.is_right(&held, held.extent);
    reader.subscriber.release(held);
    thread.join().unwrap();
    reader.drain();
    reader.is_done();
}

/// What a subscriber took is looked at and released by another thread of its, while it
/// looks for the next message with the same cell.
///
/// # Panics
/// As [`reads`].
pub fn released_elsewhere() {
    let hub = filled(0, 1);
    let mut reader = hub.join(0, 1, Delivery::Lossy, Start::Oldest);
    let taken = reader.take(Want::Whole).expect("what is kept is found");
    let (far, who) = (Rc::clone(&hub), reader.who);
    let releasing = spawn(move || {
        far.is_right(&taken, taken.extent);
        far.release(who, taken);
    });
    let thread = publishing(&hub, 2);
    reader.read();
    releasing.join().unwrap();
    thread.join().unwrap();
    reader.drain();
    reader.is_done();
}

/// A lossless subscriber joins at the oldest message, on a row whose last holder had read
/// them all, while the publisher goes round.
///
/// # Panics
/// As [`reads`], and if it is not waited for.
pub fn joins_at_oldest() {
    let hub = filled(0, 1);
    let mut before = hub.join(0, 1, Delivery::Lossless, Start::Oldest);
    before.drain();
    before.leave();
    before.free_cells();
    let thread = publishing(&hub, 2);
    let mut reader = hub.join(0, 1, Delivery::Lossless, Start::Oldest);
    reader.read();
    reader.read();
    thread.join().unwrap();
    reader.drain();
    assert!(!reader.was_evicted(), "nobody evicts");
    reader.is_done();
}

/// A publisher that finds no room evicts whoever is in the way, and sends two messages. A
/// lossless subscriber reads meanwhile, joins again when it is told, and reads on.
///
/// # Panics
/// As [`reads`].
pub fn evicts() {
    let hub = filled(0, 1);
    let mut reader = hub.join(0, 1, Delivery::Lossless, Start::Oldest);
    let thread = evicting(&hub, 2);
    reader.read();
    reader.read();
    thread.join().unwrap();
    reader.drain();
    reader.is_done();
}

/// As [`evicts`], and the subscriber holds a message all the time.
///
/// # Panics
/// As [`evicts`], and if what is held is overwritten.
pub fn evicts_who_holds_one() {
    let hub = filled(0, 2);
    let mut reader = hub.join(0, 2, Delivery::Lossless, Start::Oldest);
    let thread = evicting(&hub, 3);
    let held = reader.take(Want::Whole);
    reader.read();
    if let Some(held) = held {
        hub.is_right(&held, held.extent);
        reader.subscriber.release(held);
    }
    thread.join().unwrap();
    reader.drain();
    reader.is_done();
}

fn evicting(hub: &Rc<Hub>, messages: u64) -> JoinHandle<()> {
    going_on(hub, Reclaim::Early, move |hub, publisher| {
        for _ in 0..messages {
            send_or_evict(hub, publisher);
        }
    })
}

fn send_or_evict(hub: &Hub, publisher: &mut Publisher<'_>) {
    if !hub.try_send(publisher) {
        publisher.evict_those_in_the_way();
        // Who joins again meanwhile may be in the way again.
        hub.try_send(publisher);
    }
}

/// One who wants the newest reads while the publisher sends two messages and shows a part
/// of a third, in the slot that was the newest one's.
///
/// # Panics
/// As [`reads`], and if it finds damage.
pub fn wants_the_newest(want: Want) {
    let hub = filled(u64::MAX - 1, 1);
    let mut reader = hub.join(0, 1, Delivery::Latest, Start::Oldest);
    let thread = going_on(&hub, Reclaim::Early, |hub, publisher| {
        hub.send(publisher, 2);
        hub.try_send_in_parts(publisher, true);
    });
    for _ in 0..2 {
        if let Some(taken) = reader.take(want) {
            reader.subscriber.release(taken);
        }
    }
    thread.join().unwrap();
    reader.drain();
    reader.is_done();
    let newest = reader.subscriber.latest(Want::Whole).expect("also if it was read before");
    hub.is_right(&newest, newest.extent);
}

/// A subscriber looks for whole messages while the publisher, which evicts whoever is in the
/// way, sends two, and one in parts in the slot that is looked at first.
///
/// # Panics
/// As [`reads`], and if it finds nothing though all that was kept is whole.
pub fn finds_what_is_whole(delivery: Delivery) {
    let hub = filled(0, 1);
    let newest = Position::new(KEPT - 1);
    let mut reader = hub.join(0, 1, delivery, Start::Position(newest));
    let thread = going_on(&hub, Reclaim::Early, |hub, publisher| {
        for _ in 0..2 {
            send_or_evict(hub, publisher);
        }
        hub.try_send_in_parts(publisher, false);
    });
    assert!(reader.read() || reader.was_evicted(), "there is one");
    thread.join().unwrap();
    reader.drain();
    reader.is_done();
}

/// A message is read while it is written, and given up at the end, or not.
///
/// # Panics
/// If a part is read that was not written.
pub fn grows(delivery: Delivery, gives_up: bool) {
    let hub = Rc::new(Hub::new(0, 1, 1));
    let mut reader = hub.join(0, 1, delivery, Start::Oldest);
    let thread = going_on(&hub, Reclaim::Early, move |hub, publisher| {
        hub.try_send_in_parts(publisher, gives_up);
    });
    if let Some(taken) = reader.take(Want::Parts) {
        reader.looks_again(&taken);
        reader.looks_again(&taken);
        reader.subscriber.release(taken);
    }
    thread.join().unwrap();
    reader.drain();
    reader.is_done();
}

/// A lossless subscriber leaves with a message in its hands, which it looks at once more
/// before it gives its cells up; the publisher goes on.
///
/// # Panics
/// As [`reads`], and if what is held is overwritten.
pub fn leaves() {
    let hub = filled(0, 1);
    let mut reader = hub.join(0, 1, Delivery::Lossless, Start::Oldest);
    let thread = publishing(&hub, 3);
    let held = reader.take(Want::Whole).expect("what is kept is found");
    reader.leave();
    hub.is_right(&held, held.extent);
    reader.subscriber.release(held);
    reader.free_cells();
    thread.join().unwrap();
    hub.is_deserted();
    hub.send(&mut hub.publisher(), 1);
}

/// Somebody leaves, and gives up the cell with which it looked; another takes the cell if it
/// is free and looks at another message with it, while the publisher goes on.
///
/// # Panics
/// As [`reads`].
pub fn a_cell_changes_hands() {
    let hub = Rc::new(Hub::new(0, 2, 1));
    hub.send(&mut hub.publisher(), KEPT);
    let mut reader = hub.join(0, 1, Delivery::Lossy, Start::Oldest);
    let taken = reader.take(Want::Whole).expect("what is kept is found");
    reader.leave();
    let (far, who) = (Rc::clone(&hub), reader.who);
    let leaving = spawn(move || {
        far.is_right(&taken, taken.extent);
        let cell = taken.cell;
        far.release(who, taken);
        far.free(cell);
    });
    let thread = publishing(&hub, 2);
    let newest = Start::Position(Position::new(KEPT - 1));
    let who = hub.subscriber(1, 1);
    if let Some(mut reader) = hub.try_join(who, 1, Delivery::Lossy, newest) {
        reader.read();
    }
    leaving.join().unwrap();
    thread.join().unwrap();
}

/// A publisher sleeps when it finds no room, and nothing but a wake-up ends a sleep; a
/// lossless subscriber reads, and notifies after the fence of its read.
///
/// # Panics
/// As [`reads`]; a wake-up that is lost is a deadlock.
pub fn wakes_for_room() {
    let hub = filled(0, 1);
    let mut reader = hub.join(0, 1, Delivery::Lossless, Start::Oldest);
    let thread = sleeping_for_room(&hub);
    assert!(reader.read(), "what is kept is found");
    hub.room().notify_after_fence();
    thread.join().unwrap();
    reader.drain();
    reader.is_done();
}

/// As [`wakes_for_room`], of one who joins, while the publisher goes round, and does not
/// read at all.
///
/// # Panics
/// As [`wakes_for_room`].
pub fn joins_and_wakes() {
    let hub = filled(0, 1);
    let thread = sleeping_for_room(&hub);
    let mut reader = hub.join(0, 1, Delivery::Lossless, Start::Newest);
    hub.room().notify();
    thread.join().unwrap();
    reader.drain();
    reader.is_done();
}

/// Sends a message, sleeping until there is room.
fn sleeping_for_room(hub: &Rc<Hub>) -> JoinHandle<()> {
    going_on(hub, Reclaim::Early, |hub, publisher| {
        let mut look = || hub.try_send(publisher).then_some(());
        while look().is_none() {
            if hub.room().sleep(UNTIL_WOKEN, &mut look).is_some() {
                break;
            }
        }
    })
}
