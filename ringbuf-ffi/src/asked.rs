//! What the caller asked for in `struct ringbuf_options`, checked, in Rust's own words.
//!
//! Unsafe code here reads what the structure points to.

use crate::argument;
use crate::error::Errno;
use crate::options::{
    BYTES, FAST, FLAGS, FULL_FENCE, GROUP, HUGE_PAGES, LOCK_MEMORY, OTHER_BOOT_REFUSE,
    OTHER_BOOT_RESET, Options, PREFAULT, RECORDS, REDELIVERY_DROP, REDELIVERY_REDELIVER, REOPEN,
    SLEEPER_FUTEX, SLEEPER_SPIN, TRUST_OWNER,
};
use ringbuf_shm::{Fence, Kind, OtherBoot, Progress, Redelivery, Sleeper};
use std::ffi::CStr;
use std::time::Duration;

const MODE_MAX: u32 = 0o777;

/// The shape of a ring that C can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Bytes,
    Records,
}

/// What the caller asked for.
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
    /// What is asked for of a ring of this kind.
    ///
    /// # Errors
    /// EINVAL for anything the manual does not allow.
    ///
    /// # Safety
    /// `options` is NULL, or points to a structure as its `size` says; its pointers
    /// are NULL, or to what the manual says.
    pub(crate) unsafe fn read(options: *const Options, kind: Kind) -> Result<Self, Errno> {
        // SAFETY: as this function demands.
        let options = unsafe { argument::asked(options) }?;
        options.check_kind(kind)?;
        options.check_flags()?;
        let shape = options.shape()?;
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
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// # Safety
    /// As [`read`](Self::read).
    pub(crate) unsafe fn read_or_default(
        options: *const Options,
        kind: Kind,
    ) -> Result<Self, Errno> {
        if options.is_null() {
            let nothing = ringbuf_shm::Options::new();
            return Ok(Self { shape: None, create: nothing.clone(), open: nothing });
        }
        // SAFETY: as this function demands.
        unsafe { Self::read(options, kind) }
    }

    /// As [`read`](Self::read), to make a ring that can only be one of byte slots: this has
    /// to be said.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// # Safety
    /// As [`read`](Self::read).
    pub(crate) unsafe fn read_bytes(options: *const Options, kind: Kind) -> Result<Self, Errno> {
        // SAFETY: as this function demands.
        let asked = unsafe { Self::read(options, kind) }?;
        if asked.shape == Some(Shape::Bytes) { Ok(asked) } else { Err(Errno::INVALID) }
    }
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

    /// Refuses what only rings of another kind have.
    fn check_kind(&self, kind: Kind) -> Result<(), Errno> {
        let many =
            [self.lanes, self.producers_max, self.consumers_max, self.redeliveries_max] != [0; 4];
        let broadcast =
            [self.subscribers_max, self.views_max] != [0; 2] || self.reader_patience_ns != 0;
        let others = match kind {
            Kind::Mpmc => broadcast,
            Kind::Broadcast => many,
            _ => many || broadcast,
        };
        // Only rings of one producer and one consumer have records.
        if others || (kind != Kind::Spsc && self.shape == RECORDS) {
            return Err(Errno::INVALID);
        }
        Ok(())
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
        let (metadata, length) = (self.metadata, self.metadata_length);
        // SAFETY: as this function demands.
        unsafe { argument::bytes(metadata, length, ringbuf_shm::METADATA_LEN_MAX) }
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
        if self.has(FULL_FENCE) {
            options = options.fence(Fence::Full);
        }
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
        if self.subscribers_max != 0 {
            options = options.subscribers_max(self.subscribers_max);
        }
        if self.views_max != 0 {
            options = options.views_max(self.views_max);
        }
        if self.reader_patience_ns != 0 {
            let patience = Duration::from_nanos(self.reader_patience_ns);
            options = options.reader_patience(Some(patience));
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
