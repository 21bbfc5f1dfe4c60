//! Where the words of a broadcast ring stand in its file, as its header says; stated once
//! more, as in [`words`](crate::process::words).

use crate::process::words::Words;
use ringbuf_shm::Ring;
use std::sync::atomic::Ordering::SeqCst;

const SHAPE: usize = 52;
const CAPACITY: usize = 64;
const STRIDE: usize = 80;
const ROWS: usize = 104;
const REGIONS: usize = 256;
const REGION_LEN: usize = 32;
const REGION_COUNT: usize = 7;
const PEERS: usize = 1;
const EVENTS: usize = 4;
const DATA: usize = 5;
const PUBLISHER: usize = 8;
const READERS: usize = 9;
const CELLS: usize = 10;
const ENTRIES: usize = 11;
const BYTE_SLOTS: u32 = 4;
/// Bytes of a row, and of what its peer counts.
const ROW_LEN: usize = 256;
const LINE: usize = 128;

/// States of a life, and of a cell.
pub(crate) const IDLE: u64 = 1;
pub(crate) const LOSSLESS: u64 = 2;
pub(crate) const EVICTED: u64 = 5;
pub(crate) const FREE: u64 = 1;
pub(crate) const TAKEN: u64 = 2;
/// The state of a row: somebody sits there, or died there.
pub(crate) const HELD: u64 = 2;
pub(crate) const STATE_MASK: u64 = 7;
/// Who, in the word of a row, a life or a cell.
pub(crate) const WHO_MASK: u64 = 0xFFFF_FFF8;
/// How far the message in a slot is.
pub(crate) const OPEN: u64 = 1;
pub(crate) const WHOLE: u64 = 2;
pub(crate) const BROKEN: u64 = 3;

/// The words, and where they are.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) words: Words,
    pub(crate) capacity: u64,
    /// The publisher's, and those of subscribers, which follow.
    pub(crate) rows: u64,
    pub(crate) cells: u64,
    pub(crate) slots: u64,
    regions: [usize; 12],
    stride: usize,
    /// From the start of a slot to its word.
    progress: usize,
}

impl Places {
    pub(crate) fn of(ring: &Ring) -> Self {
        let words = Words::of(ring);
        let half = |offset: usize| words.half(offset).load(SeqCst);
        let (mut regions, mut lens) = ([0; 12], [0; 12]);
        for entry in (0..REGION_COUNT).map(|entry| REGIONS + entry * REGION_LEN) {
            let kind = usize::try_from(half(entry)).unwrap();
            regions[kind] = usize::try_from(words.load(entry + 8)).unwrap();
            lens[kind] = words.load(entry + 16);
        }
        let stride = words.load(STRIDE);
        Self {
            capacity: words.load(CAPACITY),
            rows: half(ROWS).into(),
            cells: lens[CELLS] / LINE as u64,
            slots: lens[DATA] / stride,
            regions,
            stride: usize::try_from(stride).unwrap(),
            progress: if half(SHAPE) == BYTE_SLOTS { 32 } else { 0 },
            words,
        }
    }

    fn in_region(&self, kind: usize, index: u64, len: usize) -> usize {
        self.regions[kind] + usize::try_from(index).unwrap() * len
    }

    pub(crate) fn row(&self, row: u64) -> usize {
        self.in_region(PEERS, row, ROW_LEN)
    }

    /// The row on which a process sits, or sat last.
    pub(crate) fn row_of(&self, pid: u32) -> Option<u64> {
        (0..self.rows).find(|&row| self.words.half(self.row(row) + 16).load(SeqCst) == pid)
    }

    /// Who sits, or sat, on a row.
    pub(crate) fn who(&self, row: u64) -> u64 {
        self.words.load(self.row(row)) & WHO_MASK
    }

    /// What the peers of a row counted.
    fn counted(&self, row: u64, number: usize) -> u64 {
        self.words.load(self.row(row) + LINE + 8 * number)
    }

    /// How often the peers of a row slept.
    pub(crate) fn sleeps(&self, row: u64) -> u64 {
        self.counted(row, 1)
    }

    /// How often the peers of a row asked the kernel to wake somebody.
    pub(crate) fn wakes(&self, row: u64) -> u64 {
        self.counted(row, 2)
    }

    /// How often the peers of a row asked who lives.
    pub(crate) fn probes(&self, row: u64) -> u64 {
        self.counted(row, 3)
    }

    pub(crate) fn tail(&self) -> usize {
        self.regions[PUBLISHER]
    }

    pub(crate) fn floor(&self) -> usize {
        self.regions[PUBLISHER] + LINE
    }

    /// The life of the subscriber on a row, which is 1 or more; its cursor follows.
    pub(crate) fn life(&self, row: u64) -> usize {
        self.in_region(READERS, row - 1, LINE)
    }

    pub(crate) fn cursor(&self, row: u64) -> usize {
        self.life(row) + 8
    }

    pub(crate) fn cell(&self, cell: u64) -> usize {
        self.in_region(CELLS, cell, LINE)
    }

    pub(crate) fn entry(&self, index: u64) -> usize {
        self.in_region(ENTRIES, index, 8)
    }

    /// The event on which subscribers sleep; that of the publisher follows a line behind.
    pub(crate) fn data_event(&self) -> usize {
        self.regions[EVENTS]
    }

    pub(crate) fn slot(&self, slot: u64) -> usize {
        self.in_region(DATA, slot, self.stride)
    }

    /// How far the message in a slot is.
    pub(crate) fn progress(&self, slot: u64) -> usize {
        self.slot(slot) + self.progress
    }

    /// Makes the first holder of `row` one who died.
    pub(crate) fn kill_row(&self, row: u64) {
        self.words.store(self.row(row), Self::first_who(row) | HELD);
    }

    /// The first holder of a row, in a word.
    pub(crate) fn first_who(row: u64) -> u64 {
        (1 << 12 | row) << 3
    }

    /// Whether nobody is waited for, and no cell is taken.
    pub(crate) fn is_left(&self) -> bool {
        let idle = |row| self.words.load(self.life(row)) & STATE_MASK == IDLE;
        let free = |cell| self.words.load(self.cell(cell)) == FREE;
        (1..self.rows).all(idle) && (0..self.cells).all(free)
    }
}
