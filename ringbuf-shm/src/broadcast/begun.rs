//! A message that is published piece by piece.
//!
//! Unsafe code here makes a slice of what was not shown yet: nobody else looks at that.

use super::writer::Writer;
use crate::error::ClaimError;
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;

/// A message that subscribers can see, and of which they may read what was
/// [shown](Self::advance).
///
/// Dropping it breaks it off: it keeps its position, and whoever comes to it is told, or
/// passes it by.
#[must_use = "a message that is begun and dropped is broken off"]
pub struct Begun<'a> {
    payload: *mut u8,
    len: usize,
    slot: u32,
    shown: usize,
    end: &'a mut Writer,
}

// SAFETY: stands for a `&mut [u8]` and a `&mut` to the publisher, which may go to other
// threads.
unsafe impl Send for Begun<'_> {}
// SAFETY: shared, nothing of it can be changed.
unsafe impl Sync for Begun<'_> {}

impl<'a> Begun<'a> {
    /// A claim of this publisher's, shown and with no byte to read yet.
    pub(super) fn new(payload: *mut u8, len: usize, slot: u32, end: &'a mut Writer) -> Self {
        Self { payload, len, slot, shown: 0, end }
    }

    /// The position of the message.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.end.position()
    }

    /// How many bytes were shown.
    #[must_use]
    pub fn shown(&self) -> usize {
        self.shown
    }

    /// The bytes that were not shown yet, to write to.
    #[must_use]
    pub fn rest_mut(&mut self) -> &mut [u8] {
        let (rest, len) = (self.payload.wrapping_add(self.shown), self.len - self.shown);
        // SAFETY: in bounds (`PoolSlots::payload`, and `shown` is at most `len`); claimed,
        // and not shown, hence read by nobody; borrowed mutably; the seat keeps the map.
        unsafe { std::slice::from_raw_parts_mut(rest, len) }
    }

    /// Shows so many more bytes, and wakes subscribers that wait for them.
    ///
    /// # Errors
    /// [`ClaimError::TooLong`] if there are not so many, [`ClaimError::Forked`]; nothing
    /// is shown then.
    pub fn advance(&mut self, bytes: usize) -> Result<(), ClaimError> {
        if bytes > self.len - self.shown {
            return Err(ClaimError::TooLong);
        }
        self.end.advance((self.shown + bytes) as u64)?;
        self.shown += bytes;
        Ok(())
    }

    /// Publishes what was shown as the whole message.
    ///
    /// # Errors
    /// [`ClaimError::Forked`]; the message is not finished then.
    pub fn commit(self) -> Result<(), ClaimError> {
        let len = &self.end.seat.slots().message(self.slot).len;
        // Relaxed: nothing is concluded from it while the extent says more.
        len.store(self.shown as u64, Relaxed);
        let committed = self.end.commit(self.shown as u64);
        // Nothing is left to break off, and nobody to tell; a forked child has neither.
        std::mem::forget(self);
        committed
    }

    /// Breaks it off. Dropping does the same.
    pub fn abort(self) {}
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.end.break_off();
    }
}

impl fmt::Debug for Begun<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun").field("shown", &self.shown).finish_non_exhaustive()
    }
}
