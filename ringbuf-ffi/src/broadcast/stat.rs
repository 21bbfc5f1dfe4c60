//! `struct ringbuf_broadcast_stat`: what a broadcast ring can tell about itself.

use crate::argument;
use crate::error::{Errno, done};
use crate::stat::{PeerStat, Told, fill, granted, length_max};
use libc::{c_char, c_int};
use ringbuf_shm::{Presence, Ring};
use std::mem::size_of;

/// `struct ringbuf_broadcast_stat`, as the header has it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Stat {
    /// Bytes of this structure, as the caller knows it.
    pub size: u32,
    /// Subscribers that live.
    pub subscribers: u32,
    /// Messages that the ring keeps.
    pub capacity: u64,
    /// The position of the next message.
    pub position: u64,
    /// The position of the oldest message that is promised to one who joins.
    pub floor: u64,
    /// Messages published, those that were broken off included.
    pub published: u64,
    /// Messages that one who joins can still read.
    pub readable: u64,
    /// Views that subscribers took for themselves.
    pub views: u64,
    /// Messages that are looked at.
    pub held: u64,
    /// Bytes of the longest message.
    pub length_max: u64,
    /// Bytes of memory that the ring takes.
    pub memory: u64,
    /// When the ring was made, nanoseconds since 1970.
    pub created_ns: u64,
    /// What of the flags about memory was granted to the caller's own handle.
    pub granted: u32,
    /// 0.
    pub reserved: u32,
    /// The publisher's side.
    pub publisher: PeerStat,
    /// 16 bytes that no other ring has.
    pub id: [u8; 16],
}

const SIZE_FIRST: usize = 160;
const _: () = assert!(size_of::<Stat>() >= SIZE_FIRST);

// SAFETY: numbers only, and as long as they are together.
unsafe impl Told for Stat {
    const SIZE_FIRST: usize = SIZE_FIRST;

    fn set_size(&mut self, size: u32) {
        self.size = size;
    }
}

impl Stat {
    pub(super) fn of(ring: &Ring) -> Result<Self, Errno> {
        let stats = ring.broadcast_stats()?;
        let subscribers = stats.subscribers.iter().map(|subscriber| &subscriber.peer);
        let alive = subscribers.filter(|peer| peer.presence == Presence::Alive).count();
        Ok(Self {
            size: 0,
            subscribers: u32::try_from(alive).unwrap_or(u32::MAX),
            capacity: ring.shape().capacity(),
            position: stats.position,
            floor: stats.floor,
            published: stats.published,
            readable: stats.readable,
            views: stats.views,
            held: stats.held,
            length_max: length_max(ring.shape()),
            memory: ring.file_len(),
            created_ns: ring.created(),
            granted: granted(ring),
            reserved: 0,
            publisher: PeerStat::of(&stats.publisher),
            id: ring.id(),
        })
    }
}

/// Fills in what the broadcast ring of this name can tell about itself.
///
/// # Safety
/// As include/ringbuf.h says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_stat(name: *const c_char, stat: *mut Stat) -> c_int {
    // SAFETY: the manual asks for text, or NULL.
    let name = unsafe { argument::name(name) };
    // SAFETY: the manual asks for a structure as its size says, or NULL.
    done(unsafe { fill(stat, || Stat::of(&Ring::open(name?).map_err(Errno::from)?)) })
}
