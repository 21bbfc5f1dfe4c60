//! `struct ringbuf_mpmc_stat`: what a ring of many can tell about itself.

use crate::argument;
use crate::error::{Errno, done};
use crate::stat::{Told, fill, granted, length_max};
use libc::{c_char, c_int};
use ringbuf_shm::{LaneStats, PeerStats, Presence, Ring};
use std::mem::size_of;

/// `struct ringbuf_mpmc_stat`, as the header has it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Stat {
    /// Bytes of this structure, as the caller knows it.
    pub size: u32,
    /// How many lanes there are.
    pub lanes: u32,
    /// Slots of each lane.
    pub capacity: u64,
    /// Slots that are being written, in all lanes.
    pub writing: u64,
    /// Slots with a message that nobody has taken.
    pub ready: u64,
    /// Slots with a message that a consumer was shown and has not released.
    pub reading: u64,
    /// Slots with a message whose consumer died.
    pub orphans: u64,
    /// Messages dropped because consumers died.
    pub dropped: u64,
    /// Messages delivered again because consumers died.
    pub redelivered: u64,
    /// Bytes of the longest message.
    pub length_max: u64,
    /// Bytes of memory that the ring takes.
    pub memory: u64,
    /// When the ring was made, nanoseconds since 1970.
    pub created_ns: u64,
    /// Producers that live.
    pub producers: u32,
    /// Consumers that live.
    pub consumers: u32,
    /// What of the flags about memory was granted to the caller's own handle.
    pub granted: u32,
    /// 0.
    pub reserved: u32,
    /// 16 bytes that no other ring has.
    pub id: [u8; 16],
}

const SIZE_FIRST: usize = 120;
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
        let stats = ring.mpmc_stats()?;
        let sum = |each: fn(&LaneStats) -> u64| stats.lanes.iter().map(each).sum();
        let capacity =
            |lane: &LaneStats| lane.free + lane.writing + lane.full + lane.reading + lane.orphans;
        Ok(Self {
            size: 0,
            lanes: ring.lanes(),
            capacity: stats.lanes.first().map_or(0, capacity),
            writing: sum(|lane| lane.writing),
            ready: sum(|lane| lane.full),
            reading: sum(|lane| lane.reading),
            orphans: sum(|lane| lane.orphans),
            dropped: stats.dropped,
            redelivered: stats.redelivered,
            length_max: length_max(ring.shape()),
            memory: ring.file_len(),
            created_ns: ring.created(),
            producers: alive(&stats.producers),
            consumers: alive(&stats.consumers),
            granted: granted(ring),
            reserved: 0,
            id: ring.id(),
        })
    }
}

fn alive(peers: &[PeerStats]) -> u32 {
    let alive = peers.iter().filter(|peer| peer.presence == Presence::Alive).count();
    u32::try_from(alive).unwrap_or(u32::MAX)
}

/// Fills in what the ring of many of this name can tell about itself.
///
/// # Safety
/// As include/ringbuf.h says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_stat(name: *const c_char, stat: *mut Stat) -> c_int {
    // SAFETY: the manual asks for text, or NULL.
    let name = unsafe { argument::name(name) };
    // SAFETY: the manual asks for a structure as its size says, or NULL.
    done(unsafe { fill(stat, || Stat::of(&Ring::open(name?).map_err(Errno::from)?)) })
}
