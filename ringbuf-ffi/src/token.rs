//! What is open, kept in the caller's own memory, without an allocation: behind a word that
//! says whether something is there.
//!
//! Unsafe code here writes it there and takes it out.

use crate::error::Errno;
use std::fmt;
use std::mem::{MaybeUninit, align_of, size_of};

/// Words of a token, behind the one that says whether it is open.
const WORDS: usize = 11;
/// What an open token begins with: "ringbuf" and its end, which nothing else is likely to.
const OPEN: u64 = u64::from_le_bytes(*b"ringbuf\n");

/// Something of Rust in C's memory.
#[repr(C)]
pub struct Token {
    state: u64,
    words: MaybeUninit<[u64; WORDS]>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.state == OPEN { "(open)" } else { "(closed)" })
    }
}

/// What may stand in a token: one kind of thing in each structure of C.
pub(crate) trait Kept: Send + Sized {
    const FITS: () = assert!(
        size_of::<Self>() <= size_of::<[u64; WORDS]>() && align_of::<Self>() <= align_of::<u64>()
    );
}

impl Token {
    pub(crate) fn keep<T: Kept>(what: T) -> Self {
        const { T::FITS };
        let mut token = Self { state: OPEN, words: MaybeUninit::uninit() };
        // SAFETY: the words are large enough and as aligned as it wants.
        unsafe { token.words.as_mut_ptr().cast::<T>().write(what) };
        token
    }

    /// # Safety
    /// The token is zero, or was made by `keep` of the same `T` and not copied since.
    pub(crate) unsafe fn look<T: Kept>(&self) -> Result<&T, Errno> {
        if self.state != OPEN {
            return Err(Errno::INVALID);
        }
        // SAFETY: open, hence there, as this function demands.
        Ok(unsafe { &*self.words.as_ptr().cast::<T>() })
    }

    /// # Safety
    /// As [`look`](Self::look).
    pub(crate) unsafe fn take<T: Kept>(&mut self) -> Result<T, Errno> {
        if self.state != OPEN {
            return Err(Errno::INVALID);
        }
        self.state = 0;
        // SAFETY: was open, hence there, as this function demands; not taken again, since
        // the state says so.
        Ok(unsafe { self.words.as_ptr().cast::<T>().read() })
    }
}
