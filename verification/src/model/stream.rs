//! One producer and one consumer on a ring of two slots.

use super::ring::Ring;
use crate::lab::mortal;
use std::rc::Rc;

/// `items` pass in batches of `batch`, read at most `most` at a time.
///
/// # Panics
/// If the consumer does not get every item once, whole and in order.
pub fn passes(start: u64, items: u64, batch: u64, most: u64) {
    let ring = Rc::new(Ring::new(start));
    let far = Rc::clone(&ring);
    let thread = loom::thread::spawn(move || far.send_all(&mut far.producer(), items, batch));
    ring.receive_all(&mut ring.consumer(), items, batch, most);
    thread.join().unwrap();
}

/// A consumer of `ITEMS` dies at any step and a successor receives the rest.
///
/// # Panics
/// If the successor does not get every item that was not released, and those
/// that were taken, and only those, flagged.
pub fn consumer_dies<const ITEMS: u64>(after: u32) {
    let ring = Rc::new(Ring::new(0));
    let far = Rc::clone(&ring);
    let thread = loom::thread::spawn(move || far.send_all(&mut far.producer(), ITEMS, 1));
    mortal(after, || ring.receive_all(&mut ring.consumer(), ITEMS, 1, 2));
    ring.receive_all(&mut ring.consumer(), ITEMS, 1, 2);
    thread.join().unwrap();
}

/// A producer of `ITEMS` dies at any step and a successor sends the rest.
///
/// # Panics
/// If the consumer does not get every item once, whole and in order.
pub fn producer_dies<const ITEMS: u64>(after: u32) {
    let ring = Rc::new(Ring::new(0));
    let far = Rc::clone(&ring);
    let thread = loom::thread::spawn(move || send_in_two_lives(&far, after, ITEMS));
    ring.receive_all(&mut ring.consumer(), ITEMS, 1, 1);
    thread.join().unwrap();
}

fn send_in_two_lives(ring: &Ring, after: u32, items: u64) {
    mortal(after, || ring.send_all(&mut ring.producer(), items, 1));
    ring.send_all(&mut ring.producer(), items, 1);
}
