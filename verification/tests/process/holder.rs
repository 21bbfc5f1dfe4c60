//! A process that claims places of a ring of many, or takes messages, and holds them until
//! it is told to give them back, or is killed.

use super::ends::Kind;
use super::many::{Consumer, Producer};
use super::notes::{Note, Notes};
use super::{Child, HANG, enter, number, until, variable};
use ringbuf_shm::Ring;
use std::path::{Path, PathBuf};

/// What it notes as its phase.
const HOLDS: u64 = 1;
const GAVE_BACK: u64 = 2;

/// What the process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Role {
    Producer,
    Consumer,
}

#[derive(Debug)]
pub(crate) struct Holder {
    pub(crate) child: Child,
    notes: Notes,
}

impl Holder {
    /// Runs the ignored test `holder`, which calls [`hold`], on the ring `ring` in
    /// `directory`, and waits until it holds so many places or messages. One of each
    /// number.
    pub(crate) fn start(directory: &Path, number: u64, kind: Kind, role: Role, count: u64) -> Self {
        let notes = directory.join(format!("notes {number}"));
        let variables = [
            ("RINGBUF_TEST_RING", directory.join("ring").display().to_string()),
            ("RINGBUF_TEST_NOTES", notes.display().to_string()),
            ("RINGBUF_TEST_KIND", kind.number().to_string()),
            ("RINGBUF_TEST_ROLE", (role as u64).to_string()),
            ("RINGBUF_TEST_COUNT", count.to_string()),
        ];
        let notes = Notes::create(&notes);
        let mut child = Child::spawn("holder", &variables);
        until("it to hold something", || {
            child.assert_running();
            notes.get(Note::Phase) == HOLDS
        });
        Self { child, notes }
    }

    /// Tells it to give everything back.
    pub(crate) fn finish(&self) {
        self.notes.set(Note::Finish, 1);
    }

    pub(crate) fn gave_back(&self) -> bool {
        self.notes.get(Note::Phase) == GAVE_BACK
    }
}

/// The process: of messages it expects those from number 0 on, for the first time; places
/// it commits with such numbers.
pub(crate) fn hold() {
    enter();
    let kind = Kind::from_number(number("RINGBUF_TEST_KIND"));
    let ring = Ring::open(PathBuf::from(variable("RINGBUF_TEST_RING"))).unwrap();
    let notes = Notes::open(&PathBuf::from(variable("RINGBUF_TEST_NOTES")));
    let numbers = 0..number("RINGBUF_TEST_COUNT");
    let wait = || {
        notes.set(Note::Phase, HOLDS);
        until("the wish to finish", || notes.get(Note::Finish) != 0);
    };
    if number("RINGBUF_TEST_ROLE") == Role::Producer as u64 {
        let mut producer = Producer::attach(kind, &ring).unwrap();
        let claims: Vec<_> = numbers.clone().map(|_| producer.claim(HANG).unwrap()).collect();
        wait();
        numbers.zip(claims).for_each(|(number, claim)| claim.commit(number).unwrap());
    } else {
        let mut consumer = Consumer::attach(kind, &ring).unwrap();
        let views: Vec<_> = numbers.clone().map(|_| consumer.read(HANG).unwrap()).collect();
        let check = || {
            let found = views.iter().map(|view| (view.number(), view.redelivered()));
            assert!(found.eq(numbers.clone().map(|number| (number, 0))));
        };
        check();
        wait();
        // Still whole.
        check();
        drop(views);
    }
    notes.set(Note::Phase, GAVE_BACK);
}
