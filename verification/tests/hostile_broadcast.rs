//! Goal: whatever stands in the words of a broadcast ring, our side answers an error or
//! something valid: no panic, nothing out of range, no endless loop. And whatever stands in
//! those that subscribers store, the publisher goes on and is not misled.
//!
//! Method: random calls while a meddler stores any value in any word between any two
//! operations, the kernel's answers about who lives are as random, and overflow checks and
//! assertions are on. Each call has a number of operations that it never exceeds; one that
//! would is ended there, which fails the test.

use proptest::prelude::*;
use ringbuf_core::cell::CellWord;
use ringbuf_core::entry::Entry;
use ringbuf_core::error::{ClaimError, ReceiveError};
use ringbuf_core::extent::Extent;
use ringbuf_core::life::Delivery;
use ringbuf_core::peer::{Liveness, Who};
use ringbuf_core::position::Position;
use ringbuf_core::publisher::Reclaim;
use ringbuf_core::subscriber::{Start, Subscriber, Taken, Want};
use ringbuf_verification::broadcast_words::{BroadcastWords, PublisherOf, Size, SubscriberOf};
use ringbuf_verification::mortal::{Mortal, Plain, meddled, mortal};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

const READERS: usize = 3;
const CELLS: usize = 4;
/// Cells of our own subscriber.
const VIEWS: usize = 2;
/// The rows of our own subscriber, and of none.
const ROW: usize = 1;
const ME: Who = Who::new(5, 77);
/// How often a read is tried again; see the core.
const TRIES_MAX: u64 = 64;
/// A look: two of the entry, the extent, our cells, set and cleared, a fence, the cursor, the
/// life, what is counted, and a release.
const LOOK: u64 = 12 + VIEWS as u64;
/// Joining: the row, the floor twice, the tail, a fence.
const JOIN: u64 = 12;

/// What each call needs at most, for a capacity.
struct Most {
    take_over: u64,
    claim: u64,
    evict: u64,
    read: u64,
    sweep: u64,
}

impl Most {
    fn of(capacity: u64) -> Self {
        let (readers, cells) = (READERS as u64, CELLS as u64);
        Self {
            take_over: capacity + 5,
            // Ends what was shown, makes room, reclaims.
            claim: 2 + (2 + 3 * readers) + (1 + cells),
            evict: 3 * readers,
            read: (TRIES_MAX + capacity + 1) * (LOOK + 1) + TRIES_MAX * capacity * LOOK + JOIN,
            sweep: 2 * (cells + readers),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Word {
    Tail,
    Floor,
    Entry(usize),
    Extent(usize),
    Life(usize),
    Cursor(usize),
    /// Lost, broken off, views.
    ForPeople(usize, usize),
    Cell(usize),
}

impl Word {
    /// Whether a subscriber may store it.
    fn is_a_subscribers(self) -> bool {
        matches!(self, Self::Life(_) | Self::Cursor(_) | Self::ForPeople(..) | Self::Cell(_))
    }

    fn of(self, words: &BroadcastWords<Mortal>) -> &Plain<u64> {
        let reader = |row: usize| &words.readers[row % READERS];
        match self {
            Self::Tail => &words.publisher.tail,
            Self::Floor => &words.publisher.floor,
            Self::Entry(at) => &words.entries[at % words.entries.len()],
            Self::Extent(at) => &words.slots.0[at % words.slots.0.len()],
            Self::Life(row) => &reader(row).life,
            Self::Cursor(row) => &reader(row).cursor,
            Self::ForPeople(row, which) => {
                let row = reader(row);
                [&row.lost, &row.broken, &row.views][which % 3]
            }
            Self::Cell(at) => &words.cells[at % CELLS],
        }
    }
}

/// A value to store: anything, something near what stands there, or what a correct peer might
/// have stored.
#[derive(Clone, Copy, Debug)]
enum Value {
    Any(u64),
    Moved(u64),
    /// Near the tail.
    Position(u64),
    Entry(u64, u32),
    Life(u32, u64),
    Cell(Option<u32>),
    Extent(u64),
}

impl Value {
    fn store(self, word: &Plain<u64>, words: &BroadcastWords<Mortal>) {
        let near = |by| Position::new(words.publisher.tail.get()).plus(by);
        word.set(match self {
            Self::Any(value) => value,
            Self::Moved(by) => word.get().wrapping_add(by),
            Self::Position(by) => near(by).count(),
            Self::Entry(by, slot) => Entry::new(near(by), words.entries.len() as u64, slot).bits(),
            Self::Life(joins, state) => u64::from(joins) << 32 | u64::from(ME.bits()) << 3 | state,
            Self::Cell(slot) => CellWord::taken(ME, slot).bits(),
            Self::Extent(state) => 9 << 3 | state,
        });
    }
}

fn value() -> impl Strategy<Value = Value> {
    let near = || prop_oneof![0..40_u64, (0..40_u64).prop_map(u64::wrapping_neg)];
    prop_oneof![
        2 => any::<u64>().prop_map(Value::Any),
        2 => near().prop_map(Value::Moved),
        4 => near().prop_map(Value::Position),
        3 => (near(), 0..24_u32).prop_map(|(by, slot)| Value::Entry(by, slot)),
        3 => (0..3_u32, 0..8_u64).prop_map(|(joins, state)| Value::Life(joins, state)),
        3 => prop::option::of(0..24_u32).prop_map(Value::Cell),
        2 => (0..8_u64).prop_map(Value::Extent),
    ]
}

fn subscribers_word() -> impl Strategy<Value = Word> {
    let at = any::<usize>;
    prop_oneof![
        3 => at().prop_map(Word::Life),
        3 => at().prop_map(Word::Cursor),
        1 => (at(), at()).prop_map(|(row, which)| Word::ForPeople(row, which)),
        3 => at().prop_map(Word::Cell),
    ]
}

fn word() -> impl Strategy<Value = Word> {
    let at = any::<usize>;
    prop_oneof![
        2 => Just(Word::Tail),
        2 => Just(Word::Floor),
        4 => at().prop_map(Word::Entry),
        3 => at().prop_map(Word::Extent),
        4 => subscribers_word(),
    ]
}

type Pokes = Vec<(Word, Value)>;

#[derive(Clone, Copy, Debug)]
enum Step {
    TakeOver,
    Claim,
    Commit,
    Advance,
    Abort,
    Evict,
    Join(Delivery, Start),
    Read(Want),
    Latest(Want),
    Release,
    Leave,
    Sweep,
}

fn step() -> impl Strategy<Value = Step> {
    use Delivery::{Latest, Lossless, Lossy};
    let want = || prop_oneof![Just(Want::Whole), Just(Want::Parts)];
    let start = prop_oneof![
        Just(Start::Newest),
        Just(Start::Oldest),
        any::<u64>().prop_map(|at| Start::Position(Position::new(at)))
    ];
    let join = (prop_oneof![Just(Lossless), Just(Lossy), Just(Latest)], start);
    prop_oneof![
        1 => Just(Step::TakeOver),
        6 => Just(Step::Claim),
        5 => Just(Step::Commit),
        2 => Just(Step::Advance),
        1 => Just(Step::Abort),
        1 => Just(Step::Evict),
        2 => join.prop_map(|(delivery, start)| Step::Join(delivery, start)),
        6 => want().prop_map(Step::Read),
        2 => want().prop_map(Step::Latest),
        4 => Just(Step::Release),
        1 => Just(Step::Leave),
        1 => Just(Step::Sweep),
    ]
}

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

/// A publisher and a subscriber, with what they hold.
struct Hand<'a> {
    words: &'a BroadcastWords<Mortal>,
    reclaim: Reclaim,
    publisher: PublisherOf<'a, Mortal>,
    reader: Option<SubscriberOf<'a, Mortal>>,
    taken: Vec<Taken>,
    oracle: Oracle,
}

impl<'a> Hand<'a> {
    fn new(words: &'a BroadcastWords<Mortal>, reclaim: Reclaim) -> Self {
        let publisher = words.take_over(reclaim).expect("true words");
        let oracle = Oracle(Cell::new(1));
        Self { words, reclaim, publisher, reader: None, taken: Vec::new(), oracle }
    }

    fn does(&mut self, step: Step) {
        let most = Most::of(self.words.entries.len() as u64);
        match step {
            Step::TakeOver => {
                if let Ok(next) = ends(most.take_over, || self.words.take_over(self.reclaim)) {
                    self.publisher = next;
                }
            }
            Step::Claim => match ends(most.claim, || self.publisher.claim()) {
                Ok(slot) => assert!((slot as usize) < self.words.slots.0.len()),
                Err(error) => assert_eq!(error, ClaimError::Full),
            },
            Step::Commit => ends(3, || self.publisher.commit(9)),
            Step::Advance => ends(2, || self.publisher.advance(3)),
            Step::Abort => ends(2, || self.publisher.abort()),
            Step::Evict => {
                let evicted = ends(most.evict, || self.publisher.evict_those_in_the_way());
                assert!(evicted <= READERS);
                let rows = ends(most.evict, || self.publisher.in_the_way().count());
                assert!(rows <= READERS);
            }
            Step::Join(delivery, start) => self.join(delivery, start),
            Step::Read(want) => self.read(want, most.read),
            Step::Latest(want) => {
                if let Some(reader) = &self.reader
                    && let Ok(taken) = ends(most.read, || reader.latest(want))
                {
                    self.hold(taken);
                }
            }
            Step::Release => {
                if let (Some(reader), Some(taken)) = (&self.reader, self.taken.pop()) {
                    ends(1, || reader.release(taken));
                }
            }
            Step::Leave => {
                if let Some(mut reader) = self.reader.take() {
                    ends(1, || reader.leave());
                    self.taken.clear();
                }
            }
            Step::Sweep => drop(ends(most.sweep, || self.words.ring().sweep(ME, &self.oracle))),
        }
    }

    fn join(&mut self, delivery: Delivery, start: Start) {
        let mut cells = vec![0; VIEWS];
        let cell = &self.words.cells;
        let count =
            ends(CELLS as u64, || ringbuf_core::cell::take_cells::<Mortal>(cell, ME, &mut cells));
        assert!(count <= VIEWS && cells.iter().all(|cell| (*cell as usize) < CELLS));
        // Whether they are ours or not: whoever else has them is hostile.
        let ring = self.words.ring();
        let join = || Subscriber::join(ring, ROW, ME, cells, delivery, start);
        self.taken.clear();
        self.reader = Some(ends(JOIN, join));
    }

    fn read(&mut self, want: Want, most: u64) {
        let Some(reader) = &mut self.reader else { return };
        if let Ok(taken) = ends(most, || reader.read(want)) {
            // The message that it was at, and none that it passed before.
            let after = reader.position().since(taken.position);
            assert!(1 <= after && after <= self.words.entries.len() as u64, "{after}");
            self.hold(taken);
        }
    }

    fn hold(&mut self, taken: Taken) {
        assert!((taken.slot as usize) < self.words.slots.0.len());
        assert!((taken.cell as usize) < CELLS);
        let _ = format!("{taken:?} {:?} {:?}", self.reader, self.publisher);
        self.taken.push(taken);
    }
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4096) }
}

fn size(log: u32) -> Size {
    Size { capacity: 1 << log, readers: READERS, cells: CELLS }
}

fn start() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0_u64), (0..20_u64).prop_map(u64::wrapping_neg), any::<u64>()]
}

fn reclaim() -> impl Strategy<Value = Reclaim> {
    prop_oneof![Just(Reclaim::Late), Just(Reclaim::Early)]
}

/// Stores one of them in turn before every so many operations, while `on`.
fn meddler(
    words: &Rc<BroadcastWords<Mortal>>,
    pokes: Pokes,
    quiet: usize,
    on: &Rc<Cell<bool>>,
) -> impl FnMut() + 'static {
    let (far, on) = (Rc::clone(words), Rc::clone(on));
    let mut count = 0;
    move || {
        count += 1;
        if on.get() && count % quiet == 0 {
            let (word, value) = pokes[count / quiet % pokes.len()];
            value.store(word.of(&far), &far);
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_value_of_a_word_harms_a_broadcast(
        log in 1_u32..=4,
        start in start(),
        reclaim in reclaim(),
        pokes in prop::collection::vec((word(), value()), 1..60),
        quiet in 1..40_usize,
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let words = BroadcastWords::new(Mortal::default(), size(log), start, Plain::new);
        let words = Rc::new(words);
        let mut hand = Hand::new(&words, reclaim);
        let meddle = meddler(&words, pokes, quiet, &Rc::new(Cell::new(true)));
        meddled(meddle, || steps.into_iter().for_each(|step| hand.does(step)));
    }

    /// Two slots are named all the time by cells that nobody meddles with.
    #[test]
    fn no_value_that_a_subscriber_stores_misleads_a_publisher(
        log in 1_u32..=4,
        start in start(),
        reclaim in reclaim(),
        pokes in prop::collection::vec((subscribers_word(), value()), 1..60),
        quiet in 1..20_usize,
        dies in prop::collection::vec(prop::bool::weighted(0.05), 60),
    ) {
        let words = Rc::new(BroadcastWords::new(Mortal::default(), size(log), start, Plain::new));
        let mut publisher = words.take_over(reclaim).expect("true words");
        let mut named = BTreeSet::new();
        for cell in &words.cells[..VIEWS] {
            let slot = publisher.claim().expect("nobody is in the way");
            publisher.commit(9);
            cell.set(CellWord::taken(Who::new(7, 7), Some(slot)).bits());
            named.insert(slot);
        }
        // The other cells are the meddler's.
        let spares = |(word, value)| match word {
            Word::Cell(at) => (Word::Cell(VIEWS + at % (CELLS - VIEWS)), value),
            other => (other, value),
        };
        let pokes: Pokes = pokes.into_iter().map(spares).collect();
        prop_assert!(pokes.iter().all(|(word, _)| word.is_a_subscribers()));
        let on = Rc::new(Cell::new(true));
        let meddle = meddler(&words, pokes, quiet, &on);
        meddled(meddle, || {
            for dies in dies {
                if dies {
                    publisher = words.take_over(reclaim).expect("nothing of it was touched");
                }
                one_more(&words, &mut publisher, &on, &named);
            }
        });
        let tail = start.wrapping_add(VIEWS as u64 + 60);
        prop_assert_eq!(words.publisher.tail.get(), tail, "a position for each");
    }
}

/// Publishes one message: whoever is in the way and is evicted is not any more.
fn one_more(
    words: &BroadcastWords<Mortal>,
    publisher: &mut PublisherOf<'_, Mortal>,
    on: &Cell<bool>,
    named: &BTreeSet<u32>,
) {
    let most = Most::of(words.entries.len() as u64);
    let position = publisher.position();
    let slot = match ends(most.claim, || publisher.claim()) {
        Ok(slot) => slot,
        Err(error) => {
            assert_eq!(error, ClaimError::Full);
            on.set(false);
            let again = publisher.claim();
            let rows: Vec<_> = publisher.in_the_way().collect();
            assert_eq!(again.is_ok(), rows.is_empty(), "{again:?}: {rows:?}");
            assert_eq!(publisher.evict_those_in_the_way(), rows.len());
            let slot = publisher.claim().expect("nobody is in the way any more");
            on.set(true);
            slot
        }
    };
    assert!(!named.contains(&slot), "it is looked at");
    let standing = words.entries.iter().map(Plain::get).filter(|entry| *entry != 0);
    let standing: BTreeSet<_> = standing.map(|entry| words.slot_of(entry)).collect();
    assert!(!standing.contains(&(slot as usize)), "it stands somewhere");
    ends(3, || publisher.commit(9));
    let entry = Entry::new(position, words.entries.len() as u64, slot).bits();
    let index = usize::try_from(position.index(words.entries.len() as u64)).expect("an index");
    assert_eq!(words.entries[index].get(), entry);
    assert_eq!(Extent::from_bits(words.slots.0[slot as usize].get()), Some(Extent::Whole(9)));
}

/// Every message was broken off, or overwritten, whenever we look.
#[test]
fn a_read_that_never_arrives_is_given_up() {
    let deliveries = [Delivery::Lossless, Delivery::Lossy, Delivery::Latest];
    for (log, delivery) in (1..=4).flat_map(|log| deliveries.map(|delivery| (log, delivery))) {
        let words = BroadcastWords::new(Mortal::default(), size(log), 0, Plain::new);
        let (words, capacity) = (Rc::new(words), 1_u64 << log);
        let mut hand = Hand::new(&words, Reclaim::Late);
        hand.join(delivery, Start::Newest);
        let far = Rc::clone(&words);
        let chase = move || {
            let next = Position::new(far.readers[ROW].cursor.get());
            let laps = u64::from(delivery != Delivery::Lossless) * capacity;
            for entry in &far.entries {
                entry.set(Entry::new(next.plus(laps), capacity, 0).bits());
            }
            far.publisher.floor.set(next.plus(1).count());
            far.publisher.tail.set(next.plus(1).count());
            far.slots.0[0].set(Extent::Broken(0).bits());
        };
        let reader = hand.reader.as_mut().expect("it joined");
        let most = Most::of(capacity).read;
        let found = meddled(chase, || ends(most, || reader.read(Want::Whole)));
        assert_eq!(found, Err(ReceiveError::Busy), "{delivery:?}");
    }
}

/// Who is refused has changed nothing.
#[test]
fn a_take_over_that_fails_touches_nothing() {
    let spoils: [fn(&BroadcastWords<Mortal>); 4] = [
        |words| words.publisher.floor.set(words.publisher.tail.get().wrapping_sub(9)),
        |words| words.publisher.floor.set(words.publisher.tail.get() + 2),
        |words| words.entries[0].set(words.entries[1].get()),
        |words| words.slots.0[words.slot_of(words.entries[2].get())].set(0),
    ];
    for spoil in spoils {
        let words = BroadcastWords::new(Mortal::default(), size(2), 0, Plain::new);
        let mut publisher = words.take_over(Reclaim::Late).expect("true words");
        for _ in 0..6 {
            publisher.claim().expect("nobody is in the way");
            publisher.commit(9);
        }
        // Position 6, in entry 2.
        publisher.claim().expect("nobody is in the way");
        publisher.advance(3);
        spoil(&words);
        let all = |words: &BroadcastWords<Mortal>| {
            let slots = words.slots.0.iter().map(|slot| slot.get());
            let others = words.entries.iter().map(Plain::get);
            slots.chain(others).chain([words.publisher.tail.get()]).collect::<Vec<_>>()
        };
        let before = all(&words);
        assert!(words.take_over(Reclaim::Late).is_err());
        assert_eq!(all(&words), before);
    }
}
