//! Sizes, checked once.
//!
//! A geometry is made when a ring is created, or from the header when it is
//! opened, and is kept in private memory from then on. Whoever holds one may
//! compute with its numbers: nothing overflows and everything is in bounds.

use core::fmt;

/// The largest payload area, in bytes.
pub const DATA_LEN_MAX: u64 = 1 << 46;
/// The most slots of a ring, or of each lane of one that has lanes.
pub const CAPACITY_SLOTS_MAX: u64 = 1 << 32;
/// The fewest slots of a lane.
pub const CAPACITY_LANE_MIN: u64 = 64;
/// The most slots of a pool: a slot's number, and one more, has 24 bits.
pub const POOL_SLOTS_MAX: u64 = (1 << 24) - 2;
/// Bytes of a stamp, in front of a message that stands in its entry.
pub const STAMP_LEN: u64 = 8;
/// The longest entry of a ring of ticks: two lines of 64 bytes.
pub const TICK_ENTRY_LEN_MAX: u64 = 128;
/// The most lanes of a ring.
pub const LANES_MAX: u32 = 64;
/// The largest capacity of a ring of records, in bytes: lengths are 32 bits wide.
pub const CAPACITY_BYTES_MAX: u64 = 1 << 32;
/// The largest alignment of a payload.
pub const ALIGNMENT_MAX: u64 = 4096;

/// Why a ring of these sizes cannot exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GeometryError {
    /// The capacity is zero, not a power of two, or too large.
    Capacity,
    /// There are no lanes, or too many.
    Lanes,
    /// There would be more than [`POOL_SLOTS_MAX`] slots in a pool.
    Pool,
    /// The slot size is zero.
    SlotSize,
    /// The alignment is not a power of two, or too large, or not one that this
    /// shape has.
    Alignment,
    /// The stride is not what capacity, size and alignment give.
    Stride,
    /// The payload area would exceed [`DATA_LEN_MAX`].
    TooLarge,
}

/// Cells of one size in a row, or in several rows of one length; or a pool of them, of
/// which more are there than the ring keeps messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    lanes: u32,
    capacity: u64,
    spare: u64,
    size: u64,
    prefix: u64,
    stride: u64,
    alignment: u64,
}

impl Slots {
    /// `capacity` slots with `size` bytes of payload each at a multiple of
    /// `alignment`, behind a message header of `prefix` bytes (0: none).
    ///
    /// `capacity` and `alignment` are powers of two. Without a prefix and with a
    /// size that is a multiple of the alignment, the payloads are contiguous.
    ///
    /// # Errors
    /// A [`GeometryError`] that names the number at fault.
    pub const fn new(
        capacity: u64,
        size: u64,
        alignment: u64,
        prefix: u64,
    ) -> Result<Self, GeometryError> {
        if !capacity.is_power_of_two() || capacity > CAPACITY_SLOTS_MAX {
            return Err(GeometryError::Capacity);
        }
        if size == 0 {
            return Err(GeometryError::SlotSize);
        }
        if !alignment.is_power_of_two()
            || alignment > ALIGNMENT_MAX
            || !prefix.is_multiple_of(alignment)
        {
            return Err(GeometryError::Alignment);
        }
        if size > DATA_LEN_MAX || prefix > DATA_LEN_MAX {
            return Err(GeometryError::TooLarge);
        }
        let stride = (prefix + size).next_multiple_of(alignment);
        match capacity.checked_mul(stride) {
            Some(len) if len <= DATA_LEN_MAX => {
                Ok(Self { lanes: 1, capacity, spare: 0, size, prefix, stride, alignment })
            }
            _ => Err(GeometryError::TooLarge),
        }
    }

    /// `capacity` entries with `size` bytes of payload each, behind a stamp: at multiples of the
    /// power of two that holds both, so that an entry of up to 64 bytes is in one line.
    ///
    /// # Errors
    /// [`GeometryError::Capacity`], of fewer than two messages as well;
    /// [`GeometryError::SlotSize`]; [`GeometryError::TooLarge`] if stamp and payload do not fit
    /// [`TICK_ENTRY_LEN_MAX`].
    pub const fn behind_stamps(capacity: u64, size: u64) -> Result<Self, GeometryError> {
        if capacity < 2 || !capacity.is_power_of_two() || capacity > CAPACITY_SLOTS_MAX {
            return Err(GeometryError::Capacity);
        }
        if size == 0 {
            return Err(GeometryError::SlotSize);
        }
        if size > TICK_ENTRY_LEN_MAX - STAMP_LEN {
            return Err(GeometryError::TooLarge);
        }
        let stride = (STAMP_LEN + size).next_power_of_two();
        // No overflow: 2^32 entries of 2^7 bytes at most.
        let (prefix, alignment) = (STAMP_LEN, STAMP_LEN);
        Ok(Self { lanes: 1, capacity, spare: 0, size, prefix, stride, alignment })
    }

    /// These slots in each of `lanes` lanes, which stand one behind the other.
    ///
    /// # Errors
    /// [`GeometryError::Lanes`], [`GeometryError::Capacity`] of fewer slots than
    /// [`CAPACITY_LANE_MIN`], [`GeometryError::TooLarge`].
    pub const fn in_lanes(self, lanes: u32) -> Result<Self, GeometryError> {
        if lanes == 0 || lanes > LANES_MAX {
            return Err(GeometryError::Lanes);
        }
        if self.capacity < CAPACITY_LANE_MIN {
            return Err(GeometryError::Capacity);
        }
        // No overflow: 2^6 lanes of 2^46 bytes at most.
        if lanes as u64 * self.lane_len() > DATA_LEN_MAX {
            return Err(GeometryError::TooLarge);
        }
        Ok(Self { lanes, ..self })
    }

    /// These slots and `spare` more, in a pool: a message may stand in any of them.
    ///
    /// # Errors
    /// [`GeometryError::Capacity`] of fewer than two messages, [`GeometryError::Pool`],
    /// [`GeometryError::TooLarge`].
    pub const fn in_pool(self, spare: u64) -> Result<Self, GeometryError> {
        if self.capacity < 2 {
            return Err(GeometryError::Capacity);
        }
        if spare > POOL_SLOTS_MAX || self.capacity + spare > POOL_SLOTS_MAX {
            return Err(GeometryError::Pool);
        }
        match (self.capacity + spare).checked_mul(self.stride) {
            Some(len) if len <= DATA_LEN_MAX => Ok(Self { spare, ..self }),
            _ => Err(GeometryError::TooLarge),
        }
    }

    /// How many lanes there are; 1 unless they were asked for.
    #[must_use]
    pub const fn lanes(&self) -> u32 {
        self.lanes
    }

    /// How many slots there are in a lane; in a pool, how many messages it keeps.
    #[inline(always)]
    #[must_use]
    pub const fn capacity(&self) -> u64 {
        self.capacity
    }

    /// How many slots there are in all.
    #[inline(always)]
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.lanes as u64 * self.capacity + self.spare
    }

    /// Bytes of payload in a slot.
    #[inline(always)]
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Bytes of message header before the payload of a slot.
    #[must_use]
    pub const fn prefix(&self) -> u64 {
        self.prefix
    }

    /// Bytes from one slot to the next.
    #[inline(always)]
    #[must_use]
    pub const fn stride(&self) -> u64 {
        self.stride
    }

    /// What the address of a payload is a multiple of.
    #[must_use]
    pub const fn alignment(&self) -> u64 {
        self.alignment
    }

    /// Bytes of one lane.
    #[must_use]
    pub const fn lane_len(&self) -> u64 {
        self.capacity * self.stride
    }

    /// Bytes of the whole payload area.
    #[must_use]
    pub const fn data_len(&self) -> u64 {
        self.count() * self.stride
    }
}

/// Bytes that hold records of any length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Records {
    capacity: u64,
    alignment: u64,
}

impl Records {
    /// `capacity` bytes (a power of two), payloads at multiples of `alignment`,
    /// which is 8 or 64.
    ///
    /// # Errors
    /// A [`GeometryError`] that names the number at fault.
    pub const fn new(capacity: u64, alignment: u64) -> Result<Self, GeometryError> {
        if alignment != 8 && alignment != 64 {
            return Err(GeometryError::Alignment);
        }
        if !capacity.is_power_of_two() || capacity < 4 * alignment || capacity > CAPACITY_BYTES_MAX
        {
            return Err(GeometryError::Capacity);
        }
        Ok(Self { capacity, alignment })
    }

    /// Bytes of the whole payload area.
    #[inline(always)]
    #[must_use]
    pub const fn capacity(&self) -> u64 {
        self.capacity
    }

    /// What the address of a payload is a multiple of.
    #[must_use]
    pub const fn alignment(&self) -> u64 {
        self.alignment
    }

    /// Bytes before the payload of a record: its header, and what aligns it.
    #[inline(always)]
    #[must_use]
    pub const fn prefix(&self) -> u64 {
        self.alignment
    }

    /// The longest record: half the ring less its prefix, so that an empty ring
    /// takes it wherever it stands.
    #[inline(always)]
    #[must_use]
    pub const fn len_max(&self) -> u64 {
        self.capacity / 2 - self.prefix()
    }

    /// Bytes of ring that a record of `len` takes, `len` being at most
    /// [`len_max`](Self::len_max).
    #[inline(always)]
    #[must_use]
    pub const fn footprint(&self, len: u64) -> u64 {
        self.prefix() + len.next_multiple_of(self.alignment)
    }
}

impl fmt::Display for GeometryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Capacity => "the capacity is zero, not a power of two, or out of range",
            Self::Lanes => "there must be 1 to 64 lanes",
            Self::Pool => "capacity, claims and views would need more than 16777214 slots",
            Self::SlotSize => "the slot size is zero",
            Self::Alignment => "the alignment is not a power of two or not one of this shape",
            Self::Stride => "the stride does not follow from size and alignment",
            Self::TooLarge => "the payload area would be too large",
        })
    }
}

impl core::error::Error for GeometryError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_slots_are_refused() {
        assert_eq!(Slots::new(0, 8, 8, 0), Err(GeometryError::Capacity));
        assert_eq!(Slots::new(3, 8, 8, 0), Err(GeometryError::Capacity));
        assert_eq!(Slots::new(1 << 33, 1, 1, 0), Err(GeometryError::Capacity));
        assert_eq!(Slots::new(2, 0, 8, 0), Err(GeometryError::SlotSize));
        assert_eq!(Slots::new(2, 8, 3, 0), Err(GeometryError::Alignment));
        assert_eq!(Slots::new(2, 8, 64, 8), Err(GeometryError::Alignment));
        assert_eq!(Slots::new(2, u64::MAX, 1, 0), Err(GeometryError::TooLarge));
        assert_eq!(Slots::new(1 << 32, 1 << 40, 1, 0), Err(GeometryError::TooLarge));
    }

    #[test]
    fn slots_without_prefix_are_contiguous() {
        let slots = Slots::new(8, 24, 8, 0).unwrap();
        assert_eq!((slots.stride(), slots.data_len()), (24, 192));
        let frames = Slots::new(4, 100, 64, 64).unwrap();
        assert_eq!((frames.stride(), frames.data_len()), (192, 768));
    }

    #[test]
    fn lanes_are_counted_and_bounded() {
        let slots = Slots::new(64, 24, 16, 16).unwrap();
        assert_eq!((slots.lanes(), slots.stride(), slots.data_len()), (1, 48, 3072));
        let lanes = slots.in_lanes(64).unwrap();
        assert_eq!((lanes.lanes(), lanes.lane_len(), lanes.data_len()), (64, 3072, 64 * 3072));
        assert_eq!(slots.in_lanes(0), Err(GeometryError::Lanes));
        assert_eq!(slots.in_lanes(65), Err(GeometryError::Lanes));
        let few = Slots::new(32, 24, 16, 16).unwrap();
        assert_eq!(few.in_lanes(1), Err(GeometryError::Capacity));
        let large = Slots::new(64, (1 << 40) - 16, 16, 16).unwrap();
        assert_eq!(large.in_lanes(2), Err(GeometryError::TooLarge));
        assert_eq!(large.in_lanes(1).unwrap().data_len(), DATA_LEN_MAX);
    }

    #[test]
    fn slots_of_a_pool_are_counted_and_bounded() {
        let slots = Slots::new(8, 24, 16, 16).unwrap();
        assert_eq!(slots.count(), 8);
        let pool = slots.in_pool(5).unwrap();
        assert_eq!((pool.capacity(), pool.count(), pool.data_len()), (8, 13, 13 * 48));
        let one = Slots::new(1, 24, 16, 16).unwrap();
        assert_eq!(one.in_pool(1), Err(GeometryError::Capacity));
        assert_eq!(slots.in_pool(POOL_SLOTS_MAX - 8).unwrap().count(), POOL_SLOTS_MAX);
        assert_eq!(slots.in_pool(POOL_SLOTS_MAX - 7), Err(GeometryError::Pool));
        assert_eq!(slots.in_pool(u64::MAX), Err(GeometryError::Pool));
        let large = Slots::new(1 << 24, 8, 8, 0).unwrap();
        assert_eq!(large.in_pool(0), Err(GeometryError::Pool));
        let wide = Slots::new(2, 1 << 45, 8, 0).unwrap();
        assert_eq!(wide.in_pool(0).unwrap().data_len(), DATA_LEN_MAX);
        assert_eq!(wide.in_pool(1), Err(GeometryError::TooLarge));
    }

    #[test]
    fn entries_of_ticks_are_powers_of_two_that_hold_stamp_and_payload() {
        for (size, stride) in [(1, 16), (8, 16), (9, 32), (24, 32), (25, 64), (56, 64), (57, 128)] {
            let ticks = Slots::behind_stamps(8, size).unwrap();
            assert_eq!((ticks.stride(), ticks.data_len()), (stride, 8 * stride));
        }
        assert_eq!(Slots::behind_stamps(8, 120).unwrap().stride(), TICK_ENTRY_LEN_MAX);
        assert_eq!(Slots::behind_stamps(8, 121), Err(GeometryError::TooLarge));
        assert_eq!(Slots::behind_stamps(8, 0), Err(GeometryError::SlotSize));
        for capacity in [0, 1, 3, 1 << 33] {
            assert_eq!(Slots::behind_stamps(capacity, 8), Err(GeometryError::Capacity));
        }
    }

    #[test]
    fn the_longest_record_fits_an_empty_ring_wherever_it_stands() {
        for alignment in [8, 64] {
            let records = Records::new(1024, alignment).unwrap();
            let most = records.footprint(records.len_max());
            assert_eq!(most, 512);
            for start in (0..1024).step_by(usize::try_from(alignment).unwrap()) {
                let padding = if 1024 - start < most { 1024 - start } else { 0 };
                assert!(padding + most <= 1024);
            }
        }
    }

    #[test]
    fn impossible_records_are_refused() {
        assert_eq!(Records::new(1024, 16), Err(GeometryError::Alignment));
        assert_eq!(Records::new(24, 8), Err(GeometryError::Capacity));
        assert_eq!(Records::new(100, 8), Err(GeometryError::Capacity));
        assert_eq!(Records::new(1 << 33, 8), Err(GeometryError::Capacity));
    }
}
