//! Newcomers, leavers, the dying and their successors on one row.

use super::ring::Ring;
use crate::kernel::{Kernel as _, Modelled, Process};
use crate::lab::{Lab, Payload, U32, U64, mortal};
use loom::thread::yield_now;
use ringbuf_core::error::SeatError;
use ringbuf_core::peer::{Liveness, Predecessor, Presence, RowWords, STATE_EMPTY, Seat, Who};
use std::rc::Rc;

/// The row that everybody wants.
pub const ROW: u32 = 0;

/// One row, and the kernel that knows who holds it.
#[derive(Debug)]
pub struct Table {
    /// The words of the row.
    pub words: RowWords<Lab>,
    /// Who holds which lock.
    pub kernel: Modelled,
}

impl Table {
    /// A row that nobody ever took.
    #[must_use]
    pub fn new() -> Self {
        Self {
            words: RowWords { state: U64::new(STATE_EMPTY), since: U64::new(0), pid: U32::new(0) },
            kernel: Modelled::unlocked(),
        }
    }

    /// The process of this number.
    #[must_use]
    pub fn process(&self, id: u32) -> Process<'_, Modelled> {
        Process::new(&self.kernel, id)
    }

    /// Tries to take the row once; a closed one may be reopened.
    ///
    /// # Errors
    /// What [`RowWords::take`] says.
    pub fn take(&self, process: &Process<'_, Modelled>) -> Result<Seat, SeatError<()>> {
        self.words.take(ROW, true, process).map_err(|error| match error {
            SeatError::InUse => SeatError::InUse,
            SeatError::Closed => SeatError::Closed,
            other => panic!("{other}"),
        })
    }

    /// Tries until the row is taken.
    #[must_use]
    pub fn take_at_last(&self, process: &Process<'_, Modelled>) -> Seat {
        loop {
            match self.take(process) {
                Ok(seat) => return seat,
                Err(SeatError::InUse) => {
                    // What it locked in vain, it gives up.
                    process.end();
                    yield_now();
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    }
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

/// Two want a row that nobody ever took, or that a dead peer held.
///
/// # Panics
/// Unless exactly one of them gets it.
pub fn race_for(table: &Rc<Table>) -> Seat {
    let far = Rc::clone(table);
    let thread = loom::thread::spawn(move || far.take(&far.process(2)).ok());
    let mine = table.take(&table.process(3)).ok();
    let theirs = thread.join().unwrap();
    match (mine, theirs) {
        (Some(seat), None) | (None, Some(seat)) => seat,
        both => panic!("exactly one gets the row: {both:?}"),
    }
}

/// Two newcomers for one row.
///
/// # Panics
/// Unless exactly one of them gets it.
pub fn two_newcomers() {
    let seat = race_for(&Rc::new(Table::new()));
    assert_eq!(seat, Seat { who: Who::new(ROW, 1), predecessor: Predecessor::None });
}

/// A peer dies at any step of taking a row and living on it; then two want it.
///
/// # Panics
/// Unless exactly one of them gets it.
pub fn two_newcomers_after_a_death(after: u32) {
    let table = Rc::new(Table::new());
    let first = mortal(after, || {
        let seat = table.take(&table.process(1)).unwrap();
        assert_eq!(table.words.presence(ROW, &table.process(9)), Ok(Presence::Alive));
        seat
    });
    table.process(1).end();
    let seat = race_for(&table);
    if first.is_some() {
        let who = Who::new(ROW, 2);
        assert_eq!(seat, Seat { who, predecessor: Predecessor::Died });
    }
}

/// The holder of a row leaves while a newcomer wants it.
///
/// # Panics
/// If the newcomer takes it for dead, or does not see what it had written.
pub fn newcomer_and_leaver() {
    let table = Rc::new(Table::new());
    let payload = Rc::new(Payload::new(1));
    let seat = table.take(&table.process(1)).unwrap();
    let far = (Rc::clone(&table), Rc::clone(&payload));
    let thread = loom::thread::spawn(move || {
        let (table, payload) = far;
        payload.write(0, 7);
        table.words.leave(seat.who);
        table.process(1).end();
    });
    match table.take(&table.process(2)) {
        Ok(next) => {
            let who = Who::new(ROW, 2);
            assert_eq!(next, Seat { who, predecessor: Predecessor::Left });
            assert_eq!(payload.read(0), 7);
        }
        Err(error) => assert_eq!(error, SeatError::InUse),
    }
    thread.join().unwrap();
}

/// A peer dies at any step of taking a row and living on it, while a newcomer
/// wants it until it has it.
///
/// # Panics
/// If the newcomer is kept out for ever (which is an endless execution), or gets
/// the identity of the dead one.
pub fn newcomer_and_dying(after: u32) {
    let table = Rc::new(Table::new());
    let payload = Rc::new(Payload::new(1));
    let far = (Rc::clone(&table), Rc::clone(&payload));
    let thread = loom::thread::spawn(move || {
        let (table, payload) = far;
        let seat = mortal(after, || {
            let seat = table.take(&table.process(1)).ok()?;
            payload.write(0, u64::from(seat.who.bits()));
            Some(seat)
        });
        table.process(1).end();
        seat.flatten()
    });
    let process = table.process(2);
    let mine = table.take_at_last(&process);
    // A data race, unless the first is dead or never got this far.
    payload.write(0, u64::from(mine.who.bits()));
    let theirs = thread.join().unwrap();
    match theirs {
        // It was there before us and its death let us in, or it came after us.
        Some(seat) => {
            assert_ne!(seat.who, mine.who);
            // Or whoever asks about the dead one would be told of the living.
            assert!(table.process(1).is_last_of(seat.who), "an identity is locked again");
        }
        None => assert!(matches!(mine.predecessor, Predecessor::None | Predecessor::Died)),
    }
    assert!(process.is_mine(mine.who));
}

/// Somebody asks about a row while a newcomer takes it.
///
/// Loom remembers only the last access to a word when it looks for interleavings
/// to try, and runs first who came first: that has to be the newcomer here.
///
/// # Panics
/// If a living holder is ever taken for dead.
pub fn prober() {
    let table = Rc::new(Table::new());
    let far = Rc::clone(&table);
    let thread = loom::thread::spawn(move || ask(&far));
    table.take(&table.process(1)).unwrap();
    thread.join().unwrap();
    let (asker, who) = (table.process(2), Who::new(ROW, 1));
    assert_eq!(table.words.presence(ROW, &asker), Ok(Presence::Alive));
    assert_eq!(table.words.holder(ROW), Some(who));
    assert!(asker.is_held(who));
}

fn ask(table: &Table) {
    match table.words.presence(ROW, &table.process(2)) {
        Ok(Presence::Absent | Presence::Alive) => {}
        other => panic!("{other:?}"),
    }
}

/// A consumer dies at any step, or leaves; its successor takes the seat as soon as
/// the kernel lets it, and receives the rest.
///
/// # Panics
/// If the successor does not continue exactly where the words say.
pub fn successor(after: u32) {
    const ITEMS: u64 = 2;
    let table = Rc::new(Table::new());
    let ring = Rc::new(Ring::new(0));
    ring.send_all(&mut ring.producer(), ITEMS, 1);
    let seat = table.take(&table.process(1)).unwrap();
    let far = (Rc::clone(&table), Rc::clone(&ring));
    let thread = loom::thread::spawn(move || {
        let (table, ring) = far;
        mortal(after, || {
            ring.try_receive(&mut ring.consumer(), 1, 0);
            table.words.leave(seat.who);
        });
        table.process(1).end();
    });
    let next = table.take_at_last(&table.process(2));
    assert_eq!(next.who, Who::new(ROW, 2));
    ring.receive_all(&mut ring.consumer(), ITEMS, 1, 1);
    thread.join().unwrap();
}
