//! What a process does to a ring of many while it is run one instruction at a time.
//!
//! Rings of values have one lane, those of bytes have two. Positions, and laps, wrap in
//! the operation.

use super::ends::Kind;
use super::many::{Consumer, Producer};
use super::notes::Notes;
use super::places::{Places, READING, WRITING};
use super::trace::operate;
use super::{HANG, enter, number, variable};
use ringbuf_shm::{ReadError, Redelivery, Ring};
use std::mem::forget;
use std::path::PathBuf;
use std::time::Duration;

/// Seats on each side: of one who lives, the victim, and one who died before.
pub(crate) const SEATS: u32 = 3;
pub(crate) const DEAD_PRODUCER: u64 = 2;
pub(crate) const DEAD_CONSUMER: u64 = SEATS as u64 + 2;
pub(crate) const CAPACITY: u64 = 64;
/// Where the third message stands: at position 0, behind the wrap.
pub(crate) const THIRD: u64 = 0;
/// What the process does while it is stepped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Claim the third place.
    Claim,
    /// Commit the third message, whose place is claimed.
    Commit,
    /// Give the third place up.
    Abort,
    /// Push the third message.
    Push,
    /// Push the third message, for which a consumer sleeps.
    Wake,
    /// Push the eighth message, and move the hint `tail` along.
    PushHinting,
    /// Take a producer's seat, where a dead one has claimed the third place.
    AttachProducer,
    DropProducer,
    /// Take the third message.
    Read,
    /// Give the third message back.
    Release,
    /// Take the third message out by value.
    Pop,
    /// The same, where what the dead held is dropped.
    PopDropping,
    /// Take the eighth message out by value, and move the hint `head` along.
    PopHinting,
    /// Look for a message where there is none.
    Nothing,
    /// Give up what the dead have: the third message was being read, the fourth place
    /// being written, the fifth message is there. Then take a message.
    Sweep,
    /// The same, where that is dropped.
    SweepDropping,
    /// Take a consumer's seat, where a dead one was reading the third message.
    AttachConsumer,
    DropConsumer,
}

pub(crate) use Operation::*;

pub(crate) const OPERATIONS: [Operation; 18] = [
    Claim,
    Commit,
    Abort,
    Push,
    Wake,
    PushHinting,
    AttachProducer,
    DropProducer,
    Read,
    Release,
    Pop,
    PopDropping,
    PopHinting,
    Nothing,
    Sweep,
    SweepDropping,
    AttachConsumer,
    DropConsumer,
];

impl Operation {
    /// Messages written, and read, in front of it.
    pub(crate) fn before(self) -> (u64, u64) {
        match self {
            Claim | Commit | Abort | Push | AttachProducer | DropProducer => (2, 0),
            Wake | Nothing => (2, 2),
            PushHinting => (7, 0),
            Read | Release | Pop | PopDropping | AttachConsumer | DropConsumer => (3, 2),
            PopHinting => (8, 7),
            Sweep | SweepDropping => (5, 2),
        }
    }

    pub(crate) fn is_of_producer(self) -> bool {
        let claims = matches!(self, Claim | Commit | Abort | Push | Wake | PushHinting);
        claims || matches!(self, AttachProducer | DropProducer)
    }

    pub(crate) fn redelivery(self) -> Redelivery {
        match self {
            PopDropping | SweepDropping => Redelivery::Drop,
            _ => Redelivery::Redeliver,
        }
    }
}

pub(crate) fn lanes(kind: Kind) -> u32 {
    if kind == Kind::Slots { 1 } else { 2 }
}

/// The lane in which it all happens.
pub(crate) fn lane(kind: Kind) -> u32 {
    lanes(kind) - 1
}

pub(crate) fn attach_producer(kind: Kind, ring: &Ring) -> Producer {
    let mut producer = Producer::attach(kind, ring).unwrap();
    producer.set_lane(lane(kind)).unwrap();
    producer
}

/// The process that does it.
pub(crate) fn victim() {
    enter();
    let kind = Kind::from_number(number("RINGBUF_TEST_KIND"));
    let operation = OPERATIONS[usize::try_from(number("RINGBUF_TEST_OPERATION")).unwrap()];
    let ring = Ring::open(PathBuf::from(variable("RINGBUF_TEST_RING"))).unwrap();
    let notes = Notes::open(&PathBuf::from(variable("RINGBUF_TEST_NOTES")));
    match operation {
        AttachProducer => forget(operate(&notes, || attach_producer(kind, &ring))),
        AttachConsumer => forget(operate(&notes, || Consumer::attach(kind, &ring))),
        operation if operation.is_of_producer() => {
            write(operation, attach_producer(kind, &ring), &notes);
        }
        _ => {
            let consumer = Consumer::attach(kind, &ring).unwrap();
            // Not before: whoever comes sweeps.
            if matches!(operation, Sweep | SweepDropping) {
                let places = Places::of(&ring);
                places.give_slot(lane(kind), THIRD, DEAD_CONSUMER, READING);
                places.give_slot(lane(kind), THIRD + 1, DEAD_PRODUCER, WRITING);
            }
            read(operation, consumer, &notes);
        }
    }
}

fn write(operation: Operation, mut producer: Producer, notes: &Notes) {
    let number = operation.before().0 + 1;
    match operation {
        Claim => forget(operate(notes, || producer.claim(HANG)).unwrap()),
        Commit | Abort => {
            let claim = producer.claim(HANG).unwrap();
            if operation == Commit {
                operate(notes, || claim.commit(number)).unwrap();
            } else {
                operate(notes, || drop(claim));
            }
        }
        Push | Wake | PushHinting => operate(notes, || producer.push(number, HANG)).unwrap(),
        _ => operate(notes, || drop(producer)),
    }
}

fn read(operation: Operation, mut consumer: Consumer, notes: &Notes) {
    match operation {
        Read => forget(operate(notes, || consumer.read(HANG)).unwrap()),
        Release => {
            let view = consumer.read(HANG).unwrap();
            operate(notes, || drop(view));
        }
        Pop | PopDropping | PopHinting => match &mut consumer {
            Consumer::Slots(consumer) => _ = operate(notes, || consumer.pop_timeout(HANG)).unwrap(),
            Consumer::Bytes(_) => panic!("bytes are not taken out by value"),
        },
        Nothing => assert_eq!(operate(notes, || none(&mut consumer)), ReadError::TimedOut),
        // A call whose time is up sweeps, and looks once more.
        Sweep | SweepDropping => forget(operate(notes, || consumer.read(Duration::ZERO))),
        _ => operate(notes, || drop(consumer)),
    }
}

fn none(consumer: &mut Consumer) -> ReadError {
    consumer.read(Duration::ZERO).err().unwrap()
}
