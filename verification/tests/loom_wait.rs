//! Goal: who waits gets everything that its peer did before it left or died, then
//! learns how it went, and waits for nobody who is gone.
//!
//! Method: every execution of stream, event and row together, with no bound on
//! preemptions unless the name says one. A sleep ends by a wake-up only, except where a slice is asked for;
//! waiting for ever is a deadlock or an endless execution, and loom reports both.

use ringbuf_verification::lab::{explore, explore_deaths};
use ringbuf_verification::model::wait;

#[test]
fn who_only_looks_gets_the_last_item_and_then_closed() {
    println!("looks: {}", explore(None, wait::looks));
}

#[test]
fn who_sleeps_gets_the_last_item_and_then_closed() {
    println!("sleeps until left: {}", explore(None, wait::sleeps_until_left));
}

#[test]
fn who_is_woken_for_every_item_gets_the_last_and_then_closed_bound_4() {
    println!("sleeps: {}", explore(Some(4), wait::sleeps::<1>));
}

#[test]
fn who_is_woken_for_every_item_gets_the_last_of_two_and_then_closed_bound_3() {
    println!("sleeps twice: {}", explore(Some(3), wait::sleeps::<2>));
}

#[test]
fn who_asks_the_kernel_gets_what_was_committed_and_then_peer_died() {
    println!("probes: {}", explore_deaths(None, wait::probes));
}

#[test]
fn who_sleeps_in_slices_gets_what_was_committed_and_then_peer_died_bound_4() {
    println!("slices: {}", explore_deaths(Some(4), wait::sleeps_in_slices));
}

#[test]
fn who_waits_on_after_a_death_gets_what_a_successor_sent_and_then_closed() {
    println!("successor closes: {}", explore(None, wait::successor_closes));
}

#[test]
fn who_waits_for_room_gets_it_and_then_closed_bound_4() {
    println!("room: {}", explore(Some(4), wait::for_room));
}
