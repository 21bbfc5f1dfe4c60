//! `struct ringbuf_consumer`: the calls on the reading end of a ring.
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
use crate::message::Message;
use crate::options::Options;
use crate::stat::{self, Stat};
use libc::{c_char, c_int, c_void};
use ringbuf_shm::Kind;
use ringbuf_shm::spsc::{Slip, bytes, records};
use std::os::fd::{AsFd, AsRawFd};

/// `RINGBUF_SLIP_NONE`
pub const SLIP_NONE: u32 = 0;
/// `RINGBUF_SLIP_SHORT`
pub const SLIP_SHORT: u32 = 1;
/// `RINGBUF_SLIP_LONG`
pub const SLIP_LONG: u32 = 2;

type BytesOrRecords = Handle<bytes::Consumer, records::Consumer>;

/// `struct ringbuf_consumer`, which C sees from outside only.
#[derive(Debug)]
pub struct Consumer {
    handle: BytesOrRecords,
}

impl From<BytesOrRecords> for Consumer {
    fn from(handle: BytesOrRecords) -> Self {
        Self { handle }
    }
}

impl Consumer {
    #[inline]
    fn read(&mut self, timeout: Timeout) -> Result<Message, Errno> {
        match &mut self.handle.seat {
            Either::Bytes(held) => {
                held.open(|consumer| match timeout {
                    Timeout::Not => consumer.try_read(),
                    Timeout::Forever => consumer.read(),
                    Timeout::AtMost(most) => consumer.read_timeout(most),
                })?;
                held.look(|view| Message {
                    tag: view.tag(),
                    time_ns: view.time(),
                    ..Message::new(view, view.redelivered())
                })
            }
            Either::Records(held) => {
                held.open(|consumer| match timeout {
                    Timeout::Not => consumer.try_read(),
                    Timeout::Forever => consumer.read(),
                    Timeout::AtMost(most) => consumer.read_timeout(most),
                })?;
                held.look(|view| Message::new(view, view.redelivered()))
            }
        }
    }

    fn set_slip(&mut self, slip: u32) -> Result<(), Errno> {
        let slip = match slip {
            SLIP_NONE => Slip::None,
            SLIP_SHORT => Slip::Short,
            SLIP_LONG => Slip::Long,
            _ => return Err(Errno::INVALID),
        };
        match &mut self.handle.seat {
            Either::Bytes(held) => held.idle_mut()?.set_slip(slip),
            Either::Records(held) => held.idle_mut()?.set_slip(slip),
        }
        Ok(())
    }

    #[inline]
    fn release(&mut self) -> Result<(), Errno> {
        match &mut self.handle.seat {
            Either::Bytes(held) => held.discard(),
            Either::Records(held) => held.discard(),
        }
    }
}

/// Makes a ring of this name and takes a seat on it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_consumer_create(
    name: *const c_char,
    options: *const Options,
    out: *mut *mut Consumer,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for text, or NULL.
        let name = unsafe { argument::name(name) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read(options, Kind::Spsc) }?;
        Ok(Consumer::from(Handle::create(name, &asked)?))
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Takes a seat on the ring of this name, which is made if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_consumer_create_or_open(
    name: *const c_char,
    options: *const Options,
    out: *mut *mut Consumer,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for text, or NULL.
        let name = unsafe { argument::name(name) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read(options, Kind::Spsc) }?;
        Ok(Consumer::from(Handle::create_or_open(name, &asked)?))
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Makes a ring without a name and takes a seat on it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_consumer_create_unnamed(
    options: *const Options,
    out: *mut *mut Consumer,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read(options, Kind::Spsc) }?;
        Ok(Consumer::from(Handle::create_unnamed(&asked)?))
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Takes a seat on the ring of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_consumer_open(
    name: *const c_char,
    options: *const Options,
    out: *mut *mut Consumer,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for text, or NULL.
        let name = unsafe { argument::name(name) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read_or_default(options, Kind::Spsc) }?;
        Ok(Consumer::from(Handle::open(name, &asked)?))
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Takes a seat on the ring behind a descriptor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_consumer_open_fd(
    fd: c_int,
    options: *const Options,
    out: *mut *mut Consumer,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for a descriptor that stays open during the call.
        let file = unsafe { argument::descriptor(fd) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read_or_default(options, Kind::Spsc) }?;
        Ok(Consumer::from(Handle::open_descriptor(file, &asked)?))
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Closes the handle, and what is open on it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_consumer_close(consumer: *mut Consumer) -> c_int {
    // SAFETY: the manual asks for a handle that was not closed, or NULL.
    done(unsafe { argument::take_back(consumer) })
}

/// Looks at the next message, in place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_consumer_read(
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
        place.write(consumer.read(Timeout::from_nanos(timeout_ns))?);
        Ok(())
    }))
}

/// Gives the open message back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_consumer_release(consumer: *mut Consumer) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let consumer = unsafe { argument::exclusive(consumer) };
    done(consumer.and_then(Consumer::release))
}

/// Waits until somebody living sits on the other side.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_consumer_wait_for_peer(
    consumer: *mut Consumer,
    timeout_ns: i64,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let consumer = unsafe { argument::exclusive(consumer) };
    done(consumer.and_then(|it| it.handle.wait_for_peer(Timeout::from_nanos(timeout_ns))))
}

/// How long the consumer pauses after a burst.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_consumer_set_slip(consumer: *mut Consumer, slip: u32) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let consumer = unsafe { argument::exclusive(consumer) };
    done(consumer.and_then(|it| it.set_slip(slip)))
}

/// Whether somebody sits on the other side.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_consumer_peer(consumer: *const Consumer) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let consumer = unsafe { argument::shared(consumer) };
    code(consumer.and_then(|it| it.handle.peer()).map(u32::cast_signed))
}

/// The descriptor of the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_consumer_fd(consumer: *const Consumer) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let consumer = unsafe { argument::shared(consumer) };
    code(consumer.map(|it| it.handle.ring().as_fd().as_raw_fd()))
}

/// The longest message of the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_consumer_length_max(
    consumer: *const Consumer,
    length: *mut usize,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let consumer = unsafe { argument::shared(consumer) };
    // SAFETY: the manual asks for a place for the length, or NULL.
    let place = unsafe { argument::place(length) };
    done(consumer.and_then(|it| place.map(|place| _ = place.write(it.handle.length_max()))))
}

/// Copies the metadata of the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_consumer_metadata(
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
        unsafe { argument::copy_out(it.handle.ring().metadata(), buffer, capacity, length) }
    }))
}

/// Fills in what the ring can tell about itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_consumer_stat(
    consumer: *const Consumer,
    stat: *mut Stat,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let consumer = unsafe { argument::shared(consumer) };
    done(consumer.and_then(|it| {
        // SAFETY: the manual asks for a structure as its size says, or NULL.
        unsafe { stat::fill(stat, || it.handle.stat()) }
    }))
}
