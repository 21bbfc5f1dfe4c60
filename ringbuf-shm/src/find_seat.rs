//! Taking one of many seats.
//!
//! Unsafe code here borrows rows of the mapping within one call.

use crate::error::OpenError;
use crate::locks::LockFile;
use crate::ring::Ring;
use ringbuf_core::error::SeatError;
use ringbuf_core::peer::{Presence, Who};
use std::ops::Range;
use std::os::fd::AsFd;

/// Rows that are asked about before one is taken that needs no question.
const DEAD_ROWS_ASKED_MAX: usize = 64;

/// Takes the seat of a row that nobody living holds.
///
/// First that of one who died, if it is soon found: who follows one who died makes good
/// for it, and the last one to leave is not taken for dead.
pub(crate) fn find_seat(ring: &Ring, rows: Range<u32>) -> Result<(u32, Who, LockFile), OpenError> {
    let map = ring.mapping();
    let is_free = |row: &u32| {
        // SAFETY: used within this call, whose caller keeps the ring.
        let words = unsafe { map.row(*row) };
        words.is_empty() || words.has_left()
    };
    let held = |row: &u32| !is_free(row);
    let all = || rows.clone();
    let order = all().filter(held).take(DEAD_ROWS_ASKED_MAX);
    let order = order.chain(all().filter(is_free)).chain(all().filter(held));
    for row in order {
        // SAFETY: used within this call, whose caller keeps the ring.
        let words = unsafe { map.row(row) };
        if words.presence(row, &ring.lookout())? == Presence::Alive {
            continue;
        }
        // One for each try: what it locks it keeps until it is closed.
        let locks = LockFile::new(ring.as_fd())?;
        match words.take(row, true, &locks) {
            Ok(seat) => return Ok((row, seat.who, locks)),
            Err(SeatError::InUse) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(OpenError::TooManyPeers(u32::try_from(rows.len()).unwrap_or(u32::MAX)))
}
