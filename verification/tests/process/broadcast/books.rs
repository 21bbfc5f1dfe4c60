//! What became of every message of a broadcast ring, from the logs of all who were there.
//!
//! A publisher that was killed may have been in the middle of a commit. Where the next one
//! began says whether its message takes its position; whether it is whole is not always
//! known, and either is right: but all subscribers have to agree. All others are accounted
//! for exactly.

use crate::process::log::{Entry, Step};

/// What is known of the message at a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Whole,
    Broken,
    /// Its publisher was killed over it, and nobody was there yet to see which it is.
    Open,
}

/// What there was to see.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    /// Messages published, those that were broken off among them.
    pub(crate) messages: u64,
    pub(crate) broken: u64,
    /// Messages of which only the subscribers know whether they are whole.
    pub(crate) open: u64,
    /// Messages that subscribers got, all together.
    pub(crate) got: u64,
    /// Those that they lost, as far as their logs go.
    pub(crate) lost: u64,
    /// Times that they were told that they were waited for no longer.
    pub(crate) evicted: u64,
    pub(crate) joins: u64,
    /// The dead that were waited for when they died.
    pub(crate) waited_for: u64,
    /// The most questions that a publisher asked and still waited for one.
    pub(crate) questions: u64,
}

impl Summary {
    /// Adds what was seen in another ring.
    pub(crate) fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.broken += other.broken;
        self.open += other.open;
        self.got += other.got;
        self.lost += other.lost;
        self.evicted += other.evicted;
        self.joins += other.joins;
        self.waited_for += other.waited_for;
        self.questions = self.questions.max(other.questions);
    }
}

pub(crate) struct Books {
    fates: Vec<Fate>,
    /// The message that the last publisher was at, and what becomes of it if the next one
    /// begins behind it.
    pending: Option<(u64, Fate)>,
    tail: u64,
    summary: Summary,
}

impl Books {
    /// `tail`: how many messages there are.
    pub(crate) fn new(tail: u64) -> Self {
        Self { fates: vec![], pending: None, tail, summary: Summary::default() }
    }

    fn next(&self) -> u64 {
        self.fates.len() as u64
    }

    /// The logs of publishers, in the order in which they came.
    pub(crate) fn add_publisher(&mut self, log: impl Iterator<Item = Entry>) {
        for Entry { step, number, .. } in log {
            let before = self.pending;
            assert!(step == Step::Came || number == self.next(), "{step:?} {number}");
            assert!(before.is_none_or(|(pending, _)| step == Step::Came || pending == number));
            self.pending = match (step, before) {
                (Step::Came, _) => {
                    self.settle(number);
                    None
                }
                (Step::Beginning, None) | (Step::Breaking, Some(_)) => Some((number, Fate::Broken)),
                // Shown whole, or not at all.
                (Step::Committing, None) => Some((number, Fate::Whole)),
                (Step::Committing, Some(_)) => Some((number, Fate::Open)),
                (Step::Committed | Step::Broke, Some(_)) => {
                    let whole = step == Step::Committed;
                    self.fates.push(if whole { Fate::Whole } else { Fate::Broken });
                    None
                }
                _ => panic!("{step:?} of a publisher, after {before:?}"),
            };
        }
    }

    /// The next publisher begins at this message.
    fn settle(&mut self, next: u64) {
        if next != self.next() {
            let Some((number, fate)) = self.pending else {
                panic!("{} were published, the next one begins at {next}", self.next());
            };
            assert_eq!((number, next), (self.next(), number + 1));
            self.fates.push(fate);
        }
        self.pending = None;
    }

    /// All publishers have ended, the last one by itself.
    pub(crate) fn close_publishers(&mut self) {
        let tail = self.tail;
        self.settle(tail);
        let count = |fate| self.fates.iter().filter(|&&other| other == fate).count() as u64;
        self.summary.messages = self.next();
        (self.summary.broken, self.summary.open) = (count(Fate::Broken), count(Fate::Open));
    }

    /// A subscriber found a message whole, or not.
    fn found(&mut self, number: u64, fate: Fate) {
        let known = &mut self.fates[usize::try_from(number).unwrap()];
        if *known == Fate::Open {
            *known = fate;
        }
        assert_eq!(*known, fate, "message {number}");
    }

    /// The log of a subscriber, whose last line may be missing if it was killed.
    pub(crate) fn add_subscriber(&mut self, log: impl Iterator<Item = Entry>, died: bool) {
        // The next message of a life, and whether none may be missing.
        let mut life: Option<(u64, bool)> = None;
        let mut ended = false;
        for Entry { step, number, .. } in log {
            let joined = |lossless| {
                assert!(number <= self.next(), "begins behind the last message");
                Some((number, lossless))
            };
            match step {
                Step::JoinedLossless => life = joined(true),
                Step::JoinedLossy | Step::JoinedLatest => life = joined(false),
                _ => {
                    let (next, lossless) = life.unwrap();
                    assert!(number >= next, "{step:?} {number}, after {next} was passed");
                    let lost = if step == Step::Evicted || !lossless { number - next } else { 0 };
                    self.summary.lost += lost;
                    if lossless && step != Step::Evicted {
                        // All between were passed by, since they were broken off.
                        (next..number).for_each(|passed| self.found(passed, Fate::Broken));
                    }
                    life = match step {
                        Step::Got => {
                            self.found(number, Fate::Whole);
                            Some((number + 1, lossless))
                        }
                        Step::GotBroken => {
                            self.found(number, Fate::Broken);
                            Some((number + 1, lossless))
                        }
                        Step::GotPart => Some((number + 1, lossless)),
                        Step::Evicted => Some((number, lossless)),
                        Step::Left => None,
                        Step::Ended => {
                            assert_eq!(number, self.tail, "the last messages are missing");
                            ended = true;
                            None
                        }
                        _ => panic!("{step:?} of a subscriber"),
                    };
                    let has = matches!(step, Step::Got | Step::GotBroken | Step::GotPart);
                    self.summary.got += u64::from(has);
                }
            }
        }
        assert!(died || ended, "a subscriber that lives gets all");
    }

    pub(crate) fn close(self) -> Summary {
        self.summary
    }
}
