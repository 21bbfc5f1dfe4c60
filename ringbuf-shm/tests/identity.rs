//! Goal: who is alive is what the kernel says, and nothing else (promise P2): two
//! handles are two peers, a handed-on descriptor is a ring like any other, and no
//! clone, stop, namespace or number of a process makes the living dead or the dead
//! living.
//! Method: helper processes attach, and are killed, stopped, replaced or left
//! unreaped; this process looks, and takes over. `fork.rs` is about children.

mod helper;

use helper::{Helper, argument, hear, say, until};
use ringbuf_shm::{OpenError, Options, Presence, ReadError, Ring, spsc};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use std::fs::File;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the producer's process id stands in the file; FORMAT.md.
const PRODUCER_PID: u64 = 65_536 + 16;
/// In how many sleeps the death of a peer must be noticed.
const SLICES_MAX: u64 = 3;

struct Place {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

/// A ring with nobody on it.
fn ring() -> (Place, Ring) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let options = Options::new().capacity(8).reopen(true);
    let ring = spsc::Producer::<u64>::create(&path, &options).unwrap().ring().clone();
    (Place { _directory: directory, path }, ring)
}

fn producer(ring: &Ring) -> Presence {
    ring.stats().unwrap().producer.presence
}

/// A helper with the producer's seat.
fn sitting(path: &Path) -> Helper {
    let mut helper = Helper::start("entry_producer", &[("RING", path)]);
    helper.expect("attached");
    helper
}

#[test]
#[ignore = "run by other tests"]
fn entry_producer() {
    let Some(path) = argument("RING") else { return };
    let mut producer = spsc::Producer::<u64>::open(&path).unwrap();
    say("attached");
    while let Some(order) = hear() {
        match order.as_str() {
            "push" => producer.push(7).unwrap(),
            "churn" => {
                for _ in 0..1000 {
                    drop(File::open(&path).unwrap());
                    drop(File::options().write(true).open(&path).unwrap());
                }
            }
            "exec" => {
                println!();
                panic!("{}", Command::new("sh").args(["-c", "echo; echo '> new'; cat"]).exec());
            }
            other => panic!("{other}"),
        }
        say("done");
    }
}

#[test]
fn two_handles_in_one_process_are_two_peers() {
    let (place, ring) = ring();
    let first = spsc::Producer::<u64>::open(&place.path).unwrap();
    for _ in 0..3 {
        let second = spsc::Producer::<u64>::open(&place.path);
        assert!(matches!(second, Err(OpenError::InUse)));
        let second = spsc::Producer::<u64>::attach(first.ring());
        assert!(matches!(second, Err(OpenError::InUse)));
        // What the refused ones opened and closed took nothing from the first.
        assert_eq!(producer(&ring), Presence::Alive);
    }
    let consumer = spsc::Consumer::<u64>::attach(first.ring()).unwrap();
    assert_eq!(consumer.peer().unwrap(), Presence::Alive);
    drop(consumer);
    assert_eq!(producer(&ring), Presence::Alive);
    drop(first);
    assert_eq!(producer(&ring), Presence::Closed);
    drop(spsc::Producer::<u64>::attach(&ring).unwrap());
}

#[test]
#[ignore = "run by other tests"]
fn entry_inherited() {
    if argument("RING").is_some() {
        consume_from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
    }
}

#[test]
#[ignore = "run by other tests"]
fn entry_received() {
    let Some(path) = argument("RING") else { return };
    let socket = UnixStream::connect(path).unwrap();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let parts = &mut [IoSliceMut::new(&mut byte)];
    rustix::net::recvmsg(&socket, parts, &mut control, RecvFlags::CMSG_CLOEXEC).unwrap();
    let Some(RecvAncillaryMessage::ScmRights(mut files)) = control.drain().next() else {
        panic!("no descriptor came");
    };
    consume_from(files.next().unwrap());
}

/// Takes the consumer's seat of a ring that came as a descriptor.
fn consume_from(file: OwnedFd) {
    let ring = Ring::from_fd(&file).unwrap();
    drop(file);
    let mut consumer = spsc::Consumer::<u64>::attach(&ring).unwrap();
    say(format!("{:?}", consumer.peer().unwrap()));
    say(consumer.pop().unwrap());
    say(format!("{:?}", consumer.pop()));
}

/// The other side of `consume_from`, of the unnamed ring of `producer`.
fn liveness_is_seen_from_both_sides(mut producer: spsc::Producer<u64>, mut helper: Helper) {
    helper.expect("Alive");
    assert_eq!(producer.peer().unwrap(), Presence::Alive);
    let refused = spsc::Consumer::<u64>::attach(producer.ring());
    assert!(matches!(refused, Err(OpenError::InUse)));
    producer.push(1).unwrap();
    helper.expect("1");
    let ring = producer.ring().clone();
    drop(producer);
    helper.expect("Err(Closed)");
    drop(helper);
    // The helper ended in an orderly way, or was killed on the way there.
    let gone = ring.stats().unwrap().consumer.presence;
    assert!(matches!(gone, Presence::Closed | Presence::Dead), "{gone:?}");
}

#[test]
fn an_inherited_descriptor_is_a_ring() {
    let producer = spsc::Producer::create_unnamed(&Options::new().capacity(4)).unwrap();
    let file = producer.ring().as_fd().try_clone_to_owned().unwrap();
    let mut command = Helper::command(&[], "entry_inherited");
    let helper = Helper::spawn(command.stdin(Stdio::from(file)).env("RING", "on stdin"));
    liveness_is_seen_from_both_sides(producer, helper);
}

#[test]
fn a_descriptor_received_over_a_socket_is_a_ring() {
    let producer = spsc::Producer::create_unnamed(&Options::new().capacity(4)).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let helper = Helper::start("entry_received", &[("RING", &path)]);
    let (socket, _) = listener.accept().unwrap();
    let files = [producer.ring().as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(&files)));
    rustix::net::sendmsg(&socket, &[IoSlice::new(b"r")], &mut control, SendFlags::empty()).unwrap();
    liveness_is_seen_from_both_sides(producer, helper);
}

#[test]
fn a_killed_receiver_of_a_descriptor_is_dead() {
    let producer = spsc::Producer::<u64>::create_unnamed(&Options::new().capacity(4)).unwrap();
    let file = producer.ring().as_fd().try_clone_to_owned().unwrap();
    let mut command = Helper::command(&[], "entry_inherited");
    let mut helper = Helper::spawn(command.stdin(Stdio::from(file)).env("RING", "on stdin"));
    helper.expect("Alive");
    helper.kill();
    assert_eq!(producer.peer().unwrap(), Presence::Dead);
}

#[test]
fn opening_and_closing_the_file_elsewhere_in_the_owner_kills_nobody() {
    let (place, ring) = ring();
    let mut helper = sitting(&place.path);
    helper.tell("churn");
    helper.expect("done");
    assert_eq!(producer(&ring), Presence::Alive);
    assert!(matches!(spsc::Producer::<u64>::open(&place.path), Err(OpenError::InUse)));
    helper.kill();
    assert_eq!(producer(&ring), Presence::Dead);
}

#[test]
fn a_dead_owner_that_nobody_reaped_is_dead() {
    let (place, ring) = ring();
    let helper = sitting(&place.path);
    helper.signal(libc::SIGKILL);
    let id = rustix::process::Pid::from_raw(helper.id().cast_signed()).unwrap();
    let options = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
    // All of its threads are gone, and its number is still its own.
    rustix::process::waitid(rustix::process::WaitId::Pid(id), options).unwrap();
    // A signal would still reach it.
    helper.signal(0);
    assert_eq!(producer(&ring), Presence::Dead);
    drop(spsc::Producer::<u64>::attach(&ring).unwrap());
}

#[test]
fn a_stopped_owner_is_alive_until_it_is_killed() {
    let (place, ring) = ring();
    let mut helper = sitting(&place.path);
    helper.signal(libc::SIGSTOP);
    let status = format!("/proc/{}/stat", helper.id());
    until("it is stopped", || std::fs::read_to_string(&status).unwrap().contains(") T "));
    assert_eq!(producer(&ring), Presence::Alive);
    assert!(matches!(spsc::Producer::<u64>::open(&place.path), Err(OpenError::InUse)));
    let mut consumer = spsc::Consumer::<u64>::attach(&ring).unwrap();
    let most = ringbuf_shm::SLICE * 3;
    assert_eq!(consumer.pop_timeout(most), Err(ReadError::TimedOut));
    helper.kill();
    assert_eq!(consumer.pop(), Err(ReadError::PeerDied));
    drop(spsc::Producer::<u64>::open(&place.path).unwrap());
}

#[test]
fn an_owner_that_becomes_another_program_is_dead() {
    let (place, ring) = ring();
    let mut helper = sitting(&place.path);
    helper.tell("exec");
    helper.expect("new");
    assert_eq!(producer(&ring), Presence::Dead);
    helper.end_input();
    assert!(helper.reap().success());
}

#[test]
#[ignore = "run by other tests"]
fn entry_same_number() {
    let Some(number) = argument("NUMBER") else { return };
    let number: libc::pid_t = number.parse().unwrap();
    let wanted = [number];
    let mut arguments: libc::clone_args = no_arguments();
    arguments.exit_signal = u64::from(libc::SIGCHLD.unsigned_abs());
    arguments.set_tid = wanted.as_ptr() as u64;
    arguments.set_tid_size = 1;
    let size = std::mem::size_of_val(&arguments);
    // SAFETY: arguments as the kernel wants them, valid for the call. The child goes on
    // in a copy of this thread, and only waits for the end of its input.
    let child = unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size) };
    if child == 0 {
        say("there");
        while hear().is_some() {}
        std::process::exit(0);
    }
    if child < 0 {
        say(std::io::Error::last_os_error());
        return;
    }
    while hear().is_some() {}
    // SAFETY: waits for the child made above.
    unsafe { libc::waitpid(number, std::ptr::null_mut(), 0) };
}

fn no_arguments() -> libc::clone_args {
    // SAFETY: a struct of integers, for which zeros are values.
    unsafe { std::mem::zeroed() }
}

#[test]
fn a_stranger_with_the_number_of_the_dead_does_not_revive_it() {
    let (place, ring) = ring();
    let mut victim = sitting(&place.path);
    let number = victim.id().to_string();
    victim.kill();
    let mut stranger = Helper::start("entry_same_number", &[("NUMBER", &number)]);
    match stranger.hears().as_deref() {
        Some("there") => assert!(Path::new(&format!("/proc/{number}")).exists()),
        said => {
            println!("SKIPPED: no process of a chosen number here ({said:?}); a row is forged");
            let file = File::options().write(true).open(&place.path).unwrap();
            file.write_all_at(&std::process::id().to_ne_bytes(), PRODUCER_PID).unwrap();
        }
    }
    assert_eq!(producer(&ring), Presence::Dead);
    drop(spsc::Producer::<u64>::attach(&ring).unwrap());
    stranger.succeed();
}

#[test]
#[ignore = "run by other tests"]
fn entry_waiting_consumer() {
    let Some(path) = argument("RING") else { return };
    let mut consumer = spsc::Consumer::<u64>::open(path).unwrap();
    say(std::process::id());
    say(format!("{:?}", consumer.peer().unwrap()));
    say(format!("{:?}", consumer.pop()));
    say(format!("{:?}", consumer.pop()));
}

#[test]
fn peers_in_two_pid_namespaces_know_each_other() {
    let flags = ["--pid", "--fork", "--kill-child"];
    if !helper::can_unshare(&flags) {
        return;
    }
    let by: Vec<_> = ["unshare"].into_iter().chain(flags).collect();
    let (place, ring) = ring();
    let mut writer = Helper::start_by(&by, "entry_producer", &[("RING", &place.path)]);
    writer.expect("attached");
    let mut reader = Helper::start_by(&by, "entry_waiting_consumer", &[("RING", &place.path)]);
    // Both see themselves as the first process.
    reader.expect("1");
    assert_eq!(ring.stats().unwrap().producer.pid, 1);
    reader.expect("Alive");
    writer.tell("push");
    writer.expect("done");
    reader.expect("Ok(7)");
    assert_eq!(producer(&ring), Presence::Alive);
    drop(writer);
    reader.expect("Err(PeerDied)");
    until("its producer is dead", || producer(&ring) == Presence::Dead);
}

#[test]
fn a_blocked_peer_learns_of_a_death_within_three_slices() {
    let (place, ring) = ring();
    let mut helper = sitting(&place.path);
    let mut consumer = spsc::Consumer::<u64>::attach(&ring).unwrap();
    let sleeps = || ring.stats().unwrap().consumer.sleeps;
    let blocked = std::thread::spawn(move || {
        let result = consumer.pop();
        (result, consumer)
    });
    until("it sleeps", || sleeps() > 0);
    helper.kill();
    // The lock is free by now.
    let before = sleeps();
    let (result, mut consumer) = blocked.join().unwrap();
    assert_eq!(result, Err(ReadError::PeerDied));
    assert!(sleeps() - before <= SLICES_MAX, "{} sleeps", sleeps() - before);

    let before = ring.stats().unwrap().consumer.probes;
    assert_eq!(consumer.pop(), Err(ReadError::PeerDied));
    assert!(ring.stats().unwrap().consumer.probes - before <= SLICES_MAX);
}
