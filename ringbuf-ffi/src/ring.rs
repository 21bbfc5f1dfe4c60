//! The calls on names: what can be done with a ring without a seat on it.
//!
//! Unsafe code here trusts the caller to pass what the manual asks for.
#![expect(
    clippy::missing_safety_doc,
    reason = "include/ringbuf.h is the manual: it says what each pointer must be"
)]

use crate::argument;
use crate::error::{Errno, done};
use crate::stat::{self, Stat};
use libc::{c_char, c_int};
use ringbuf_shm::Ring;

/// Removes a name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_unlink(name: *const c_char) -> c_int {
    // SAFETY: the manual asks for text, or NULL.
    let name = unsafe { argument::name(name) };
    done(name.and_then(|name| Ok(Ring::unlink(name)?)))
}

/// Fills in what the ring of this name can tell about itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_stat(name: *const c_char, stat: *mut Stat) -> c_int {
    // SAFETY: the manual asks for text, or NULL.
    let name = unsafe { argument::name(name) };
    // SAFETY: the manual asks for a structure as its size says, or NULL.
    done(unsafe { stat::fill(stat, || Stat::of(&Ring::open(name?).map_err(Errno::from)?)) })
}
