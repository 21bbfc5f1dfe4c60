//! Goal: records of different lengths pass once, whole and in order, with padding
//! at the end of the array and with a commit shorter than its claim.
//!
//! Method: every execution of the smallest ring of records, which is 32 bytes, with
//! no bound on preemptions unless the name says one; headers are loom's words, payloads are loom's cells.

use ringbuf_verification::lab::{explore, explore_deaths};
use ringbuf_verification::model::record;

#[test]
fn a_shrunk_and_a_padded_record_pass_whole_and_in_order() {
    println!("records: {}", explore(None, || record::passes(u64::MAX - 31)));
    println!("records at 2^32: {}", explore(Some(3), || record::passes((1 << 32) - 32)));
}

#[test]
fn a_successor_receives_what_a_dead_consumer_did_not_release_bound_3() {
    println!("records, consumer dies: {}", explore_deaths(Some(3), record::consumer_dies));
}
