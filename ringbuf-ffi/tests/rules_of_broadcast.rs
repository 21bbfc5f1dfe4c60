//! Goal: what the manual says of broadcast rings is so: what each contract gives, several
//! messages at a time, parts, every error, misuse, fork and death.
//! Method: the programs `broadcast_...` hold the expectations.

mod child;
mod compiler;

use child::Running;
use compiler::{WAYS, Workshop};

/// Compiles the program in every way, and runs it; with a directory for rings, if it needs
/// one.
fn run(program: &str, in_a_directory: bool) {
    let workshop = Workshop::new();
    let directory = in_a_directory.then(|| workshop.path(""));
    for way in WAYS {
        let Some(program) = workshop.compile(program, way) else { continue };
        Running::start(&program, directory.as_slice()).succeed();
    }
}

#[test]
fn misuse_is_answered_with_an_error() {
    run("broadcast_misuse", true);
}

#[test]
fn kinds_do_not_mix_seats_run_out_and_publishers_follow_each_other() {
    run("broadcast_kinds", true);
}

#[test]
fn each_gets_what_its_contract_says() {
    run("broadcast_reads", false);
}

#[test]
fn messages_come_in_parts() {
    run("broadcast_parts", false);
}

#[test]
fn forked_children_are_refused_and_the_dead_hold_nothing() {
    run("broadcast_fork", false);
}
