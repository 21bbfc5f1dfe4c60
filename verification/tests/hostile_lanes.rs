//! Goal: whatever stands in the words of a lane, our side answers an error or
//! something valid: no panic, nothing out of range, no endless loop.
//!
//! Method: random calls while a meddler stores any value in any word between any two
//! operations, the kernel's answers about who lives are as random, and overflow checks
//! and assertions are on. Each call has a number of operations that it never exceeds;
//! one that would is ended there, which fails the test.

use proptest::prelude::*;
use ringbuf_core::error::{ClaimError, ReadError};
use ringbuf_core::floor::Floor;
use ringbuf_core::mpmc::{Claim, Consumer, Lane, LaneWords, Producer, Progress, Taken};
use ringbuf_core::peer::{Liveness, STATE_BITS, Who};
use ringbuf_core::position::Position;
use ringbuf_core::slot::{Fate, SlotWord, SlotWords};
use ringbuf_verification::mortal::{Mortal, Plain, meddled, mortal};
use std::cell::Cell;
use std::rc::Rc;

/// A look at the place one is at: load the slot, then exchange it.
const LOOK: u64 = 2;
/// Steps of a walk beyond a lap, and operations of each: move the hint and load it, then
/// look.
const STEPS_MORE: u64 = 64;
const WALK: u64 = 2 + LOOK;
/// Looks at a slot that changes, each a load or an exchange; tries to announce.
const LOOKS_MAX: u64 = 64;
const ANNOUNCE: u64 = 2 * 64;
/// Laps of a walk in a Strict lane; to pass a place: load `far`, exchange; looks for
/// something to pass for; tries of an exchange that others' get in the way of.
const LAPS_STRICT: u64 = 64;
const PASS: u64 = 2;
const LOOKS_BEYOND: u64 = 64;
const TRIES: u64 = 1024;
/// A search: load a slot, take it, load its fate, note it, give it back.
const SEARCH: u64 = 5;

/// The first incarnation of a row.
const SOMEBODY: u64 = 1 << 12 | 9;
/// The state of a slot whose reader died.
const ORPHAN: u64 = 5;

struct Shared {
    words: LaneWords<Mortal>,
    slots: Vec<SlotWords<Mortal>>,
}

type Slots<'a> = &'a [SlotWords<Mortal>];

impl Shared {
    fn new(capacity: u64) -> Self {
        let free = |_| SlotWords::new(SlotWord::free(0), Plain::new);
        Self {
            words: LaneWords::new(Position::new(0), Plain::new),
            slots: (0..capacity).map(free).collect(),
        }
    }

    fn poke(&self, poke: &Poke) {
        let LaneWords { tail, head, notices } = &self.words;
        let slot = |number: usize| &self.slots[number % self.slots.len()];
        match *poke {
            Poke::Nothing => {}
            Poke::Hint(which, value) => value.store([tail, head][usize::from(which)]),
            Poke::Orphans(value) => value.store(&notices.orphans),
            Poke::Far(value) => value.store(&notices.far),
            Poke::State(number, value) => value.store(&slot(number).state),
            Poke::Fate(number, value) => value.store(&slot(number).fate),
            Poke::Orphan(number, deliveries) => {
                let lap = SlotWord::new(slot(number).state.get()).lap();
                slot(number).state.set(u64::from(lap) << 32 | ORPHAN);
                slot(number).fate.set(Fate { deliveries, dropped: 0xFF_FFFF }.bits());
                notices.orphans.set(notices.orphans.get().wrapping_add(1));
            }
            Poke::Lap(by) => {
                for slot in &self.slots {
                    slot.state.set(slot.state.get().wrapping_add(u64::from(by) << 32));
                }
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Poke {
    Nothing,
    Hint(bool, Value),
    Orphans(Value),
    Far(Value),
    State(usize, Value),
    Fate(usize, Value),
    /// A message that was delivered again so often.
    Orphan(usize, u8),
    /// Every slot, so many laps on.
    Lap(u32),
}

/// A value to store: anything, something near what stands there, or what a correct
/// peer might have stored.
#[derive(Clone, Copy, Debug)]
enum Value {
    Any(u64),
    Moved(u64),
    /// Lap as it is, or moved by so many; holder; state.
    Word(u32, u32, u64),
}

impl Value {
    fn store(self, word: &Plain<u64>) {
        word.set(match self {
            Self::Any(value) => value,
            Self::Moved(by) => word.get().wrapping_add(by),
            Self::Word(laps, who, state) => {
                let lap = SlotWord::new(word.get()).lap().wrapping_add(laps);
                u64::from(lap) << 32 | u64::from(who) << STATE_BITS | state
            }
        });
    }
}

fn value() -> impl Strategy<Value = Value> {
    let near = prop_oneof![0..20_u64, any::<u64>().prop_map(|any| (any % 20).wrapping_neg())];
    let laps = prop_oneof![3 => Just(0), 1 => Just(1), 1 => Just(u32::MAX), 1 => any::<u32>()];
    let who = prop_oneof![Just(0), Just(ME.bits()), 0..1_u32 << 29];
    prop_oneof![
        1 => any::<u64>().prop_map(Value::Any),
        2 => near.prop_map(Value::Moved),
        4 => (laps, who, 0..8_u64).prop_map(|(laps, who, state)| Value::Word(laps, who, state)),
    ]
}

fn poke() -> impl Strategy<Value = Poke> {
    prop_oneof![
        4 => Just(Poke::Nothing),
        2 => (any::<bool>(), value()).prop_map(|(which, value)| Poke::Hint(which, value)),
        1 => value().prop_map(Poke::Orphans),
        1 => value().prop_map(Poke::Far),
        4 => (any::<usize>(), value()).prop_map(|(slot, value)| Poke::State(slot, value)),
        1 => (any::<usize>(), value()).prop_map(|(slot, value)| Poke::Fate(slot, value)),
        1 => (any::<usize>(), any::<u8>()).prop_map(|(slot, often)| Poke::Orphan(slot, often)),
        1 => any::<u32>().prop_map(Poke::Lap),
        1 => Just(Poke::Lap(1)),
    ]
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Claim,
    Commit,
    Abort,
    Read,
    Release,
    Sweep,
    IsDrained,
    ProducerAgain,
    ConsumerAgain,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Claim),
        3 => Just(Step::Commit),
        1 => Just(Step::Abort),
        4 => Just(Step::Read),
        3 => Just(Step::Release),
        1 => Just(Step::Sweep),
        1 => Just(Step::IsDrained),
        1 => Just(Step::ProducerAgain),
        1 => Just(Step::ConsumerAgain),
    ]
}

const ME: Who = Who::new(5, 77);

/// A kernel whose answers are as good as any.
struct Oracle(Cell<u64>);

impl Liveness for Oracle {
    fn is_held(&self, who: Who) -> bool {
        assert_ne!(who, ME, "nobody asks about itself");
        self.0.set(self.0.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        self.0.get() >> 63 == 0
    }
}

fn ends<T>(operations_max: u64, call: impl FnOnce() -> T) -> T {
    let after = u32::try_from(operations_max).expect("few operations");
    mortal(after, call).expect("the call ends")
}

/// What each call needs at most, for a capacity.
struct Most {
    claim: u64,
    commit: u64,
    read: u64,
    release: u64,
    sweep: u64,
}

impl Most {
    fn of(capacity: u64, progress: Progress) -> Self {
        let (walk, tries, announce) = match progress {
            Progress::Fast => (LOOK + WALK * (capacity + STEPS_MORE), 0, 0),
            Progress::Strict => {
                let steps = LAPS_STRICT * capacity + STEPS_MORE;
                (LOOK + (WALK + PASS) * steps + LOOKS_BEYOND * capacity, TRIES, 2 * TRIES)
            }
        };
        Self {
            claim: walk,
            commit: 3 + tries * (1 + announce),
            read: 2 + (SEARCH + tries) * capacity + walk,
            release: 1 + tries,
            sweep: capacity * (1 + LOOKS_MAX) + ANNOUNCE,
        }
    }
}

/// Everything that one peer does, with what it holds meanwhile.
struct Hand<'a> {
    shared: &'a Shared,
    lane: Lane<'a, Mortal, Slots<'a>>,
    producer: Producer<'a, Mortal, Slots<'a>>,
    floor: Floor,
    consumer: Consumer<'a, Mortal, Slots<'a>>,
    redeliveries_max: u8,
    progress: Progress,
    passes: bool,
    claims: Vec<Claim>,
    taken: Vec<Taken>,
    oracle: Oracle,
}

impl<'a> Hand<'a> {
    fn new(
        shared: &'a Shared,
        machine: &'a Mortal,
        progress: Progress,
        lazy: u64,
        redeliveries_max: u8,
    ) -> Self {
        let lane = Lane::new(machine, &shared.words, &shared.slots[..], progress).with_lazy(lazy);
        Self {
            shared,
            lane,
            floor: lane.floor(),
            producer: Producer::new(lane, ME),
            consumer: Consumer::new(lane, ME, redeliveries_max),
            redeliveries_max,
            progress,
            passes: false,
            claims: Vec::new(),
            taken: Vec::new(),
            oracle: Oracle(Cell::new(1)),
        }
    }

    /// Passes by whoever is in the way, every other time.
    fn claim(&mut self) -> Result<Claim, ClaimError> {
        self.passes = !self.passes;
        let (producer, floor) = (&mut self.producer, &self.floor);
        if self.passes { producer.claim_past(floor) } else { producer.claim(floor) }
    }

    fn read(&mut self) -> Result<Taken, ReadError> {
        self.passes = !self.passes;
        if self.passes { self.consumer.read_past() } else { self.consumer.read() }
    }

    fn does(&mut self, step: Step) {
        let capacity = self.lane.capacity();
        let most = Most::of(capacity, self.progress);
        match step {
            Step::Claim => {
                if let Ok(claim) = ends(most.claim, || self.claim()) {
                    assert!(claim.index() < capacity);
                    self.claims.push(claim);
                }
            }
            Step::Commit => {
                if let Some(claim) = self.claims.pop() {
                    // `Corrupt`, where the slot was taken from us.
                    let _ = ends(most.commit, || self.lane.commit(claim, &self.floor));
                }
            }
            Step::Abort => {
                if let Some(claim) = self.claims.pop() {
                    ends(most.release, || self.lane.abort(claim));
                }
            }
            Step::Read => {
                if let Ok(taken) = ends(most.read, || self.read()) {
                    assert!(taken.index() < capacity);
                    assert!(taken.redelivered() <= self.redeliveries_max);
                    self.taken.push(taken);
                }
            }
            Step::Release => {
                if let Some(taken) = self.taken.pop() {
                    ends(most.release, || self.lane.release(taken));
                }
            }
            Step::Sweep => {
                if let Ok(swept) = ends(most.sweep, || self.lane.sweep(ME, &self.oracle)) {
                    assert!(swept.freed + swept.orphaned <= capacity);
                }
            }
            Step::IsDrained => drop(ends(capacity, || self.lane.is_drained(ME))),
            Step::ProducerAgain => self.producer = ends(1, || Producer::new(self.lane, ME)),
            Step::ConsumerAgain => {
                self.consumer = ends(2, || Consumer::new(self.lane, ME, self.redeliveries_max));
            }
        }
        for slot in &self.shared.slots {
            // Showing a word and a fate to somebody never fails either.
            let word = SlotWord::new(slot.state.get());
            let _ = format!("{word:?} {:?}", Fate::new(slot.fate.get()));
        }
    }
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4096) }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_value_of_a_word_harms_a_lane(
        log in 0_u32..=4,
        progress in prop_oneof![Just(Progress::Fast), Just(Progress::Strict)],
        lazy in prop_oneof![1..=8_u64, Just(0), Just(u64::MAX)],
        redeliveries_max in prop_oneof![0..=3_u8, Just(254)],
        start in prop_oneof![Just(0_u64), (0..20_u64).prop_map(u64::wrapping_neg), any::<u64>()],
        pokes in prop::collection::vec(poke(), 1..60),
        quiet in 1..40_usize,
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let shared = Rc::new(Shared::new(1 << log));
        shared.words.tail.set(start);
        shared.words.head.set(start);
        shared.words.notices.far.set(start);
        shared.poke(&Poke::Lap(u32::try_from(start >> log & 0xFFFF_FFFF).expect("a lap")));
        let far = Rc::clone(&shared);
        let mut count = 0;
        let meddle = move || {
            count += 1;
            if count % quiet == 0 {
                far.poke(&pokes[count / quiet % pokes.len()]);
            }
        };
        let machine = Mortal::default();
        let mut hand = Hand::new(&shared, &machine, progress, lazy, redeliveries_max);
        meddled(meddle, || steps.into_iter().for_each(|step| hand.does(step)));
    }
}

/// In both kinds of progress.
fn both<T: Copy>(of: impl Iterator<Item = T>) -> impl Iterator<Item = (T, Progress)> {
    of.flat_map(|each| [Progress::Fast, Progress::Strict].map(|progress| (each, progress)))
}

/// Runs `call` while every slot changes before every operation as `change` says.
fn chased<T>(
    shared: &Rc<Shared>,
    change: impl Fn(&Shared, u64) + 'static,
    call: impl FnOnce() -> T,
) -> T {
    let far = Rc::clone(shared);
    let mut count = 0;
    let meddle = move || {
        count += 1;
        change(&far, count);
    };
    meddled(meddle, call)
}

/// Somebody is always one step ahead: every place that we get to was just taken, and
/// the hint is moved under us.
#[test]
fn a_walk_that_never_arrives_is_given_up() {
    let states = |log| [2_u64, 4, 6].map(|state| (log, state));
    for ((log, state), progress) in both((0..=4).flat_map(states)) {
        let shared = Rc::new(Shared::new(1 << log));
        let machine = Mortal::default();
        let mut hand = Hand::new(&shared, &machine, progress, 1, 0);
        hand.consumer.read().unwrap_err();
        let later = move |shared: &Shared, count: u64| {
            for slot in &shared.slots {
                // Ahead of us by half of all laps at most.
                slot.state.set(1 << 62 | SOMEBODY << STATE_BITS | state);
            }
            shared.words.tail.set(count);
            shared.words.head.set(count);
        };
        let most = Most::of(1 << log, progress);
        let claimed = chased(&shared, later, || ends(most.claim, || hand.claim()));
        assert_eq!(claimed, Err(ClaimError::Busy));
        let read = chased(&shared, later, || ends(most.read, || hand.read()));
        assert_eq!(read, Err(ReadError::Busy));
    }
}

/// Every slot has another dead holder whenever we look, and `orphans` moves on before
/// it can be exchanged.
#[test]
fn a_sweep_whose_every_exchange_fails_ends() {
    struct Dead;
    impl Liveness for Dead {
        fn is_held(&self, _: Who) -> bool {
            false
        }
    }
    for (log, progress) in both(0..=4) {
        let shared = Rc::new(Shared::new(1 << log));
        let machine = Mortal::default();
        let hand = Hand::new(&shared, &machine, progress, 1, 0);
        let other = |shared: &Shared, count: u64| {
            for slot in &shared.slots {
                slot.state.set(count << 32 | SOMEBODY << STATE_BITS | 4);
            }
            shared.words.notices.orphans.set(count);
        };
        let most = Most::of(1 << log, progress);
        let swept = chased(&shared, other, || ends(most.sweep, || hand.lane.sweep(ME, &Dead)));
        assert_eq!(swept.map(|swept| swept.freed + swept.orphaned), Ok(0));
        // Now the slots are orphans that nobody can announce.
        let other = |shared: &Shared, count: u64| {
            for slot in &shared.slots {
                slot.state.set(ORPHAN);
            }
            shared.words.notices.orphans.set(count);
        };
        let swept = chased(&shared, other, || ends(most.sweep, || hand.lane.sweep(ME, &Dead)));
        assert_eq!(swept.map(|swept| swept.freed + swept.orphaned), Ok(0));
    }
}

#[test]
fn every_number_of_deliveries_is_shown_once_more_or_dropped() {
    let all = (0..=254).flat_map(|limit| (0..=255).map(move |often| (limit, often)));
    for ((limit, deliveries), progress) in both(all) {
        let shared = Shared::new(1);
        let machine = Mortal::default();
        shared.poke(&Poke::Orphan(0, deliveries));
        let mut hand = Hand::new(&shared, &machine, progress, 1, limit);
        let shown = ends(Most::of(1, progress).read, || hand.consumer.read());
        let dropped = Fate::new(shared.slots[0].fate.get()).dropped;
        if deliveries < limit {
            assert_eq!(shown.map(|taken| taken.redelivered()), Ok(deliveries + 1));
            assert_eq!(dropped, 0xFF_FFFF);
        } else {
            assert_eq!(shown, Err(ReadError::Empty));
            // Counted modulo 2^24, unless that was noted before.
            assert_eq!(dropped, if deliveries == u8::MAX { 0xFF_FFFF } else { 0 });
        }
    }
}
