//! What a subscriber of a broadcast ring got and did not get: told at its end, also if a
//! signal ends it.

use crate::figures::grouped;
use crate::tell::say;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};

/// What there is to tell. Every access is Relaxed: the numbers are for people.
#[derive(Debug, Default)]
pub(crate) struct Account {
    name: String,
    /// Whether there is anything to tell, and it was not told yet.
    is_due: AtomicBool,
    received: AtomicU64,
    lost: AtomicU64,
    broken: AtomicU64,
    evicted: AtomicU64,
}

impl Account {
    pub(crate) fn new(name: &str) -> Arc<Self> {
        Arc::new(Self { name: name.to_owned(), ..Self::default() })
    }

    /// From now on there is something to tell.
    pub(crate) fn open(&self) {
        self.is_due.store(true, Relaxed);
    }

    /// One more message was written.
    pub(crate) fn received(&self) {
        self.received.fetch_add(1, Relaxed);
    }

    /// The publisher did not wait any longer, once more.
    pub(crate) fn evicted(&self) {
        self.evicted.fetch_add(1, Relaxed);
    }

    /// So many were lost and broken off in all; how many more were lost than before.
    pub(crate) fn missed(&self, (lost, broken): (u64, u64)) -> u64 {
        self.broken.store(broken, Relaxed);
        lost.wrapping_sub(self.lost.swap(lost, Relaxed))
    }

    /// Tells it, once.
    pub(crate) fn tell(&self) {
        if !self.is_due.swap(false, Relaxed) {
            return;
        }
        let Self { name, .. } = self;
        let [received, lost, broken] =
            [&self.received, &self.lost, &self.broken].map(|number| grouped(number.load(Relaxed)));
        let evicted = match self.evicted.load(Relaxed) {
            1 => "once".to_owned(),
            times => format!("{} times", grouped(times)),
        };
        say(format_args!(
            "{name}: received {received}, lost {lost}, broken off {broken}; evicted {evicted}"
        ));
    }
}
