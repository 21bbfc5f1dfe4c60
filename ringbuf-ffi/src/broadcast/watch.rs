//! `struct ringbuf_broadcast_watch`: the subscribers of a broadcast ring, one by one.
//!
//! Unsafe code here trusts the caller to pass what the manual asks for.
#![expect(
    clippy::missing_safety_doc,
    reason = "include/ringbuf.h is the manual: it says what each pointer must be"
)]

use crate::argument;
use crate::broadcast::join::{DELIVERY_LATEST, DELIVERY_LOSSLESS, DELIVERY_LOSSY};
use crate::error::{Errno, code, done};
use crate::stat::{Told, fill, presence, unfenced};
use libc::{c_char, c_int};
use ringbuf_shm::broadcast::Delivery;
use ringbuf_shm::{Kind, Options, Ring, SubscriberStats};
use std::mem::size_of;

/// `RINGBUF_DELIVERY_NONE`
pub const DELIVERY_NONE: u32 = 0;

/// `struct ringbuf_broadcast_watch`, which C sees from outside only.
#[derive(Debug)]
pub struct Watch {
    ring: Ring,
    /// What was seen at the last look.
    seen: Option<Vec<SubscriberStats>>,
}

impl Watch {
    fn new(ring: Ring) -> Result<Self, Errno> {
        match ring.kind() {
            Kind::Broadcast => Ok(Self { ring, seen: None }),
            _ => Err(Errno::PROTOCOL),
        }
    }

    /// Looks; how many subscribers there are.
    fn look(&mut self) -> Result<c_int, Errno> {
        let found = self.ring.broadcast_stats()?.subscribers;
        let count = c_int::try_from(found.len()).map_err(|_| Errno::INVALID)?;
        self.seen = Some(found);
        Ok(count)
    }
}

/// `struct ringbuf_broadcast_peer_stat`, as the header has it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct PeerStat {
    /// Bytes of this structure, as the caller knows it.
    pub size: u32,
    /// Its row.
    pub row: u32,
    /// `RINGBUF_PEER_ALIVE` and the others.
    pub presence: u32,
    /// How often the seat was taken.
    pub incarnation: u32,
    /// The process id of the last holder, as it saw itself.
    pub pid: u32,
    /// `RINGBUF_DELIVERY_LOSSLESS` and the others.
    pub delivery: u32,
    /// 1 if the publisher does not wait for it any longer, and it has not noticed yet.
    pub evicted: u32,
    /// Sleeps of a millisecond at most, for want of the kernel's barrier.
    pub unfenced: u32,
    /// When the seat was taken, by the monotonic clock.
    pub since_ns: u64,
    /// How often it asked the kernel to let it sleep.
    pub sleeps: u64,
    /// How often it asked the kernel to wake the publisher.
    pub wakes: u64,
    /// How often it asked the kernel whether others live.
    pub probes: u64,
    /// The position that it reads next.
    pub position: u64,
    /// Messages published that it has neither read nor lost.
    pub lag: u64,
    /// Messages that it lost since it joined.
    pub lost: u64,
    /// Messages that it passed by because they were broken off.
    pub broken: u64,
    /// How many messages it may hold at a time.
    pub views: u64,
    /// How many it holds.
    pub held: u64,
}

const SIZE_FIRST: usize = 112;
const _: () = assert!(size_of::<PeerStat>() >= SIZE_FIRST);

// SAFETY: numbers only, and as long as they are together.
unsafe impl Told for PeerStat {
    const SIZE_FIRST: usize = SIZE_FIRST;

    fn set_size(&mut self, size: u32) {
        self.size = size;
    }
}

impl PeerStat {
    fn of(subscriber: &SubscriberStats) -> Self {
        let peer = &subscriber.peer;
        Self {
            size: 0,
            row: peer.row,
            presence: presence(peer.presence),
            incarnation: peer.incarnation,
            pid: peer.pid,
            delivery: match subscriber.delivery {
                None => DELIVERY_NONE,
                Some(Delivery::Lossless) => DELIVERY_LOSSLESS,
                Some(Delivery::Lossy) => DELIVERY_LOSSY,
                Some(Delivery::Latest) => DELIVERY_LATEST,
            },
            evicted: subscriber.evicted.into(),
            unfenced: unfenced(peer),
            since_ns: peer.since,
            sleeps: peer.sleeps,
            wakes: peer.wakes,
            probes: peer.probes,
            position: subscriber.position,
            lag: subscriber.lag,
            lost: subscriber.lost,
            broken: subscriber.broken,
            views: subscriber.views,
            held: subscriber.held,
        }
    }
}

/// Opens the broadcast ring of this name to look at it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_watch_open(
    name: *const c_char,
    out: *mut *mut Watch,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for text, or NULL.
        let name = unsafe { argument::name(name) }?;
        Watch::new(Ring::open(name)?)
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Opens the broadcast ring behind a descriptor to look at it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_watch_open_fd(fd: c_int, out: *mut *mut Watch) -> c_int {
    let make = || {
        // SAFETY: the manual asks for a descriptor that stays open during the call.
        let file = unsafe { argument::descriptor(fd) }?;
        Watch::new(Ring::from_fd_with(file, &Options::new())?)
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Closes the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_watch_close(watch: *mut Watch) -> c_int {
    // SAFETY: the manual asks for a handle that was not closed, or NULL.
    done(unsafe { argument::take_back(watch) })
}

/// Looks at all subscribers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_watch_look(watch: *mut Watch) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let watch = unsafe { argument::exclusive(watch) };
    code(watch.and_then(Watch::look))
}

/// Fills in what was seen of a subscriber.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_watch_peer(
    watch: *const Watch,
    index: u32,
    stat: *mut PeerStat,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let watch = unsafe { argument::shared(watch) };
    let find = || {
        let seen = watch?.seen.as_ref().ok_or(Errno::INVALID)?;
        seen.get(index as usize).map(PeerStat::of).ok_or(Errno::INVALID)
    };
    // SAFETY: the manual asks for a structure as its size says, or NULL.
    done(unsafe { fill(stat, find) })
}
