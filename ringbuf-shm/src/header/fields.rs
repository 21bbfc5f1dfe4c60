//! The header as it stands in the file, field by field.

use crate::layout::{HEADER_LEN, TYPE_NAME_LEN_MAX};
use ringbuf_core::peer::{INCARNATION_BITS, ROW_BITS, STATE_BITS};
use std::mem::{offset_of, size_of};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

pub(super) const MAGIC: [u8; 8] = *b"\x89RINGBUF";
/// Stored as this number; reads as another one on a machine of the other byte order.
pub(super) const ENDIAN_MARK: u32 = 0x0A0B_0C0D;
const REGIONS_MAX: usize = 16;
/// Row, incarnation, state, lap.
pub(super) const WIDTHS: [u8; 4] = [12, 17, 3, 32];

const _: () = {
    assert!(WIDTHS[0] as u32 == ROW_BITS);
    assert!(WIDTHS[1] as u32 == INCARNATION_BITS);
    assert!(WIDTHS[2] as u32 == STATE_BITS);
};

/// The fixed header, as it stands in the file. FORMAT.md explains each field.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Clone)]
#[repr(C)]
pub(crate) struct Header {
    pub(super) magic: [u8; 8],
    pub(super) endian: u32,
    pub(super) version: u32,
    pub(super) word_bits: u32,
    pub(super) header_len: u32,
    pub(super) incompatible: u64,
    pub(super) read_compatible: u64,
    pub(super) compatible: u64,
    pub(super) kind: u32,
    pub(super) shape: u32,
    pub(super) fence: u32,
    pub(super) sleeper: u32,
    pub(super) capacity: u64,
    pub(super) slot_size: u64,
    pub(super) stride: u64,
    pub(super) alignment: u32,
    pub(super) message_header: u32,
    pub(super) first_position: u64,
    pub(super) rows: u32,
    /// Bits of row, incarnation, state and lap in the words of peers and slots.
    pub(super) widths: [u8; 4],
    pub(super) type_size: u64,
    pub(super) type_align: u64,
    pub(super) type_name_len: u32,
    pub(super) metadata_len: u32,
    pub(super) redelivery: u32,
    pub(super) reopen: u32,
    pub(super) other_boot: u32,
    pub(super) delivery_max: u32,
    pub(super) lanes: u32,
    pub(super) region_count: u32,
    pub(super) reader_patience: u64,
    pub(super) lock_base: u64,
    pub(super) file_len: u64,
    pub(super) created: u64,
    pub(super) boot_id: [u8; 16],
    pub(super) ring_id: [u8; 16],
    pub(super) producer_rows: u32,
    pub(super) progress: u32,
    pub(super) views: u32,
    pub(super) claims: u32,
    pub(super) reserved_early: [u8; 16],
    pub(super) regions: [Region; REGIONS_MAX],
    pub(super) type_name: [u8; TYPE_NAME_LEN_MAX],
    pub(super) reserved_late: [u8; 3064],
    pub(super) reserved_end: u32,
    pub(super) checksum: u32,
}

/// A part of the file.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Region {
    pub(super) kind: u32,
    pub(super) flags: u32,
    /// Where it begins, in bytes from the start of the file.
    pub(crate) offset: u64,
    /// How long it is, in bytes.
    pub(crate) len: u64,
    /// From one element to the next, in bytes; 0 if it is not an array.
    pub(crate) stride: u64,
}

#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum RegionKind {
    Peers = 1,
    Producer = 2,
    Consumer = 3,
    Events = 4,
    Data = 5,
    Lanes = 6,
    Board = 7,
    Publisher = 8,
    Readers = 9,
    Cells = 10,
    Entries = 11,
}

impl Region {
    pub(super) fn new(kind: RegionKind, offset: u64, len: u64, stride: u64) -> Self {
        Self { kind: kind as u32, flags: 0, offset, len, stride }
    }

    pub(super) fn is(&self, kind: RegionKind) -> bool {
        self.kind == kind as u32
    }

    pub(crate) fn end(&self) -> u64 {
        self.offset + self.len
    }
}

// The second statement of the offsets; the first is FORMAT.md, the third the types.
const _: () = {
    assert!(offset_of!(Header, magic) == 0);
    assert!(offset_of!(Header, endian) == 8);
    assert!(offset_of!(Header, version) == 12);
    assert!(offset_of!(Header, word_bits) == 16);
    assert!(offset_of!(Header, header_len) == 20);
    assert!(offset_of!(Header, incompatible) == 24);
    assert!(offset_of!(Header, read_compatible) == 32);
    assert!(offset_of!(Header, compatible) == 40);
    assert!(offset_of!(Header, kind) == 48);
    assert!(offset_of!(Header, shape) == 52);
    assert!(offset_of!(Header, fence) == 56);
    assert!(offset_of!(Header, sleeper) == 60);
    assert!(offset_of!(Header, capacity) == 64);
    assert!(offset_of!(Header, slot_size) == 72);
    assert!(offset_of!(Header, stride) == 80);
    assert!(offset_of!(Header, alignment) == 88);
    assert!(offset_of!(Header, message_header) == 92);
    assert!(offset_of!(Header, first_position) == 96);
    assert!(offset_of!(Header, rows) == 104);
    assert!(offset_of!(Header, widths) == 108);
    assert!(offset_of!(Header, type_size) == 112);
    assert!(offset_of!(Header, type_align) == 120);
    assert!(offset_of!(Header, type_name_len) == 128);
    assert!(offset_of!(Header, metadata_len) == 132);
    assert!(offset_of!(Header, redelivery) == 136);
    assert!(offset_of!(Header, reopen) == 140);
    assert!(offset_of!(Header, other_boot) == 144);
    assert!(offset_of!(Header, delivery_max) == 148);
    assert!(offset_of!(Header, lanes) == 152);
    assert!(offset_of!(Header, region_count) == 156);
    assert!(offset_of!(Header, reader_patience) == 160);
    assert!(offset_of!(Header, lock_base) == 168);
    assert!(offset_of!(Header, file_len) == 176);
    assert!(offset_of!(Header, created) == 184);
    assert!(offset_of!(Header, boot_id) == 192);
    assert!(offset_of!(Header, ring_id) == 208);
    assert!(offset_of!(Header, producer_rows) == 224);
    assert!(offset_of!(Header, progress) == 228);
    assert!(offset_of!(Header, views) == 232);
    assert!(offset_of!(Header, claims) == 236);
    assert!(offset_of!(Header, reserved_early) == 240);
    assert!(offset_of!(Header, regions) == 256);
    assert!(offset_of!(Header, type_name) == 768);
    assert!(offset_of!(Header, reserved_late) == 1024);
    assert!(offset_of!(Header, reserved_end) == 4088);
    assert!(offset_of!(Header, checksum) == 4092);
    assert!(size_of::<Header>() == HEADER_LEN);

    assert!(offset_of!(Region, kind) == 0);
    assert!(offset_of!(Region, flags) == 4);
    assert!(offset_of!(Region, offset) == 8);
    assert!(offset_of!(Region, len) == 16);
    assert!(offset_of!(Region, stride) == 24);
    assert!(size_of::<Region>() == 32);
};

/// CRC-32 (ISO-HDLC, as in zlib) of the immutable part, its own field left out.
pub(super) fn checksum(immutable: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&immutable[..HEADER_LEN - 4]);
    crc.update(&immutable[HEADER_LEN..]);
    crc.finalize()
}
