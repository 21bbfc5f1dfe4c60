//! How a subscriber joins.

use super::Delivery;
use ringbuf_core::position::Position;
use ringbuf_core::subscriber;

/// Where a subscriber begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the next message that is published; who reads the latest only, with the newest
    /// that is there.
    Newest,
    /// With the oldest that is promised: three quarters of the capacity back, less one, at
    /// least, if so many were published.
    Oldest,
    /// With the message at this position: with the oldest if it is gone, with the next if
    /// it is still to come.
    Position(u64),
}

impl Start {
    pub(super) fn core(self) -> subscriber::Start {
        match self {
            Self::Newest => subscriber::Start::Newest,
            Self::Oldest => subscriber::Start::Oldest,
            Self::Position(count) => subscriber::Start::Position(Position::new(count)),
        }
    }
}

/// How a subscriber joins. Made from a [`Delivery`] where nothing else is to be said.
///
/// ```
/// use ringbuf_shm::broadcast::{Delivery, Join, Start};
/// let join = Join::new(Delivery::Lossless).start(Start::Newest).views(4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Join {
    pub(super) delivery: Delivery,
    pub(super) start: Start,
    pub(super) views: u32,
}

/// One to look at, and one to keep.
const VIEWS_DEFAULT: u32 = 2;

impl Join {
    /// Who wants every message begins with the oldest there is, others with the newest;
    /// two views at a time.
    pub fn new(delivery: Delivery) -> Self {
        let start = match delivery {
            Delivery::Lossless => Start::Oldest,
            Delivery::Lossy | Delivery::Latest => Start::Newest,
        };
        Self { delivery, start, views: VIEWS_DEFAULT }
    }

    /// Where it begins.
    pub fn start(self, start: Start) -> Self {
        Self { start, ..self }
    }

    /// How many messages it may hold at a time: 1 at least.
    ///
    /// All subscribers together have as many as the ring was created with
    /// ([`views_max`](crate::Options::views_max)).
    pub fn views(self, views: u32) -> Self {
        Self { views, ..self }
    }
}

impl From<Delivery> for Join {
    fn from(delivery: Delivery) -> Self {
        Self::new(delivery)
    }
}
