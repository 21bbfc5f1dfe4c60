//! Bytes of the ring that a consumer may look at until it gives them back.
//!
//! Unsafe code here makes a slice of them when one is asked for, and copies them
//! without ever having one.

use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr;

/// Payload of one message, in place. No reference to it exists until somebody asks.
#[derive(Debug)]
pub(crate) struct Lent<'a> {
    at: *const u8,
    len: usize,
    lifetime: PhantomData<&'a [u8]>,
}

// SAFETY: stands for a `&[u8]`, which may go to other threads.
unsafe impl Send for Lent<'_> {}

impl Lent<'_> {
    /// The `len` bytes at `at`.
    ///
    /// # Safety
    /// They lie in the mapping, which outlives `'a`, and no correct peer writes to
    /// them during `'a`.
    #[inline(always)]
    pub(crate) unsafe fn new(at: *const u8, len: usize) -> Self {
        Self { at, len, lifetime: PhantomData }
    }

    /// Copies as many bytes as both have to `target`, and says how many.
    pub(crate) fn copy_to(&self, target: &mut [u8]) -> usize {
        let len = self.len.min(target.len());
        // SAFETY: both ranges are in bounds, and `target` is exclusive and ours. There is
        // no reference into the ring, so a peer that writes meanwhile spoils the bytes
        // and nothing else.
        unsafe { ptr::copy_nonoverlapping(self.at, target.as_mut_ptr(), len) };
        len
    }
}

impl Deref for Lent<'_> {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        // SAFETY: in bounds, alive and not written to, by the contract of `new`; any
        // bytes are bytes.
        unsafe { std::slice::from_raw_parts(self.at, self.len) }
    }
}
