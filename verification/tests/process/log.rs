//! What a process of a ring did, step by step, to be read after it was killed.
//!
//! A file of words that the process maps and appends to. An entry is one store, so it
//! is there or not, and comes after everything the process had done before.

use super::words::Words;
use std::fs::File;
use std::path::Path;

/// Entries that fit. The file is sparse: what is not used costs nothing.
const ENTRIES_MAX: usize = 4 << 20;
/// Below this, the message's number.
const NUMBER_BITS: u32 = 48;
const REDELIVERED_BITS: u32 = 8;

/// What was done, or is about to be done, to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Step {
    Committing = 1,
    Committed,
    /// Not committed after all, for want of room.
    Refused,
    Taken,
    Releasing,
    Released,
    /// A publisher took the seat; the number is the next message's.
    Came,
    /// It shows a message before it is written.
    Beginning,
    /// It breaks that off.
    Breaking,
    Broke,
    /// A subscriber joined; the number is that of the first message it is to get.
    JoinedLossless,
    JoinedLossy,
    JoinedLatest,
    /// It has a message, whole.
    Got,
    /// It has one that was broken off.
    GotBroken,
    /// It has a part of one, and did not wait for the rest.
    GotPart,
    /// It was told that it was waited for no longer; the number is that of the next message.
    Evicted,
    /// It left, before this message.
    Left,
    /// There were no more messages, from this one on.
    Ended,
}

const STEPS: [Step; 19] = [
    Step::Committing,
    Step::Committed,
    Step::Refused,
    Step::Taken,
    Step::Releasing,
    Step::Released,
    Step::Came,
    Step::Beginning,
    Step::Breaking,
    Step::Broke,
    Step::JoinedLossless,
    Step::JoinedLossy,
    Step::JoinedLatest,
    Step::Got,
    Step::GotBroken,
    Step::GotPart,
    Step::Evicted,
    Step::Left,
    Step::Ended,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) step: Step,
    /// The message, below 2^48.
    pub(crate) number: u64,
    /// How often it had been shown before; of a message that was taken.
    pub(crate) redelivered: u8,
}

#[derive(Debug)]
pub(crate) struct Log {
    words: Words,
    used: usize,
}

impl Log {
    pub(crate) fn create(path: &Path) {
        File::create_new(path).unwrap().set_len(8 * ENTRIES_MAX as u64).unwrap();
    }

    pub(crate) fn open(path: &Path) -> Self {
        let file = File::options().read(true).write(true).open(path).unwrap();
        Self { words: Words::map(&file), used: 0 }
    }

    /// Whether there is room for many entries more.
    pub(crate) fn has_room(&self) -> bool {
        self.used < ENTRIES_MAX / 2
    }

    pub(crate) fn add(&mut self, step: Step, number: u64, redelivered: u8) {
        assert!(number < 1 << NUMBER_BITS);
        let word = (step as u64) << (NUMBER_BITS + REDELIVERED_BITS)
            | u64::from(redelivered) << NUMBER_BITS
            | number;
        self.words.store(8 * self.used, word);
        self.used += 1;
    }

    /// All entries, oldest first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let words = (0..ENTRIES_MAX).map(|index| self.words.load(8 * index));
        words.take_while(|&word| word != 0).map(|word| Entry {
            step: STEPS[usize::try_from((word >> (NUMBER_BITS + REDELIVERED_BITS)) - 1).unwrap()],
            number: word & ((1 << NUMBER_BITS) - 1),
            redelivered: (word >> NUMBER_BITS).to_le_bytes()[0],
        })
    }
}
