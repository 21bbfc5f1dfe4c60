//! How a publisher writes: the calls on its claim, which is published whole, or begun and
//! published piece by piece.
//!
//! Unsafe code here trusts the caller to pass what the manual asks for.
#![expect(
    clippy::missing_safety_doc,
    reason = "include/ringbuf.h is the manual: it says what each pointer must be"
)]

use super::publisher::Publisher;
use crate::argument::{self, Timeout};
use crate::error::{Errno, done};
use libc::{c_int, c_void};
use ringbuf_shm::ClaimError;
use ringbuf_shm::broadcast::bytes::{self, Begun, Claim};

/// What is open on a publisher.
pub(crate) enum Open<'a> {
    /// Room that nobody sees yet.
    Claim(Claim<'a>),
    /// A message that grows.
    Begun(Begun<'a>),
}

impl<'a> Open<'a> {
    pub(super) fn position(&self) -> u64 {
        match self {
            Self::Claim(claim) => claim.position(),
            Self::Begun(begun) => begun.position(),
        }
    }

    fn claim(&mut self) -> Result<&mut Claim<'a>, Errno> {
        match self {
            Self::Claim(claim) => Ok(claim),
            Self::Begun(_) => Err(Errno::INVALID),
        }
    }

    fn begun(&mut self) -> Result<&mut Begun<'a>, Errno> {
        match self {
            Self::Claim(_) => Err(Errno::INVALID),
            Self::Begun(begun) => Ok(begun),
        }
    }

    /// Shows a claim; what is shown already stays so.
    pub(crate) fn begin(self) -> Result<Self, ClaimError> {
        match self {
            Self::Claim(claim) => claim.begin().map(Self::Begun),
            begun @ Self::Begun(_) => Ok(begun),
        }
    }

    /// Publishes it: `length` bytes of a claim, or what was shown of a message.
    fn commit(self, length: usize) -> Result<(), ClaimError> {
        match self {
            Self::Claim(claim) => claim.commit(length),
            Self::Begun(begun) => begun.commit(),
        }
    }
}

fn claim(
    publisher: &mut bytes::Publisher,
    length: usize,
    timeout: Timeout,
) -> Result<Claim<'_>, ClaimError> {
    if length > publisher.slot_size() {
        return Err(ClaimError::TooLong);
    }
    match timeout {
        Timeout::Not => publisher.try_claim(),
        Timeout::Forever => publisher.claim(),
        Timeout::AtMost(most) => publisher.claim_timeout(most),
    }
}

impl Publisher {
    fn claim(&mut self, length: usize, timeout: Timeout) -> Result<*mut u8, Errno> {
        self.held.open(|publisher| claim(publisher, length, timeout).map(Open::Claim))?;
        self.claimed = length;
        self.held.look(|open| Ok(open.claim()?.as_mut_ptr()))?
    }

    /// A claim that cannot be committed like this stays open.
    fn commit(&mut self, length: usize, tag: u64) -> Result<(), Errno> {
        self.held.look(|open| open.claim().map(|claim| claim.set_tag(tag)))??;
        if length > self.claimed {
            return Err(Errno::TOO_LONG);
        }
        Ok(self.held.close(|open| open.commit(length))??)
    }

    fn begin(&mut self, tag: u64) -> Result<(), Errno> {
        self.held.look(|open| open.claim().map(|claim| claim.set_tag(tag)))??;
        self.held.turn()
    }

    /// Where the bytes are that were not shown yet, and how many.
    fn rest(&mut self) -> Result<(*mut u8, usize), Errno> {
        let claimed = self.claimed;
        self.held.look(|open| {
            let begun = open.begun()?;
            let left = claimed - begun.shown();
            Ok((begun.rest_mut().as_mut_ptr(), left))
        })?
    }

    fn advance(&mut self, bytes: usize) -> Result<(), Errno> {
        let claimed = self.claimed;
        self.held.look(|open| {
            let begun = open.begun()?;
            if bytes > claimed - begun.shown() {
                return Err(Errno::TOO_LONG);
            }
            Ok(begun.advance(bytes)?)
        })?
    }

    fn commit_begun(&mut self) -> Result<(), Errno> {
        let shown = self.held.look(|open| open.begun().map(|begun| begun.shown()))??;
        Ok(self.held.close(|open| open.commit(shown))??)
    }

    fn push(&mut self, message: &[u8], tag: u64, timeout: Timeout) -> Result<(), Errno> {
        let mut claim = claim(self.held.idle_mut()?, message.len(), timeout)?;
        claim[..message.len()].copy_from_slice(message);
        claim.set_tag(tag);
        Ok(claim.commit(message.len())?)
    }
}

/// Claims room for a message, to be written in place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_publisher_claim(
    publisher: *mut Publisher,
    length: usize,
    timeout_ns: i64,
    data: *mut *mut c_void,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let publisher = unsafe { argument::exclusive(publisher) };
    // SAFETY: the manual asks for a place for the address, or NULL.
    let place = unsafe { argument::place(data) };
    done(publisher.and_then(|publisher| {
        let place = place?;
        place.write(publisher.claim(length, Timeout::from_nanos(timeout_ns))?.cast());
        Ok(())
    }))
}

/// Publishes the claim as a message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_publisher_commit(
    publisher: *mut Publisher,
    length: usize,
    tag: u64,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let publisher = unsafe { argument::exclusive(publisher) };
    done(publisher.and_then(|publisher| publisher.commit(length, tag)))
}

/// Gives the claim back, or breaks off the message that was begun.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_publisher_abort(publisher: *mut Publisher) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let publisher = unsafe { argument::exclusive(publisher) };
    done(publisher.and_then(|publisher| publisher.held.discard()))
}

/// Copies a message in.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_publisher_push(
    publisher: *mut Publisher,
    data: *const c_void,
    length: usize,
    tag: u64,
    timeout_ns: i64,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let publisher = unsafe { argument::exclusive(publisher) };
    done(publisher.and_then(|publisher| {
        let most = publisher.slot_size;
        // SAFETY: the manual asks for so many bytes, or NULL.
        let message = unsafe { argument::bytes(data, length, most) }?;
        publisher.push(message, tag, Timeout::from_nanos(timeout_ns))
    }))
}

/// Shows the claimed message before it is written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_publisher_begin(
    publisher: *mut Publisher,
    tag: u64,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let publisher = unsafe { argument::exclusive(publisher) };
    done(publisher.and_then(|publisher| publisher.begin(tag)))
}

/// Where the rest of the message that was begun is to be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_publisher_rest(
    publisher: *mut Publisher,
    data: *mut *mut c_void,
    length: *mut usize,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let publisher = unsafe { argument::exclusive(publisher) };
    // SAFETY: the manual asks for a place for the address, or NULL.
    let data = unsafe { argument::place(data) };
    // SAFETY: the manual asks for a place for the length, or NULL.
    let length = unsafe { argument::place(length) };
    done(publisher.and_then(|publisher| {
        let (data, length) = (data?, length?);
        let (rest, left) = publisher.rest()?;
        data.write(rest.cast());
        length.write(left);
        Ok(())
    }))
}

/// Shows more bytes of the message that was begun.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_publisher_advance(
    publisher: *mut Publisher,
    bytes: usize,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let publisher = unsafe { argument::exclusive(publisher) };
    done(publisher.and_then(|publisher| publisher.advance(bytes)))
}

/// Publishes what was shown as the whole message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_publisher_commit_begun(
    publisher: *mut Publisher,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let publisher = unsafe { argument::exclusive(publisher) };
    done(publisher.and_then(Publisher::commit_begun))
}
