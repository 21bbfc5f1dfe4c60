//! Broadcast rings: one process publishes, several subscribe, all lossless.
//!
//! Small messages are pushed and popped by value: they stand in the entries of the ring, or in
//! a pool where that is asked for. Frames are written and read in place, in byte slots.

use super::{ARRIVAL_MAX, arrived, claimed, ends, options, read};
use crate::message::{self, FRAME_4K_WORDS, FRAME_WORDS};
use crate::queue::{Receiver, Sender};
use crate::rivals::poll;
use crate::sides::{Hub, Job};
use crate::workload::Workload;
use ringbuf_shm::broadcast::bytes::{self, Claim, View};
use ringbuf_shm::broadcast::{Delivery, Publisher, Subscriber};
use ringbuf_shm::{OpenError, Options, Ring};
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;
use zerocopy::FromBytes;

/// As many subscribers as the workload has, each with one view.
pub(super) struct Slots<const SLEEPS: bool, const POOL: bool>;

fn spread<const SLEEPS: bool, const POOL: bool>(workload: Workload) -> Options {
    let subscribers = match workload {
        Workload::Broadcast(broadcast) => broadcast.subscribers(),
        _ => 1,
    };
    let options = options::<SLEEPS>(workload).subscribers_max(subscribers);
    options.views_max(2 * subscribers).in_place(POOL)
}

/// How an end waits.
#[derive(Clone, Copy)]
struct Waits {
    /// There are others on its processor.
    many: bool,
    /// It does not spin before it sleeps.
    at_once: bool,
}

fn waits(workload: Workload) -> Waits {
    Waits { many: workload.crowd().is_some(), at_once: workload.returns() }
}

macro_rules! values {
    ($words:literal) => {
        impl<const SLEEPS: bool, const POOL: bool> Hub<$words> for Slots<SLEEPS, POOL> {
            type Sender = Values<Publisher<[u64; $words]>, SLEEPS>;
            type Receiver = Values<Subscriber<[u64; $words]>, SLEEPS>;
            type Kept = ();

            fn open(job: &Job) -> io::Result<(OwnedFd, ())> {
                let made = Publisher::<[u64; $words]>::create_unnamed(&spread::<SLEEPS, POOL>(
                    job.workload,
                ));
                Ok((ends(made.map_err(io::Error::other)?.ring())?.0, ()))
            }

            fn sender(hub: OwnedFd, workload: Workload) -> io::Result<Self::Sender> {
                let mut publisher: Publisher<_> = ring(hub, Publisher::attach)?;
                let waits = waits(workload);
                if waits.at_once {
                    publisher.set_spin(Duration::ZERO);
                }
                Ok(Values { end: publisher, waits })
            }

            fn receiver(hub: OwnedFd, workload: Workload) -> io::Result<Self::Receiver> {
                let mut subscriber: Subscriber<_> =
                    ring(hub, |ring| Subscriber::attach(ring, Delivery::Lossless))?;
                arrived(subscriber.wait_for_peer(Some(ARRIVAL_MAX)).map_err(io::Error::other)?)?;
                let waits = waits(workload);
                if waits.at_once {
                    subscriber.set_spin(Duration::ZERO);
                }
                Ok(Values { end: subscriber, waits })
            }
        }
    };
}

values!(1);
values!(8);

fn ring<T>(hub: OwnedFd, attach: impl FnOnce(&Ring) -> Result<T, OpenError>) -> io::Result<T> {
    Ring::from_fd(hub).and_then(|ring| attach(&ring)).map_err(io::Error::other)
}

pub(super) struct Values<E, const SLEEPS: bool> {
    end: E,
    waits: Waits,
}

impl<const W: usize, const SLEEPS: bool> Sender<W> for Values<Publisher<[u64; W]>, SLEEPS> {
    #[inline]
    fn send(&mut self, number: u64, _count: usize) -> io::Result<()> {
        let message = message::of(number);
        if SLEEPS {
            return self.end.push(message).map_err(|failed| io::Error::other(failed.error));
        }
        let push = || claimed(self.end.try_push(message).map_err(|failed| failed.error));
        poll(self.waits.many, push)
    }
}

impl<const W: usize, const SLEEPS: bool> Receiver<W> for Values<Subscriber<[u64; W]>, SLEEPS> {
    #[inline]
    fn receive(&mut self, _most: usize, mut see: impl FnMut(&[u64; W])) -> io::Result<()> {
        let message = if SLEEPS {
            self.end.pop().map_err(io::Error::other)?
        } else {
            poll(self.waits.many, || read(self.end.try_pop()))?
        };
        see(&message);
        Ok(())
    }
}

macro_rules! frames {
    ($words:ident) => {
        impl<const SLEEPS: bool, const POOL: bool> Hub<$words> for Slots<SLEEPS, POOL> {
            type Sender = Frames<bytes::Publisher, SLEEPS>;
            type Receiver = Frames<bytes::Subscriber, SLEEPS>;
            type Kept = ();

            fn open(job: &Job) -> io::Result<(OwnedFd, ())> {
                let made = bytes::Publisher::create_unnamed(&spread::<SLEEPS, POOL>(job.workload));
                Ok((ends(made.map_err(io::Error::other)?.ring())?.0, ()))
            }

            fn sender(hub: OwnedFd, workload: Workload) -> io::Result<Self::Sender> {
                let end = ring(hub, |ring| bytes::Publisher::attach(ring))?;
                Ok(Frames { end, waits: waits(workload), touched: workload.touched() })
            }

            fn receiver(hub: OwnedFd, workload: Workload) -> io::Result<Self::Receiver> {
                let end = ring(hub, |ring| bytes::Subscriber::attach(ring, Delivery::Lossless))?;
                arrived(end.wait_for_peer(Some(ARRIVAL_MAX)).map_err(io::Error::other)?)?;
                Ok(Frames { end, waits: waits(workload), touched: workload.touched() })
            }
        }
    };
}

frames!(FRAME_WORDS);
frames!(FRAME_4K_WORDS);

pub(super) struct Frames<E, const SLEEPS: bool> {
    end: E,
    waits: Waits,
    touched: bool,
}

impl<const W: usize, const SLEEPS: bool> Sender<W> for Frames<bytes::Publisher, SLEEPS> {
    fn send(&mut self, number: u64, _count: usize) -> io::Result<()> {
        let touched = self.touched;
        let fill = |mut claim: Claim<'_>| {
            let frame = <[u64; W]>::mut_from_bytes(&mut claim);
            message::write(frame.expect("slots are aligned frames"), number, touched);
            let len = claim.len();
            claim.commit(len)
        };
        if SLEEPS {
            return self.end.claim().and_then(fill).map_err(io::Error::other);
        }
        poll(self.waits.many, || claimed(self.end.try_claim().and_then(fill)))
    }
}

impl<const W: usize, const SLEEPS: bool> Receiver<W> for Frames<bytes::Subscriber, SLEEPS> {
    fn receive(&mut self, _most: usize, mut see: impl FnMut(&[u64; W])) -> io::Result<()> {
        let mut look = |view: View| {
            see(<[u64; W]>::ref_from_bytes(&view).expect("slots are aligned frames"));
        };
        if SLEEPS {
            return self.end.read().map(look).map_err(io::Error::other);
        }
        poll(self.waits.many, || read(self.end.try_read().map(&mut look)))
    }
}
