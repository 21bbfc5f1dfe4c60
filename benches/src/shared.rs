//! A bare shared mapping.
//!
//! Unsafe code here makes references to words of the mapping, which lives as long
//! as they are borrowed.

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use std::io;
use std::os::fd::OwnedFd;
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64};

/// From one word to the next that another side writes: two lines, since the
/// processor fetches lines in pairs.
pub(crate) const APART: usize = 128;

#[derive(Debug)]
pub(crate) struct Shared {
    map: MmapRaw,
}

impl Shared {
    /// Makes memory of this length, all zeros.
    pub(crate) fn create(len: usize) -> io::Result<OwnedFd> {
        let file = memfd_create("benches", MemfdFlags::CLOEXEC)?;
        ftruncate(&file, len as u64)?;
        Ok(file)
    }

    pub(crate) fn map(file: &OwnedFd) -> io::Result<Self> {
        Ok(Self { map: MmapOptions::new().populate().map_raw(file)? })
    }

    /// The word at an offset that is a multiple of its size.
    #[inline(always)]
    pub(crate) fn word(&self, offset: usize) -> &AtomicU32 {
        assert!(offset.is_multiple_of(4) && offset + 4 <= self.map.len());
        // SAFETY: in bounds (asserted).
        let word = unsafe { self.map.as_mut_ptr().add(offset) };
        // SAFETY: aligned (asserted; mappings start on a page), alive as long as
        // `self`; all sides use this word as an atomic only.
        unsafe { AtomicU32::from_ptr(word.cast()) }
    }

    /// The number at an offset that is a multiple of its size.
    #[inline(always)]
    pub(crate) fn number(&self, offset: usize) -> &AtomicU64 {
        assert!(offset.is_multiple_of(8) && offset + 8 <= self.map.len());
        // SAFETY: in bounds (asserted).
        let number = unsafe { self.map.as_mut_ptr().add(offset) };
        // SAFETY: aligned (asserted; mappings start on a page), alive as long as
        // `self`; all sides use this number as an atomic only.
        unsafe { AtomicU64::from_ptr(number.cast()) }
    }

    /// So many messages from an offset on that is a multiple of 8.
    #[inline(always)]
    pub(crate) fn messages<const W: usize>(&self, offset: usize, count: usize) -> *mut [[u64; W]] {
        assert!(offset.is_multiple_of(8) && offset + count * W * 8 <= self.map.len());
        // SAFETY: in bounds (asserted).
        let first = unsafe { self.map.as_mut_ptr().add(offset) };
        ptr::slice_from_raw_parts_mut(first.cast(), count)
    }
}
