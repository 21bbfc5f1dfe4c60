//! What a message is, with its sizes.

use super::sides::Sides;
use crate::layout::{MESSAGE_HEADER_LEN, SLOT_ALIGNMENT, SLOT_WORDS_LEN};
use ringbuf_core::geometry::{
    ALIGNMENT_MAX, GeometryError, Records, STAMP_LEN, Slots, TICK_ENTRY_LEN_MAX,
};

/// What a message is in this ring, with its sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// Values of one type, side by side; in `mpmc` and broadcast rings, each behind its words.
    Slots(Slots),
    /// Small values of one type in the entries of a broadcast ring themselves, each behind its
    /// stamp, to be copied.
    Ticks(Slots),
    /// Bytes up to a size, each message with its header.
    Bytes(Slots),
    /// Bytes of any length, in place, one behind the other.
    Records(Records),
}

impl Shape {
    /// Slots for values of this size and alignment, with room in front of each for
    /// what the peers of such a ring say about it.
    pub(crate) fn slots(
        sides: &Sides,
        capacity: u64,
        size: u64,
        alignment: u64,
    ) -> Result<Self, GeometryError> {
        let slots = match sides {
            Sides::Spsc => Slots::new(capacity, size, alignment, 0),
            // Rounding up would hide it.
            _ if !alignment.is_power_of_two() => Err(GeometryError::Alignment),
            Sides::Mpmc { .. } | Sides::Broadcast { .. } => {
                let alignment = alignment.max(SLOT_WORDS_LEN);
                let prefix = SLOT_WORDS_LEN.next_multiple_of(alignment);
                Slots::new(capacity, size, alignment, prefix)
            }
        };
        Ok(Self::Slots(arranged(slots?, sides)?))
    }

    /// Entries for values of this size, whatever alignment they have where they are copied to.
    pub(crate) fn ticks(capacity: u64, size: u64, alignment: u64) -> Result<Self, GeometryError> {
        if !alignment.is_power_of_two() || alignment > ALIGNMENT_MAX {
            return Err(GeometryError::Alignment);
        }
        Ok(Self::Ticks(Slots::behind_stamps(capacity, size)?))
    }

    /// Whether values of this size fit the entries of a ring of ticks.
    pub(crate) fn is_tick(size: u64) -> bool {
        STAMP_LEN + size <= TICK_ENTRY_LEN_MAX
    }

    /// Slots for bytes, each with the header of its message.
    pub(crate) fn bytes(sides: &Sides, capacity: u64, size: u64) -> Result<Self, GeometryError> {
        let slots = Slots::new(capacity, size, SLOT_ALIGNMENT, MESSAGE_HEADER_LEN as u64)?;
        Ok(Self::Bytes(arranged(slots, sides)?))
    }

    /// The number of this shape in the file.
    pub(crate) fn code(&self) -> u32 {
        match self {
            Self::Slots(_) => 1,
            Self::Ticks(_) => 2,
            Self::Records(_) => 3,
            Self::Bytes(_) => 4,
        }
    }

    /// What the shape is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Slots(_) => "slots",
            Self::Ticks(_) => "ticks",
            Self::Bytes(_) => "bytes",
            Self::Records(_) => "records",
        }
    }

    /// Slots of a lane (an `spsc` ring has one), messages that a broadcast ring keeps, or
    /// bytes of a ring of records.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        match self {
            Self::Slots(slots) | Self::Ticks(slots) | Self::Bytes(slots) => slots.capacity(),
            Self::Records(records) => records.capacity(),
        }
    }

    /// Bytes of the whole payload area.
    #[must_use]
    pub fn data_len(&self) -> u64 {
        match self {
            Self::Slots(slots) | Self::Ticks(slots) | Self::Bytes(slots) => slots.data_len(),
            Self::Records(records) => records.capacity(),
        }
    }
}

/// In lanes, or in a pool with a slot more for each claim and each view.
fn arranged(slots: Slots, sides: &Sides) -> Result<Slots, GeometryError> {
    match sides {
        Sides::Spsc => Ok(slots),
        Sides::Mpmc { lanes, .. } => slots.in_lanes(*lanes),
        Sides::Broadcast { views, claims, .. } => {
            slots.in_pool(u64::from(*claims) + u64::from(*views))
        }
    }
}
