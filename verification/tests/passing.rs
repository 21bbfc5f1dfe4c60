//! Goal: in a Strict lane nobody waits for who holds a slot, and still every message
//! comes exactly once and in its producer's order.
//!
//! Method: random schedules of several peers on plain words, each of whom claims, commits,
//! takes and releases in any order, passes by the others or not, and ends with all that it
//! holds. What each call may answer follows from the books alone; positions start where
//! each width wraps. Shrunk by proptest when they differ.

use proptest::prelude::*;
use ringbuf_core::error::{ClaimError, ReadError};
use ringbuf_core::floor::Floor;
use ringbuf_core::mpmc::{Claim, Consumer, Producer, Progress, Taken};
use ringbuf_core::peer::{Locks, Who};
use ringbuf_core::slot::{REDELIVERIES_MAX, SlotWord, State};
use ringbuf_verification::kernel::{self, Process};
use ringbuf_verification::mortal::Mortal;
use ringbuf_verification::plain_lane::{PlainLane, Slots};
use std::collections::BTreeSet;

const PEERS: u32 = 4;

/// Whether a slot is in this state.
fn has(lane: &PlainLane, state: State) -> bool {
    lane.slots.iter().any(|slot| SlotWord::new(slot.state.get()).state() == Ok(state))
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Claimed,
    Waiting,
    Shown,
    /// Whom it was shown to died, and nobody has swept since.
    Lost,
    Orphan,
    Over,
}

/// A message, known by the order in which its producer claimed.
#[derive(Debug)]
struct Message {
    by: Who,
    fate: Fate,
    /// What has to be shown before it.
    after: BTreeSet<usize>,
    was_shown: bool,
}

/// What everybody did.
#[derive(Debug, Default)]
struct Books {
    messages: Vec<Message>,
    /// The message in each slot.
    payload: Vec<usize>,
    /// The slots that a living peer holds.
    held: BTreeSet<u64>,
}

impl Books {
    fn some(&self, fate: Fate) -> bool {
        self.messages.iter().any(|message| message.fate == fate)
    }

    fn claimed(&mut self, claim: &Claim, by: Who) -> usize {
        assert!(self.held.insert(claim.index()), "one holder");
        let number = self.messages.len();
        let fate = Fate::Claimed;
        self.messages.push(Message { by, fate, after: BTreeSet::new(), was_shown: false });
        self.payload[slot(claim.index())] = number;
        number
    }

    /// Before it are those that the same producer claimed and committed before.
    fn committed(&mut self, number: usize) {
        let by = self.messages[number].by;
        let before = (0..number).filter(|other| {
            let Message { by: other, fate, .. } = self.messages[*other];
            other == by && !matches!(fate, Fate::Claimed | Fate::Over)
        });
        self.messages[number].after = before.collect();
        self.messages[number].fate = Fate::Waiting;
    }

    fn shown(&mut self, taken: &Taken) -> usize {
        assert!(self.held.insert(taken.index()), "one holder");
        let number = self.payload[slot(taken.index())];
        let Message { fate, was_shown, after, .. } = &self.messages[number];
        assert_eq!(*was_shown, taken.redelivered() > 0, "flagged if it was shown");
        if !was_shown {
            assert_eq!(*fate, Fate::Waiting);
            let early = after.iter().find(|other| !self.messages[**other].was_shown);
            assert_eq!(early, None, "{number} overtakes its producer's earlier one");
        } else {
            assert_eq!(*fate, Fate::Orphan);
        }
        let message = &mut self.messages[number];
        (message.fate, message.was_shown) = (Fate::Shown, true);
        number
    }
}

fn slot(index: u64) -> usize {
    usize::try_from(index).expect("an index")
}

struct Peer<'a> {
    who: Who,
    process: Process<'a, kernel::Plain>,
    producer: Producer<'a, Mortal, Slots<'a>>,
    floor: Floor,
    consumer: Consumer<'a, Mortal, Slots<'a>>,
    claims: Vec<(usize, Claim)>,
    taken: Vec<(usize, Taken)>,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Claim,
    ClaimPast,
    Commit(usize),
    Abort(usize),
    Read,
    ReadPast,
    Release(usize),
    Sweep,
    Dies,
}

fn step() -> impl Strategy<Value = (usize, Step)> {
    let step = prop_oneof![
        2 => Just(Step::Claim),
        5 => Just(Step::ClaimPast),
        5 => any::<usize>().prop_map(Step::Commit),
        1 => any::<usize>().prop_map(Step::Abort),
        2 => Just(Step::Read),
        5 => Just(Step::ReadPast),
        4 => any::<usize>().prop_map(Step::Release),
        1 => Just(Step::Sweep),
        1 => Just(Step::Dies),
    ];
    (0..PEERS as usize, step)
}

impl<'a> Peer<'a> {
    fn new(shared: &'a PlainLane, who: Who) -> Self {
        let process = Process::new(&shared.kernel, who.bits());
        assert_eq!(process.take(who), Ok(true), "a new identity is free");
        let lane = shared.lane();
        Self {
            who,
            process,
            floor: lane.floor(),
            producer: Producer::new(lane, who),
            consumer: Consumer::new(lane, who, REDELIVERIES_MAX),
            claims: Vec::new(),
            taken: Vec::new(),
        }
    }

    fn claims(&mut self, past: bool, shared: &PlainLane, books: &mut Books) {
        let (producer, floor) = (&mut self.producer, &self.floor);
        match if past { producer.claim_past(floor) } else { producer.claim(floor) } {
            Ok(claim) => self.claims.push((books.claimed(&claim, self.who), claim)),
            Err(ClaimError::Full) if past => {
                let waits = books.some(Fate::Waiting);
                assert!(waits || !has(shared, State::Free), "a slot is free");
            }
            Err(error) => assert_eq!(error, ClaimError::Full),
        }
    }

    fn reads(&mut self, past: bool, shared: &PlainLane, books: &mut Books) {
        match if past { self.consumer.read_past() } else { self.consumer.read() } {
            Ok(taken) => self.taken.push((books.shown(&taken), taken)),
            Err(error) => {
                // Who does not pass may find the next place being written, and no more.
                let busy = has(shared, State::Writing);
                assert!(error == ReadError::Empty || error == ReadError::Busy && busy, "{error}");
                let waits = books.some(Fate::Waiting) && (past || error == ReadError::Empty);
                assert!(!waits && !books.some(Fate::Orphan), "{error}: {books:?}");
            }
        }
    }

    fn does(&mut self, step: Step, shared: &'a PlainLane, books: &mut Books) {
        let lane = shared.lane();
        match step {
            Step::Claim => self.claims(false, shared, books),
            Step::ClaimPast => self.claims(true, shared, books),
            Step::Commit(which) => {
                if let Some((number, claim)) = pick(&mut self.claims, which) {
                    books.held.remove(&claim.index());
                    books.committed(number);
                    lane.commit(claim, &self.floor).expect("our slot");
                }
            }
            Step::Abort(which) => {
                if let Some((number, claim)) = pick(&mut self.claims, which) {
                    books.held.remove(&claim.index());
                    books.messages[number].fate = Fate::Over;
                    lane.abort(claim);
                }
            }
            Step::Read => self.reads(false, shared, books),
            Step::ReadPast => self.reads(true, shared, books),
            Step::Release(which) => {
                if let Some((number, taken)) = pick(&mut self.taken, which) {
                    books.held.remove(&taken.index());
                    books.messages[number].fate = Fate::Over;
                    lane.release(taken);
                }
            }
            Step::Sweep => {
                lane.sweep(self.who, &self.process).expect("true words");
                let lost = books.messages.iter_mut().filter(|lost| lost.fate == Fate::Lost);
                lost.for_each(|lost| lost.fate = Fate::Orphan);
            }
            Step::Dies => {
                self.process.end();
                for (number, claim) in self.claims.drain(..) {
                    books.held.remove(&claim.index());
                    books.messages[number].fate = Fate::Over;
                }
                for (number, taken) in self.taken.drain(..) {
                    books.held.remove(&taken.index());
                    books.messages[number].fate = Fate::Lost;
                }
                *self = Self::new(shared, Who::new(self.who.row(), self.who.incarnation() + 1));
            }
        }
    }
}

fn pick<T>(from: &mut Vec<T>, which: usize) -> Option<T> {
    (!from.is_empty()).then(|| from.swap_remove(which % from.len()))
}

fn start() -> impl Strategy<Value = u64> {
    let near = |wrap: u64| (0..40_u64).prop_map(move |before| wrap.wrapping_sub(before));
    prop_oneof![near(1 << 32), near(1 << 36), near(1 << 63), near(0), any::<u64>()]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(4096)
    })]

    #[test]
    fn nobody_waits_for_a_holder_and_every_message_comes_once(
        start in start(),
        log in 0_u32..=4,
        lazy in 1..=8_u64,
        steps in prop::collection::vec(step(), 1..300),
    ) {
        let shared = PlainLane::new(1 << log, start, Progress::Strict, lazy);
        let mut books = Books { payload: vec![0; 1 << log], ..Books::default() };
        let mut peers: Vec<_> = (0..PEERS).map(|row| Peer::new(&shared, Who::new(row, 1))).collect();
        for (peer, step) in steps {
            peers[peer].does(step, &shared, &mut books);
        }
        // Everybody goes: a last peer finds all that was committed and not released.
        for peer in &mut peers {
            peer.does(Step::Dies, &shared, &mut books);
            peer.process.end();
        }
        let mut last = Peer::new(&shared, Who::new(PEERS, 1));
        last.does(Step::Sweep, &shared, &mut books);
        while books.some(Fate::Waiting) || books.some(Fate::Orphan) {
            last.does(Step::ReadPast, &shared, &mut books);
            last.does(Step::Release(0), &shared, &mut books);
        }
        prop_assert!(books.messages.iter().all(|message| message.fate == Fate::Over));
        prop_assert_eq!(shared.lane().is_drained(last.who), Ok(true));
        prop_assert_eq!(last.consumer.read_past(), Err(ReadError::Empty));
    }
}
