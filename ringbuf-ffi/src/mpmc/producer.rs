//! `struct ringbuf_mpmc_producer`: the calls on a writing end of a ring of many.
//!
//! Unsafe code here trusts the caller to pass what the manual asks for.
#![expect(
    clippy::missing_safety_doc,
    reason = "include/ringbuf.h is the manual: it says what each pointer must be"
)]

use super::lent::Claim;
use super::stat::Stat;
use crate::argument::{self, Timeout};
use crate::asked::Asked;
use crate::error::{Errno, code, done};
use crate::options::Options;
use crate::stat;
use libc::{c_char, c_int, c_void};
use ringbuf_shm::mpmc::bytes;
use ringbuf_shm::{ClaimError, Kind, Ring};
use std::os::fd::{AsFd, AsRawFd};

/// `struct ringbuf_mpmc_producer`, which C sees from outside only.
#[derive(Debug)]
pub struct Producer {
    seat: bytes::Producer,
}

impl Producer {
    #[inline]
    pub(super) fn claim(
        &mut self,
        length: usize,
        timeout: Timeout,
    ) -> Result<bytes::Claim, ClaimError> {
        if length > self.seat.slot_size() {
            return Err(ClaimError::TooLong);
        }
        match timeout {
            Timeout::Not => self.seat.try_claim(),
            Timeout::Forever => self.seat.claim(),
            Timeout::AtMost(most) => self.seat.claim_timeout(most),
        }
    }

    fn flush(&mut self, timeout: Timeout) -> Result<(), Errno> {
        let flushed = match timeout.most() {
            Some(most) => self.seat.flush_timeout(most),
            None => self.seat.flush(),
        };
        match flushed {
            Err(ClaimError::TimedOut) => Err(timeout.over()),
            other => Ok(other?),
        }
    }
}

/// Makes a ring of this name and takes a seat on it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_producer_create(
    name: *const c_char,
    options: *const Options,
    out: *mut *mut Producer,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for text, or NULL.
        let name = unsafe { argument::name(name) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read_bytes(options, Kind::Mpmc) }?;
        let seat = bytes::Producer::create(name, &asked.create).map_err(Errno::creating)?;
        Ok(Producer { seat })
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Takes a seat on the ring of this name, which is made if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_producer_create_or_open(
    name: *const c_char,
    options: *const Options,
    out: *mut *mut Producer,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for text, or NULL.
        let name = unsafe { argument::name(name) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read_bytes(options, Kind::Mpmc) }?;
        let seat = bytes::Producer::create_or_open(name, &asked.create).map_err(Errno::creating)?;
        Ok(Producer { seat })
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Makes a ring without a name and takes a seat on it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_producer_create_unnamed(
    options: *const Options,
    out: *mut *mut Producer,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read_bytes(options, Kind::Mpmc) }?;
        let seat = bytes::Producer::create_unnamed(&asked.create).map_err(Errno::creating)?;
        Ok(Producer { seat })
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Takes a seat on the ring of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_producer_open(
    name: *const c_char,
    options: *const Options,
    out: *mut *mut Producer,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for text, or NULL.
        let name = unsafe { argument::name(name) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read_or_default(options, Kind::Mpmc) }?;
        let seat = bytes::Producer::open_with(name, &asked.open)?;
        Ok(Producer { seat })
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Takes a seat on the ring behind a descriptor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_producer_open_fd(
    fd: c_int,
    options: *const Options,
    out: *mut *mut Producer,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for a descriptor that stays open during the call.
        let file = unsafe { argument::descriptor(fd) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read_or_default(options, Kind::Mpmc) }?;
        let ring = Ring::from_fd_with(file, &asked.open)?;
        let seat = bytes::Producer::attach_with(&ring, &asked.open)?;
        Ok(Producer { seat })
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Closes the handle; what is open stays so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_producer_close(producer: *mut Producer) -> c_int {
    // SAFETY: the manual asks for a handle that was not closed, or NULL.
    done(unsafe { argument::take_back(producer) })
}

/// Claims room for a message, to be written in place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_producer_claim(
    producer: *mut Producer,
    length: usize,
    timeout_ns: i64,
    claim: *mut Claim,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let producer = unsafe { argument::exclusive(producer) };
    // SAFETY: the manual asks for a place for the claim, or NULL.
    let place = unsafe { argument::place(claim) };
    done(producer.and_then(|producer| {
        let place = place?;
        let claim = producer.claim(length, Timeout::from_nanos(timeout_ns))?;
        place.write(Claim::new(claim, length));
        Ok(())
    }))
}

/// Waits until everything that is in the ring now is gone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_producer_flush(
    producer: *mut Producer,
    timeout_ns: i64,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let producer = unsafe { argument::exclusive(producer) };
    done(producer.and_then(|producer| producer.flush(Timeout::from_nanos(timeout_ns))))
}

/// Waits until a consumer sits on the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_producer_wait_for_peer(
    producer: *mut Producer,
    timeout_ns: i64,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let producer = unsafe { argument::exclusive(producer) };
    done(producer.and_then(|producer| {
        let timeout = Timeout::from_nanos(timeout_ns);
        let came = producer.seat.wait_for_peer(timeout.most())?;
        if came { Ok(()) } else { Err(timeout.over()) }
    }))
}

/// Chooses the lane that is written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_producer_set_lane(
    producer: *mut Producer,
    lane: u32,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let producer = unsafe { argument::exclusive(producer) };
    done(producer.and_then(|producer| Ok(producer.seat.set_lane(lane)?)))
}

/// The descriptor of the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_producer_fd(producer: *const Producer) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let producer = unsafe { argument::shared(producer) };
    code(producer.map(|it| it.seat.ring().as_fd().as_raw_fd()))
}

/// The longest message of the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_producer_length_max(
    producer: *const Producer,
    length: *mut usize,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let producer = unsafe { argument::shared(producer) };
    // SAFETY: the manual asks for a place for the length, or NULL.
    let place = unsafe { argument::place(length) };
    done(producer.and_then(|it| place.map(|place| _ = place.write(it.seat.slot_size()))))
}

/// Copies the metadata of the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_producer_metadata(
    producer: *const Producer,
    buffer: *mut c_void,
    capacity: usize,
    length: *mut usize,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let producer = unsafe { argument::shared(producer) };
    done(producer.and_then(|it| {
        // SAFETY: the manual asks for a buffer of this capacity, or NULL, and for a
        // place for the length, or NULL.
        unsafe { argument::copy_out(it.seat.ring().metadata(), buffer, capacity, length) }
    }))
}

/// Fills in what the ring can tell about itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_mpmc_producer_stat(
    producer: *const Producer,
    stat: *mut Stat,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let producer = unsafe { argument::shared(producer) };
    done(producer.and_then(|it| {
        // SAFETY: the manual asks for a structure as its size says, or NULL.
        unsafe { stat::fill(stat, || Stat::of(it.seat.ring())) }
    }))
}
