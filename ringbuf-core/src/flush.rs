//! Which messages stand in a lane, for one who waits until they are gone.
//!
//! Who flushes notes the message of every slot, and then waits until each of them was
//! released, or dropped. What is committed after the note was taken is not waited for,
//! nor is a place that is only being written: so others who go on writing hold nobody
//! up, and who has claims open does not wait for itself.
//!
//! What this does not do: it does not wait (see [`wait`](crate::wait)).

use crate::error::Corrupt;
use crate::lane::{Lane, Progress};
use crate::machine::{Machine, Row, Word};
use crate::slot::{SlotWord, SlotWords, State};
use core::sync::atomic::Ordering::Acquire;

/// A message that stood in a lane when it was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    index: u64,
    lap: u32,
    /// Nobody has taken it.
    is_full: bool,
}

impl<M: Machine, R: Row<Word = SlotWords<M>> + Copy> Lane<'_, M, R> {
    /// The message that stands in a slot now: committed, and not released.
    ///
    /// # Errors
    /// [`Corrupt`] if the slot's word cannot be true.
    pub fn standing(&self, index: u64) -> Result<Option<Standing>, Corrupt> {
        // edge VACATE, acquire end: who finds a message gone sees what its reader did
        // before it released it.
        let word = SlotWord::new(self.slot(index).state.load(Acquire));
        Ok(match word.state()? {
            state @ (State::Full | State::Reading | State::Orphan) => {
                Some(Standing { index, lap: word.lap(), is_full: state == State::Full })
            }
            State::Free | State::Writing | State::Void => None,
        })
    }

    /// Whether a message was released since, or dropped: for good.
    ///
    /// Never too early. In a Strict lane it may be late: where a place was passed while its
    /// message was read, nothing tells that message from a later one that is being read.
    ///
    /// # Errors
    /// As [`standing`](Self::standing).
    pub fn is_gone(&self, message: Standing) -> Result<bool, Corrupt> {
        Ok(self.standing(message.index)?.is_none_or(|now| {
            let surely = self.progress == Progress::Fast || now.is_full;
            now.lap != message.lap && surely
        }))
    }
}
