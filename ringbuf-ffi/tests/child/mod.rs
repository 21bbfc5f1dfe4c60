//! Processes that are gone when the test is, also if it fails.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::Read;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A test that takes longer hangs.
const HANG: Duration = Duration::from_secs(120);

/// A running program, killed and waited for when dropped.
pub(crate) struct Running {
    child: Child,
    what: String,
}

impl Running {
    pub(crate) fn start<S: AsRef<std::ffi::OsStr>>(program: &Path, arguments: &[S]) -> Self {
        let mut command = Command::new(program);
        // Cargo names the directory of its libraries; a stranger's program has no such help.
        command.env_remove("LD_LIBRARY_PATH");
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        Self { child, what: format!("{command:?}") }
    }

    /// What the program prints, as it prints it.
    pub(crate) fn stdout(&mut self) -> ChildStdout {
        self.child.stdout.take().unwrap()
    }

    /// Waits for the end of the program, which must have gone well; what it printed.
    pub(crate) fn succeed(mut self) -> String {
        let status = self.wait();
        let (mut printed, mut complaints) = (String::new(), String::new());
        if let Some(mut stdout) = self.child.stdout.take() {
            stdout.read_to_string(&mut printed).unwrap();
        }
        self.child.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
        assert!(status.success(), "{}: {status}\n{printed}{complaints}", self.what);
        printed
    }

    /// Kills the program at whatever it is doing.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        let status = self.wait();
        assert!(!status.success(), "{} had ended by itself", self.what);
    }

    fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < HANG, "{} hangs", self.what);
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail if it has ended and was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
