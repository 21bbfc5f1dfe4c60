//! Goal: whoever looks at a message sees it whole and nothing else, however slow it is and
//! whoever dies; what it had, lost and passed by adds up exactly; who is waited for loses
//! nothing.
//!
//! Method: every execution of a ring of two entries or four, one or two cells and one slot more, with
//! as many preemptions as the name says, or any number. The payload is in loom's cells, so
//! that a slot that is written while somebody looks at it is a data race.

use ringbuf_core::life::Delivery::{Latest, Lossless, Lossy};
use ringbuf_core::subscriber::Want;
use ringbuf_verification::lab::{Explored, explore, explore_deaths};
use ringbuf_verification::model::{broadcast, broadcast_deaths as deaths};

fn report(what: &str, explored: Explored) {
    println!("{what}: {explored}");
}

#[test]
fn a_slot_is_not_written_while_somebody_looks_at_it() {
    report("lossless", explore(None, || broadcast::reads(Lossless)));
    report("lossy", explore(None, || broadcast::reads(Lossy)));
    report("latest", explore(None, || broadcast::reads(Latest)));
}

#[test]
fn a_slot_is_not_written_either_when_the_rows_are_not_looked_at() {
    let lossless = || broadcast::reads_in_a_ring_of_four(Lossless);
    report("four entries, lossless", explore(None, lossless));
    let lossy = || broadcast::reads_in_a_ring_of_four(Lossy);
    report("four entries, lossy", explore(None, lossy));
}

#[test]
fn a_slot_is_reclaimed_late_bound_3() {
    report("lossless, late", explore(None, || broadcast::reads_beside_late_reclaim(Lossless)));
    report("lossy, late", explore(Some(3), || broadcast::reads_beside_late_reclaim(Lossy)));
}

#[test]
fn a_message_is_held_while_others_are_read_bound_3() {
    report("lossless, holds", explore(None, || broadcast::holds_one_and_reads_on(Lossless)));
    report("lossy, holds", explore(Some(3), || broadcast::holds_one_and_reads_on(Lossy)));
}

#[test]
fn a_message_is_released_by_another_thread() {
    report("released elsewhere", explore(None, broadcast::released_elsewhere));
}

#[test]
fn who_joins_at_the_oldest_is_waited_for_bound_4() {
    report("joins at oldest", explore(Some(4), broadcast::joins_at_oldest));
}

#[test]
fn who_is_evicted_at_any_step_knows_what_it_lost_bound_3() {
    report("evicts", explore(Some(3), broadcast::evicts));
    report("evicts who holds one", explore(Some(3), broadcast::evicts_who_holds_one));
}

#[test]
fn who_wants_the_newest_gets_it_bound_3() {
    report("newest", explore(Some(3), || broadcast::wants_the_newest(Want::Whole)));
    report("newest, in parts", explore(Some(3), || broadcast::wants_the_newest(Want::Parts)));
}

#[test]
fn a_message_in_a_slot_used_again_is_not_taken_for_one_that_is_being_written_bound_3() {
    report("finds, lossless", explore(Some(3), || broadcast::finds_what_is_whole(Lossless)));
    report("finds, lossy", explore(Some(3), || broadcast::finds_what_is_whole(Lossy)));
}

#[test]
fn no_part_is_read_that_is_not_written() {
    report("grows, lossy", explore(None, || broadcast::grows(Lossy, false)));
    report("is given up, lossless", explore(None, || broadcast::grows(Lossless, true)));
    report("is given up, latest", explore(None, || broadcast::grows(Latest, true)));
}

#[test]
fn who_leaves_keeps_what_it_holds() {
    report("leaves", explore(None, broadcast::leaves));
}

#[test]
fn a_cell_that_changes_hands_is_looked_at_by_one_bound_2() {
    report("a cell changes hands", explore(Some(2), broadcast::a_cell_changes_hands));
}

#[test]
fn who_sleeps_for_room_is_woken_by_the_fence_of_a_read_and_by_who_joins() {
    report("wakes for room", explore(None, broadcast::wakes_for_room));
    report("joins and wakes", explore(None, broadcast::joins_and_wakes));
}

#[test]
fn what_a_dead_publisher_committed_is_read_and_no_part_of_what_it_did_not_write_bound_2() {
    let lossless = |after| deaths::publisher_dies(after, Lossless, Want::Whole);
    report("a publisher dies, lossless", explore_deaths(Some(2), lossless));
    let in_parts = |after| deaths::publisher_dies(after, Lossy, Want::Parts);
    report("a publisher dies, in parts", explore_deaths(Some(2), in_parts));
    let newest = |after| deaths::publisher_dies(after, Latest, Want::Whole);
    report("a publisher dies, latest", explore_deaths(Some(2), newest));
}

#[test]
fn who_dies_taking_over_is_followed_bound_2() {
    report("a successor dies", explore_deaths(Some(2), deaths::successor_dies));
}

#[test]
fn a_dead_subscriber_leaves_its_cell_and_its_row_bound_2() {
    let lossless = |after| deaths::subscriber_dies(after, Lossless);
    report("a subscriber dies, lossless", explore_deaths(Some(2), lossless));
    let lossy = |after| deaths::subscriber_dies(after, Lossy);
    report("a subscriber dies, lossy", explore_deaths(Some(1), lossy));
}

#[test]
fn a_cell_of_the_dead_is_swept_and_taken_bound_2() {
    report("a cell of the dead", explore(Some(2), deaths::a_cell_of_the_dead));
    report("slow sweeper", explore(Some(2), deaths::slow_sweeper));
}
