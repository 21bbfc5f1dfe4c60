//! Running a process one instruction, or up to one system call, at a time (ptrace).
//!
//! The traced process notes when the operation begins and ends ([`operate`]); the
//! test looks at the note at every stop, and needs to know nothing about the
//! processor.
//!
//! Unsafe code here calls `ptrace`, which is told no addresses.

use super::notes::{Note, Notes};
use super::{Child, until};
use rustix::process::{Signal, kill_process};
use std::io;
use std::process::ExitStatus;
use std::ptr::null_mut;

/// The operation runs.
const RUNS: u64 = 1;
/// The operation is over.
const OVER: u64 = 2;
/// Noted instead of a thread when tracing is not permitted.
const REFUSED: u64 = u64::MAX;

/// In the traced process: stops for the test, and does `operation`.
pub(crate) fn operate<T>(notes: &Notes, operation: impl FnOnce() -> T) -> T {
    // SAFETY: concerns this process only; the addresses are not used.
    let refused =
        unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, null_mut::<u8>(), null_mut::<u8>()) } != 0;
    let thread = u64::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
    notes.set(Note::Thread, if refused { REFUSED } else { thread });
    // SAFETY: stops this process, which is what is wanted.
    unsafe { libc::raise(libc::SIGSTOP) };
    notes.set(Note::Phase, RUNS);
    let result = operation();
    notes.set(Note::Phase, OVER);
    // A system call to stop at.
    let _ = rustix::process::getppid();
    result
}

/// A process that stands at the beginning of its operation. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Tracee<'a> {
    thread: libc::pid_t,
    notes: &'a Notes,
    child: Child,
}

impl<'a> Tracee<'a> {
    /// Waits until `child` has come to its operation. `None`: tracing is not permitted.
    ///
    /// The thread that calls this is the one that started the child.
    pub(crate) fn meet(mut child: Child, notes: &'a Notes) -> Option<Self> {
        until("a process to be traced", || {
            child.assert_running();
            notes.get(Note::Thread) != 0
        });
        let thread = notes.get(Note::Thread);
        if thread == REFUSED {
            return None;
        }
        let thread = libc::pid_t::try_from(thread).unwrap();
        let tracee = Self { thread, notes, child };
        assert_eq!(tracee.wait(), libc::SIGSTOP);
        tracee.request(libc::PTRACE_SETOPTIONS, libc::PTRACE_O_EXITKILL);
        Some(tracee)
    }

    /// Does one instruction of the operation, a first time after whatever is in front
    /// of it. False: the operation is over.
    pub(crate) fn step(&mut self) -> bool {
        loop {
            self.request(libc::PTRACE_SINGLESTEP, 0);
            assert_eq!(self.wait(), libc::SIGTRAP);
            match self.notes.get(Note::Phase) {
                RUNS => return true,
                OVER => return false,
                _ => {}
            }
        }
    }

    /// Lets it go on by itself, and waits until it has ended.
    pub(crate) fn go_on(&mut self) -> ExitStatus {
        self.request(libc::PTRACE_DETACH, 0);
        self.child.wait()
    }

    /// Runs to the end of the operation, and says how many system calls it made.
    pub(crate) fn count_system_calls(&mut self) -> u64 {
        (0..).find(|_| !self.step_over_call()).unwrap()
    }

    /// Runs to the end of the next system call of the operation. False: there was none.
    pub(crate) fn step_over_call(&mut self) -> bool {
        // It stops once when it begins and once when it ends.
        let mut stops = 0;
        while stops < 2 {
            self.request(libc::PTRACE_SYSCALL, 0);
            assert_eq!(self.wait(), libc::SIGTRAP);
            match self.notes.get(Note::Phase) {
                RUNS => stops += 1,
                OVER => return false,
                _ => {}
            }
        }
        true
    }

    fn request(&self, request: libc::c_uint, data: libc::c_int) {
        let data = libc::c_long::from(data);
        // SAFETY: these requests take a number where others take an address, and
        // concern only a process that this test started.
        let failed = unsafe { libc::ptrace(request, self.thread, null_mut::<u8>(), data) } != 0;
        assert!(!failed, "ptrace: {}", io::Error::last_os_error());
    }

    /// Waits until it stops, and says by which signal.
    fn wait(&self) -> libc::c_int {
        let status = self.status().unwrap();
        assert!(libc::WIFSTOPPED(status), "ended while it was traced: {status:#x}");
        libc::WSTOPSIG(status)
    }

    fn status(&self) -> io::Result<libc::c_int> {
        let mut status = 0;
        // SAFETY: `status` is ours for the kernel to fill.
        let waited = unsafe { libc::waitpid(self.thread, &raw mut status, libc::__WALL) };
        if waited == self.thread { Ok(status) } else { Err(io::Error::last_os_error()) }
    }
}

impl Drop for Tracee<'_> {
    fn drop(&mut self) {
        // Fails if it has ended, which is as well.
        let _ = kill_process(self.child.pid(), Signal::KILL);
        // A traced thread is waited for by who traces it, or its process never ends.
        let leader = self.child.pid().as_raw_nonzero().get();
        while self.thread != leader && self.status().is_ok_and(|status| libc::WIFSTOPPED(status)) {}
    }
}
