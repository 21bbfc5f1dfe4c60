//! Goal: whatever stands in the words of a ring of ticks, and changes there while it is used, no
//! call panics, loops for ever or reads anything that is not there; and what subscribers store
//! keeps no publisher from going on.
//!
//! Method: random calls of the real code on plain words, into which a meddler stores random and
//! plausible values before its operations. Every call ends after so many operations.

use proptest::prelude::*;
use ringbuf_core::error::{ClaimError, ReceiveError};
use ringbuf_core::life::Delivery;
use ringbuf_core::peer::{Liveness, Who};
use ringbuf_core::position::Position;
use ringbuf_core::stamp::Stamp;
use ringbuf_core::subscriber::Start;
use ringbuf_core::tick_publisher::TickPublisher;
use ringbuf_core::tick_subscriber::TickSubscriber;
use ringbuf_verification::mortal::{Mortal, Plain, meddled, mortal};
use ringbuf_verification::tick_words::{TickSize, TickWords};
use std::cell::Cell;
use std::rc::Rc;

const READERS: usize = 3;
const WORDS: usize = 3;
const ME: Who = Who::new(1, 1);
const ROW: usize = 0;
/// Operations of a look at one message, and of joining.
const LOOK: u64 = WORDS as u64 + 6;
const JOIN: u64 = 12;
/// Looks before a read gives up.
const LOOKS_MAX: u64 = 64;
const READ: u64 = LOOKS_MAX * LOOK + JOIN;
/// The floor, a fence, and what is done about each row.
const ROOM: u64 = 2 + 3 * READERS as u64;

type Words = TickWords<Mortal>;

/// Which word.
#[derive(Clone, Copy, Debug)]
enum Word {
    Tail,
    Floor,
    Message(usize),
    Life(usize),
    Cursor(usize),
    Lost(usize),
}

impl Word {
    fn of(self, words: &Words) -> &Plain<u64> {
        match self {
            Self::Tail => &words.publisher.tail,
            Self::Floor => &words.publisher.floor,
            Self::Message(at) => &words.words[at % words.words.len()],
            Self::Life(row) => &words.readers[row % READERS].life,
            Self::Cursor(row) => &words.readers[row % READERS].cursor,
            Self::Lost(row) => &words.readers[row % READERS].lost,
        }
    }
}

/// What is stored there.
#[derive(Clone, Copy, Debug)]
enum Value {
    Any(u64),
    Moved(u64),
    Position(u64),
    Writing(u64),
    Whole(u64),
    Life(u32, u64),
}

impl Value {
    fn store(self, word: &Plain<u64>, words: &Words) {
        let near = |by| Position::new(words.publisher.tail.get()).plus(by);
        word.set(match self {
            Self::Any(value) => value,
            Self::Moved(by) => word.get().wrapping_add(by),
            Self::Position(by) => near(by).count(),
            Self::Writing(by) => Stamp::writing(near(by)).bits(),
            Self::Whole(by) => Stamp::whole(near(by)).bits(),
            Self::Life(joins, state) => u64::from(joins) << 32 | u64::from(ME.bits()) << 3 | state,
        });
    }
}

fn value() -> impl Strategy<Value = Value> {
    let near = || prop_oneof![0..40_u64, (0..40_u64).prop_map(u64::wrapping_neg)];
    prop_oneof![
        2 => any::<u64>().prop_map(Value::Any),
        2 => near().prop_map(Value::Moved),
        4 => near().prop_map(Value::Position),
        3 => near().prop_map(Value::Writing),
        3 => near().prop_map(Value::Whole),
        3 => (0..3_u32, 0..8_u64).prop_map(|(joins, state)| Value::Life(joins, state)),
    ]
}

fn subscribers_word() -> impl Strategy<Value = Word> {
    let at = any::<usize>;
    prop_oneof![
        3 => at().prop_map(Word::Life),
        3 => at().prop_map(Word::Cursor),
        1 => at().prop_map(Word::Lost),
    ]
}

fn word() -> impl Strategy<Value = Word> {
    prop_oneof![
        2 => Just(Word::Tail),
        2 => Just(Word::Floor),
        4 => any::<usize>().prop_map(Word::Message),
        4 => subscribers_word(),
    ]
}

type Pokes = Vec<(Word, Value)>;

#[derive(Clone, Copy, Debug)]
enum Step {
    TakeOver,
    Publish,
    Evict,
    Join(Delivery, Start),
    Read,
    Latest,
    Leave,
    Sweep,
}

fn step() -> impl Strategy<Value = Step> {
    use Delivery::{Latest, Lossless, Lossy};
    let start = prop_oneof![
        Just(Start::Newest),
        Just(Start::Oldest),
        any::<u64>().prop_map(|at| Start::Position(Position::new(at)))
    ];
    let join = (prop_oneof![Just(Lossless), Just(Lossy), Just(Latest)], start);
    prop_oneof![
        1 => Just(Step::TakeOver),
        6 => Just(Step::Publish),
        1 => Just(Step::Evict),
        2 => join.prop_map(|(delivery, start)| Step::Join(delivery, start)),
        6 => Just(Step::Read),
        2 => Just(Step::Latest),
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

/// A publisher and a subscriber.
struct Hand<'a> {
    words: &'a Words,
    publisher: TickPublisher<'a, Mortal>,
    reader: Option<TickSubscriber<'a, Mortal>>,
    oracle: Oracle,
}

impl<'a> Hand<'a> {
    fn new(words: &'a Words) -> Self {
        let publisher = TickPublisher::take_over(words.ring()).expect("true words");
        Self { words, publisher, reader: None, oracle: Oracle(Cell::new(1)) }
    }

    fn does(&mut self, step: Step) {
        let mut copy = [0; WORDS];
        match step {
            Step::TakeOver => {
                if let Ok(next) = ends(4, || TickPublisher::take_over(self.words.ring())) {
                    self.publisher = next;
                }
            }
            Step::Publish => {
                let most = ROOM + WORDS as u64 + 4;
                let published = ends(most, || self.publisher.publish(&[7; WORDS]));
                assert!(matches!(published, Ok(()) | Err(ClaimError::Full)));
            }
            Step::Evict => {
                let most = 3 * READERS as u64;
                assert!(ends(most, || self.publisher.evict_those_in_the_way()) <= READERS);
                assert!(ends(most, || self.publisher.in_the_way().count()) <= READERS);
            }
            Step::Join(delivery, start) => {
                let ring = self.words.ring();
                let join = || TickSubscriber::join(ring, ROW, ME, delivery, start);
                self.reader = Some(ends(JOIN, join));
            }
            Step::Read => self.read(&mut copy),
            Step::Latest => {
                if let Some(reader) = &self.reader {
                    let _ = ends(READ, || reader.latest(&mut copy));
                }
            }
            Step::Leave => {
                if let Some(mut reader) = self.reader.take() {
                    ends(1, || reader.leave());
                }
            }
            Step::Sweep => {
                let most = 2 * READERS as u64;
                ends(most, || self.words.ring().peers().sweep(ME, &self.oracle));
            }
        }
        let _ = format!("{:?} {:?}", self.reader, self.publisher);
    }

    fn read(&mut self, copy: &mut [u64]) {
        let Some(reader) = &mut self.reader else { return };
        if let Ok(position) = ends(READ, || reader.read(copy)) {
            assert_eq!(reader.position(), position.plus(1));
        }
    }
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4096) }
}

fn words(log: u32, start: u64) -> Rc<Words> {
    let size = TickSize { capacity: 1 << log, readers: READERS, words: WORDS };
    Rc::new(TickWords::new(Mortal::default(), size, start, Plain::new, Plain::new))
}

fn start() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0_u64), (0..20_u64).prop_map(u64::wrapping_neg), any::<u64>()]
}

/// Stores one of them in turn before every so many operations.
fn meddler(words: &Rc<Words>, pokes: Pokes, quiet: usize) -> impl FnMut() + 'static {
    let (far, mut count) = (Rc::clone(words), 0);
    move || {
        count += 1;
        if count % quiet == 0 {
            let (word, value) = pokes[count / quiet % pokes.len()];
            value.store(word.of(&far), &far);
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_value_of_a_word_harms_a_ring_of_ticks(
        log in 1_u32..=4,
        start in start(),
        pokes in prop::collection::vec((word(), value()), 1..60),
        quiet in 1..40_usize,
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let words = words(log, start);
        let mut hand = Hand::new(&words);
        meddled(meddler(&words, pokes, quiet), || steps.into_iter().for_each(|step| hand.does(step)));
    }

    /// Whatever subscribers store, whoever is not evicted has moved, and each message that is
    /// published stands where it belongs.
    #[test]
    fn no_value_that_a_subscriber_stores_keeps_a_publisher_from_going_on(
        log in 1_u32..=4,
        start in start(),
        pokes in prop::collection::vec((subscribers_word(), value()), 1..60),
        quiet in 1..20_usize,
        dies in prop::collection::vec(prop::bool::weighted(0.05), 60),
    ) {
        let words = words(log, start);
        let mut publisher = TickPublisher::take_over(words.ring()).expect("true words");
        let mut meddle = meddler(&words, pokes, quiet);
        for (message, dies) in (0_u64..).zip(dies) {
            if dies {
                let next = TickPublisher::take_over(words.ring());
                publisher = next.expect("nothing of it was touched");
            }
            (0..9).for_each(|_| meddle());
            let position = publisher.position();
            if publisher.publish(&[message; WORDS]) == Err(ClaimError::Full) {
                let rows = publisher.in_the_way().count();
                assert!(rows > 0, "somebody is");
                assert_eq!(publisher.evict_those_in_the_way(), rows);
                publisher.publish(&[message; WORDS]).expect("nobody is in the way any more");
            }
            let capacity = words.ring().capacity();
            let entry = usize::try_from(position.index(capacity)).expect("an index");
            let whole = Stamp::whole(position).bits();
            prop_assert_eq!(words.stamp(entry).get(), whole);
            prop_assert_eq!(words.words[entry * words.entry_words + WORDS].get(), message);
        }
        prop_assert_eq!(words.publisher.tail.get(), start.wrapping_add(60));
    }
}

/// Every message is torn, or overtaken, whenever we look.
#[test]
fn a_read_that_never_arrives_is_given_up() {
    for delivery in [Delivery::Lossless, Delivery::Lossy, Delivery::Latest] {
        let words = words(2, 0);
        let mut hand = Hand::new(&words);
        hand.does(Step::Join(delivery, Start::Newest));
        let (far, mut count) = (Rc::clone(&words), 0_u64);
        let chase = move || {
            count += 1;
            let capacity = far.ring().capacity();
            let next = Position::new(far.readers[ROW].cursor.get());
            far.publisher.tail.set(next.plus(1).count());
            // Whole at the first look, and not at the second.
            let again = count.is_multiple_of(2);
            for entry in 0..4 {
                let stamp = Stamp::whole(next.plus(capacity * u64::from(!again)));
                far.stamp(entry).set(stamp.bits());
            }
        };
        let reader = hand.reader.as_mut().expect("it joined");
        let found = meddled(chase, || ends(READ, || reader.read(&mut [0; WORDS])));
        let lasting = [Err(ReceiveError::Busy), Err(ReceiveError::Corrupt)];
        assert!(lasting.contains(&found), "{delivery:?}: {found:?}");
    }
}

/// Who is refused has changed nothing.
#[test]
fn a_take_over_that_fails_touches_nothing() {
    let spoils: [fn(&Words); 4] = [
        |words| words.publisher.floor.set(words.publisher.tail.get().wrapping_sub(9)),
        |words| words.publisher.floor.set(words.publisher.tail.get() + 2),
        |words| words.stamp(2).set(7),
        |words| words.stamp(2).set(Stamp::whole(Position::new(10)).bits()),
    ];
    for spoil in spoils {
        let words = words(2, 0);
        let mut publisher = TickPublisher::take_over(words.ring()).expect("true words");
        for _ in 0..6 {
            publisher.publish(&[7; WORDS]).expect("nobody is in the way");
        }
        spoil(&words);
        let all = |words: &Words| {
            let all = words.words.iter().map(Plain::get);
            all.chain([words.publisher.tail.get()]).collect::<Vec<_>>()
        };
        let before = all(&words);
        assert!(TickPublisher::take_over(words.ring()).is_err());
        assert_eq!(all(&words), before);
    }
}
