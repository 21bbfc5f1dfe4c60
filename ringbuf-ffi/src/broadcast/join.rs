//! `struct ringbuf_broadcast_join`: what a subscriber wants.
//!
//! Unsafe code here says what the structure consists of.

use crate::argument::{self, Asks};
use crate::error::Errno;
use ringbuf_shm::broadcast::{self, Delivery, Start};
use std::mem::{offset_of, size_of};

/// `RINGBUF_DELIVERY_LOSSLESS`
pub const DELIVERY_LOSSLESS: u32 = 1;
/// `RINGBUF_DELIVERY_LOSSY`
pub const DELIVERY_LOSSY: u32 = 2;
/// `RINGBUF_DELIVERY_LATEST`
pub const DELIVERY_LATEST: u32 = 3;
/// `RINGBUF_START_DEFAULT`
pub const START_DEFAULT: u32 = 0;
/// `RINGBUF_START_NEWEST`
pub const START_NEWEST: u32 = 1;
/// `RINGBUF_START_OLDEST`
pub const START_OLDEST: u32 = 2;
/// `RINGBUF_START_POSITION`
pub const START_POSITION: u32 = 3;

/// The size of the structure in the first version that had it, for ever.
const SIZE_FIRST: usize = 24;

/// `struct ringbuf_broadcast_join`, as the header has it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Join {
    /// Bytes of this structure, as the caller knows it.
    pub size: u32,
    /// What it wants when the publisher is faster.
    pub delivery: u32,
    /// Where it begins.
    pub start: u32,
    /// How many messages it may hold at a time; 0: the default.
    pub views: u32,
    /// The position at which it begins, if it begins at one.
    pub position: u64,
}

const _: () = assert!(size_of::<Join>() >= SIZE_FIRST && offset_of!(Join, size) == 0);

// SAFETY: numbers only, and no padding.
unsafe impl Asks for Join {
    const SIZE_FIRST: usize = SIZE_FIRST;
}

/// What a subscriber asks for, in Rust's own words.
///
/// # Errors
/// EINVAL for anything the manual does not allow.
///
/// # Safety
/// `join` is NULL, or points to a structure as its `size` says.
pub(super) unsafe fn read(join: *const Join) -> Result<broadcast::Join, Errno> {
    // SAFETY: as this function demands.
    let asked = unsafe { argument::asked(join) }?;
    let mut join = broadcast::Join::new(match asked.delivery {
        DELIVERY_LOSSLESS => Delivery::Lossless,
        DELIVERY_LOSSY => Delivery::Lossy,
        DELIVERY_LATEST => Delivery::Latest,
        _ => return Err(Errno::INVALID),
    });
    join = match (asked.start, asked.position) {
        (START_DEFAULT, 0) => join,
        (START_NEWEST, 0) => join.start(Start::Newest),
        (START_OLDEST, 0) => join.start(Start::Oldest),
        (START_POSITION, position) => join.start(Start::Position(position)),
        _ => return Err(Errno::INVALID),
    };
    Ok(if asked.views == 0 { join } else { join.views(asked.views) })
}
