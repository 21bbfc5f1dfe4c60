//! Goal: who sleeps is woken, also when another notifier is killed half way.
//!
//! Method: nothing but a wake-up ends a sleep, so a lost one is a deadlock, which
//! loom reports. One notifier with no bound on preemptions; two with the bound that
//! the name says.

use ringbuf_core::event::Fencing;
use ringbuf_verification::lab::{explore, explore_deaths};
use ringbuf_verification::model::event;

#[test]
fn a_sleeper_is_woken() {
    for fencing in [Fencing::Full, Fencing::Heavy, Fencing::Light] {
        let wakes = explore(None, move || event::wakes(fencing));
        println!("event, fences {fencing:?}: {wakes}");
        let first = explore(None, move || event::wakes_first(fencing));
        println!("event, fences {fencing:?}, notifier first: {first}");
    }
}

#[test]
fn a_sleeper_is_woken_by_one_whom_heavy_fences_do_not_reach() {
    println!("event, mixed fences: {}", explore(None, event::wakes_mixed));
}

#[test]
fn a_sleeper_that_is_refused_its_fence_finds_what_it_was_not_woken_for() {
    println!("event, refused: {}", explore(None, event::refused_does_not_wait_to_be_woken));
}

#[test]
fn a_sleeper_is_woken_though_another_notifier_died_at_any_step_bound_3() {
    println!("event, a notifier dies: {}", explore_deaths(Some(3), event::notifier_dies));
}
