//! What a process notes about itself, to be read after it was killed.
//!
//! A page in a file that the test and its processes map: a store to it outlives the
//! process, and comes after everything the process stored before.

use super::words::Words;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;

/// A note: one word of the page.
#[derive(Clone, Copy, Debug)]
#[repr(usize)]
pub(crate) enum Note {
    /// The number after the last message that the producer tried to commit.
    Committing,
    /// The number after the last message whose commit returned.
    Committed,
    /// The number after the last message that the consumer was shown.
    Shown,
    /// The number after the last message that the consumer tried to release.
    Releasing,
    /// The number after the last message whose release returned.
    Released,
    /// The producer is to close the ring.
    Finish,
    /// A process found something wrong.
    Failed,
    /// The thread to trace.
    Thread,
    /// How far the operation to trace has come.
    Phase,
    /// Messages that were read long after they were committed.
    Late,
    /// The producers have gone: consumers end when nothing is left.
    Drain,
    /// Messages that a subscriber lost.
    Lost,
    /// The longest wait, in nanoseconds.
    Longest,
    /// Calls that returned, by what they returned: this note and those behind it.
    Calls,
}

#[derive(Debug)]
pub(crate) struct Notes {
    page: Words,
}

impl Notes {
    pub(crate) fn create(path: &Path) -> Self {
        let file = File::create_new(path).unwrap();
        file.set_len(4096).unwrap();
        Self::open(path)
    }

    pub(crate) fn open(path: &Path) -> Self {
        let file = File::options().read(true).write(true).open(path).unwrap();
        Self { page: Words::map(&file) }
    }

    pub(crate) fn get(&self, note: Note) -> u64 {
        self.page.load(note as usize * 8)
    }

    /// Counts a call that returned outcome number `outcome`.
    pub(crate) fn count_call(&self, outcome: usize) {
        self.page.at((Note::Calls as usize + outcome) * 8).fetch_add(1, SeqCst);
    }

    /// How many calls returned outcome number `outcome`.
    pub(crate) fn calls(&self, outcome: usize) -> u64 {
        self.page.load((Note::Calls as usize + outcome) * 8)
    }

    /// Notes `value` if it is greater than what all have noted before.
    pub(crate) fn raise(&self, note: Note, value: u64) {
        self.page.at(note as usize * 8).fetch_max(value, SeqCst);
    }

    pub(crate) fn set(&self, note: Note, value: u64) {
        self.page.store(note as usize * 8, value);
    }
}
