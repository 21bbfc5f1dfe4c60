//! Whether a publisher still waits for a subscriber that was killed.
//!
//! Who waits asks the kernel once a slice who lives, and waits no longer for the dead. So
//! how long they are waited for is counted in questions of the publisher's, and not in
//! time. It adds up its questions at the end of each call; those of the call in which the
//! death fell may have come before it.

use super::places::{LOSSLESS, Places, STATE_MASK};

/// Questions within which nobody waits for the dead any more.
const SLICES_MAX: u64 = 3;

/// A lossless subscriber that was killed.
#[derive(Debug)]
pub(crate) struct WaitedFor {
    row: u64,
    life: u64,
    publisher: u64,
    /// Questions that the publisher had asked by the death, and at the end of the call it
    /// fell in.
    at_death: u64,
    after_call: Option<u64>,
}

impl WaitedFor {
    /// Of a process that was reaped. `None`: it was not waited for.
    pub(crate) fn of(places: &Places, pid: u32) -> Option<Self> {
        let row = places.row_of(pid).filter(|&row| row > 0)?;
        let life = places.words.load(places.life(row));
        let of_dead = life & super::places::WHO_MASK == places.who(row);
        (of_dead && life & STATE_MASK == LOSSLESS).then(|| Self {
            row,
            life,
            publisher: places.words.load(places.row(0)),
            at_death: places.probes(0),
            after_call: None,
        })
    }

    /// Looks. True: nobody waits for it any more.
    pub(crate) fn is_over(&mut self, places: &Places, questions: &mut u64) -> bool {
        let asked = places.probes(0);
        // After they were asked.
        if places.words.load(places.life(self.row)) != self.life {
            return true;
        }
        if places.words.load(places.row(0)) != self.publisher {
            // Another, who begins to count.
            self.publisher = places.words.load(places.row(0));
            (self.at_death, self.after_call) = (places.probes(0), None);
            return false;
        }
        if asked > self.at_death {
            let after_call = *self.after_call.get_or_insert(asked);
            let least = asked - after_call;
            *questions = least.max(*questions);
            assert!(least <= SLICES_MAX, "asked {least} times, and waits for one who is dead");
        }
        false
    }
}
