//! A subscriber of a broadcast ring.

use super::Message;
use crate::failure::Failure;
use ringbuf_shm::broadcast::bytes::{Subscriber, View};
use ringbuf_shm::broadcast::{Delivery, Join, Start};
use ringbuf_shm::{OpenError, Presence, ReadError, Ring};
use std::collections::VecDeque;
use std::time::Duration;

/// How to join.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Joining {
    pub(crate) delivery: Delivery,
    /// `None`: as is usual for what it wants.
    pub(crate) from: Option<From>,
    /// How many messages it may hold at a time.
    pub(crate) views: u32,
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    Newest,
    Oldest,
    /// With this message, counted from the first that was ever published.
    Number(u64),
}

impl std::str::FromStr for From {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "newest" => Ok(Self::Newest),
            "oldest" => Ok(Self::Oldest),
            number => {
                number.parse().map(Self::Number).map_err(|_| "give newest, oldest or a number")
            }
        }
    }
}

/// A subscriber, and what it holds.
pub(crate) struct Broadcast {
    subscriber: Subscriber,
    /// The position of the first message that was ever published.
    first: u64,
    views: usize,
    /// What was taken and is to be written, the next one first.
    held: VecDeque<View>,
    /// It was told behind that that it was evicted, which is told once, when so many had
    /// been lost before.
    evicted: Option<u64>,
    /// The publisher who was there when it was last looked at.
    publisher: u32,
}

impl Broadcast {
    pub(super) fn join(ring: &Ring, joining: Joining) -> Result<Self, OpenError> {
        let stats = ring.broadcast_stats()?;
        let first = stats.position.wrapping_sub(stats.published);
        let mut join = Join::new(joining.delivery).views(joining.views);
        if let Some(from) = joining.from {
            join = join.start(match from {
                From::Newest => Start::Newest,
                From::Oldest => Start::Oldest,
                From::Number(number) => Start::Position(first.wrapping_add(number)),
            });
        }
        let subscriber = Subscriber::attach(ring, join)?;
        // One that was removed meanwhile is as good as not found, unless there is something
        // to read: its publisher may have waited for nobody but us.
        if !ring.still_named()? {
            let stats = ring.broadcast_stats()?;
            let is_over = stats.publisher.presence != Presence::Alive;
            if is_over && stats.position == subscriber.position() {
                return Err(OpenError::NotFound);
            }
        }
        let views = usize::try_from(joining.views).unwrap_or(usize::MAX);
        let publisher = stats.publisher.incarnation;
        Ok(Self { subscriber, first, views, held: VecDeque::new(), evicted: None, publisher })
    }

    pub(super) fn ring(&self) -> &Ring {
        self.subscriber.ring()
    }

    /// How many messages it lost, as far as was told, and how many were broken off.
    pub(crate) fn missed(&self) -> (u64, u64) {
        (self.evicted.unwrap_or(self.subscriber.lost()), self.subscriber.broken())
    }

    /// Waits for a publisher where the last one died, about so long.
    pub(super) fn wait_for_peer(&mut self, most: Duration) -> Result<bool, OpenError> {
        let came = self.subscriber.wait_for_peer(Some(most))?;
        // One may have come, published and gone between two looks.
        let publisher = self.ring().broadcast_stats()?.publisher.incarnation;
        Ok(came | (std::mem::replace(&mut self.publisher, publisher) != publisher))
    }

    /// Waits for a message and lets `write` write it.
    pub(super) fn deliver(
        &mut self,
        write: impl FnOnce(&Message<'_>) -> Result<(), Failure>,
    ) -> Result<Result<(), Failure>, ReadError> {
        if self.held.is_empty() {
            if self.evicted.take().is_some() {
                return Err(ReadError::Evicted);
            }
            self.take()?;
        }
        // `take` took one, or failed.
        let view = self.held.pop_front().ok_or(ReadError::Empty)?;
        let number = Some(view.position().wrapping_sub(self.first));
        Ok(write(&Message { bytes: &view, number, redelivered: false }))
    }

    /// Waits for a message, and takes those that are there behind it: what is held is not
    /// lost, however long it takes to write.
    fn take(&mut self) -> Result<(), ReadError> {
        self.held.push_back(self.subscriber.read()?);
        while self.held.len() < self.views {
            let lost = self.subscriber.lost();
            match self.subscriber.try_read() {
                Ok(view) => self.held.push_back(view),
                // Other answers come again when the next one is waited for.
                Err(answer) => {
                    self.evicted = (answer == ReadError::Evicted).then_some(lost);
                    break;
                }
            }
        }
        Ok(())
    }
}
