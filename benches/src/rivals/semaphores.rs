//! Shared memory with two semaphores that count its full and its empty places: the bounded
//! buffer of the textbooks (Dijkstra 1965).
//!
//! Unsafe code here calls the C library with semaphores in the mapping, which outlives the
//! calls, and touches a message between the semaphore that gives it and the one that gives it
//! away.

use super::{Kind, Rival, Sides, again, spin};
use crate::message;
use crate::queue::{Receiver, Sender};
use crate::shared::{APART, Shared};
use crate::sides::{Channel, processes};
use crate::workload::{Waiting, Workload};
use std::io;
use std::os::fd::OwnedFd;

/// Where the semaphores stand, and the first message.
const EMPTY: usize = 0;
const FULL: usize = APART;
const MESSAGES: usize = 2 * APART;
/// Words of a semaphore.
const WORDS: usize = size_of::<libc::sem_t>() / 8;

pub(crate) fn rival() -> Rival {
    Rival {
        name: "semaphores",
        kind: Kind::Rival,
        sides: Sides::Processes,
        how: "a bare mapping, `sem_wait` and `sem_post` for each message; `sem_trywait` where both \
              sides spin",
        can: |workload| workload.one_to_one() && workload.batch() == 1 && !workload.varied(),
        run: |job| match job.workload {
            Workload::Frames { .. } => processes::frames::<Semaphores>(job),
            _ => processes::messages::<Semaphores>(job),
        },
    }
}

struct Semaphores;

impl<const W: usize> Channel<W> for Semaphores {
    type Sender = End<W>;
    type Receiver = End<W>;

    fn open(workload: Workload) -> io::Result<(OwnedFd, OwnedFd)> {
        let capacity = workload.capacity();
        let file = Shared::create(MESSAGES + capacity * W * 8)?;
        let shared = Shared::map(&file)?;
        for (place, count) in [(EMPTY, capacity), (FULL, 0)] {
            let count = u32::try_from(count).map_err(io::Error::other)?;
            // SAFETY: memory of a semaphore, which nobody uses yet.
            again(|| unsafe { libc::sem_init(semaphore(&shared, place), 1, count) })?;
        }
        Ok((file.try_clone()?, file))
    }

    fn sender(end: OwnedFd, workload: Workload) -> io::Result<End<W>> {
        Ok(End {
            shared: Shared::map(&end)?,
            capacity: workload.capacity(),
            index: 0,
            spins: workload.waiting() == Some(Waiting::Spin),
            touched: workload.touched(),
        })
    }

    fn receiver(end: OwnedFd, workload: Workload) -> io::Result<End<W>> {
        Self::sender(end, workload)
    }
}

fn semaphore(shared: &Shared, place: usize) -> *mut libc::sem_t {
    shared.messages::<WORDS>(place, 1).cast()
}

struct End<const W: usize> {
    shared: Shared,
    capacity: usize,
    /// The place of the next message.
    index: usize,
    spins: bool,
    touched: bool,
}

impl<const W: usize> End<W> {
    /// Takes one of a semaphore, and gives one to another when `done` with the message.
    fn pass(
        &mut self,
        take: usize,
        give: usize,
        done: impl FnOnce(&mut [u64; W]),
    ) -> io::Result<()> {
        let (take, give) = (semaphore(&self.shared, take), semaphore(&self.shared, give));
        if self.spins {
            // SAFETY: a semaphore, made before the ends were.
            spin(|| Ok((unsafe { libc::sem_trywait(take) } == 0).then_some(())))?;
        } else {
            // SAFETY: as above.
            again(|| unsafe { libc::sem_wait(take) })?;
        }
        let message = self.shared.messages::<W>(MESSAGES + self.index * W * 8, 1);
        // SAFETY: in bounds (`messages`); the semaphore gave it to this side alone.
        let messages = unsafe { &mut *message };
        done(&mut messages[0]);
        // SAFETY: as above.
        again(|| unsafe { libc::sem_post(give) })?;
        self.index = (self.index + 1) % self.capacity;
        Ok(())
    }
}

impl<const W: usize> Sender<W> for End<W> {
    fn send(&mut self, number: u64, _count: usize) -> io::Result<()> {
        let touched = self.touched;
        self.pass(EMPTY, FULL, |words| message::write(words, number, touched))
    }
}

impl<const W: usize> Receiver<W> for End<W> {
    fn receive(&mut self, _most: usize, mut see: impl FnMut(&[u64; W])) -> io::Result<()> {
        self.pass(FULL, EMPTY, |words| see(words))
    }
}
