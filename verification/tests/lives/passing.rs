//! Lives in a Strict lane of four slots, two of which stopped peers hold for ever. Those who
//! live pass them, and are passed themselves while they write and while they read.

use ringbuf_core::floor::Floor;
use ringbuf_core::mpmc::{Claim, Consumer, Producer, Progress, Taken};
use ringbuf_core::peer::{Locks, Who};
use ringbuf_verification::kernel::{self, Process};
use ringbuf_verification::mortal::{Mortal, meanwhile, mortal};
use ringbuf_verification::plain_lane::{PlainLane, Slots};
use std::cell::{Cell, RefCell};

const CAPACITY: u64 = 4;
/// Positions wrap in the middle of a life.
const START: u64 = u64::MAX - 6;
const LAZY: u64 = 2;
/// More than anybody dies with.
const REDELIVERIES_MAX: u8 = 9;
/// How often each life writes and reads.
const ROUNDS: u32 = 2;

struct Lane {
    words: PlainLane,
    payload: RefCell<Vec<u64>>,
    numbers: Cell<u64>,
    /// What really happened, written down right after the operation that did it.
    committed: RefCell<Vec<u64>>,
    released: RefCell<Vec<u64>>,
}

struct Peer<'a> {
    lane: &'a Lane,
    process: Process<'a, kernel::Plain>,
    who: Who,
    producer: Producer<'a, Mortal, Slots<'a>>,
    floor: Floor,
    consumer: Consumer<'a, Mortal, Slots<'a>>,
}

impl Lane {
    fn new() -> Self {
        Self {
            words: PlainLane::new(CAPACITY, START, Progress::Strict, LAZY),
            payload: RefCell::new(vec![0; 4]),
            numbers: Cell::new(0),
            committed: RefCell::default(),
            released: RefCell::default(),
        }
    }

    fn peer(&self, row: u32) -> Peer<'_> {
        let (who, lane) = (Who::new(row, 1), self.words.lane());
        let process = Process::new(&self.words.kernel, row);
        assert_eq!(process.take(who), Ok(true), "a new identity is free");
        Peer {
            lane: self,
            process,
            who,
            floor: lane.floor(),
            producer: Producer::new(lane, who),
            consumer: Consumer::new(lane, who, REDELIVERIES_MAX),
        }
    }
}

impl Peer<'_> {
    /// Claims a place, if there is one for as long as a message waits to be read.
    fn claim(&mut self) -> Option<Claim> {
        self.producer.claim_past(&self.floor).ok()
    }

    fn commit(&self, claim: Claim) {
        let number = self.lane.numbers.get();
        self.lane.numbers.set(number + 1);
        self.lane.payload.borrow_mut()[slot(claim.index())] = number;
        self.producer.lane().commit(claim, &self.floor).expect("our slot");
        self.lane.committed.borrow_mut().push(number);
    }

    fn take(&mut self) -> Option<Taken> {
        self.consumer.read_past().ok()
    }

    fn release(&self, taken: Taken) {
        let number = self.lane.payload.borrow()[slot(taken.index())];
        self.consumer.lane().release(taken);
        self.lane.released.borrow_mut().push(number);
    }

    /// Fills the lane and empties it, so often that every slot that is held is passed.
    fn pass_all(&mut self) {
        for _ in 0..2 {
            while let Some(claim) = self.claim() {
                self.commit(claim);
            }
            self.read_all();
        }
    }

    fn read_all(&mut self) {
        while let Some(taken) = self.take() {
            self.release(taken);
        }
    }

    /// Writes and reads, and is passed by `other` between each two of its calls.
    fn live(&mut self, other: &RefCell<Peer<'_>>) {
        self.producer.lane().sweep(self.who, &self.process).expect("true words");
        for _ in 0..ROUNDS {
            let claims = [self.claim(), self.claim()];
            meanwhile(|| other.borrow_mut().pass_all());
            // The later one first: the earlier one comes after it.
            for claim in claims.into_iter().flatten().rev() {
                self.commit(claim);
            }
            let taken = self.take();
            meanwhile(|| other.borrow_mut().pass_all());
            if let Some(taken) = taken {
                self.release(taken);
            }
        }
        self.read_all();
    }
}

fn slot(index: u64) -> usize {
    usize::try_from(index).expect("an index")
}

/// Two peers die, a third finishes, while a writer and a reader have stopped for ever. Which
/// of the two lived?
pub(crate) fn peers(first: u32, second: u32) -> (bool, bool) {
    let lane = Lane::new();
    let mut stopped = lane.peer(9);
    let claim = stopped.claim().expect("a place");
    stopped.commit(claim);
    let held = stopped.take().expect("a message");
    let claim = stopped.claim().expect("a place");
    let other = RefCell::new(lane.peer(8));
    let mut number = 0;
    let lives = [first, second, u32::MAX].map(|after| {
        number += 1;
        let mut peer = lane.peer(number);
        let lived = mortal(after, || peer.live(&other)).is_some();
        peer.process.end();
        lived
    });
    // The stopped one resumes: nothing that it holds was touched.
    stopped.release(held);
    stopped.commit(claim);
    let mut last = other.into_inner();
    last.producer.lane().sweep(last.who, &last.process).expect("true words");
    last.read_all();
    let [mut committed, mut released] = [&lane.committed, &lane.released].map(|all| all.take());
    committed.sort_unstable();
    released.sort_unstable();
    assert_eq!(committed, released, "left: committed; right: released");
    assert_eq!(lane.words.lane().is_drained(last.who), Ok(true), "every slot is back");
    (lives[0], lives[1])
}
