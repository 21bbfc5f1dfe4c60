//! Real threads on real atomics, and a diary of what they asked and were answered.
//!
//! Here the processor decides what happens, as in production. What it decided is
//! written down between tickets of one counter, so that of two calls that did not
//! overlap it is known which came first; [`history`](crate::history) judges it.

use crate::history::{Event, Span};
use ringbuf_core::error::{ClaimError, ReadError};
use ringbuf_core::floor::Floor;
use ringbuf_core::machine::{Line, Machine};
use ringbuf_core::mpmc::{Claim, Consumer, Lane, LaneWords, Producer, Progress};
use ringbuf_core::peer::Who;
use ringbuf_core::position::Position;
use ringbuf_core::slot::{SlotWord, SlotWords};
use std::cell::Cell;
use std::fmt;
use std::hint::spin_loop;
use std::sync::Barrier;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use std::thread;

/// The machine whose memory is this process's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Threads;

/// Once in so many messages, a place is given up before.
const ABORT_EVERY: u64 = 16;
/// Every so many fruitless rounds somebody else may have the processor.
const ROUNDS: u32 = 2;
/// So many fruitless calls in a row are taken for a hang: somebody gives up, and what is
/// missing is missing in the history.
const FRUITLESS_MAX: u32 = 1 << 21;
/// After so many fruitless looks one passes by whoever is in the way, in a Strict lane.
const PATIENCE: u32 = 4;
/// So many answers in a row that there is nothing are written down.
const EMPTY_MAX: u32 = 1000;

thread_local! {
    static ROUND: Cell<u32> = const { Cell::new(0) };
}

impl Machine for Threads {
    type U32 = AtomicU32;
    type U64 = AtomicU64;

    fn fence(&self, order: Ordering) {
        fence(order);
    }

    fn light_fence(&self) {
        fence(Ordering::SeqCst);
    }

    fn heavy_fence(&self) -> bool {
        fence(Ordering::SeqCst);
        true
    }

    fn spin(&self) {
        let round = ROUND.replace(ROUND.get().wrapping_add(1));
        if round.is_multiple_of(ROUNDS) { thread::yield_now() } else { spin_loop() }
    }

    /// Nobody sleeps here: a sleep may end at any time, and this one does at once.
    fn sleep(&self, _: &AtomicU32, _: u32, _: u64) {
        thread::yield_now();
    }

    fn wake(&self, _: &AtomicU32) {}
}

type Slots<'a> = &'a [SlotWords<Threads>];

/// A lane, a message for each of its slots, and the counter of tickets.
pub struct Stage {
    words: LaneWords<Threads>,
    slots: Vec<SlotWords<Threads>>,
    progress: Progress,
    payload: Vec<AtomicU64>,
    tickets: Line<AtomicU64>,
    /// Messages that were released, to know when all were.
    released: AtomicU64,
}

/// Who takes part, and how much there is to do.
#[derive(Clone, Copy, Debug)]
pub struct Cast {
    /// Threads that write.
    pub producers: u32,
    /// Threads that read.
    pub consumers: u32,
    /// Messages of each producer.
    pub each: u64,
}

impl Stage {
    /// An empty lane of so many slots.
    #[must_use]
    pub fn new(capacity: u64, progress: Progress) -> Self {
        let free = |_| SlotWords::new(SlotWord::free(0), AtomicU64::new);
        Self {
            words: LaneWords::new(Position::new(0), AtomicU64::new),
            slots: (0..capacity).map(free).collect(),
            progress,
            payload: (0..capacity).map(|_| AtomicU64::new(0)).collect(),
            tickets: Line(AtomicU64::new(1)),
            released: AtomicU64::new(0),
        }
    }

    /// Lets everybody write and read until all is read; what happened.
    ///
    /// # Panics
    /// If a word cannot be true, and if a place never gets free.
    #[must_use]
    pub fn play(&self, cast: Cast) -> Vec<Event> {
        let everybody = Barrier::new(usize::try_from(cast.producers + cast.consumers).unwrap());
        thread::scope(|scope| {
            let writers = (0..cast.producers).map(|row| {
                let everybody = &everybody;
                scope.spawn(move || {
                    everybody.wait();
                    self.write(Who::new(row, 1), cast.each)
                })
            });
            let writers: Vec<_> = writers.collect();
            let readers = (0..cast.consumers).map(|row| {
                let everybody = &everybody;
                scope.spawn(move || {
                    everybody.wait();
                    self.read(Who::new(cast.producers + row, 1), cast)
                })
            });
            let readers: Vec<_> = readers.collect();
            let all = writers.into_iter().chain(readers);
            all.flat_map(|thread| thread.join().expect("a thread that ends")).collect()
        })
    }

    fn lane(&self) -> Lane<'_, Threads, Slots<'_>> {
        Lane::new(&Threads, &self.words, &self.slots[..], self.progress)
    }

    /// Sequentially consistent: tickets order calls that do not overlap, and nothing
    /// of a call comes before its first or after its last.
    fn ticket(&self) -> u64 {
        self.tickets.fetch_add(1, SeqCst)
    }

    fn message(&self, index: u64) -> &AtomicU64 {
        &self.payload[usize::try_from(index).expect("an index")]
    }

    fn write(&self, who: Who, each: u64) -> Vec<Event> {
        let (floor, mut producer) = (self.lane().floor(), Producer::new(self.lane(), who));
        let mut events = Vec::new();
        for number in 0..each {
            if number.is_multiple_of(ABORT_EVERY) {
                let (claim, _) = self.claim(&mut producer, &floor);
                producer.lane().abort(claim);
            }
            let value = u64::from(who.row()) << 32 | number;
            let (claim, claimed) = self.claim(&mut producer, &floor);
            // Relaxed: the lane orders the payload.
            self.message(claim.index()).store(value, Relaxed);
            let from = self.ticket();
            producer.lane().commit(claim, &floor).expect("our slot");
            let committed = Span { from, to: self.ticket() };
            events.push(Event::Wrote { value, claimed, committed });
        }
        events
    }

    /// Claims a place; and the call that got it.
    fn claim(
        &self,
        producer: &mut Producer<'_, Threads, Slots<'_>>,
        floor: &Floor,
    ) -> (Claim, Span) {
        for fruitless in 1..=FRUITLESS_MAX {
            let from = self.ticket();
            let claimed = if fruitless.is_multiple_of(PATIENCE) {
                producer.claim_past(floor)
            } else {
                producer.claim(floor)
            };
            match claimed {
                Ok(claim) => return (claim, Span { from, to: self.ticket() }),
                Err(ClaimError::Full | ClaimError::Busy) => Threads.spin(),
                Err(error) => panic!("{error}"),
            }
        }
        panic!("there is never room");
    }

    fn read(&self, who: Who, cast: Cast) -> Vec<Event> {
        let all = u64::from(cast.producers) * cast.each;
        let mut consumer = Consumer::new(self.lane(), who, 0);
        let mut events = Vec::new();
        let mut fruitless = 0;
        while self.released.load(Acquire) < all && fruitless < FRUITLESS_MAX {
            fruitless += 1;
            let from = self.ticket();
            let read = if fruitless.is_multiple_of(PATIENCE) {
                consumer.read_past()
            } else {
                consumer.read()
            };
            match read {
                Ok(taken) => {
                    let read = Span { from, to: self.ticket() };
                    let value = self.message(taken.index()).load(Relaxed);
                    consumer.lane().release(taken);
                    events.push(Event::Read { value, read });
                    self.released.fetch_add(1, Release);
                    fruitless = 0;
                }
                Err(ReadError::Empty) => {
                    if fruitless <= EMPTY_MAX {
                        events.push(Event::Empty(Span { from, to: self.ticket() }));
                    }
                    Threads.spin();
                }
                Err(ReadError::Busy) => Threads.spin(),
                Err(error) => panic!("{error}"),
            }
        }
        events
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").finish_non_exhaustive()
    }
}
