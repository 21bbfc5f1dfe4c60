//! Goal: what the manual says of broadcast rings is so: what each contract gives, several
//! messages at a time, parts, every error, misuse, fork and death.
//! Method: the programs `broadcast_...` hold the expectations; this file prepares what C
//! cannot make, damaged rings.

mod child;
mod compiler;
mod damage;

use child::Running;
use compiler::{WAYS, Workshop};
use damage::{break_first_word, break_words};
use ringbuf_shm::Options;
use ringbuf_shm::broadcast::bytes::Publisher;
use ringbuf_shm::broadcast::{self, Delivery};

/// Numbers of regions in a file, as they stand in it.
const ENTRIES_REGION: usize = 4;
const DATA_REGION: usize = 6;
/// From the start of a slot to the word that says how much there is of its message.
const PROGRESS: u64 = 32;

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
fn a_ring_tells_about_itself_and_its_subscribers() {
    run("broadcast_stat", true);
}

#[test]
fn messages_come_in_parts() {
    run("broadcast_parts", false);
}

#[test]
fn forked_children_are_refused_and_the_dead_hold_nothing() {
    run("broadcast_fork", false);
}

#[test]
fn a_corrupt_ring_is_an_error() {
    let workshop = Workshop::new();
    for way in WAYS {
        let Some(program) = workshop.compile("broadcast_corrupt", way) else { continue };
        let [entry, message] = ["entry", "message"].map(|name| workshop.path(name));
        for path in [&entry, &message] {
            let options = Options::new().capacity(4).slot_size(8).reopen(true);
            let mut publisher = Publisher::create(path, &options).unwrap();
            publisher.push(b"message").unwrap();
            if path == &message {
                let pool = publisher.ring().pool().unwrap();
                let stride = pool.bytes / pool.slots;
                let words = (0..pool.slots).map(|slot| slot * stride + PROGRESS);
                break_words(path, DATA_REGION, words);
            }
        }
        break_first_word(&entry, ENTRIES_REGION);
        Running::start(&program, &[workshop.path("")]).succeed();
        std::fs::remove_file(entry).unwrap();
        std::fs::remove_file(message).unwrap();
    }
}

#[test]
fn a_ring_of_ticks_is_looked_at_and_not_passed() {
    let workshop = Workshop::new();
    let path = workshop.path("ring");
    let options = Options::new().capacity(64);
    let mut publisher = broadcast::Publisher::<[u64; 3]>::create(&path, &options).unwrap();
    let _slow =
        broadcast::Subscriber::<[u64; 3]>::attach(publisher.ring(), Delivery::Lossy).unwrap();
    publisher.push([7; 3]).unwrap();
    for way in WAYS {
        let Some(program) = workshop.compile("broadcast_ticks", way) else { continue };
        Running::start(&program, &[workshop.path("")]).succeed();
    }
}
