//! Goal: who waits until everything in a lane is gone is told so when it is, not before
//! its last reader has ended, and whoever of them dies.
//!
//! Method: every execution of a lane of one or two slots, with as many preemptions as
//! the name says, or any number. The payload is in loom's cells: who is told writes to
//! them, which is a race unless all reading is over.

use ringbuf_verification::lab::{explore, explore_deaths};
use ringbuf_verification::model::flush;

#[test]
fn who_waits_for_the_end_of_reading_sees_it() {
    println!("a message is gone: {}", explore(None, flush::sees_the_end_of_reading));
}

#[test]
fn a_dead_consumer_does_not_end_the_waiting_too_early_bound_3() {
    println!("a consumer dies: {}", explore_deaths(Some(3), flush::outlasts_a_death));
}
