//! The sides of a measurement, and how they come to their ends.

pub(crate) mod processes;
pub(crate) mod threads;

use crate::pin::Cores;
use crate::queue::{Receiver, Sender};
use crate::workload::Workload;
use std::io;
use std::os::fd::OwnedFd;
use std::process;
use std::thread;
use std::time::Duration;

/// What a measurement may take beyond its time before it is given up as stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// One side of one measurement.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) workload: Workload,
    pub(crate) rival: String,
    /// How long to measure.
    pub(crate) time: Duration,
    pub(crate) cores: Cores,
    /// The number of this process among those that do not watch the clock, if it is
    /// one of them. The only other one of two has the number 0.
    pub(crate) peer: Option<u32>,
}

impl Job {
    /// Ends this process if it takes far too long: its peer may be stuck or gone.
    pub(crate) fn guard(&self) {
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
pub(crate) trait Hub {
    type Sender: Sender<1>;
    type Receiver: Receiver<1>;
    /// What is kept until all of them have ended.
    type Kept;

    /// Makes one, and the descriptor by which it is found.
    fn open(job: &Job) -> io::Result<(OwnedFd, Self::Kept)>;

    /// A sending end, in one of the processes.
    fn sender(hub: OwnedFd) -> io::Result<Self::Sender>;

    /// A receiving end, in one of the processes.
    fn receiver(hub: OwnedFd) -> io::Result<Self::Receiver>;
}

/// A one-way connection between two threads.
pub(crate) trait Queue<const W: usize> {
    type Sender: Sender<W> + Send + 'static;
    type Receiver: Receiver<W> + Send + 'static;

    /// Makes one.
    fn open(workload: Workload) -> (Self::Sender, Self::Receiver);
}
