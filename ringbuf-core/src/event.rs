//! Sleeping until something may have happened, without losing the wake-up and
//! without anything to repair when a sleeper or a waker is killed.
//!
//! A sleeper announces itself, looks once more, and sleeps on the word that holds
//! its announcement. A waker publishes, looks for an announcement, and only if
//! there is one clears it and wakes everyone. No sleepers are counted, so a dead
//! one leaves at most one needless wake-up behind.
//!
//! A waker may die between clearing the announcement and waking. `woken` closes
//! that hole: it names the last epoch whose wake-up was issued, and a later waker
//! that finds it behind the epoch wakes again. If no later waker comes, the slice
//! in which a sleeper sleeps ends, and it looks for itself.
//!
//! Between what a waker stores and its look for sleepers there must be a fence, or each
//! may miss the other. It is paid for each message, on the line that the other side
//! polls. The alternative is [`Fencing::Light`]: the waker's fence costs nothing, and the
//! sleeper, who has time, makes all others pass a full one.
//!
//! This is an event count (Reed and Kanodia 1979; Vyukov's `eventcount`) in which
//! the count of waiters is a single bit and the killed waker is provided for.

use crate::machine::{Machine, Word};
use core::fmt;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};

/// The words of one event. In a file this is the layout itself.
#[repr(C, align(128))]
pub struct EventWords<M: Machine> {
    /// Bit 0: somebody may sleep on this value. Bits 1 to 31: the epoch, one more
    /// for every wake-up. Moved by compare-and-swap, by anybody.
    pub epoch: M::U32,
    /// The last value of `epoch` for which everyone was woken. Stored by wakers.
    pub woken: M::U32,
}

const SLEEPER: u32 = 1;
const ONE_EPOCH: u32 = 2;
/// How often a waker tries to clear an announcement that keeps changing. Each
/// failure means that another waker got through or that a sleeper, who looks
/// again after it, announced itself; after so many of them the wake-up is issued
/// all the same.
const CLEAR_TRIES_MAX: u32 = 64;

/// The longest sleep of one who could not have its heavy fence, nanoseconds: a wake-up
/// may be missed.
const UNFENCED_NANOS_MAX: u64 = 1_000_000;

/// The fences of one participant; those of all must fit together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fencing {
    /// Full ones, as those of everybody.
    #[default]
    Full,
    /// As a sleeper heavy ones; as a waker full ones, since heavy ones do not reach it.
    Heavy,
    /// As a sleeper heavy ones, as a waker light ones.
    Light,
}

/// One side's view of an event.
pub struct Event<'a, M: Machine> {
    machine: &'a M,
    words: &'a EventWords<M>,
    fencing: Fencing,
}

impl<M: Machine> Clone for Event<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: Machine> Copy for Event<'_, M> {}

impl<'a, M: Machine> Event<'a, M> {
    /// An event on these words, with full fences.
    #[inline(always)]
    #[must_use]
    pub fn new(machine: &'a M, words: &'a EventWords<M>) -> Self {
        Self { machine, words, fencing: Fencing::Full }
    }

    /// The same event with other fences.
    #[inline(always)]
    #[must_use]
    pub fn fenced(self, fencing: Fencing) -> Self {
        Self { fencing, ..self }
    }

    /// Wakes whoever sleeps; whether somebody had to be woken.
    ///
    /// Call it after the stores that others wait for: once for a whole batch.
    #[inline]
    pub fn notify(&self) -> bool {
        // edge DOZE, the waker's side. Our stores, then this look.
        // - If the sleeper's announcement comes first, we see it and wake.
        // - If our stores come first, the sleeper's second look sees them.
        // The two fences exclude the third case, in which each misses the other.
        match self.fencing {
            Fencing::Full | Fencing::Heavy => self.machine.fence(SeqCst),
            Fencing::Light => self.machine.light_fence(),
        }
        self.notify_after_fence()
    }

    /// As [`notify`](Self::notify), of one who has issued a sequentially consistent fence
    /// since its stores.
    #[inline]
    pub fn notify_after_fence(&self) -> bool {
        // Relaxed, both: the fence orders them after our stores.
        let epoch = self.words.epoch.load(Relaxed);
        if epoch & SLEEPER == 0 && self.words.woken.load(Relaxed) == epoch {
            return false;
        }
        self.wake(epoch)
    }

    #[cold]
    fn wake(&self, seen: u32) -> bool {
        let mut epoch = seen;
        for _ in 0..CLEAR_TRIES_MAX {
            if epoch & SLEEPER == 0 {
                break;
            }
            let next = (epoch & !SLEEPER).wrapping_add(ONE_EPOCH);
            // Relaxed, both: the fence before it is what orders the clearing.
            match self.words.epoch.compare_exchange(epoch, next, Relaxed, Relaxed) {
                Ok(_) => epoch = next,
                Err(found) => epoch = found,
            }
        }
        // Relaxed: a waker before us cleared the announcement; did it live to wake?
        if epoch & SLEEPER == 0 && self.words.woken.load(Relaxed) == epoch {
            return false;
        }
        self.machine.wake(&self.words.epoch);
        // Relaxed: if others miss it they only wake once more.
        self.words.woken.store(epoch, Relaxed);
        true
    }

    /// Announces a sleeper, looks again, and sleeps at most `nanos` nanoseconds
    /// unless the look finds something.
    ///
    /// `None` after a sleep, however it ended: the caller looks and calls again.
    pub fn sleep<T>(&self, nanos: u64, look: impl FnOnce() -> Option<T>) -> Option<T> {
        // Relaxed: whatever we find is confirmed by the exchange or by the kernel.
        let mut epoch = self.words.epoch.load(Relaxed);
        if epoch & SLEEPER == 0 {
            let announced = epoch | SLEEPER;
            // Relaxed, both: the fence below orders the announcement before the look.
            if self.words.epoch.compare_exchange(epoch, announced, Relaxed, Relaxed).is_err() {
                // The epoch moved, so something may have happened: look, do not sleep.
                self.machine.spin();
                return look();
            }
            epoch = announced;
        }
        // edge DOZE, the sleeper's side: our announcement, then one more look.
        let fenced = match self.fencing {
            Fencing::Full => {
                self.machine.fence(SeqCst);
                true
            }
            Fencing::Heavy | Fencing::Light => self.machine.heavy_fence(),
        };
        let found = look();
        if found.is_none() {
            // A waker with a light fence may have missed us.
            let nanos = if fenced { nanos } else { nanos.min(UNFENCED_NANOS_MAX) };
            self.machine.sleep(&self.words.epoch, epoch, nanos);
        }
        // The announcement stays: it costs the other side one wake-up at most.
        found
    }
}

impl<M: Machine> fmt::Debug for Event<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").finish_non_exhaustive()
    }
}

impl<M: Machine> fmt::Debug for EventWords<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventWords").finish_non_exhaustive()
    }
}
