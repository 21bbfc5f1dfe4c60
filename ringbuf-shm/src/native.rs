//! The machine in production: atomics in a mapped file, and a shared futex.

use crate::membarrier;
use ringbuf_core::machine::Machine;
use rustix::thread::futex;
use std::mem::offset_of;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, compiler_fence, fence};

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// Atomics as they are; and what one side counts, for people, where it stands in the
/// file. Each word is stored by that side, and may miss its last step when it is killed.
#[repr(C, align(128))]
#[derive(Debug)]
pub(crate) struct Native {
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
    /// How often this side had to sleep without the fence that it asked the kernel for.
    pub(crate) unfenced: AtomicU64,
}

const _: () = {
    assert!(offset_of!(Native, messages) == 0);
    assert!(offset_of!(Native, sleeps) == 8);
    assert!(offset_of!(Native, wakes) == 16);
    assert!(offset_of!(Native, probes) == 24);
    assert!(offset_of!(Native, redelivered) == 32);
    assert!(offset_of!(Native, unfenced) == 40);
};

/// Adds to a number that one side counts. Relaxed: it is for people.
#[inline]
pub(crate) fn count(number: &AtomicU64, more: u64) {
    number.store(number.load(Relaxed).wrapping_add(more), Relaxed);
}

impl Machine for Native {
    type U32 = AtomicU32;
    type U64 = AtomicU64;

    #[inline(always)]
    fn fence(&self, order: Ordering) {
        fence(order);
    }

    #[inline(always)]
    fn light_fence(&self) {
        compiler_fence(SeqCst);
    }

    #[cold]
    fn heavy_fence(&self) -> bool {
        let fenced = membarrier::interrupt_all();
        if !fenced {
            fence(SeqCst);
            count(&self.unfenced, 1);
        }
        fenced
    }

    #[inline(always)]
    fn spin(&self) {
        std::hint::spin_loop();
    }

    #[cold]
    fn sleep(&self, word: &AtomicU32, seen: u32, nanos: u64) {
        count(&self.sleeps, 1);
        let timeout = futex::Timespec {
            tv_sec: (nanos / SECOND).cast_signed(),
            tv_nsec: (nanos % SECOND).cast_signed(),
        };
        // Never the private flag: the sleepers are other processes. Whatever it
        // returns (woken, changed, interrupted, time up), the caller looks again.
        let _ = futex::wait(word, futex::Flags::empty(), seen, Some(&timeout));
    }

    #[cold]
    fn wake(&self, word: &AtomicU32) {
        count(&self.wakes, 1);
        // Everyone: a single sleeper might be stopped or dying, and swallow it.
        let _ = futex::wake(word, futex::Flags::empty(), i32::MAX as u32);
    }
}
