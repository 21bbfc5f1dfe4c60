//! Goal: a creator that died half-way leaves nothing for long; a living one is let be.
//! Method: files as such creators leave them, one locked and one not, in a directory
//! in which a ring is then created.

use ringbuf_shm::{Options, spsc};
use rustix::fs::{FlockOperation, flock};
use std::fs::File;

#[test]
fn the_next_creator_removes_what_a_dead_one_left() {
    let directory = tempfile::tempdir().unwrap();
    let dead = directory.path().join(".ringbuf-new-dead");
    let living = directory.path().join(".ringbuf-new-living");
    let other = directory.path().join("other");
    for path in [&dead, &other] {
        File::create(path).unwrap();
    }
    let lock = File::create(&living).unwrap();
    flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
    let options = Options::new().capacity(4);
    let ring = directory.path().join("ring");
    let _producer = spsc::Producer::<u64>::create(&ring, &options).unwrap();
    assert!(ring.exists() && living.exists() && other.exists());
    assert!(!dead.exists());
}
