//! Lives of peers of an `mpmc` lane of four slots, who write, read and sweep.

use ringbuf_core::crowd::{Crowd, depart};
use ringbuf_core::error::{ClaimError, ReadError};
use ringbuf_core::floor::Floor;
use ringbuf_core::lanes::{Occupied, Order};
use ringbuf_core::mpmc::{Consumer, Producer, Progress};
use ringbuf_core::peer::{Locks, RowWords, STATE_EMPTY, Who};
use ringbuf_core::wait::Counterpart as _;
use ringbuf_verification::kernel::{self, Process};
use ringbuf_verification::mortal::{Mortal, Plain, mortal};
use ringbuf_verification::plain_lane::{PlainLane, Slots};
use std::cell::{Cell, RefCell};

const CAPACITY: u64 = 4;
/// More than two laps.
const ITEMS: u64 = 10;
/// Positions wrap in the middle of a life.
const START: u64 = u64::MAX - 6;
/// Hints lag, so that a successor has to follow.
const LAZY: u64 = 2;

/// Message number `i` has the value `i`, and was the `i`-th to be committed.
struct Lane {
    words: PlainLane,
    payload: RefCell<Vec<u64>>,
    departures: Plain<u64>,
    occupied: Plain<u64>,
    redeliveries_max: u8,
    /// What really happened, written down right after the operation that did it.
    committed: Cell<u64>,
    shown: RefCell<Vec<u64>>,
    released: RefCell<Vec<u64>>,
}

impl Lane {
    fn new(progress: Progress, redeliveries_max: u8) -> Self {
        Self {
            words: PlainLane::new(CAPACITY, START, progress, LAZY),
            payload: RefCell::new(vec![0; 4]),
            departures: Plain::new(0),
            occupied: Plain::new(0),
            redeliveries_max,
            committed: Cell::new(0),
            shown: RefCell::default(),
            released: RefCell::default(),
        }
    }

    fn slot(index: u64) -> usize {
        usize::try_from(index).expect("an index")
    }

    /// Sweeps, then writes and reads until nothing is left to do, and knows when the
    /// message of a slot is gone.
    fn live(&self, who: Who, process: &Process<'_, kernel::Plain>) {
        let lane = self.words.lane();
        let occupied = Occupied::new(&self.words.machine, &self.occupied);
        if lane.sweep(who, process).unwrap().ready {
            occupied.mark(0);
        }
        let (floor, mut producer) = (lane.floor(), Producer::new(lane, who));
        let mut consumer = Consumer::new(lane, who, self.redeliveries_max);
        while self.committed.get() < ITEMS || lane.is_drained(who) == Ok(false) {
            self.write(&mut producer, &floor);
            let standing = lane.standing(0).unwrap();
            self.read(&mut consumer);
            let gone = standing.map(|message| lane.is_gone(message));
            assert!(matches!(gone, None | Some(Ok(true))), "released, or dropped");
        }
        depart(&self.words.machine, &self.departures);
        assert!(!self.is_closed(process), "nobody ever sat on the row");
    }

    /// Whether a side of one row, on which nobody ever sat, has left.
    fn is_closed(&self, process: &Process<'_, kernel::Plain>) -> bool {
        let state = Plain::new(STATE_EMPTY);
        let row = RowWords::<Mortal> { state, since: Plain::new(0), pid: Plain::new(0) };
        let crowd = Crowd {
            rows: std::slice::from_ref(&row),
            first_row: 0,
            departures: &self.departures,
            departures_seen: &Cell::new(0),
            locks: process,
            sweep: || Ok(()),
            is_drained: || Ok(true),
        };
        crowd.has_left()
    }

    /// Fills the lane, but for a place that is given up in between.
    fn write(&self, producer: &mut Producer<'_, Mortal, Slots<'_>>, floor: &Floor) {
        while self.committed.get() < ITEMS {
            let claim = match producer.claim(floor) {
                Ok(claim) => claim,
                Err(error) => return assert_eq!(error, ClaimError::Full),
            };
            if claim.index() == 3 && self.payload.borrow()[3] != u64::MAX {
                self.payload.borrow_mut()[3] = u64::MAX;
                producer.lane().abort(claim);
                continue;
            }
            let item = self.committed.get();
            self.payload.borrow_mut()[Self::slot(claim.index())] = item;
            producer.lane().commit(claim, floor).unwrap();
            self.committed.set(item + 1);
            Occupied::new(&self.words.machine, &self.occupied).mark(0);
        }
    }

    fn read(&self, consumer: &mut Consumer<'_, Mortal, Slots<'_>>) {
        loop {
            let occupied = Occupied::new(&self.words.machine, &self.occupied);
            let taken = match occupied.read(
                std::slice::from_mut(consumer),
                1,
                Order::Lowest,
                Consumer::read,
            ) {
                Ok((lane, taken)) => {
                    assert_eq!(lane, 0, "the only one");
                    taken
                }
                Err(error) => return assert_eq!(error, ReadError::Empty),
            };
            let item = self.payload.borrow()[Self::slot(taken.index())];
            let before = self.shown.borrow().iter().filter(|other| **other == item).count();
            let redelivered = usize::from(taken.redelivered());
            assert!(before <= redelivered, "{item} was shown {before} times");
            assert!(taken.redelivered() <= self.redeliveries_max);
            if redelivered == 0 {
                let late = self.shown.borrow().iter().any(|other| *other > item);
                assert!(!late, "{item} comes after {:?}", self.shown.borrow());
            }
            self.shown.borrow_mut().push(item);
            consumer.lane().release(taken);
            self.released.borrow_mut().push(item);
        }
    }

    fn close_books(&self) {
        assert_eq!(self.committed.get(), ITEMS);
        let mut released = self.released.borrow().clone();
        released.sort_unstable();
        released.dedup();
        assert_eq!(released.len(), self.released.borrow().len(), "released once");
        let dropped = u64::from(self.words.dropped());
        assert_eq!(released.len() as u64 + dropped, ITEMS, "released or dropped, once");
    }
}

/// Two peers die, a third finishes. Which of the two lived?
pub(crate) fn peers(
    first: u32,
    second: u32,
    progress: Progress,
    redeliveries_max: u8,
) -> (bool, bool) {
    let lane = Lane::new(progress, redeliveries_max);
    let mut number = 0;
    let lives = [first, second, u32::MAX].map(|after| {
        number += 1;
        let process = Process::new(&lane.words.kernel, number);
        let who = Who::new(number, 1);
        assert_eq!(process.take(who), Ok(true), "a new identity is free");
        let lived = mortal(after, || lane.live(who, &process)).is_some();
        process.end();
        lived
    });
    lane.close_books();
    (lives[0], lives[1])
}
