//! Goal: whoever copies a message has all of it or nothing, whoever writes over it meanwhile and
//! whoever dies; what it had and lost adds up exactly; who is waited for loses nothing.
//!
//! Method: every execution of a ring of two entries or four, of messages of two words, with as
//! many preemptions as the name says, or any number. Every attempt at a message has another
//! number, which stands in both words. Where all who read are waited for, nobody may even write a
//! word that another might be copying: that is a data race.

use ringbuf_core::life::Delivery::{Latest, Lossless, Lossy};
use ringbuf_verification::lab::{Explored, explore, explore_deaths};
use ringbuf_verification::model::ticks;

fn report(what: &str, explored: Explored) {
    println!("{what}: {explored}");
}

#[test]
fn no_copy_of_a_lossless_subscriber_is_torn() {
    report("lossless", explore(None, || ticks::reads(Lossless)));
}

#[test]
fn no_copy_of_a_lossy_subscriber_is_torn() {
    report("lossy", explore(None, || ticks::reads(Lossy)));
}

#[test]
fn no_copy_that_is_overtaken_is_torn() {
    report("overtaken, lossy", explore(None, || ticks::is_overtaken(Lossy)));
}

#[test]
fn no_copy_of_the_latest_is_torn() {
    report("latest", explore(None, || ticks::reads(Latest)));
}

#[test]
fn no_copy_of_who_glances_is_torn() {
    report("glances", explore(None, ticks::glances));
}

#[test]
fn no_copy_is_torn_either_when_the_rows_are_not_looked_at() {
    let lossless = || ticks::reads_in_a_ring_of_four(Lossless);
    report("four entries, lossless", explore(None, lossless));
    let lossy = || ticks::reads_in_a_ring_of_four(Lossy);
    report("four entries, lossy", explore(None, lossy));
}

#[test]
fn who_joins_at_the_oldest_is_waited_for() {
    report("joins at oldest", explore(None, ticks::joins_at_oldest));
}

#[test]
fn who_is_evicted_at_any_step_knows_what_it_lost_bound_4() {
    report("evicts", explore(Some(4), ticks::evicts));
}

#[test]
fn who_leaves_is_in_nobodys_way() {
    report("leaves", explore(None, ticks::leaves));
}

#[test]
fn who_sleeps_for_room_is_woken_once_in_a_quarter_of_a_lap_and_by_who_joins() {
    report("wakes for room", explore(None, || ticks::wakes_for_room(2)));
    report("wakes for room of eight", explore(None, || ticks::wakes_for_room(8)));
    report("joins and wakes", explore(None, ticks::joins_and_wakes));
}

#[test]
fn what_a_dead_publisher_wrote_whole_is_read_and_nothing_that_it_wrote_in_part_bound_2() {
    let lossless = |after| ticks::publisher_dies(after, Lossless);
    report("a publisher dies, lossless", explore_deaths(Some(2), lossless));
    let lossy = |after| ticks::publisher_dies(after, Lossy);
    report("a publisher dies, lossy", explore_deaths(Some(2), lossy));
    let newest = |after| ticks::publisher_dies(after, Latest);
    report("a publisher dies, latest", explore_deaths(Some(2), newest));
}

#[test]
fn who_dies_taking_over_is_followed_bound_2() {
    report("a successor dies", explore_deaths(Some(2), ticks::successor_dies));
}

#[test]
fn a_dead_subscriber_leaves_its_row_bound_2() {
    let lossless = |after| ticks::subscriber_dies(after, Lossless);
    report("a subscriber dies, lossless", explore_deaths(Some(2), lossless));
    let lossy = |after| ticks::subscriber_dies(after, Lossy);
    report("a subscriber dies, lossy", explore_deaths(Some(2), lossy));
}
