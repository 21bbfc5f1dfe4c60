//! `rtrb`, a queue between two threads.
//!
//! Small messages are pushed and popped; batches and messages of more than a line
//! go through its chunks, in place; frames are boxes that go round over two queues.

use super::{Kind, Rival, Sides, spin};
use crate::message::{self, FRAME_WORDS};
use crate::queue::{Receiver, Sender};
use crate::sides::{Queue, threads};
use crate::workload::{Waiting, Workload};
use rtrb::{Consumer, Producer, RingBuffer};
use std::io;
use std::mem::MaybeUninit;

/// Words of a message up to which it is moved by value.
const BY_VALUE: usize = 8;

pub(crate) fn rival() -> Rival {
    Rival {
        name: "rtrb",
        kind: Kind::Rival,
        sides: Sides::Threads,
        how: "tried again after a pause; batches and 1024 bytes in place (chunks); \
              frames as boxes that go round",
        can: |workload| {
            workload.one_to_one() && workload.waiting().is_none_or(|how| how == Waiting::Spin)
        },
        run: |job| match job.workload {
            Workload::Frames { .. } => threads::frames::<Boxes>(job),
            _ => threads::messages::<Values>(job),
        },
    }
}

/// Messages in the queue itself.
struct Values;

impl<const W: usize> Queue<W> for Values {
    type Sender = ValueSender<W>;
    type Receiver = ValueReceiver<W>;

    fn open(workload: Workload) -> (Self::Sender, Self::Receiver) {
        let (producer, consumer) = RingBuffer::new(workload.capacity());
        (ValueSender(producer), ValueReceiver(consumer))
    }
}

struct ValueSender<const W: usize>(Producer<[u64; W]>);

impl<const W: usize> Sender<W> for ValueSender<W> {
    #[inline]
    fn send(&mut self, first: u64, count: usize) -> io::Result<()> {
        if W <= BY_VALUE && count == 1 {
            let message = message::of(first);
            return spin(|| Ok(self.0.push(message).ok()));
        }
        spin(|| {
            let Ok(mut chunk) = self.0.write_chunk_uninit(count) else { return Ok(None) };
            let (front, back) = chunk.as_mut_slices();
            for (number, slot) in (first..).zip(front.iter_mut().chain(back)) {
                let words = slot.as_mut_ptr().cast::<[MaybeUninit<u64>; W]>();
                // SAFETY: the same memory, still perhaps uninitialised; borrowed from
                // the chunk, which is this producer's alone until it is committed.
                let words = unsafe { &mut *words };
                for (word, value) in words.iter_mut().zip(number..) {
                    word.write(value);
                }
            }
            // SAFETY: every word of every slot was written above.
            unsafe { chunk.commit_all() };
            Ok(Some(()))
        })
    }
}

struct ValueReceiver<const W: usize>(Consumer<[u64; W]>);

impl<const W: usize> Receiver<W> for ValueReceiver<W> {
    #[inline]
    fn receive(&mut self, most: usize, mut see: impl FnMut(&[u64; W])) -> io::Result<()> {
        if W <= BY_VALUE && most == 1 {
            see(&spin(|| Ok(self.0.pop().ok()))?);
            return Ok(());
        }
        spin(|| {
            let ready = self.0.slots().min(most);
            if ready == 0 {
                return Ok(None);
            }
            let chunk = self.0.read_chunk(ready).map_err(io::Error::other)?;
            let (front, back) = chunk.as_slices();
            front.iter().for_each(&mut see);
            back.iter().for_each(&mut see);
            chunk.commit_all();
            Ok(Some(()))
        })
    }
}

type Frame = Box<[u64; FRAME_WORDS]>;

/// Frames on the heap: filled ones go one way, empty ones back.
struct Boxes;

impl Queue<FRAME_WORDS> for Boxes {
    type Sender = BoxSender;
    type Receiver = BoxReceiver;

    fn open(workload: Workload) -> (Self::Sender, Self::Receiver) {
        let (filled_in, filled_out) = RingBuffer::new(workload.capacity());
        let (mut empty_in, empty_out) = RingBuffer::new(workload.capacity());
        while !empty_in.is_full() {
            let frame: Result<Frame, _> = vec![0; FRAME_WORDS].into_boxed_slice().try_into();
            let _ = empty_in.push(frame.expect("as long as a frame"));
        }
        let sender = BoxSender { filled: filled_in, empty: empty_out, touched: workload.touched() };
        (sender, BoxReceiver { filled: filled_out, empty: empty_in })
    }
}

struct BoxSender {
    filled: Producer<Frame>,
    empty: Consumer<Frame>,
    touched: bool,
}

impl Sender<FRAME_WORDS> for BoxSender {
    fn send(&mut self, number: u64, _count: usize) -> io::Result<()> {
        let mut frame = spin(|| Ok(self.empty.pop().ok()))?;
        message::write(&mut frame, number, self.touched);
        self.filled.push(frame).map_err(|_| io::Error::other("more frames than there are"))
    }
}

struct BoxReceiver {
    filled: Consumer<Frame>,
    empty: Producer<Frame>,
}

impl Receiver<FRAME_WORDS> for BoxReceiver {
    fn receive(
        &mut self,
        _most: usize,
        mut see: impl FnMut(&[u64; FRAME_WORDS]),
    ) -> io::Result<()> {
        let frame = spin(|| Ok(self.filled.pop().ok()))?;
        see(&frame);
        self.empty.push(frame).map_err(|_| io::Error::other("more frames than there are"))
    }
}
