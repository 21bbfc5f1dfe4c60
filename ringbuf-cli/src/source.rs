//! Where a subscriber gets its messages from: a consumer, of whatever kind and shape
//! the ring is.

pub(crate) mod broadcast;

use crate::failure::Failure;
use broadcast::{Broadcast, Joining};
use ringbuf_shm::mpmc::{self, Lanes};
use ringbuf_shm::spsc::{bytes, records};
use ringbuf_shm::{Kind, OpenError, Options, ReadError, Ring, SLICE, Shape};
use std::mem::forget;
use std::ops::Deref;
use std::time::Duration;

/// A consumer.
pub(crate) enum Source {
    Bytes(bytes::Consumer),
    Records(records::Consumer),
    Many(mpmc::bytes::Consumer),
    Broadcast(Broadcast),
}

/// A message, while it is in the ring.
pub(crate) struct Message<'a> {
    pub(crate) bytes: &'a [u8],
    /// Its number in what its publisher read, or among all messages of a broadcast ring;
    /// lines of a ring of two have none.
    pub(crate) number: Option<u64>,
    /// Whether an earlier subscriber had been shown it and did not release it.
    pub(crate) redelivered: bool,
}

impl Source {
    /// `None`: a ring of typed slots. `joining` is for a broadcast ring.
    pub(crate) fn open(name: &str, joining: Joining) -> Result<Option<Self>, OpenError> {
        let ring = Ring::open_with(name, &Options::new())?;
        Ok(Some(match (ring.kind(), ring.shape()) {
            (Kind::Broadcast, Shape::Bytes(_)) => Self::Broadcast(Broadcast::join(&ring, joining)?),
            (Kind::Mpmc, Shape::Bytes(_)) => Self::Many(mpmc::bytes::Consumer::open(name)?),
            (_, Shape::Bytes(_)) => Self::Bytes(bytes::Consumer::open(name)?),
            (_, Shape::Records(_)) => Self::Records(records::Consumer::open(name)?),
            _ => return Ok(None),
        }))
    }

    pub(crate) fn ring(&self) -> &Ring {
        match self {
            Self::Bytes(consumer) => consumer.ring(),
            Self::Records(consumer) => consumer.ring(),
            Self::Many(consumer) => consumer.ring(),
            Self::Broadcast(subscriber) => subscriber.ring(),
        }
    }

    /// Whether its messages have numbers.
    pub(crate) fn has_numbers(&self) -> bool {
        !matches!(self, Self::Records(_))
    }

    /// Reads these lanes; false if the ring does not have them.
    pub(crate) fn set_lanes(&mut self, lanes: Lanes) -> bool {
        match self {
            Self::Many(consumer) => consumer.set_lanes(lanes).is_ok(),
            _ => lanes == Lanes::Highest,
        }
    }

    /// Waits for a publisher where the last one died, about so long.
    pub(crate) fn wait_for_peer(&mut self, most: Duration) -> Result<bool, OpenError> {
        match self {
            Self::Bytes(consumer) => consumer.wait_for_peer(Some(most)),
            Self::Records(consumer) => consumer.wait_for_peer(Some(most)),
            // Another subscriber may die meanwhile, and what it had comes to those who
            // read: so this one reads again soon. It is told at once if nobody came.
            Self::Many(consumer) => consumer.wait_for_peer(Some(SLICE)).map(|_| true),
            Self::Broadcast(subscriber) => subscriber.wait_for_peer(most),
        }
    }

    /// Waits for a message, lets `write` write it, and releases it if it did; one of a
    /// broadcast ring in any case.
    pub(crate) fn deliver(
        &mut self,
        write: impl FnOnce(&Message<'_>) -> Result<(), Failure>,
    ) -> Result<Result<(), Failure>, ReadError> {
        Ok(match self {
            Self::Bytes(consumer) => {
                let view = consumer.read()?;
                let (number, redelivered) = (Some(view.tag()), view.redelivered());
                release_if_written(view, number, redelivered, write)
            }
            Self::Records(consumer) => {
                let view = consumer.read()?;
                let redelivered = view.redelivered();
                release_if_written(view, None, redelivered, write)
            }
            Self::Many(consumer) => {
                let view = consumer.read()?;
                let (number, redelivered) = (Some(view.tag()), view.redelivered() > 0);
                release_if_written(view, number, redelivered, write)
            }
            Self::Broadcast(subscriber) => return subscriber.deliver(write),
        })
    }
}

fn release_if_written(
    view: impl Deref<Target = [u8]>,
    number: Option<u64>,
    redelivered: bool,
    write: impl FnOnce(&Message<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let done = write(&Message { bytes: &view, number, redelivered });
    match done {
        Ok(()) => drop(view),
        // Taken and never released: the next subscriber gets it again.
        Err(_) => forget(view),
    }
    done
}
