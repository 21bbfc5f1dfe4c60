//! Where the parts of the file stand: what follows from the decisions.

use super::fields::{Region, RegionKind};
use super::shape::Shape;
use super::sides::Sides;
use crate::layout::{HUGE_PAGE, IMMUTABLE_LEN, REGION_ALIGNMENT};
use crate::native::Native;
use crate::regions::{
    BoardRegion, ConsumerRegion, EventRegion, LaneRegion, PeerRegion, ProducerRegion,
};
use ringbuf_core::broadcast::{PublisherWords, ReaderWords};
use ringbuf_core::event::EventWords;
use ringbuf_core::machine::Line;
use ringbuf_core::peer::{ROWS_MAX, RowWords};
use std::mem::size_of;
use std::sync::atomic::AtomicU64;

// Where the data begins says whether huge pages were wished for. Without the wish it is
// moved on by one step if it would begin where they do.
const _: () = assert!(REGION_ALIGNMENT < HUGE_PAGE && HUGE_PAGE.is_multiple_of(REGION_ALIGNMENT));

/// The most bytes before the data of an `spsc` or `mpmc` ring, which therefore begins at
/// the first huge page if they are wished for, and is never moved on if they are not.
const BEFORE_DATA_MAX: u64 =
    ROWS_MAX as u64 * size_of::<PeerRegion>() as u64 + 4 * REGION_ALIGNMENT;
const _: () = assert!(BEFORE_DATA_MAX < HUGE_PAGE);

/// A region of words: its kind, how many elements, bytes of each, and whether it is an
/// array.
struct Words {
    kind: RegionKind,
    count: u64,
    element: usize,
    array: bool,
}

fn array<T>(kind: RegionKind, count: u64) -> Words {
    Words { kind, count, element: size_of::<T>(), array: true }
}

fn one<T>(kind: RegionKind) -> Words {
    Words { kind, count: 1, element: size_of::<T>(), array: false }
}

/// The regions of words, in the order in which they stand in the file; the data follows.
fn words(sides: &Sides, shape: &Shape) -> Vec<Words> {
    let rows = u64::from(sides.rows());
    let events = array::<EventWords<Native>>(RegionKind::Events, EVENTS);
    match *sides {
        Sides::Spsc => vec![
            array::<RowWords<Native>>(RegionKind::Peers, rows),
            one::<ProducerRegion>(RegionKind::Producer),
            one::<ConsumerRegion>(RegionKind::Consumer),
            events,
        ],
        Sides::Mpmc { lanes, .. } => vec![
            array::<PeerRegion>(RegionKind::Peers, rows),
            array::<LaneRegion>(RegionKind::Lanes, lanes.into()),
            one::<BoardRegion>(RegionKind::Board),
            events,
        ],
        Sides::Broadcast { subscribers, views: 0, .. } => vec![
            array::<PeerRegion>(RegionKind::Peers, rows),
            one::<PublisherWords<Native>>(RegionKind::Publisher),
            array::<ReaderWords<Native>>(RegionKind::Readers, subscribers.into()),
            events,
        ],
        Sides::Broadcast { subscribers, views, .. } => vec![
            array::<PeerRegion>(RegionKind::Peers, rows),
            one::<PublisherWords<Native>>(RegionKind::Publisher),
            array::<ReaderWords<Native>>(RegionKind::Readers, subscribers.into()),
            array::<Line<AtomicU64>>(RegionKind::Cells, views.into()),
            array::<AtomicU64>(RegionKind::Entries, shape.capacity()),
            events,
        ],
    }
}

/// `data` and `room`.
const EVENTS: u64 = 2;
const _: () = assert!(size_of::<EventRegion>() == 2 * size_of::<EventWords<Native>>());

/// The regions of a ring, in the order in which they stand in its file.
pub(super) fn regions(sides: &Sides, shape: &Shape, huge: bool) -> Vec<Region> {
    let mut end = IMMUTABLE_LEN as u64;
    let mut regions = Vec::new();
    for Words { kind, count, element, array } in words(sides, shape) {
        let element = element as u64;
        let (len, stride) = (count * element, if array { element } else { 0 });
        let region = Region::new(kind, end.next_multiple_of(REGION_ALIGNMENT), len, stride);
        end = region.end();
        regions.push(region);
    }
    let stride = match shape {
        Shape::Slots(slots) | Shape::Ticks(slots) | Shape::Bytes(slots) => slots.stride(),
        Shape::Records(_) => 0,
    };
    let offset = data_offset(end, huge);
    regions.push(Region::new(RegionKind::Data, offset, shape.data_len(), stride));
    regions
}

/// Where the data begins: at a multiple of a huge page if, and only if, huge pages were
/// wished for.
fn data_offset(end: u64, huge: bool) -> u64 {
    let offset = end.next_multiple_of(data_page(huge));
    let by_chance = !huge && offset.is_multiple_of(HUGE_PAGE);
    if by_chance { offset + REGION_ALIGNMENT } else { offset }
}

/// What the data begins at a multiple of, and so does the end of the file: it is
/// mapped in whole pages, also of the large sizes.
pub(super) fn data_page(huge: bool) -> u64 {
    if huge { HUGE_PAGE } else { REGION_ALIGNMENT }
}
