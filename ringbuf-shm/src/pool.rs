//! What the slots of a broadcast ring cost.

use crate::header::{Shape, Sides, Spec};

/// The slots of a broadcast ring: one for each message that it keeps, one for each that
/// may be written, and one for each that may be looked at.
///
/// With so many there is always a free one, whatever the subscribers look at and however
/// long. So this is what it costs that nobody is overwritten: a ring that keeps 8 video
/// frames of 3 MB for [`views_max`](crate::Options::views_max) 32 has 41 slots, 123 MB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pool {
    /// Slots for the messages that the ring keeps: its capacity.
    pub ring: u64,
    /// Slots for messages that are being written.
    pub claims: u64,
    /// Slots for messages that are looked at, also when the ring keeps them no longer.
    pub views: u64,
    /// All of them together.
    pub slots: u64,
    /// Bytes of memory that they take, with what stands in front of each message.
    pub bytes: u64,
}

impl Pool {
    /// The pool of this ring, if it has one.
    pub(crate) fn of(spec: &Spec) -> Option<Self> {
        let Sides::Broadcast { views, claims, .. } = spec.sides else { return None };
        let (Shape::Slots(slots) | Shape::Bytes(slots)) = spec.shape else { return None };
        Some(Self {
            ring: slots.capacity(),
            claims: claims.into(),
            views: views.into(),
            slots: slots.count(),
            bytes: slots.data_len(),
        })
    }
}
