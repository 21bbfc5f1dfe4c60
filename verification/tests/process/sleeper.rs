//! A consumer of a ring of many that waits for a message in a thread of its own, without
//! end: the look at the end of a wait is not to hide that one is missing.

use super::many::Consumer;
use super::until;
use ringbuf_shm::Ring;
use std::thread::JoinHandle;
use std::time::Duration;

/// Sleeps in which one who is held up by the dead must get on, or find out for itself what
/// it was not woken for.
pub(crate) const SLEEPS_MAX: u64 = 3;

pub(crate) struct Sleeper {
    thread: JoinHandle<(Consumer, (u64, u8))>,
    ring: Ring,
    row: usize,
}

impl Sleeper {
    /// Lets a consumer wait, who sits on this row of those of consumers, and waits until it sleeps.
    pub(crate) fn start(mut consumer: Consumer, ring: &Ring, row: usize) -> Self {
        consumer.set_spin(Duration::ZERO);
        let before = sleeps(ring, row);
        let thread = std::thread::spawn(move || {
            let view = consumer.read(Duration::MAX).unwrap();
            let found = (view.number(), view.redelivered());
            drop(view);
            (consumer, found)
        });
        until("a consumer to sleep", || sleeps(ring, row) > before);
        Self { thread, ring: ring.clone(), row }
    }

    pub(crate) fn has_found(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits until it has found something: a number, and how often that was shown before.
    pub(crate) fn wait(self) -> (Consumer, (u64, u8)) {
        until("the sleeper to find out", || self.thread.is_finished());
        self.thread.join().unwrap()
    }

    /// The same, in no more sleeps since it had slept `before` times than anybody is held up.
    pub(crate) fn wait_no_longer(self, before: u64) -> (Consumer, (u64, u8)) {
        let (ring, row) = (self.ring.clone(), self.row);
        let found = self.wait();
        let more = sleeps(&ring, row) - before;
        assert!(more <= SLEEPS_MAX, "slept {more} times more");
        found
    }

    /// How often it slept.
    pub(crate) fn sleeps(&self) -> u64 {
        sleeps(&self.ring, self.row)
    }
}

/// How often the peers of a row of consumers slept.
pub(crate) fn sleeps(ring: &Ring, row: usize) -> u64 {
    ring.mpmc_stats().unwrap().consumers[row].sleeps
}
