//! An array of messages in a few parts, each handed over as a whole by a word of
//! its own: even, it is the sender's; odd, the receiver's.
//!
//! Unsafe code here writes and reads the messages of a part that its word, when it
//! was last seen, gave to this side.

use crate::message::{self, FRAME_WORDS};
use crate::queue::{Receiver, Sender};
use crate::rivals::spin;
use crate::shared::{APART, Shared};
use crate::sides::Channel;
use crate::workload::{BATCH, Workload};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering::{Acquire, Release};

pub(super) struct Parts;

/// Messages in a part.
const fn per_part<const W: usize>() -> usize {
    if W == FRAME_WORDS { 1 } else { BATCH }
}

fn parts<const W: usize>(workload: Workload) -> usize {
    workload.capacity() / per_part::<W>()
}

impl<const W: usize> Channel<W> for Parts {
    type Sender = End<W>;
    type Receiver = End<W>;

    fn open(workload: Workload) -> io::Result<(OwnedFd, OwnedFd)> {
        let file = Shared::create(parts::<W>(workload) * APART + workload.capacity() * W * 8)?;
        Ok((file.try_clone()?, file))
    }

    fn sender(end: OwnedFd, workload: Workload) -> io::Result<Self::Sender> {
        let shared = Shared::map(&end)?;
        let (parts, touched) = (parts::<W>(workload), workload.touched());
        Ok(End { shared, parts, touched, part: 0, within: 0, lap: 0 })
    }

    fn receiver(end: OwnedFd, workload: Workload) -> io::Result<Self::Receiver> {
        Self::sender(end, workload)
    }
}

pub(super) struct End<const W: usize> {
    shared: Shared,
    parts: usize,
    touched: bool,
    part: usize,
    /// Messages of this part that are done; above 0, the part is this side's.
    within: usize,
    /// Twice the number of laps over all parts.
    lap: u32,
}

impl<const W: usize> End<W> {
    /// Waits until the word of this part is `mine`, unless the part is held already.
    #[inline(always)]
    fn hold(&self, mine: u32) -> io::Result<()> {
        if self.within > 0 {
            return Ok(());
        }
        let word = self.shared.word(self.part * APART);
        // Acquire: the other side is done with the part whose word it stored.
        spin(|| Ok((word.load(Acquire) == mine).then_some(())))
    }

    /// The next messages of this part, at most `most`; there are some.
    #[inline(always)]
    fn next(&self, most: usize) -> *mut [[u64; W]] {
        let count = most.min(per_part::<W>() - self.within);
        let index = self.part * per_part::<W>() + self.within;
        self.shared.messages(self.parts * APART + index * W * 8, count)
    }

    /// So many messages more are done; hands the part over as `theirs` after the last.
    #[inline(always)]
    fn done(&mut self, count: usize, theirs: u32) {
        self.within += count;
        if self.within < per_part::<W>() {
            return;
        }
        // Release: this side is done with the part for whoever acquires this value.
        self.shared.word(self.part * APART).store(theirs, Release);
        self.within = 0;
        self.part += 1;
        if self.part == self.parts {
            self.part = 0;
            self.lap = self.lap.wrapping_add(2);
        }
    }
}

impl<const W: usize> Sender<W> for End<W> {
    #[inline]
    fn send(&mut self, first: u64, count: usize) -> io::Result<()> {
        let mut sent = 0;
        while sent < count {
            self.hold(self.lap)?;
            // SAFETY: in bounds (`next`); held, hence this side's alone.
            let messages = unsafe { &mut *self.next(count - sent) };
            for (number, words) in (first + sent as u64..).zip(messages.iter_mut()) {
                message::write(words, number, self.touched);
            }
            sent += messages.len();
            self.done(messages.len(), self.lap.wrapping_add(1));
        }
        Ok(())
    }
}

impl<const W: usize> Receiver<W> for End<W> {
    #[inline]
    fn receive(&mut self, most: usize, see: impl FnMut(&[u64; W])) -> io::Result<()> {
        self.hold(self.lap.wrapping_add(1))?;
        // SAFETY: in bounds (`next`); held, hence not written.
        let messages = unsafe { &*self.next(most) };
        messages.iter().for_each(see);
        self.done(messages.len(), self.lap.wrapping_add(2));
        Ok(())
    }
}
