//! Goal: who is passed loses nothing but its place, who passes gets what it passed for, and
//! what the dead leave comes back exactly, wherever they were passed.
//!
//! Method: every execution of a Strict lane of one, two or four slots, with as many
//! preemptions as the name says, or any number. Everybody passes whenever the protocol
//! lets them: patience would only take executions away.

use ringbuf_verification::lab::{Explored, explore, explore_deaths};
use ringbuf_verification::model::{mpmc, strict};

fn report(what: &str, explored: Explored) {
    println!("{what}: {explored}");
}

#[test]
fn a_slot_is_taken_again() {
    report("one slot, 2 messages", explore(None, || mpmc::one_slot_strict(u64::MAX, 2)));
}

#[test]
fn a_writer_that_is_passed_commits_all_the_same() {
    report("a writer is passed", explore(None, strict::writer_is_passed));
}

#[test]
fn a_writer_that_is_lapped_commits_all_the_same_bound_3() {
    report("a writer is lapped", explore(Some(3), strict::writer_is_lapped));
}

#[test]
fn two_producers_and_two_consumers_pass_each_other_bound_2() {
    report("two producers", explore(Some(2), mpmc::two_producers_strict));
    report("two consumers", explore(Some(2), mpmc::two_consumers_strict));
}

#[test]
fn a_message_that_moved_wakes_who_sleeps() {
    report("it wakes", explore(None, strict::writer_is_passed_and_wakes));
}

#[test]
fn a_reader_that_is_passed_keeps_its_slot_until_it_releases() {
    report("a reader is passed", explore(None, strict::reader_is_passed));
}

#[test]
fn claims_that_are_passed_keep_their_producers_order() {
    report("two claims are passed", explore(None, strict::two_claims_are_passed));
}

#[test]
fn a_passed_writer_that_dies_leaves_its_message_or_its_slot() {
    report("a passed writer dies", explore_deaths(None, strict::passed_writer_dies));
}

#[test]
fn a_passed_reader_that_dies_leaves_its_message_or_its_slot() {
    report("a passed reader dies", explore_deaths(None, strict::passed_reader_dies));
}
