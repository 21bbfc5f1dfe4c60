//! Goal: a forked child can do nothing to its parent's handles, and does not keep a
//! dead parent alive; and forking never blocks.
//! Method: helper processes fork and tell what the child was answered; this process
//! looks from outside. Everything that forks is a process of its own, and its child
//! ends with the input that it shares with its parent.

mod helper;

use helper::{Helper, argument, hear, say};
use ringbuf_shm::{ClaimError, OpenError, Options, Presence, ReadError, Ring, spsc};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// Where the producer's row stands in the file; FORMAT.md.
const PRODUCER_ROW: u64 = 65_536;
const FORKS: usize = 2000;

struct Place {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

fn ring() -> (Place, Ring) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let options = Options::new().capacity(8).reopen(true);
    let mut producer = spsc::Producer::<u64>::create(&path, &options).unwrap();
    producer.push_slice(&[1, 2]).unwrap();
    (Place { _directory: directory, path }, producer.ring().clone())
}

/// Forks by the C library, which calls its handlers; or without it.
fn fork(raw: bool) -> libc::pid_t {
    if raw {
        let flags = libc::SIGCHLD;
        // SAFETY: no memory is shared, so the child goes on in a copy of this thread. The
        // only other thread of this process waits for this one.
        let child = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
        libc::pid_t::try_from(child).unwrap()
    } else {
        // SAFETY: as above.
        unsafe { libc::fork() }
    }
}

fn exit(status: i32) -> ! {
    // SAFETY: ends the process. Not `exit`, whose handlers are the parent's.
    unsafe { libc::_exit(status) }
}

/// Gives up every lock on every descriptor that this process has.
fn unlock_everything() {
    for number in 0..256 {
        let whole = libc::flock {
            l_type: libc::F_UNLCK.try_into().unwrap(),
            l_whence: libc::SEEK_SET.try_into().unwrap(),
            l_start: 0,
            l_len: 0,
            l_pid: 0,
        };
        // SAFETY: the kernel reads `whole`; a number that is no descriptor is refused.
        unsafe { libc::fcntl(number, libc::F_OFD_SETLK, &raw const whole) };
    }
}

#[test]
#[ignore = "run by other tests"]
fn entry_forks() {
    let Some(path) = argument("RING") else { return };
    let raw = argument("HOW").as_deref() == Some("raw");
    let mut producer = spsc::Producer::<u64>::open(&path).unwrap();
    let mut consumer = spsc::Consumer::<u64>::attach(producer.ring()).unwrap();
    let inherited = producer.ring().clone();
    let dead = ring_of_a_dead_producer();
    let mut other = spsc::Producer::create_unnamed(&Options::new().capacity(2)).unwrap();
    let mut claim = other.try_claim(1).unwrap();
    *claim.get(0).unwrap() = 1_u64;
    let view = consumer.try_read(1).unwrap();
    let before = std::fs::read(&path).unwrap();
    if fork(raw) != 0 {
        // Not before the child has looked at the file: we change it.
        while let Some(order) = hear() {
            assert_eq!(order, "push");
            producer.push(3).unwrap();
            say("pushed");
        }
        drop(view);
        claim.commit().unwrap();
        return;
    }
    helper::set_alarm();
    std::panic::set_hook(Box::new(|panic| {
        say(panic);
        exit(1);
    }));
    assert_eq!(claim.commit(), Err(ClaimError::Forked));
    assert_eq!(other.try_push(1).unwrap_err().error, ClaimError::Forked);
    drop(view);
    use_handles(producer, consumer, &inherited);
    assert_eq!(dead.stats().unwrap().producer.presence, Presence::Dead);
    drop(other);
    if !raw {
        unlock_everything();
    }
    assert!(std::fs::read(&path).unwrap() == before, "the child wrote to the ring");
    say("nothing works in the child");
    helper::wait_for_end();
    exit(0);
}

/// A ring whose producer's row names one that no lock is held for.
fn ring_of_a_dead_producer() -> Ring {
    let consumer = spsc::Consumer::<u64>::create_unnamed(&Options::new()).unwrap();
    let held_by_the_first = 1_u64 << 15 | 2;
    rustix::io::pwrite(consumer.ring(), &held_by_the_first.to_ne_bytes(), PRODUCER_ROW).unwrap();
    consumer.ring().clone()
}

/// What a child can try with handles of its parent's: nothing works, all is harmless.
fn use_handles(
    mut producer: spsc::Producer<u64>,
    mut consumer: spsc::Consumer<u64>,
    inherited: &Ring,
) {
    assert_eq!(producer.push(1).unwrap_err().error, ClaimError::Forked);
    assert_eq!(producer.push_slice(&[1]), Err(ClaimError::Forked));
    assert_eq!(producer.free(), Err(ClaimError::Forked));
    assert!(matches!(producer.try_claim(1), Err(ClaimError::Forked)));
    assert!(matches!(producer.peer(), Err(OpenError::Forked)));
    assert!(matches!(producer.wait_for_peer(None), Err(OpenError::Forked)));
    assert_eq!(consumer.pop(), Err(ReadError::Forked));
    assert_eq!(consumer.available(), Err(ReadError::Forked));
    assert!(matches!(consumer.try_read(1), Err(ReadError::Forked)));
    // The ring itself still serves, for looking and for a handle of the child's own.
    assert_eq!(inherited.stats().unwrap().producer.presence, Presence::Alive);
    assert!(matches!(spsc::Producer::<u64>::attach(inherited), Err(OpenError::InUse)));
}

/// The helper's child has done its worst; its parent must not have noticed.
fn forked(path: &Path, how: &str) -> Helper {
    let how = Path::new(how);
    let mut helper = Helper::start("entry_forks", &[("RING", path), ("HOW", how)]);
    helper.expect("nothing works in the child");
    helper
}

#[test]
fn a_forked_child_takes_nothing_from_its_parent() {
    let (place, ring) = ring();
    let mut helper = forked(&place.path, "fork");
    assert_eq!(ring.stats().unwrap().producer.presence, Presence::Alive);
    assert_eq!(ring.stats().unwrap().consumer.presence, Presence::Alive);
    assert!(matches!(spsc::Producer::<u64>::open(&place.path), Err(OpenError::InUse)));
    helper.tell("push");
    helper.expect("pushed");
    assert_eq!(ring.stats().unwrap().committed, 3);
}

#[test]
fn a_dead_parent_is_dead_while_its_child_lives() {
    let (place, ring) = ring();
    let mut helper = forked(&place.path, "fork");
    helper.kill();
    assert_eq!(ring.stats().unwrap().producer.presence, Presence::Dead);
    drop(spsc::Producer::<u64>::open(&place.path).unwrap());
    // The child holds the helper's output, and ends with its input.
    helper.end_input();
    assert_eq!(helper.hears(), None);
}

#[test]
fn a_dead_parent_seems_alive_while_a_child_made_behind_our_back_lives() {
    let (place, ring) = ring();
    let mut helper = forked(&place.path, "raw");
    helper.tell("push");
    helper.expect("pushed");
    helper.kill();
    assert_eq!(ring.stats().unwrap().producer.presence, Presence::Alive);
    helper.end_input();
    assert_eq!(helper.hears(), None);
    helper::until("its locks are free", || {
        ring.stats().unwrap().producer.presence == Presence::Dead
    });
}

#[test]
#[ignore = "run by other tests"]
fn entry_fork_storm() {
    let Some(path) = argument("RING") else { return };
    let (opened, over) = (&AtomicBool::new(false), &AtomicBool::new(false));
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !over.load(SeqCst) {
                // In use would mean that a child keeps others from the row.
                let producer = spsc::Producer::<u64>::open(&path).unwrap();
                opened.store(true, SeqCst);
                drop(producer);
            }
        });
        helper::until("the other thread opens", || opened.load(SeqCst));
        for round in 0..FORKS {
            let child = fork(false);
            if child == 0 {
                exit(if keeps_a_lock() { 1 } else { 0 });
            }
            let mut status = 0;
            // SAFETY: a child of ours, and a place for its status.
            let reaped = unsafe { libc::waitpid(child, &raw mut status, 0) };
            if (reaped, status) != (child, 0) {
                say(format!("child {round} kept a lock of its parent's"));
                std::process::exit(1);
            }
        }
        over.store(true, SeqCst);
    });
}

/// Whether this process has a description with an open-file-description lock.
fn keeps_a_lock() -> bool {
    let entries = std::fs::read_dir("/proc/self/fdinfo").unwrap();
    // A descriptor may be closed again by now: that of the directory is.
    let texts = entries.filter_map(|entry| std::fs::read_to_string(entry.unwrap().path()).ok());
    texts.into_iter().any(|text| text.contains("OFDLCK"))
}

#[test]
fn forks_and_handles_in_many_threads_neither_block_nor_leak_locks() {
    let (place, ring) = ring();
    let mut helper = Helper::start("entry_fork_storm", &[("RING", &place.path)]);
    helper.succeed();
    assert_eq!(ring.stats().unwrap().producer.presence, Presence::Closed);
}
