//! Ourselves: two processes over an unnamed ring whose descriptor is passed on.
//!
//! Small messages are pushed and popped by value; batches and messages of more than
//! a line are written and read in place, in typed slots; frames in byte slots. Many
//! processes share one ring, of those who all get everything, or each a part.

mod broadcast;
mod many;

use super::{Kind, Rival, Sides, spin};
use crate::message::{self, FRAME_WORDS};
use crate::queue::{Receiver, Sender};
use crate::sample::Sample;
use crate::sides::{self, Channel, Job, processes};
use crate::workload::{Waiting, Workload};
use ringbuf_shm::spsc::{self, bytes};
use ringbuf_shm::{ClaimError, Options, ReadError, Ring, Sleeper};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;
use zerocopy::FromBytes;

/// Words of a message up to which it is moved by value.
const BY_VALUE: usize = 8;
/// A peer that has not come by then will not come.
const ARRIVAL_MAX: Duration = Duration::from_secs(30);

pub(crate) fn rivals() -> Vec<Rival> {
    vec![
        Rival {
            name: "ringbuf-spin",
            kind: Kind::Ours,
            sides: Sides::Processes,
            how: "`Sleeper::Spin`, calls that do not wait, tried again after a pause",
            can: |workload| {
                able(workload) && workload.waiting().is_none_or(|how| how == Waiting::Spin)
            },
            run: run::<false>,
        },
        Rival {
            name: "ringbuf-futex",
            kind: Kind::Ours,
            sides: Sides::Processes,
            how: "`Sleeper::Futex` and calls that wait, as by default; \
                  where both sleep, with `set_spin(0)`",
            can: |workload| able(workload) && workload.waiting() != Some(Waiting::Spin),
            run: run::<true>,
        },
        Rival {
            name: "ringbuf-fast-spin",
            kind: Kind::Ours,
            sides: Sides::Processes,
            how: "as `ringbuf-spin`, with `Progress::Fast`; the others are Strict",
            can: |workload| matches!(workload, Workload::Mpmc(_)),
            run: |job| processes::crowd::<many::Slots<false, true>>(job),
        },
        Rival {
            name: "ringbuf-fast-futex",
            kind: Kind::Ours,
            sides: Sides::Processes,
            how: "as `ringbuf-futex`, with `Progress::Fast`",
            can: |workload| matches!(workload, Workload::Mpmc(_)),
            run: |job| processes::crowd::<many::Slots<true, true>>(job),
        },
        Rival {
            name: "ringbuf-pool-spin",
            kind: Kind::Ours,
            sides: Sides::Processes,
            how: "as `ringbuf-spin`, with `Options::in_place`: in a pool, as frames are; the \
                  others copy small messages out of the entries",
            can: |workload| is_small(workload),
            run: |job| sides::broadcast::run::<broadcast::Slots<false, true>>(job),
        },
    ]
}

fn is_small(workload: Workload) -> bool {
    use crate::broadcast::Broadcast::{Messages, RoundTrip};
    matches!(workload, Workload::Broadcast(Messages { .. } | RoundTrip { .. }))
}

fn able(workload: Workload) -> bool {
    let broadcast = matches!(workload, Workload::Broadcast(_));
    workload.one_to_one() || workload.mpmc().is_some() || broadcast
}

fn run<const SLEEPS: bool>(job: &Job) -> io::Result<Option<Sample>> {
    match job.workload {
        Workload::Frames { .. } => processes::frames::<Frames<SLEEPS>>(job),
        Workload::Mpmc(_) => processes::crowd::<many::Slots<SLEEPS, false>>(job),
        Workload::Broadcast(_) => sides::broadcast::run::<broadcast::Slots<SLEEPS, false>>(job),
        _ => processes::messages::<Slots<SLEEPS>>(job),
    }
}

fn options<const SLEEPS: bool>(workload: Workload) -> Options {
    // The seats are given up and taken again when the ends move to where they run.
    Options::new()
        .capacity(workload.capacity() as u64)
        .slot_size(workload.bytes() as u64)
        .sleeper(if SLEEPS { Sleeper::Futex } else { Sleeper::Spin })
        .huge_pages(workload.frames())
        .reopen(true)
}

fn ends(ring: &Ring) -> io::Result<(OwnedFd, OwnedFd)> {
    Ok((ring.as_fd().try_clone_to_owned()?, ring.as_fd().try_clone_to_owned()?))
}

fn arrived(came: bool) -> io::Result<()> {
    if came { Ok(()) } else { Err(io::Error::other("the sender did not come")) }
}

/// `None` when it is full for now.
fn claimed<T>(result: Result<T, ClaimError>) -> io::Result<Option<T>> {
    match result {
        Ok(done) => Ok(Some(done)),
        Err(ClaimError::Full) => Ok(None),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// `None` when it is empty for now.
fn read<T>(result: Result<T, ReadError>) -> io::Result<Option<T>> {
    match result {
        Ok(done) => Ok(Some(done)),
        Err(ReadError::Empty) => Ok(None),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// Typed slots.
struct Slots<const SLEEPS: bool>;

impl<const W: usize, const SLEEPS: bool> Channel<W> for Slots<SLEEPS> {
    type Sender = SlotSender<W, SLEEPS>;
    type Receiver = SlotReceiver<W, SLEEPS>;

    fn open(workload: Workload) -> io::Result<(OwnedFd, OwnedFd)> {
        let options = options::<SLEEPS>(workload);
        let made = spsc::Producer::<[u64; W]>::create_unnamed(&options);
        ends(made.map_err(io::Error::other)?.ring())
    }

    fn sender(end: OwnedFd, workload: Workload) -> io::Result<Self::Sender> {
        let ring = Ring::from_fd(end).map_err(io::Error::other)?;
        let mut producer = spsc::Producer::attach(&ring).map_err(io::Error::other)?;
        if workload.waiting() == Some(Waiting::Sleep) {
            producer.set_spin(Duration::ZERO);
        }
        Ok(SlotSender(producer))
    }

    fn receiver(end: OwnedFd, workload: Workload) -> io::Result<Self::Receiver> {
        let ring = Ring::from_fd(end).map_err(io::Error::other)?;
        let mut consumer = spsc::Consumer::attach(&ring).map_err(io::Error::other)?;
        if workload.waiting() == Some(Waiting::Sleep) {
            consumer.set_spin(Duration::ZERO);
        }
        arrived(consumer.wait_for_peer(Some(ARRIVAL_MAX)).map_err(io::Error::other)?)?;
        Ok(SlotReceiver(consumer))
    }
}

struct SlotSender<const W: usize, const SLEEPS: bool>(spsc::Producer<[u64; W]>);

impl<const W: usize, const SLEEPS: bool> Sender<W> for SlotSender<W, SLEEPS> {
    #[inline]
    fn send(&mut self, first: u64, count: usize) -> io::Result<()> {
        if W <= BY_VALUE && count == 1 {
            let message = message::of(first);
            if SLEEPS {
                return self.0.push(message).map_err(|failed| io::Error::other(failed.error));
            }
            return spin(|| claimed(self.0.try_push(message).map_err(|failed| failed.error)));
        }
        let fill = |mut claim: spsc::Claim<'_, [u64; W]>| {
            let (front, back) = claim.slices();
            for (number, words) in (first..).zip(front.iter_mut().chain(back)) {
                message::write(words, number, true);
            }
            claim.commit()
        };
        if SLEEPS {
            return self.0.claim(count).and_then(fill).map_err(io::Error::other);
        }
        spin(|| claimed(self.0.try_claim(count).and_then(fill)))
    }
}

struct SlotReceiver<const W: usize, const SLEEPS: bool>(spsc::Consumer<[u64; W]>);

impl<const W: usize, const SLEEPS: bool> Receiver<W> for SlotReceiver<W, SLEEPS> {
    #[inline]
    fn receive(&mut self, most: usize, mut see: impl FnMut(&[u64; W])) -> io::Result<()> {
        if W <= BY_VALUE && most == 1 {
            let message = if SLEEPS {
                self.0.pop().map_err(io::Error::other)?
            } else {
                spin(|| read(self.0.try_pop()))?
            };
            see(&message);
            return Ok(());
        }
        let mut look = |view: spsc::View<'_, [u64; W]>| {
            let (front, back) = view.slices();
            front.iter().for_each(&mut see);
            back.iter().for_each(&mut see);
        };
        if SLEEPS {
            return self.0.read(most).map(look).map_err(io::Error::other);
        }
        spin(|| read(self.0.try_read(most).map(&mut look)))
    }
}

/// Byte slots, one for each frame.
struct Frames<const SLEEPS: bool>;

impl<const SLEEPS: bool> Channel<FRAME_WORDS> for Frames<SLEEPS> {
    type Sender = FrameSender<SLEEPS>;
    type Receiver = FrameReceiver<SLEEPS>;

    fn open(workload: Workload) -> io::Result<(OwnedFd, OwnedFd)> {
        let made = bytes::Producer::create_unnamed(&options::<SLEEPS>(workload));
        ends(made.map_err(io::Error::other)?.ring())
    }

    fn sender(end: OwnedFd, workload: Workload) -> io::Result<Self::Sender> {
        let ring = Ring::from_fd(end).map_err(io::Error::other)?;
        let producer = bytes::Producer::attach(&ring).map_err(io::Error::other)?;
        Ok(FrameSender { producer, touched: workload.touched() })
    }

    fn receiver(end: OwnedFd, _workload: Workload) -> io::Result<Self::Receiver> {
        let ring = Ring::from_fd(end).map_err(io::Error::other)?;
        let consumer = bytes::Consumer::attach(&ring).map_err(io::Error::other)?;
        arrived(consumer.wait_for_peer(Some(ARRIVAL_MAX)).map_err(io::Error::other)?)?;
        Ok(FrameReceiver(consumer))
    }
}

struct FrameSender<const SLEEPS: bool> {
    producer: bytes::Producer,
    touched: bool,
}

impl<const SLEEPS: bool> Sender<FRAME_WORDS> for FrameSender<SLEEPS> {
    fn send(&mut self, number: u64, _count: usize) -> io::Result<()> {
        let touched = self.touched;
        let fill = |mut claim: bytes::Claim<'_>| {
            let frame = <[u64; FRAME_WORDS]>::mut_from_bytes(&mut claim);
            message::write(frame.expect("slots are aligned frames"), number, touched);
            let len = claim.len();
            claim.commit(len)
        };
        if SLEEPS {
            return self.producer.claim().and_then(fill).map_err(io::Error::other);
        }
        spin(|| claimed(self.producer.try_claim().and_then(fill)))
    }
}

struct FrameReceiver<const SLEEPS: bool>(bytes::Consumer);

impl<const SLEEPS: bool> Receiver<FRAME_WORDS> for FrameReceiver<SLEEPS> {
    fn receive(
        &mut self,
        _most: usize,
        mut see: impl FnMut(&[u64; FRAME_WORDS]),
    ) -> io::Result<()> {
        let mut look = |view: bytes::View<'_>| {
            see(<[u64; FRAME_WORDS]>::ref_from_bytes(&view).expect("slots are aligned frames"));
        };
        if SLEEPS {
            return self.0.read().map(look).map_err(io::Error::other);
        }
        spin(|| read(self.0.try_read().map(&mut look)))
    }
}
