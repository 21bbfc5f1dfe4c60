//! Who may attach, and what is decided for that kind of ring alone.

use crate::kind::Kind;
use crate::layout::{CLAIMS, PUBLISHER_ROWS, SPSC_ROWS, SUBSCRIBERS_MAX, VIEWS_MAX};
use ringbuf_core::mpmc::Progress;
use ringbuf_core::peer::ROWS_MAX;
use ringbuf_core::slot::REDELIVERIES_MAX;
use std::time::Duration;

/// The two sides of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sides {
    /// One producer and one consumer.
    Spsc,
    /// Rows for so many producers, then rows for so many consumers.
    Mpmc {
        /// How many lanes there are; checked together with the slots in them.
        lanes: u32,
        producers: u32,
        consumers: u32,
        /// How often a message is delivered again before it is dropped and counted.
        redeliveries_max: u32,
        /// What a peer waits for that has stopped.
        progress: Progress,
    },
    /// A row for the publisher, then rows for so many subscribers.
    Broadcast {
        subscribers: u32,
        /// How many messages all subscribers together may look at; each costs a slot. None in
        /// a ring of ticks, which are copied.
        views: u32,
        /// How many messages the publisher may write at once; each costs a slot.
        claims: u32,
        /// How long the publisher waits for a subscriber, nanoseconds; 0: for ever.
        reader_patience: u64,
    },
}

impl Sides {
    /// The sides of an `mpmc` ring, or what about them is out of range.
    pub(crate) fn mpmc(
        lanes: u32,
        producers: u32,
        consumers: u32,
        redeliveries_max: u32,
        progress: Progress,
    ) -> Result<Self, &'static str> {
        let rows = producers.checked_add(consumers).filter(|&rows| rows <= ROWS_MAX);
        if producers == 0 || consumers == 0 || rows.is_none() {
            return Err("the number of producers and consumers (1 or more each, 4096 in all)");
        }
        if redeliveries_max == 0 || redeliveries_max > u32::from(REDELIVERIES_MAX) {
            return Err("the number of redeliveries (1 to 254)");
        }
        Ok(Self::Mpmc { lanes, producers, consumers, redeliveries_max, progress })
    }

    /// The sides of a broadcast ring, or what about them is out of range.
    pub(crate) fn broadcast(
        subscribers: u32,
        views: u32,
        claims: u32,
        reader_patience: u64,
    ) -> Result<Self, &'static str> {
        if subscribers == 0 || subscribers > SUBSCRIBERS_MAX {
            return Err("the number of subscribers (1 to 1024)");
        }
        if views == 0 || views > VIEWS_MAX {
            return Err("the number of views (1 to 4096)");
        }
        if claims != CLAIMS {
            return Err("the number of claims (1)");
        }
        Ok(Self::Broadcast { subscribers, views, claims, reader_patience })
    }

    /// The sides of a broadcast ring of ticks, or what about them is out of range.
    pub(crate) fn ticks(
        subscribers: u32,
        claims: u32,
        reader_patience: u64,
    ) -> Result<Self, &'static str> {
        // As of any broadcast ring, but for the views, of which any ring else has one at least.
        Self::broadcast(subscribers, 1, claims, reader_patience)?;
        Ok(Self::Broadcast { subscribers, views: 0, claims, reader_patience })
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Spsc => Kind::Spsc,
            Self::Mpmc { .. } => Kind::Mpmc,
            Self::Broadcast { .. } => Kind::Broadcast,
        }
    }

    /// What a peer waits for that was stopped while it held a slot. In a broadcast ring,
    /// nothing: there is always another slot.
    pub(crate) fn progress(&self) -> Progress {
        match *self {
            Self::Spsc => Progress::Fast,
            Self::Mpmc { progress, .. } => progress,
            Self::Broadcast { .. } => Progress::Strict,
        }
    }

    /// How long a publisher waits for a subscriber; `None`: for ever.
    pub(crate) fn reader_patience(&self) -> Option<Duration> {
        match *self {
            Self::Broadcast { reader_patience, .. } if reader_patience > 0 => {
                Some(Duration::from_nanos(reader_patience))
            }
            _ => None,
        }
    }

    pub(crate) fn lanes(&self) -> u32 {
        match *self {
            Self::Spsc | Self::Broadcast { .. } => 1,
            Self::Mpmc { lanes, .. } => lanes,
        }
    }

    /// Rows of the table of peers: those of producers, then those of consumers.
    pub(crate) fn rows(&self) -> u32 {
        match *self {
            Self::Spsc => SPSC_ROWS,
            Self::Mpmc { producers, consumers, .. } => producers + consumers,
            Self::Broadcast { subscribers, .. } => PUBLISHER_ROWS + subscribers,
        }
    }

    /// Rows below this are the producers', the rest the consumers'.
    pub(crate) fn producer_rows(&self) -> u32 {
        match *self {
            Self::Spsc => 1,
            Self::Mpmc { producers, .. } => producers,
            Self::Broadcast { .. } => PUBLISHER_ROWS,
        }
    }
}
