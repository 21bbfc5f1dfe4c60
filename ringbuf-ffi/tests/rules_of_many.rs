//! Goal: what the manual says of rings of many is so: several claims and messages at a
//! time, ended in any order and thread, once, alone or in batches; flushing and waiting
//! for peers; who holds what; every error; misuse, fork and death.
//! Method: the programs `mpmc_...` hold the expectations.

mod child;
mod compiler;

use child::Running;
use compiler::{WAYS, Workshop};

#[test]
fn misuse_is_answered_and_several_are_open_at_a_time() {
    let workshop = Workshop::new();
    for way in WAYS {
        let Some(program) = workshop.compile("mpmc_misuse", way) else { continue };
        Running::start(&program, &[workshop.path("")]).succeed();
    }
}

#[test]
fn several_are_opened_and_ended_at_once() {
    let workshop = Workshop::new();
    for way in WAYS {
        let Some(program) = workshop.compile("mpmc_batch", way) else { continue };
        Running::start::<&str>(&program, &[]).succeed();
    }
}

#[test]
fn peers_flush_and_wait_for_each_other_and_are_watched() {
    let workshop = Workshop::new();
    for way in WAYS {
        let Some(program) = workshop.compile("mpmc_waits", way) else { continue };
        Running::start(&program, &[workshop.path("")]).succeed();
    }
}

#[test]
fn forked_children_are_refused_and_what_the_dead_held_comes_again() {
    let workshop = Workshop::new();
    for way in WAYS {
        let Some(program) = workshop.compile("mpmc_fork", way) else { continue };
        Running::start::<&str>(&program, &[]).succeed();
    }
}
