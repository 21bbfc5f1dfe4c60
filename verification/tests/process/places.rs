//! Where the words of a ring of many stand in its file, as its header and FORMAT.md say;
//! stated once more, as in [`words`](super::words).

use super::words::Words;
use ringbuf_shm::Ring;
use std::sync::atomic::Ordering::SeqCst;

const SHAPE: usize = 52;
const CAPACITY: usize = 64;
const STRIDE: usize = 80;
const ROWS: usize = 104;
const LANE_COUNT: usize = 152;
const PRODUCER_ROWS: usize = 224;
const REGIONS: usize = 256;
const REGION_LEN: usize = 32;
const PEERS: u32 = 1;
const EVENTS: u32 = 4;
const DATA: u32 = 5;
const LANES: u32 = 6;
const BOARD: u32 = 7;
const BYTE_SLOTS: u32 = 4;

/// States of a slot.
pub(crate) const FREE: u64 = 1;
pub(crate) const WRITING: u64 = 2;
pub(crate) const FULL: u64 = 3;
pub(crate) const READING: u64 = 4;
pub(crate) const VOID: u64 = 6;
pub(crate) const STATE_MASK: u64 = 7;
/// Who holds a slot, or a row, in its word.
pub(crate) const WHO_MASK: u64 = 0xFFFF_FFF8;
/// The state of a row: somebody sits there, or died there.
pub(crate) const HELD: u64 = 2;

/// The words, and where they are.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) words: Words,
    /// Rows of producers; those of consumers follow.
    pub(crate) producer_rows: u64,
    pub(crate) rows: u64,
    pub(crate) capacity: u64,
    lanes: u32,
    regions: [usize; 8],
    stride: usize,
    /// From the start of a slot to its words.
    state: usize,
}

impl Places {
    pub(crate) fn of(ring: &Ring) -> Self {
        let words = Words::of(ring);
        let half = |offset: usize| words.half(offset).load(SeqCst);
        let mut regions = [0; 8];
        for entry in (0..5).map(|entry| REGIONS + entry * REGION_LEN) {
            let kind = usize::try_from(half(entry)).unwrap();
            regions[kind] = usize::try_from(words.load(entry + 8)).unwrap();
        }
        Self {
            producer_rows: half(PRODUCER_ROWS).into(),
            rows: half(ROWS).into(),
            lanes: half(LANE_COUNT),
            capacity: words.load(CAPACITY),
            regions,
            stride: usize::try_from(words.load(STRIDE)).unwrap(),
            state: if half(SHAPE) == BYTE_SLOTS { 40 } else { 0 },
            words,
        }
    }

    fn region(&self, kind: u32) -> usize {
        self.regions[kind as usize]
    }

    pub(crate) fn row(&self, row: u64) -> usize {
        self.region(PEERS) + 256 * usize::try_from(row).unwrap()
    }

    /// Who sits, or sat, on a row.
    pub(crate) fn who(&self, row: u64) -> u64 {
        self.words.load(self.row(row)) & WHO_MASK
    }

    /// The row on which a process sits, or sat last.
    pub(crate) fn row_of(&self, pid: u32) -> Option<u64> {
        (0..self.rows).find(|&row| self.pid(row) == pid)
    }

    /// The process that sits on a row.
    pub(crate) fn pid(&self, row: u64) -> u32 {
        self.words.half(self.row(row) + 16).load(SeqCst)
    }

    /// How often the peers of a row asked who lives.
    pub(crate) fn probes(&self, row: u64) -> u64 {
        self.words.load(self.row(row) + 128 + 24)
    }

    pub(crate) fn tail(&self, lane: u32) -> usize {
        self.region(LANES) + 512 * lane as usize
    }

    pub(crate) fn head(&self, lane: u32) -> usize {
        self.tail(lane) + 128
    }

    pub(crate) fn orphans(&self, lane: u32) -> usize {
        self.tail(lane) + 256
    }

    pub(crate) fn occupied(&self) -> usize {
        self.region(BOARD)
    }

    pub(crate) fn departures(&self) -> usize {
        self.region(BOARD) + 128
    }

    /// The event on which consumers sleep; that of producers follows 128 bytes behind.
    pub(crate) fn data_event(&self) -> usize {
        self.region(EVENTS)
    }

    pub(crate) fn slot(&self, lane: u32, index: u64) -> usize {
        let slots = u64::from(lane) * self.capacity + index;
        self.region(DATA) + usize::try_from(slots).unwrap() * self.stride
    }

    pub(crate) fn state(&self, lane: u32, index: u64) -> usize {
        self.slot(lane, index) + self.state
    }

    pub(crate) fn fate(&self, lane: u32, index: u64) -> usize {
        self.state(lane, index) + 8
    }

    /// The words of all slots of all lanes.
    pub(crate) fn states(&self) -> impl Iterator<Item = usize> + '_ {
        let lane = move |lane| (0..self.capacity).map(move |index| self.state(lane, index));
        (0..self.lanes).flat_map(lane)
    }

    /// Whether the slot whose word is there is held by `who`.
    pub(crate) fn is_of(&self, state: usize, who: u64) -> bool {
        let word = self.words.load(state);
        [WRITING, READING, VOID].contains(&(word & STATE_MASK)) && word & WHO_MASK == who
    }

    /// Makes the first holder of `row` one who died.
    pub(crate) fn kill_row(&self, row: u64) {
        self.words.store(self.row(row), (1 << 12 | row) << 3 | HELD);
    }

    /// Makes the slot one that the first holder of `row` has in this state.
    pub(crate) fn give_slot(&self, lane: u32, index: u64, row: u64, state: u64) {
        let at = self.state(lane, index);
        let lap = self.words.load(at) >> 32;
        self.words.store(at, lap << 32 | (1 << 12 | row) << 3 | state);
    }
}
