//! `struct ringbuf_mpmc_watch`: the lanes and peers of a ring of many, one by one, and for
//! how long slots are held.
//!
//! Unsafe code here trusts the caller to pass what the manual asks for.
#![expect(
    clippy::missing_safety_doc,
    reason = "include/ringbuf.h is the manual: it says what each pointer must be"
)]

use crate::argument;
use crate::error::{Errno, code, done};
use crate::stat::{Told, fill, presence, unfenced};
use libc::{c_char, c_int};
use ringbuf_shm::{Kind, LaneStats, MpmcStats, MpmcWatch, Options, PeerStats, Ring};
use std::mem::size_of;

/// `RINGBUF_SIDE_PRODUCER`
pub const SIDE_PRODUCER: u32 = 0;
/// `RINGBUF_SIDE_CONSUMER`
pub const SIDE_CONSUMER: u32 = 1;

/// `struct ringbuf_mpmc_watch`, which C sees from outside only.
#[derive(Debug)]
pub struct Watch {
    watch: MpmcWatch,
    /// What was seen at the last look.
    seen: Option<MpmcStats>,
}

impl Watch {
    fn new(ring: &Ring) -> Result<Self, Errno> {
        match ring.kind() {
            Kind::Mpmc => Ok(Self { watch: MpmcWatch::new(ring), seen: None }),
            _ => Err(Errno::PROTOCOL),
        }
    }

    /// Looks; how many peers there are.
    fn look(&mut self) -> Result<c_int, Errno> {
        let stats = self.watch.look()?;
        let peers = stats.producers.len() + stats.consumers.len();
        self.seen = Some(stats);
        c_int::try_from(peers).map_err(|_| Errno::INVALID)
    }

    fn seen(&self) -> Result<&MpmcStats, Errno> {
        self.seen.as_ref().ok_or(Errno::INVALID)
    }
}

/// `struct ringbuf_mpmc_lane_stat`, as the header has it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct LaneStat {
    /// Bytes of this structure, as the caller knows it.
    pub size: u32,
    /// Its number.
    pub lane: u32,
    /// Slots claimed so far, about.
    pub claimed: u64,
    /// Places passed by readers so far, about.
    pub read: u64,
    /// Slots in use, about.
    pub used: u64,
    /// The most slots that ever were in use at once, about.
    pub high_water: u64,
    /// Slots free for a message.
    pub free: u64,
    /// Slots that are being written.
    pub writing: u64,
    /// Slots with a message that nobody has taken.
    pub ready: u64,
    /// Slots with a message that a consumer was shown and has not released.
    pub reading: u64,
    /// Slots with a message whose consumer died.
    pub orphans: u64,
}

/// `struct ringbuf_mpmc_peer_stat`, as the header has it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct PeerStat {
    /// Bytes of this structure, as the caller knows it.
    pub size: u32,
    /// `RINGBUF_SIDE_PRODUCER` or `RINGBUF_SIDE_CONSUMER`.
    pub side: u32,
    /// Its row.
    pub row: u32,
    /// `RINGBUF_PEER_ALIVE` and the others.
    pub presence: u32,
    /// How often the seat was taken.
    pub incarnation: u32,
    /// The process id of the last holder, as it saw itself.
    pub pid: u32,
    /// When the seat was taken, by the monotonic clock.
    pub since_ns: u64,
    /// How often it asked the kernel to let it sleep.
    pub sleeps: u64,
    /// How often it asked the kernel to wake others.
    pub wakes: u64,
    /// How often it asked the kernel whether others live.
    pub probes: u64,
    /// Slots that it is writing or reading, in all lanes.
    pub holds: u64,
    /// A bit for each lane in which it holds any.
    pub lanes: u64,
    /// For how long at least it has held the oldest of them.
    pub held_ns: u64,
    /// Slots that earlier ones on its row held when they died.
    pub left: u64,
    /// Sleeps of a millisecond at most, for want of the kernel's barrier.
    pub unfenced: u32,
    /// 0.
    pub reserved: u32,
}

const LANE_SIZE_FIRST: usize = 80;
const PEER_SIZE_FIRST: usize = 88;
const _: () = assert!(size_of::<LaneStat>() >= LANE_SIZE_FIRST);
const _: () = assert!(size_of::<PeerStat>() >= PEER_SIZE_FIRST);

// SAFETY: numbers only, and as long as they are together.
unsafe impl Told for LaneStat {
    const SIZE_FIRST: usize = LANE_SIZE_FIRST;

    fn set_size(&mut self, size: u32) {
        self.size = size;
    }
}

// SAFETY: numbers only, and as long as they are together.
unsafe impl Told for PeerStat {
    const SIZE_FIRST: usize = PEER_SIZE_FIRST;

    fn set_size(&mut self, size: u32) {
        self.size = size;
    }
}

impl LaneStat {
    fn of(lane: u32, stats: &LaneStats) -> Self {
        Self {
            size: 0,
            lane,
            claimed: stats.claimed,
            read: stats.read,
            used: stats.used,
            high_water: stats.high_water,
            free: stats.free,
            writing: stats.writing,
            ready: stats.full,
            reading: stats.reading,
            orphans: stats.orphans,
        }
    }
}

impl PeerStat {
    fn of(side: u32, peer: &PeerStats, stats: &MpmcStats) -> Self {
        let mut found = Self {
            size: 0,
            side,
            row: peer.row,
            presence: presence(peer.presence),
            incarnation: peer.incarnation,
            pid: peer.pid,
            since_ns: peer.since,
            sleeps: peer.sleeps,
            wakes: peer.wakes,
            probes: peer.probes,
            holds: 0,
            lanes: 0,
            held_ns: 0,
            left: 0,
            unfenced: unfenced(peer),
            reserved: 0,
        };
        for (lane, stats) in stats.lanes.iter().enumerate() {
            for holder in stats.holders.iter().filter(|holder| holder.row == peer.row) {
                if holder.incarnation == peer.incarnation {
                    found.holds += holder.slots;
                    found.lanes |= 1 << lane;
                    let longest = u64::try_from(holder.longest.as_nanos()).unwrap_or(u64::MAX);
                    found.held_ns = found.held_ns.max(longest);
                } else {
                    found.left += holder.slots;
                }
            }
        }
        found
    }
}

/// Opens the ring of this name to look at it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_watch_open(
    name: *const c_char,
    out: *mut *mut Watch,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for text, or NULL.
        let name = unsafe { argument::name(name) }?;
        Watch::new(&Ring::open(name)?)
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Opens the ring behind a descriptor to look at it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_watch_open_fd(fd: c_int, out: *mut *mut Watch) -> c_int {
    let make = || {
        // SAFETY: the manual asks for a descriptor that stays open during the call.
        let file = unsafe { argument::descriptor(fd) }?;
        Watch::new(&Ring::from_fd_with(file, &Options::new())?)
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Closes the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_watch_close(watch: *mut Watch) -> c_int {
    // SAFETY: the manual asks for a handle that was not closed, or NULL.
    done(unsafe { argument::take_back(watch) })
}

/// Looks at all slots and peers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_watch_look(watch: *mut Watch) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let watch = unsafe { argument::exclusive(watch) };
    code(watch.and_then(Watch::look))
}

/// Fills in what was seen of a lane.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_watch_lane(
    watch: *const Watch,
    lane: u32,
    stat: *mut LaneStat,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let watch = unsafe { argument::shared(watch) };
    let find = || {
        let found = watch?.seen()?.lanes.get(lane as usize);
        found.map(|stats| LaneStat::of(lane, stats)).ok_or(Errno::INVALID)
    };
    // SAFETY: the manual asks for a structure as its size says, or NULL.
    done(unsafe { fill(stat, find) })
}

/// Fills in what was seen of a peer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_watch_peer(
    watch: *const Watch,
    index: u32,
    stat: *mut PeerStat,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let watch = unsafe { argument::shared(watch) };
    let find = || {
        let stats = watch?.seen()?;
        let producers = stats.producers.iter().map(|peer| (SIDE_PRODUCER, peer));
        let consumers = stats.consumers.iter().map(|peer| (SIDE_CONSUMER, peer));
        let found = producers.chain(consumers).nth(index as usize);
        found.map(|(side, peer)| PeerStat::of(side, peer, stats)).ok_or(Errno::INVALID)
    };
    // SAFETY: the manual asks for a structure as its size says, or NULL.
    done(unsafe { fill(stat, find) })
}
