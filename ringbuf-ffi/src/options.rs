//! `struct ringbuf_options`: how a ring is made and opened.
//!
//! Unsafe code here says what the structure consists of.

use crate::argument::Asks;
use libc::{c_char, c_void};
use std::mem::{offset_of, size_of};

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
/// `RINGBUF_FULL_FENCE`
pub const FULL_FENCE: u32 = 1 << 7;

pub(crate) const FLAGS: u32 =
    REOPEN | PREFAULT | LOCK_MEMORY | HUGE_PAGES | GROUP | TRUST_OWNER | FAST | FULL_FENCE;
/// The size of the structure in the first version of the ABI, for ever.
const SIZE_FIRST: usize = 80;

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

const _: () = assert!(size_of::<Options>() >= SIZE_FIRST);
const _: () = assert!(offset_of!(Options, size) == 0);

// SAFETY: numbers and pointers only, which may have any value, and no padding.
unsafe impl Asks for Options {
    const SIZE_FIRST: usize = SIZE_FIRST;
}
