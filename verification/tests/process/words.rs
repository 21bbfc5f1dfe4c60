//! The words of a ring's file that its peers store to, through a mapping of one's own.
//!
//! Their places are those of FORMAT.md, stated once more, so that a test neither
//! believes the code under test nor needs its leave to damage a word.

use memmap2::MmapRaw;
use ringbuf_shm::Ring;
use std::fs::File;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU32, AtomicU64};

pub(crate) const PRODUCER_ROW: usize = 0x1_0000;
pub(crate) const CONSUMER_ROW: usize = 0x1_0080;
pub(crate) const TAIL: usize = 0x2_0000;
pub(crate) const HEAD: usize = 0x3_0000;
pub(crate) const TAKEN: usize = 0x3_0008;
pub(crate) const DROPPING: usize = 0x3_0010;
pub(crate) const DROPPED: usize = 0x3_0018;
/// Epoch and `woken` of the event on which the consumer sleeps.
pub(crate) const DATA_EVENT: usize = 0x4_0000;
/// Epoch and `woken` of the event on which the producer sleeps.
pub(crate) const ROOM_EVENT: usize = 0x4_0080;
/// The payload area.
pub(crate) const DATA: usize = 0x5_0000;

/// A mapping of a file whose every byte is an atomic.
#[derive(Debug)]
pub(crate) struct Words {
    map: MmapRaw,
}

impl Words {
    pub(crate) fn of(ring: &Ring) -> Self {
        Self::map(&File::from(ring.as_fd().try_clone_to_owned().unwrap()))
    }

    pub(crate) fn map(file: &File) -> Self {
        Self { map: MmapRaw::map_raw(file).unwrap() }
    }

    /// The aligned 8 bytes at `offset`.
    pub(crate) fn at(&self, offset: usize) -> &AtomicU64 {
        assert!(offset.is_multiple_of(8) && offset + 8 <= self.map.len());
        // SAFETY: in bounds (above).
        let at = unsafe { self.map.as_mut_ptr().add(offset) };
        // SAFETY: aligned (above; mappings start on a page), any bytes are a value of
        // it, mapped for as long as `self` is borrowed, and only ever used as atomics.
        unsafe { AtomicU64::from_ptr(at.cast()) }
    }

    /// The aligned 4 bytes at `offset`.
    pub(crate) fn half(&self, offset: usize) -> &AtomicU32 {
        assert!(offset.is_multiple_of(4) && offset + 4 <= self.map.len());
        // SAFETY: in bounds (above).
        let at = unsafe { self.map.as_mut_ptr().add(offset) };
        // SAFETY: as in `at`.
        unsafe { AtomicU32::from_ptr(at.cast()) }
    }

    pub(crate) fn load(&self, offset: usize) -> u64 {
        self.at(offset).load(SeqCst)
    }

    pub(crate) fn store(&self, offset: usize, value: u64) {
        self.at(offset).store(value, SeqCst);
    }
}
