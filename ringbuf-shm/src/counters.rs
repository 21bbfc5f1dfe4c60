//! What each side counts, for people.

use std::mem::offset_of;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// What one side counts. Each word is stored by the side that owns the region, and
/// may miss the last step of a peer that was killed.
#[repr(C, align(128))]
#[derive(Debug)]
pub(crate) struct Counters {
    /// Messages committed, or released.
    pub(crate) messages: AtomicU64,
    /// How often this side asked the kernel to let it sleep.
    pub(crate) sleeps: AtomicU64,
    /// How often this side asked the kernel to wake the other.
    pub(crate) wakes: AtomicU64,
    /// How often this side asked the kernel whether the other lives.
    pub(crate) probes: AtomicU64,
    /// Messages delivered that a dead consumer had been shown before.
    pub(crate) redelivered: AtomicU64,
}

const _: () = {
    assert!(offset_of!(Counters, messages) == 0);
    assert!(offset_of!(Counters, sleeps) == 8);
    assert!(offset_of!(Counters, wakes) == 16);
    assert!(offset_of!(Counters, probes) == 24);
    assert!(offset_of!(Counters, redelivered) == 32);
};

/// Adds to a counter that has one writer. Relaxed: it is for people.
#[inline]
pub(crate) fn count(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(more), Relaxed);
}
