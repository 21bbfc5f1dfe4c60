//! The immutable part of the file: what a ring is, written once and checked
//! before anything else is believed.
//!
//! It is written and read through the descriptor, never through the mapping, and
//! everything is decided on a private copy.

mod fields;
mod regions;
mod shape;
mod sides;
#[cfg(test)]
mod tests;

use crate::error::OpenError;
use crate::kind::Kind;
use crate::layout::{
    FORMAT_VERSION, HEADER_LEN, HUGE_PAGE, IMMUTABLE_LEN, LOCK_BASE, METADATA_LEN_MAX,
    PUBLISHER_ROWS, SLOT_ALIGNMENT,
};
use fields::{ENDIAN_MARK, MAGIC, WIDTHS, checksum};
pub(crate) use fields::{Header, Region, RegionKind};
use regions::{data_page, regions};
use ringbuf_core::geometry::{GeometryError, Records};
use ringbuf_core::mpmc::Progress;
pub use shape::Shape;
pub(crate) use sides::Sides;
use std::io::ErrorKind::{NotFound, PermissionDenied};
use zerocopy::{FromBytes, FromZeros, IntoBytes};

/// Reads as no boot at all: the kernel would not say which one this is.
const BOOT_UNKNOWN: [u8; 16] = [0xFF; 16];

/// The shape that says by its number that there are neither views nor a pool.
const TICKS: u32 = 2;

/// How the peers of a ring sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sleeper {
    /// On a shared futex, after a short spin.
    Futex,
    /// Never: whoever waits keeps its core busy, and nobody is ever interrupted.
    Spin,
}

/// How a peer that stored something makes sure that it sees who went to sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fence {
    /// With a fence of its own, for every message or batch: some 20 to 80 ns, for the line
    /// is being read by others.
    Full,
    /// With none: who goes to sleep has the kernel interrupt all processors on which a
    /// process runs that has such a ring open, some microseconds for the sleeper.
    ///
    /// A process that opened one ring of this kind can be interrupted so for as long as it
    /// lives, by sleepers on any such ring of the machine.
    Asymmetric,
}

/// What becomes of messages that a consumer was shown and had not released when it died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redelivery {
    /// The next consumer gets them again, flagged.
    Redeliver,
    /// They are dropped, and counted.
    Drop,
}

/// What to do with a ring whose machine was restarted since it was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtherBoot {
    /// Refuse to open it.
    Refuse,
    /// Replace it by an empty ring of the same description.
    Reset,
}

/// Everything that is decided when a ring is created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spec {
    pub(crate) sides: Sides,
    pub(crate) shape: Shape,
    pub(crate) type_name: String,
    pub(crate) type_size: u64,
    pub(crate) type_align: u64,
    pub(crate) metadata: Vec<u8>,
    pub(crate) sleeper: Sleeper,
    pub(crate) fence: Fence,
    pub(crate) redelivery: Redelivery,
    pub(crate) reopen: bool,
    pub(crate) other_boot: OtherBoot,
    pub(crate) first_position: u64,
    pub(crate) huge: bool,
}

/// What a header says, checked, in private memory.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    pub(crate) spec: Spec,
    pub(crate) regions: Vec<Region>,
    pub(crate) file_len: u64,
    pub(crate) created: u64,
    pub(crate) ring_id: [u8; 16],
    pub(crate) boot_id: [u8; 16],
}

impl Description {
    /// A new ring of this kind, made now, on this boot.
    pub(crate) fn new(spec: Spec, created: u64, ring_id: [u8; 16], boot_id: [u8; 16]) -> Self {
        let regions = regions(&spec.sides, &spec.shape, spec.huge);
        let end = regions.last().map_or(0, Region::end);
        let file_len = end.next_multiple_of(data_page(spec.huge));
        Self { spec, regions, file_len, created, ring_id, boot_id }
    }

    /// The region of this kind; a ring has those of its own kind of ring.
    pub(crate) fn region(&self, kind: RegionKind) -> Option<Region> {
        self.regions.iter().copied().find(|region| region.is(kind))
    }

    /// Whether the machine was restarted since this ring was made.
    pub(crate) fn of_other_boot(&self, boot_id: [u8; 16]) -> bool {
        self.boot_id != boot_id && self.boot_id != BOOT_UNKNOWN && boot_id != BOOT_UNKNOWN
    }

    /// The fixed header, but for its checksum.
    fn header(&self) -> Header {
        let spec = &self.spec;
        let mut header = Header::new_zeroed();
        header.magic = MAGIC;
        header.endian = ENDIAN_MARK;
        header.version = FORMAT_VERSION;
        header.word_bits = 64;
        header.header_len = narrow(HEADER_LEN as u64);
        header.kind = match spec.sides.kind() {
            Kind::Spsc => 1,
            Kind::Mpmc => 2,
            Kind::Broadcast => 3,
        };
        header.shape = spec.shape.code();
        header.fence = match spec.fence {
            Fence::Full => 1,
            Fence::Asymmetric => 2,
        };
        header.sleeper = match spec.sleeper {
            Sleeper::Futex => 1,
            Sleeper::Spin => 2,
        };
        header.capacity = spec.shape.capacity();
        match spec.shape {
            Shape::Slots(slots) | Shape::Ticks(slots) | Shape::Bytes(slots) => {
                header.slot_size = slots.size();
                header.stride = slots.stride();
                header.alignment = narrow(slots.alignment());
                header.message_header = narrow(slots.prefix());
            }
            Shape::Records(records) => header.alignment = narrow(records.alignment()),
        }
        header.first_position = spec.first_position;
        header.rows = spec.sides.rows();
        header.widths = WIDTHS;
        header.type_size = spec.type_size;
        header.type_align = spec.type_align;
        header.type_name_len = narrow(spec.type_name.len() as u64);
        header.type_name[..spec.type_name.len()].copy_from_slice(spec.type_name.as_bytes());
        header.metadata_len = narrow(spec.metadata.len() as u64);
        header.redelivery = match spec.redelivery {
            Redelivery::Redeliver => 1,
            Redelivery::Drop => 2,
        };
        header.reopen = if spec.reopen { 2 } else { 1 };
        header.other_boot = match spec.other_boot {
            OtherBoot::Refuse => 1,
            OtherBoot::Reset => 2,
        };
        header.lanes = spec.sides.lanes();
        match spec.sides {
            Sides::Spsc => {}
            Sides::Mpmc { producers, redeliveries_max, progress, .. } => {
                header.producer_rows = producers;
                header.progress = match progress {
                    Progress::Fast => 1,
                    Progress::Strict => 2,
                };
                header.delivery_max = redeliveries_max;
            }
            Sides::Broadcast { views, claims, reader_patience, .. } => {
                header.producer_rows = spec.sides.producer_rows();
                header.views = views;
                header.claims = claims;
                header.reader_patience = reader_patience;
            }
        }
        header.region_count = narrow(self.regions.len() as u64);
        header.lock_base = LOCK_BASE;
        header.file_len = self.file_len;
        header.created = self.created;
        header.boot_id = self.boot_id;
        header.ring_id = self.ring_id;
        header.regions[..self.regions.len()].copy_from_slice(&self.regions);
        header
    }

    /// The bytes of the immutable part.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.header().as_bytes().to_vec();
        bytes.extend_from_slice(&self.spec.metadata);
        bytes.resize(IMMUTABLE_LEN, 0);
        let checksum = checksum(&bytes);
        let at = HEADER_LEN - 4;
        bytes[at..at + 4].copy_from_slice(&checksum.to_ne_bytes());
        bytes
    }

    /// Reads the immutable part of a file that is `file_len` bytes long.
    ///
    /// # Errors
    /// Everything that is wrong with it; see [`OpenError`].
    pub(crate) fn decode(bytes: &[u8], file_len: u64) -> Result<Self, OpenError> {
        if bytes.len() < 16 || bytes[..8] != MAGIC {
            return Err(OpenError::NotARing);
        }
        // The mark and the version are at the same place in every version.
        let mark = u32::from_ne_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
        if mark == ENDIAN_MARK.swap_bytes() {
            return Err(OpenError::Endianness);
        }
        if mark != ENDIAN_MARK {
            return Err(OpenError::Damaged("the byte-order mark"));
        }
        let version = u32::from_ne_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
        if version != FORMAT_VERSION {
            return Err(OpenError::Version { found: version, supported: FORMAT_VERSION });
        }
        if bytes.len() < IMMUTABLE_LEN {
            let expected = IMMUTABLE_LEN as u64;
            return Err(OpenError::Truncated { found: bytes.len() as u64, expected });
        }
        let (header, rest) =
            Header::read_from_prefix(bytes).map_err(|_| OpenError::Damaged("the header"))?;
        if header.checksum != checksum(&bytes[..IMMUTABLE_LEN]) {
            return Err(OpenError::Damaged("the checksum of the header"));
        }
        let found = header.incompatible | header.read_compatible;
        if found != 0 {
            return Err(OpenError::Features { found });
        }
        let spec = header.spec(rest)?;
        let made = Self::new(spec, header.created, header.ring_id, header.boot_id);
        header.agrees_with(&made)?;
        if file_len < made.file_len {
            return Err(OpenError::Truncated { found: file_len, expected: made.file_len });
        }
        if file_len > made.file_len {
            return Err(OpenError::Damaged("the length of the file"));
        }
        Ok(made)
    }
}

impl Header {
    /// Who may attach, as the fields say.
    fn sides(&self) -> Result<Sides, OpenError> {
        match self.kind {
            1 => return Ok(Sides::Spsc),
            2 => {}
            3 => return self.broadcast().map_err(OpenError::Damaged),
            found => return Err(OpenError::Kind { found }),
        }
        let progress = match self.progress {
            1 => Progress::Fast,
            2 => Progress::Strict,
            _ => return Err(OpenError::Unsupported("this kind of progress")),
        };
        // No consumers if there are fewer rows than producers, which is refused.
        let consumers = self.rows.saturating_sub(self.producer_rows);
        Sides::mpmc(self.lanes, self.producer_rows, consumers, self.delivery_max, progress)
            .map_err(OpenError::Damaged)
    }

    fn broadcast(&self) -> Result<Sides, &'static str> {
        if self.producer_rows != PUBLISHER_ROWS {
            return Err("the number of publishers (1)");
        }
        // No subscribers if there are fewer rows than publishers, which is refused.
        let subscribers = self.rows.saturating_sub(self.producer_rows);
        match (self.shape, self.views) {
            (TICKS, 0) => Sides::ticks(subscribers, self.claims, self.reader_patience),
            (TICKS, _) => Err("the number of views (0)"),
            (_, views) => Sides::broadcast(subscribers, views, self.claims, self.reader_patience),
        }
    }

    fn shape(&self, sides: &Sides) -> Result<Shape, OpenError> {
        let shape = match self.shape {
            1 => Shape::slots(sides, self.capacity, self.slot_size, self.type_align),
            TICKS if sides.kind() == Kind::Broadcast => {
                Shape::ticks(self.capacity, self.slot_size, self.type_align)
            }
            // Atomics stand in front of the payloads: aligned ones.
            4 if u64::from(self.alignment) != SLOT_ALIGNMENT => Err(GeometryError::Alignment),
            4 => Shape::bytes(sides, self.capacity, self.slot_size),
            3 if sides.kind() != Kind::Spsc => {
                return Err(OpenError::Unsupported("records for many consumers"));
            }
            3 => Records::new(self.capacity, u64::from(self.alignment)).map(Shape::Records),
            found => return Err(OpenError::Shape { found }),
        };
        shape.map_err(OpenError::Geometry)
    }

    /// The decisions behind the fields, each in its range.
    fn spec(&self, metadata: &[u8]) -> Result<Spec, OpenError> {
        let sides = self.sides()?;
        let shape = self.shape(&sides)?;
        let fence = match self.fence {
            1 => Fence::Full,
            // Nobody sleeps who could call the barrier.
            2 if self.sleeper != 2 => Fence::Asymmetric,
            _ => return Err(OpenError::Unsupported("this fence mode")),
        };
        let sleeper = match self.sleeper {
            1 => Sleeper::Futex,
            2 => Sleeper::Spin,
            _ => return Err(OpenError::Unsupported("this kind of sleeper")),
        };
        let redelivery = match self.redelivery {
            1 => Redelivery::Redeliver,
            2 if sides.kind() != Kind::Broadcast => Redelivery::Drop,
            _ => return Err(OpenError::Unsupported("this redelivery policy")),
        };
        let reopen = match self.reopen {
            1 if sides.kind() != Kind::Mpmc => false,
            2 => true,
            _ => return Err(OpenError::Unsupported("this reopening policy")),
        };
        let other_boot = match self.other_boot {
            1 => OtherBoot::Refuse,
            2 => OtherBoot::Reset,
            _ => return Err(OpenError::Unsupported("this policy for another boot")),
        };
        let (type_size, type_align) = match shape {
            Shape::Slots(slots) | Shape::Ticks(slots) => (slots.size(), self.type_align),
            Shape::Bytes(_) | Shape::Records(_) => (1, 1),
        };
        if (self.type_size, self.type_align) != (type_size, type_align) {
            return Err(OpenError::Damaged("the size of the payload type"));
        }
        if let Shape::Records(records) = shape
            && !self.first_position.is_multiple_of(records.alignment())
        {
            return Err(OpenError::Damaged("the first position"));
        }
        let name = self.type_name.get(..self.type_name_len as usize);
        let type_name = name
            .and_then(|name| std::str::from_utf8(name).ok())
            .ok_or(OpenError::Damaged("the name of the payload type"))?;
        let metadata = metadata
            .get(..self.metadata_len as usize)
            .filter(|metadata| metadata.len() <= METADATA_LEN_MAX)
            .ok_or(OpenError::Damaged("the length of the metadata"))?;
        // The data is the last region; whether all stand where they must is seen later.
        let data = regions(&sides, &shape, false).len() - 1;
        Ok(Spec {
            sides,
            shape,
            type_name: type_name.to_owned(),
            type_size: self.type_size,
            type_align: self.type_align,
            metadata: metadata.to_vec(),
            sleeper,
            fence,
            redelivery,
            reopen,
            other_boot,
            first_position: self.first_position,
            huge: self.regions[data].offset.is_multiple_of(HUGE_PAGE),
        })
    }

    /// What follows from the decisions must be what the file says.
    fn agrees_with(&self, made: &Description) -> Result<(), OpenError> {
        let due = made.header();
        let same = |same: bool, what| if same { Ok(()) } else { Err(OpenError::Damaged(what)) };
        let words = self.word_bits == due.word_bits && self.header_len == due.header_len;
        same(words, "the sizes of words and header")?;
        let slots = (self.slot_size, self.stride, self.alignment, self.message_header);
        let due_slots = (due.slot_size, due.stride, due.alignment, due.message_header);
        same(slots == due_slots, "the stride of the slots")?;
        if self.widths != due.widths {
            return Err(OpenError::Unsupported("these field widths"));
        }
        let rows = (self.rows, self.lock_base, self.lanes) == (due.rows, due.lock_base, due.lanes);
        same(rows, "the rows, locks or lanes")?;
        let count = made.regions.len();
        let regions =
            self.region_count == due.region_count && self.regions[..count] == due.regions[..count];
        same(regions, "the table of regions")?;
        same(self.file_len == due.file_len, "the declared length of the file")
    }
}

/// A number that was checked to fit before the header is made.
fn narrow(value: u64) -> u32 {
    u32::try_from(value).expect("checked when the options were")
}

/// The id of this boot of the machine. Unknown where the system hides it; but not
/// because it had no descriptor left for us.
pub(crate) fn boot_id() -> Result<[u8; 16], OpenError> {
    let text = match std::fs::read_to_string("/proc/sys/kernel/random/boot_id") {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), NotFound | PermissionDenied) => String::new(),
        Err(error) => return Err(OpenError::io("read the id of this boot")(error)),
    };
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    Ok(u128::from_str_radix(&digits, 16).map_or(BOOT_UNKNOWN, u128::to_be_bytes))
}
