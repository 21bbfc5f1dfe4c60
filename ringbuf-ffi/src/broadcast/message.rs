//! `struct ringbuf_broadcast_message`: a message in place.
//!
//! Unsafe code here trusts the caller to pass what the manual asks for.
#![expect(
    clippy::missing_safety_doc,
    reason = "include/ringbuf.h is the manual: it says what each pointer must be"
)]

use crate::argument;
use crate::error::done;
use crate::token::{Kept, Token};
use libc::{c_int, c_void};
use ringbuf_shm::broadcast::bytes::View;

impl Kept for View {}

/// `struct ringbuf_broadcast_message`, as the header has it.
#[derive(Debug)]
#[repr(C)]
pub struct Message {
    /// Where it is, until it is released.
    pub data: *const c_void,
    /// How long it is, in bytes.
    pub length: usize,
    /// Its position among all that were published.
    pub position: u64,
    /// The publisher's own 64 bits.
    pub tag: u64,
    /// When it was committed, or begun, by the monotonic clock.
    pub time_ns: u64,
    /// 0.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
    /// The message itself.
    pub token: Token,
}

impl Message {
    pub(super) fn new(view: View) -> Self {
        Self {
            data: view.as_ptr().cast(),
            length: view.len(),
            position: view.position(),
            tag: view.tag(),
            time_ns: view.time(),
            flags: 0,
            reserved: 0,
            token: Token::keep(view),
        }
    }
}

/// Stops looking at a message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_message_release(message: *mut Message) -> c_int {
    // SAFETY: the manual asks for a structure that no other thread uses, or NULL.
    let message = unsafe { argument::exclusive(message) };
    done(message.and_then(|message| {
        // SAFETY: the manual asks for one that is zero, or that was filled by a read, and
        // was not copied since.
        unsafe { message.token.take::<View>() }.map(drop)
    }))
}
