//! Publishers and subscribers of a broadcast ring who die, and those who come after them.

use super::broadcast::{filled, going_on, publishing};
use super::hub::{Hub, Reader};
use crate::lab::mortal;
use loom::thread::{spawn, yield_now};
use ringbuf_core::life::Delivery;
use ringbuf_core::publisher::Reclaim;
use ringbuf_core::subscriber::{Start, Want};
use std::rc::Rc;

/// A publisher dies at any step of two messages, the first of which is read in parts while it
/// is written, or only when it is whole; its successor sends one more. A subscriber reads
/// twice meanwhile.
///
/// # Panics
/// If what was committed is lost, or a part is read that was not written.
pub fn publisher_dies(after: u32, delivery: Delivery, want: Want) {
    let hub = Rc::new(Hub::new(u64::MAX, 1, 1));
    hub.send(&mut hub.publisher(), 1);
    let mut reader = hub.join(0, 1, delivery, Start::Oldest);
    let thread = going_on(&hub, Reclaim::Early, move |hub, publisher| {
        mortal(after, || {
            if hub.try_send_in_parts(publisher, false) {
                hub.try_send(publisher);
            }
        });
        hub.try_send(&mut hub.publisher());
    });
    looks_twice(&mut reader, want);
    thread.join().unwrap();
    reader.drain();
    reader.is_done();
}

/// A publisher died while it was writing a message of which a part is shown. Its successor
/// dies at any step of taking over and of a message of its own; another follows.
///
/// # Panics
/// As [`publisher_dies`].
pub fn successor_dies(after: u32) {
    let hub = Rc::new(Hub::new(0, 1, 1));
    let mut first = hub.publisher();
    let slot = hub.claim(&mut first).expect("nobody is in the way");
    hub.write(&first, slot, 0);
    first.advance(1);
    let mut reader = hub.join(0, 1, Delivery::Lossless, Start::Oldest);
    let far = Rc::clone(&hub);
    let thread = spawn(move || {
        mortal(after, || far.try_send(&mut far.publisher()));
        far.try_send(&mut far.publisher());
    });
    // The publishers first: whoever looks later may still see what was there before.
    yield_now();
    looks_twice(&mut reader, Want::Whole);
    thread.join().unwrap();
    reader.drain();
    reader.is_done();
    assert_eq!(reader.subscriber.broken(), 1, "it was never whole");
}

fn looks_twice(reader: &mut Reader<'_>, want: Want) {
    for _ in 0..2 {
        if let Some(taken) = reader.take(want) {
            reader.looks_again(&taken);
            reader.subscriber.release(taken);
        }
    }
}

/// A subscriber dies at any step of joining, reading and leaving. The publisher goes round,
/// and gives up what the dead one left when it finds no room.
///
/// # Panics
/// If what is looked at is overwritten, the publisher never finds room, or a cell or a row
/// does not come back.
pub fn subscriber_dies(after: u32, delivery: Delivery) {
    let hub = filled(0, 1);
    let who = hub.subscriber(0, 1);
    hub.live(who);
    let mut publisher = hub.publisher();
    let far = Rc::clone(&hub);
    let thread = spawn(move || {
        mortal(after, || {
            let mut reader = far.try_join(who, 1, delivery, Start::Oldest).expect("a cell");
            reader.read();
            reader.leave();
            reader.free_cells();
        });
        far.die(who);
    });
    yield_now();
    for _ in 0..2 {
        while !hub.try_send(&mut publisher) {
            hub.sweep(hub.author());
            yield_now();
        }
    }
    thread.join().unwrap();
    hub.sweep(hub.author());
    hub.is_deserted();
}

/// A subscriber died over a message; somebody frees its cell, and a newcomer takes it if it
/// is free and looks at another message, while the publisher, who asks nobody, goes on.
///
/// # Panics
/// If a slot is written while somebody looks at it.
pub fn a_cell_of_the_dead() {
    let hub = Rc::new(Hub::new(0, 2, 1));
    hub.send(&mut hub.publisher(), 2);
    let mut reader = hub.join(0, 1, Delivery::Lossy, Start::Oldest);
    hub.live(reader.who);
    let taken = reader.take(Want::Whole).expect("what is kept is found");
    let (far, who) = (Rc::clone(&hub), reader.who);
    let dying = spawn(move || {
        far.is_right(&taken, taken.extent);
        far.die(who);
        assert!(far.sweep(far.author()), "there is something");
    });
    let thread = publishing(&hub, 2);
    let who = hub.subscriber(1, 1);
    if let Some(mut reader) = hub.try_join(who, 1, Delivery::Lossy, Start::Newest) {
        reader.read();
    }
    dying.join().unwrap();
    thread.join().unwrap();
}

/// A lossless subscriber died over a message. Two sweep; one of them takes its row and its
/// cell at once, however late the other exchanges what it had looked at.
///
/// # Panics
/// If anything is taken from the newcomer.
pub fn slow_sweeper() {
    let hub = filled(0, 1);
    let mut dead = hub.join(0, 1, Delivery::Lossless, Start::Oldest);
    assert!(dead.take(Want::Whole).is_some());
    let who = hub.subscriber(0, 2);
    hub.live(who);
    let far = Rc::clone(&hub);
    let sweeping = spawn(move || far.sweep(far.author()));
    yield_now();
    hub.sweep(who);
    let mut reader = hub.try_join(who, 1, Delivery::Lossless, Start::Oldest).expect("the cell");
    let held = reader.take(Want::Whole).expect("what is kept is found");
    sweeping.join().unwrap();
    let mut publisher = hub.publisher();
    assert!(hub.try_send(&mut publisher), "it has read one");
    assert!(!hub.try_send(&mut publisher), "it is waited for");
    hub.is_right(&held, held.extent);
    reader.subscriber.release(held);
    reader.drain();
    reader.is_done();
}
