//! `struct ringbuf_message`: a message in place.

use libc::c_void;

/// `RINGBUF_REDELIVERED`
pub const REDELIVERED: u32 = 1 << 0;

/// `struct ringbuf_message`, as the header has it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Message {
    /// Where it is, until it is released.
    pub data: *const c_void,
    /// How long it is, in bytes.
    pub length: usize,
    /// The producer's own 64 bits; 0 in a ring of records.
    pub tag: u64,
    /// When it was committed, by the monotonic clock; 0 in a ring of records.
    pub time_ns: u64,
    /// `RINGBUF_REDELIVERED`, or 0.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
}

impl Message {
    /// What C has before the first message: nothing.
    pub(crate) const NONE: Self =
        Self { data: std::ptr::null(), length: 0, tag: 0, time_ns: 0, flags: 0, reserved: 0 };

    #[inline]
    pub(crate) fn new(bytes: &[u8], redelivered: bool) -> Self {
        let flags = if redelivered { REDELIVERED } else { 0 };
        Self { data: bytes.as_ptr().cast(), length: bytes.len(), flags, ..Self::NONE }
    }
}
