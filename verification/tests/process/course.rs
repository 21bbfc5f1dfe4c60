//! An operation in instructions, and after which of them to kill who does it.

use super::trace::Tracee;
use std::collections::BTreeSet;

/// The fewest kills of one operation, besides those at changes.
const KILLS_MIN: u64 = 4;

/// An operation, in instructions.
pub(crate) struct Course {
    pub(crate) length: u64,
    /// After which of them a word of the protocol is another.
    changes: Vec<u64>,
}

/// When to kill.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    /// After so many instructions.
    Steps(u64),
    /// At once after so many changes.
    Changes(usize),
    /// At once after so many system calls.
    Calls(u64),
}

impl Moment {
    /// Goes on until then. False: the operation was over before.
    pub(crate) fn reach<T: PartialEq>(self, tracee: &mut Tracee<'_>, look: impl Fn() -> T) -> bool {
        match self {
            Self::Steps(steps) => (0..steps).all(|_| tracee.step()),
            Self::Changes(changes) => {
                let (mut seen, mut last) = (0, look());
                while seen < changes && tracee.step() {
                    let now = look();
                    seen += usize::from(now != last);
                    last = now;
                }
                seen == changes
            }
            Self::Calls(calls) => (0..calls).all(|_| tracee.step_over_call()),
        }
    }
}

impl Course {
    /// How the operation goes when it is left alone; `look` loads the words whose changes
    /// make a difference to others.
    pub(crate) fn of<T: PartialEq>(tracee: &mut Tracee<'_>, look: impl Fn() -> T) -> Self {
        let (mut course, mut last) = (Self { length: 0, changes: Vec::new() }, look());
        while tracee.step() {
            course.length += 1;
            let now = look();
            if now != last {
                course.changes.push(course.length);
            }
            last = now;
        }
        course
    }

    /// After how many instructions to kill, when about `most` may be stepped.
    pub(crate) fn kills(&self, most: u64) -> BTreeSet<u64> {
        if most == 0 {
            return (1..=self.length).collect();
        }
        // A kill steps half of the operation, on average.
        let changes = self.changes.iter().flat_map(|&change| [change - 1, change]);
        changes.chain(self.spread(most)).collect()
    }

    /// Those of `kills` that are spread over all of it.
    fn spread(&self, most: u64) -> impl Iterator<Item = u64> {
        // A kill steps half of the operation, on average.
        let kills = (2 * most / self.length).clamp(KILLS_MIN, self.length);
        (1..=kills).map(move |kill| kill * self.length / kills)
    }

    /// The same, told by changes where it is changes that matter: the number of an
    /// instruction may be another the next time.
    pub(crate) fn moments(&self, most: u64) -> Vec<Moment> {
        if most == 0 {
            return (1..=self.length).map(Moment::Steps).collect();
        }
        let changes = (1..=self.changes.len()).map(Moment::Changes);
        changes.chain(self.spread(most).map(Moment::Steps)).collect()
    }
}
