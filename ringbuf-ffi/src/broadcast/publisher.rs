//! `struct ringbuf_broadcast_publisher`: the calls on the writing end of a broadcast ring.
//! Those that write are in [`writing`](super::writing).
//!
//! Unsafe code here trusts the caller to pass what the manual asks for.
#![expect(
    clippy::missing_safety_doc,
    reason = "include/ringbuf.h is the manual: it says what each pointer must be"
)]

use super::pool::Pool;
use super::stat::Stat;
use super::writing::Open;
use crate::argument::{self, Timeout};
use crate::asked::Asked;
use crate::error::{Errno, code, done};
use crate::guard::Held;
use crate::options::Options;
use crate::stat;
use libc::{c_char, c_int, c_void};
use ringbuf_shm::broadcast::bytes;
use ringbuf_shm::{Kind, Ring};
use std::os::fd::{AsFd, AsRawFd};

/// `struct ringbuf_broadcast_publisher`, which C sees from outside only.
#[derive(Debug)]
pub struct Publisher {
    pub(super) held: Held<bytes::Publisher>,
    /// How long the open claim is, as it was asked for.
    pub(super) claimed: usize,
    /// The longest message.
    pub(super) slot_size: usize,
    /// To be asked also while a claim is open.
    ring: Ring,
}

impl Publisher {
    fn new(seat: bytes::Publisher) -> Self {
        let (slot_size, ring) = (seat.slot_size(), seat.ring().clone());
        Self { held: Held::new(seat), claimed: 0, slot_size, ring }
    }

    fn wait_for_peer(&mut self, timeout: Timeout) -> Result<(), Errno> {
        let came = self.held.idle()?.wait_for_peer(timeout.most())?;
        if came { Ok(()) } else { Err(timeout.over()) }
    }
}

/// Makes a ring of this name and takes a seat on it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_publisher_create(
    name: *const c_char,
    options: *const Options,
    out: *mut *mut Publisher,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for text, or NULL.
        let name = unsafe { argument::name(name) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read_bytes(options, Kind::Broadcast) }?;
        let seat = bytes::Publisher::create(name, &asked.create).map_err(Errno::creating)?;
        Ok(Publisher::new(seat))
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Takes a seat on the ring of this name, which is made if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_publisher_create_or_open(
    name: *const c_char,
    options: *const Options,
    out: *mut *mut Publisher,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for text, or NULL.
        let name = unsafe { argument::name(name) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read_bytes(options, Kind::Broadcast) }?;
        let seat =
            bytes::Publisher::create_or_open(name, &asked.create).map_err(Errno::creating)?;
        Ok(Publisher::new(seat))
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Makes a ring without a name and takes a seat on it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_publisher_create_unnamed(
    options: *const Options,
    out: *mut *mut Publisher,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read_bytes(options, Kind::Broadcast) }?;
        let seat = bytes::Publisher::create_unnamed(&asked.create).map_err(Errno::creating)?;
        Ok(Publisher::new(seat))
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Takes a seat on the ring of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_publisher_open(
    name: *const c_char,
    options: *const Options,
    out: *mut *mut Publisher,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for text, or NULL.
        let name = unsafe { argument::name(name) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read_or_default(options, Kind::Broadcast) }?;
        let seat = bytes::Publisher::open_with(name, &asked.open)?;
        Ok(Publisher::new(seat))
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Takes a seat on the ring behind a descriptor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_publisher_open_fd(
    fd: c_int,
    options: *const Options,
    out: *mut *mut Publisher,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for a descriptor that stays open during the call.
        let file = unsafe { argument::descriptor(fd) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read_or_default(options, Kind::Broadcast) }?;
        let ring = Ring::from_fd_with(file, &asked.open)?;
        let seat = bytes::Publisher::attach_with(&ring, &asked.open)?;
        Ok(Publisher::new(seat))
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Closes the handle, and what is open on it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_publisher_close(publisher: *mut Publisher) -> c_int {
    // SAFETY: the manual asks for a handle that was not closed, or NULL.
    done(unsafe { argument::take_back(publisher) })
}

/// The position that the next message will have, or that the open one has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_publisher_position(
    publisher: *const Publisher,
    position: *mut u64,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let publisher = unsafe { argument::shared(publisher) };
    // SAFETY: the manual asks for a place for the position, or NULL.
    let place = unsafe { argument::place(position) };
    done(publisher.and_then(|it| {
        let place = place?;
        place.write(it.held.ask(bytes::Publisher::position, |open: &Open<'_>| open.position()));
        Ok(())
    }))
}

/// How often this publisher did not wait any longer for a subscriber.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_publisher_evicted(
    publisher: *const Publisher,
    evicted: *mut u64,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let publisher = unsafe { argument::shared(publisher) };
    // SAFETY: the manual asks for a place for the number, or NULL.
    let place = unsafe { argument::place(evicted) };
    done(publisher.and_then(|it| {
        let place = place?;
        place.write(it.held.idle()?.evicted());
        Ok(())
    }))
}

/// Waits until somebody living sits on the other side.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_publisher_wait_for_peer(
    publisher: *mut Publisher,
    timeout_ns: i64,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let publisher = unsafe { argument::exclusive(publisher) };
    done(publisher.and_then(|it| it.wait_for_peer(Timeout::from_nanos(timeout_ns))))
}

/// The descriptor of the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_publisher_fd(publisher: *const Publisher) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let publisher = unsafe { argument::shared(publisher) };
    code(publisher.map(|it| it.ring.as_fd().as_raw_fd()))
}

/// The longest message of the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_publisher_length_max(
    publisher: *const Publisher,
    length: *mut usize,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let publisher = unsafe { argument::shared(publisher) };
    // SAFETY: the manual asks for a place for the length, or NULL.
    let place = unsafe { argument::place(length) };
    done(publisher.and_then(|it| place.map(|place| _ = place.write(it.slot_size))))
}

/// Copies the metadata of the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_publisher_metadata(
    publisher: *const Publisher,
    buffer: *mut c_void,
    capacity: usize,
    length: *mut usize,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let publisher = unsafe { argument::shared(publisher) };
    done(publisher.and_then(|it| {
        // SAFETY: the manual asks for a buffer of this capacity, or NULL, and for a
        // place for the length, or NULL.
        unsafe { argument::copy_out(it.ring.metadata(), buffer, capacity, length) }
    }))
}

/// Fills in what the slots of the ring cost.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_publisher_pool(
    publisher: *const Publisher,
    pool: *mut Pool,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let publisher = unsafe { argument::shared(publisher) };
    done(publisher.and_then(|it| {
        // SAFETY: the manual asks for a structure as its size says, or NULL.
        unsafe { stat::fill(pool, || Pool::of(&it.ring)) }
    }))
}

/// Fills in what the ring can tell about itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_publisher_stat(
    publisher: *const Publisher,
    stat: *mut Stat,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let publisher = unsafe { argument::shared(publisher) };
    done(publisher.and_then(|it| {
        // SAFETY: the manual asks for a structure as its size says, or NULL.
        unsafe { stat::fill(stat, || Stat::of(&it.ring)) }
    }))
}
