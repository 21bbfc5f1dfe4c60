//! What a process does to a broadcast ring while it is run one instruction at a time.

use super::places::{EVICTED, Places, STATE_MASK};
use crate::process::notes::Notes;
use crate::process::random::mix;
use crate::process::trace::operate;
use crate::process::{HANG, enter, number, variable};
use ringbuf_shm::broadcast::bytes::{Begun, Publisher, Subscriber};
use ringbuf_shm::broadcast::{Delivery, Join, Start};
use ringbuf_shm::{ClaimError, ReadError, Ring};
use std::mem::forget;
use std::path::PathBuf;

/// Bytes of a message.
pub(crate) const LEN: usize = 24;
/// The most views of the process, if it subscribes.
pub(crate) const VIEWS: u32 = 2;

/// What the process does while it is stepped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Claim a slot. The process has just come, so that this looks for room, and for slots
    /// that nobody looks at.
    Claim,
    /// Publish a message whole.
    Push,
    /// The same, where a subscriber sleeps.
    Wake,
    /// Show a message of which nothing is written.
    Begin,
    /// Show the first half of it.
    Advance,
    /// Complete it.
    Finish,
    /// Break it off.
    BreakOff,
    /// Claim a slot, where a lossless subscriber is in the way for too long.
    Evict,
    /// Take the publisher's seat.
    TakeOver,
    /// The same, where a dead one had shown half a message.
    TakeOverBegun,
    /// The same, where a dead one had shown all of it, and not said that it is committed.
    TakeOverWhole,
    LeavePublisher,
    ReadLossless,
    ReadLossy,
    ReadLatest,
    /// Find out that it was evicted, and join again.
    Rejoin,
    Release,
    /// Join, and give up what a dead subscriber has.
    JoinLossless,
    JoinLossy,
    JoinLatest,
    LeaveSubscriber,
}

pub(crate) use Operation::*;

pub(crate) const OF_PUBLISHER: [Operation; 12] = [
    Claim,
    Push,
    Wake,
    Begin,
    Advance,
    Finish,
    BreakOff,
    Evict,
    TakeOver,
    TakeOverBegun,
    TakeOverWhole,
    LeavePublisher,
];

pub(crate) const OF_SUBSCRIBER: [Operation; 9] = [
    ReadLossless,
    ReadLossy,
    ReadLatest,
    Rejoin,
    Release,
    JoinLossless,
    JoinLossy,
    JoinLatest,
    LeaveSubscriber,
];

impl Operation {
    pub(crate) fn is_of_publisher(self) -> bool {
        OF_PUBLISHER.contains(&self)
    }

    pub(crate) fn joins(self) -> bool {
        matches!(self, JoinLossless | JoinLossy | JoinLatest)
    }

    fn delivery(self) -> Delivery {
        match self {
            ReadLossy | JoinLossy => Delivery::Lossy,
            ReadLatest | JoinLatest => Delivery::Latest,
            _ => Delivery::Lossless,
        }
    }

    pub(crate) fn number(self) -> usize {
        let all = OF_PUBLISHER.iter().chain(&OF_SUBSCRIBER);
        all.into_iter().position(|&other| other == self).unwrap()
    }

    fn from_number(number: u64) -> Self {
        let all = OF_PUBLISHER.iter().chain(&OF_SUBSCRIBER);
        *all.into_iter().nth(usize::try_from(number).unwrap()).unwrap()
    }
}

/// The message at this position.
pub(crate) fn message(position: u64) -> [u8; LEN] {
    let words = [position, mix(position), !position].map(u64::to_ne_bytes);
    words.concat().try_into().unwrap()
}

/// Publishes the next message, if no subscriber is waited for that lives.
pub(crate) fn publish(
    publisher: &mut Publisher,
    time: std::time::Duration,
) -> Result<(), ClaimError> {
    let bytes = message(publisher.position());
    publisher.push_timeout(&bytes, time)
}

/// The process that does it.
pub(crate) fn victim() {
    enter();
    let operation = Operation::from_number(number("RINGBUF_TEST_OPERATION"));
    let ring = Ring::open(PathBuf::from(variable("RINGBUF_TEST_RING"))).unwrap();
    let notes = Notes::open(&PathBuf::from(variable("RINGBUF_TEST_NOTES")));
    if operation.is_of_publisher() {
        publish_once(operation, &ring, &notes);
    } else {
        read_once(operation, &ring, &notes);
    }
}

fn publish_once(operation: Operation, ring: &Ring, notes: &Notes) {
    let attach = || Publisher::attach(ring).unwrap();
    if matches!(operation, TakeOver | TakeOverBegun | TakeOverWhole) {
        forget(operate(notes, attach));
        return;
    }
    let mut publisher = attach();
    let bytes = message(publisher.position());
    match operation {
        Claim | Evict => forget(operate(notes, || publisher.claim_timeout(HANG).unwrap())),
        Push | Wake => operate(notes, || publisher.push_timeout(&bytes, HANG).unwrap()),
        LeavePublisher => {
            operate(notes, || drop(publisher));
            return;
        }
        Begin => forget(operate(notes, || publisher.claim().unwrap().begin().unwrap())),
        _ => {
            let mut begun = publisher.claim().unwrap().begin().unwrap();
            begun.rest_mut()[..LEN].copy_from_slice(&bytes);
            let half = |begun: &mut Begun<'_>| begun.advance(LEN / 2).unwrap();
            match operation {
                Advance => {
                    operate(notes, || half(&mut begun));
                    forget(begun);
                }
                Finish => {
                    half(&mut begun);
                    half(&mut begun);
                    operate(notes, || begun.commit().unwrap());
                }
                _ => {
                    half(&mut begun);
                    operate(notes, || begun.abort());
                }
            }
        }
    }
    // It does not leave.
    forget(publisher);
}

fn read_once(operation: Operation, ring: &Ring, notes: &Notes) {
    let join = Join::new(operation.delivery()).start(Start::Oldest).views(VIEWS);
    let attach = || Subscriber::attach(ring, join).unwrap();
    if operation.joins() {
        let subscriber = operate(notes, attach);
        let start = subscriber.position();
        read_all(subscriber, start, 0);
        return;
    }
    let mut subscriber = attach();
    let start = subscriber.position();
    let mut got = 0;
    match operation {
        ReadLossless | ReadLossy | ReadLatest => {
            match operate(notes, || subscriber.try_read()) {
                Ok(view) => {
                    got += 1;
                    assert_eq!(*view, message(view.position()), "torn");
                    forget(view);
                }
                // By others, who went round meanwhile.
                Err(ReadError::Evicted) if operation == ReadLossless => {}
                Err(error) => panic!("{error}"),
            }
        }
        Release => {
            let view = subscriber.try_read().unwrap();
            got += 1;
            operate(notes, || drop(view));
        }
        Rejoin => {
            let places = Places::of(ring);
            let life = places.life(places.row_of(std::process::id()).unwrap());
            places.words.store(life, places.words.load(life) & !STATE_MASK | EVICTED);
            assert_eq!(operate(notes, || subscriber.try_read()).err(), Some(ReadError::Evicted));
        }
        _ => {
            let view = subscriber.try_read().unwrap();
            operate(notes, || drop((subscriber, view)));
            return;
        }
    }
    read_all(subscriber, start, got);
}

/// Reads what is left, and checks that what it got and what it lost is everything.
fn read_all(mut subscriber: Subscriber, start: u64, mut got: u64) {
    loop {
        match subscriber.try_read() {
            Ok(view) => {
                got += 1;
                assert_eq!(*view, message(view.position()), "torn");
            }
            Err(ReadError::Evicted) => {}
            Err(ReadError::Empty) => break,
            Err(error) => panic!("{error}"),
        }
    }
    let passed = subscriber.position().wrapping_sub(start);
    assert_eq!(got + subscriber.lost() + subscriber.broken(), passed);
    // It does not leave.
    forget(subscriber);
}
