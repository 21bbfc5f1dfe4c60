//! `struct ringbuf_broadcast_pool`: what the slots of a broadcast ring cost.
//!
//! Unsafe code here says what the structure consists of.

use crate::error::Errno;
use crate::stat::Told;
use ringbuf_shm::Ring;
use std::mem::size_of;

/// `struct ringbuf_broadcast_pool`, as the header has it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Pool {
    /// Bytes of this structure, as the caller knows it.
    pub size: u32,
    /// 0.
    pub reserved: u32,
    /// Slots for the messages that the ring keeps.
    pub ring: u64,
    /// Slots for messages that are being written.
    pub claims: u64,
    /// Slots for messages that are looked at.
    pub views: u64,
    /// All of them.
    pub slots: u64,
    /// Bytes of memory that they take.
    pub bytes: u64,
}

const SIZE_FIRST: usize = 48;
const _: () = assert!(size_of::<Pool>() >= SIZE_FIRST);

// SAFETY: numbers only, and as long as they are together.
unsafe impl Told for Pool {
    const SIZE_FIRST: usize = SIZE_FIRST;

    fn set_size(&mut self, size: u32) {
        self.size = size;
    }
}

impl Pool {
    pub(super) fn of(ring: &Ring) -> Result<Self, Errno> {
        let pool = ring.pool().ok_or(Errno::PROTOCOL)?;
        Ok(Self {
            size: 0,
            reserved: 0,
            ring: pool.ring,
            claims: pool.claims,
            views: pool.views,
            slots: pool.slots,
            bytes: pool.bytes,
        })
    }
}
