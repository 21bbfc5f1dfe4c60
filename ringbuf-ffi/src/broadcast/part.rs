//! `struct ringbuf_broadcast_part`: a message in place, as much of it as there is.
//!
//! Unsafe code here trusts the caller to pass what the manual asks for.
#![expect(
    clippy::missing_safety_doc,
    reason = "include/ringbuf.h is the manual: it says what each pointer must be"
)]

use crate::argument::{self, Timeout};
use crate::error::{Errno, done};
use crate::token::{Kept, Token};
use libc::{c_int, c_void};
use ringbuf_shm::ReadError;
use ringbuf_shm::broadcast::bytes;
use std::time::Duration;

/// `RINGBUF_PART_OPEN`
pub const PART_OPEN: u32 = 0;
/// `RINGBUF_PART_WHOLE`
pub const PART_WHOLE: u32 = 1;
/// `RINGBUF_PART_BROKEN`
pub const PART_BROKEN: u32 = 2;

impl Kept for bytes::Part {}

/// `struct ringbuf_broadcast_part`, as the header has it.
#[derive(Debug)]
#[repr(C)]
pub struct Part {
    /// Where it begins, until it is released.
    pub data: *const c_void,
    /// How many bytes were there when it was looked at.
    pub available: usize,
    /// Its position among all that were published.
    pub position: u64,
    /// The publisher's own 64 bits.
    pub tag: u64,
    /// When it was begun, or committed, by the monotonic clock.
    pub time_ns: u64,
    /// `RINGBUF_PART_OPEN` and the others, when it was looked at.
    pub state: u32,
    /// 0.
    pub reserved: u32,
    /// The message itself.
    pub token: Token,
}

/// How much there is of a message, and whether more may come.
struct Extent {
    data: *const c_void,
    available: usize,
    state: u32,
}

impl Extent {
    fn of(part: &bytes::Part) -> Result<Self, ReadError> {
        // The state first: what is whole or broken off does not grow any more.
        let state = match part.state()? {
            bytes::State::Open => PART_OPEN,
            bytes::State::Whole => PART_WHOLE,
            bytes::State::Broken => PART_BROKEN,
        };
        let bytes = part.bytes()?;
        Ok(Self { data: bytes.as_ptr().cast(), available: bytes.len(), state })
    }
}

impl Part {
    pub(super) fn new(part: bytes::Part) -> Result<Self, ReadError> {
        let extent = Extent::of(&part)?;
        Ok(Self {
            data: extent.data,
            available: extent.available,
            position: part.position(),
            tag: part.tag(),
            time_ns: part.time(),
            state: extent.state,
            reserved: 0,
            token: Token::keep(part),
        })
    }

    /// Notes how much there is, after `wait` has waited for what it waits for.
    ///
    /// # Safety
    /// Zero, or was filled by a read, and was not copied since.
    unsafe fn look(
        &mut self,
        wait: impl FnOnce(&bytes::Part) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        // SAFETY: as this function demands.
        let part = unsafe { self.token.look::<bytes::Part>() }?;
        wait(part)?;
        let extent = Extent::of(part)?;
        self.available = extent.available;
        self.state = extent.state;
        Ok(())
    }
}

fn wait_for(part: &bytes::Part, bytes: usize, timeout: Timeout) -> Result<(), Errno> {
    let waited = match timeout {
        Timeout::Not => part.wait_for_timeout(bytes, Duration::ZERO),
        Timeout::Forever => part.wait_for(bytes),
        Timeout::AtMost(most) => part.wait_for_timeout(bytes, most),
    };
    match waited {
        Err(ReadError::TimedOut) => Err(timeout.over()),
        other => Ok(other.map(drop)?),
    }
}

/// Looks how much there is of a message now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_part_look(part: *mut Part) -> c_int {
    // SAFETY: the manual asks for a structure that no other thread uses, or NULL.
    let part = unsafe { argument::exclusive(part) };
    // SAFETY: the manual asks for one that is zero, or that was filled by a read, and was
    // not copied since.
    done(part.and_then(|part| unsafe { part.look(|_| Ok(())) }))
}

/// Waits until there are so many bytes of a message, or it is whole.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_part_wait_for(
    part: *mut Part,
    bytes: usize,
    timeout_ns: i64,
) -> c_int {
    // SAFETY: the manual asks for a structure that no other thread uses, or NULL.
    let part = unsafe { argument::exclusive(part) };
    done(part.and_then(|part| {
        let wait = |part: &_| wait_for(part, bytes, Timeout::from_nanos(timeout_ns));
        // SAFETY: as in `ringbuf_broadcast_part_look`.
        unsafe { part.look(wait) }
    }))
}

/// Stops looking at a message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_part_release(part: *mut Part) -> c_int {
    // SAFETY: the manual asks for a structure that no other thread uses, or NULL.
    let part = unsafe { argument::exclusive(part) };
    // SAFETY: as in `ringbuf_broadcast_part_look`.
    done(part.and_then(|part| unsafe { part.token.take::<bytes::Part>() }.map(drop)))
}
