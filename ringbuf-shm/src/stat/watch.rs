//! Looking at an `mpmc` ring again and again: for how long slots are held.
//!
//! Nobody notes when it takes a slot: that would be a look at the clock for each message.
//! But the word of a slot names its holder and its lap, which never come back. So a word
//! that is found unchanged says that the slot was in these hands all the time between two
//! looks.

use super::mpmc::MpmcStats;
use crate::error::OpenError;
use crate::ring::Ring;
use ringbuf_core::slot::SlotWord;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// One who looks at an `mpmc` ring again and again, and so knows for how long slots are
/// held.
///
/// Takes no seat and disturbs nobody. Remembers the slots that were held at the last look.
///
/// ```
/// use ringbuf_shm::{MpmcWatch, Options, mpmc};
/// use std::time::Duration;
/// let mut producer = mpmc::Producer::<u64>::create_unnamed(&Options::new().capacity(64))?;
/// let mut watch = MpmcWatch::new(producer.ring());
/// let claim = producer.claim()?;
/// assert_eq!(watch.look()?.lanes[0].holders[0].longest, Duration::ZERO);
/// std::thread::sleep(Duration::from_millis(2));
/// assert!(watch.look()?.lanes[0].holders[0].longest >= Duration::from_millis(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct MpmcWatch {
    ring: Ring,
    sightings: Sightings,
}

impl MpmcWatch {
    /// One who has not looked yet.
    #[must_use]
    pub fn new(ring: &Ring) -> Self {
        Self { ring: ring.clone(), sightings: Sightings::default() }
    }

    /// The ring that is looked at.
    #[must_use]
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// A snapshot as of [`Ring::mpmc_stats`], in which each
    /// [`Holder::longest`](crate::Holder::longest) goes back to the first look that found
    /// the slot as it is now. A slot may be held for longer than was seen.
    ///
    /// # Errors
    /// As [`Ring::mpmc_stats`].
    pub fn look(&mut self) -> Result<MpmcStats, OpenError> {
        self.ring.mpmc_stats_seen(&mut self.sightings)
    }
}

/// The slots that were held at the last look, by lane and index: by whom and for which
/// lap, and when that was seen first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sightings(HashMap<(u32, usize), (SlotWord, Instant)>);

impl Sightings {
    /// Begins a look.
    pub(super) fn look(&mut self) -> Look<'_> {
        Look { sightings: self, began: Instant::now(), seen: HashMap::new() }
    }
}

/// A look at all slots.
pub(super) struct Look<'a> {
    sightings: &'a mut Sightings,
    /// Before any word was loaded.
    began: Instant,
    /// What is seen now; `None`: for the first time.
    seen: HashMap<(u32, usize), (SlotWord, Option<Instant>)>,
}

impl Look<'_> {
    /// Notes a slot that is held; for how long it was seen so.
    pub(super) fn sees(&mut self, lane: u32, slot: usize, word: SlotWord) -> Duration {
        let before = self.sightings.0.get(&(lane, slot));
        let since = before.filter(|(then, _)| *then == word).map(|&(_, since)| since);
        self.seen.insert((lane, slot), (word, since));
        since.map_or(Duration::ZERO, |since| self.began.duration_since(since))
    }

    /// Ends the look. What was seen for the first time is counted from now, when all was
    /// loaded: so that nothing is said to be held for longer than it is.
    pub(super) fn end(self) {
        let now = Instant::now();
        let dated = |(word, since): (_, Option<_>)| (word, since.unwrap_or(now));
        self.sightings.0 = self.seen.into_iter().map(|(at, seen)| (at, dated(seen))).collect();
    }
}
