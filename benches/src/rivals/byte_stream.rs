//! Messages over a descriptor that carries a stream of bytes: the two ends that the
//! pipe and the socket share.
//!
//! A message is copied into the kernel and out of it; a batch is one write, and a
//! read takes what there is, at most a batch.

use super::spin;
use crate::message;
use crate::queue::{Receiver, Sender};
use crate::sides::Channel;
use crate::workload::{Waiting, Workload};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, OwnedFd};
use zerocopy::IntoBytes;

/// A pair of descriptors: what is written to the first is read from the second.
pub(crate) trait Descriptors {
    fn open() -> io::Result<(OwnedFd, OwnedFd)>;
}

/// Messages over such a pair.
pub(crate) struct ByteStream<D>(PhantomData<D>);

impl<const W: usize, D: Descriptors> Channel<W> for ByteStream<D> {
    type Sender = Writer<W>;
    type Receiver = Reader<W>;

    fn open(_workload: Workload) -> io::Result<(OwnedFd, OwnedFd)> {
        D::open()
    }

    fn sender(end: OwnedFd, workload: Workload) -> io::Result<Writer<W>> {
        let buffer = vec![0; W * workload.batch()];
        Ok(Writer { descriptor: prepare(end, workload)?, buffer, touched: workload.touched() })
    }

    fn receiver(end: OwnedFd, workload: Workload) -> io::Result<Reader<W>> {
        let buffer = vec![0; W * workload.batch()];
        Ok(Reader { descriptor: prepare(end, workload)?, buffer, filled: 0 })
    }
}

fn prepare(end: OwnedFd, workload: Workload) -> io::Result<OwnedFd> {
    if workload.waiting() == Some(Waiting::Spin) {
        fcntl_setfl(&end, fcntl_getfl(&end)? | OFlags::NONBLOCK)?;
    }
    Ok(end)
}

/// One call on a descriptor that may have to be tried again.
fn bytes(mut call: impl FnMut() -> Result<usize, Errno>) -> io::Result<usize> {
    spin(|| match call() {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(count) => Ok(Some(count)),
        Err(Errno::AGAIN | Errno::INTR) => Ok(None),
        Err(error) => Err(error.into()),
    })
}

pub(crate) struct Writer<const W: usize> {
    descriptor: OwnedFd,
    buffer: Vec<u64>,
    touched: bool,
}

impl<const W: usize> Sender<W> for Writer<W> {
    fn send(&mut self, first: u64, _count: usize) -> io::Result<()> {
        let (messages, _) = self.buffer.as_chunks_mut::<W>();
        for (number, words) in (first..).zip(messages) {
            message::write(words, number, self.touched);
        }
        let mut left = self.buffer.as_bytes();
        while !left.is_empty() {
            let written = bytes(|| rustix::io::write(self.descriptor.as_fd(), left))?;
            left = &left[written..];
        }
        Ok(())
    }
}

pub(crate) struct Reader<const W: usize> {
    descriptor: OwnedFd,
    buffer: Vec<u64>,
    /// Bytes at the start of the buffer that were read and not yet shown.
    filled: usize,
}

impl<const W: usize> Receiver<W> for Reader<W> {
    fn receive(&mut self, _most: usize, mut see: impl FnMut(&[u64; W])) -> io::Result<()> {
        let size = W * size_of::<u64>();
        while self.filled < size {
            let room = &mut self.buffer.as_mut_bytes()[self.filled..];
            self.filled += bytes(|| rustix::io::read(self.descriptor.as_fd(), &mut *room))?;
        }
        let whole = self.filled / size;
        self.buffer.as_chunks::<W>().0[..whole].iter().for_each(&mut see);
        self.buffer.as_mut_bytes().copy_within(whole * size..self.filled, 0);
        self.filled -= whole * size;
        Ok(())
    }
}
