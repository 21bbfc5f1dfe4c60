//! crossbeam's `ArrayQueue`: any number of threads at both ends.
//!
//! It moves single values only, so it has neither batches nor frames in place.

use super::{Kind, Rival, Sides, share, spin};
use crate::message;
use crate::queue::{Receiver, Sender};
use crate::sides::{Queue, threads};
use crate::workload::{Waiting, Workload};
use crossbeam_queue::ArrayQueue;
use std::io;
use std::sync::Arc;

pub(crate) fn rival() -> Rival {
    Rival {
        name: "array-queue",
        kind: Kind::Rival,
        sides: Sides::Threads,
        how: "crossbeam's, tried again after a pause; by value only",
        can: |workload| match workload {
            Workload::Stream { batch, .. } => batch == 1,
            Workload::RoundTrip { waiting, .. } => waiting == Waiting::Spin,
            Workload::Frames { .. } | Workload::Broadcast(_) => false,
            Workload::Mpmc(_) => !workload.varied(),
        },
        run: |job| match job.workload {
            Workload::Mpmc(crowd) => threads::crowd(job, &Shared::new(crowd.capacity)),
            _ => threads::messages::<Values>(job),
        },
    }
}

struct Values;

impl<const W: usize> Queue<W> for Values {
    type Sender = End<W>;
    type Receiver = End<W>;

    fn open(workload: Workload) -> (Self::Sender, Self::Receiver) {
        let queue = Arc::new(ArrayQueue::new(workload.capacity()));
        (End(Arc::clone(&queue)), End(queue))
    }
}

struct End<const W: usize>(Arc<ArrayQueue<[u64; W]>>);

impl<const W: usize> Sender<W> for End<W> {
    #[inline]
    fn send(&mut self, first: u64, _count: usize) -> io::Result<()> {
        spin(|| Ok(self.0.push(message::of(first)).ok()))
    }
}

impl<const W: usize> Receiver<W> for End<W> {
    #[inline]
    fn receive(&mut self, _most: usize, mut see: impl FnMut(&[u64; W])) -> io::Result<()> {
        see(&spin(|| Ok(self.0.pop()))?);
        Ok(())
    }
}

/// The end that each of many has.
#[derive(Clone)]
struct Shared(Arc<ArrayQueue<u64>>);

impl Shared {
    fn new(capacity: usize) -> Self {
        Self(Arc::new(ArrayQueue::new(capacity)))
    }
}

impl Sender<1> for Shared {
    #[inline]
    fn send(&mut self, message: u64, _count: usize) -> io::Result<()> {
        share(|| Ok(self.0.push(message).ok()))
    }
}

impl Receiver<1> for Shared {
    #[inline]
    fn receive(&mut self, _most: usize, mut see: impl FnMut(&[u64; 1])) -> io::Result<()> {
        see(&[share(|| Ok(self.0.pop()))?]);
        Ok(())
    }
}
