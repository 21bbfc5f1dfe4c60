//! One table of errors: every error of `ringbuf-shm` as a number of `<errno.h>`.

use libc::{c_char, c_int};
use ringbuf_shm::{ClaimError, OpenError, ReadError};
use std::ffi::CStr;

/// A positive number of `<errno.h>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errno(c_int);

impl Errno {
    /// The caller broke a rule of the manual.
    pub(crate) const INVALID: Self = Self(libc::EINVAL);
    /// A claim or a view is open on the handle.
    pub(crate) const BUSY: Self = Self(libc::EBUSY);
    /// Longer than what was claimed.
    pub(crate) const TOO_LONG: Self = Self(libc::EMSGSIZE);
    /// The ring is not one this call can use.
    pub(crate) const PROTOCOL: Self = Self(libc::EPROTO);
    /// Not a descriptor.
    pub(crate) const BAD_DESCRIPTOR: Self = Self(libc::EBADF);
    /// Not now, and the call was not to wait.
    pub(crate) const AGAIN: Self = Self(libc::EAGAIN);
    /// Not within the time given.
    pub(crate) const TIMED_OUT: Self = Self(libc::ETIMEDOUT);

    /// An error of a call that makes a ring: sizes are then the caller's own.
    pub(crate) fn creating(error: OpenError) -> Self {
        match error {
            OpenError::Geometry(_) => Self::INVALID,
            other => Self::from(other),
        }
    }
}

impl From<ClaimError> for Errno {
    #[inline]
    fn from(error: ClaimError) -> Self {
        Self(match error {
            ClaimError::Full | ClaimError::Busy => libc::EAGAIN,
            ClaimError::TimedOut => libc::ETIMEDOUT,
            ClaimError::TooLong => libc::EMSGSIZE,
            ClaimError::Closed => libc::EPIPE,
            ClaimError::PeerDied => libc::EOWNERDEAD,
            ClaimError::NoSuchLane => libc::EINVAL,
            ClaimError::Corrupt => libc::EBADMSG,
            ClaimError::Forked => libc::ECHILD,
            // A variant of a later `ringbuf-shm`: the test of this table finds it first.
            _ => libc::EIO,
        })
    }
}

impl From<ReadError> for Errno {
    #[inline]
    fn from(error: ReadError) -> Self {
        Self(match error {
            ReadError::Empty | ReadError::Busy => libc::EAGAIN,
            ReadError::TimedOut => libc::ETIMEDOUT,
            ReadError::Evicted => libc::EOVERFLOW,
            ReadError::AllHeld => libc::ENOBUFS,
            ReadError::Broken => libc::ECONNABORTED,
            ReadError::Closed => libc::EPIPE,
            ReadError::PeerDied => libc::EOWNERDEAD,
            ReadError::NoSuchLane => libc::EINVAL,
            ReadError::Corrupt => libc::EBADMSG,
            ReadError::Forked => libc::ECHILD,
            // As above.
            _ => libc::EIO,
        })
    }
}

impl From<OpenError> for Errno {
    fn from(error: OpenError) -> Self {
        Self(match error {
            OpenError::Name(_) | OpenError::OutOfRange(_) => libc::EINVAL,
            OpenError::Directory(_) | OpenError::Untrusted(_) => libc::EPERM,
            OpenError::NotFound => libc::ENOENT,
            OpenError::Exists => libc::EEXIST,
            OpenError::NotARing
            | OpenError::Endianness
            | OpenError::Version { .. }
            | OpenError::Features { .. }
            | OpenError::Damaged(_)
            | OpenError::Truncated { .. }
            | OpenError::Unsupported(_)
            | OpenError::Kind { .. }
            | OpenError::OtherKind { .. }
            | OpenError::Shape { .. }
            | OpenError::Geometry(_)
            | OpenError::Different(_)
            | OpenError::PayloadType { .. } => libc::EPROTO,
            OpenError::TooLong(_) => libc::EMSGSIZE,
            OpenError::InUse => libc::EBUSY,
            OpenError::TooManyPeers(_) => libc::EUSERS,
            OpenError::TooManyViews { .. } => libc::ETOOMANYREFS,
            OpenError::Closed => libc::ESHUTDOWN,
            OpenError::OtherBoot => libc::ESTALE,
            OpenError::NoSpace(_) => libc::ENOSPC,
            OpenError::Filesystem(_) => libc::EOPNOTSUPP,
            OpenError::Corrupt => libc::EBADMSG,
            OpenError::Forked => libc::ECHILD,
            OpenError::Io { source, .. } => source.raw_os_error().unwrap_or(libc::EIO),
            // As above.
            _ => libc::EIO,
        })
    }
}

/// What a call returns: an answer of zero or more, or a negative error.
#[inline]
pub(crate) fn code(result: Result<c_int, Errno>) -> c_int {
    match result {
        Ok(answer) => answer,
        Err(Errno(number)) => -number,
    }
}

/// What a call without an answer returns: zero, or a negative error.
#[inline]
pub(crate) fn done(result: Result<(), Errno>) -> c_int {
    code(result.map(|()| 0))
}

fn text(number: c_int) -> Option<&'static CStr> {
    Some(match number {
        0 => c"success",
        libc::EAGAIN => {
            c"not now: the ring is full or empty, others were faster, or nobody is there yet"
        }
        libc::ETIMEDOUT => c"not within the time given",
        libc::EPIPE => c"the other side closed the ring",
        libc::EOWNERDEAD => c"the other side died; a successor may come",
        libc::EMSGSIZE => c"too long for this ring, or longer than what was claimed",
        libc::EBADMSG => c"the ring is corrupt; close it and create it anew",
        libc::EPROTO => {
            c"not a ring this program can use: another format, kind, shape, type or size"
        }
        libc::EBUSY => c"this side is in use, or a claim or a view is still open",
        libc::EUSERS => c"all seats of this side are taken; create the ring with more of them",
        libc::ETOOMANYREFS => {
            c"too few views are left; ask for fewer, or create the ring with more of them"
        }
        libc::EOVERFLOW => {
            c"the publisher did not wait any longer; read on, and see how many were lost"
        }
        libc::ENOBUFS => c"as many messages are held as may be at a time; release one",
        libc::ECONNABORTED => c"the message was broken off",
        libc::ESHUTDOWN => c"this side was closed for good; create the ring to be reopened",
        libc::EINVAL => c"an argument is not as the manual says",
        libc::ENOENT => c"there is no such ring; is the other side running?",
        libc::EEXIST => c"a ring of this name exists; open it, or remove it",
        libc::ENOSPC => c"no room for the ring; free some memory, or make it smaller",
        libc::ESTALE => c"the ring is from before the last restart; remove it",
        libc::EPERM => c"the file or its directory is not safe to use, or not permitted",
        libc::EOPNOTSUPP => c"this file system cannot reserve memory; use /dev/shm",
        libc::ECHILD => c"the handle belongs to the parent process; open the ring here",
        _ => return None,
    })
}

/// What an error means, in one line; never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn ringbuf_strerror(error: c_int) -> *const c_char {
    // The one number without an opposite is no error of ours nor of the system's.
    let number = error.checked_abs().unwrap_or(c_int::MAX);
    match text(number) {
        Some(text) => text.as_ptr(),
        // SAFETY: any number may be asked about. The C library answers with text that
        // it never frees; for a number it does not know, with text that stays until
        // this thread asks again.
        None => unsafe { libc::strerror(number) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringbuf_shm::Kind;

    #[test]
    fn every_error_of_a_claim_or_a_read_is_in_the_table() {
        let claims = [
            (ClaimError::Full, libc::EAGAIN),
            (ClaimError::Busy, libc::EAGAIN),
            (ClaimError::NoSuchLane, libc::EINVAL),
            (ClaimError::TimedOut, libc::ETIMEDOUT),
            (ClaimError::TooLong, libc::EMSGSIZE),
            (ClaimError::Closed, libc::EPIPE),
            (ClaimError::PeerDied, libc::EOWNERDEAD),
            (ClaimError::Corrupt, libc::EBADMSG),
            (ClaimError::Forked, libc::ECHILD),
        ];
        let reads = [
            (ReadError::Empty, libc::EAGAIN),
            (ReadError::Busy, libc::EAGAIN),
            (ReadError::NoSuchLane, libc::EINVAL),
            (ReadError::TimedOut, libc::ETIMEDOUT),
            (ReadError::Evicted, libc::EOVERFLOW),
            (ReadError::AllHeld, libc::ENOBUFS),
            (ReadError::Broken, libc::ECONNABORTED),
            (ReadError::Closed, libc::EPIPE),
            (ReadError::PeerDied, libc::EOWNERDEAD),
            (ReadError::Corrupt, libc::EBADMSG),
            (ReadError::Forked, libc::ECHILD),
        ];
        for (error, number) in claims {
            assert_eq!(done(Err(Errno::from(error))), -number);
            assert!(text(number).is_some());
        }
        for (error, number) in reads {
            assert_eq!(done(Err(Errno::from(error))), -number);
            assert!(text(number).is_some());
        }
    }

    #[test]
    fn every_error_of_opening_is_in_the_table() {
        let text = String::new;
        let table = [
            (OpenError::Name(text()), libc::EINVAL),
            (OpenError::Directory(text()), libc::EPERM),
            (OpenError::NotFound, libc::ENOENT),
            (OpenError::Exists, libc::EEXIST),
            (OpenError::NotARing, libc::EPROTO),
            (OpenError::Untrusted(""), libc::EPERM),
            (OpenError::Endianness, libc::EPROTO),
            (OpenError::Version { found: 2, supported: 1 }, libc::EPROTO),
            (OpenError::Features { found: 1 }, libc::EPROTO),
            (OpenError::Damaged(""), libc::EPROTO),
            (OpenError::Truncated { found: 0, expected: 1 }, libc::EPROTO),
            (OpenError::Unsupported(""), libc::EPROTO),
            (OpenError::Kind { found: 9 }, libc::EPROTO),
            (OpenError::OtherKind { found: Kind::Spsc, expected: Kind::Mpmc }, libc::EPROTO),
            (OpenError::Shape { found: 9 }, libc::EPROTO),
            (OpenError::Different(""), libc::EPROTO),
            (OpenError::PayloadType { found: text(), expected: text() }, libc::EPROTO),
            (OpenError::TooLong(""), libc::EMSGSIZE),
            (OpenError::OutOfRange(""), libc::EINVAL),
            (OpenError::InUse, libc::EBUSY),
            (OpenError::TooManyPeers(64), libc::EUSERS),
            (OpenError::TooManyViews { wanted: 2, free: 1 }, libc::ETOOMANYREFS),
            (OpenError::Closed, libc::ESHUTDOWN),
            (OpenError::OtherBoot, libc::ESTALE),
            (OpenError::NoSpace(1), libc::ENOSPC),
            (OpenError::Filesystem(text()), libc::EOPNOTSUPP),
            (OpenError::Corrupt, libc::EBADMSG),
            (OpenError::Forked, libc::ECHILD),
        ];
        for (error, number) in table {
            assert!(super::text(number).is_some(), "{error}");
            assert_eq!(done(Err(Errno::from(error))), -number);
        }
        let source = std::io::Error::from_raw_os_error(libc::EMFILE);
        let refused = OpenError::Io { doing: "", source };
        assert_eq!(done(Err(Errno::from(refused))), -libc::EMFILE);
    }

    #[test]
    fn impossible_sizes_are_the_callers_or_the_files() {
        let none = ringbuf_shm::Options::new().capacity(0);
        let sizes = || ringbuf_shm::spsc::records::Producer::create_unnamed(&none).unwrap_err();
        assert_eq!(Errno::creating(sizes()), Errno::INVALID);
        assert_eq!(Errno::from(sizes()), Errno::PROTOCOL);
    }
}
