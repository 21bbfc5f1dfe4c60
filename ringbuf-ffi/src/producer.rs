//! `struct ringbuf_producer`: the calls on the writing end of a ring.
//!
//! Unsafe code here trusts the caller to pass what the manual asks for.
#![expect(
    clippy::missing_safety_doc,
    reason = "include/ringbuf.h is the manual: it says what each pointer must be"
)]

use crate::argument::{self, Timeout};
use crate::asked::Asked;
use crate::error::{Errno, code, done};
use crate::handle::{Either, Handle};
use crate::options::Options;
use crate::stat::{self, Stat};
use libc::{c_char, c_int, c_void};
use ringbuf_shm::spsc::{bytes, records};
use ringbuf_shm::{ClaimError, Kind};
use std::os::fd::{AsFd, AsRawFd};

type BytesOrRecords = Handle<bytes::Producer, records::Producer>;

/// `struct ringbuf_producer`, which C sees from outside only.
#[derive(Debug)]
pub struct Producer {
    handle: BytesOrRecords,
    /// How long the open claim is, as it was asked for.
    claimed: usize,
}

impl From<BytesOrRecords> for Producer {
    fn from(handle: BytesOrRecords) -> Self {
        Self { handle, claimed: 0 }
    }
}

impl Producer {
    #[inline]
    fn claim(&mut self, length: usize, timeout: Timeout) -> Result<*mut u8, Errno> {
        let data = match &mut self.handle.seat {
            Either::Bytes(held) => {
                held.open(|producer| claim_slot(producer, length, timeout))?;
                held.look(|claim| claim.as_mut_ptr())
            }
            Either::Records(held) => {
                held.open(|producer| claim_record(producer, length, timeout))?;
                held.look(|claim| claim.as_mut_ptr())
            }
        }?;
        self.claimed = length;
        Ok(data)
    }

    /// A claim that cannot be committed like this stays open.
    #[inline]
    fn commit(&mut self, length: usize, tag: u64) -> Result<(), Errno> {
        let too_long = length > self.claimed;
        match &mut self.handle.seat {
            Either::Bytes(held) => {
                held.look(|claim| claim.set_tag(tag))?;
                if too_long {
                    return Err(Errno::TOO_LONG);
                }
                held.close(|claim| claim.commit(length))??;
            }
            Either::Records(held) => {
                held.look(|_| ())?;
                // A record has no tag.
                if tag != 0 {
                    return Err(Errno::INVALID);
                }
                if too_long {
                    return Err(Errno::TOO_LONG);
                }
                held.close(|claim| claim.commit(length))??;
            }
        }
        Ok(())
    }

    fn abort(&mut self) -> Result<(), Errno> {
        match &mut self.handle.seat {
            Either::Bytes(held) => held.discard(),
            Either::Records(held) => held.discard(),
        }
    }

    fn flush(&mut self, timeout: Timeout) -> Result<(), Errno> {
        let flushed = match (&mut self.handle.seat, timeout.most()) {
            (Either::Bytes(held), Some(most)) => held.idle_mut()?.flush_timeout(most),
            (Either::Bytes(held), None) => held.idle_mut()?.flush(),
            (Either::Records(held), Some(most)) => held.idle_mut()?.flush_timeout(most),
            (Either::Records(held), None) => held.idle_mut()?.flush(),
        };
        match flushed {
            Err(ClaimError::TimedOut) => Err(timeout.over()),
            other => Ok(other?),
        }
    }
}

#[inline]
fn claim_slot(
    producer: &mut bytes::Producer,
    length: usize,
    timeout: Timeout,
) -> Result<bytes::Claim<'_>, ClaimError> {
    if length > producer.slot_size() {
        return Err(ClaimError::TooLong);
    }
    match timeout {
        Timeout::Not => producer.try_claim(),
        Timeout::Forever => producer.claim(),
        Timeout::AtMost(most) => producer.claim_timeout(most),
    }
}

#[inline]
fn claim_record(
    producer: &mut records::Producer,
    length: usize,
    timeout: Timeout,
) -> Result<records::Claim<'_>, ClaimError> {
    match timeout {
        Timeout::Not => producer.try_claim(length),
        Timeout::Forever => producer.claim(length),
        Timeout::AtMost(most) => producer.claim_timeout(length, most),
    }
}

/// Makes a ring of this name and takes a seat on it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_producer_create(
    name: *const c_char,
    options: *const Options,
    out: *mut *mut Producer,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for text, or NULL.
        let name = unsafe { argument::name(name) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read(options, Kind::Spsc) }?;
        Ok(Producer::from(Handle::create(name, &asked)?))
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Takes a seat on the ring of this name, which is made if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_producer_create_or_open(
    name: *const c_char,
    options: *const Options,
    out: *mut *mut Producer,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for text, or NULL.
        let name = unsafe { argument::name(name) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read(options, Kind::Spsc) }?;
        Ok(Producer::from(Handle::create_or_open(name, &asked)?))
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Makes a ring without a name and takes a seat on it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_producer_create_unnamed(
    options: *const Options,
    out: *mut *mut Producer,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read(options, Kind::Spsc) }?;
        Ok(Producer::from(Handle::create_unnamed(&asked)?))
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Takes a seat on the ring of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_producer_open(
    name: *const c_char,
    options: *const Options,
    out: *mut *mut Producer,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for text, or NULL.
        let name = unsafe { argument::name(name) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read_or_default(options, Kind::Spsc) }?;
        Ok(Producer::from(Handle::open(name, &asked)?))
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Takes a seat on the ring behind a descriptor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_producer_open_fd(
    fd: c_int,
    options: *const Options,
    out: *mut *mut Producer,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for a descriptor that stays open during the call.
        let file = unsafe { argument::descriptor(fd) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read_or_default(options, Kind::Spsc) }?;
        Ok(Producer::from(Handle::open_descriptor(file, &asked)?))
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Closes the handle, and what is open on it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_producer_close(producer: *mut Producer) -> c_int {
    // SAFETY: the manual asks for a handle that was not closed, or NULL.
    done(unsafe { argument::take_back(producer) })
}

/// Claims room for a message, to be written in place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_producer_claim(
    producer: *mut Producer,
    length: usize,
    timeout_ns: i64,
    data: *mut *mut c_void,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let producer = unsafe { argument::exclusive(producer) };
    // SAFETY: the manual asks for a place for the pointer, or NULL.
    let place = unsafe { argument::place(data) };
    done(producer.and_then(|producer| {
        let place = place?;
        place.write(producer.claim(length, Timeout::from_nanos(timeout_ns))?.cast());
        Ok(())
    }))
}

/// Publishes the open claim as a message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_producer_commit(
    producer: *mut Producer,
    length: usize,
    tag: u64,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let producer = unsafe { argument::exclusive(producer) };
    done(producer.and_then(|producer| producer.commit(length, tag)))
}

/// Gives the open claim back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_producer_abort(producer: *mut Producer) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let producer = unsafe { argument::exclusive(producer) };
    done(producer.and_then(Producer::abort))
}

/// Waits until the consumer has released everything.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_producer_flush(producer: *mut Producer, timeout_ns: i64) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let producer = unsafe { argument::exclusive(producer) };
    done(producer.and_then(|producer| producer.flush(Timeout::from_nanos(timeout_ns))))
}

/// Waits until somebody living sits on the other side.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_producer_wait_for_peer(
    producer: *mut Producer,
    timeout_ns: i64,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let producer = unsafe { argument::exclusive(producer) };
    done(producer.and_then(|it| it.handle.wait_for_peer(Timeout::from_nanos(timeout_ns))))
}

/// Whether somebody sits on the other side.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_producer_peer(producer: *const Producer) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let producer = unsafe { argument::shared(producer) };
    code(producer.and_then(|it| it.handle.peer()).map(u32::cast_signed))
}

/// The descriptor of the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_producer_fd(producer: *const Producer) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let producer = unsafe { argument::shared(producer) };
    code(producer.map(|it| it.handle.ring().as_fd().as_raw_fd()))
}

/// The longest message of the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_producer_length_max(
    producer: *const Producer,
    length: *mut usize,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let producer = unsafe { argument::shared(producer) };
    // SAFETY: the manual asks for a place for the length, or NULL.
    let place = unsafe { argument::place(length) };
    done(producer.and_then(|it| place.map(|place| _ = place.write(it.handle.length_max()))))
}

/// Copies the metadata of the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_producer_metadata(
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
        unsafe { argument::copy_out(it.handle.ring().metadata(), buffer, capacity, length) }
    }))
}

/// Fills in what the ring can tell about itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_producer_stat(
    producer: *const Producer,
    stat: *mut Stat,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let producer = unsafe { argument::shared(producer) };
    done(producer.and_then(|it| {
        // SAFETY: the manual asks for a structure as its size says, or NULL.
        unsafe { stat::fill(stat, || it.handle.stat()) }
    }))
}
