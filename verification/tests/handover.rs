//! Goal: while somebody is always there, nobody is told that a side of a ring of many is
//! gone (P2): one who comes before the last one goes is not overlooked.
//! Method: plain words, and one who looks at two rows. Before each of its operations in
//! turn somebody comes to the first row, and then the one on the second leaves or dies.

use ringbuf_core::crowd::Crowd;
use ringbuf_core::peer::{Locks as _, Presence, RowWords, STATE_EMPTY, Who};
use ringbuf_core::wait::Counterpart as _;
use ringbuf_verification::kernel::{self, Kernel as _, Process};
use ringbuf_verification::mortal::{Mortal, Plain, meddled};
use std::cell::Cell;
use std::rc::Rc;

const HELD: u64 = 2;
const LEFT: u64 = 3;

/// How the second one goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Leaves,
    Dies,
}

struct Scene {
    kernel: kernel::Plain,
    rows: [RowWords<Mortal>; 2],
    departures: Plain<u64>,
}

fn word(who: Who, state: u64) -> u64 {
    u64::from(who.bits()) << 3 | state
}

impl Scene {
    /// The first row was left, on the second somebody sits.
    fn new() -> Self {
        let row = || RowWords {
            state: Plain::new(STATE_EMPTY),
            since: Plain::new(0),
            pid: Plain::new(0),
        };
        let scene = Self {
            kernel: kernel::Plain::unlocked(),
            rows: [row(), row()],
            departures: Plain::new(1),
        };
        scene.rows[0].state.set(word(Who::new(0, 1), LEFT));
        scene.sit(1, Who::new(1, 1));
        scene
    }

    fn sit(&self, process: u32, who: Who) {
        assert_eq!(Process::new(&self.kernel, process).take(who), Ok(true));
        self.rows[who.row() as usize].state.set(word(who, HELD));
    }

    /// Somebody comes, and then the other goes.
    fn hand_over(&self, end: End) {
        self.sit(2, Who::new(0, 2));
        if end == End::Leaves {
            self.rows[1].state.set(word(Who::new(1, 1), LEFT));
            self.departures.set(self.departures.get() + 1);
        }
        Process::new(&self.kernel, 1).end();
    }

    /// Looks while the handover comes before operation number `at`; whether it came, and
    /// what the look said: by words alone, or by asking the kernel.
    fn look(at: u32, end: End, asks: bool) -> (bool, Presence) {
        let scene = Rc::new(Self::new());
        let (meddler, operations) = (Rc::clone(&scene), Rc::new(Cell::new(0)));
        let count = Rc::clone(&operations);
        let meddle = move || {
            if count.replace(count.get() + 1) == at {
                meddler.hand_over(end);
            }
        };
        let asker = Process::new(&scene.kernel, 9);
        let crowd = Crowd {
            rows: &scene.rows[..],
            first_row: 0,
            departures: &scene.departures,
            departures_seen: &Cell::new(0),
            locks: &asker,
            sweep: || Ok(()),
            is_drained: || Ok(true),
        };
        let found = meddled(meddle, || match asks {
            true => crowd.presence().unwrap(),
            false if crowd.has_left() => Presence::Closed,
            false => Presence::Alive,
        });
        (operations.get() > at, found)
    }
}

/// The handover comes before every operation in turn.
fn hand_over_at_every_step(end: End, asks: bool) {
    let mut at = 0;
    loop {
        let (came, found) = Scene::look(at, end, asks);
        assert_eq!(found, Presence::Alive, "{end:?} before operation {at}");
        if !came {
            break;
        }
        at += 1;
    }
    assert!(at > 1);
}

#[test]
fn one_who_comes_before_the_last_one_leaves_is_not_overlooked() {
    hand_over_at_every_step(End::Leaves, false);
    hand_over_at_every_step(End::Leaves, true);
}

#[test]
fn one_who_comes_before_the_last_one_dies_is_not_overlooked() {
    hand_over_at_every_step(End::Dies, false);
    hand_over_at_every_step(End::Dies, true);
}
