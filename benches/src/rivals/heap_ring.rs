//! The crate that is also called `ringbuf`: a queue between two threads, on the heap.

use super::{Kind, Rival, Sides, spin};
use crate::message;
use crate::queue::{Receiver, Sender};
use crate::sides::{Queue, threads};
use crate::workload::{Waiting, Workload};
use heapring::traits::{Consumer, Producer, Split};
use heapring::{HeapCons, HeapProd, HeapRb};
use std::io;

pub(crate) fn rival() -> Rival {
    Rival {
        name: "ringbuf-crate",
        kind: Kind::Rival,
        sides: Sides::Threads,
        how: "the crate `ringbuf` of the same name, `HeapRb`; tried again after a pause",
        can: |workload| match workload {
            Workload::Stream { batch, .. } => batch == 1,
            Workload::RoundTrip { waiting, .. } => waiting == Waiting::Spin,
            _ => false,
        },
        run: threads::messages::<Values>,
    }
}

struct Values;

impl<const W: usize> Queue<W> for Values {
    type Sender = HeapSender<W>;
    type Receiver = HeapReceiver<W>;

    fn open(workload: Workload) -> (Self::Sender, Self::Receiver) {
        let (producer, consumer) = HeapRb::new(workload.capacity()).split();
        (HeapSender(producer), HeapReceiver(consumer))
    }
}

struct HeapSender<const W: usize>(HeapProd<[u64; W]>);

impl<const W: usize> Sender<W> for HeapSender<W> {
    #[inline]
    fn send(&mut self, first: u64, _count: usize) -> io::Result<()> {
        let message = message::of(first);
        spin(|| Ok(self.0.try_push(message).ok()))
    }
}

struct HeapReceiver<const W: usize>(HeapCons<[u64; W]>);

impl<const W: usize> Receiver<W> for HeapReceiver<W> {
    #[inline]
    fn receive(&mut self, _most: usize, mut see: impl FnMut(&[u64; W])) -> io::Result<()> {
        see(&spin(|| Ok(self.0.try_pop()))?);
        Ok(())
    }
}
