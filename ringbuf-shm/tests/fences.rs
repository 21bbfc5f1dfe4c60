//! Goal: no sleeper is missed where the kernel refuses `membarrier` to a peer, before it
//! came or afterwards, and it can be seen; a forked child is under the barrier as its
//! parent was.
//! Method: processes to which a seccomp filter refuses that one call.

mod helper;

use helper::{Helper, argument, say, until};
use ringbuf_shm::{Fence, Options, ReadError, Ring, Sleeper, spsc};
use std::path::Path;
use std::time::Duration;

const TRIPS: u64 = 100;
const HANG: Duration = Duration::from_secs(60);

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

/// Opens a ring, and asks in a forked child whether that is under the barrier.
#[test]
#[ignore = "a process of the other tests"]
fn parent() {
    let Some(path) = argument("PATH_OF_RINGS") else { return };
    // MEMBARRIER_CMD_GET_REGISTRATIONS, and what it answers.
    const REGISTRATIONS: libc::c_int = 1 << 9;
    const GLOBAL_EXPEDITED: libc::c_long = 1 << 2;
    let registrations = || {
        // SAFETY: asks a question about this process.
        unsafe { libc::syscall(libc::SYS_membarrier, REGISTRATIONS, 0, 0) }
    };
    match registrations() {
        -1 => return say("this kernel does not tell"),
        before => assert_eq!(before & GLOBAL_EXPEDITED, 0, "nobody has asked for it yet"),
    }
    let options = Options::new().fence(Fence::Asymmetric);
    let _ring = spsc::Producer::<u64>::create(Path::new(&path).join("ring"), &options).unwrap();
    assert_ne!(registrations() & GLOBAL_EXPEDITED, 0);
    // SAFETY: the child makes system calls only.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let under = registrations() & GLOBAL_EXPEDITED != 0;
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(i32::from(!under)) };
    }
    let mut status = 0;
    // SAFETY: waits for the child above, and has room for its status.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!((waited, status), (child, 0));
    say("so is the child");
}

#[test]
fn a_forked_child_is_under_the_barrier_as_its_parent() {
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    if !is_offered(directory.path()) {
        return;
    }
    let mut helper = Helper::start("parent", &[("PATH_OF_RINGS", directory.path())]);
    let said = helper.hears().unwrap();
    if said == "this kernel does not tell" {
        println!("SKIPPED: {said}");
    } else {
        assert_eq!(said, "so is the child");
    }
    helper.succeed();
}
