//! What stands in the file of a new ring besides zeros.

use crate::backing::Part;
use crate::header::{Description, Region, RegionKind, Shape, Sides};
use crate::native::Native;
use crate::regions::MessageWords;
use ringbuf_core::broadcast::PublisherWords;
use ringbuf_core::geometry::Slots;
use ringbuf_core::mpmc::{LaneWords, Notices, Progress};
use ringbuf_core::peer::STATE_EMPTY;
use ringbuf_core::position::Position;
use ringbuf_core::slot::{SlotWord, lap_of};
use std::mem::offset_of;

/// The parts of a new file, the header last.
pub(crate) fn first_words(description: &Description) -> Vec<Part> {
    let spec = &description.spec;
    let region = |kind| description.region(kind).expect("a region of this kind of ring");
    let peers = region(RegionKind::Peers);
    let mut parts = vec![Part {
        offset: peers.offset,
        bytes: STATE_EMPTY.to_ne_bytes().to_vec(),
        stride: peers.stride,
        count: u64::from(spec.sides.rows()),
    }];
    let first = spec.first_position.to_ne_bytes();
    match spec.sides {
        Sides::Spsc => {
            parts.push(Part::once(region(RegionKind::Producer).offset, &first));
            // `head` and `taken`.
            let both = [first, first].concat();
            parts.push(Part::once(region(RegionKind::Consumer).offset, &both));
        }
        Sides::Mpmc { .. } => {
            parts.push(lanes(region(RegionKind::Lanes), &spec.sides, first));
            parts.extend(slots(region(RegionKind::Data), &spec.shape, spec.first_position));
        }
        Sides::Broadcast { .. } => {
            let publisher = region(RegionKind::Publisher).offset;
            let floor = offset_of!(PublisherWords<Native>, floor) as u64;
            parts.push(Part::once(publisher, &first));
            parts.push(Part::once(publisher + floor, &first));
            parts.push(nobody_at_each(region(RegionKind::Readers)));
            // Ticks have none.
            parts.extend(description.region(RegionKind::Cells).map(nobody_at_each));
        }
    }
    parts.push(Part::once(0, &description.encode()));
    parts
}

/// The first word of each reader, or of each cell: IDLE, or FREE, of nobody.
fn nobody_at_each(region: Region) -> Part {
    const NOBODY: u64 = 1;
    Part {
        offset: region.offset,
        bytes: NOBODY.to_ne_bytes().to_vec(),
        stride: region.stride,
        count: region.len / region.stride,
    }
}

/// `tail` and `head` of every lane, and `far` where it is looked at.
fn lanes(region: Region, sides: &Sides, first: [u8; 8]) -> Part {
    const HEAD: usize = offset_of!(LaneWords<Native>, head);
    const FAR: usize = offset_of!(LaneWords<Native>, notices) + offset_of!(Notices<Native>, far);
    let words: &[usize] = match sides.progress() {
        Progress::Fast => &[0, HEAD],
        Progress::Strict => &[0, HEAD, FAR],
    };
    let mut bytes = vec![0; FAR + first.len()];
    for at in words {
        bytes[*at..at + first.len()].copy_from_slice(&first);
    }
    Part { offset: region.offset, bytes, stride: region.stride, count: sides.lanes().into() }
}

/// The slot words: each slot is free for the first position at or behind `first` that
/// it is the slot of.
fn slots(region: Region, shape: &Shape, first: u64) -> Vec<Part> {
    let (slots, word): (&Slots, u64) = match shape {
        Shape::Slots(slots) => (slots, 0),
        Shape::Bytes(slots) => (slots, offset_of!(MessageWords, slot) as u64),
        Shape::Ticks(_) | Shape::Records(_) => return Vec::new(),
    };
    let capacity = slots.capacity();
    let start = first % capacity;
    let lap = lap_of(Position::new(first), capacity);
    let part = |lane: u32, index: u64, count: u64, lap: u32| Part {
        offset: region.offset + u64::from(lane) * slots.lane_len() + index * slots.stride() + word,
        bytes: SlotWord::free(lap).bits().to_ne_bytes().to_vec(),
        stride: slots.stride(),
        count,
    };
    (0..slots.lanes())
        .flat_map(|lane| {
            [part(lane, start, capacity - start, lap), part(lane, 0, start, lap.wrapping_add(1))]
        })
        .collect()
}
