//! The writing end of a broadcast ring: claims, shows, reclaims, evicts, takes over.
//!
//! Nobody else stores what the publisher stores, so showing a message takes no
//! compare-and-swap and no retry. What it costs to find room, and a slot that nobody
//! looks at, is paid now and then, for many messages at once: the rows are looked at
//! once for a quarter of a lap, the cells once for all that was retired since.
//!
//! **Slots.** Who looks at a slot names it in a cell first, then makes sure that it was in
//! time, between the two a fence. The publisher replaces the entry, then looks at the
//! cells, between the two a fence (edge COVER). There are more slots than entries and
//! cells together, so that one is always free.

use crate::broadcast::Broadcast;
use crate::cell::CellWord;
use crate::entry::{Entry, Found, SLOTS_MAX};
use crate::error::{ClaimError, Corrupt};
use crate::extent::Extent;
use crate::machine::{Machine, Row, Word};
use crate::pool::Pool;
use crate::position::Position;
use crate::room::Room;
use core::fmt;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

/// When a publisher looks which of the retired slots nobody looks at any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reclaim {
    /// When none is free: for messages that are small beside the look.
    Late,
    /// Whenever one is retired, so that the slot that was written last but one lap is
    /// written again while it is in a cache: for large messages.
    Early,
}

/// The writing end.
pub struct Publisher<'a, M: Machine, P, S> {
    ring: Broadcast<'a, M, P>,
    pool: Pool<S>,
    reclaim: Reclaim,
    room: Room<'a, M>,
    claimed: Claimed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claimed {
    Nothing,
    /// This slot, which nobody sees.
    Hidden(u32),
    /// This slot, which stands in its entry; and how much of it can be read.
    Shown(u32, u64),
}

impl<'a, M, P, S> Publisher<'a, M, P, S>
where
    M: Machine,
    P: Row<Word = M::U64>,
    S: AsMut<[u32]> + AsRef<[u32]>,
{
    /// Continues where the words say the last publisher stopped.
    ///
    /// The caller holds the publisher's [seat](crate::peer). What a dead one had shown
    /// and not finished is broken off, and takes its position. `lists` is memory for the
    /// [pool](Pool::lists_len).
    ///
    /// # Errors
    /// [`Corrupt`] if an entry cannot be true.
    pub fn take_over(
        ring: Broadcast<'a, M, P>,
        lists: S,
        reclaim: Reclaim,
    ) -> Result<Self, Corrupt> {
        let (entries, slots) = (ring.entries.len(), ring.slots.len());
        assert!(entries.is_power_of_two() && entries > 1);
        assert!(slots > entries + ring.cells.len() && slots as u64 <= SLOTS_MAX);
        let mut room = Room::take_over(ring.peers());
        let next = room.next();
        let mut pool = Pool::new(lists, entries, slots);
        let mut begun = None;
        for (index, entry) in ring.entries.iter().enumerate() {
            // Relaxed: the seat was taken after the last writer of these words gave it up or
            // died (edge SUCCEED).
            let entry = Entry::from_bits(entry.load(Relaxed));
            if entry.is_empty() {
                continue;
            }
            let slot = entry.slot(slots).ok_or(Corrupt)?;
            // The only positions of this entry that can have been shown last.
            let ahead = Position::new(index as u64).since(next) & (entries as u64 - 1);
            let to_come = next.plus(ahead);
            let last = to_come.minus(entries as u64);
            if ahead == 0 && entry.at(next, ring.capacity()) == Found::Here {
                begun = Some(slot);
            } else if entry.at(last, ring.capacity()) != Found::Here {
                return Err(Corrupt);
            }
            pool.find(index, slot)?;
        }
        pool.retire_the_rest();
        room.check(begun.is_some())?;
        if let Some(slot) = begun {
            let extent = ring.slots.at(slot as usize);
            // Relaxed: edge SUCCEED.
            let found = Extent::from_bits(extent.load(Relaxed)).ok_or(Corrupt)?;
            if found.is_open() {
                // edge GROW, release end.
                extent.store(Extent::Broken(found.bytes()).bits(), Release);
            }
            room.pass_on();
        }
        Ok(Self { ring, pool, reclaim, room, claimed: Claimed::Nothing })
    }

    /// Claims a slot to write the next message in; nobody looks at it.
    ///
    /// Claiming again before a commit gives the same slot again, and breaks off what was
    /// shown of it.
    ///
    /// # Errors
    /// [`ClaimError::Full`] while a lossless subscriber has not read what stands where the
    /// message will; see [`in_the_way`](Self::in_the_way).
    #[inline]
    pub fn claim(&mut self) -> Result<u32, ClaimError> {
        match self.claimed {
            Claimed::Nothing => {}
            Claimed::Hidden(slot) => return Ok(slot),
            Claimed::Shown(..) => self.abort(),
        }
        self.room.find()?;
        if self.pool.is_dry() || self.reclaim == Reclaim::Early && self.pool.has_retired() {
            self.reclaim();
        }
        // Always one: there are more slots than entries and cells together.
        let slot = self.pool.take().ok_or(ClaimError::Corrupt)?;
        self.claimed = Claimed::Hidden(slot);
        Ok(slot)
    }

    /// The subscribers whose reading is waited for, by their place among the readers.
    ///
    /// Looks at words alone: some of them may be dead.
    pub fn in_the_way(&self) -> impl Iterator<Item = usize> + '_ {
        self.room.in_the_way()
    }

    /// Waits no longer for those that are [in the way](Self::in_the_way); how many.
    ///
    /// They are told, and what they look at stays as it is.
    pub fn evict_those_in_the_way(&mut self) -> usize {
        self.room.evict_those_in_the_way()
    }

    #[cold]
    fn reclaim(&mut self) {
        // edge COVER, the publisher's side: the entries that were replaced, and those who
        // were evicted, then the cells.
        self.ring.machine.fence(SeqCst);
        self.pool.begin_scan();
        for cell in self.ring.cells {
            // edge UNCOVER, acquire end: whatever was looked at before is not any more.
            if let Some(slot) = CellWord::from_bits(cell.load(Acquire)).slot() {
                self.pool.note(slot);
            }
        }
        self.pool.end_scan();
    }

    /// Publishes what was written to the claimed slot, `bytes` of it.
    ///
    /// Nothing happens if nothing is claimed.
    #[inline]
    pub fn commit(&mut self, bytes: u64) {
        match self.claimed {
            Claimed::Nothing => return,
            Claimed::Hidden(slot) => self.show(slot, Extent::Whole(bytes)),
            Claimed::Shown(slot, _) => self.grow(slot, Extent::Whole(bytes)),
        }
        self.pass_on();
    }

    /// Lets subscribers read the first `bytes` of the claimed slot while the rest is
    /// being written.
    ///
    /// Never fewer than before. Nothing happens if nothing is claimed.
    pub fn advance(&mut self, bytes: u64) {
        match self.claimed {
            Claimed::Nothing => {}
            Claimed::Hidden(slot) => {
                self.show(slot, Extent::Open(bytes));
                self.claimed = Claimed::Shown(slot, bytes);
            }
            Claimed::Shown(slot, before) => {
                let bytes = bytes.max(before);
                self.grow(slot, Extent::Open(bytes));
                self.claimed = Claimed::Shown(slot, bytes);
            }
        }
    }

    /// Gives the claimed slot up. What was shown of it is broken off, and takes its
    /// position; otherwise nothing is seen of it.
    pub fn abort(&mut self) {
        match self.claimed {
            Claimed::Nothing => {}
            Claimed::Hidden(slot) => {
                self.pool.give_back(slot);
                self.claimed = Claimed::Nothing;
            }
            Claimed::Shown(slot, bytes) => {
                self.grow(slot, Extent::Broken(bytes));
                self.pass_on();
            }
        }
    }

    /// Puts the slot into the entry of the next position.
    #[inline(always)]
    fn show(&mut self, slot: u32, extent: Extent) {
        // Relaxed: published with the entry.
        self.ring.slots.at(slot as usize).store(extent.bits(), Relaxed);
        let next = self.room.next();
        let entry = Entry::new(next, self.ring.capacity(), slot);
        let index = self.ring.entry_index(next);
        // edge SHOW, release end: what was written since the claim is visible to whoever
        // acquires this entry.
        self.ring.entries[index].store(entry.bits(), Release);
        self.pool.place(index, slot);
    }

    /// Says how much there is now of a message that is shown.
    fn grow(&self, slot: u32, extent: Extent) {
        // edge GROW, release end: so much was written.
        self.ring.slots.at(slot as usize).store(extent.bits(), Release);
    }

    #[inline(always)]
    fn pass_on(&mut self) {
        self.claimed = Claimed::Nothing;
        self.room.pass_on();
    }

    /// The position of the next message.
    #[inline]
    #[must_use]
    pub fn position(&self) -> Position {
        self.room.next()
    }
}

impl<M: Machine, P, S> fmt::Debug for Publisher<'_, M, P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("next", &self.room.next())
            .field("claimed", &self.claimed)
            .finish_non_exhaustive()
    }
}
