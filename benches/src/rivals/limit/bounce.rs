//! One message in a bare place, and a word that says which: in the message's own
//! cache line or in another. The next message may come only after an answer.
//!
//! Unsafe code here writes the message before the word that tells of it is stored,
//! and reads it after that word was seen and before it is answered.

use crate::message;
use crate::queue::{Receiver, Sender};
use crate::rivals::spin;
use crate::shared::{APART, Shared};
use crate::sides::Channel;
use crate::workload::{Waiting, Workload};
use rustix::thread::futex;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering::{Acquire, Release};

/// Where the word stands.
const WORD: usize = 0;
/// Where the message stands if it shares the line with the word.
const BEHIND_WORD: usize = 8;

/// A message in `LINES` cache lines, the word included.
pub(super) struct Bounce<const LINES: usize>;

const fn place(lines: usize) -> usize {
    if lines == 1 { BEHIND_WORD } else { APART }
}

impl<const W: usize, const LINES: usize> Channel<W> for Bounce<LINES> {
    type Sender = End<W, LINES>;
    type Receiver = End<W, LINES>;

    fn open(_workload: Workload) -> io::Result<(OwnedFd, OwnedFd)> {
        let file = Shared::create(place(LINES) + W * 8)?;
        Ok((file.try_clone()?, file))
    }

    fn sender(end: OwnedFd, workload: Workload) -> io::Result<Self::Sender> {
        let sleeps = workload.waiting() == Some(Waiting::Sleep);
        Ok(End { shared: Shared::map(&end)?, last: 0, sleeps })
    }

    fn receiver(end: OwnedFd, workload: Workload) -> io::Result<Self::Receiver> {
        Self::sender(end, workload)
    }
}

pub(super) struct End<const W: usize, const LINES: usize> {
    shared: Shared,
    /// What the word held last.
    last: u32,
    sleeps: bool,
}

impl<const W: usize, const LINES: usize> Sender<W> for End<W, LINES> {
    #[inline]
    fn send(&mut self, number: u64, _count: usize) -> io::Result<()> {
        // SAFETY: in bounds (`messages`); the receiver answered the last message, or
        // there was none, and does not look before the word changes.
        let messages = unsafe { &mut *self.shared.messages::<W>(place(LINES), 1) };
        message::write(&mut messages[0], number, true);
        self.last = self.last.wrapping_add(1);
        let word = self.shared.word(WORD);
        // Release: the message is whole for whoever acquires this value.
        word.store(self.last, Release);
        if self.sleeps {
            futex::wake(word, futex::Flags::empty(), 1)?;
        }
        Ok(())
    }
}

impl<const W: usize, const LINES: usize> Receiver<W> for End<W, LINES> {
    #[inline]
    fn receive(&mut self, _most: usize, mut see: impl FnMut(&[u64; W])) -> io::Result<()> {
        let word = self.shared.word(WORD);
        spin(|| {
            // Acquire: the message that this value tells of is there to be read.
            if word.load(Acquire) != self.last {
                return Ok(Some(()));
            }
            if self.sleeps {
                // However it ends, the word is looked at again.
                let _ = futex::wait(word, futex::Flags::empty(), self.last, None);
            }
            Ok(None)
        })?;
        self.last = self.last.wrapping_add(1);
        // SAFETY: in bounds (`messages`); not written before it is answered.
        let messages = unsafe { &*self.shared.messages::<W>(place(LINES), 1) };
        see(&messages[0]);
        Ok(())
    }
}
