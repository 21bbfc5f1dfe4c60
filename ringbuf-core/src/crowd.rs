//! The other side of a ring of many, as one who waits for it sees it.
//!
//! A side is there as long as one of its peers is. When the last one has left or
//! died, that is not yet the end for those who read: a message that somebody else
//! holds comes back if that one dies. So *gone* means that nobody is there *and*,
//! looked at after that, nothing can come back.
//!
//! Rows are looked at one after the other. That all were found gone says nothing if
//! somebody came meanwhile to one that had been looked at, and only then the last of
//! the others went: identities are compared before and after.

use crate::error::Corrupt;
use crate::machine::{Machine, Row, Word};
use crate::peer::{Liveness, Presence, RowWords};
use crate::wait::Counterpart;
use core::cell::Cell;
use core::fmt;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// How often a departure is noted that others' keep getting in the way of. Each
/// failure is another departure, which makes everybody look at the rows as well.
const DEPART_TRIES_MAX: u32 = 64;

/// Says that a peer has left, after its row says so.
pub fn depart<M: Machine>(machine: &M, departures: &M::U64) {
    for _ in 0..DEPART_TRIES_MAX {
        // Relaxed: the exchange confirms it.
        let before = departures.load(Relaxed);
        let after = before.wrapping_add(1);
        // edge DEPART, release end: who sees this finds our row left.
        // Relaxed otherwise: we try again.
        if departures.compare_exchange(before, after, Release, Relaxed).is_ok() {
            return;
        }
        machine.spin();
    }
}

/// Another number whenever somebody has come to one of these rows: identities of a row
/// only grow. `first_row` is the number of the first of them.
pub fn takings<M: Machine, R: Row<Word = RowWords<M>>>(rows: &R, first_row: u32) -> u64 {
    (0..rows.len())
        .zip(first_row..)
        .filter_map(|(index, row)| rows.at(index).holder(row))
        .fold(0, |sum, who| sum.wrapping_add(u64::from(who.bits())))
}

/// Whether somebody living sits on one of these rows, each looked at in turn; if not,
/// whether somebody died there, or all who came have left.
///
/// # Errors
/// [`Corrupt`] if a row cannot be true.
pub fn presence<M: Machine, R: Row<Word = RowWords<M>>, L: Liveness>(
    rows: &R,
    first_row: u32,
    locks: &L,
) -> Result<Presence, Corrupt> {
    let mut found = Presence::Absent;
    for (index, row) in (0..rows.len()).zip(first_row..) {
        match rows.at(index).presence(row, locks)? {
            Presence::Alive => return Ok(Presence::Alive),
            Presence::Dead => found = Presence::Dead,
            Presence::Closed if found == Presence::Absent => found = Presence::Closed,
            Presence::Closed | Presence::Absent => {}
        }
    }
    Ok(found)
}

/// The rows of the other side.
pub struct Crowd<'a, M: Machine, R, L, S, D> {
    /// Its rows.
    pub rows: R,
    /// The number of the first of them.
    pub first_row: u32,
    /// Changes whenever somebody leaves.
    pub departures: &'a M::U64,
    /// What `departures` was when somebody was still there.
    pub departures_seen: &'a Cell<u64>,
    /// Who knows who lives.
    pub locks: &'a L,
    /// Gives up what the dead hold.
    pub sweep: S,
    /// Whether nothing is left, and nothing can come back.
    pub is_drained: D,
}

impl<M, R, L, S, D> Crowd<'_, M, R, L, S, D>
where
    M: Machine,
    R: Row<Word = RowWords<M>>,
    L: Liveness,
    D: Fn() -> Result<bool, Corrupt>,
{
    /// Whether somebody came, and all who came have said that they left.
    fn all_have_left(&self) -> bool {
        let mut came = false;
        for index in 0..self.rows.len() {
            let row = self.rows.at(index);
            if row.has_left() {
                came = true;
            } else if !row.is_empty() {
                return false;
            }
        }
        came
    }

    /// What `look` found, if nobody came while it looked from row to row: whoever it found
    /// gone is gone when it ends. `None` if somebody came, to a row it had seen before.
    fn unless_somebody_came<T>(&self, look: impl FnOnce() -> T) -> Option<T> {
        let before = takings(&self.rows, self.first_row);
        let found = look();
        (takings(&self.rows, self.first_row) == before).then_some(found)
    }
}

impl<M, R, L, S, D> Counterpart for Crowd<'_, M, R, L, S, D>
where
    M: Machine,
    R: Row<Word = RowWords<M>>,
    L: Liveness,
    S: Fn() -> Result<(), Corrupt>,
    D: Fn() -> Result<bool, Corrupt>,
{
    #[inline]
    fn has_left(&self) -> bool {
        // edge DEPART, acquire end: the row of each who said so is found left.
        let departures = self.departures.load(Acquire);
        if departures == self.departures_seen.get() {
            return false;
        }
        match self.unless_somebody_came(|| self.all_have_left()) {
            Some(true) => (self.is_drained)().unwrap_or(false),
            Some(false) => {
                self.departures_seen.set(departures);
                false
            }
            // We look again the next time.
            None => false,
        }
    }

    /// Sweeps first: what the dead hold is in the way of everything else.
    fn presence(&self) -> Result<Presence, Corrupt> {
        (self.sweep)()?;
        let found =
            match self.unless_somebody_came(|| presence(&self.rows, self.first_row, self.locks)) {
                Some(found) => found?,
                // Whether that one lives is asked next time.
                None => Presence::Alive,
            };
        let gone = matches!(found, Presence::Dead | Presence::Closed);
        if gone && !(self.is_drained)()? { Ok(Presence::Alive) } else { Ok(found) }
    }
}

impl<M: Machine, R, L, S, D> fmt::Debug for Crowd<'_, M, R, L, S, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crowd").field("first_row", &self.first_row).finish_non_exhaustive()
    }
}
