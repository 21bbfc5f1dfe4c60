//! Goal: a message in a lane costs what PROTOCOL.md says, whatever the capacity and
//! however many peers there are.
//!
//! Method: the same calls on a machine that counts, with the words laid out as in a
//! file. The counts are exact, so they are compared, not bounded.

use ringbuf_core::error::{ClaimError, ReadError};
use ringbuf_core::floor::Floor;
use ringbuf_core::machine::Line;
use ringbuf_core::mpmc::{Claim, Consumer, Lane, LaneWords, Producer, Progress};
use ringbuf_core::peer::{Liveness, Who};
use ringbuf_core::position::Position;
use ringbuf_core::slot::{SlotWord, SlotWords};
use ringbuf_core::sweep::Swept;
use ringbuf_verification::counting::{Counted, Counting, Tally, Uses, counting};
use std::cell::Cell;

const CAPACITIES: [u64; 6] = [64, 256, 1024, 4096, 16_384, 65_536];
/// By how many places the hints lag.
const LAZY: u64 = 8;
const REDELIVERIES_MAX: u8 = 1;
const NONE: Uses = Uses { loads: 0, stores: 0, exchanges: 0 };

type Slot = Line<SlotWords<Counting>>;
type Slots<'a> = &'a Spread;

/// A message of a line or more stands between the words of two slots.
struct Spread(Vec<Slot>);

impl ringbuf_core::machine::Row for &Spread {
    type Word = SlotWords<Counting>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn at(&self, index: usize) -> &SlotWords<Counting> {
        &self.0[index]
    }
}

struct Ring {
    words: LaneWords<Counting>,
    slots: Spread,
    progress: Progress,
}

impl Ring {
    fn new(capacity: u64, progress: Progress) -> Self {
        let free = |_| Line(SlotWords::new(SlotWord::free(0), Counted::new));
        Self {
            words: LaneWords::new(Position::new(0), Counted::new),
            slots: Spread((0..capacity).map(free).collect()),
            progress,
        }
    }

    fn lane(&self) -> Lane<'_, Counting, Slots<'_>> {
        Lane::new(&Counting, &self.words, &self.slots, self.progress)
    }

    fn producer(&self, row: u32) -> Writer<'_> {
        let floor = self.lane().floor();
        Writer { core: Producer::new(self.lane(), Who::new(row, 1)), floor }
    }

    fn consumer(&self, row: u32) -> Consumer<'_, Counting, Slots<'_>> {
        Consumer::new(self.lane(), Who::new(row, 1), REDELIVERIES_MAX)
    }

    /// What is done to a slot that is taken and given back: the last store is an exchange
    /// in a Strict lane.
    fn held(&self, loads: u64, stores: u64, exchanges: u64) -> Uses {
        let exact = u64::from(self.progress == Progress::Strict);
        uses(loads, stores - exact, exchanges + exact)
    }

    /// The loads of `far` by who finds nothing: in a Strict lane, one.
    fn far(&self) -> u64 {
        u64::from(self.progress == Progress::Strict)
    }

    /// What was done to the slots, to `tail`, to `head` and to the notices.
    fn uses(&self, tally: &Tally) -> [Uses; 4] {
        assert_eq!((tally.fences, tally.calls), (0, 0), "no fence and no call");
        let LaneWords { tail, head, notices } = &self.words;
        [tally.of(&self.slots.0[..]), tally.of(tail), tally.of(head), tally.of(notices)]
    }
}

fn uses(loads: u64, stores: u64, exchanges: u64) -> Uses {
    Uses { loads, stores, exchanges }
}

/// All capacities, in both kinds of progress.
fn rings() -> impl Iterator<Item = (u64, Progress)> {
    let both = [Progress::Fast, Progress::Strict];
    CAPACITIES.into_iter().flat_map(move |capacity| both.map(|progress| (capacity, progress)))
}

/// A producer and its floor.
struct Writer<'a> {
    core: Producer<'a, Counting, Slots<'a>>,
    floor: Floor,
}

impl Writer<'_> {
    fn claim(&mut self) -> Result<Claim, ClaimError> {
        self.core.claim(&self.floor)
    }

    fn commit(&self, claim: Claim) {
        self.core.lane().commit(claim, &self.floor).unwrap();
    }
}

fn send(producer: &mut Writer<'_>) {
    let claim = producer.claim().unwrap();
    producer.commit(claim);
}

fn receive(consumer: &mut Consumer<'_, Counting, Slots<'_>>) {
    let taken = consumer.read().unwrap();
    consumer.lane().release(taken);
}

/// The kernel's answers, and how often it was asked.
struct Living {
    rows: std::ops::Range<u32>,
    asked: Cell<u64>,
}

impl Liveness for Living {
    fn is_held(&self, who: Who) -> bool {
        self.asked.set(self.asked.get() + 1);
        self.rows.contains(&who.row())
    }
}

fn living(rows: std::ops::Range<u32>) -> Living {
    Living { rows, asked: Cell::new(0) }
}

/// Two laps, one message at a time, each side's share of each message compared.
fn each_message_costs_the_same(
    ring: &Ring,
    producer: &mut Writer<'_>,
    consumer: &mut Consumer<'_, Counting, Slots<'_>>,
) {
    for number in 1..=2 * ring.lane().capacity() {
        let moves = u64::from(number % LAZY == 0);
        let sent = counting(|| send(producer));
        assert_eq!(ring.uses(&sent), [ring.held(2, 1, 1), uses(0, 0, moves), NONE, NONE]);
        let received = counting(|| receive(consumer));
        let expected = [ring.held(1, 1, 1), NONE, uses(0, 0, moves), uses(1, 0, 0)];
        assert_eq!(ring.uses(&received), expected);
        // The slot; `orphans`; now and then a hint.
        let moves = usize::from(number % LAZY == 0);
        assert_eq!((sent.lines(), received.lines()), (1 + moves, 2 + moves));
    }
}

#[test]
fn a_message_is_one_load_one_exchange_and_one_store_at_each_side() {
    for (capacity, progress) in rings() {
        let ring = Ring::new(capacity, progress);
        let (mut producer, mut consumer) = (ring.producer(1), ring.consumer(2));
        assert_eq!(consumer.read(), Err(ReadError::Empty), "has looked for orphans");
        each_message_costs_the_same(&ring, &mut producer, &mut consumer);
    }
}

#[test]
fn peers_that_do_nothing_cost_nothing() {
    const IDLE: u32 = 200;
    for (capacity, progress) in rings() {
        let ring = Ring::new(capacity, progress);
        let mut idle: Vec<_> =
            (0..IDLE).map(|row| (ring.producer(row), ring.consumer(row))).collect();
        for (producer, consumer) in &mut idle {
            send(producer);
            receive(consumer);
        }
        let (mut producer, mut consumer) = (ring.producer(IDLE), ring.consumer(IDLE));
        // As many have passed as make the hints exact, so they start where the others are.
        assert!(u64::from(IDLE).is_multiple_of(LAZY));
        assert_eq!(consumer.read(), Err(ReadError::Empty), "has looked for orphans");
        each_message_costs_the_same(&ring, &mut producer, &mut consumer);
        drop(idle);
    }
}

#[test]
fn a_place_that_another_took_costs_two_loads() {
    for (capacity, progress) in rings() {
        let ring = Ring::new(capacity, progress);
        let (mut one, mut other) = (ring.producer(1), ring.producer(2));
        let (mut reader, mut second) = (ring.consumer(3), ring.consumer(4));
        assert_eq!(reader.read(), Err(ReadError::Empty));
        assert_eq!(second.read(), Err(ReadError::Empty));
        send(&mut one);
        receive(&mut reader);
        let sent = counting(|| send(&mut other));
        assert_eq!(ring.uses(&sent), [ring.held(3, 1, 1), uses(1, 0, 0), NONE, NONE]);
        let received = counting(|| receive(&mut second));
        assert_eq!(ring.uses(&received), [ring.held(2, 1, 1), NONE, uses(1, 0, 0), uses(1, 0, 0)]);
    }
}

#[test]
fn who_was_away_is_as_far_as_the_others_at_once() {
    for (capacity, progress) in rings() {
        let ring = Ring::new(capacity, progress);
        let (mut away, mut producer) = (ring.producer(1), ring.producer(2));
        let (mut out, mut consumer) = (ring.consumer(3), ring.consumer(4));
        assert_eq!(out.read(), Err(ReadError::Empty));
        for _ in 0..3 * capacity {
            send(&mut producer);
            receive(&mut consumer);
        }
        let back = counting(|| send(&mut away));
        assert_eq!(ring.uses(&back), [ring.held(3, 1, 1), uses(1, 0, 0), NONE, NONE]);
        let back = counting(|| receive(&mut out));
        assert_eq!(ring.uses(&back), [ring.held(2, 1, 1), NONE, uses(1, 0, 0), uses(1, 0, 0)]);
    }
}

#[test]
fn a_look_that_finds_nothing_only_loads() {
    for (capacity, progress) in rings() {
        let ring = Ring::new(capacity, progress);
        let (mut producer, mut consumer) = (ring.producer(1), ring.consumer(2));
        // The first look of a consumer searches for orphans.
        let first = counting(|| assert_eq!(consumer.read(), Err(ReadError::Empty)));
        assert_eq!(
            ring.uses(&first),
            [uses(capacity + 1, 0, 0), NONE, NONE, uses(2 + ring.far(), 0, 0)]
        );
        let empty = counting(|| assert_eq!(consumer.read(), Err(ReadError::Empty)));
        assert_eq!(ring.uses(&empty), [uses(1, 0, 0), NONE, NONE, uses(1 + ring.far(), 0, 0)]);
        let claim = producer.claim().unwrap();
        let busy = counting(|| assert_eq!(consumer.read(), Err(ReadError::Busy)));
        assert_eq!(ring.uses(&busy), [uses(1, 0, 0), NONE, NONE, uses(1, 0, 0)]);
        producer.commit(claim);
        for _ in 1..capacity {
            send(&mut producer);
        }
        let full = counting(|| assert_eq!(producer.claim(), Err(ClaimError::Full)));
        assert_eq!(ring.uses(&full), [uses(1, 0, 0), NONE, NONE, NONE]);
    }
}

#[test]
fn a_place_that_is_given_up_costs_what_a_message_costs() {
    for (capacity, progress) in rings() {
        let ring = Ring::new(capacity, progress);
        let mut producer = ring.producer(1);
        let tally = counting(|| {
            let claim = producer.claim().unwrap();
            ring.lane().abort(claim);
        });
        assert_eq!(ring.uses(&tally), [ring.held(1, 1, 1), NONE, NONE, NONE]);
    }
}

#[test]
fn a_sweep_is_one_load_a_slot_one_question_a_holder_and_one_exchange_a_dead_one() {
    const SWEEPER: u32 = 9;
    for (capacity, progress) in rings() {
        let ring = Ring::new(capacity, progress);
        let lane = ring.lane();
        let me = Who::new(SWEEPER, 1);
        let everybody = living(0..10);
        let nothing = counting(|| assert_eq!(lane.sweep(me, &everybody), Ok(Swept::default())));
        assert_eq!(ring.uses(&nothing), [uses(capacity, 0, 0), NONE, NONE, NONE]);
        assert_eq!(everybody.asked.get(), 0, "nobody holds anything");
        // Three are read, two are written, the rest is a message each.
        let (mut producer, mut consumer) = (ring.producer(1), ring.consumer(2));
        for _ in 0..capacity - 2 {
            send(&mut producer);
        }
        let claims = [producer.claim().unwrap(), producer.claim().unwrap()];
        let taken = [0, 1, 2].map(|_| consumer.read().unwrap());
        // The rest are there to be read.
        let found = Ok(Swept { ready: capacity > 5, ..Swept::default() });
        let alive = counting(|| assert_eq!(lane.sweep(me, &everybody), found));
        assert_eq!(ring.uses(&alive), [uses(capacity, 0, 0), NONE, NONE, NONE]);
        assert_eq!(everybody.asked.get(), 5);
        let nobody = living(0..0);
        let swept = Ok(Swept { freed: 2, orphaned: 3, ready: true });
        let dead = counting(|| assert_eq!(lane.sweep(me, &nobody), swept));
        assert_eq!(ring.uses(&dead), [uses(capacity, 0, 5), NONE, NONE, uses(1, 0, 1)]);
        assert_eq!(nobody.asked.get(), 5);
        assert_eq!((claims.len(), taken.len()), (2, 3));
    }
}

#[test]
fn a_flush_is_one_load_a_slot_and_one_more_a_look() {
    for (capacity, progress) in rings() {
        let ring = Ring::new(capacity, progress);
        let lane = ring.lane();
        let (mut producer, mut consumer) = (ring.producer(1), ring.consumer(2));
        send(&mut producer);
        send(&mut producer);
        let claim = producer.claim().unwrap();
        let mut standing = vec![];
        let noted = counting(|| {
            standing.extend((0..capacity).filter_map(|index| lane.standing(index).unwrap()));
        });
        assert_eq!(ring.uses(&noted), [uses(capacity, 0, 0), NONE, NONE, NONE]);
        assert_eq!(standing.len(), 2, "what is being written does not stand");
        receive(&mut consumer);
        for (message, gone) in standing.iter().zip([true, false]) {
            let look = counting(|| assert_eq!(lane.is_gone(*message), Ok(gone)));
            assert_eq!(ring.uses(&look), [uses(1, 0, 0), NONE, NONE, NONE]);
        }
        // For good: also when another message stands there, a lap later.
        producer.commit(claim);
        for _ in 3..=capacity {
            receive(&mut consumer);
            send(&mut producer);
        }
        assert_eq!(lane.standing(0).map(|message| message.is_some()), Ok(true));
        assert!(standing.iter().all(|message| lane.is_gone(*message) == Ok(true)));
    }
}

#[test]
fn an_adoption_is_a_load_of_each_slot_before_it_an_exchange_and_a_note() {
    for (capacity, progress) in rings() {
        let ring = Ring::new(capacity, progress);
        let (mut producer, mut dying) = (ring.producer(1), ring.consumer(2));
        let mut consumer = ring.consumer(3);
        assert_eq!(consumer.read(), Err(ReadError::Empty));
        for _ in 0..capacity {
            send(&mut producer);
        }
        let before = capacity / 2;
        for _ in 0..before {
            receive(&mut dying);
        }
        let held = dying.read().unwrap();
        ring.lane().sweep(consumer.me(), &living(3..4)).unwrap();
        let adopted = counting(|| {
            let taken = consumer.read().unwrap();
            assert_eq!((taken.index(), taken.redelivered()), (held.index(), 1));
            consumer.lane().release(taken);
        });
        // The slots up to this one, and its fate, loaded and stored; and the release.
        let expected = [ring.held(before + 1 + 1, 2, 1), NONE, NONE, uses(2, 0, 0)];
        assert_eq!(ring.uses(&adopted), expected);
        // The next look finds that there are no more, and goes on at the head.
        let after = counting(|| receive(&mut consumer));
        assert_eq!(after.of(&ring.words.notices), uses(2, 0, 0));
        let settled = counting(|| receive(&mut consumer));
        assert_eq!(settled.of(&ring.words.notices), uses(1, 0, 0));
        assert_eq!(settled.of(&ring.slots.0[..]), ring.held(1, 1, 1));
    }
}

#[test]
fn a_drop_is_an_adoption_that_ends_at_once() {
    for (capacity, progress) in rings() {
        let ring = Ring::new(capacity, progress);
        let (mut producer, mut dying) = (ring.producer(1), ring.consumer(2));
        send(&mut producer);
        let _held = dying.read().unwrap();
        let mut consumer = Consumer::new(ring.lane(), Who::new(3, 1), 0);
        ring.lane().sweep(consumer.me(), &living(3..4)).unwrap();
        let dropped = counting(|| assert_eq!(consumer.read(), Err(ReadError::Empty)));
        // Every slot, the fate of this one, and two places from the head.
        let expected =
            [ring.held(capacity + 1 + 2, 2, 1), NONE, uses(1, 0, 0), uses(2 + ring.far(), 0, 0)];
        assert_eq!(ring.uses(&dropped), expected);
    }
}
