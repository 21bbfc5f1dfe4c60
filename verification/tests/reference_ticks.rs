//! Goal: any schedule of calls and deaths does to a ring of ticks what it does to a list of all
//! messages that anybody understands.
//!
//! Method: random schedules of one publisher and three subscribers, of the real code on plain
//! words and of the list, compared after every call; positions start where each width wraps. A
//! publisher dies between two messages or in the middle of one, at any of its operations. The
//! floor is not compared but bounded: it is how much more than must be is lost at once.

use proptest::prelude::*;
use ringbuf_core::error::{ClaimError, ReceiveError};
use ringbuf_core::life::Delivery;
use ringbuf_core::peer::Who;
use ringbuf_core::position::Position;
use ringbuf_core::subscriber::Start;
use ringbuf_core::tick_publisher::TickPublisher;
use ringbuf_core::tick_subscriber::TickSubscriber;
use ringbuf_verification::mortal::{Mortal, Plain, mortal};
use ringbuf_verification::tick_words::{TickSize, TickWords};

const READERS: usize = 3;
const WORDS: usize = 2;
/// Operations of a message for which there is room: two stamps, a fence, two words, the tail. The
/// last but one makes it whole.
const OPERATIONS: u32 = 6;

/// What a subscriber is in the list.
#[derive(Clone, Copy, Debug)]
struct Row {
    delivery: Delivery,
    waited_for: bool,
    next: usize,
    lost: usize,
}

/// All messages that were ever whole, by their place.
struct List {
    capacity: usize,
    messages: Vec<u64>,
    /// Which of the places has something of a message that was never finished.
    half: bool,
    floor: usize,
    rows: [Option<Row>; READERS],
}

impl List {
    fn needed(&self) -> usize {
        (self.messages.len() + 1).saturating_sub(self.capacity)
    }

    fn in_the_way(&self) -> Vec<usize> {
        let is = |row: &Row| row.waited_for && row.next < self.needed();
        (0..READERS).filter(|&row| self.rows[row].as_ref().is_some_and(is)).collect()
    }

    /// The first place whose message was not written over, wholly or in part.
    fn oldest(&self) -> usize {
        (self.messages.len() + usize::from(self.half)).saturating_sub(self.capacity)
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Publish(Option<u32>),
    Evict,
    Join(usize, Delivery, Option<usize>),
    Read(usize),
    Latest(usize),
    Leave(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let delivery =
        prop_oneof![Just(Delivery::Lossless), Just(Delivery::Lossy), Just(Delivery::Latest)];
    let row = || 0..READERS;
    prop_oneof![
        12 => Just(Step::Publish(None)),
        2 => (0..OPERATIONS).prop_map(|after| Step::Publish(Some(after))),
        1 => Just(Step::Evict),
        3 => (row(), delivery, prop::option::of(0..9_usize))
            .prop_map(|(row, delivery, back)| Step::Join(row, delivery, back)),
        14 => row().prop_map(Step::Read),
        3 => row().prop_map(Step::Latest),
        1 => row().prop_map(Step::Leave),
    ]
}

/// The ring, its peers, and the list.
struct Scene<'a> {
    words: &'a TickWords<Mortal>,
    start: u64,
    publisher: TickPublisher<'a, Mortal>,
    readers: [Option<TickSubscriber<'a, Mortal>>; READERS],
    list: List,
    attempts: u64,
}

impl Scene<'_> {
    fn place(&self, position: Position) -> usize {
        usize::try_from(position.since(Position::new(self.start))).expect("few messages")
    }

    fn publish(&mut self, after: Option<u32>) {
        self.attempts += 1;
        let full = !self.list.in_the_way().is_empty();
        // Who looks for room first does not die on the way to it.
        if self.publisher.find_room().is_ok() {
            assert!(!full, "{:?}", self.list.rows);
            let message = [self.attempts; WORDS];
            let publish = || self.publisher.publish(&message).expect("there is room");
            let lived = mortal(after.unwrap_or(u32::MAX), publish).is_some();
            // Dead before its last store but one, it has not published.
            if lived || after == Some(OPERATIONS - 1) {
                self.list.messages.push(self.attempts);
                self.list.half = false;
            } else {
                self.list.half |= after > Some(0);
            }
            if !lived {
                self.publisher = TickPublisher::take_over(self.words.ring()).expect("true words");
            }
        } else {
            assert!(full);
            assert_eq!(self.publisher.publish(&[0; WORDS]), Err(ClaimError::Full));
        }
        // A quarter of a lap more than must be is given up at once, and nothing comes back.
        let floor = self.place(Position::new(self.words.publisher.floor.get()));
        let most = (self.list.messages.len() + 1 + self.list.capacity / 4)
            .saturating_sub(self.list.capacity);
        assert!((self.list.floor..=self.list.floor.max(most)).contains(&floor));
        assert!(floor >= self.list.oldest());
        self.list.floor = floor;
        assert_eq!(self.place(self.publisher.position()), self.list.messages.len());
    }

    fn join(&mut self, row: usize, delivery: Delivery, back: Option<usize>) {
        let tail = self.list.messages.len();
        let wanted = back.map_or(self.list.floor, |back| tail.saturating_sub(back));
        let start = back.map_or(Start::Oldest, |back| {
            Start::Position(self.publisher.position().minus(back.min(tail) as u64))
        });
        let who = Who::new(u32::try_from(row + 1).expect("few rows"), 1);
        let reader = TickSubscriber::join(self.words.ring(), row, who, delivery, start);
        let waited_for = delivery == Delivery::Lossless;
        let next = wanted.max(self.list.floor);
        self.list.rows[row] = Some(Row { delivery, waited_for, next, lost: 0 });
        self.readers[row] = Some(reader);
    }

    /// What a read answers: a place and what stands there. Does to the list what it does.
    fn expects(&mut self, row: usize) -> Result<usize, ReceiveError> {
        let (oldest, floor, tail) = (self.list.oldest(), self.list.floor, self.list.messages.len());
        let row = self.list.rows[row].as_mut().expect("it joined");
        let is_lossless = row.delivery == Delivery::Lossless;
        if is_lossless && !row.waited_for {
            row.waited_for = true;
            row.lost += floor.saturating_sub(row.next);
            row.next = row.next.max(floor);
            return Err(ReceiveError::Evicted);
        }
        if row.next < oldest {
            assert!(!is_lossless, "it is waited for");
            row.lost += floor - row.next;
            row.next = floor;
        }
        if row.next >= tail {
            return Err(ReceiveError::Empty);
        }
        if row.delivery == Delivery::Latest {
            row.lost += tail - 1 - row.next;
            row.next = tail - 1;
        }
        row.next += 1;
        Ok(row.next - 1)
    }

    fn read(&mut self, row: usize) {
        let Some(mut reader) = self.readers[row].take() else { return };
        let mut copy = [0; WORDS];
        let found = reader.read(&mut copy).map(|position| self.place(position));
        assert_eq!(found, self.latest_or_next(row, reader.delivery()));
        if let Ok(place) = found {
            assert_eq!(copy, [self.list.messages[place]; WORDS]);
        }
        let known = self.list.rows[row].expect("it joined");
        assert_eq!(self.place(reader.position()), known.next);
        assert_eq!(reader.lost(), known.lost as u64);
        self.readers[row] = Some(reader);
    }

    fn latest_or_next(&mut self, row: usize, delivery: Delivery) -> Result<usize, ReceiveError> {
        assert_eq!(self.list.rows[row].expect("it joined").delivery, delivery);
        if delivery == Delivery::Latest {
            let tail = self.list.messages.len();
            let known = self.list.rows[row].as_mut().expect("it joined");
            if known.next >= tail {
                return Err(ReceiveError::Empty);
            }
            known.lost += tail - 1 - known.next;
            known.next = tail;
            return Ok(tail - 1);
        }
        self.expects(row)
    }

    fn latest(&self, row: usize) {
        let Some(reader) = &self.readers[row] else { return };
        let mut copy = [0; WORDS];
        let newest = self.list.messages.len().checked_sub(1);
        let found = reader.latest(&mut copy).map(|position| self.place(position));
        match newest.filter(|&newest| newest >= self.list.floor) {
            Some(newest) => {
                assert_eq!(found, Ok(newest));
                assert_eq!(copy, [self.list.messages[newest]; WORDS]);
            }
            None => assert_eq!(found, Err(ReceiveError::Empty)),
        }
    }

    fn does(&mut self, step: Step) {
        match step {
            Step::Publish(after) => self.publish(after),
            Step::Evict => {
                let rows = self.list.in_the_way();
                assert!(self.publisher.in_the_way().eq(rows.iter().copied()));
                assert_eq!(self.publisher.evict_those_in_the_way(), rows.len());
                for row in rows {
                    self.list.rows[row].as_mut().expect("it joined").waited_for = false;
                }
            }
            Step::Join(row, delivery, back) if self.readers[row].is_none() => {
                self.join(row, delivery, back);
            }
            Step::Join(..) => {}
            Step::Read(row) => self.read(row),
            Step::Latest(row) => self.latest(row),
            Step::Leave(row) => {
                if let Some(mut reader) = self.readers[row].take() {
                    reader.leave();
                    self.list.rows[row] = None;
                }
            }
        }
    }
}

fn start() -> impl Strategy<Value = u64> {
    let near = prop_oneof![Just(0_u64), Just(1 << 32), Just(1 << 63)];
    (near, 0..20_u64).prop_map(|(near, before)| near.wrapping_sub(before))
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(4096)
    })]

    #[test]
    fn a_ring_of_ticks_does_what_the_list_does(
        log in 1_u32..=4,
        start in start(),
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let size = TickSize { capacity: 1 << log, readers: READERS, words: WORDS };
        let words = TickWords::new(Mortal::default(), size, start, Plain::new, Plain::new);
        let list = List {
            capacity: 1 << log,
            messages: Vec::new(),
            half: false,
            floor: 0,
            rows: [None; READERS],
        };
        let publisher = TickPublisher::take_over(words.ring()).expect("true words");
        let readers = [None, None, None];
        let mut scene = Scene { words: &words, start, publisher, readers, list, attempts: 0 };
        steps.into_iter().for_each(|step| scene.does(step));
    }
}
