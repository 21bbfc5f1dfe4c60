//! What outlives its last user, and is removed all the same.
//!
//! Such a thing is made by a process that does nothing else. It says the name, and waits
//! until its standard input ends: that is when the one who started it ends, however that
//! happens. Then it removes the thing.

use super::{Job, Part};
use crate::sample::Sample;
use crate::workload::Workload;
use rustix::fs::{MemfdFlags, memfd_create};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};

/// A connection of many processes that must be removed.
pub(crate) trait Lasting {
    /// Makes one: its name.
    fn make(workload: Workload) -> io::Result<String>;

    /// Removes the one of this name.
    fn remove(name: &str) -> io::Result<()>;
}

/// Keeps such a connection, or is one of those who use it.
pub(crate) fn beside<L: Lasting>(
    job: &Job,
    others: fn(&Job) -> io::Result<Option<Sample>>,
) -> io::Result<Option<Sample>> {
    if job.part == Part::Keeper {
        return keep::<L>(job.workload).map(|()| None);
    }
    others(job)
}

fn keep<L: Lasting>(workload: Workload) -> io::Result<()> {
    let name = L::make(workload)?;
    let told = writeln!(io::stdout(), "{name}");
    let ended = io::stdin().read_to_end(&mut Vec::new());
    L::remove(&name)?;
    told.and(ended).map(drop)
}

/// The process that keeps it; when dropped, waits until it was removed.
#[derive(Debug)]
pub(crate) struct Keeper(Child);

impl Keeper {
    /// Has one made, and a file made in which its name stands.
    pub(crate) fn start(job: &Job) -> io::Result<(OwnedFd, Self)> {
        let mut command = job.command()?;
        command.arg("--keep").stdin(Stdio::piped()).stdout(Stdio::piped());
        // Ctrl-C is not for it: it ends by itself.
        let mut keeper = Self(command.process_group(0).spawn()?);
        let mut name = String::new();
        if let Some(stdout) = keeper.0.stdout.take() {
            BufReader::new(stdout).read_line(&mut name)?;
        }
        let mut hub = File::from(memfd_create("name", MemfdFlags::CLOEXEC)?);
        hub.write_all(name.trim().as_bytes())?;
        Ok((hub.into(), keeper))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // Fails only if it was waited for.
        let _ = self.0.wait();
    }
}

/// The name in such a file.
pub(crate) fn name(hub: OwnedFd) -> io::Result<String> {
    let hub = File::from(hub);
    let mut name = vec![0; usize::try_from(hub.metadata()?.len()).map_err(io::Error::other)?];
    // From its start: all who have the file share one place in it.
    hub.read_exact_at(&mut name, 0)?;
    String::from_utf8(name).map_err(io::Error::other)
}
