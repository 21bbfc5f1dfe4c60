//! `kanal`, a bounded channel between any number of threads, with calls that wait.

use super::{Kind, Rival, Sides};
use crate::queue::{Receiver, Sender};
use crate::sides::threads;
use crate::workload::Workload;
use std::io;

pub(crate) fn rival() -> Rival {
    Rival {
        name: "kanal",
        kind: Kind::Rival,
        sides: Sides::Threads,
        how: "bounded, calls that wait; it spins by itself before it sleeps",
        can: |workload| workload.mpmc().is_some_and(|crowd| !crowd.varied()),
        run: |job| match job.workload {
            Workload::Mpmc(crowd) => threads::crowd(job, &End::new(crowd.capacity)),
            _ => Err(io::ErrorKind::Unsupported.into()),
        },
    }
}

#[derive(Clone)]
struct End {
    sender: ::kanal::Sender<u64>,
    receiver: ::kanal::Receiver<u64>,
}

impl End {
    fn new(capacity: usize) -> Self {
        let (sender, receiver) = ::kanal::bounded(capacity);
        Self { sender, receiver }
    }
}

impl Sender<1> for End {
    #[inline]
    fn send(&mut self, message: u64, _count: usize) -> io::Result<()> {
        self.sender.send(message).map_err(io::Error::other)
    }
}

impl Receiver<1> for End {
    #[inline]
    fn receive(&mut self, _most: usize, mut see: impl FnMut(&[u64; 1])) -> io::Result<()> {
        see(&[self.receiver.recv().map_err(io::Error::other)?]);
        Ok(())
    }
}
