//! A consumer that falls behind on purpose, so that it takes many at a time.
//!
//! A consumer as fast as its producer runs dry after a few messages. Each of its looks then
//! takes the line with `tail` from the producer, whose next commit has to win it back, and
//! both go on at the pace of that line. A consumer that pauses once, when a burst has come
//! to its end, finds more the next time, and looks less often.
//!
//! With one message at a time in the ring, as in a conversation, there is no pause.

use crate::machine::Machine;

/// Whether, and for how long, a consumer pauses after a burst.
///
/// Whether it helps depends on the processors and on both programs: measure it. Where it does
/// not, it costs rate.
///
/// The price: a message that comes right behind a burst waits for the rest of the pause,
/// about 0.3 µs with `Short` and 1.3 µs with `Long`, more or less by how long one spin hint
/// of the processor takes. Others do not wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slip {
    /// Never: every message is seen as soon as can be.
    #[default]
    None,
    /// 16 spin hints.
    Short,
    /// 64 spin hints.
    Long,
}

impl Slip {
    const fn pauses(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Short => 16,
            Self::Long => 64,
        }
    }
}

/// What one consumer remembers for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Slipping {
    slip: Slip,
    /// The last look that found something found two messages or more.
    burst: bool,
}

impl Slipping {
    /// Does as `slip` says from now on.
    pub fn set(&mut self, slip: Slip) {
        *self = Self { slip, burst: false };
    }

    /// Before a read: pauses once if a burst is over. `dry`: all that was found is released.
    #[inline(always)]
    pub fn pause<M: Machine>(&mut self, machine: &M, dry: bool) {
        if self.slip != Slip::None {
            self.pause_after_burst(machine, dry);
        }
    }

    fn pause_after_burst<M: Machine>(&mut self, machine: &M, dry: bool) {
        if !dry {
            // What was found outlasts the read before this one.
            self.burst = true;
        } else if core::mem::take(&mut self.burst) {
            for _ in 0..self.slip.pauses() {
                machine.spin();
            }
        }
    }

    /// After a read that takes several at once.
    #[inline(always)]
    pub fn took(&mut self, messages: u64) {
        self.burst |= messages > 1;
    }
}
