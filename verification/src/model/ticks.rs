//! One who publishes ticks and those who copy them; some of them die.

use super::ticker::{Listener, Publisher, Ticker};
use crate::lab::{UNTIL_WOKEN, mortal};
use loom::thread::{JoinHandle, spawn, yield_now};
use ringbuf_core::life::Delivery;
use ringbuf_core::subscriber::Start;
use std::rc::Rc;

/// As many messages as the ring keeps: whoever comes finds them there.
const KEPT: usize = 2;

fn filled(ticker: Ticker, messages: usize) -> Rc<Ticker> {
    ticker.send(&mut ticker.publisher(), messages as u64);
    Rc::new(ticker)
}

/// A ring whose every entry is full, for who reads like this.
fn full(entries: usize, start: u64, delivery: Delivery) -> Rc<Ticker> {
    let unhurried = delivery == Delivery::Lossless;
    let ticker = if unhurried { Ticker::unhurried } else { Ticker::new };
    filled(ticker(entries, start), entries)
}

/// Another publisher goes on; it looks first, and lets others go first then.
fn going_on(
    ticker: &Rc<Ticker>,
    act: impl FnOnce(&Ticker, &mut Publisher<'_>) + 'static,
) -> JoinHandle<()> {
    let far = Rc::clone(ticker);
    let thread = spawn(move || {
        let mut publisher = far.publisher();
        yield_now();
        act(&far, &mut publisher);
    });
    yield_now();
    thread
}

/// Another publisher sends so many messages, or as many as there is room for.
fn publishing(ticker: &Rc<Ticker>, messages: u64) -> JoinHandle<()> {
    going_on(ticker, move |ticker, publisher| {
        for _ in 0..messages {
            ticker.try_send(publisher);
        }
    })
}

fn joins<'a>(ticker: &'a Ticker, delivery: Delivery) -> Listener<'a> {
    ticker.join(ticker.subscriber(1), delivery, Start::Oldest)
}

/// A subscriber reads twice while the publisher writes over what it reads, or would.
///
/// # Panics
/// If a message is torn, repeated, out of order, or lost and not counted.
pub fn reads(delivery: Delivery) {
    let ticker = full(KEPT, u64::MAX, delivery);
    let mut reader = joins(&ticker, delivery);
    let thread = publishing(&ticker, 2);
    reader.read();
    reader.read();
    thread.join().unwrap();
    reader.drain();
    reader.is_done();
}

/// As [`reads`], of one message that is overwritten while it is copied. Nobody yields: loom
/// takes a yield for a promise to see something newer, and a look that is one too old is what a
/// torn copy would be taken for whole by.
///
/// # Panics
/// As [`reads`].
pub fn is_overtaken(delivery: Delivery) {
    let ticker = filled(Ticker::new(KEPT, u64::MAX), KEPT);
    let mut reader = joins(&ticker, delivery);
    let far = Rc::clone(&ticker);
    let thread = spawn(move || far.send(&mut far.publisher(), 1));
    reader.read();
    thread.join().unwrap();
    reader.drain();
    reader.is_done();
}

/// As [`reads`], of a ring of four entries: the publisher does not look at the rows for each
/// message.
///
/// # Panics
/// As [`reads`].
pub fn reads_in_a_ring_of_four(delivery: Delivery) {
    let ticker = full(4, u64::MAX, delivery);
    let mut reader = joins(&ticker, delivery);
    let thread = publishing(&ticker, 2);
    reader.read();
    reader.read();
    thread.join().unwrap();
    reader.drain();
    reader.is_done();
}

/// One who reads whatever looks at the newest message besides.
///
/// # Panics
/// As [`reads`].
pub fn glances() {
    let ticker = filled(Ticker::new(KEPT, 0), KEPT);
    let mut reader = joins(&ticker, Delivery::Lossy);
    let thread = publishing(&ticker, 2);
    reader.glance();
    thread.join().unwrap();
    assert!(reader.glance(), "also if it was not read before");
    reader.drain();
    reader.is_done();
}

/// A lossless subscriber joins at the oldest message, on a row whose last holder had read
/// them all, while the publisher goes round.
///
/// # Panics
/// As [`reads`], and if it is not waited for.
pub fn joins_at_oldest() {
    let ticker = full(KEPT, 0, Delivery::Lossless);
    let mut before = joins(&ticker, Delivery::Lossless);
    before.drain();
    before.subscriber.leave();
    let thread = publishing(&ticker, 2);
    let mut reader = joins(&ticker, Delivery::Lossless);
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
    let ticker = filled(Ticker::new(KEPT, 0), KEPT);
    let mut reader = joins(&ticker, Delivery::Lossless);
    let thread = going_on(&ticker, |ticker, publisher| {
        for _ in 0..2 {
            if !ticker.try_send(publisher) {
                publisher.evict_those_in_the_way();
                // Who joins again meanwhile may be in the way again.
                ticker.try_send(publisher);
            }
        }
    });
    reader.read();
    reader.read();
    thread.join().unwrap();
    reader.drain();
    reader.is_done();
}

/// A lossless subscriber leaves after its first message; the publisher goes on.
///
/// # Panics
/// As [`reads`].
pub fn leaves() {
    let ticker = filled(Ticker::new(KEPT, 0), KEPT);
    let mut reader = joins(&ticker, Delivery::Lossless);
    let thread = publishing(&ticker, 2);
    assert!(reader.read(), "what is kept is found");
    reader.subscriber.leave();
    thread.join().unwrap();
    ticker.is_deserted();
    ticker.send(&mut ticker.publisher(), 1);
}

/// A publisher sleeps when it finds no room, and nothing but a wake-up ends a sleep; a
/// lossless subscriber reads half of what is kept, and tells it where it has to.
///
/// # Panics
/// As [`reads`]; a wake-up that is lost is a deadlock.
pub fn wakes_for_room(entries: usize) {
    let ticker = full(entries, 0, Delivery::Lossless);
    let mut reader = joins(&ticker, Delivery::Lossless);
    let thread = sleeping_for_room(&ticker);
    for _ in 0..(entries / 4).max(1) {
        assert!(reader.read_and_tell(), "what is kept is found");
    }
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
    let ticker = full(KEPT, 0, Delivery::Lossless);
    let thread = sleeping_for_room(&ticker);
    let mut reader = ticker.join(ticker.subscriber(1), Delivery::Lossless, Start::Newest);
    ticker.room().notify();
    thread.join().unwrap();
    reader.drain();
    reader.is_done();
}

/// Sends a message, sleeping until there is room.
fn sleeping_for_room(ticker: &Rc<Ticker>) -> JoinHandle<()> {
    going_on(ticker, |ticker, publisher| {
        let mut look = || ticker.try_send(publisher).then_some(());
        while look().is_none() {
            if ticker.room().sleep(UNTIL_WOKEN, &mut look).is_some() {
                break;
            }
        }
    })
}

/// A publisher dies at any step of two messages; its successor sends one more. A subscriber
/// reads twice meanwhile.
///
/// # Panics
/// If what was committed is lost, or what was half written is shown.
pub fn publisher_dies(after: u32, delivery: Delivery) {
    let ticker = filled(Ticker::new(KEPT, u64::MAX), 1);
    let mut reader = joins(&ticker, delivery);
    let thread = going_on(&ticker, move |ticker, publisher| {
        mortal(after, || ticker.try_send(publisher) && ticker.try_send(publisher));
        ticker.try_send(&mut ticker.publisher());
    });
    reader.read();
    reader.read();
    thread.join().unwrap();
    reader.drain();
    reader.is_done();
}

/// A publisher died in the middle of a message. Its successor dies at any step of taking over
/// and of a message of its own; another follows.
///
/// # Panics
/// As [`publisher_dies`].
pub fn successor_dies(after: u32) {
    let ticker = filled(Ticker::new(KEPT, 0), 1);
    ticker.half_write(&ticker.publisher());
    let mut reader = joins(&ticker, Delivery::Lossless);
    let far = Rc::clone(&ticker);
    let thread = spawn(move || {
        mortal(after, || far.try_send(&mut far.publisher()));
        far.try_send(&mut far.publisher());
    });
    yield_now();
    reader.read();
    reader.read();
    thread.join().unwrap();
    reader.drain();
    reader.is_done();
}

/// A subscriber dies at any step of joining, reading and leaving. The publisher goes round,
/// and gives up what the dead one left when it finds no room.
///
/// # Panics
/// If the publisher never finds room, or the row does not come back.
pub fn subscriber_dies(after: u32, delivery: Delivery) {
    let ticker = filled(Ticker::new(KEPT, 0), KEPT);
    let who = ticker.subscriber(1);
    ticker.live(who);
    let thread = publishing(&ticker, 2);
    mortal(after, || {
        let mut reader = ticker.join(who, delivery, Start::Oldest);
        reader.read();
        reader.read();
        reader.subscriber.leave();
    });
    ticker.die(who);
    thread.join().unwrap();
    ticker.sweep();
    ticker.is_deserted();
    ticker.send(&mut ticker.publisher(), 3);
    let mut reader = joins(&ticker, Delivery::Lossless);
    reader.drain();
    reader.is_done();
}
