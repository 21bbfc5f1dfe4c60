//! An array of messages that all are to see: the publisher's position, a cursor of each
//! subscriber, and nothing else. The publisher waits until none is a whole array behind.
//!
//! Unsafe code here writes a message before the position passes it, after all cursors
//! did one array ago, and reads it between the two.

use crate::broadcast::Broadcast;
use crate::message;
use crate::queue::{Receiver, Sender};
use crate::rivals::poll;
use crate::shared::{APART, Shared};
use crate::sides::{Hub, Job};
use crate::workload::Workload;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// How many cursors have been taken.
const TAKEN: usize = 0;
/// The position of the publisher.
const TAIL: usize = APART;
/// The first cursor.
const CURSORS: usize = 2 * APART;

pub(super) struct Cursors;

impl<const W: usize> Hub<W> for Cursors {
    type Sender = Publisher<W>;
    type Receiver = Subscriber<W>;
    type Kept = ();

    fn open(job: &Job) -> io::Result<(OwnedFd, ())> {
        let broadcast = broadcast(job.workload)?;
        let len = messages_at(broadcast) + broadcast.capacity() * W * 8;
        Ok((Shared::create(len)?, ()))
    }

    fn sender(hub: OwnedFd, workload: Workload) -> io::Result<Publisher<W>> {
        let broadcast = broadcast(workload)?;
        let walk = Walk::new(&hub, broadcast)?;
        let (subscribers, touched) = (broadcast.subscribers() as usize, broadcast.touched());
        Ok(Publisher { walk, subscribers, touched, least: 0 })
    }

    fn receiver(hub: OwnedFd, workload: Workload) -> io::Result<Subscriber<W>> {
        let walk = Walk::new(&hub, broadcast(workload)?)?;
        // Relaxed: it only gives each another number.
        let number = walk.shared.word(TAKEN).fetch_add(1, Relaxed) as usize;
        Ok(Subscriber { walk, cursor: CURSORS + number * APART, tail: 0 })
    }
}

/// What is measured, of a workload that has no others.
fn broadcast(workload: Workload) -> io::Result<Broadcast> {
    if let Workload::Broadcast(broadcast) = workload {
        return Ok(broadcast);
    }
    Err(io::ErrorKind::Unsupported.into())
}

/// Where the messages begin.
fn messages_at(broadcast: Broadcast) -> usize {
    CURSORS + broadcast.subscribers() as usize * APART
}

/// One side, and the message it comes to next.
struct Walk<const W: usize> {
    shared: Shared,
    /// Where the first message stands.
    first: usize,
    capacity: usize,
    /// Whether there are others on its processor.
    many: bool,
    /// How many messages it has passed.
    passed: u64,
    /// In the array, the place of the next one.
    index: usize,
}

impl<const W: usize> Walk<W> {
    fn new(hub: &OwnedFd, broadcast: Broadcast) -> io::Result<Self> {
        let (shared, many) = (Shared::map(hub)?, broadcast.crowd().is_some());
        let (first, capacity) = (messages_at(broadcast), broadcast.capacity());
        Ok(Self { shared, first, capacity, many, passed: 0, index: 0 })
    }

    #[inline(always)]
    fn message(&self) -> *mut [[u64; W]] {
        self.shared.messages(self.first + self.index * W * 8, 1)
    }

    /// Passes the message, and tells so in the word at this offset.
    #[inline(always)]
    fn pass(&mut self, word: usize) {
        self.passed += 1;
        self.index = if self.index + 1 == self.capacity { 0 } else { self.index + 1 };
        // Release: this side is done with the message for whoever acquires this.
        self.shared.number(word).store(self.passed, Release);
    }
}

pub(super) struct Publisher<const W: usize> {
    walk: Walk<W>,
    subscribers: usize,
    touched: bool,
    /// No cursor is before this.
    least: u64,
}

impl<const W: usize> Publisher<W> {
    /// Whether no cursor is a whole array behind.
    #[inline(always)]
    fn has_room(&mut self) -> bool {
        let walk = &self.walk;
        if walk.passed - self.least == walk.capacity as u64 {
            let cursors = (0..self.subscribers).map(|number| {
                // Acquire: that subscriber is done with what it passed.
                walk.shared.number(CURSORS + number * APART).load(Acquire)
            });
            self.least = cursors.min().unwrap_or(0);
        }
        walk.passed - self.least < walk.capacity as u64
    }
}

impl<const W: usize> Sender<W> for Publisher<W> {
    #[inline]
    fn send(&mut self, number: u64, _count: usize) -> io::Result<()> {
        poll(self.walk.many, || Ok(self.has_room().then_some(())))?;
        // SAFETY: in bounds (`messages`); all subscribers have passed what stood here, and
        // none reads what the publisher has not passed.
        let messages = unsafe { &mut *self.walk.message() };
        message::write(&mut messages[0], number, self.touched);
        self.walk.pass(TAIL);
        Ok(())
    }
}

pub(super) struct Subscriber<const W: usize> {
    walk: Walk<W>,
    /// Where its cursor stands.
    cursor: usize,
    /// How many messages the publisher had passed when last looked at.
    tail: u64,
}

impl<const W: usize> Receiver<W> for Subscriber<W> {
    #[inline]
    fn receive(&mut self, _most: usize, mut see: impl FnMut(&[u64; W])) -> io::Result<()> {
        poll(self.walk.many, || {
            if self.tail == self.walk.passed {
                // Acquire: what the publisher has passed is whole.
                self.tail = self.walk.shared.number(TAIL).load(Acquire);
            }
            Ok((self.tail != self.walk.passed).then_some(()))
        })?;
        // SAFETY: in bounds (`messages`); the publisher has passed it, and does not write
        // here again before this cursor has.
        let messages = unsafe { &*self.walk.message() };
        see(&messages[0]);
        self.walk.pass(self.cursor);
        Ok(())
    }
}
