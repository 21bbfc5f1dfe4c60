//! The writing end of a ring of ticks.
//!
//! Nobody is asked before a message is written, but once in a quarter of a lap those who are
//! [waited for](crate::life). A publisher that dies in the middle of a message leaves a stamp
//! that says so: the message was never there, and its successor writes another in its place.

use crate::entry::Found;
use crate::error::{ClaimError, Corrupt};
use crate::machine::{Machine, Word};
use crate::position::Position;
use crate::room::Room;
use crate::stamp::Stamp;
use crate::ticks::Ticks;
use core::fmt;
use core::sync::atomic::Ordering::{Relaxed, Release};

/// The writing end.
pub struct TickPublisher<'a, M: Machine> {
    ring: Ticks<'a, M>,
    capacity: u64,
    room: Room<'a, M>,
}

impl<'a, M: Machine> TickPublisher<'a, M> {
    /// Continues where the words say the last publisher stopped.
    ///
    /// The caller holds the publisher's [seat](crate::peer). What a dead one had written whole
    /// is published, what it had begun is not.
    ///
    /// # Errors
    /// [`Corrupt`] if tail, floor or the stamp at the tail cannot be true.
    pub fn take_over(ring: Ticks<'a, M>) -> Result<Self, Corrupt> {
        let capacity = ring.capacity();
        assert!(capacity.is_power_of_two() && capacity > 1);
        let mut room = Room::take_over(ring.peers());
        let (stamp, _) = ring.entry(room.next(), capacity);
        // Relaxed: the dead one's last words are seen (edge SUCCEED).
        let found = Stamp::from_bits(stamp.load(Relaxed)).at(room.next());
        let whole = match found.ok_or(Corrupt)? {
            Found::Here => true,
            Found::Earlier => false,
            Found::Later => return Err(Corrupt),
        };
        room.check(whole)?;
        if whole {
            room.pass_on();
        }
        Ok(Self { ring, capacity, room })
    }

    /// Makes sure that there is room for the next message.
    ///
    /// # Errors
    /// [`ClaimError::Full`] while a lossless subscriber has not read what stands where the
    /// message will; see [`in_the_way`](Self::in_the_way).
    #[inline(always)]
    pub fn find_room(&mut self) -> Result<(), ClaimError> {
        self.room.find()
    }

    /// Publishes a message of so many words, as many at most as an entry has behind its stamp.
    ///
    /// # Errors
    /// As [`find_room`](Self::find_room); nothing is published then.
    #[inline(always)]
    pub fn publish(&mut self, message: &[u64]) -> Result<(), ClaimError> {
        self.room.find()?;
        self.write(message);
        self.room.pass_on();
        Ok(())
    }

    #[inline(always)]
    fn write(&self, message: &[u64]) {
        let next = self.room.next();
        let (stamp, words) = self.ring.entry(next, self.capacity);
        // Relaxed: the fence below comes before the words.
        stamp.store(Stamp::writing(next).bits(), Relaxed);
        // edge OVERWRITE, release end: who copies any of the words below finds that the stamp
        // changed.
        self.ring.machine.fence(Release);
        for (word, &value) in words[..message.len()].iter().zip(message) {
            // Relaxed: published with the stamp.
            word.store(value, Relaxed);
        }
        // edge STAMP, release end: who finds it finds the words above.
        stamp.store(Stamp::whole(next).bits(), Release);
    }

    /// The subscribers whose reading is waited for, by their place among the readers.
    ///
    /// Looks at words alone: some of them may be dead.
    pub fn in_the_way(&self) -> impl Iterator<Item = usize> + '_ {
        self.room.in_the_way()
    }

    /// Waits no longer for those that are [in the way](Self::in_the_way); how many.
    ///
    /// They are told.
    pub fn evict_those_in_the_way(&mut self) -> usize {
        self.room.evict_those_in_the_way()
    }

    /// The position of the next message.
    #[inline]
    #[must_use]
    pub fn position(&self) -> Position {
        self.room.next()
    }
}

impl<M: Machine> fmt::Debug for TickPublisher<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TickPublisher").field("next", &self.room.next()).finish_non_exhaustive()
    }
}
