//! What became of every message of a ring of many, from the logs of all who touched it.
//!
//! A process that was killed may have been in the middle of a commit or a release: of
//! such a message it is not known whether that was the end of it, and either is right.
//! There is at most one for each that was killed. All others are accounted for exactly.
//!
//! The order in which messages are to come is that of PROTOCOL.md, "Order": in a Fast ring
//! that of the claims; in a Strict one a message may fall behind those of its producer that
//! were claimed later, but not behind one that was also committed later.

use super::corpse::HeldUp;
use super::log::{Entry, Step};
use ringbuf_shm::Progress;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Whoever was shown it was killed.
    Held,
    /// The same, while it gave it back.
    Perhaps,
    Released,
}

#[derive(Debug, Default)]
struct Account {
    /// Whether its commit returned; else it was killed over it. `None`: never tried.
    committed: Option<bool>,
    /// How many messages its producer tried to commit before it.
    rank: u64,
    /// How often it had been shown before, and how the delivery ended.
    deliveries: Vec<(u8, End)>,
}

/// What there was to see.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    /// Messages that arrived.
    pub(crate) messages: u64,
    /// Deliveries of a message that had been shown before.
    pub(crate) again: u64,
    /// Messages dropped, as the ring counts them.
    pub(crate) dropped: u64,
    /// Messages of which it is not known whether they were committed, or released.
    pub(crate) open: u64,
    /// Messages that came after one that their producer had claimed later.
    pub(crate) overtaken: u64,
    /// Processes that were stopped.
    pub(crate) stops: u64,
    /// The longest wait of a survivor between two successes, also of one that was stopped.
    pub(crate) longest: Duration,
    /// Waits over more slices than anybody is held up by the dead.
    pub(crate) long_waits: u64,
    /// The longest that the dead held somebody up.
    pub(crate) held_up: HeldUp,
}

impl Summary {
    /// Adds what was seen in another ring, but for its waits.
    pub(crate) fn add(&mut self, other: &Self) {
        self.held_up.raise(other.held_up);
        self.messages += other.messages;
        self.again += other.again;
        self.dropped += other.dropped;
        self.open += other.open;
        self.overtaken += other.overtaken;
        self.stops += other.stops;
    }
}

pub(crate) struct Books {
    accounts: HashMap<u64, Account>,
    /// What a consumer was shown for the first time, of one producer in one lane: an entry
    /// for each of these three.
    sequences: Vec<Vec<u64>>,
    progress: Progress,
    redeliveries_max: u8,
    producers_died: u64,
    consumers_died: u64,
}

impl Books {
    pub(crate) fn new(progress: Progress, redeliveries_max: u8) -> Self {
        Self {
            accounts: HashMap::new(),
            sequences: vec![],
            progress,
            redeliveries_max,
            producers_died: 0,
            consumers_died: 0,
        }
    }

    pub(crate) fn add_producer(&mut self, log: impl Iterator<Item = Entry>, died: bool) {
        self.producers_died += u64::from(died);
        let (mut open, mut ranks) = (None, 0..);
        for Entry { step, number, .. } in log {
            match step {
                Step::Committing => {
                    open = Some(number);
                    self.accounts.entry(number).or_default().rank = ranks.next().unwrap();
                }
                Step::Committed | Step::Refused => {
                    assert_eq!(open.take(), Some(number));
                    let account = self.accounts.entry(number).or_default();
                    account.committed = (step == Step::Committed).then_some(true);
                }
                _ => panic!("{step:?} of a producer"),
            }
        }
        assert!(died || open.is_none());
        if let Some(number) = open {
            self.accounts.entry(number).or_default().committed = Some(false);
        }
    }

    pub(crate) fn add_consumer(
        &mut self,
        log: impl Iterator<Item = Entry>,
        died: bool,
        lane: impl Fn(u64) -> u32,
    ) {
        self.consumers_died += u64::from(died);
        let mut held: HashMap<u64, (u8, End)> = HashMap::new();
        let mut sequences: HashMap<(u64, u32), Vec<u64>> = HashMap::new();
        for Entry { step, number, redelivered } in log {
            match step {
                Step::Taken => {
                    if redelivered == 0 {
                        sequences.entry((number >> 32, lane(number))).or_default().push(number);
                    }
                    assert_eq!(held.insert(number, (redelivered, End::Held)), None);
                }
                Step::Releasing => held.get_mut(&number).unwrap().1 = End::Perhaps,
                Step::Released => {
                    let (redelivered, _) = held.remove(&number).unwrap();
                    let account = self.accounts.entry(number).or_default();
                    account.deliveries.push((redelivered, End::Released));
                }
                _ => panic!("{step:?} of a consumer"),
            }
        }
        assert!(died || held.is_empty());
        self.sequences.extend(sequences.into_values());
        for (number, delivery) in held {
            self.accounts.entry(number).or_default().deliveries.push(delivery);
        }
    }

    /// Checks that a sequence is in order, and counts those that were overtaken all the same.
    fn overtaken(&self, sequence: &[u64]) -> u64 {
        let mut overtaken = 0;
        let mut before = BTreeMap::new();
        for &number in sequence {
            let rank = self.accounts[&number].rank;
            let mut later = before.range(number..).peekable();
            overtaken += u64::from(later.peek().is_some());
            let wrong = later.find(|&(_, &later)| self.progress == Progress::Fast || later >= rank);
            assert_eq!(
                wrong, None,
                "came before {number:x}, which is number {rank} of the commits"
            );
            before.insert(number, rank);
        }
        overtaken
    }

    /// Checks that every message arrived once and in order, or was dropped; and that the
    /// ring counted those.
    pub(crate) fn close(mut self, dropped: u64) -> Summary {
        let mut summary = Summary { dropped, ..Summary::default() };
        let (mut lost, mut unseen) = (0, 0);
        for (&number, account) in &mut self.accounts {
            let deliveries = &mut account.deliveries;
            deliveries.sort_unstable_by_key(|&(redelivered, _)| redelivered);
            let Some(committed) = account.committed else {
                assert!(deliveries.is_empty(), "{number:x} was not committed: {deliveries:?}");
                continue;
            };
            assert!(
                deliveries.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 != End::Released),
                "{number:x} arrived twice, or was not flagged: {deliveries:?}"
            );
            let times = u64::from(self.redeliveries_max) + 1;
            let shown = deliveries.last().map_or(0, |&(redelivered, _)| u64::from(redelivered) + 1);
            assert!(shown <= times, "{number:x} came too often: {deliveries:?}");
            // Taken by one who was killed before it could log that.
            let logged = deliveries.len() as u64;
            unseen += shown - logged;
            summary.again += deliveries.iter().filter(|&&(again, _)| again > 0).count() as u64;
            match deliveries.last() {
                Some((_, End::Released)) => summary.messages += 1,
                Some((_, End::Perhaps)) => summary.open += 1,
                _ if !committed => summary.open += 1,
                _ => {
                    lost += 1;
                    unseen += times - shown;
                }
            }
        }
        summary.overtaken = self.sequences.iter().map(|shown| self.overtaken(shown)).sum();
        // Nobody dies over more than one commit, one release, or one message it had taken.
        assert!(summary.open <= self.producers_died + self.consumers_died, "{summary:?}");
        assert!(unseen <= self.consumers_died, "{unseen} deaths over messages are not explained");
        assert!(
            (lost..=lost + summary.open).contains(&dropped),
            "{lost} messages are missing, {dropped} were dropped: {summary:?}"
        );
        summary
    }
}
