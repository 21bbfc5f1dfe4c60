//! Lives of those who sit on a row and of those who ask about it.

use ringbuf_core::error::SeatError;
use ringbuf_core::event::{Event, EventWords};
use ringbuf_core::peer::{Predecessor, Presence, RowWords, STATE_EMPTY, Who};
use ringbuf_core::wait::{Counterpart as _, Patience, Peer, Step, WaitError};
use ringbuf_verification::kernel::{self, Kernel as _, Process};
use ringbuf_verification::mortal::{Mortal, Plain, meanwhile, mortal};
use std::convert::Infallible;

const ROW: u32 = 5;

fn row() -> RowWords<Mortal> {
    RowWords { state: Plain::new(STATE_EMPTY), since: Plain::new(0), pid: Plain::new(0) }
}

/// Two holders die, a third gets in. Which of the two lived, and left?
pub(crate) fn holders(first: u32, second: u32) -> (bool, bool) {
    let (row, kernel) = (row(), kernel::Plain::unlocked());
    let asker = Process::new(&kernel, 9);
    let mut taken = 0;
    let mut lives = [false; 2];
    for (index, after) in [first, second].into_iter().enumerate() {
        let process = Process::new(&kernel, u32::try_from(index).expect("two"));
        let before = row.state.get();
        lives[index] = mortal(after, || {
            let seat = row.take(ROW, true, &process).unwrap();
            meanwhile(|| {
                assert_eq!(seat.who, Who::new(ROW, taken + 1), "a new identity");
                assert_eq!(row.presence(ROW, &asker), Ok(Presence::Alive));
                let other = Process::new(&kernel, 8);
                assert_eq!(row.take(ROW, true, &other), Err(SeatError::InUse));
            });
            row.leave(seat.who);
        })
        .is_some();
        process.end();
        taken += u32::from(row.state.get() != before);
        let expected = match (lives[index], row.holder(ROW)) {
            (true, Some(_)) => Presence::Closed,
            (false, Some(who)) if before != row.state.get() => {
                assert_eq!(who, Who::new(ROW, taken));
                Presence::Dead
            }
            _ => row.presence(ROW, &asker).unwrap(),
        };
        assert_eq!(row.presence(ROW, &asker), Ok(expected));
        assert_ne!(expected, Presence::Alive, "nobody is there");
    }
    let third = Process::new(&kernel, 3);
    let before = row.presence(ROW, &third).unwrap();
    let seat = row.take(ROW, true, &third).unwrap();
    assert_eq!(seat.who, Who::new(ROW, taken + 1));
    let expected = match before {
        Presence::Absent => Predecessor::None,
        Presence::Closed => Predecessor::Left,
        Presence::Dead => Predecessor::Died,
        Presence::Alive => unreachable!("nobody is there"),
    };
    assert_eq!(seat.predecessor, expected);
    assert!(third.is_mine(seat.who));
    (lives[0], lives[1])
}

struct Asker(u32);

impl Patience for Asker {
    fn next(&mut self) -> Step {
        self.0 += 1;
        if self.0.is_multiple_of(2) { Step::Probe } else { Step::Sleep(1) }
    }
}

/// Two who wait for a dead peer die, a third learns of its death.
pub(crate) fn waiters(first: u32, second: u32) -> (bool, bool) {
    let (row, kernel, machine) = (row(), kernel::Plain::unlocked(), Mortal::default());
    let words = EventWords { epoch: Plain::new(0), woken: Plain::new(0) };
    let dead = Process::new(&kernel, 1);
    let who = row.take(ROW, false, &dead).unwrap().who;
    dead.end();
    let before = row.state.get();
    let lives = [first, second, u32::MAX].map(|after| {
        let asker = Process::new(&kernel, 2);
        let peer = Peer { words: &row, row: ROW, locks: &asker };
        let event = Event::new(&machine, &words);
        let end = mortal(after, || {
            assert_eq!(row.holder(ROW), Some(who));
            peer.wait(&machine, event, &mut Asker(0), || Ok::<_, Infallible>(None::<()>))
        });
        assert!(matches!(end, None | Some(Err(WaitError::PeerDied))));
        end.is_some()
    });
    assert_eq!(row.state.get(), before);
    assert!(lives[2]);
    (lives[0], lives[1])
}
