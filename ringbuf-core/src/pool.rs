//! Where each slot of a broadcast ring is, as its publisher keeps it to itself.
//!
//! A slot is *placed* (it stands in an entry), *retired* (it stood in one, and may
//! still be looked at), *free*, or claimed. These lists are in the publisher's own
//! memory: what stands in the file is not believed again.

use crate::error::Corrupt;

/// No slot.
const NONE: u32 = u32::MAX;

/// The lists of a publisher, in memory that it brings.
#[derive(Debug)]
pub struct Pool<S> {
    /// One behind the other: the slot in each entry; the free; the retired, oldest first;
    /// and for each slot, the number of the last scan that found it looked at.
    lists: S,
    entries: usize,
    slots: usize,
    free: usize,
    retired: usize,
    scan: u32,
}

impl<S: AsMut<[u32]> + AsRef<[u32]>> Pool<S> {
    /// How many numbers the lists need.
    #[must_use]
    pub const fn lists_len(entries: usize, slots: usize) -> usize {
        entries + 3 * slots
    }

    /// A pool of `slots` slots none of which is anywhere yet.
    ///
    /// `lists` has room for [`lists_len`](Self::lists_len) numbers.
    pub fn new(mut lists: S, entries: usize, slots: usize) -> Self {
        let numbers = lists.as_mut();
        assert!(numbers.len() >= Self::lists_len(entries, slots));
        numbers.fill(0);
        numbers[..entries].fill(NONE);
        Self { lists, entries, slots, free: 0, retired: 0, scan: 1 }
    }

    /// How many slots there are.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Whether something is retired.
    #[must_use]
    pub fn has_retired(&self) -> bool {
        self.retired > 0
    }

    /// Whether nothing is free.
    #[must_use]
    pub fn is_dry(&self) -> bool {
        self.free == 0
    }

    fn free_at(&mut self, at: usize) -> &mut u32 {
        &mut self.lists.as_mut()[self.entries + at]
    }

    fn retired_at(&mut self, at: usize) -> &mut u32 {
        &mut self.lists.as_mut()[self.entries + self.slots + at]
    }

    fn seen_at(&mut self, slot: u32) -> &mut u32 {
        &mut self.lists.as_mut()[self.entries + 2 * self.slots + slot as usize]
    }

    /// Finds a slot in an entry, where a predecessor placed it.
    ///
    /// # Errors
    /// [`Corrupt`] if it was found in another.
    pub fn find(&mut self, entry: usize, slot: u32) -> Result<(), Corrupt> {
        let scan = self.scan;
        if core::mem::replace(self.seen_at(slot), scan) == scan {
            return Err(Corrupt);
        }
        self.lists.as_mut()[entry] = slot;
        Ok(())
    }

    /// Retires every slot that was not [found](Self::find): a predecessor may have
    /// claimed it, or somebody may look at it.
    pub fn retire_the_rest(&mut self) {
        for (slot, _) in (0..).zip(0..self.slots) {
            if *self.seen_at(slot) != self.scan {
                self.retire(slot);
            }
        }
    }

    /// Takes a free slot, the one that was freed last.
    #[inline]
    pub fn take(&mut self) -> Option<u32> {
        self.free = self.free.checked_sub(1)?;
        Some(*self.free_at(self.free))
    }

    /// Frees a slot that was taken and not placed.
    pub fn give_back(&mut self, slot: u32) {
        *self.free_at(self.free) = slot;
        self.free += 1;
    }

    /// Places a slot that was taken; the one that was placed there before retires.
    #[inline]
    pub fn place(&mut self, entry: usize, slot: u32) {
        let before = core::mem::replace(&mut self.lists.as_mut()[entry], slot);
        if before != NONE {
            self.retire(before);
        }
    }

    #[inline]
    fn retire(&mut self, slot: u32) {
        *self.retired_at(self.retired) = slot;
        self.retired += 1;
    }

    /// Begins to look who looks at what.
    pub fn begin_scan(&mut self) {
        self.scan = self.scan.wrapping_add(1);
        if self.scan == 0 {
            let marks = self.entries + 2 * self.slots;
            self.lists.as_mut()[marks..].fill(0);
            self.scan = 1;
        }
    }

    /// Somebody looks at this slot, if there is one of that number.
    #[inline]
    pub fn note(&mut self, slot: u32) {
        if (slot as usize) < self.slots {
            let scan = self.scan;
            *self.seen_at(slot) = scan;
        }
    }

    /// Frees the retired that nobody was [noted](Self::note) to look at, the last retired
    /// last, so that it is the next to be taken: it is the likeliest to be in a cache.
    pub fn end_scan(&mut self) {
        let mut kept = 0;
        for at in 0..self.retired {
            let slot = *self.retired_at(at);
            if *self.seen_at(slot) == self.scan {
                *self.retired_at(kept) = slot;
                kept += 1;
            } else {
                self.give_back(slot);
            }
        }
        self.retired = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> Pool<[u32; 2 + 3 * 5]> {
        let mut pool = Pool::new([7; 17], 2, 5);
        pool.retire_the_rest();
        pool.begin_scan();
        pool.end_scan();
        pool
    }

    #[test]
    fn the_slot_that_was_freed_last_is_taken_first() {
        let mut pool = pool();
        let taken: [_; 5] = core::array::from_fn(|_| pool.take());
        assert_eq!(taken, [Some(4), Some(3), Some(2), Some(1), Some(0)]);
        assert_eq!((pool.take(), pool.is_dry()), (None, true));
        pool.give_back(2);
        assert_eq!(pool.take(), Some(2));
    }

    #[test]
    fn who_is_looked_at_stays_retired_until_a_scan_finds_nobody() {
        let mut pool = pool();
        for entry in [0, 1, 0, 1] {
            let slot = pool.take().unwrap();
            pool.place(entry, slot);
        }
        assert!(pool.has_retired(), "4 and 3");
        for scans in 0..3 {
            pool.begin_scan();
            pool.note(4);
            pool.note(5);
            pool.note(u32::MAX);
            pool.end_scan();
            assert_eq!(pool.take(), Some(if scans == 0 { 3 } else { 0 }));
            if scans > 0 {
                assert_eq!(pool.take(), None);
                pool.give_back(0);
            }
        }
        pool.scan = u32::MAX;
        pool.begin_scan();
        pool.end_scan();
        assert_eq!((pool.take(), pool.scan), (Some(4), 1), "also when scans wrap");
    }

    #[test]
    fn what_a_predecessor_placed_is_found_once() {
        let mut pool = Pool::new([0; 17], 2, 5);
        assert_eq!((pool.find(0, 3), pool.find(1, 1)), (Ok(()), Ok(())));
        assert_eq!(pool.find(0, 1), Err(Corrupt));
        pool.retire_the_rest();
        pool.begin_scan();
        pool.end_scan();
        let free: [_; 4] = core::array::from_fn(|_| pool.take());
        assert_eq!(free, [Some(4), Some(2), Some(0), None]);
    }
}
