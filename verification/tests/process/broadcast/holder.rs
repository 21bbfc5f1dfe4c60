//! A process that holds a view, or a claim, of a broadcast ring until it is told to go on,
//! or is killed.

use super::frame;
use crate::process::notes::{Note, Notes};
use crate::process::{Child, HANG, enter, number, until, variable};
use ringbuf_shm::broadcast::bytes::{Publisher, Subscriber};
use ringbuf_shm::broadcast::{Delivery, Join, Start};
use ringbuf_shm::{ReadError, Ring};
use std::path::{Path, PathBuf};

/// What it notes as its phase.
const HOLDS: u64 = 1;

/// What the process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The oldest message.
    Subscriber(Delivery),
    /// A claim.
    Claim,
    /// A message of which half was shown.
    Begun,
}

pub(crate) const DELIVERIES: [Delivery; 3] =
    [Delivery::Lossless, Delivery::Lossy, Delivery::Latest];

const ROLES: [Role; 5] = [
    Role::Subscriber(Delivery::Lossless),
    Role::Subscriber(Delivery::Lossy),
    Role::Subscriber(Delivery::Latest),
    Role::Claim,
    Role::Begun,
];

#[derive(Debug)]
pub(crate) struct Holder {
    pub(crate) child: Child,
    notes: Notes,
}

impl Holder {
    /// Runs the ignored test `holder`, which calls [`hold`], on the ring `ring` in
    /// `directory`, and waits until it holds something. One of each role in a directory.
    pub(crate) fn start(directory: &Path, role: Role) -> Self {
        let role = ROLES.iter().position(|&other| other == role).unwrap();
        let notes = directory.join(format!("notes {role}"));
        let variables = [
            ("RINGBUF_TEST_RING", directory.join("ring").display().to_string()),
            ("RINGBUF_TEST_NOTES", notes.display().to_string()),
            ("RINGBUF_TEST_ROLE", role.to_string()),
        ];
        let notes = Notes::create(&notes);
        let mut child = Child::spawn("holder", &variables);
        until("it to hold something", || {
            child.assert_running();
            notes.get(Note::Phase) == HOLDS
        });
        Self { child, notes }
    }

    /// Tells it to go on when it can.
    pub(crate) fn finish(&self) {
        self.notes.set(Note::Finish, 1);
    }

    /// Lets one that was stopped go on, and waits until it has ended well. Of a subscriber:
    /// how many messages it lost.
    pub(crate) fn go_on(mut self) -> u64 {
        self.finish();
        self.child.resume();
        let status = self.child.wait();
        assert!(status.success(), "{status}");
        self.notes.get(Note::Lost)
    }
}

/// The process.
pub(crate) fn hold() {
    enter();
    let ring = Ring::open(PathBuf::from(variable("RINGBUF_TEST_RING"))).unwrap();
    let notes = Notes::open(&PathBuf::from(variable("RINGBUF_TEST_NOTES")));
    let wait = || {
        notes.set(Note::Phase, HOLDS);
        until("the wish to finish", || notes.get(Note::Finish) != 0);
    };
    match ROLES[usize::try_from(number("RINGBUF_TEST_ROLE")).unwrap()] {
        Role::Subscriber(delivery) => hold_view(&ring, delivery, &notes, wait),
        role => {
            let mut publisher = Publisher::attach(&ring).unwrap();
            let mut claim = publisher.claim_timeout(HANG).unwrap();
            let len = frame::write(claim.position(), &mut claim);
            if role == Role::Claim {
                wait();
                claim.commit(len).unwrap();
            } else {
                let bytes = claim[..len].to_vec();
                let mut begun = claim.begin().unwrap();
                begun.advance(len / 2).unwrap();
                wait();
                begun.rest_mut()[..len - len / 2].copy_from_slice(&bytes[len / 2..]);
                begun.advance(len - len / 2).unwrap();
                begun.commit().unwrap();
            }
        }
    }
}

/// Holds the first message that it gets, and later reads all that is left. What it is told
/// to have lost, and what it got, is everything.
fn hold_view(ring: &Ring, delivery: Delivery, notes: &Notes, wait: impl Fn()) {
    let join = Join::new(delivery).start(Start::Oldest).views(2);
    let mut subscriber = Subscriber::attach(ring, join).unwrap();
    let start = subscriber.position();
    let view = subscriber.read_timeout(HANG).unwrap();
    let check = || frame::check(view.position(), &view);
    check();
    wait();
    check();
    let (mut got, mut evicted, mut next) = (1, 0, view.position().wrapping_add(1));
    loop {
        match subscriber.try_read() {
            Ok(message) => {
                frame::check(message.position(), &message);
                got += 1;
                let ahead = message.position().wrapping_sub(next).cast_signed();
                assert!(ahead >= 0, "backwards by {ahead}");
                assert!(ahead == 0 || evicted == 1 || delivery != Delivery::Lossless);
                next = message.position().wrapping_add(1);
            }
            Err(ReadError::Evicted) => {
                evicted += 1;
                next = subscriber.position();
            }
            Err(ReadError::Empty) => break,
            Err(error) => panic!("{error}"),
        }
        let passed = subscriber.position().wrapping_sub(start);
        assert_eq!(got + subscriber.lost(), passed, "got, lost and passed");
    }
    check();
    // Told once, if at all.
    let is_evicted = delivery == Delivery::Lossless && subscriber.lost() > 0;
    assert_eq!(evicted, u64::from(is_evicted));
    notes.set(Note::Lost, subscriber.lost());
    drop(subscriber);
    check();
}
