//! The sides of a measurement, and how they come to their ends.

pub(crate) mod broadcast;
pub(crate) mod keeper;
pub(crate) mod processes;
#[cfg(feature = "full")]
pub(crate) mod threads;

use crate::once::Entry;
use crate::pin::Cores;
use crate::queue::{Receiver, Sender};
use crate::workload::Workload;
use std::io;
use std::os::fd::OwnedFd;
use std::process::{self, Command};
use std::thread;
use std::time::Duration;

/// What a measurement may take beyond its time before it is given up as stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a process does in a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// It watches the clock. Of two, it is the one that receives or pings.
    Watcher,
    /// It sends, receives or echoes. Of many, it is the one of this number.
    Peer(u32),
    /// It keeps what would otherwise be left behind.
    Keeper,
}

/// One side of one measurement.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) workload: Workload,
    pub(crate) rival: String,
    /// How long to measure.
    pub(crate) time: Duration,
    pub(crate) cores: Cores,
    pub(crate) part: Part,
    /// How this program comes to be one side.
    pub(crate) entry: Entry,
}

impl Job {
    /// Starts another process of the same measurement.
    fn command(&self) -> io::Result<Command> {
        self.entry.command(&format!("{}/{}", self.workload, self.rival), self.time)
    }

    /// Ends this process if it takes far too long: its peer may be stuck or gone. One
    /// that keeps something ends when the others have.
    pub(crate) fn guard(&self) {
        if self.part == Part::Keeper {
            return;
        }
        let limit = self.time * 2 + PATIENCE;
        let job = self.clone();
        thread::spawn(move || {
            thread::sleep(limit);
            eprintln!("{}/{} is stuck", job.workload, job.rival);
            process::exit(1);
        });
    }
}

/// A one-way connection between two processes, each of which gets a descriptor.
pub(crate) trait Channel<const W: usize> {
    type Sender: Sender<W>;
    type Receiver: Receiver<W>;

    /// Makes one: the descriptors of the sender and of the receiver.
    fn open(workload: Workload) -> io::Result<(OwnedFd, OwnedFd)>;

    /// The sending end, in the process that got its descriptor.
    fn sender(end: OwnedFd, workload: Workload) -> io::Result<Self::Sender>;

    /// The receiving end. It may wait until the other process has its sending end.
    fn receiver(end: OwnedFd, workload: Workload) -> io::Result<Self::Receiver>;
}

/// A connection of many processes, all of which get the same descriptor.
pub(crate) trait Hub<const W: usize = 1> {
    type Sender: Sender<W>;
    type Receiver: Receiver<W>;
    /// What is kept until all of them have ended.
    type Kept;

    /// Makes one, and the descriptor by which it is found.
    fn open(job: &Job) -> io::Result<(OwnedFd, Self::Kept)>;

    /// A sending end, in one of the processes.
    fn sender(hub: OwnedFd, workload: Workload) -> io::Result<Self::Sender>;

    /// A receiving end, in one of the processes.
    fn receiver(hub: OwnedFd, workload: Workload) -> io::Result<Self::Receiver>;
}

/// A one-way connection between two threads.
pub(crate) trait Queue<const W: usize> {
    type Sender: Sender<W> + Send + 'static;
    type Receiver: Receiver<W> + Send + 'static;

    /// Makes one.
    fn open(workload: Workload) -> (Self::Sender, Self::Receiver);
}
