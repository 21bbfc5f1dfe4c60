//! Goal: what the manual says of errors is so: each is met by a program in C, NULL and
//! misuse are answered and not suffered, a forked child is told so.
//! Method: the programs `misuse`, `errors` and `fork` hold the expectations; this file
//! prepares what C cannot make, damaged rings and rings of another boot.

mod child;
mod compiler;
mod damage;

use child::Running;
use compiler::{WAYS, Workshop};
use damage::break_first_word;
use ringbuf_shm::{Options, OtherBoot, spsc};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Places in the file, as FORMAT.md has them.
const BOOT_ID: usize = 192;
const PRODUCER_REGION: usize = 1;
const DATA_REGION: usize = 4;
const CHECKSUM: usize = 4092;
const IMMUTABLE_LEN: usize = 8192;

#[test]
fn misuse_is_answered_with_an_error() {
    let workshop = Workshop::new();
    for way in WAYS {
        let Some(program) = workshop.compile("misuse", way) else { continue };
        Running::start(&program, &[workshop.path("")]).succeed();
    }
}

#[test]
fn every_error_is_met_where_the_manual_says() {
    for way in WAYS {
        let workshop = Workshop::new();
        let Some(program) = workshop.compile("errors", way) else { continue };
        prepare_files(&workshop);
        Running::start(&program, &[workshop.path("")]).succeed();
    }
}

#[test]
fn forked_children_are_refused_and_dead_ones_are_noticed() {
    let workshop = Workshop::new();
    for way in WAYS {
        let Some(program) = workshop.compile("fork", way) else { continue };
        Running::start::<&str>(&program, &[]).succeed();
    }
}

fn prepare_files(workshop: &Workshop) {
    fs::write(workshop.path("junk"), "not a ring").unwrap();
    fs::set_permissions(workshop.path("junk"), Permissions::from_mode(0o600)).unwrap();
    fs::create_dir(workshop.path("folder")).unwrap();
    let options = Options::new().capacity(4).slot_size(8).reopen(true);
    drop(spsc::Producer::<u64>::create(workshop.path("typed"), &options).unwrap());
    for name in ["stale", "corrupt", "spoiled", "lent"] {
        let mut producer = spsc::bytes::Producer::create(workshop.path(name), &options).unwrap();
        producer.push(b"message").unwrap();
    }
    let reset = options.other_boot(OtherBoot::Reset);
    let mut producer = spsc::bytes::Producer::create(workshop.path("reset"), &reset).unwrap();
    producer.push(b"message").unwrap();
    drop(producer);
    date_from_another_boot(&workshop.path("reset"));
    date_from_another_boot(&workshop.path("stale"));
    // The producer's position, and the length of the first message.
    break_first_word(&workshop.path("corrupt"), PRODUCER_REGION);
    break_first_word(&workshop.path("spoiled"), DATA_REGION);
    fs::set_permissions(workshop.path("lent"), Permissions::from_mode(0o666)).unwrap();
}

fn date_from_another_boot(path: &Path) {
    let mut file = fs::read(path).unwrap();
    file[BOOT_ID] ^= 1;
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&file[..CHECKSUM]);
    checksum.update(&file[CHECKSUM + 4..IMMUTABLE_LEN]);
    file[CHECKSUM..CHECKSUM + 4].copy_from_slice(&checksum.finalize().to_ne_bytes());
    fs::write(path, file).unwrap();
}
