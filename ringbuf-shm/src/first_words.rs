//! What stands in the file of a new ring besides zeros.

use crate::backing::Part;
use crate::header::{Description, RegionKind};
use crate::layout::SPSC_ROWS;
use ringbuf_core::peer::{RowWords, STATE_EMPTY};
use std::mem::size_of;

/// The parts of a new file, the header last.
pub(crate) fn first_words(description: &Description) -> Vec<Part> {
    let first = description.spec.first_position.to_ne_bytes();
    vec![
        Part {
            offset: description.region(RegionKind::Peers).offset,
            bytes: STATE_EMPTY.to_ne_bytes().to_vec(),
            stride: size_of::<RowWords<crate::native::Native>>() as u64,
            count: u64::from(SPSC_ROWS),
        },
        Part::once(description.region(RegionKind::Producer).offset, &first),
        // `head` and `taken`.
        Part::once(description.region(RegionKind::Consumer).offset, &[first, first].concat()),
        Part::once(0, &description.encode()),
    ]
}
