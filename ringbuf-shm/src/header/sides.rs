//! Who may attach, and what is decided for that kind of ring alone.

use crate::kind::Kind;
use crate::layout::SPSC_ROWS;
use ringbuf_core::mpmc::Progress;
use ringbuf_core::peer::ROWS_MAX;
use ringbuf_core::slot::REDELIVERIES_MAX;

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

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Spsc => Kind::Spsc,
            Self::Mpmc { .. } => Kind::Mpmc,
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        match *self {
            Self::Spsc => Progress::Fast,
            Self::Mpmc { progress, .. } => progress,
        }
    }

    pub(crate) fn lanes(&self) -> u32 {
        match *self {
            Self::Spsc => 1,
            Self::Mpmc { lanes, .. } => lanes,
        }
    }

    /// Rows of the table of peers: those of producers, then those of consumers.
    pub(crate) fn rows(&self) -> u32 {
        match *self {
            Self::Spsc => SPSC_ROWS,
            Self::Mpmc { producers, consumers, .. } => producers + consumers,
        }
    }

    /// Rows below this are the producers', the rest the consumers'.
    pub(crate) fn producer_rows(&self) -> u32 {
        match *self {
            Self::Spsc => 1,
            Self::Mpmc { producers, .. } => producers,
        }
    }
}
