//! Goal: every message of several producers reaches exactly one of several consumers,
//! whole and in its producer's order, and what the dead held comes back exactly.
//!
//! Method: every execution of a lane of one or two slots, with as many preemptions as
//! the name says, or any number. The payload is in loom's cells. A death is tried
//! before every operation, beside survivors who sweep meanwhile.

use ringbuf_verification::lab::{Explored, explore, explore_deaths};
use ringbuf_verification::model::mpmc;

fn report(what: &str, explored: Explored) {
    println!("{what}: {explored}");
}

#[test]
fn a_slot_is_taken_again() {
    report("one slot, 2 messages", explore(None, || mpmc::one_slot(1, 2)));
}

#[test]
fn a_slot_is_taken_again_and_again_bound_3() {
    for start in [(1 << 32) - 1, u64::MAX] {
        report("one slot, 3 messages", explore(Some(3), move || mpmc::one_slot(start, 3)));
    }
}

#[test]
fn two_slots_are_taken_in_turn() {
    report("two slots, 2 messages", explore(None, || mpmc::two_slots(2)));
    report("two slots, 3 messages", explore(None, || mpmc::two_slots(3)));
}

#[test]
fn a_place_that_is_given_up_is_passed() {
    report("one of one slot is given up", explore(None, || mpmc::aborts(1)));
    report("one of two slots is given up", explore(None, || mpmc::aborts(2)));
}

#[test]
fn of_two_who_claim_or_read_at_once_each_gets_its_own() {
    report("two claim one slot", explore(None, || mpmc::two_claim(1)));
    report("two claim two slots", explore(None, || mpmc::two_claim(2)));
    report("two read", explore(None, mpmc::two_read));
}

#[test]
fn a_sweeper_with_an_old_word_harms_nobody() {
    report("slow sweeper of a writer", explore(None, mpmc::slow_sweeper_of_a_writer));
    report("slow sweeper of a reader", explore(None, mpmc::slow_sweeper_of_a_reader));
}

#[test]
fn an_orphan_is_left_by_one_of_two_sweepers_and_found_bound_3() {
    report("two sweepers and a reader", explore(Some(3), mpmc::two_sweepers));
}

#[test]
fn how_often_a_message_was_taken_is_known_before_it_is_announced() {
    report("an adopter dies", explore(None, mpmc::adopter_dies));
}

#[test]
fn who_finds_all_gone_and_the_lane_drained_has_everything_bound_4() {
    report("everybody goes", explore(Some(4), mpmc::everybody_goes));
}

#[test]
fn a_latecomer_follows_the_hints_to_words_that_can_be_true_bound_3() {
    report("latecomer", explore(Some(3), mpmc::latecomer));
}

#[test]
fn two_producers_pass_whole_messages_in_order_bound_2() {
    report("two producers", explore(Some(2), || mpmc::two_producers(1)));
    report("two producers of two", explore(Some(2), || mpmc::two_producers(2)));
}

#[test]
fn two_consumers_share_the_messages_bound_2() {
    report("two consumers", explore(Some(2), mpmc::two_consumers));
}

#[test]
fn a_dead_producer_holds_nobody_up_and_loses_nothing_committed() {
    report("a producer dies", explore_deaths(None, mpmc::producer_dies));
}

#[test]
fn what_a_dead_consumer_held_comes_back_bound_3() {
    report("a consumer dies", explore_deaths(Some(3), mpmc::consumer_dies));
}

#[test]
fn who_leaves_the_sweeping_to_others_gets_the_orphan() {
    report("an orphan is announced", explore(None, mpmc::orphan_is_announced));
}

#[test]
fn how_often_a_message_was_taken_outlives_those_who_took_it() {
    report("an orphan again", explore(None, mpmc::orphan_again));
}

#[test]
fn a_consumer_is_told_that_the_producers_left_when_it_has_everything() {
    report("a producer leaves", explore(None, mpmc::closes));
}

#[test]
fn a_consumer_is_told_only_when_nothing_can_come_back_from_the_dead() {
    let explored = explore_deaths(None, mpmc::closes_after_a_death);
    report("a producer leaves, a consumer dies", explored);
}

#[test]
fn what_is_written_to_a_marked_lane_is_found_bound_3() {
    report("marked lanes", explore(Some(3), mpmc::marks));
}
