//! Whether what was answered is what a queue can have answered.
//!
//! A history says of each call between which two tickets it ran; every value is
//! written once. It is that of a queue exactly if none of these patterns is in it
//! (Bouajjani, Emmi, Enea and Hamza, *On Reducing Linearizability to State
//! Reachability*, ICALP 2015), and all are found by sorting, in O(n log n):
//!
//! - a value is read that nobody wrote, or before it was written;
//! - a value is read twice;
//! - `a` was written before `b`, and `b` read before `a`, or read and `a` never;
//! - a look found nothing, though at each instant of it some value was inside.
//!
//! What a lane promises is that of a queue whose *writes are claims*: a message has
//! its place from the claim on, whenever it is committed. So:
//!
//! - *order* is judged by the calls that claimed: `a` before `b` if the claim of `a`
//!   had returned before that of `b` was called. Who commits first says nothing.
//! - *read before written* is judged by the commit: no reader has a message before its
//!   commit was called, though it had its place long before.
//! - `Empty` says that at some instant of the call every place that was claimed had
//!   been taken; so a message counts as inside from the return of its *claim* to the
//!   call of its read. This asks for more than counting from the commit.
//! - `Busy` says that the next place is being written, or that others were faster. It
//!   is an answer that a queue does not have, and concludes nothing. Neither it nor
//!   `Full` is judged here; `tests/reference_lanes.rs` says exactly when they are due.
//! - A place that is *given up* was never written.
//!
//! A Strict lane, in which somebody may have been passed, promises less: the order of
//! each producer's messages, and that a look does not miss one that was committed before
//! it and read after it. It may miss two that are there by turns.
//!
//! A message that a reader died over comes again at any later time: such histories are
//! not judged here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One call: it was made after the first ticket and returned before the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Drawn before the call; no other ticket has this number.
    pub from: u64,
    /// Drawn after it.
    pub to: u64,
}

impl Span {
    fn is_before(self, other: Self) -> bool {
        self.to < other.from
    }
}

/// Something that a thread did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Wrote a value that nobody else writes.
    Wrote {
        /// The value.
        value: u64,
        /// The call that gave it its place.
        claimed: Span,
        /// The call that showed it.
        committed: Span,
    },
    /// Read a value.
    Read {
        /// The value.
        value: u64,
        /// The call.
        read: Span,
    },
    /// Was told that there is nothing.
    Empty(Span),
}

/// Why a history is not that of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// This value was read and not written, or not yet.
    FromNowhere(u64),
    /// This value was written twice: the history cannot be judged.
    WrittenTwice(u64),
    /// This value was read twice.
    ReadTwice(u64),
    /// The first was written before the second, and read after it or never.
    Overtaken(u64, u64),
    /// A look found nothing, though there was something all the time.
    NotEmpty(Span),
}

/// What became of one value.
struct Life {
    value: u64,
    claimed: Span,
    committed: Span,
    read: Option<Span>,
}

impl Life {
    /// When it may first have been outside again.
    fn leaves(&self) -> u64 {
        self.read.map_or(u64::MAX, |read| read.from)
    }
}

/// Finds a pattern that no queue shows, in a history whose calls have all returned.
///
/// # Errors
/// The first [`Violation`] found.
pub fn check(events: &[Event]) -> Result<(), Violation> {
    let lives = lives(events)?;
    is_in_order(lives.iter().collect())?;
    let inside = lives.iter().map(|life| (life.claimed.to, life.leaves()));
    has_true_empties(joined(inside.collect()), events)
}

/// As [`check`], for a Strict lane. `producer` says whose a value is.
///
/// # Errors
/// The first [`Violation`] found.
pub fn check_strict(
    events: &[Event],
    producer: impl Fn(u64) -> u64 + Copy,
) -> Result<(), Violation> {
    let lives = lives(events)?;
    let producers: BTreeSet<_> = lives.iter().map(|life| producer(life.value)).collect();
    for one in producers {
        is_in_order(lives.iter().filter(|life| producer(life.value) == one).collect())?;
    }
    // Of those that went in before a look, the one that stays longest tells.
    let mut inside: Vec<_> = lives.iter().map(|life| (life.committed.to, life.leaves())).collect();
    inside.sort_unstable();
    let mut longest = 0;
    for (_, to) in &mut inside {
        longest = longest.max(*to);
        *to = longest;
    }
    has_true_empties(inside, events)
}

/// What became of each value, in the order of the calls that claimed.
fn lives(events: &[Event]) -> Result<Vec<Life>, Violation> {
    let mut written = BTreeMap::new();
    for event in events {
        if let Event::Wrote { value, claimed, committed } = *event
            && written.insert(value, (claimed, committed, None)).is_some()
        {
            return Err(Violation::WrittenTwice(value));
        }
    }
    for event in events {
        let Event::Read { value, read } = *event else { continue };
        match written.get_mut(&value) {
            Some((_, committed, _)) if read.is_before(*committed) => {
                return Err(Violation::FromNowhere(value));
            }
            Some((_, _, before @ None)) => *before = Some(read),
            Some(_) => return Err(Violation::ReadTwice(value)),
            None => return Err(Violation::FromNowhere(value)),
        }
    }
    let life = |(value, (claimed, committed, read))| Life { value, claimed, committed, read };
    let mut lives: Vec<_> = written.into_iter().map(life).collect();
    lives.sort_unstable_by_key(|life| life.claimed.from);
    Ok(lives)
}

/// For each value that was read: whether all that were surely written before it were
/// perhaps read before it. Of those, the one whose read was called last tells.
fn is_in_order(lives: Vec<&Life>) -> Result<(), Violation> {
    let mut earlier = lives.clone();
    earlier.sort_unstable_by_key(|life| life.claimed.to);
    let mut earlier = earlier.into_iter().peekable();
    let mut last: Option<&Life> = None;
    for life in lives {
        while let Some(before) = earlier.next_if(|before| before.claimed.is_before(life.claimed)) {
            if last.is_none_or(|last| last.leaves() < before.leaves()) {
                last = Some(before);
            }
        }
        if let (Some(last), Some(read)) = (last, life.read)
            && read.to < last.leaves()
        {
            return Err(Violation::Overtaken(last.value, life.value));
        }
    }
    Ok(())
}

/// The times at which something was surely inside, joined where they overlap.
fn joined(mut inside: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    inside.retain(|(from, to)| from < to);
    inside.sort_unstable();
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for (from, to) in inside {
        match joined.last_mut() {
            Some(last) if from < last.1 => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}

/// Whether no look that found nothing lies in one of these times, sorted, of which none that
/// begins later ends earlier.
fn has_true_empties(inside: Vec<(u64, u64)>, events: &[Event]) -> Result<(), Violation> {
    for event in events {
        let Event::Empty(look) = *event else { continue };
        let after = inside.partition_point(|(from, _)| *from < look.from);
        if after > 0 && look.to < inside[after - 1].1 {
            return Err(Violation::NotEmpty(look));
        }
    }
    Ok(())
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FromNowhere(value) => write!(f, "{value:#x} was read before it was written"),
            Self::WrittenTwice(value) => write!(f, "{value:#x} was written twice"),
            Self::ReadTwice(value) => write!(f, "{value:#x} was read twice"),
            Self::Overtaken(first, second) => write!(f, "{second:#x} overtook {first:#x}"),
            Self::NotEmpty(look) => write!(f, "there was something all the time in {look:?}"),
        }
    }
}

impl std::error::Error for Violation {}
