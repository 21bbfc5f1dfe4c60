//! `struct ringbuf_broadcast_subscriber`: the calls on a reading end of a broadcast ring.
//!
//! Unsafe code here trusts the caller to pass what the manual asks for.
#![expect(
    clippy::missing_safety_doc,
    reason = "include/ringbuf.h is the manual: it says what each pointer must be"
)]

use super::join::{self, Join};
use super::message::Message;
use super::part::Part;
use super::pool::Pool;
use super::stat::Stat;
use crate::argument::{self, Timeout};
use crate::asked::Asked;
use crate::error::{Errno, code, done};
use crate::options::Options;
use crate::stat;
use libc::{c_char, c_int, c_void};
use ringbuf_shm::broadcast::bytes;
use ringbuf_shm::{Kind, ReadError, Ring};
use std::os::fd::{AsFd, AsRawFd};

/// `struct ringbuf_broadcast_subscriber`, which C sees from outside only.
#[derive(Debug)]
pub struct Subscriber {
    seat: bytes::Subscriber,
}

impl Subscriber {
    #[inline]
    fn read(&mut self, timeout: Timeout) -> Result<bytes::View, ReadError> {
        match timeout {
            Timeout::Not => self.seat.try_read(),
            Timeout::Forever => self.seat.read(),
            Timeout::AtMost(most) => self.seat.read_timeout(most),
        }
    }

    fn read_part(&mut self, timeout: Timeout) -> Result<bytes::Part, ReadError> {
        match timeout {
            Timeout::Not => self.seat.try_read_part(),
            Timeout::Forever => self.seat.read_part(),
            Timeout::AtMost(most) => self.seat.read_part_timeout(most),
        }
    }
}

/// Joins the ring of this name, which is made if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_subscriber_create_or_open(
    name: *const c_char,
    options: *const Options,
    join: *const Join,
    out: *mut *mut Subscriber,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for text, or NULL.
        let name = unsafe { argument::name(name) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read_bytes(options, Kind::Broadcast) }?;
        // SAFETY: the manual asks for a structure as its size says, or NULL.
        let join = unsafe { join::read(join) }?;
        let seat = bytes::Subscriber::create_or_open(name, &asked.create, join)
            .map_err(Errno::creating)?;
        Ok(Subscriber { seat })
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Joins the ring of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_subscriber_open(
    name: *const c_char,
    options: *const Options,
    join: *const Join,
    out: *mut *mut Subscriber,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for text, or NULL.
        let name = unsafe { argument::name(name) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read_or_default(options, Kind::Broadcast) }?;
        // SAFETY: the manual asks for a structure as its size says, or NULL.
        let join = unsafe { join::read(join) }?;
        let seat = bytes::Subscriber::open_with(name, &asked.open, join)?;
        Ok(Subscriber { seat })
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Joins the ring behind a descriptor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_subscriber_open_fd(
    fd: c_int,
    options: *const Options,
    join: *const Join,
    out: *mut *mut Subscriber,
) -> c_int {
    let make = || {
        // SAFETY: the manual asks for a descriptor that stays open during the call.
        let file = unsafe { argument::descriptor(fd) }?;
        // SAFETY: the manual asks for options as their size says, or NULL.
        let asked = unsafe { Asked::read_or_default(options, Kind::Broadcast) }?;
        // SAFETY: the manual asks for a structure as its size says, or NULL.
        let join = unsafe { join::read(join) }?;
        let ring = Ring::from_fd_with(file, &asked.open)?;
        let seat = bytes::Subscriber::attach_with(&ring, &asked.open, join)?;
        Ok(Subscriber { seat })
    };
    // SAFETY: the manual asks for a place for the handle, or NULL.
    done(unsafe { argument::hand_out(out, make) })
}

/// Closes the handle; what is open stays so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_subscriber_close(subscriber: *mut Subscriber) -> c_int {
    // SAFETY: the manual asks for a handle that was not closed, or NULL.
    done(unsafe { argument::take_back(subscriber) })
}

/// Looks at the next message, in place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_subscriber_read(
    subscriber: *mut Subscriber,
    timeout_ns: i64,
    message: *mut Message,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let subscriber = unsafe { argument::exclusive(subscriber) };
    // SAFETY: the manual asks for a place for the message, or NULL.
    let place = unsafe { argument::place(message) };
    done(subscriber.and_then(|subscriber| {
        let place = place?;
        place.write(Message::new(subscriber.read(Timeout::from_nanos(timeout_ns))?));
        Ok(())
    }))
}

/// Looks at the next message, as much as there is of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_subscriber_read_part(
    subscriber: *mut Subscriber,
    timeout_ns: i64,
    part: *mut Part,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let subscriber = unsafe { argument::exclusive(subscriber) };
    // SAFETY: the manual asks for a place for the part, or NULL.
    let place = unsafe { argument::place(part) };
    done(subscriber.and_then(|subscriber| {
        let place = place?;
        let part = subscriber.read_part(Timeout::from_nanos(timeout_ns))?;
        place.write(Part::new(part)?);
        Ok(())
    }))
}

/// Looks at the newest message, whatever is read next.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_subscriber_latest(
    subscriber: *const Subscriber,
    message: *mut Message,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let subscriber = unsafe { argument::shared(subscriber) };
    // SAFETY: the manual asks for a place for the message, or NULL.
    let place = unsafe { argument::place(message) };
    done(subscriber.and_then(|subscriber| {
        let place = place?;
        place.write(Message::new(subscriber.seat.latest()?));
        Ok(())
    }))
}

/// The position of the message that is read next.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_subscriber_position(
    subscriber: *const Subscriber,
    position: *mut u64,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let subscriber = unsafe { argument::shared(subscriber) };
    // SAFETY: the manual asks for a place for the number, or NULL.
    let place = unsafe { argument::place(position) };
    done(subscriber.and_then(|it| place.map(|place| _ = place.write(it.seat.position()))))
}

/// How many messages it did not get.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_subscriber_lost(
    subscriber: *const Subscriber,
    lost: *mut u64,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let subscriber = unsafe { argument::shared(subscriber) };
    // SAFETY: the manual asks for a place for the number, or NULL.
    let place = unsafe { argument::place(lost) };
    done(subscriber.and_then(|it| place.map(|place| _ = place.write(it.seat.lost()))))
}

/// How many messages it passed by because they were broken off.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_subscriber_broken(
    subscriber: *const Subscriber,
    broken: *mut u64,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let subscriber = unsafe { argument::shared(subscriber) };
    // SAFETY: the manual asks for a place for the number, or NULL.
    let place = unsafe { argument::place(broken) };
    done(subscriber.and_then(|it| place.map(|place| _ = place.write(it.seat.broken()))))
}

/// Waits until a producer sits on the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_subscriber_wait_for_peer(
    subscriber: *mut Subscriber,
    timeout_ns: i64,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let subscriber = unsafe { argument::exclusive(subscriber) };
    done(subscriber.and_then(|subscriber| {
        let timeout = Timeout::from_nanos(timeout_ns);
        let came = subscriber.seat.wait_for_peer(timeout.most())?;
        if came { Ok(()) } else { Err(timeout.over()) }
    }))
}

/// The descriptor of the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_subscriber_fd(subscriber: *const Subscriber) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let subscriber = unsafe { argument::shared(subscriber) };
    code(subscriber.map(|it| it.seat.ring().as_fd().as_raw_fd()))
}

/// The longest message of the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_subscriber_length_max(
    subscriber: *const Subscriber,
    length: *mut usize,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let subscriber = unsafe { argument::shared(subscriber) };
    // SAFETY: the manual asks for a place for the length, or NULL.
    let place = unsafe { argument::place(length) };
    done(subscriber.and_then(|it| place.map(|place| _ = place.write(it.seat.slot_size()))))
}

/// Copies the metadata of the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_subscriber_metadata(
    subscriber: *const Subscriber,
    buffer: *mut c_void,
    capacity: usize,
    length: *mut usize,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let subscriber = unsafe { argument::shared(subscriber) };
    done(subscriber.and_then(|it| {
        // SAFETY: the manual asks for a buffer of this capacity, or NULL, and for a
        // place for the length, or NULL.
        unsafe { argument::copy_out(it.seat.ring().metadata(), buffer, capacity, length) }
    }))
}

/// Fills in what the slots of the ring cost.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_subscriber_pool(
    subscriber: *const Subscriber,
    pool: *mut Pool,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let subscriber = unsafe { argument::shared(subscriber) };
    done(subscriber.and_then(|it| {
        // SAFETY: the manual asks for a structure as its size says, or NULL.
        unsafe { stat::fill(pool, || Pool::of(it.seat.ring())) }
    }))
}

/// Fills in what the ring can tell about itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ringbuf_broadcast_subscriber_stat(
    subscriber: *const Subscriber,
    stat: *mut Stat,
) -> c_int {
    // SAFETY: the manual asks for an open handle that no other thread uses, or NULL.
    let subscriber = unsafe { argument::shared(subscriber) };
    done(subscriber.and_then(|it| {
        // SAFETY: the manual asks for a structure as its size says, or NULL.
        unsafe { stat::fill(stat, || Stat::of(it.seat.ring())) }
    }))
}
