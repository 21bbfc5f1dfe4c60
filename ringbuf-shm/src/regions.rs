//! The regions of words, and the words of a message, as they stand in the file.

use crate::counters::Counters;
use crate::layout::MESSAGE_HEADER_LEN;
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
