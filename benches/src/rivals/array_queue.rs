//! crossbeam's `ArrayQueue`: any number of threads at both ends, used by one each.
//!
//! It moves single values only, so it has neither batches nor frames in place.

use super::{Kind, Rival, THREADS, spin};
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
        sides: THREADS,
        how: "crossbeam's, tried again after a pause; by value only",
        can: |workload| match workload {
            Workload::Stream { batch, .. } => batch == 1,
            Workload::RoundTrip { waiting, .. } => waiting == Waiting::Spin,
            Workload::Frames { .. } => false,
        },
        run: threads::messages::<Values>,
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
