//! Where the parts of the file stand: what follows from the decisions.

use super::fields::{Region, RegionKind};
use super::shape::Shape;
use super::sides::Sides;
use crate::layout::{HUGE_PAGE, IMMUTABLE_LEN, REGION_ALIGNMENT};
use crate::native::Native;
use crate::regions::{
    BoardRegion, ConsumerRegion, EventRegion, LaneRegion, PeerRegion, ProducerRegion,
};
use ringbuf_core::event::EventWords;
use ringbuf_core::peer::{ROWS_MAX, RowWords};
use std::mem::size_of;

/// Parts of a file of either kind; the data is the last.
pub(super) const REGIONS: usize = 5;
/// The place of the data among them.
pub(super) const DATA: usize = REGIONS - 1;

/// The most bytes before the data where no huge pages are wished for. It stays below
/// a huge page: where the data begins says what was wished.
const BEFORE_DATA_MAX: u64 =
    ROWS_MAX as u64 * size_of::<PeerRegion>() as u64 + 4 * REGION_ALIGNMENT;
const _: () = assert!(BEFORE_DATA_MAX < HUGE_PAGE);

/// The regions of a ring, in the order in which they stand in its file.
pub(super) fn regions(sides: &Sides, shape: &Shape, huge: bool) -> [Region; REGIONS] {
    let event = size_of::<EventWords<Native>>();
    let events = (RegionKind::Events, size_of::<EventRegion>(), event);
    let rows = sides.rows() as usize;
    let words = match sides {
        Sides::Spsc => {
            let row = size_of::<RowWords<Native>>();
            [
                (RegionKind::Peers, rows * row, row),
                (RegionKind::Producer, size_of::<ProducerRegion>(), 0),
                (RegionKind::Consumer, size_of::<ConsumerRegion>(), 0),
                events,
            ]
        }
        Sides::Mpmc { .. } => {
            let (peer, lane) = (size_of::<PeerRegion>(), size_of::<LaneRegion>());
            [
                (RegionKind::Peers, rows * peer, peer),
                (RegionKind::Lanes, sides.lanes() as usize * lane, lane),
                (RegionKind::Board, size_of::<BoardRegion>(), 0),
                events,
            ]
        }
    };
    let stride = match shape {
        Shape::Slots(slots) | Shape::Bytes(slots) => slots.stride(),
        Shape::Records(_) => 0,
    };
    let mut end = IMMUTABLE_LEN as u64;
    let mut place = |kind, len, stride, alignment| {
        let offset = end.next_multiple_of(alignment);
        end = offset + len;
        Region::new(kind, offset, len, stride)
    };
    let [peers, second, third, events] =
        words.map(|(kind, len, stride)| place(kind, len as u64, stride as u64, REGION_ALIGNMENT));
    let data = place(RegionKind::Data, shape.data_len(), stride, data_page(huge));
    [peers, second, third, events, data]
}

/// What the data begins at a multiple of, and so does the end of the file: it is
/// mapped in whole pages, also of the large sizes.
pub(super) fn data_page(huge: bool) -> u64 {
    if huge { HUGE_PAGE } else { REGION_ALIGNMENT }
}
