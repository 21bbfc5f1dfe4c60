//! Where everything stands in the file. FORMAT.md says the same in words.

use crate::header::{Region, RegionKind, Shape, Spec};
use crate::native::Native;
use ringbuf_core::event::EventWords;
use ringbuf_core::peer::RowWords;
use ringbuf_core::spsc::{ConsumerWords, ProducerWords};
use std::mem::{align_of, offset_of, size_of};
use std::sync::atomic::{AtomicU32, AtomicU64};

/// The format this build reads and writes.
pub const FORMAT_VERSION: u32 = 1;
/// Every region begins at a multiple of this, so that a file made on a machine
/// with 4 KiB pages can be mapped on one with 64 KiB pages.
pub(crate) const REGION_ALIGNMENT: u64 = 64 << 10;
/// Where the data begins at a multiple of, in a ring that asks for huge pages.
pub(crate) const HUGE_PAGE: u64 = 2 << 20;
/// Bytes of the fixed header.
pub(crate) const HEADER_LEN: usize = 4096;
/// The most bytes of user metadata; they stand right behind the fixed header.
pub const METADATA_LEN_MAX: usize = 4096;
/// Bytes that are written once, at creation, and covered by the checksum.
pub(crate) const IMMUTABLE_LEN: usize = HEADER_LEN + METADATA_LEN_MAX;
/// The longest name of a payload type, in bytes.
pub const TYPE_NAME_LEN_MAX: usize = 256;
/// Bytes before the payload of a slot of bytes.
pub(crate) const MESSAGE_HEADER_LEN: usize = 64;
/// What byte slots, and so their headers and payloads, stand at multiples of.
pub(crate) const SLOT_ALIGNMENT: u64 = 64;
/// File offset of the first lock byte; the byte of a peer is this plus its `who`.
pub(crate) const LOCK_BASE: u64 = 1 << 56;
/// Rows of an `spsc` ring.
pub(crate) const SPSC_ROWS: u32 = 2;
/// The row of the producer of an `spsc` ring.
pub(crate) const PRODUCER_ROW: u32 = 0;
/// The row of the consumer of an `spsc` ring.
pub(crate) const CONSUMER_ROW: u32 = 1;

/// What one side counts, for people. Each word is stored by the side that owns
/// the region, and may miss the last step of a peer that was killed.
#[repr(C, align(128))]
#[derive(Debug)]
pub(crate) struct Counters {
    /// Messages committed, or released.
    pub(crate) messages: AtomicU64,
    /// How often this side asked the kernel to let it sleep.
    pub(crate) sleeps: AtomicU64,
    /// How often this side asked the kernel to wake the other.
    pub(crate) wakes: AtomicU64,
    /// How often this side asked the kernel whether the other lives.
    pub(crate) probes: AtomicU64,
    /// Messages delivered that a dead consumer had been shown before.
    pub(crate) redelivered: AtomicU64,
}

/// The region of the producer.
#[repr(C)]
pub(crate) struct ProducerRegion {
    pub(crate) words: ProducerWords<Native>,
    pub(crate) counters: Counters,
}

/// The region of the consumer.
#[repr(C)]
pub(crate) struct ConsumerRegion {
    pub(crate) words: ConsumerWords<Native>,
    pub(crate) counters: Counters,
}

/// The region of the events.
#[repr(C)]
pub(crate) struct EventRegion {
    /// Something to read: the consumer sleeps here.
    pub(crate) data: EventWords<Native>,
    /// Room to write: the producer sleeps here.
    pub(crate) room: EventWords<Native>,
}

/// The first bytes of a slot of bytes, in front of its payload.
#[repr(C)]
pub(crate) struct MessageWords {
    /// Bytes of payload.
    pub(crate) len: AtomicU64,
    /// The user's own 64 bits.
    pub(crate) tag: AtomicU64,
    /// When it was committed, nanoseconds of the monotonic clock.
    pub(crate) time: AtomicU64,
    /// Zero; later flags.
    pub(crate) flags: AtomicU32,
    /// How often it was delivered before; kept by `mpmc` rings.
    pub(crate) deliveries: AtomicU32,
    /// Bytes of payload that may be read; the length, once it is committed.
    pub(crate) progress: AtomicU64,
    /// The slot word of `mpmc` rings.
    pub(crate) state: AtomicU64,
    reserved: [AtomicU64; 2],
}

// The second statement of the layout; the first is FORMAT.md, the third the types.
const _: () = {
    assert!(size_of::<RowWords<Native>>() == 128);
    assert!(offset_of!(RowWords<Native>, state) == 0);
    assert!(offset_of!(RowWords<Native>, since) == 8);
    assert!(offset_of!(RowWords<Native>, pid) == 16);

    assert!(offset_of!(ProducerRegion, words) == 0);
    assert!(offset_of!(ProducerWords<Native>, tail) == 0);
    assert!(offset_of!(ProducerRegion, counters) == 128);

    assert!(offset_of!(ConsumerRegion, words) == 0);
    assert!(offset_of!(ConsumerWords<Native>, head) == 0);
    assert!(offset_of!(ConsumerWords<Native>, taken) == 8);
    assert!(offset_of!(ConsumerWords<Native>, dropping) == 16);
    assert!(offset_of!(ConsumerWords<Native>, dropped) == 24);
    assert!(offset_of!(ConsumerRegion, counters) == 128);

    assert!(offset_of!(Counters, messages) == 0);
    assert!(offset_of!(Counters, sleeps) == 8);
    assert!(offset_of!(Counters, wakes) == 16);
    assert!(offset_of!(Counters, probes) == 24);
    assert!(offset_of!(Counters, redelivered) == 32);

    assert!(offset_of!(EventRegion, data) == 0);
    assert!(offset_of!(EventRegion, room) == 128);
    assert!(offset_of!(EventWords<Native>, epoch) == 0);
    assert!(offset_of!(EventWords<Native>, woken) == 4);

    assert!(size_of::<MessageWords>() == MESSAGE_HEADER_LEN);
    assert!(align_of::<MessageWords>() == 8);
    assert!(offset_of!(MessageWords, len) == 0);
    assert!(offset_of!(MessageWords, tag) == 8);
    assert!(offset_of!(MessageWords, time) == 16);
    assert!(offset_of!(MessageWords, flags) == 24);
    assert!(offset_of!(MessageWords, deliveries) == 28);
    assert!(offset_of!(MessageWords, progress) == 32);
    assert!(offset_of!(MessageWords, state) == 40);
    assert!(offset_of!(MessageWords, reserved) == 48);
};

/// The regions of an `spsc` ring, in the order in which they stand in the file.
pub(crate) fn spsc_regions(spec: &Spec) -> [Region; 5] {
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
