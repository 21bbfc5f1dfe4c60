//! `struct ringbuf_options`: how a ring is made and opened.
//!
//! Unsafe code here reads the structure and what it points to.

use crate::error::Errno;
use libc::{c_char, c_void};
use ringbuf_shm::{OtherBoot, Progress, Redelivery, Sleeper};
use std::ffi::CStr;
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

const FLAGS: u32 = REOPEN | PREFAULT | LOCK_MEMORY | HUGE_PAGES | GROUP | TRUST_OWNER | FAST;
const MODE_MAX: u32 = 0o777;
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
}

const _: () = assert!(size_of::<Options>() >= SIZE_FIRST && size_of::<Options>() <= SIZE_MAX);
const _: () = assert!(offset_of!(Options, size) == 0);

/// The shape of a ring that C can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Bytes,
    Records,
}

/// What the caller asked for, checked, in Rust's own words.
#[derive(Debug)]
pub(crate) struct Asked {
    /// `None`: whatever the ring is.
    pub(crate) shape: Option<Shape>,
    /// For making a ring.
    pub(crate) create: ringbuf_shm::Options,
    /// For opening one: what its creator decided is left out.
    pub(crate) open: ringbuf_shm::Options,
}

impl Asked {
    /// # Errors
    /// EINVAL for anything the manual does not allow.
    ///
    /// # Safety
    /// `options` is NULL, or points to a structure as its `size` says; its pointers
    /// are NULL, or to what the manual says.
    pub(crate) unsafe fn read(options: *const Options) -> Result<Self, Errno> {
        if options.is_null() {
            return Err(Errno::INVALID);
        }
        // SAFETY: not NULL, and otherwise as this function demands.
        let options = unsafe { copy(options) }?;
        if options.are_of_many() {
            return Err(Errno::INVALID);
        }
        // SAFETY: as this function demands.
        unsafe { Self::check(&options) }
    }

    /// As [`read`](Self::read), for a ring of many, which is one of byte slots.
    ///
    /// # Safety
    /// As [`read`](Self::read).
    pub(crate) unsafe fn read_many(options: *const Options) -> Result<Self, Errno> {
        if options.is_null() {
            return Err(Errno::INVALID);
        }
        // SAFETY: not NULL, and otherwise as this function demands.
        let options = unsafe { copy(options) }?;
        // SAFETY: as this function demands.
        let asked = unsafe { Self::check(&options) }?;
        match asked.shape {
            Some(Shape::Records) => Err(Errno::INVALID),
            _ => Ok(asked),
        }
    }

    /// # Safety
    /// The pointers in `options` are NULL, or to what the manual says.
    unsafe fn check(options: &Options) -> Result<Self, Errno> {
        let shape = options.shape()?;
        options.check_flags()?;
        let open = {
            // SAFETY: as this function demands.
            let name = unsafe { options.type_name() }?;
            options.for_opening(name)
        };
        // SAFETY: as this function demands.
        let metadata = unsafe { options.metadata() }?;
        let create = options.for_creating(open.clone(), metadata)?;
        Ok(Self { shape, create, open })
    }

    /// As [`read`](Self::read), but NULL means that nothing particular is asked for.
    ///
    /// # Safety
    /// As [`read`](Self::read).
    pub(crate) unsafe fn read_or_default(options: *const Options) -> Result<Self, Errno> {
        if options.is_null() {
            return Ok(Self::nothing());
        }
        // SAFETY: as this function demands.
        unsafe { Self::read(options) }
    }

    /// As [`read_many`](Self::read_many), but NULL means that nothing particular is asked
    /// for.
    ///
    /// # Safety
    /// As [`read`](Self::read).
    pub(crate) unsafe fn read_many_or_default(options: *const Options) -> Result<Self, Errno> {
        if options.is_null() {
            return Ok(Self::nothing());
        }
        // SAFETY: as this function demands.
        unsafe { Self::read_many(options) }
    }

    fn nothing() -> Self {
        let nothing = ringbuf_shm::Options::new();
        Self { shape: None, create: nothing.clone(), open: nothing }
    }
}

/// The structure as this version knows it.
///
/// A later version appends members whose zero means what there was before. So a
/// shorter structure is taken as if zeros followed, and a longer one if zeros do.
///
/// # Safety
/// `options` points to as many bytes as the first four of them say.
unsafe fn copy(options: *const Options) -> Result<Options, Errno> {
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

impl Options {
    fn shape(&self) -> Result<Option<Shape>, Errno> {
        match self.shape {
            0 => Ok(None),
            BYTES if self.record_alignment == 0 => Ok(Some(Shape::Bytes)),
            RECORDS if self.slot_size == 0 => Ok(Some(Shape::Records)),
            _ => Err(Errno::INVALID),
        }
    }

    fn check_flags(&self) -> Result<(), Errno> {
        let unknown = self.flags & !FLAGS != 0;
        let group_unasked = self.group != 0 && self.flags & GROUP == 0;
        let owner_unasked = self.owner != 0 && self.flags & TRUST_OWNER == 0;
        if unknown || group_unasked || owner_unasked || self.mode > MODE_MAX {
            return Err(Errno::INVALID);
        }
        Ok(())
    }

    /// Whether they ask for something that only a ring of many has.
    fn are_of_many(&self) -> bool {
        [self.lanes, self.producers_max, self.consumers_max, self.redeliveries_max] != [0; 4]
    }

    fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// # Safety
    /// The name is NULL or ends with a zero, and stays for `'a`.
    unsafe fn type_name<'a>(&self) -> Result<&'a str, Errno> {
        if self.type_name.is_null() {
            return Ok("");
        }
        // SAFETY: not NULL, and otherwise as this function demands.
        let name = unsafe { CStr::from_ptr(self.type_name) };
        name.to_str().map_err(|_| Errno::INVALID)
    }

    /// # Safety
    /// The metadata is NULL or as long as its length says, and stays for `'a`.
    unsafe fn metadata<'a>(&self) -> Result<&'a [u8], Errno> {
        if self.metadata_length == 0 {
            return Ok(&[]);
        }
        if self.metadata.is_null() {
            return Err(Errno::INVALID);
        }
        if self.metadata_length > ringbuf_shm::METADATA_LEN_MAX {
            return Err(Errno::TOO_LONG);
        }
        // SAFETY: not NULL, and otherwise as this function demands.
        Ok(unsafe { std::slice::from_raw_parts(self.metadata.cast(), self.metadata_length) })
    }

    fn for_opening(&self, type_name: &str) -> ringbuf_shm::Options {
        let options = ringbuf_shm::Options::new()
            .type_name(type_name)
            .prefault(self.has(PREFAULT))
            .lock_memory(self.has(LOCK_MEMORY))
            .huge_pages(self.has(HUGE_PAGES));
        if self.has(TRUST_OWNER) { options.trust_owner(self.owner) } else { options }
    }

    fn for_creating(
        &self,
        opening: ringbuf_shm::Options,
        metadata: &[u8],
    ) -> Result<ringbuf_shm::Options, Errno> {
        let sleeper = match self.sleeper {
            SLEEPER_FUTEX => Sleeper::Futex,
            SLEEPER_SPIN => Sleeper::Spin,
            _ => return Err(Errno::INVALID),
        };
        let redelivery = match self.redelivery {
            REDELIVERY_REDELIVER => Redelivery::Redeliver,
            REDELIVERY_DROP => Redelivery::Drop,
            _ => return Err(Errno::INVALID),
        };
        let other_boot = match self.other_boot {
            OTHER_BOOT_REFUSE => OtherBoot::Refuse,
            OTHER_BOOT_RESET => OtherBoot::Reset,
            _ => return Err(Errno::INVALID),
        };
        let mut options = opening
            .slot_size(self.slot_size)
            .metadata(metadata)
            .sleeper(sleeper)
            .redelivery(redelivery)
            .progress(if self.has(FAST) { Progress::Fast } else { Progress::Strict })
            .other_boot(other_boot)
            .reopen(self.has(REOPEN));
        if self.capacity != 0 {
            options = options.capacity(self.capacity);
        }
        if self.record_alignment != 0 {
            options = options.record_alignment(u64::from(self.record_alignment));
        }
        if self.lanes != 0 {
            options = options.lanes(self.lanes);
        }
        if self.producers_max != 0 {
            options = options.producers_max(self.producers_max);
        }
        if self.consumers_max != 0 {
            options = options.consumers_max(self.consumers_max);
        }
        if self.redeliveries_max != 0 {
            options = options.redeliveries_max(self.redeliveries_max);
        }
        if self.mode != 0 {
            options = options.mode(self.mode);
        }
        if self.has(GROUP) {
            options = options.group(self.group);
        }
        Ok(options)
    }
}
