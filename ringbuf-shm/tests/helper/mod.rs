//! Processes that a test needs beside its own: the test binary again, run at one of
//! its ignored tests, an *entry*.
//!
//! An entry and its test talk in lines. What an entry says begins with a mark, since
//! the test harness talks on the same pipe. A helper is killed and reaped when it is
//! dropped, also by a panic; its standard input ends then, which also ends whatever
//! it left behind.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Nothing here takes so long unless it hangs.
const HANG: Duration = Duration::from_secs(120);
const MARK: &str = "> ";

/// Says a line to the test.
pub(crate) fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{MARK}{line}").unwrap();
    out.flush().unwrap();
}

/// Hears a line from the test; `None` when there will be no more.
pub(crate) fn hear() -> Option<String> {
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line).unwrap();
    (read != 0).then(|| line.trim_end().to_owned())
}

/// Waits until the test ends the standard input, without taking lines from it, which
/// may be for the process it is shared with.
pub(crate) fn wait_for_end() {
    let mut input = libc::pollfd { fd: 0, events: 0, revents: 0 };
    while input.revents & libc::POLLHUP == 0 {
        // SAFETY: one entry, for the kernel to fill.
        unsafe { libc::poll(&raw mut input, 1, -1) };
    }
}

/// What the test passed as `name`; `None` in an entry that no test runs. Every entry
/// calls this first.
pub(crate) fn argument(name: &str) -> Option<String> {
    let value = std::env::var(name).ok()?;
    set_alarm();
    Some(value)
}

/// Ends this process when it hangs.
pub(crate) fn set_alarm() {
    let seconds = u32::try_from(HANG.as_secs()).unwrap();
    // SAFETY: sets a timer; its signal ends the process.
    unsafe { libc::alarm(seconds) };
}

/// Waits for something that must come.
pub(crate) fn until(what: &str, mut come: impl FnMut() -> bool) {
    let start = Instant::now();
    while !come() {
        assert!(start.elapsed() < HANG, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

pub(crate) struct Helper {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Helper {
    /// Starts this binary at `entry`.
    pub(crate) fn start<V: AsRef<OsStr>>(entry: &str, arguments: &[(&str, V)]) -> Self {
        Self::start_by(&[], entry, arguments)
    }

    /// Starts this binary at `entry`, through another program and its arguments.
    pub(crate) fn start_by<V: AsRef<OsStr>>(
        by: &[&str],
        entry: &str,
        arguments: &[(&str, V)],
    ) -> Self {
        let mut command = Self::command(by, entry);
        Self::spawn(command.envs(arguments.iter().map(|(name, value)| (name, value))))
    }

    pub(crate) fn command(by: &[&str], entry: &str) -> Command {
        let this = std::env::current_exe().unwrap();
        let words = by.iter().map(|word| OsStr::new(*word)).chain([this.as_os_str()]);
        let words: Vec<_> = words.collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(["--ignored", "--exact", "--nocapture"]);
        command.args(["--test-threads=1", entry]).stdin(Stdio::piped());
        command
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line it says; `None` when it has ended.
    pub(crate) fn hears(&mut self) -> Option<String> {
        let mut line = String::new();
        // Bounded: the helper ends by its alarm.
        loop {
            line.clear();
            if self.output.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some(said) = line.strip_prefix(MARK) {
                return Some(said.trim_end().to_owned());
            }
        }
    }

    /// It must say this next.
    pub(crate) fn expect(&mut self, line: &str) {
        let said = self.hears();
        assert_eq!(said.as_deref(), Some(line), "the helper ended, or said something else");
    }

    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Ends its standard input, and with it whoever waits for that.
    pub(crate) fn end_input(&mut self) {
        self.input = None;
    }

    pub(crate) fn signal(&self, signal: i32) {
        // SAFETY: sends a signal to a child that was not reaped, so the number is its.
        let sent = unsafe { libc::kill(libc::pid_t::try_from(self.id()).unwrap(), signal) };
        assert_eq!(sent, 0);
    }

    /// Waits until it has ended, and reaps it. It is not told to end.
    pub(crate) fn reap(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Kills and reaps it; the kernel has released its locks when this returns.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        assert_eq!(self.reap().signal(), Some(libc::SIGKILL));
    }

    /// It must end well by itself.
    pub(crate) fn succeed(&mut self) {
        self.end_input();
        while let Some(said) = self.hears() {
            println!("{said}");
        }
        assert!(self.reap().success(), "the helper failed; see above");
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // Its input stays open until it is dead: whoever sees the end of it closes.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether processes can be put in namespaces of these kinds (flags of `unshare`).
pub(crate) fn can_unshare(flags: &[&str]) -> bool {
    let tried = Command::new("unshare").args(flags).arg("true").output();
    let can = tried.is_ok_and(|output| output.status.success());
    if !can {
        println!("SKIPPED: `unshare {}` is not permitted here", flags.join(" "));
    }
    can
}

/// Whether this is root, which some tests need.
pub(crate) fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("SKIPPED: needs root");
    }
    root
}
