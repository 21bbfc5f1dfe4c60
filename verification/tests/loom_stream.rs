//! Goal: the stream passes every item once, whole and in order, whatever the two
//! sides interleave and whatever old values their loads return; also across a
//! death and a take-over.
//!
//! Method: every execution of a ring of two slots, with no bound on preemptions
//! unless the name says one. The payload is in loom's cells, so a missing edge is a data race at once.

use ringbuf_verification::lab::{Explored, explore, explore_deaths};
use ringbuf_verification::model::stream;

/// Where positions begin: just before each width wraps. Where they begin makes no
/// difference to how many executions there are, so zero is left to the others.
const STARTS: [u64; 2] = [(1 << 32) - 1, u64::MAX];

fn report(what: &str, explored: Explored) {
    println!("{what}: {explored}");
}

#[test]
fn three_items_pass_once_whole_and_in_order() {
    report("stream one by one", explore(None, || stream::passes(u64::MAX, 3, 1, 1)));
}

#[test]
fn three_items_pass_where_the_lower_half_wraps_bound_3() {
    report("stream at 2^32", explore(Some(3), || stream::passes((1 << 32) - 1, 3, 1, 1)));
}

#[test]
fn a_batch_is_seen_whole_or_not_at_all() {
    for start in STARTS {
        let explored = explore(None, move || stream::passes(start, 4, 2, 2));
        report(&format!("stream in batches from {start}"), explored);
    }
}

#[test]
fn a_batch_may_be_read_in_parts() {
    report("stream in parts", explore(None, || stream::passes(0, 3, 2, 1)));
}

#[test]
fn a_successor_receives_what_a_dead_consumer_did_not_release() {
    report("stream, consumer of 2 dies", explore_deaths(None, stream::consumer_dies::<2>));
}

#[test]
fn a_successor_receives_what_a_dead_consumer_of_more_than_a_lap_did_not_release_bound_2() {
    report("stream, consumer of 3 dies", explore_deaths(Some(2), stream::consumer_dies::<3>));
}

#[test]
fn a_successor_sends_what_a_dead_producer_did_not_commit() {
    report("stream, producer of 2 dies", explore_deaths(None, stream::producer_dies::<2>));
}

#[test]
fn a_successor_sends_what_a_dead_producer_of_more_than_a_lap_did_not_commit_bound_2() {
    report("stream, producer of 3 dies", explore_deaths(Some(2), stream::producer_dies::<3>));
}
