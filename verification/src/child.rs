//! A child process that is always reaped and never hangs a test.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often a child is asked whether it is done.
const ASKED_EVERY: Duration = Duration::from_millis(2);

/// Kills and reaps a child that is still there when the test is over.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Runs `command` to its end; `None` if that is not within `most`. It is killed
/// then. The limit guards against a hang and decides nothing else.
///
/// # Errors
/// When the child cannot be started or asked about.
pub fn run(command: &mut Command, most: Duration) -> io::Result<Option<ExitStatus>> {
    let mut child = Reaped(command.spawn()?);
    let started = Instant::now();
    while started.elapsed() < most {
        if let Some(status) = child.0.try_wait()? {
            return Ok(Some(status));
        }
        sleep(ASKED_EVERY);
    }
    Ok(None)
}
