//! Goal: any schedule of calls, deaths and sweeps does to a lane what it does to a
//! list of places that anybody understands.
//!
//! Method: random schedules of several peers, each of whom writes and reads, of the real
//! code on plain words and of the list, compared after every call; positions start where
//! each width wraps. Claims stay open and messages stay taken while others go on; a peer
//! ends with all that it holds. Shrunk by proptest when they differ.

use proptest::prelude::*;
use ringbuf_core::error::{ClaimError, ReadError};
use ringbuf_core::floor::Floor;
use ringbuf_core::mpmc::{Claim, Consumer, Producer, Progress, Taken};
use ringbuf_core::peer::{Locks, Who};
use ringbuf_core::sweep::Swept;
use ringbuf_verification::kernel::{self, Kernel as _, Process};
use ringbuf_verification::mortal::Mortal;
use ringbuf_verification::plain_lane::{PlainLane, Slots};

const PEERS: usize = 4;

/// What became of a place in the order; a message is known by the number of its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Writing { by: Who },
    Full,
    Reading { by: Who, again: u8 },
    Orphan { again: u8 },
    Over,
}

/// Every place that was ever claimed, in that order.
struct Reference {
    capacity: usize,
    /// The index of the first place.
    first: usize,
    redeliveries_max: u8,
    places: Vec<Place>,
    dropped: u32,
}

impl Reference {
    /// The slot of a place.
    fn index(&self, place: usize) -> u64 {
        ((self.first + place) % self.capacity) as u64
    }

    /// The places whose slots are not free, in the order of their slots.
    fn by_slot(&self) -> Vec<usize> {
        let from = self.places.len().saturating_sub(self.capacity);
        let mut places: Vec<_> = (from..self.places.len()).collect();
        places.sort_by_key(|place| self.index(*place));
        places
    }

    fn claim(&mut self, by: Who) -> Result<usize, ClaimError> {
        let place = self.places.len();
        if place >= self.capacity && self.places[place - self.capacity] != Place::Over {
            return Err(ClaimError::Full);
        }
        self.places.push(Place::Writing { by });
        Ok(place)
    }

    /// A message whose reader died comes first; else the first that nobody has read.
    fn read(&mut self, by: Who) -> Result<(usize, u8), ReadError> {
        for place in self.by_slot() {
            let Place::Orphan { again } = self.places[place] else { continue };
            if again < self.redeliveries_max {
                self.places[place] = Place::Reading { by, again: again + 1 };
                return Ok((place, again + 1));
            }
            self.places[place] = Place::Over;
            self.dropped += 1;
        }
        let unread = |place: &Place| matches!(place, Place::Full | Place::Writing { .. });
        let place = self.places.iter().position(unread).ok_or(ReadError::Empty)?;
        if self.places[place] != Place::Full {
            return Err(ReadError::Busy);
        }
        self.places[place] = Place::Reading { by, again: 0 };
        Ok((place, 0))
    }

    fn sweep(&mut self, lives: impl Fn(Who) -> bool) -> Swept {
        let mut swept = Swept::default();
        for place in &mut self.places {
            match *place {
                Place::Writing { by } if !lives(by) => {
                    *place = Place::Over;
                    swept.freed += 1;
                }
                Place::Reading { by, again } if !lives(by) => {
                    *place = Place::Orphan { again };
                    swept.orphaned += 1;
                }
                _ => {}
            }
            swept.ready |= matches!(place, Place::Full | Place::Orphan { .. });
        }
        swept
    }

    fn is_drained(&self, me: Who) -> bool {
        let over = |place: &Place| match place {
            Place::Over => true,
            Place::Reading { by, .. } => *by == me,
            _ => false,
        };
        self.places.iter().all(over)
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Claim,
    Commit(usize),
    Abort(usize),
    Read,
    Release(usize),
    Sweep,
    Dies,
    /// Opens its handles again, so that they follow the hints.
    Reopens,
}

fn step() -> impl Strategy<Value = (usize, Step)> {
    let which = any::<usize>;
    let step = prop_oneof![
        8 => Just(Step::Claim),
        6 => which().prop_map(Step::Commit),
        1 => which().prop_map(Step::Abort),
        8 => Just(Step::Read),
        6 => which().prop_map(Step::Release),
        2 => Just(Step::Sweep),
        1 => Just(Step::Dies),
        1 => Just(Step::Reopens),
    ];
    (0..PEERS, step)
}

/// Positions around which some width wraps, that of a lap among them.
fn start() -> impl Strategy<Value = u64> {
    let wraps = prop_oneof![Just(0_u64), Just(1 << 32), Just(1 << 36), Just(1 << 63)];
    (wraps, 0..60_u64).prop_map(|(wrap, before)| wrap.wrapping_sub(before))
}

/// A process that writes and reads, and what it holds: each with its place.
struct Peer<'a> {
    who: Who,
    process: Process<'a, kernel::Plain>,
    producer: Producer<'a, Mortal, Slots<'a>>,
    floor: Floor,
    consumer: Consumer<'a, Mortal, Slots<'a>>,
    redeliveries_max: u8,
    claims: Vec<(usize, Claim)>,
    taken: Vec<(usize, Taken)>,
}

impl<'a> Peer<'a> {
    fn new(shared: &'a PlainLane, who: Who, redeliveries_max: u8) -> Self {
        let process = Process::new(&shared.kernel, who.bits());
        assert_eq!(process.take(who), Ok(true), "a new identity is free");
        let floor = shared.lane().floor();
        Self {
            who,
            process,
            producer: Producer::new(shared.lane(), who),
            floor,
            consumer: Consumer::new(shared.lane(), who, redeliveries_max),
            redeliveries_max,
            claims: Vec::new(),
            taken: Vec::new(),
        }
    }

    /// Does one step to the lane and to the list.
    fn does(&mut self, step: Step, shared: &'a PlainLane, list: &mut Reference) {
        let lane = shared.lane();
        match step {
            Step::Claim => {
                let expected = list.claim(self.who);
                let found = self.producer.claim(&self.floor);
                let place = expected.map(|place| list.index(place));
                assert_eq!(found.as_ref().map(Claim::index).map_err(|error| *error), place);
                self.claims.extend(expected.ok().zip(found.ok()));
            }
            Step::Commit(which) => {
                if let Some((place, claim)) = pick(&mut self.claims, which) {
                    lane.commit(claim, &self.floor).expect("our slot");
                    list.places[place] = Place::Full;
                }
            }
            Step::Abort(which) => {
                if let Some((place, claim)) = pick(&mut self.claims, which) {
                    lane.abort(claim);
                    list.places[place] = Place::Over;
                }
            }
            Step::Read => {
                let expected = list.read(self.who);
                let found = self.consumer.read();
                let seen = found.as_ref().map(|taken| (taken.index(), taken.redelivered()));
                let known = expected.map(|(place, again)| (list.index(place), again));
                assert_eq!(seen.map_err(|error| *error), known);
                let place = expected.ok().map(|(place, _)| place);
                self.taken.extend(place.zip(found.ok()));
            }
            Step::Release(which) => {
                if let Some((place, taken)) = pick(&mut self.taken, which) {
                    lane.release(taken);
                    list.places[place] = Place::Over;
                }
            }
            Step::Sweep => {
                let lives = |who| shared.kernel.enter(|table| table.is_locked(who));
                assert_eq!(lane.sweep(self.who, &self.process), Ok(list.sweep(lives)));
            }
            Step::Dies => {
                self.process.end();
                let next = Who::new(self.who.row(), self.who.incarnation() + 1);
                *self = Self::new(shared, next, self.redeliveries_max);
            }
            Step::Reopens => {
                self.producer = Producer::new(lane, self.who);
                self.consumer = Consumer::new(lane, self.who, self.redeliveries_max);
            }
        }
        assert_eq!(lane.is_drained(self.who), Ok(list.is_drained(self.who)));
    }
}

fn pick<T>(from: &mut Vec<T>, which: usize) -> Option<T> {
    (!from.is_empty()).then(|| from.swap_remove(which % from.len()))
}

/// Every place before `tail` was claimed, every place before `head` was taken or given
/// up, and neither went back.
fn hints_are_true(shared: &PlainLane, start: u64, list: &Reference, before: &mut [u64; 2]) {
    let hints = [&shared.words.tail, &shared.words.head].map(|hint| hint.get().wrapping_sub(start));
    let unread = |place: &Place| matches!(place, Place::Full | Place::Writing { .. });
    let read = list.places.iter().position(unread).unwrap_or(list.places.len());
    assert!(hints[0] <= list.places.len() as u64 && hints[1] <= read as u64);
    assert!(before[0] <= hints[0] && before[1] <= hints[1]);
    *before = hints;
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(2048)
    })]

    #[test]
    fn a_lane_is_a_list_of_places(
        start in start(),
        log in 0_u32..=4,
        lazy in 1..=8_u64,
        redeliveries_max in 0..=3_u8,
        strict in any::<bool>(),
        steps in prop::collection::vec(step(), 1..300),
    ) {
        let capacity = 1_u64 << log;
        // Nobody passes anybody here: the same list.
        let progress = if strict { Progress::Strict } else { Progress::Fast };
        let shared = PlainLane::new(capacity, start, progress, lazy);
        let mut list = Reference {
            capacity: 1 << log,
            first: usize::try_from(start & (capacity - 1)).expect("an index"),
            redeliveries_max,
            places: Vec::new(),
            dropped: 0,
        };
        let rows = 0..u32::try_from(PEERS).expect("few peers");
        let mut peers: Vec<_> = rows.map(|row| Peer::new(&shared, Who::new(row, 1), redeliveries_max)).collect();
        let mut hints = [0, 0];
        for (peer, step) in steps {
            peers[peer].does(step, &shared, &mut list);
            hints_are_true(&shared, start, &list, &mut hints);
            prop_assert_eq!(shared.dropped(), list.dropped);
        }
        // Everybody goes: a last peer finds all that was committed and not released.
        for peer in &peers {
            peer.process.end();
        }
        let last = u32::try_from(PEERS).expect("few peers");
        let mut last = Peer::new(&shared, Who::new(last, 1), redeliveries_max);
        last.does(Step::Sweep, &shared, &mut list);
        while !list.is_drained(last.who) {
            last.does(Step::Read, &shared, &mut list);
            last.does(Step::Release(0), &shared, &mut list);
        }
        prop_assert_eq!(last.consumer.read(), Err(ReadError::Empty));
    }
}

/// Laps are counted modulo 2^32, and a peer may be away for longer than that.
#[test]
fn who_was_away_for_more_laps_than_are_counted_goes_on_where_the_others_are() {
    let laps = [1, 1 << 31, (1 << 31) + 1, (1 << 32) - 2, (1 << 32) + 1, 3 << 31, 1 << 40];
    for (log, laps) in (0..=4).flat_map(|log| laps.map(|laps| (log, laps))) {
        let capacity = 1_u64 << log;
        let shared = PlainLane::new(capacity, 5, Progress::Fast, 1);
        let mut away = Peer::new(&shared, Who::new(1, 1), 0);
        assert_eq!(away.consumer.read(), Err(ReadError::Empty));
        // So much passed meanwhile.
        let later = PlainLane::new(capacity, 5 + (laps << log), Progress::Fast, 1);
        shared.words.tail.set(later.words.tail.get());
        shared.words.head.set(later.words.head.get());
        for (slot, later) in shared.slots.iter().zip(&later.slots) {
            slot.state.set(later.state.get());
        }
        let claim = away.producer.claim(&away.floor).expect("a place");
        assert_eq!(claim.index(), 5 % capacity, "{laps} laps of {capacity}");
        shared.lane().commit(claim, &away.floor).expect("our slot");
        let taken = away.consumer.read().expect("the message");
        assert_eq!(taken.index(), 5 % capacity, "{laps} laps of {capacity}");
        shared.lane().release(taken);
        assert_eq!(shared.lane().is_drained(away.who), Ok(true));
    }
}
