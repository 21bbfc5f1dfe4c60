//! `struct ringbuf_stat`: what a ring can tell about itself.
//!
//! Unsafe code here fills the caller's structure.

use crate::error::Errno;
use crate::options::{BYTES, HUGE_PAGES, LOCK_MEMORY, PREFAULT, RECORDS, TYPED};
use ringbuf_shm::{PeerStats, Presence, Ring, Shape};
use std::mem::size_of;
use std::ptr;

/// `RINGBUF_PEER_ABSENT`
pub const PEER_ABSENT: u32 = 0;
/// `RINGBUF_PEER_ALIVE`
pub const PEER_ALIVE: u32 = 1;
/// `RINGBUF_PEER_CLOSED`
pub const PEER_CLOSED: u32 = 2;
/// `RINGBUF_PEER_DEAD`
pub const PEER_DEAD: u32 = 3;

/// The size of the structure in the first version of the ABI, for ever.
const SIZE_FIRST: usize = 208;
/// More than any version will have: what says to be longer is not this structure.
const SIZE_MAX: usize = 4096;

/// `struct ringbuf_peer_stat`, as the header has it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct PeerStat {
    /// `RINGBUF_PEER_ALIVE` and the others.
    pub presence: u32,
    /// How often the seat was taken.
    pub incarnation: u32,
    /// The process id of the last holder, as it saw itself.
    pub pid: u32,
    /// Sleeps of a millisecond at most, for want of the kernel's barrier.
    pub unfenced: u32,
    /// When the seat was taken, by the monotonic clock.
    pub since_ns: u64,
    /// How often this side asked the kernel to let it sleep.
    pub sleeps: u64,
    /// How often this side asked the kernel to wake the other.
    pub wakes: u64,
    /// How often this side asked the kernel whether the other lives.
    pub probes: u64,
}

/// `struct ringbuf_stat`, as the header has it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Stat {
    /// Bytes of this structure, as the caller knows it.
    pub size: u32,
    /// What a message is.
    pub shape: u32,
    /// Slots, or bytes of records.
    pub capacity: u64,
    /// Slots, or bytes of records, in use.
    pub used: u64,
    /// Slots, or bytes of records, that the consumer was shown and has not released.
    pub taken: u64,
    /// Messages committed.
    pub committed: u64,
    /// Messages released.
    pub released: u64,
    /// Messages dropped because a consumer died.
    pub dropped: u64,
    /// Messages delivered again because a consumer died.
    pub redelivered: u64,
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
    /// The producer's side.
    pub producer: PeerStat,
    /// The consumer's side.
    pub consumer: PeerStat,
    /// 16 bytes that no other ring has.
    pub id: [u8; 16],
}

const _: () = assert!(size_of::<Stat>() >= SIZE_FIRST && size_of::<Stat>() <= SIZE_MAX);
const _: () = assert!(size_of::<PeerStat>() == 48);

/// Bytes of the longest message of a ring.
pub(crate) fn length_max(shape: Shape) -> u64 {
    match shape {
        Shape::Slots(slots) | Shape::Ticks(slots) | Shape::Bytes(slots) => slots.size(),
        Shape::Records(records) => records.len_max(),
        // The ring was opened by a handle, which knows its shape.
        _ => 0,
    }
}

/// A presence as C has it.
pub(crate) const fn presence(presence: Presence) -> u32 {
    match presence {
        Presence::Absent => PEER_ABSENT,
        Presence::Alive => PEER_ALIVE,
        Presence::Closed => PEER_CLOSED,
        Presence::Dead => PEER_DEAD,
    }
}

/// How often a peer slept without the kernel's barrier, as far as C counts.
pub(crate) fn unfenced(peer: &PeerStats) -> u32 {
    u32::try_from(peer.unfenced).unwrap_or(u32::MAX)
}

/// A structure that tells something, whose first member is its size.
///
/// # Safety
/// Any bytes are such a structure, and it has no padding.
pub(crate) unsafe trait Told {
    /// The size of the structure in the first version of the ABI, for ever.
    const SIZE_FIRST: usize;

    fn set_size(&mut self, size: u32);
}

// SAFETY: numbers only, and as long as they are together.
unsafe impl Told for Stat {
    const SIZE_FIRST: usize = SIZE_FIRST;

    fn set_size(&mut self, size: u32) {
        self.size = size;
    }
}

/// Fills the caller's structure, as much of it as there is, with what `ring` says.
///
/// # Safety
/// `stat` is NULL, or points to as many bytes as the first four of them say.
pub(crate) unsafe fn fill<T: Told>(
    stat: *mut T,
    ring: impl FnOnce() -> Result<T, Errno>,
) -> Result<(), Errno> {
    if stat.is_null() {
        return Err(Errno::INVALID);
    }
    // SAFETY: every version begins with its size.
    let size = unsafe { ptr::read(stat.cast::<u32>()) } as usize;
    if !(T::SIZE_FIRST..=SIZE_MAX).contains(&size) {
        return Err(Errno::INVALID);
    }
    let known = size.min(size_of::<T>());
    let mut found = ring()?;
    found.set_size(u32::try_from(known).map_err(|_| Errno::INVALID)?);
    // SAFETY: both structures are at least that long, and `found` is our own.
    unsafe { ptr::copy_nonoverlapping((&raw const found).cast::<u8>(), stat.cast(), known) };
    // SAFETY: the caller's structure is at least that long.
    let appended = unsafe { stat.cast::<u8>().add(known) };
    // What a later version appended reads as zero, and `size` says why.
    // SAFETY: the caller's structure is `size` bytes long.
    unsafe { ptr::write_bytes(appended, 0, size - known) };
    Ok(())
}

impl Stat {
    pub(crate) fn of(ring: &Ring) -> Result<Self, Errno> {
        let stats = ring.stats()?;
        Ok(Self {
            size: 0,
            shape: match ring.shape() {
                Shape::Bytes(_) => BYTES,
                Shape::Records(_) => RECORDS,
                _ => TYPED,
            },
            capacity: stats.capacity,
            used: stats.used,
            taken: stats.taken,
            committed: stats.committed,
            released: stats.released,
            dropped: stats.dropped,
            redelivered: stats.redelivered,
            length_max: length_max(ring.shape()),
            memory: ring.file_len(),
            created_ns: ring.created(),
            granted: granted(ring),
            reserved: 0,
            producer: PeerStat::of(&stats.producer),
            consumer: PeerStat::of(&stats.consumer),
            id: ring.id(),
        })
    }
}

impl PeerStat {
    pub(crate) fn of(peer: &PeerStats) -> Self {
        Self {
            presence: presence(peer.presence),
            incarnation: peer.incarnation,
            pid: peer.pid,
            unfenced: unfenced(peer),
            since_ns: peer.since,
            sleeps: peer.sleeps,
            wakes: peer.wakes,
            probes: peer.probes,
        }
    }
}

pub(crate) fn granted(ring: &Ring) -> u32 {
    let granted = ring.granted();
    [
        (granted.prefault, PREFAULT),
        (granted.lock_memory, LOCK_MEMORY),
        (granted.huge_pages, HUGE_PAGES),
    ]
    .into_iter()
    .filter(|(granted, _)| *granted == Some(true))
    .map(|(_, flag)| flag)
    .sum()
}
