//! `struct ringbuf_options`: how a ring is made and opened.
//!
//! Unsafe code here reads the structure.

use crate::error::Errno;
use libc::{c_char, c_void};
use std::mem::{MaybeUninit, offset_of, size_of};
use std::ptr;

/// `RINGBUF_BYTES`
pub const BYTES: u32 = 1;
/// `RINGBUF_RECORDS`
pub const RECORDS: u32 = 2;
/// `RINGBUF_TYPED`, which is only ever reported.
pub const TYPED: u32 = 3;
/// `RINGBUF_SLEEPER_FUTEX`
pub const SLEEPER_FUTEX: u32 = 0;
/// `RINGBUF_SLEEPER_SPIN`
pub const SLEEPER_SPIN: u32 = 1;
/// `RINGBUF_REDELIVERY_REDELIVER`
pub const REDELIVERY_REDELIVER: u32 = 0;
/// `RINGBUF_REDELIVERY_DROP`
pub const REDELIVERY_DROP: u32 = 1;
/// `RINGBUF_OTHER_BOOT_REFUSE`
pub const OTHER_BOOT_REFUSE: u32 = 0;
/// `RINGBUF_OTHER_BOOT_RESET`
pub const OTHER_BOOT_RESET: u32 = 1;
/// `RINGBUF_REOPEN`
pub const REOPEN: u32 = 1 << 0;
/// `RINGBUF_PREFAULT`
pub const PREFAULT: u32 = 1 << 1;
/// `RINGBUF_LOCK_MEMORY`
pub const LOCK_MEMORY: u32 = 1 << 2;
/// `RINGBUF_HUGE_PAGES`
pub const HUGE_PAGES: u32 = 1 << 3;
/// `RINGBUF_GROUP`
pub const GROUP: u32 = 1 << 4;
/// `RINGBUF_TRUST_OWNER`
pub const TRUST_OWNER: u32 = 1 << 5;
/// `RINGBUF_FAST`
pub const FAST: u32 = 1 << 6;

pub(crate) const FLAGS: u32 =
    REOPEN | PREFAULT | LOCK_MEMORY | HUGE_PAGES | GROUP | TRUST_OWNER | FAST;
/// The size of the structure in the first version of the ABI, for ever.
const SIZE_FIRST: usize = 80;
/// More than any version will have: what says to be longer is not this structure.
const SIZE_MAX: usize = 4096;

/// `struct ringbuf_options`, as the header has it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Options {
    /// Bytes of this structure, as the caller knows it.
    pub size: u32,
    /// What a message is.
    pub shape: u32,
    /// Slots, or bytes of records; 0: the default.
    pub capacity: u64,
    /// Bytes of the longest message in a ring of byte slots.
    pub slot_size: u64,
    /// What the address of a record is a multiple of; 0: the default.
    pub record_alignment: u32,
    /// How peers sleep.
    pub sleeper: u32,
    /// What becomes of messages that a dead consumer was shown.
    pub redelivery: u32,
    /// What to do with the ring after a restart of the machine.
    pub other_boot: u32,
    /// `RINGBUF_REOPEN` and what follows it.
    pub flags: u32,
    /// The mode of the file; 0: the default.
    pub mode: u32,
    /// The group of the file, if the flags say that there is one.
    pub group: u32,
    /// Whose rings to open too, if the flags say so.
    pub owner: u32,
    /// The user's own bytes.
    pub metadata: *const c_void,
    /// How many they are.
    pub metadata_length: usize,
    /// The name of the messages' type; NULL: none.
    pub type_name: *const c_char,
    /// Lanes of a ring of many; 0: the default. The first of what version 0.1 had not.
    pub lanes: u32,
    /// Seats for producers of a ring of many; 0: the default.
    pub producers_max: u32,
    /// Seats for consumers of a ring of many; 0: the default.
    pub consumers_max: u32,
    /// How often a message of a ring of many is delivered again; 0: the default.
    pub redeliveries_max: u32,
    /// Seats for subscribers of a broadcast ring; 0: the default.
    pub subscribers_max: u32,
    /// Views of all subscribers of a broadcast ring; 0: the default.
    pub views_max: u32,
    /// How long the publisher of a broadcast ring waits for one; 0: for ever.
    pub reader_patience_ns: u64,
}

const _: () = assert!(size_of::<Options>() >= SIZE_FIRST && size_of::<Options>() <= SIZE_MAX);
const _: () = assert!(offset_of!(Options, size) == 0);

/// The structure as this version knows it.
///
/// A later version appends members whose zero means what there was before. So a
/// shorter structure is taken as if zeros followed, and a longer one if zeros do.
///
/// # Errors
/// EINVAL for a size that is not one of this structure.
///
/// # Safety
/// `options` points to as many bytes as the first four of them say.
pub(crate) unsafe fn copy(options: *const Options) -> Result<Options, Errno> {
    // SAFETY: every version begins with its size.
    let size = unsafe { ptr::read(options.cast::<u32>()) } as usize;
    if !(SIZE_FIRST..=SIZE_MAX).contains(&size) {
        return Err(Errno::INVALID);
    }
    // SAFETY: the caller's structure is `size` bytes long.
    let given = unsafe { std::slice::from_raw_parts(options.cast::<u8>(), size) };
    let (known, appended) = given.split_at(size.min(size_of::<Options>()));
    if appended.iter().any(|&byte| byte != 0) {
        return Err(Errno::INVALID);
    }
    let mut copy = MaybeUninit::<Options>::zeroed();
    // SAFETY: `known` is at most as long as the structure, and `copy` is our own.
    unsafe { ptr::copy_nonoverlapping(known.as_ptr(), copy.as_mut_ptr().cast(), known.len()) };
    // SAFETY: every member may have any value, zero too.
    Ok(unsafe { copy.assume_init() })
}
