//! The words and slots of a broadcast ring, in the mapped file.

#[cfg(test)]
mod tests;

use super::{Array, Data, Map, OTHER_KIND, to_usize};
use crate::header::{RegionKind, Shape};
use crate::native::Native;
use crate::regions::MessageWords;
use ringbuf_core::broadcast::{PublisherWords, ReaderWords};
use ringbuf_core::geometry::Slots;
use ringbuf_core::machine::{Line, Row};
use std::mem::{align_of, offset_of, size_of};
use std::sync::atomic::AtomicU64;

/// Where the words stand that no other kind of ring has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    publisher: usize,
    readers: Array,
    /// None of ticks.
    pool: Option<PoolPlaces>,
}

#[derive(Clone, Copy, Debug)]
struct PoolPlaces {
    cells: Array,
    entries: Array,
}

impl Places {
    /// The places of these regions, the first two of which a broadcast ring has, and no other ring.
    pub(super) fn find(
        one: &impl Fn(RegionKind, usize) -> Option<usize>,
        array: &impl Fn(RegionKind, usize) -> Option<Array>,
    ) -> Option<Self> {
        let pool = || {
            Some(PoolPlaces {
                cells: array(RegionKind::Cells, size_of::<Line<AtomicU64>>())?,
                entries: array(RegionKind::Entries, size_of::<AtomicU64>())?,
            })
        };
        Some(Self {
            publisher: one(RegionKind::Publisher, size_of::<PublisherWords<Native>>())?,
            readers: array(RegionKind::Readers, size_of::<ReaderWords<Native>>())?,
            pool: pool(),
        })
    }

    fn pool(self) -> PoolPlaces {
        self.pool.expect(OTHER_KIND)
    }
}

impl Map {
    /// What the publisher stores.
    ///
    /// # Safety
    /// The map outlives the result.
    pub(crate) unsafe fn publisher_words(&self) -> &'static PublisherWords<Native> {
        let places = self.broadcast.expect(OTHER_KIND);
        // SAFETY: in bounds and aligned (checked in `new`); the caller keeps the map.
        unsafe { self.words(places.publisher) }
    }

    /// What stands at each position.
    ///
    /// # Safety
    /// The map outlives the result.
    pub(crate) unsafe fn entries(&self) -> &'static [AtomicU64] {
        // SAFETY: an array of such words; the caller keeps the map.
        unsafe { self.all(self.broadcast.expect(OTHER_KIND).pool().entries) }
    }

    /// The words of each subscriber, in the order of their rows.
    ///
    /// # Safety
    /// The map outlives the result.
    pub(crate) unsafe fn readers(&self) -> &'static [ReaderWords<Native>] {
        // SAFETY: an array of such words; the caller keeps the map.
        unsafe { self.all(self.broadcast.expect(OTHER_KIND).readers) }
    }

    /// Which slots are looked at.
    ///
    /// # Safety
    /// The map outlives the result.
    pub(crate) unsafe fn cells(&self) -> &'static [Line<AtomicU64>] {
        // SAFETY: an array of such words; the caller keeps the map.
        unsafe { self.all(self.broadcast.expect(OTHER_KIND).pool().cells) }
    }

    /// The entries of a ring of ticks, word by word, and how many words one has.
    ///
    /// # Safety
    /// The map outlives the result, and the ring is one of ticks.
    pub(crate) unsafe fn ticks(&self, slots: &Slots) -> (&'static [AtomicU64], usize) {
        let element = size_of::<AtomicU64>();
        let (offset, len) = self.data;
        assert!(self.broadcast.is_some_and(|places| places.pool.is_none()));
        assert!(len == to_usize(slots.data_len()));
        // SAFETY: the data of such a ring is words of atomics and nothing else, in bounds
        // (checked in `new`); the caller keeps the map.
        let words = unsafe { self.all(Array { offset, element, count: len / element }) };
        (words, to_usize(slots.stride()) / element)
    }

    /// The slots of a broadcast ring of this shape, which is that of the mapped file.
    ///
    /// # Safety
    /// The map outlives every reference got from the result.
    pub(crate) unsafe fn pool_slots(&self, shape: &Shape) -> PoolSlots {
        let (slots, bytes) = match shape {
            Shape::Slots(slots) => (slots, false),
            Shape::Bytes(slots) => (slots, true),
            Shape::Ticks(_) | Shape::Records(_) => unreachable!("refused when the ring was opened"),
        };
        assert!(self.broadcast.is_some() && self.data.1 == to_usize(slots.data_len()));
        PoolSlots::new(self.data(), slots, bytes)
    }

    /// # Safety
    /// `T` consists of atomic integers and padding, the elements of the array are of its
    /// size, and the map outlives the result.
    unsafe fn all<T>(&self, array: Array) -> &'static [T] {
        assert!(array.element == size_of::<T>());
        assert!(array.offset + array.count * array.element <= self.memory.len());
        // SAFETY: in bounds (above).
        let first = unsafe { self.memory.as_mut_ptr().add(array.offset) };
        // SAFETY:
        // - in bounds (above); aligned, as in `words`, and elements are multiples of their
        //   alignment;
        // - any bytes are valid, and all peers use them alike, as atomics (the caller's);
        // - alive: the caller keeps the map.
        unsafe { std::slice::from_raw_parts(first.cast::<T>(), array.count) }
    }
}

/// The slots of a broadcast ring: how far the message in each of them is, and where it is.
///
/// It is the holder's part to keep the map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolSlots {
    data: Data,
    count: usize,
    stride: usize,
    /// From the start of a slot to its payload.
    payload: usize,
    /// Bytes of a payload.
    size: usize,
    /// From the start of a slot to its word.
    word: usize,
    /// A header stands in front of each payload.
    bytes: bool,
}

impl PoolSlots {
    fn new(data: Data, slots: &Slots, bytes: bool) -> Self {
        Self {
            data,
            count: to_usize(slots.count()),
            stride: to_usize(slots.stride()),
            payload: to_usize(slots.prefix()),
            size: to_usize(slots.size()),
            word: if bytes { offset_of!(MessageWords, progress) } else { 0 },
            bytes,
        }
    }

    /// Bytes of the longest message.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Where a slot begins in the payload area. Nothing overflows: the sizes were checked
    /// when the ring was opened.
    #[inline(always)]
    fn offset(&self, slot: usize) -> usize {
        assert!(slot < self.count);
        slot * self.stride
    }

    /// The payload of a slot, which is below the number of slots.
    #[inline(always)]
    pub(crate) fn payload(&self, slot: u32) -> *mut u8 {
        self.data.at(self.offset(slot as usize) + self.payload, self.size)
    }

    /// The header of a slot, in a ring of byte slots.
    #[inline(always)]
    pub(crate) fn message(&self, slot: u32) -> &MessageWords {
        assert!(self.bytes);
        // SAFETY: the offset of a slot (checked there) of a ring of byte slots (above);
        // alive by the contract of `pool_slots`.
        unsafe { self.data.message(self.offset(slot as usize)) }
    }
}

impl Row for PoolSlots {
    type Word = AtomicU64;

    #[inline(always)]
    fn len(&self) -> usize {
        self.count
    }

    #[inline(always)]
    fn at(&self, index: usize) -> &AtomicU64 {
        let at = self.data.at(self.offset(index) + self.word, size_of::<AtomicU64>());
        debug_assert!(at.addr().is_multiple_of(align_of::<AtomicU64>()));
        // SAFETY: in bounds: the pool has this slot (checked in `offset`), and its size was
        // checked when the ring was opened; aligned, since slots of broadcast rings are at
        // multiples of 16 and their words 0 or 32 bytes on; an atomic, of which any bytes
        // are valid and which all peers use alike; alive by the contract of `pool_slots`.
        unsafe { &*at.cast::<AtomicU64>() }
    }
}
