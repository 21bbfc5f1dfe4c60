//! What one who was killed held in a ring of many, watched until others have given it up.
//!
//! Who waits asks the kernel once a slice who lives, and gives up what the dead hold. So
//! how long the dead held somebody up is counted in questions of that one's own, and not
//! in time: one that has no processor asks nobody. A peer adds up its questions at the end
//! of each call; those of the call in which the death fell may have come before it.

use super::places::{HELD, Places, STATE_MASK};
use std::time::{Duration, Instant};

/// Questions of one's own within which nobody is held up by the dead any more.
pub(crate) const SLICES_MAX: u64 = 3;

/// A peer that lived when the other died.
#[derive(Debug)]
struct Survivor {
    row: u64,
    identity: u64,
    /// How often it had asked by the death, and at the end of the call it fell in.
    at_death: u64,
    after_call: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct Corpse {
    who: u64,
    slots: Vec<usize>,
    survivors: Vec<Survivor>,
    died: Instant,
    held_up: HeldUp,
}

/// The longest that the dead held somebody up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HeldUp {
    /// How many of the dead held something.
    pub(crate) corpses: u64,
    /// Questions that one survivor asked for certain while the dead still held something.
    pub(crate) least: u64,
    /// And those that it may have asked.
    pub(crate) most: u64,
    /// The longest that the dead held something.
    pub(crate) time: Duration,
}

impl HeldUp {
    pub(crate) fn raise(&mut self, other: Self) {
        self.corpses += other.corpses;
        self.least = self.least.max(other.least);
        self.most = self.most.max(other.most);
        self.time = self.time.max(other.time);
    }
}

impl Corpse {
    /// Of a process that was reaped. `None`: it held nothing.
    pub(crate) fn of(places: &Places, pid: u32) -> Option<Self> {
        let died = Instant::now();
        let identity = |row| places.words.load(places.row(row));
        let sits = |&row: &u64| identity(row) & STATE_MASK == HELD;
        let dead = places.row_of(pid).filter(sits)?;
        let who = places.who(dead);
        let living = (0..places.rows).filter(|&row| row != dead).filter(sits);
        let survivor = |row| {
            let (identity, at_death) = (identity(row), places.probes(row));
            Survivor { row, identity, at_death, after_call: None }
        };
        let survivors = living.map(survivor).collect();
        let slots: Vec<_> = places.states().filter(|&at| places.is_of(at, who)).collect();
        let held_up = HeldUp { corpses: 1, ..HeldUp::default() };
        (!slots.is_empty()).then_some(Self { who, slots, survivors, died, held_up })
    }

    /// Looks. True: it holds nothing any more.
    pub(crate) fn is_given_up(&mut self, places: &Places) -> bool {
        let now = self.questions(places);
        // After they were asked.
        if !self.slots.iter().any(|&at| places.is_of(at, self.who)) {
            return true;
        }
        self.held_up.raise(HeldUp { time: self.died.elapsed(), ..now });
        assert!(
            self.held_up.least <= SLICES_MAX,
            "somebody asked {} times while {} slots were of one who was dead",
            self.held_up.least,
            self.slots.len()
        );
        false
    }

    /// By how much it held somebody up, as far as was looked.
    pub(crate) fn held_up(&self) -> HeldUp {
        self.held_up
    }

    /// The most questions that one of the survivors has asked.
    fn questions(&mut self, places: &Places) -> HeldUp {
        let mut all = HeldUp::default();
        for survivor in &mut self.survivors {
            let asked = places.probes(survivor.row);
            // Of the same peer, if it still sits there.
            if places.words.load(places.row(survivor.row)) != survivor.identity {
                continue;
            }
            let most = asked - survivor.at_death;
            if most > 0 {
                let after_call = *survivor.after_call.get_or_insert(asked);
                all.raise(HeldUp { least: asked - after_call, most, ..all });
            }
        }
        all
    }
}
