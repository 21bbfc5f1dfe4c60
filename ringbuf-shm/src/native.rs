//! The machine in production: atomics in a mapped file, and a shared futex.

use crate::counters::{Counters, count};
use ringbuf_core::machine::Machine;
use rustix::thread::futex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// Atomics as they are, and how often one side called the kernel.
#[derive(Debug)]
pub(crate) struct Native {
    counters: &'static Counters,
}

impl Native {
    /// Counts in `counters`, which this side alone stores to.
    pub(crate) fn new(counters: &'static Counters) -> Self {
        Self { counters }
    }
}

impl Machine for Native {
    type U32 = AtomicU32;
    type U64 = AtomicU64;

    #[inline(always)]
    fn fence(&self, order: Ordering) {
        fence(order);
    }

    #[inline(always)]
    fn spin(&self) {
        std::hint::spin_loop();
    }

    #[cold]
    fn sleep(&self, word: &AtomicU32, seen: u32, nanos: u64) {
        count(&self.counters.sleeps, 1);
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
        count(&self.counters.wakes, 1);
        // Everyone: a single sleeper might be stopped or dying, and swallow it.
        let _ = futex::wake(word, futex::Flags::empty(), i32::MAX as u32);
    }
}
