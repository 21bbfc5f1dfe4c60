//! `struct ringbuf_mpmc_claim` and `struct ringbuf_mpmc_message`: what is open, kept in
//! the caller's own memory.
//!
//! A claim and a view of `ringbuf-shm` are owned, hence may be put anywhere and moved. So
//! they stand in the token of the caller's structure, without an allocation, behind a
//! word that says whether something is there.
//!
//! Unsafe code here writes them there and takes them out.
#![expect(
    clippy::missing_safety_doc,
    reason = "include/ringbuf.h is the manual: it says what each pointer must be"
)]

use crate::argument;
use crate::error::{Errno, done};
use crate::message::REDELIVERED;
use libc::{c_int, c_void};
use ringbuf_shm::mpmc::bytes;
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
trait Kept: Send + Sized {
    const FITS: () = assert!(
        size_of::<Self>() <= size_of::<[u64; WORDS]>() && align_of::<Self>() <= align_of::<u64>()
    );
}

impl Token {
    fn keep<T: Kept>(what: T) -> Self {
        const { T::FITS };
        let mut token = Self { state: OPEN, words: MaybeUninit::uninit() };
        // SAFETY: the words are large enough and as aligned as it wants.
        unsafe { token.words.as_mut_ptr().cast::<T>().write(what) };
        token
    }

    /// # Safety
    /// The token is zero, or was made by `keep` of the same `T` and not copied since.
    unsafe fn look<T: Kept>(&self) -> Result<&T, Errno> {
        if self.state != OPEN {
            return Err(Errno::INVALID);
        }
        // SAFETY: open, hence there, as this function demands.
        Ok(unsafe { &*self.words.as_ptr().cast::<T>() })
    }

    /// # Safety
    /// As [`look`](Self::look).
    unsafe fn take<T: Kept>(&mut self) -> Result<T, Errno> {
        if self.state != OPEN {
            return Err(Errno::INVALID);
        }
        self.state = 0;
        // SAFETY: was open, hence there, as this function demands; not taken again, since
        // the state says so.
        Ok(unsafe { self.words.as_ptr().cast::<T>().read() })
    }
}

/// An open claim, and how long it is, as it was asked for.
struct Open {
    claim: bytes::Claim,
    length: usize,
}

impl Kept for Open {}
impl Kept for bytes::View {}

/// `struct ringbuf_mpmc_claim`, as the header has it.
#[derive(Debug)]
#[repr(C)]
pub struct Claim {
    /// Where to write.
    pub data: *mut c_void,
    /// How many bytes there are.
    pub length: usize,
    /// The claim itself.
    pub token: Token,
}

impl Claim {
    pub(super) fn new(mut claim: bytes::Claim, length: usize) -> Self {
        let data = claim.as_mut_ptr().cast();
        Self { data, length, token: Token::keep(Open { claim, length }) }
    }

    /// How many bytes were asked for, if it is open.
    ///
    /// # Safety
    /// Zero, or was filled by a claim, and was not copied since.
    pub(super) unsafe fn asked(&self) -> Result<usize, Errno> {
        // SAFETY: as this function demands.
        unsafe { self.token.look::<Open>() }.map(|open| open.length)
    }

    /// # Safety
    /// As [`asked`](Self::asked).
    pub(super) unsafe fn take(&mut self) -> Result<bytes::Claim, Errno> {
        // SAFETY: as this function demands.
        unsafe { self.token.take::<Open>() }.map(|open| open.claim)
    }
}

/// `struct ringbuf_mpmc_message`, as the header has it.
#[derive(Debug)]
#[repr(C)]
pub struct Message {
    /// Where it is, until it is released.
    pub data: *const c_void,
    /// How long it is, in bytes.
    pub length: usize,
    /// The producer's own 64 bits.
    pub tag: u64,
    /// When it was committed, by the monotonic clock.
    pub time_ns: u64,
    /// `RINGBUF_REDELIVERED`, or 0.
    pub flags: u32,
    /// How often it was shown before.
    pub redelivered: u32,
    /// The lane that it was in.
    pub lane: u32,
    /// 0.
    pub reserved: u32,
    /// The message itself.
    pub token: Token,
}

impl Message {
    pub(super) fn new(view: bytes::View) -> Self {
        let redelivered = u32::from(view.redelivered());
        Self {
            data: view.as_ptr().cast(),
            length: view.len(),
            tag: view.tag(),
            time_ns: view.time(),
            flags: if redelivered == 0 { 0 } else { REDELIVERED },
            redelivered,
            lane: view.lane(),
            reserved: 0,
            token: Token::keep(view),
        }
    }

    /// # Safety
    /// Zero, or was filled by a read, and was not copied since.
    pub(super) unsafe fn is_open(&self) -> bool {
        // SAFETY: as this function demands.
        unsafe { self.token.look::<bytes::View>() }.is_ok()
    }

    /// # Safety
    /// As [`is_open`](Self::is_open).
    pub(super) unsafe fn take(&mut self) -> Result<bytes::View, Errno> {
        // SAFETY: as this function demands.
        unsafe { self.token.take::<bytes::View>() }
    }
}

/// Publishes a claim as a message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_claim_commit(
    claim: *mut Claim,
    length: usize,
    tag: u64,
) -> c_int {
    // SAFETY: the manual asks for a structure that no other thread uses, or NULL.
    let claim = unsafe { argument::exclusive(claim) };
    done(claim.and_then(|claim| {
        // SAFETY: the manual asks for one that is zero, or that was filled by a claim, and
        // was not copied since.
        if length > unsafe { claim.asked() }? {
            return Err(Errno::TOO_LONG);
        }
        // SAFETY: as above.
        let mut claim = unsafe { claim.take() }?;
        claim.set_tag(tag);
        Ok(claim.commit(length)?)
    }))
}

/// Gives a claim back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_claim_abort(claim: *mut Claim) -> c_int {
    // SAFETY: the manual asks for a structure that no other thread uses, or NULL.
    let claim = unsafe { argument::exclusive(claim) };
    // SAFETY: as in `ringbuf_mpmc_claim_commit`.
    done(claim.and_then(|claim| unsafe { claim.take() }.map(drop)))
}

/// Gives a message back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_message_release(message: *mut Message) -> c_int {
    // SAFETY: the manual asks for a structure that no other thread uses, or NULL.
    let message = unsafe { argument::exclusive(message) };
    // SAFETY: the manual asks for one that is zero, or that was filled by a read, and was
    // not copied since.
    done(message.and_then(|message| unsafe { message.take() }.map(drop)))
}
