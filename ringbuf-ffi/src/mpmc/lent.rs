//! `struct ringbuf_mpmc_claim` and `struct ringbuf_mpmc_message`: what is open, kept in
//! the caller's own memory.
//!
//! A claim and a view of `ringbuf-shm` are owned, hence may stand in the token of the
//! caller's structure.
//!
//! Unsafe code here trusts the caller to pass what the manual asks for.
#![expect(
    clippy::missing_safety_doc,
    reason = "include/ringbuf.h is the manual: it says what each pointer must be"
)]

use crate::argument;
use crate::error::{Errno, done};
use crate::message::REDELIVERED;
use crate::token::{Kept, Token};
use libc::{c_int, c_void};
use ringbuf_shm::mpmc::bytes;

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
