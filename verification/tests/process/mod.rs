//! Processes to kill, to stop and to trace, and what they pass to each other.
//!
//! A process of a test is its own binary once more, told to run one of its ignored
//! tests, an *entry*. It is killed and reaped when its [`Child`] is dropped, also
//! while the test panics, and it dies with the thread that started it.
#![allow(dead_code, reason = "each test uses a part of this")]

pub(crate) mod books;
pub(crate) mod broadcast;
pub(crate) mod corpse;
pub(crate) mod course;
pub(crate) mod crew;
pub(crate) mod ends;
pub(crate) mod holder;
pub(crate) mod log;
pub(crate) mod many;
pub(crate) mod member;
pub(crate) mod message;
pub(crate) mod notes;
pub(crate) mod operation;
pub(crate) mod places;
pub(crate) mod random;
pub(crate) mod sleeper;
pub(crate) mod trace;
pub(crate) mod traffic;
pub(crate) mod trial;
pub(crate) mod victims;
pub(crate) mod words;

use notes::{Note, Notes};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take before the test says that it hangs.
pub(crate) const HANG: Duration = Duration::from_secs(60);

/// A running process.
#[derive(Debug)]
pub(crate) struct Child {
    process: std::process::Child,
    pid: Pid,
}

impl Child {
    /// Runs the ignored test `entry` of this binary, with these variables.
    pub(crate) fn spawn(entry: &str, variables: &[(&str, String)]) -> Self {
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", entry, "--ignored", "--nocapture", "--test-threads=1"])
            .envs(variables.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let pid = Pid::from_child(&process);
        Self { process, pid }
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Kills it, and waits until the kernel has freed all it had.
    pub(crate) fn kill(&mut self) {
        self.begin_to_kill();
        self.reap_killed();
    }

    /// Kills it, and does not wait: it is dead when the kernel says so.
    pub(crate) fn begin_to_kill(&mut self) {
        let early = self.process.try_wait().unwrap();
        assert!(early.is_none(), "ended before it was killed: {early:?}");
        self.process.kill().unwrap();
    }

    pub(crate) fn reap_killed(&mut self) {
        let status = self.process.wait().unwrap();
        assert_eq!(status.signal(), Some(Signal::KILL.as_raw()), "{status}");
    }

    /// Stops it, and waits until it stands.
    pub(crate) fn stop(&mut self) {
        kill_process(self.pid, Signal::STOP).unwrap();
        let (_, status) = waitpid(Some(self.pid), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(status.stopped(), "ended before it was stopped: {status:?}");
    }

    pub(crate) fn resume(&mut self) {
        kill_process(self.pid, Signal::CONT).unwrap();
    }

    pub(crate) fn assert_running(&mut self) {
        let status = self.process.try_wait().unwrap();
        assert!(status.is_none(), "ended by itself: {status:?}");
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut ended = None;
        until("a process to end", || {
            ended = self.process.try_wait().unwrap();
            ended.is_some()
        });
        ended.unwrap()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Both fail if it was reaped before, which is as well.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The first thing an entry does: it must not outlive the test.
pub(crate) fn enter() {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).unwrap();
}

/// From now on, a panic of this process is noted, to be seen though it is killed over it.
pub(crate) fn note_panics(notes: Notes) {
    let say = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        notes.set(Note::Failed, 1);
        say(panic);
    }));
}

/// Waits until `done`, and fails if that takes as long as only a hang does.
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < HANG, "waited {HANG:?} for {what}");
        std::thread::sleep(Duration::from_micros(100));
    }
}

/// A variable that [`Child::spawn`] set.
pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run by its test only"))
}

/// A number that [`Child::spawn`] set.
pub(crate) fn number(name: &str) -> u64 {
    variable(name).parse().unwrap()
}

/// A number that whoever runs the tests may set, to make them do more.
pub(crate) fn knob(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// Says what a test did, also when it passes.
pub(crate) fn report(line: &str) {
    // Not by `eprintln`, which the test harness keeps to itself.
    let _ = writeln!(std::io::stderr(), "{line}");
}
