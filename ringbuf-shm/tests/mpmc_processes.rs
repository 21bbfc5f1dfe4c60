//! Goal: in rings of many, too, a forked child can do nothing with what it inherits, and
//! does not keep a dead parent alive; and who is alive is what the kernel says: no
//! unreaped process, exec or namespace makes the dead living or the living dead.
//! Method: helper processes hold a place and a message, and fork, end, exec or wait; this
//! process looks at the slots, and takes over what the dead held.

mod helper;

use helper::{Helper, argument, hear, say, until};
use ringbuf_shm::mpmc::{Consumer, Producer};
use ringbuf_shm::{ClaimError, OpenError, Options, Presence, ReadError, Ring, SLICE};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const CAPACITY: u64 = 64;
/// In how many sleeps what the dead hold must have been given up.
const SLICES_MAX: u64 = 3;

struct Place {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

/// A ring with nobody on it, and two seats a side.
fn ring() -> (Place, Ring) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let options = Options::new().capacity(CAPACITY).producers_max(2).consumers_max(2);
    let ring = Ring::create_mpmc::<u64>(&path, &options).unwrap();
    (Place { _directory: directory, path }, ring)
}

/// Slots that are written, complete, read, and orphaned.
fn slots(ring: &Ring) -> [u64; 4] {
    let lane = &ring.mpmc_stats().unwrap().lanes[0];
    [lane.writing, lane.full, lane.reading, lane.orphans]
}

fn presences(ring: &Ring) -> [Presence; 2] {
    let stats = ring.mpmc_stats().unwrap();
    [stats.producers[0].presence, stats.consumers[0].presence]
}

/// A helper that has taken the message 1 and claimed the place after the message 2.
fn holding(by: &[&str], path: &Path, how: &str) -> Helper {
    let arguments = [("RING", path), ("HOW", Path::new(how))];
    let mut helper = Helper::start_by(by, "entry_holds", &arguments);
    helper.expect("holds");
    helper
}

/// What a dead holder held is there to be read and written again, at once.
fn take_over(ring: &Ring) {
    let mut consumer = Consumer::<u64>::attach(ring).unwrap();
    assert_eq!(slots(ring), [0, 1, 0, 1], "swept by who comes");
    let again = consumer.try_read().unwrap();
    assert_eq!((*again, again.redelivered()), (1, 1));
    drop(again);
    assert_eq!(consumer.try_pop(), Ok(2));
    let mut producer = Producer::<u64>::attach(ring).unwrap();
    for value in 0..CAPACITY {
        producer.try_push(value).unwrap();
        assert_eq!(consumer.try_pop(), Ok(value));
    }
    // Every row is to be had again.
    let others = (Producer::<u64>::attach(ring).unwrap(), Consumer::<u64>::attach(ring).unwrap());
    assert!(matches!(Producer::<u64>::attach(ring), Err(OpenError::TooManyPeers(2))));
    drop(others);
    assert_eq!(slots(ring), [0; 4]);
}

#[test]
#[ignore = "run by other tests"]
fn entry_holds() {
    let Some(path) = argument("RING") else { return };
    let how = argument("HOW").unwrap();
    let mut producer = Producer::<u64>::open(&path).unwrap();
    let mut consumer = Consumer::<u64>::attach(producer.ring()).unwrap();
    producer.push_slice(&[1, 2]).unwrap();
    let view = consumer.try_read().unwrap();
    if how == "reads" {
        say("holds");
        while hear().is_some() {}
        return;
    }
    let mut claim = producer.try_claim().unwrap();
    *claim = 3;
    if how == "forks" {
        let before = std::fs::read(&path).unwrap();
        // SAFETY: the child goes on in a copy of this thread. The only other thread of
        // this process waits for this one.
        if unsafe { libc::fork() } == 0 {
            helper::set_alarm();
            std::panic::set_hook(Box::new(|panic| {
                say(panic);
                exit(1);
            }));
            assert_eq!((*view, *claim), (1, 3), "memory is the parent's to read");
            assert_eq!(claim.commit(), Err(ClaimError::Forked));
            drop(view);
            use_handles(producer, consumer);
            assert!(std::fs::read(&path).unwrap() == before, "the child wrote to the ring");
            say("holds");
            helper::wait_for_end();
            exit(0);
        }
    } else {
        say("holds");
    }
    match hear().as_deref() {
        Some("exec") => {
            println!();
            panic!("{}", Command::new("sh").args(["-c", "echo; echo '> new'; cat"]).exec());
        }
        Some("exit") => exit(0),
        Some(other) => panic!("{other}"),
        None => {}
    }
    drop(view);
    claim.commit().unwrap();
}

fn exit(status: i32) -> ! {
    // SAFETY: ends the process. Not `exit`, whose handlers are the parent's.
    unsafe { libc::_exit(status) }
}

/// What a child can try with handles of its parent's: nothing works, all is harmless.
fn use_handles(mut producer: Producer<u64>, mut consumer: Consumer<u64>) {
    let ring = producer.ring().clone();
    assert_eq!(producer.try_push(1).unwrap_err().error, ClaimError::Forked);
    assert_eq!(producer.push(1).unwrap_err().error, ClaimError::Forked);
    assert_eq!(producer.try_push_slice(&[1]), Err(ClaimError::Forked));
    assert!(matches!(producer.try_claim(), Err(ClaimError::Forked)));
    assert!(matches!(producer.claim(), Err(ClaimError::Forked)));
    assert_eq!(producer.flush(), Err(ClaimError::Forked));
    assert!(matches!(producer.wait_for_peer(None), Err(OpenError::Forked)));
    assert_eq!(consumer.try_pop(), Err(ReadError::Forked));
    assert_eq!(consumer.pop(), Err(ReadError::Forked));
    assert_eq!(consumer.try_pop_slice(&mut [0]), Err(ReadError::Forked));
    assert!(matches!(consumer.try_read(), Err(ReadError::Forked)));
    assert!(matches!(consumer.read_timeout(Duration::ZERO), Err(ReadError::Forked)));
    assert!(matches!(consumer.wait_for_peer(None), Err(OpenError::Forked)));
    drop((producer, consumer));
    // The ring itself still serves, for looking.
    assert_eq!(presences(&ring), [Presence::Alive; 2]);
}

#[test]
fn a_forked_child_takes_nothing_from_its_parent() {
    let (place, ring) = ring();
    let mut helper = holding(&[], &place.path, "forks");
    assert_eq!((slots(&ring), presences(&ring)), ([1, 1, 1, 0], [Presence::Alive; 2]));
    // Whoever comes sweeps, and finds nothing to give up.
    let mut consumer = Consumer::<u64>::attach(&ring).unwrap();
    assert_eq!(slots(&ring), [1, 1, 1, 0]);
    // The parent gives back what it holds, as if nothing had happened.
    helper.succeed();
    assert_eq!([(); 2].map(|()| consumer.try_pop().unwrap()), [2, 3]);
    assert_eq!(consumer.try_pop(), Err(ReadError::Closed));
    assert_eq!((slots(&ring), presences(&ring)), ([0; 4], [Presence::Closed; 2]));
}

#[test]
fn a_dead_parent_is_dead_while_its_child_lives() {
    let (place, ring) = ring();
    let mut helper = holding(&[], &place.path, "forks");
    helper.kill();
    assert_eq!(presences(&ring), [Presence::Dead; 2]);
    take_over(&ring);
    // The child holds the helper's output, and ends with its input.
    helper.end_input();
    assert_eq!(helper.hears(), None);
}

#[test]
fn an_unreaped_process_is_dead() {
    let (place, ring) = ring();
    let mut helper = holding(&[], &place.path, "");
    helper.tell("exit");
    let stat = PathBuf::from(format!("/proc/{}/stat", helper.id()));
    until("it is a zombie", || std::fs::read_to_string(&stat).unwrap().contains(") Z "));
    assert_eq!(presences(&ring), [Presence::Dead; 2]);
    take_over(&ring);
    assert!(std::fs::read_to_string(&stat).unwrap().contains(") Z "), "not reaped meanwhile");
    assert!(helper.reap().success());
}

#[test]
fn who_becomes_another_program_is_dead() {
    let (place, ring) = ring();
    let mut helper = holding(&[], &place.path, "");
    helper.tell("exec");
    helper.expect("new");
    assert_eq!(presences(&ring), [Presence::Dead; 2]);
    take_over(&ring);
    helper.succeed();
}

#[test]
fn peers_in_two_pid_namespaces_know_who_of_them_lives() {
    let flags = ["--pid", "--fork", "--kill-child"];
    if !helper::can_unshare(&flags) {
        return;
    }
    let by: Vec<_> = ["unshare"].into_iter().chain(flags).collect();
    let (place, ring) = ring();
    let helper = holding(&by, &place.path, "");
    assert_eq!(ring.mpmc_stats().unwrap().producers[0].pid, 1);
    let mut sweeper = Helper::start_by(&by, "entry_reads", &[("RING", &place.path)]);
    sweeper.expect("1");
    sweeper.expect("2 for the first time");
    assert_eq!(slots(&ring), [1, 0, 1, 0], "swept by one to whom the holder has no number");
    drop(helper);
    sweeper.expect("1 for the second time");
    sweeper.expect("PeerDied");
    assert_eq!(slots(&ring), [0; 4]);
    sweeper.succeed();
}

#[test]
#[ignore = "run by other tests"]
fn entry_reads() {
    let Some(path) = argument("RING") else { return };
    let mut consumer = Consumer::<u64>::open(path).unwrap();
    say(std::process::id());
    for time in ["first", "second"] {
        let view = consumer.read().unwrap();
        assert_eq!(view.redelivered(), u8::from(time == "second"));
        let line = format!("{} for the {time} time", *view);
        drop(view);
        say(line);
    }
    say(format!("{:?}", consumer.read().unwrap_err()));
}

#[test]
fn what_the_dead_held_is_given_up_within_three_slices() {
    let (place, ring) = ring();
    let mut helper = holding(&[], &place.path, "");
    let mut consumer = Consumer::<u64>::attach(&ring).unwrap();
    assert_eq!(consumer.try_pop(), Ok(2));
    let sleeps = || ring.mpmc_stats().unwrap().consumers[1].sleeps;
    let blocked = std::thread::spawn(move || {
        let view = consumer.read().unwrap();
        (*view, view.redelivered())
    });
    until("it sleeps", || sleeps() > 0);
    helper.kill();
    // The lock is free by now.
    let before = sleeps();
    assert_eq!(blocked.join().unwrap(), (1, 1));
    assert!(sleeps() - before <= SLICES_MAX, "{} sleeps", sleeps() - before);
    assert_eq!(slots(&ring), [0; 4]);
}

#[test]
fn what_the_dead_held_comes_again_though_nobody_ever_waits_a_slice() {
    let (place, ring) = ring();
    let mut helper = holding(&[], &place.path, "reads");
    let mut consumer = Consumer::<u64>::attach(&ring).unwrap();
    let mut producer = Producer::<u64>::attach(&ring).unwrap();
    helper.kill();
    // One message a third of a slice after the one before was read, and less than a lap
    // of them, after which the producer would be in need of the slot.
    let (was_read, reads) = std::sync::mpsc::channel();
    let writer = std::thread::spawn(move || {
        for (value, ()) in (3..CAPACITY).zip(reads) {
            std::thread::sleep(SLICE / 3);
            producer.try_push(value).unwrap();
        }
        producer
    });
    let mut next = 2;
    let again = loop {
        let view = consumer.read().unwrap();
        if view.redelivered() == 1 {
            break *view;
        }
        assert_eq!(*view, next);
        next += 1;
        let _ = was_read.send(());
    };
    drop(was_read);
    drop(writer.join().unwrap());
    assert_eq!(again, 1);
    assert!(next < CAPACITY, "only when there was no more to wait for");
}

#[test]
fn who_follows_one_that_died_makes_good_for_it() {
    let (place, ring) = ring();
    let mut helper = holding(&[], &place.path, "");
    helper.kill();
    let mut consumer = Consumer::<u64>::attach(&ring).unwrap();
    assert_eq!([(); 2].map(|()| consumer.pop().unwrap()), [1, 2]);
    assert_eq!(consumer.pop(), Err(ReadError::PeerDied));
    // Though another row is free.
    let mut producer = Producer::<u64>::attach(&ring).unwrap();
    producer.push(3).unwrap();
    drop(producer);
    assert_eq!(consumer.pop(), Ok(3));
    assert_eq!(consumer.pop(), Err(ReadError::Closed), "the last one closed it");
}

#[test]
fn who_waits_no_longer_gets_what_asking_brought_back() {
    let (place, ring) = ring();
    let mut helper = holding(&[], &place.path, "");
    let mut consumer = Consumer::<u64>::attach(&ring).unwrap();
    assert_eq!(consumer.try_pop(), Ok(2));
    helper.kill();
    let again = consumer.read_timeout(Duration::ZERO).unwrap();
    assert_eq!((*again, again.redelivered()), (1, 1));
}
