//! Looking until something is found, time is up, or nobody is left to wait for.
//!
//! The loop is here, where it is model-checked; how long to spin, how long to
//! sleep and when to ask the kernel is a [`Patience`], which knows about time.
//!
//! A peer is found gone only *after* a look that found nothing, and then one more
//! look decides: what the peer did before it went is never missed.

use crate::error::Corrupt;
use crate::event::Event;
use crate::machine::Machine;
use crate::peer::{Liveness, Presence, RowWords};
use core::fmt;

/// What to do after a look that found nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Look again at once.
    Spin,
    /// Sleep until woken, at most so many nanoseconds.
    Sleep(u64),
    /// Ask the kernel whether the peer lives.
    Probe,
    /// Ask the kernel whether the peer lives, and wait no longer.
    GiveUp,
}

/// Decides how the time is spent between two looks.
pub trait Patience {
    /// The next step. Asks for a probe at least after every slice of waiting.
    fn next(&mut self) -> Step;
}

/// Why nothing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitError<E> {
    /// Time is up; the peer lives or never came.
    TimedOut,
    /// The peer closed its handle, and nothing is left of what it did.
    Closed,
    /// The peer died, and nothing is left of what it did. A successor may come.
    PeerDied,
    /// The look itself failed.
    Look(E),
}

/// The other side, as one who waits for it sees it.
pub trait Counterpart {
    /// Whether nothing can come any more, by a look at words alone.
    fn has_left(&self) -> bool;

    /// Who is there, as the kernel knows it: `Closed` and `Dead` mean that nobody is.
    ///
    /// # Errors
    /// [`Corrupt`] if a word cannot be true.
    fn presence(&self) -> Result<Presence, Corrupt>;

    /// Looks once. `None`: nothing now, and the peer did not close its handle.
    ///
    /// Makes no system call, and so does not notice that the peer died.
    ///
    /// # Errors
    /// [`WaitError::Closed`] when nothing is found and nothing can come;
    /// [`WaitError::Look`].
    #[inline]
    fn look<T, E>(
        &self,
        mut look: impl FnMut() -> Result<Option<T>, E>,
    ) -> Result<Option<T>, WaitError<E>> {
        match look().map_err(WaitError::Look)? {
            None => self.found_nothing(look),
            found => Ok(found),
        }
    }

    /// What it means that the caller looked and found nothing: the second half of
    /// [`look`](Self::look), for callers that keep the first half to themselves.
    ///
    /// # Errors
    /// As [`look`](Self::look).
    #[inline]
    fn found_nothing<T, E>(
        &self,
        look: impl FnMut() -> Result<Option<T>, E>,
    ) -> Result<Option<T>, WaitError<E>> {
        if self.has_left() { last_look(look, WaitError::Closed) } else { Ok(None) }
    }

    /// Looks until something is found, spending the time between as `patience` says.
    ///
    /// # Errors
    /// [`WaitError::Closed`], [`WaitError::PeerDied`], [`WaitError::TimedOut`] when
    /// patience gave up, [`WaitError::Look`].
    fn wait<M: Machine, T, E>(
        &self,
        machine: &M,
        event: Event<'_, M>,
        patience: &mut impl Patience,
        mut look: impl FnMut() -> Result<Option<T>, E>,
    ) -> Result<T, WaitError<E>> {
        // Bounded by patience, which gives up when time is up.
        loop {
            if let Some(found) = self.look(&mut look)? {
                return Ok(found);
            }
            let found = match patience.next() {
                Step::Spin => {
                    machine.spin();
                    None
                }
                Step::Sleep(nanos) => {
                    event.sleep(nanos, || self.look(&mut look).transpose()).transpose()?
                }
                Step::Probe => probe(self, &mut look)?,
                Step::GiveUp => match probe(self, &mut look)? {
                    // Asking may have brought something back from the dead.
                    None => match look().map_err(WaitError::Look)? {
                        None => return Err(WaitError::TimedOut),
                        found => found,
                    },
                    found => found,
                },
            };
            if let Some(found) = found {
                return Ok(found);
            }
        }
    }
}

fn probe<T, E>(
    other: &(impl Counterpart + ?Sized),
    look: impl FnMut() -> Result<Option<T>, E>,
) -> Result<Option<T>, WaitError<E>> {
    match other.presence() {
        Ok(Presence::Dead) => last_look(look, WaitError::PeerDied),
        Ok(Presence::Closed) => last_look(look, WaitError::Closed),
        // A word that cannot be true says nothing about the peer: the ring itself will
        // be found corrupt, or time will be up.
        Ok(Presence::Alive | Presence::Absent) | Err(_) => Ok(None),
    }
}

/// Nobody is there any more; what they did before they went is not missed.
#[cold]
fn last_look<T, E>(
    mut look: impl FnMut() -> Result<Option<T>, E>,
    gone: WaitError<E>,
) -> Result<Option<T>, WaitError<E>> {
    match look().map_err(WaitError::Look)? {
        Some(found) => Ok(Some(found)),
        None => Err(gone),
    }
}

/// The other side of a ring of two.
pub struct Peer<'a, M: Machine, L> {
    /// Its row.
    pub words: &'a RowWords<M>,
    /// The number of that row.
    pub row: u32,
    /// Who knows whether it lives.
    pub locks: &'a L,
}

impl<M: Machine, L: Liveness> Counterpart for Peer<'_, M, L> {
    #[inline]
    fn has_left(&self) -> bool {
        self.words.has_left()
    }

    fn presence(&self) -> Result<Presence, Corrupt> {
        self.words.presence(self.row, self.locks)
    }
}

impl<M: Machine, L> fmt::Debug for Peer<'_, M, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("row", &self.row).finish_non_exhaustive()
    }
}
