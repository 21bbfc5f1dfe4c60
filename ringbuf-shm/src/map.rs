//! The mapped file: the one place where addresses are computed.
//!
//! Unsafe code here turns offsets into references. Shared words become references
//! to atomics; payload becomes a slice only for a span that the protocol gave to
//! this side alone, or to readers alone.

pub(crate) mod broadcast;

use crate::error::OpenError;
use crate::header::{Description, RegionKind, Shape};
use crate::kind::Kind;
use crate::layout::{IMMUTABLE_LEN, MESSAGE_HEADER_LEN};
use crate::native::Native;
use crate::regions::{
    BoardRegion, ConsumerRegion, EventRegion, LaneRegion, MessageWords, PeerRegion, ProducerRegion,
};
use broadcast::Places;
use memmap2::{Advice, MmapOptions, MmapRaw};
use ringbuf_core::geometry::Slots;
use ringbuf_core::machine::Row;
use ringbuf_core::peer::RowWords;
use ringbuf_core::slot::SlotWords;
use std::io;
use std::mem::{align_of, offset_of, size_of};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::AtomicU64;

/// A ring's file in memory. Nobody gets a reference to all of it: other processes
/// write to it while we look.
#[derive(Debug)]
pub(crate) struct Map {
    memory: MmapRaw,
    data: (usize, usize),
    peers: Array,
    lanes: Option<Array>,
    producer: Option<usize>,
    consumer: Option<usize>,
    board: Option<usize>,
    broadcast: Option<Places>,
    events: usize,
}

/// Elements of one size in a row, within the mapping.
#[derive(Clone, Copy, Debug)]
struct Array {
    offset: usize,
    /// Bytes of one.
    element: usize,
    count: usize,
}

impl Array {
    fn at(self, index: u32) -> usize {
        assert!((index as usize) < self.count);
        self.offset + index as usize * self.element
    }
}

/// A handle asks for regions of its kind of ring only: the kind was compared before.
const OTHER_KIND: &str = "a region that this kind of ring has";

impl Map {
    /// Maps a file that was checked to be as long as its description says.
    pub(crate) fn new(file: &OwnedFd, description: &Description) -> Result<Self, OpenError> {
        let len = to_usize(description.file_len);
        let memory = MmapOptions::new()
            .len(len)
            .map_raw(file.as_raw_fd())
            .map_err(OpenError::io("map the ring"))?;
        let at = |kind, least: usize| {
            let region = description.region(kind)?;
            let (offset, end) = (to_usize(region.offset), to_usize(region.end()));
            assert!(offset >= IMMUTABLE_LEN && offset.is_multiple_of(align_of::<ProducerRegion>()));
            assert!(end <= memory.len() && end - offset >= least);
            Some((offset, end - offset))
        };
        let one = |kind, len| at(kind, len).map(|(offset, _)| offset);
        let array = |kind, element| {
            let (offset, len) = at(kind, element)?;
            Some(Array { offset, element, count: len / element })
        };
        let lanes = array(RegionKind::Lanes, size_of::<LaneRegion>());
        let row = match description.spec.sides.kind() {
            Kind::Spsc => size_of::<RowWords<Native>>(),
            // Each row has more.
            Kind::Mpmc | Kind::Broadcast => size_of::<PeerRegion>(),
        };
        Ok(Self {
            data: at(RegionKind::Data, 1).expect(OTHER_KIND),
            peers: array(RegionKind::Peers, row).expect(OTHER_KIND),
            lanes,
            producer: one(RegionKind::Producer, size_of::<ProducerRegion>()),
            consumer: one(RegionKind::Consumer, size_of::<ConsumerRegion>()),
            board: one(RegionKind::Board, size_of::<BoardRegion>()),
            broadcast: Places::find(&one, &array),
            events: one(RegionKind::Events, size_of::<EventRegion>()).expect(OTHER_KIND),
            memory,
        })
    }

    /// The words of one row of the table of peers.
    ///
    /// # Safety
    /// The map outlives the result.
    pub(crate) unsafe fn row(&self, row: u32) -> &'static RowWords<Native> {
        // SAFETY: in bounds and aligned (checked in `new`, and the row in `at`); the
        // caller keeps the map.
        unsafe { self.words(self.peers.at(row)) }
    }

    /// One row of the table of peers of an `mpmc` or broadcast ring, with what the peer
    /// counts.
    ///
    /// # Safety
    /// The map outlives the result.
    pub(crate) unsafe fn peer(&self, row: u32) -> &'static PeerRegion {
        assert!(self.peers.element == size_of::<PeerRegion>());
        // SAFETY: as in `row`, and the element is of this size (above).
        unsafe { self.words(self.peers.at(row)) }
    }

    /// The words of one lane of an `mpmc` ring.
    ///
    /// # Safety
    /// The map outlives the result.
    pub(crate) unsafe fn lane(&self, lane: u32) -> &'static LaneRegion {
        // SAFETY: in bounds and aligned (checked in `new`, and the lane in `at`); the
        // caller keeps the map.
        unsafe { self.words(self.lanes.expect(OTHER_KIND).at(lane)) }
    }

    /// What the peers of an `mpmc` ring tell each other.
    ///
    /// # Safety
    /// The map outlives the result.
    pub(crate) unsafe fn board(&self) -> &'static BoardRegion {
        // SAFETY: in bounds and aligned (checked in `new`); the caller keeps the map.
        unsafe { self.words(self.board.expect(OTHER_KIND)) }
    }

    /// # Safety
    /// The map outlives the result.
    pub(crate) unsafe fn producer(&self) -> &'static ProducerRegion {
        // SAFETY: in bounds and aligned (checked in `new`); the caller keeps the map.
        unsafe { self.words(self.producer.expect(OTHER_KIND)) }
    }

    /// # Safety
    /// The map outlives the result.
    pub(crate) unsafe fn consumer(&self) -> &'static ConsumerRegion {
        // SAFETY: in bounds and aligned (checked in `new`); the caller keeps the map.
        unsafe { self.words(self.consumer.expect(OTHER_KIND)) }
    }

    /// # Safety
    /// The map outlives the result.
    pub(crate) unsafe fn events(&self) -> &'static EventRegion {
        // SAFETY: in bounds and aligned (checked in `new`); the caller keeps the map.
        unsafe { self.words(self.events) }
    }

    /// The slots of an `mpmc` ring of this shape, which is that of the mapped file.
    pub(crate) fn lanes(&self, shape: &Shape) -> Lanes {
        let (slots, words) = match shape {
            Shape::Slots(slots) => (slots, 0),
            Shape::Bytes(slots) => (slots, offset_of!(MessageWords, slot)),
            Shape::Ticks(_) | Shape::Records(_) => unreachable!("refused when the ring was opened"),
        };
        assert!(self.lanes.is_some() && self.data.1 == to_usize(slots.data_len()));
        Lanes { data: self.data(), slots: *slots, words }
    }

    /// # Safety
    /// `T` consists of atomic integers and padding, lies at `offset` within the
    /// file, and the map outlives the result.
    unsafe fn words<T>(&self, offset: usize) -> &'static T {
        debug_assert!(offset + size_of::<T>() <= self.memory.len());
        // SAFETY: in bounds (above, and in `new`).
        let at = unsafe { self.memory.as_mut_ptr().add(offset) };
        // SAFETY:
        // - aligned: mappings start on a page, regions at multiples of 64 KiB;
        // - any bytes are valid: every field is an atomic integer, so a hostile or
        //   damaged file holds wrong values, never invalid ones;
        // - shared: everyone touches these bytes only as the same atomics;
        // - alive: the caller keeps the map.
        unsafe { &*at.cast::<T>() }
    }

    /// The payload area.
    pub(crate) fn data(&self) -> Data {
        // SAFETY: in bounds, checked in `new`.
        let base = unsafe { self.memory.as_mut_ptr().add(self.data.0) };
        Data { base, len: self.data.1 }
    }

    /// Faults every page in, for writing.
    pub(crate) fn populate(&self) -> io::Result<()> {
        self.memory.advise(Advice::PopulateWrite)
    }

    /// Keeps every page in memory.
    pub(crate) fn lock(&self) -> io::Result<()> {
        self.memory.lock()
    }

    /// Asks for huge pages under the payload, and says whether any came.
    pub(crate) fn collapse(&self) -> io::Result<bool> {
        let (offset, len) = self.data;
        // SAFETY: the range lies in the mapping; collapsing changes pages, not bytes.
        let refused = unsafe { libc::madvise(self.data().base.cast(), len, libc::MADV_COLLAPSE) };
        if refused != 0 {
            return Err(io::Error::last_os_error());
        }
        huge_mapped(self.memory.as_mut_ptr() as usize + offset)
    }
}

/// What the kernel says about huge pages in the mapping around `address`.
fn huge_mapped(address: usize) -> io::Result<bool> {
    let mut here = false;
    for line in std::fs::read_to_string("/proc/self/smaps")?.lines() {
        let range = line.split_once(' ').and_then(|(range, _)| range.split_once('-'));
        if let Some((low, high)) = range
            && let (Ok(low), Ok(high)) =
                (usize::from_str_radix(low, 16), usize::from_str_radix(high, 16))
        {
            here = (low..high).contains(&address);
        } else if here && (line.starts_with("ShmemPmdMapped") || line.starts_with("FilePmdMapped"))
        {
            let mapped = line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok());
            if mapped.is_some_and(|kib| kib > 0) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The payload area of a mapped ring: where it begins and how long it is.
///
/// It is the holder's part to keep the map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Data {
    base: *mut u8,
    len: usize,
}

// SAFETY: an address and a length; what it may be used for is said at each use.
unsafe impl Send for Data {}
// SAFETY: as above.
unsafe impl Sync for Data {}

impl Data {
    /// The address of `offset`, with `len` bytes behind it in the area.
    ///
    /// Callers compute the offset from a span of the protocol, whose index is below
    /// the capacity whatever stands in the shared words, and from sizes that were
    /// checked when the ring was opened. Whoever uses the address says so.
    #[inline(always)]
    pub(crate) fn at(&self, offset: usize, len: usize) -> *mut u8 {
        debug_assert!(offset.checked_add(len).is_some_and(|end| end <= self.len));
        self.base.wrapping_add(offset)
    }

    /// The header in front of the payload of a slot of bytes.
    ///
    /// # Safety
    /// `offset` is that of a slot of a ring of this shape, and the map outlives `'a`.
    #[inline(always)]
    pub(crate) unsafe fn message<'a>(&self, offset: usize) -> &'a MessageWords {
        let at = self.at(offset, MESSAGE_HEADER_LEN);
        // SAFETY: in bounds; aligned, since slots of this shape are at multiples of
        // 64; atomics, of which any bytes are valid and which all peers use alike.
        unsafe { &*at.cast::<MessageWords>() }
    }
}

/// The slots of an `mpmc` ring.
///
/// It is the holder's part to keep the map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lanes {
    data: Data,
    slots: Slots,
    /// From the start of a slot to its words.
    words: usize,
}

impl Lanes {
    /// Where in the payload area a slot begins. `lane` and `index` are below what the
    /// ring has; the sizes were checked when it was opened, so that nothing overflows.
    #[inline(always)]
    pub(crate) fn offset(&self, lane: u32, index: u64) -> usize {
        debug_assert!(lane < self.slots.lanes() && index < self.slots.capacity());
        to_usize(u64::from(lane) * self.slots.lane_len() + index * self.slots.stride())
    }

    /// The payload of a slot.
    #[inline(always)]
    pub(crate) fn payload(&self, lane: u32, index: u64) -> *mut u8 {
        let offset = self.offset(lane, index) + to_usize(self.slots.prefix());
        self.data.at(offset, to_usize(self.slots.size()))
    }

    /// Bytes of the longest message.
    pub(crate) fn size(&self) -> usize {
        to_usize(self.slots.size())
    }

    /// Bytes from one slot to the next.
    pub(crate) fn stride(&self) -> usize {
        to_usize(self.slots.stride())
    }

    /// The header of a byte slot.
    ///
    /// # Safety
    /// The ring is one of byte slots, `lane` and `index` are below what it has, and the
    /// map outlives `'a`.
    #[inline(always)]
    pub(crate) unsafe fn message<'a>(&self, lane: u32, index: u64) -> &'a MessageWords {
        // SAFETY: the offset of a slot; the rest is the caller's.
        unsafe { self.data.message(self.offset(lane, index)) }
    }
}

/// The slots of one lane: where their words are, and their payloads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LaneSlots {
    /// The words of the first slot.
    words: *mut u8,
    count: usize,
    stride: usize,
    /// From the words of a slot to its payload.
    payload: usize,
}

// SAFETY: addresses of words that all threads and processes use alike, as atomics, and
// of payloads; what those may be used for is said at each use.
unsafe impl Send for LaneSlots {}
// SAFETY: as above.
unsafe impl Sync for LaneSlots {}

impl LaneSlots {
    /// # Safety
    /// The ring has this lane, and the map outlives every reference got from [`Row::at`].
    pub(crate) unsafe fn new(lanes: &Lanes, lane: u32) -> Self {
        let offset = lanes.offset(lane, 0) + lanes.words;
        Self {
            words: lanes.data.at(offset, size_of::<SlotWords<Native>>()),
            count: to_usize(lanes.slots.capacity()),
            stride: to_usize(lanes.slots.stride()),
            payload: to_usize(lanes.slots.prefix()) - lanes.words,
        }
    }

    /// Where the words of the slot at `index` are, which is below the number of slots.
    #[inline(always)]
    pub(crate) fn slot(&self, index: u64) -> *const u8 {
        debug_assert!(index < self.count as u64);
        self.words.wrapping_add(to_usize(index) * self.stride)
    }

    /// The payload of the slot at `index`, which is below the number of slots.
    #[inline(always)]
    pub(crate) fn payload(&self, index: u64) -> *mut u8 {
        debug_assert!(index < self.count as u64);
        self.words.wrapping_add(to_usize(index) * self.stride + self.payload)
    }
}

impl Row for LaneSlots {
    type Word = SlotWords<Native>;

    #[inline(always)]
    fn len(&self) -> usize {
        self.count
    }

    #[inline(always)]
    fn at(&self, index: usize) -> &SlotWords<Native> {
        assert!(index < self.count);
        let at = self.words.wrapping_add(index * self.stride);
        // SAFETY: in bounds: the lane has this slot (above), and its size was checked when
        // the ring was opened; aligned, since slots of `mpmc` rings are at multiples of
        // 16 and their words 0 or 40 bytes on; atomics, of which any bytes are valid and
        // which all peers use alike; alive by the contract of `new`.
        unsafe { &*at.cast::<SlotWords<Native>>() }
    }
}

/// The rows of one side of an `mpmc` or broadcast ring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    peers: *const PeerRegion,
    count: usize,
}

// SAFETY: words that all threads and processes use alike, as atomics.
unsafe impl Send for Rows {}
// SAFETY: as above.
unsafe impl Sync for Rows {}

impl Rows {
    /// The rows of this range.
    ///
    /// # Safety
    /// The map outlives every reference got from [`Row::at`].
    pub(crate) unsafe fn new(map: &Map, range: std::ops::Range<u32>) -> Self {
        assert!(range.start < range.end && range.end as usize <= map.peers.count);
        // SAFETY: as the caller's.
        let first = unsafe { map.peer(range.start) };
        Self { peers: first, count: range.len() }
    }

    /// The first of them.
    pub(crate) fn first(&self) -> &RowWords<Native> {
        self.at(0)
    }
}

impl Row for Rows {
    type Word = RowWords<Native>;

    fn len(&self) -> usize {
        self.count
    }

    fn at(&self, index: usize) -> &RowWords<Native> {
        assert!(index < self.count);
        // SAFETY: in bounds: the table has the rows of the range (checked in `new`).
        let peer = unsafe { self.peers.add(index) };
        // SAFETY: aligned, as the first row is; atomics, of which any bytes are valid and
        // which all peers use alike; alive by the contract of `new`.
        unsafe { &(*peer).words }
    }
}

/// Every aligned 8 bytes of the payload area, as words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DataWords {
    data: Data,
}

impl DataWords {
    /// # Safety
    /// The map outlives every reference got from [`Row::at`].
    pub(crate) unsafe fn new(data: Data) -> Self {
        Self { data }
    }
}

impl Row for DataWords {
    type Word = AtomicU64;

    #[inline(always)]
    fn len(&self) -> usize {
        self.data.len / 8
    }

    #[inline(always)]
    fn at(&self, index: usize) -> &AtomicU64 {
        assert!(index < self.data.len / 8);
        let at = self.data.at(index * 8, 8);
        // SAFETY: in bounds (above), aligned (the area is, at 64 KiB, and the index
        // counts 8 bytes), an atomic that all peers use alike; alive by the contract
        // of `new`.
        unsafe { &*at.cast::<AtomicU64>() }
    }
}

/// A size that was checked against [`ringbuf_core::geometry::DATA_LEN_MAX`].
#[inline(always)]
pub(crate) fn to_usize(size: u64) -> usize {
    const { assert!(size_of::<usize>() == 8) };
    #[expect(clippy::cast_possible_truncation, reason = "64-bit targets only, asserted above")]
    {
        size as usize
    }
}
