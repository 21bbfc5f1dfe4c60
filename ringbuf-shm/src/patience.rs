//! How time is spent between two looks: spin for a moment, then sleep in slices.
//!
//! The spin is measured in time, since a turn of the loop costs 10 to 140 cycles
//! depending on the processor. After every slice, and when time is up, the kernel
//! is asked whether the other side lives.

use ringbuf_core::wait::{Patience, Step};
use std::cell::Cell;
use std::fs;
use std::time::{Duration, Instant};

/// The longest sleep, and the longest time between two questions whether the peer lives.
pub const SLICE: Duration = Duration::from_millis(50);
/// About what it costs to sleep and to be woken.
const SPIN_DEFAULT: Duration = Duration::from_micros(10);
/// Turns of the spin loop between two looks at the clock.
const TURNS_PER_CLOCK: u32 = 16;
/// A list such as `0-3`, or `0` on a machine with one processor.
const PROCESSORS_ONLINE: &str = "/sys/devices/system/cpu/online";

/// How long a call may wait.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wait {
    /// Not at all.
    Not,
    /// Until something happens.
    Forever,
    /// At most so long.
    AtMost(Duration),
}

/// How long to spin before sleeping: not at all where there is nobody to spin for.
///
/// What counts is the machine, not where this thread may run: one that is pinned to
/// a processor has a peer on another. Unknown is many.
pub(crate) fn spin_default() -> Duration {
    match fs::read_to_string(PROCESSORS_ONLINE) {
        Ok(online) if online.trim() == "0" => Duration::ZERO,
        _ => SPIN_DEFAULT,
    }
}

/// Patience that ends at a deadline of the monotonic clock.
#[derive(Debug)]
pub(crate) struct TimePatience<'a> {
    deadline: Option<Instant>,
    spin_until: Instant,
    /// When the kernel was asked last, or time began to count.
    probed: Instant,
    may_sleep: bool,
    /// Turns of the spin loop until the next look at the clock.
    unclocked: u32,
    probes: u64,
    /// Told when the time to spin is over.
    spun: Option<&'a Cell<bool>>,
}

impl<'a> TimePatience<'a> {
    /// Patience that begins now.
    pub(crate) fn new(wait: Wait, spin: Duration, may_sleep: bool) -> Self {
        Self::after(None, wait, spin, may_sleep)
    }

    /// Patience that begins now, of one who asked the kernel last at `probed`: however
    /// short each of many waits is, there are questions between them.
    pub(crate) fn after(
        probed: Option<Instant>,
        wait: Wait,
        spin: Duration,
        may_sleep: bool,
    ) -> Self {
        let now = Instant::now();
        let deadline = match wait {
            Wait::Not => Some(now),
            Wait::Forever => None,
            // A time too far to be told is no limit.
            Wait::AtMost(most) => now.checked_add(most),
        };
        let (spin_until, probed) = (now + spin, probed.unwrap_or(now));
        Self { deadline, spin_until, probed, may_sleep, unclocked: 0, probes: 0, spun: None }
    }

    /// Says in `spun` when the time to spin is over, whether anybody may sleep or not.
    pub(crate) fn telling(self, spun: &'a Cell<bool>) -> Self {
        Self { spun: Some(spun), ..self }
    }

    /// How often the kernel was asked.
    pub(crate) fn probes(&self) -> u64 {
        self.probes
    }

    /// When the kernel was asked last.
    pub(crate) fn probed(&self) -> Instant {
        self.probed
    }
}

impl Patience for TimePatience<'_> {
    fn next(&mut self) -> Step {
        if self.unclocked > 0 {
            self.unclocked -= 1;
            return Step::Spin;
        }
        let now = Instant::now();
        if now >= self.spin_until
            && let Some(spun) = self.spun
        {
            spun.set(true);
        }
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            self.probed = now;
            self.probes += 1;
            return Step::GiveUp;
        }
        let asked_ago = now.duration_since(self.probed);
        if asked_ago >= SLICE {
            self.probed = now;
            self.probes += 1;
            return Step::Probe;
        }
        if !self.may_sleep || now < self.spin_until {
            self.unclocked = TURNS_PER_CLOCK;
            return Step::Spin;
        }
        let slice = SLICE - asked_ago;
        let left = self.deadline.map_or(slice, |deadline| slice.min(deadline - now));
        Step::Sleep(u64::try_from(left.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// Makes one who never waits, or never for long, sweep all the same, about once a slice.
#[derive(Debug)]
pub(crate) struct Patrol {
    calls: u32,
    /// When this peer swept last.
    last: Instant,
}

impl Patrol {
    /// Calls that found nothing between two looks at the clock.
    const CALLS: u32 = 64;

    pub(crate) fn new() -> Self {
        Self { calls: 0, last: Instant::now() }
    }

    /// When this peer looked last.
    pub(crate) fn last(&self) -> Instant {
        self.last
    }

    pub(crate) fn set_last(&mut self, last: Instant) {
        self.last = last;
    }

    /// Whether it has been so many calls again.
    pub(crate) fn is_tired(&mut self) -> bool {
        self.calls = (self.calls + 1) % Self::CALLS;
        self.calls == 0
    }

    pub(crate) fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let due = now.duration_since(self.last) >= SLICE;
        if due {
            self.last = now;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::thread::{CpuSet, sched_getcpu, sched_setaffinity};

    #[test]
    fn a_thread_that_is_pinned_spins_as_others_do() {
        let free = spin_default();
        let mut one = CpuSet::new();
        one.set(sched_getcpu());
        sched_setaffinity(None, &one).unwrap();
        assert_eq!(spin_default(), free);
    }
}
