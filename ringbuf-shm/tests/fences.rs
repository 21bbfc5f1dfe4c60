//! Goal: no sleeper is missed where the kernel refuses `membarrier` to a peer, before it
//! came or afterwards, and it can be seen; a forked child is under the barrier as its
//! parent was, a program that was executed when it has opened a ring itself.
//! Method: processes to which a seccomp filter refuses that one call; and processes that
//! ask the kernel what they are registered for.

mod helper;

use helper::{Helper, argument, say, set_alarm, until};
use ringbuf_shm::{Fence, Options, ReadError, Ring, Sleeper, spsc};
use std::path::Path;
use std::time::Duration;

const TRIPS: u64 = 100;
const HANG: Duration = Duration::from_secs(60);
/// Each of which asks for the barrier once.
const PROCESSES: u32 = 20;

/// From now on the kernel answers `membarrier` of this thread with EPERM.
fn refuse_membarrier() {
    let filter =
        |code: u32, jt, jf, k| libc::sock_filter { code: u16::try_from(code).unwrap(), jt, jf, k };
    let number = u32::try_from(libc::SYS_membarrier).unwrap();
    let errno = u32::try_from(libc::EPERM).unwrap();
    let mut filters = [
        filter(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0), // the number of the call
        filter(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, number),
        filter(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ERRNO | errno),
        filter(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: 4, filter: filters.as_mut_ptr() };
    // SAFETY: only says that no program that is executed gains privileges.
    let no_more = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(no_more, 0);
    // SAFETY: the program is as long as it says, and stands until the call returns.
    let set = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program) };
    assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
}

/// Whether the kernel has the barrier at all.
fn is_offered(path: &Path) -> bool {
    let ring = Ring::create_mpmc::<u64>(path.join("offered"), &Options::new()).unwrap();
    let offered = ring.fence() == Fence::Asymmetric;
    if !offered {
        println!("SKIPPED: this kernel offers no membarrier");
    }
    offered
}

/// Sends everything back, and never spins.
#[test]
#[ignore = "a process of the other tests"]
fn echo() {
    let Some(path) = argument("PATH_OF_RINGS") else { return };
    let refused = argument("REFUSED").unwrap();
    if refused == "before it came" {
        refuse_membarrier();
    }
    let path = Path::new(&path);
    let mut there = spsc::Consumer::<u64>::open(path.join("there")).unwrap();
    let mut back = spsc::Producer::<u64>::open(path.join("back")).unwrap();
    if refused == "after it came" {
        refuse_membarrier();
    }
    there.set_spin(Duration::ZERO);
    back.set_spin(Duration::ZERO);
    loop {
        match there.pop_timeout(HANG) {
            Ok(number) => back.push_timeout(number, HANG).unwrap(),
            Err(ReadError::Closed) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_peer_that_is_refused_the_barrier_sleeps_for_a_moment_at_a_time() {
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    if !is_offered(directory.path()) {
        return;
    }
    for refused in ["never", "before it came", "after it came"] {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let path = directory.path();
        let options = Options::new().capacity(1).fence(Fence::Asymmetric);
        let mut there = spsc::Producer::<u64>::create(path.join("there"), &options).unwrap();
        let mut back = spsc::Consumer::<u64>::create(path.join("back"), &options).unwrap();
        there.set_spin(Duration::ZERO);
        back.set_spin(Duration::ZERO);
        let arguments = [("PATH_OF_RINGS", path.to_str().unwrap()), ("REFUSED", refused)];
        let mut helper = Helper::start("echo", &arguments);
        let far = |ring: &Ring| ring.stats().unwrap().consumer;
        let mut slept = 0;
        for number in 0..TRIPS {
            until("it sleeps again", || far(there.ring()).sleeps > slept);
            slept = far(there.ring()).sleeps;
            there.push_timeout(number, HANG).unwrap();
            assert_eq!(back.pop_timeout(HANG), Ok(number));
        }
        assert_eq!(far(back.ring()).unfenced, 0, "nobody refuses it to this process");
        let far = far(there.ring());
        let expected = if refused == "never" { 0 } else { far.sleeps };
        // It may stand between the barrier and the sleep.
        let unfenced = expected..=expected + u64::from(expected > 0);
        assert!(unfenced.contains(&far.unfenced), "{refused}: {far:?}");
        drop(there);
        helper.succeed();
    }
}

/// Makes a ring where the barrier is refused.
#[test]
#[ignore = "a process of the other tests"]
fn creator() {
    let Some(path) = argument("PATH_OF_RINGS") else { return };
    refuse_membarrier();
    let fence_of = |name: &str, options: Options| {
        Ring::create_mpmc::<u64>(Path::new(&path).join(name), &options).unwrap().fence()
    };
    assert_eq!(fence_of("refused", Options::new()), Fence::Full);
    assert_eq!(fence_of("asked", Options::new().fence(Fence::Asymmetric)), Fence::Asymmetric);
    say("made");
}

#[test]
fn the_default_is_what_the_kernel_offers_to_the_creator() {
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = directory.path();
    let mut helper = Helper::start("creator", &[("PATH_OF_RINGS", path)]);
    helper.expect("made");
    helper.succeed();
    let fence_of = |name: &str| Ring::open(path.join(name)).unwrap().fence();
    assert_eq!((fence_of("refused"), fence_of("asked")), (Fence::Full, Fence::Asymmetric));

    let spin = Options::new().sleeper(Sleeper::Spin).fence(Fence::Asymmetric);
    Ring::create_mpmc::<u64>(path.join("spin"), &spin).unwrap();
    assert_eq!(fence_of("spin"), Fence::Full, "nobody sleeps there");
}

/// Whether the kernel counts this process among those under the barrier; `None` if it does
/// not tell.
fn is_under_the_barrier() -> Option<bool> {
    // MEMBARRIER_CMD_GET_REGISTRATIONS, and what it answers.
    const REGISTRATIONS: libc::c_int = 1 << 9;
    const GLOBAL_EXPEDITED: libc::c_long = 1 << 2;
    // SAFETY: asks a question about this process.
    match unsafe { libc::syscall(libc::SYS_membarrier, REGISTRATIONS, 0, 0) } {
        -1 => None,
        registrations => Some(registrations & GLOBAL_EXPEDITED != 0),
    }
}

fn asymmetric_ring() -> spsc::Producer<u64> {
    let options = Options::new().capacity(2).fence(Fence::Asymmetric);
    spsc::Producer::create_unnamed(&options).unwrap()
}

/// Forks a child that ends with what `act` says.
fn fork(act: impl FnOnce() -> bool) -> libc::pid_t {
    // SAFETY: the child runs `act`, with no thread beside it and no lock that another has,
    // and ends.
    let child = unsafe { libc::fork() };
    if child == 0 {
        set_alarm();
        let good = act();
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(i32::from(!good)) };
    }
    child
}

/// Whether a child ended well.
fn is_well(child: libc::pid_t) -> bool {
    let mut status = 0;
    // SAFETY: waits for a child of this process, and has room for its status.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    (waited, status) == (child, 0)
}

/// Opens rings, and asks here and in a forked child who is under the barrier.
#[test]
#[ignore = "a process of the other tests"]
fn parent() {
    if argument("PATH_OF_RINGS").is_none() {
        return;
    }
    match is_under_the_barrier() {
        None => return say("this kernel does not tell"),
        Some(before) => assert!(!before, "nobody has asked for it in this program yet"),
    }
    drop(spsc::Producer::<u64>::create_unnamed(&Options::new().fence(Fence::Full)).unwrap());
    assert_eq!(is_under_the_barrier(), Some(false), "nobody may be interrupted for nothing");
    drop(asymmetric_ring());
    assert_eq!(is_under_the_barrier(), Some(true));
    assert!(is_well(fork(|| is_under_the_barrier() == Some(true))));
    say("so is the child");
}

#[test]
fn a_forked_child_is_under_the_barrier_as_its_parent_and_a_program_when_it_asks() {
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    if !is_offered(directory.path()) {
        return;
    }
    // The program is executed by a process that is under the barrier.
    drop(asymmetric_ring());
    assert_ne!(is_under_the_barrier(), Some(false));
    let mut helper = Helper::start("parent", &[("PATH_OF_RINGS", directory.path())]);
    let said = helper.hears().unwrap();
    if said == "this kernel does not tell" {
        println!("SKIPPED: {said}");
    } else {
        assert_eq!(said, "so is the child");
    }
    helper.succeed();
}

/// Forks children that open a ring, for as long as another thread opens the first one.
#[test]
#[ignore = "a process of the other tests"]
fn forks() {
    if argument("PATH_OF_RINGS").is_none() {
        return;
    }
    let first = std::thread::spawn(|| drop(asymmetric_ring()));
    let mut children = 0;
    while !first.is_finished() || children == 0 {
        let child = fork(|| {
            drop(asymmetric_ring());
            is_under_the_barrier() != Some(false)
        });
        assert!(is_well(child), "child {children} hangs, or is not under the barrier");
        children += 1;
    }
    say(children);
}

#[test]
fn a_child_waits_for_no_thread_of_its_parent_that_asks_for_the_barrier() {
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    if !is_offered(directory.path()) {
        return;
    }
    let mut children = 0_u32;
    for _ in 0..PROCESSES {
        let mut helper = Helper::start("forks", &[("PATH_OF_RINGS", directory.path())]);
        children += helper.hears().unwrap().parse::<u32>().unwrap();
        helper.succeed();
    }
    println!("{children} children of {PROCESSES} processes");
}
