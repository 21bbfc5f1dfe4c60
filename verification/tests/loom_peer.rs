//! Goal: a row has one living holder at most, nobody alive is taken for dead, the
//! dead keep nobody out, and a successor sees all that its predecessor did.
//!
//! Method: every execution of two or three participants on one row, with no bound
//! on preemptions, over a kernel that frees a lock when its process ends.

use ringbuf_verification::lab::{explore, explore_deaths};
use ringbuf_verification::model::peer;

#[test]
fn exactly_one_of_two_newcomers_gets_the_row() {
    println!("two newcomers: {}", explore(None, peer::two_newcomers));
}

#[test]
fn exactly_one_of_two_newcomers_gets_the_row_of_the_dead() {
    let explored = explore_deaths(None, peer::two_newcomers_after_a_death);
    println!("two newcomers after a death: {explored}");
}

#[test]
fn a_leaver_is_never_taken_for_dead() {
    println!("newcomer and leaver: {}", explore(None, peer::newcomer_and_leaver));
}

#[test]
fn a_newcomer_gets_in_whenever_the_other_dies() {
    println!("newcomer and dying: {}", explore_deaths(None, peer::newcomer_and_dying));
}

#[test]
fn a_living_holder_is_never_found_dead() {
    println!("prober: {}", explore(None, peer::prober));
}

#[test]
fn a_successor_continues_where_a_dead_or_leaving_consumer_stopped() {
    println!("successor: {}", explore_deaths(None, peer::successor));
}
