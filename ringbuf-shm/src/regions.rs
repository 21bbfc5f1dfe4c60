//! The regions of words, and the words of a message, as they stand in the file.

use crate::layout::{MESSAGE_HEADER_LEN, SLOT_WORDS_LEN};
use crate::native::Native;
use ringbuf_core::broadcast::{PublisherWords, ReaderWords};
use ringbuf_core::event::EventWords;
use ringbuf_core::machine::Line;
use ringbuf_core::mpmc::{LaneWords, Notices};
use ringbuf_core::peer::RowWords;
use ringbuf_core::slot::SlotWords;
use ringbuf_core::spsc::{ConsumerWords, ProducerWords};
use std::mem::{align_of, offset_of, size_of};
use std::sync::atomic::{AtomicU32, AtomicU64};

/// The region of the producer.
#[repr(C)]
pub(crate) struct ProducerRegion {
    pub(crate) words: ProducerWords<Native>,
    pub(crate) native: Native,
}

/// The region of the consumer.
#[repr(C)]
pub(crate) struct ConsumerRegion {
    pub(crate) words: ConsumerWords<Native>,
    pub(crate) native: Native,
}

/// The region of the events.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct EventRegion {
    /// Something to read: the consumer sleeps here.
    pub(crate) data: EventWords<Native>,
    /// Room to write: the producer sleeps here.
    pub(crate) room: EventWords<Native>,
}

/// A row of an `mpmc` or broadcast ring, and what the peer on it counts.
#[repr(C)]
pub(crate) struct PeerRegion {
    pub(crate) words: RowWords<Native>,
    pub(crate) native: Native,
}

/// The region of one lane of an `mpmc` ring.
#[repr(C)]
pub(crate) struct LaneRegion {
    pub(crate) words: LaneWords<Native>,
    /// The most slots that were in use at once, as far as the hints say.
    pub(crate) high_water: Line<AtomicU64>,
}

/// What the peers of an `mpmc` ring tell each other.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct BoardRegion {
    /// A bit for each lane in which there may be something.
    pub(crate) occupied: Line<AtomicU64>,
    /// Changes whenever a peer leaves.
    pub(crate) departures: Line<AtomicU64>,
    reserved: [Line<AtomicU64>; 2],
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
    /// Zero; `mpmc` rings count deliveries beside the slot word.
    pub(crate) deliveries: AtomicU32,
    /// Bytes of payload that may be read; the length, once it is committed. In broadcast
    /// rings, the word of the slot, which says both how many and how far the message is.
    pub(crate) progress: AtomicU64,
    /// Zero but in `mpmc` rings.
    pub(crate) slot: SlotWords<Native>,
    reserved: AtomicU64,
}

// The second statement of the layout; the first is FORMAT.md, the third the types.
const _: () = {
    assert!(size_of::<RowWords<Native>>() == 128);
    assert!(offset_of!(RowWords<Native>, state) == 0);
    assert!(offset_of!(RowWords<Native>, since) == 8);
    assert!(offset_of!(RowWords<Native>, pid) == 16);

    assert!(offset_of!(ProducerRegion, words) == 0);
    assert!(offset_of!(ProducerWords<Native>, tail) == 0);
    assert!(offset_of!(ProducerRegion, native) == 128);

    assert!(offset_of!(ConsumerRegion, words) == 0);
    assert!(offset_of!(ConsumerWords<Native>, head) == 0);
    assert!(offset_of!(ConsumerWords<Native>, taken) == 8);
    assert!(offset_of!(ConsumerWords<Native>, dropping) == 16);
    assert!(offset_of!(ConsumerWords<Native>, dropped) == 24);
    assert!(offset_of!(ConsumerRegion, native) == 128);

    assert!(offset_of!(EventRegion, data) == 0);
    assert!(offset_of!(EventRegion, room) == 128);
    assert!(offset_of!(EventWords<Native>, epoch) == 0);
    assert!(offset_of!(EventWords<Native>, woken) == 4);

    assert!(size_of::<PeerRegion>() == 256);
    assert!(offset_of!(PeerRegion, words) == 0);
    assert!(offset_of!(PeerRegion, native) == 128);

    assert!(size_of::<LaneRegion>() == 512);
    assert!(offset_of!(LaneRegion, words) == 0);
    assert!(offset_of!(LaneWords<Native>, tail) == 0);
    assert!(offset_of!(LaneWords<Native>, head) == 128);
    assert!(offset_of!(LaneWords<Native>, notices) == 256);
    assert!(offset_of!(Notices<Native>, orphans) == 0);
    assert!(offset_of!(Notices<Native>, far) == 8);
    assert!(offset_of!(LaneRegion, high_water) == 384);

    assert!(size_of::<BoardRegion>() == 512);
    assert!(offset_of!(BoardRegion, occupied) == 0);
    assert!(offset_of!(BoardRegion, departures) == 128);
    assert!(offset_of!(BoardRegion, reserved) == 256);

    assert!(size_of::<PublisherWords<Native>>() == 256);
    assert!(offset_of!(PublisherWords<Native>, tail) == 0);
    assert!(offset_of!(PublisherWords<Native>, floor) == 128);

    assert!(size_of::<ReaderWords<Native>>() == 128);
    assert!(align_of::<ReaderWords<Native>>() == 128);
    assert!(offset_of!(ReaderWords<Native>, life) == 0);
    assert!(offset_of!(ReaderWords<Native>, cursor) == 8);
    assert!(offset_of!(ReaderWords<Native>, lost) == 16);
    assert!(offset_of!(ReaderWords<Native>, broken) == 24);
    assert!(offset_of!(ReaderWords<Native>, views) == 32);

    // A cell, and an entry.
    assert!(size_of::<Line<AtomicU64>>() == 128);
    assert!(align_of::<Line<AtomicU64>>() == 128);
    assert!(size_of::<AtomicU64>() == 8);
    assert!(align_of::<AtomicU64>() == 8);

    assert!(size_of::<SlotWords<Native>>() as u64 == SLOT_WORDS_LEN);
    assert!(align_of::<SlotWords<Native>>() == 8);
    assert!(offset_of!(SlotWords<Native>, state) == 0);
    assert!(offset_of!(SlotWords<Native>, fate) == 8);

    assert!(size_of::<MessageWords>() == MESSAGE_HEADER_LEN);
    assert!(align_of::<MessageWords>() == 8);
    assert!(offset_of!(MessageWords, len) == 0);
    assert!(offset_of!(MessageWords, tag) == 8);
    assert!(offset_of!(MessageWords, time) == 16);
    assert!(offset_of!(MessageWords, flags) == 24);
    assert!(offset_of!(MessageWords, deliveries) == 28);
    assert!(offset_of!(MessageWords, progress) == 32);
    assert!(offset_of!(MessageWords, slot) == 40);
    assert!(offset_of!(MessageWords, reserved) == 56);
};
