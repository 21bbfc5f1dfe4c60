//! The regions of words, and the words of a message, as they stand in the file.

use crate::counters::Counters;
use crate::layout::{MESSAGE_HEADER_LEN, SLOT_WORDS_LEN};
use crate::native::Native;
use ringbuf_core::event::EventWords;
use ringbuf_core::peer::RowWords;
use ringbuf_core::spsc::{ConsumerWords, ProducerWords};
use std::mem::{align_of, offset_of, size_of};
use std::sync::atomic::{AtomicU32, AtomicU64};

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

/// A row of an `mpmc` ring, and what the peer on it counts.
#[repr(C)]
pub(crate) struct PeerRegion {
    pub(crate) words: RowWords<Native>,
    pub(crate) counters: Counters,
}

/// A word that no other shares its lines with.
#[repr(C, align(128))]
pub(crate) struct Lone(pub(crate) AtomicU64);

/// The words of a lane of an `mpmc` ring. What they say is a hint: the words of the
/// slots are the truth.
#[repr(C)]
pub(crate) struct LaneWords {
    /// Position to look at first for a slot to write.
    pub(crate) tail: Lone,
    /// Position to look at first for a slot to read.
    pub(crate) head: Lone,
    /// Zero; for strict rings.
    pub(crate) far: Lone,
    /// The most slots that were in use at once.
    pub(crate) high_water: Lone,
}

/// What the peers of an `mpmc` ring tell each other.
#[repr(C)]
pub(crate) struct BoardWords {
    /// Messages that wait for another consumer, since theirs died.
    pub(crate) orphans: Lone,
    /// Rows that are taken.
    pub(crate) occupied: Lone,
    /// How often a peer left, or was found dead.
    pub(crate) departures: Lone,
    reserved: Lone,
}

/// What is said about a slot of an `mpmc` ring.
#[repr(C)]
pub(crate) struct SlotWords {
    /// `[lap 32 | who 29 | state 3]`: the one truth about the slot.
    pub(crate) state: AtomicU64,
    /// `[lap 32 | deliveries 8 | dropped 24]`.
    pub(crate) fate: AtomicU64,
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
    /// Bytes of payload that may be read; the length, once it is committed.
    pub(crate) progress: AtomicU64,
    /// Zero but in `mpmc` rings.
    pub(crate) slot: SlotWords,
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
    assert!(offset_of!(ProducerRegion, counters) == 128);

    assert!(offset_of!(ConsumerRegion, words) == 0);
    assert!(offset_of!(ConsumerWords<Native>, head) == 0);
    assert!(offset_of!(ConsumerWords<Native>, taken) == 8);
    assert!(offset_of!(ConsumerWords<Native>, dropping) == 16);
    assert!(offset_of!(ConsumerWords<Native>, dropped) == 24);
    assert!(offset_of!(ConsumerRegion, counters) == 128);

    assert!(offset_of!(EventRegion, data) == 0);
    assert!(offset_of!(EventRegion, room) == 128);
    assert!(offset_of!(EventWords<Native>, epoch) == 0);
    assert!(offset_of!(EventWords<Native>, woken) == 4);

    assert!(size_of::<PeerRegion>() == 256);
    assert!(offset_of!(PeerRegion, words) == 0);
    assert!(offset_of!(PeerRegion, counters) == 128);

    assert!(size_of::<LaneWords>() == 512);
    assert!(offset_of!(LaneWords, tail) == 0);
    assert!(offset_of!(LaneWords, head) == 128);
    assert!(offset_of!(LaneWords, far) == 256);
    assert!(offset_of!(LaneWords, high_water) == 384);

    assert!(size_of::<BoardWords>() == 512);
    assert!(offset_of!(BoardWords, orphans) == 0);
    assert!(offset_of!(BoardWords, occupied) == 128);
    assert!(offset_of!(BoardWords, departures) == 256);
    assert!(offset_of!(BoardWords, reserved) == 384);

    assert!(size_of::<SlotWords>() as u64 == SLOT_WORDS_LEN);
    assert!(align_of::<SlotWords>() == 8);
    assert!(offset_of!(SlotWords, state) == 0);
    assert!(offset_of!(SlotWords, fate) == 8);

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
