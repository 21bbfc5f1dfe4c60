//! Rings of many: values pushed and popped by several processes.

use super::{ends, options};
use crate::queue::{Receiver, Sender};
use crate::rivals::share;
use crate::sides::{Hub, Job};
use crate::workload::Workload;
use ringbuf_shm::mpmc::{Consumer, Producer};
use ringbuf_shm::{ClaimError, OpenError, Progress, ReadError, Ring};
use std::io;
use std::os::fd::OwnedFd;

/// Rows of each side that are for those who do something.
const ROWS: u32 = 64;

/// Typed slots.
pub(super) struct Slots<const SLEEPS: bool, const FAST: bool>;

/// Peers that do nothing.
type Idle = (Vec<Producer<u64>>, Vec<Consumer<u64>>);

impl<const SLEEPS: bool, const FAST: bool> Hub for Slots<SLEEPS, FAST> {
    type Sender = Pusher<SLEEPS>;
    type Receiver = Popper<SLEEPS>;
    type Kept = Idle;

    fn open(job: &Job) -> io::Result<(OwnedFd, Idle)> {
        let half = job.workload.mpmc().map_or(0, |crowd| crowd.idle / 2);
        let options = options::<SLEEPS>(job.workload)
            .progress(if FAST { Progress::Fast } else { Progress::Strict })
            .producers_max(ROWS + half)
            .consumers_max(ROWS + half);
        let made = Producer::<u64>::create_unnamed(&options).map_err(io::Error::other)?;
        let (hub, _) = ends(made.ring())?;
        let producers: Result<_, OpenError> =
            (0..half).map(|_| Producer::attach(made.ring())).collect();
        let consumers: Result<_, OpenError> =
            (0..half).map(|_| Consumer::attach(made.ring())).collect();
        let idle = (producers.map_err(io::Error::other)?, consumers.map_err(io::Error::other)?);
        Ok((hub, idle))
    }

    fn sender(hub: OwnedFd, _workload: Workload) -> io::Result<Self::Sender> {
        let ring = Ring::from_fd(hub).map_err(io::Error::other)?;
        Producer::attach(&ring).map(Pusher).map_err(io::Error::other)
    }

    fn receiver(hub: OwnedFd, _workload: Workload) -> io::Result<Self::Receiver> {
        let ring = Ring::from_fd(hub).map_err(io::Error::other)?;
        Consumer::attach(&ring).map(Popper).map_err(io::Error::other)
    }
}

pub(super) struct Pusher<const SLEEPS: bool>(Producer<u64>);

impl<const SLEEPS: bool> Sender<1> for Pusher<SLEEPS> {
    #[inline]
    fn send(&mut self, message: u64, _count: usize) -> io::Result<()> {
        if SLEEPS {
            return self.0.push(message).map_err(|failed| io::Error::other(failed.error));
        }
        share(|| match self.0.try_push(message).map_err(|failed| failed.error) {
            Ok(()) => Ok(Some(())),
            Err(ClaimError::Full | ClaimError::Busy) => Ok(None),
            Err(error) => Err(io::Error::other(error)),
        })
    }
}

pub(super) struct Popper<const SLEEPS: bool>(Consumer<u64>);

impl<const SLEEPS: bool> Receiver<1> for Popper<SLEEPS> {
    #[inline]
    fn receive(&mut self, _most: usize, mut see: impl FnMut(&[u64; 1])) -> io::Result<()> {
        let message = if SLEEPS {
            self.0.pop().map_err(io::Error::other)?
        } else {
            share(|| match self.0.try_pop() {
                Ok(message) => Ok(Some(message)),
                Err(ReadError::Empty | ReadError::Busy) => Ok(None),
                Err(error) => Err(io::Error::other(error)),
            })?
        };
        see(&[message]);
        Ok(())
    }
}
