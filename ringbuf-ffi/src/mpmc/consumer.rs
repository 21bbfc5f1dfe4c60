//! `struct ringbuf_mpmc_consumer`: the calls on a reading end of a ring of many.
//!
//! Unsafe code here trusts the caller to pass what the manual asks for.
#![expect(
    clippy::missing_safety_doc,
    reason = "include/ringbuf.h is the manual: it says what each pointer must be"
)]

use super::lent::Message;
use super::stat::Stat;
use crate::argument::{self, Timeout};
use crate::asked::Asked;
use crate::error::{Errno, code, done};
use crate::options::Options;
use crate::stat;
use libc::{c_char, c_int, c_void};
use ringbuf_shm::mpmc::{Lanes, bytes};
use ringbuf_shm::{Kind, ReadError, Ring};
use std::os::fd::{AsFd, AsRawFd};

/// `RINGBUF_LANES_HIGHEST`
pub const LANES_HIGHEST: u32 = 0;
/// `RINGBUF_LANES_ONLY`
pub const LANES_ONLY: u32 = 1;
/// `RINGBUF_LANES_LOWEST_UP_TO`
pub const LANES_LOWEST_UP_TO: u32 = 2;

/// `struct ringbuf_mpmc_consumer`, which C sees from outside only.
#[derive(Debug)]
pub struct Consumer {
    seat: bytes::Consumer,
}

impl Consumer {
    #[inline]
    pub(super) fn read(&mut self, timeout: Timeout) -> Result<bytes::View, ReadError> {
        match timeout {
            Timeout::Not => self.seat.try_read(),
            Timeout::Forever => self.seat.read(),
            Timeout::AtMost(most) => self.seat.read_timeout(most),
        }
    }
}

/// Makes a ring of this name and takes a seat on it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_consumer_create(
    name: *const c_char,
    options: *const Options,
    out: *mut *mut Consumer,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for text, or NULL.
        let name = unsafe { argument::name(name) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read_bytes(options, Kind::Mpmc) }?;
        let seat = bytes::Consumer::create(name, &asked.create).map_err(Errno::creating)?;
        Ok(Consumer { seat })
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Takes a seat on the ring of this name, which is made if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_consumer_create_or_open(
    name: *const c_char,
    options: *const Options,
    out: *mut *mut Consumer,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for text, or NULL.
        let name = unsafe { argument::name(name) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read_bytes(options, Kind::Mpmc) }?;
        let seat = bytes::Consumer::create_or_open(name, &asked.create).map_err(Errno::creating)?;
        Ok(Consumer { seat })
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Makes a ring without a name and takes a seat on it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_consumer_create_unnamed(
    options: *const Options,
    out: *mut *mut Consumer,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read_bytes(options, Kind::Mpmc) }?;
        let seat = bytes::Consumer::create_unnamed(&asked.create).map_err(Errno::creating)?;
        Ok(Consumer { seat })
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Takes a seat on the ring of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_consumer_open(
    name: *const c_char,
    options: *const Options,
    out: *mut *mut Consumer,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for text, or NULL.
        let name = unsafe { argument::name(name) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read_or_default(options, Kind::Mpmc) }?;
        let seat = bytes::Consumer::open_with(name, &asked.open)?;
        Ok(Consumer { seat })
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Takes a seat on the ring behind a descriptor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_consumer_open_fd(
    fd: c_int,
    options: *const Options,
    out: *mut *mut Consumer,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for a descriptor that stays open during the call.
        let file = unsafe { argument::descriptor(fd) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read_or_default(options, Kind::Mpmc) }?;
        let ring = Ring::from_fd_with(file, &asked.open)?;
        let seat = bytes::Consumer::attach_with(&ring, &asked.open)?;
        Ok(Consumer { seat })
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Closes the handle; what is open stays so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_consumer_close(consumer: *mut Consumer) -> c_int {
    // SAFETY: the manual asks for a handle that was not closed, or NULL.
    done(unsafe { argument::take_back(consumer) })
}

/// Takes the next message, in place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_consumer_read(
    consumer: *mut Consumer,
    timeout_ns: i64,
    message: *mut Message,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let consumer = unsafe { argument::exclusive(consumer) };
    // SAFETY: the manual asks for a place for the message, or NULL.
    let place = unsafe { argument::place(message) };
    done(consumer.and_then(|consumer| {
        let place = place?;
        place.write(Message::new(consumer.read(Timeout::from_nanos(timeout_ns))?));
        Ok(())
    }))
}

/// Waits until a producer sits on the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_consumer_wait_for_peer(
    consumer: *mut Consumer,
    timeout_ns: i64,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let consumer = unsafe { argument::exclusive(consumer) };
    done(consumer.and_then(|consumer| {
        let timeout = Timeout::from_nanos(timeout_ns);
        let came = consumer.seat.wait_for_peer(timeout.most())?;
        if came { Ok(()) } else { Err(timeout.over()) }
    }))
}

/// Chooses the lanes that are read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_consumer_set_lanes(
    consumer: *mut Consumer,
    which: u32,
    lane: u32,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let consumer = unsafe { argument::exclusive(consumer) };
    done(consumer.and_then(|consumer| {
        let lanes = match which {
            LANES_HIGHEST if lane == 0 => Lanes::Highest,
            LANES_ONLY => Lanes::Only(lane),
            LANES_LOWEST_UP_TO => Lanes::LowestUpTo(lane),
            _ => return Err(Errno::INVALID),
        };
        Ok(consumer.seat.set_lanes(lanes)?)
    }))
}

/// The descriptor of the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_consumer_fd(consumer: *const Consumer) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let consumer = unsafe { argument::shared(consumer) };
    code(consumer.map(|it| it.seat.ring().as_fd().as_raw_fd()))
}

/// The longest message of the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_consumer_length_max(
    consumer: *const Consumer,
    length: *mut usize,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let consumer = unsafe { argument::shared(consumer) };
    // SAFETY: the manual asks for a place for the length, or NULL.
    let place = unsafe { argument::place(length) };
    done(consumer.and_then(|it| place.map(|place| _ = place.write(it.seat.slot_size()))))
}

/// Copies the metadata of the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_consumer_metadata(
    consumer: *const Consumer,
    buffer: *mut c_void,
    capacity: usize,
    length: *mut usize,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let consumer = unsafe { argument::shared(consumer) };
    done(consumer.and_then(|it| {
        // SAFETY: the manual asks for a buffer of this capacity, or NULL, and for a
        // place for the length, or NULL.
        unsafe { argument::copy_out(it.seat.ring().metadata(), buffer, capacity, length) }
    }))
}

/// Fills in what the ring can tell about itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_consumer_stat(
    consumer: *const Consumer,
    stat: *mut Stat,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let consumer = unsafe { argument::shared(consumer) };
    done(consumer.and_then(|it| {
        // SAFETY: the manual asks for a structure as its size says, or NULL.
        unsafe { stat::fill(stat, || Stat::of(it.seat.ring())) }
    }))
}
