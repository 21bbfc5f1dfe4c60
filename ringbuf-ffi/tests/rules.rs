//! Goal: what the manual says of errors is so: each is met by a program in C, NULL and
//! misuse are answered and not suffered, a forked child is told so.
//! Method: the programs `misuse`, `errors`, `fork` and `unfenced` hold the expectations; this file
//! prepares what C cannot make, damaged rings, rings of another boot, and counts.

mod child;
mod compiler;
mod damage;

use child::Running;
use compiler::{WAYS, Workshop};
use damage::break_first_word;
use ringbuf_shm::{Options, OtherBoot, broadcast, mpmc, spsc};
use std::fs::{self, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;

/// Places in the file, as FORMAT.md has them.
const BOOT_ID: usize = 192;
/// From the start of a region or row of a peer.
const UNFENCED: u64 = 168;
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

#[test]
fn who_slept_without_the_barrier_is_told_of() {
    let workshop = Workshop::new();
    let options = Options::new().capacity(64).slot_size(8);
    let two = spsc::bytes::Producer::create(workshop.path("two"), &options).unwrap();
    let many = mpmc::bytes::Producer::create(workshop.path("many"), &options).unwrap();
    let publisher = broadcast::bytes::Publisher::create(workshop.path("all"), &options).unwrap();
    let join = broadcast::Delivery::Lossy;
    let subscriber = broadcast::bytes::Subscriber::attach(publisher.ring(), join).unwrap();
    count_unfenced(&workshop.path("two"), &[(131_072, 7), (196_608, 1 << 32)]);
    count_unfenced(&workshop.path("many"), &[(65_536, 9)]);
    count_unfenced(&workshop.path("all"), &[(65_536, 11), (65_536 + 256, 13)]);
    for way in WAYS {
        let Some(program) = workshop.compile("unfenced", way) else { continue };
        Running::start(&program, &[workshop.path("")]).succeed();
    }
    drop((two, many, publisher, subscriber));
}

/// Stores numbers as those peers do that the kernel refuses its barrier; with each, where
/// what it counts in begins.
fn count_unfenced(path: &Path, numbers: &[(u64, u64)]) {
    let file = fs::File::options().write(true).open(path).unwrap();
    for &(start, number) in numbers {
        file.write_all_at(&number.to_ne_bytes(), start + UNFENCED).unwrap();
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
