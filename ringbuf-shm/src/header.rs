//! The immutable part of the file: what a ring is, written once and checked
//! before anything else is believed.
//!
//! It is written and read through the descriptor, never through the mapping, and
//! everything is decided on a private copy.

mod fields;
#[cfg(test)]
mod tests;

use crate::error::OpenError;
use crate::layout::{
    FORMAT_VERSION, HEADER_LEN, HUGE_PAGE, IMMUTABLE_LEN, LOCK_BASE, MESSAGE_HEADER_LEN,
    METADATA_LEN_MAX, REGION_ALIGNMENT, SLOT_ALIGNMENT, SPSC_ROWS,
};
use crate::regions::{ConsumerRegion, EventRegion, ProducerRegion};
use fields::{ENDIAN_MARK, MAGIC, WIDTHS, checksum};
pub(crate) use fields::{Header, Region, RegionKind};
use ringbuf_core::geometry::{GeometryError, Records, Slots};
use std::io::ErrorKind::{NotFound, PermissionDenied};
use zerocopy::{FromBytes, FromZeros, IntoBytes};

/// Reads as no boot at all: the kernel would not say which one this is.
const BOOT_UNKNOWN: [u8; 16] = [0xFF; 16];

/// What a message is in this ring, with its sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// Values of one type, side by side.
    Slots(Slots),
    /// Bytes up to a size, each message with its header.
    Bytes(Slots),
    /// Bytes of any length, in place, one behind the other.
    Records(Records),
}

impl Shape {
    fn code(&self) -> u32 {
        match self {
            Self::Slots(_) => 1,
            Self::Records(_) => 3,
            Self::Bytes(_) => 4,
        }
    }

    /// What the shape is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Slots(_) => "slots",
            Self::Bytes(_) => "bytes",
            Self::Records(_) => "records",
        }
    }

    /// Slots, or bytes of a ring of records.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        match self {
            Self::Slots(slots) | Self::Bytes(slots) => slots.capacity(),
            Self::Records(records) => records.capacity(),
        }
    }

    /// Bytes of the whole payload area.
    #[must_use]
    pub fn data_len(&self) -> u64 {
        match self {
            Self::Slots(slots) | Self::Bytes(slots) => slots.data_len(),
            Self::Records(records) => records.capacity(),
        }
    }
}

/// How the peers of a ring sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sleeper {
    /// On a shared futex, after a short spin.
    Futex,
    /// Never: whoever waits keeps its core busy, and nobody pays for a fence.
    Spin,
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
    pub(crate) shape: Shape,
    pub(crate) type_name: String,
    pub(crate) type_size: u64,
    pub(crate) type_align: u64,
    pub(crate) metadata: Vec<u8>,
    pub(crate) sleeper: Sleeper,
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
    pub(crate) regions: [Region; 5],
    pub(crate) file_len: u64,
    pub(crate) created: u64,
    pub(crate) ring_id: [u8; 16],
    pub(crate) boot_id: [u8; 16],
}

impl Description {
    /// A new ring of this kind, made now, on this boot.
    pub(crate) fn new(spec: Spec, created: u64, ring_id: [u8; 16], boot_id: [u8; 16]) -> Self {
        let regions = spsc_regions(&spec);
        // Whole pages, also of the large sizes: the file is mapped to its end.
        let page = if spec.huge { HUGE_PAGE } else { REGION_ALIGNMENT };
        let file_len = regions[4].end().next_multiple_of(page);
        Self { spec, regions, file_len, created, ring_id, boot_id }
    }

    pub(crate) fn region(&self, kind: RegionKind) -> Region {
        self.regions[kind as usize - 1]
    }

    /// Whether the machine was restarted since this ring was made.
    pub(crate) fn of_other_boot(&self, boot_id: [u8; 16]) -> bool {
        self.boot_id != boot_id && self.boot_id != BOOT_UNKNOWN && boot_id != BOOT_UNKNOWN
    }

    /// The bytes of the immutable part.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let spec = &self.spec;
        let mut header = Header::new_zeroed();
        header.magic = MAGIC;
        header.endian = ENDIAN_MARK;
        header.version = FORMAT_VERSION;
        header.word_bits = 64;
        header.header_len = narrow(HEADER_LEN as u64);
        header.kind = 1;
        header.shape = spec.shape.code();
        header.fence = 1;
        header.sleeper = match spec.sleeper {
            Sleeper::Futex => 1,
            Sleeper::Spin => 2,
        };
        header.capacity = spec.shape.capacity();
        match spec.shape {
            Shape::Slots(slots) | Shape::Bytes(slots) => {
                header.slot_size = slots.size();
                header.stride = slots.stride();
                header.alignment = narrow(slots.alignment());
                header.message_header = narrow(slots.prefix());
            }
            Shape::Records(records) => header.alignment = narrow(records.alignment()),
        }
        header.first_position = spec.first_position;
        header.rows = SPSC_ROWS;
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
        header.lanes = 1;
        header.region_count = narrow(self.regions.len() as u64);
        header.lock_base = LOCK_BASE;
        header.file_len = self.file_len;
        header.created = self.created;
        header.boot_id = self.boot_id;
        header.ring_id = self.ring_id;
        header.regions[..self.regions.len()].copy_from_slice(&self.regions);

        let mut bytes = header.as_bytes().to_vec();
        bytes.extend_from_slice(&spec.metadata);
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
    fn slots(&self, prefix: u64) -> Result<Slots, OpenError> {
        Slots::new(self.capacity, self.slot_size, u64::from(self.alignment), prefix)
            .map_err(OpenError::Geometry)
    }

    /// The decisions behind the fields, each in its range.
    fn spec(&self, metadata: &[u8]) -> Result<Spec, OpenError> {
        if self.kind != 1 {
            return Err(OpenError::Kind { found: self.kind });
        }
        let shape = match self.shape {
            1 => Shape::Slots(self.slots(0)?),
            // Atomics stand in front of the payloads: aligned ones.
            4 if u64::from(self.alignment) != SLOT_ALIGNMENT => {
                return Err(OpenError::Geometry(GeometryError::Alignment));
            }
            4 => Shape::Bytes(self.slots(MESSAGE_HEADER_LEN as u64)?),
            3 => Shape::Records(
                Records::new(self.capacity, u64::from(self.alignment))
                    .map_err(OpenError::Geometry)?,
            ),
            found => return Err(OpenError::Shape { found }),
        };
        if self.fence != 1 {
            return Err(OpenError::Unsupported("this fence mode"));
        }
        let sleeper = match self.sleeper {
            1 => Sleeper::Futex,
            2 => Sleeper::Spin,
            _ => return Err(OpenError::Unsupported("this kind of sleeper")),
        };
        let redelivery = match self.redelivery {
            1 => Redelivery::Redeliver,
            2 => Redelivery::Drop,
            _ => return Err(OpenError::Unsupported("this redelivery policy")),
        };
        let reopen = match self.reopen {
            1 => false,
            2 => true,
            _ => return Err(OpenError::Unsupported("this reopening policy")),
        };
        let other_boot = match self.other_boot {
            1 => OtherBoot::Refuse,
            2 => OtherBoot::Reset,
            _ => return Err(OpenError::Unsupported("this policy for another boot")),
        };
        let (type_size, type_align) = match shape {
            Shape::Slots(slots) => (slots.size(), slots.alignment()),
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
        Ok(Spec {
            shape,
            type_name: type_name.to_owned(),
            type_size: self.type_size,
            type_align: self.type_align,
            metadata: metadata.to_vec(),
            sleeper,
            redelivery,
            reopen,
            other_boot,
            first_position: self.first_position,
            huge: self.regions[4].offset.is_multiple_of(HUGE_PAGE),
        })
    }

    /// What follows from the decisions must be what the file says.
    fn agrees_with(&self, made: &Description) -> Result<(), OpenError> {
        if self.word_bits != 64 || self.header_len as usize != HEADER_LEN {
            return Err(OpenError::Damaged("the sizes of words and header"));
        }
        let (size, stride, prefix) = match made.spec.shape {
            Shape::Slots(slots) | Shape::Bytes(slots) => {
                (slots.size(), slots.stride(), slots.prefix())
            }
            Shape::Records(_) => (0, 0, 0),
        };
        let found = (self.slot_size, self.stride, u64::from(self.message_header));
        if found != (size, stride, prefix) {
            return Err(OpenError::Damaged("the stride of the slots"));
        }
        if self.widths != WIDTHS {
            return Err(OpenError::Unsupported("these field widths"));
        }
        if self.rows != SPSC_ROWS || self.lock_base != LOCK_BASE || self.lanes != 1 {
            return Err(OpenError::Damaged("the rows, locks or lanes"));
        }
        let count = made.regions.len();
        if self.region_count as usize != count || self.regions[..count] != made.regions {
            return Err(OpenError::Damaged("the table of regions"));
        }
        if self.file_len != made.file_len {
            return Err(OpenError::Damaged("the declared length of the file"));
        }
        Ok(())
    }
}

/// The regions of an `spsc` ring, in the order in which they stand in the file.
fn spsc_regions(spec: &Spec) -> [Region; 5] {
    let data_alignment = if spec.huge { HUGE_PAGE } else { REGION_ALIGNMENT };
    let stride = match spec.shape {
        Shape::Slots(slots) | Shape::Bytes(slots) => slots.stride(),
        Shape::Records(_) => 0,
    };
    let sizes = [
        (RegionKind::Peers, u64::from(SPSC_ROWS) * 128, 128, REGION_ALIGNMENT),
        (RegionKind::Producer, size_of::<ProducerRegion>() as u64, 0, REGION_ALIGNMENT),
        (RegionKind::Consumer, size_of::<ConsumerRegion>() as u64, 0, REGION_ALIGNMENT),
        (RegionKind::Events, size_of::<EventRegion>() as u64, 128, REGION_ALIGNMENT),
        (RegionKind::Data, spec.shape.data_len(), stride, data_alignment),
    ];
    let mut end = IMMUTABLE_LEN as u64;
    sizes.map(|(kind, len, stride, alignment)| {
        let offset = end.next_multiple_of(alignment);
        end = offset + len;
        Region::new(kind, offset, len, stride)
    })
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
