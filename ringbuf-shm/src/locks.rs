//! Who is alive, as the kernel knows it.
//!
//! One byte of the ring's file stands for each identity and one for each row, far
//! behind the data. They are locked by open-file-description locks: these belong
//! to a descriptor and not to a process, so that two handles in one process see
//! each other, and the kernel gives them up when the descriptor's last copy is
//! gone, after the last instruction of the process that had it.
//!
//! The lock of an identity is given up by closing its descriptor, never by
//! unlocking: unlocking in a forked child would free its parent's.
//!
//! Unsafe code here calls `fcntl`, for which rustix has no wrapper.

use crate::backing;
use crate::error::OpenError;
use crate::fork::{Home, Private};
use crate::layout::LOCK_BASE;
use ringbuf_core::peer::{Liveness, Locks, Who};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// Attach locks stand behind all identities (29 bits).
const ATTACH_BASE: u64 = LOCK_BASE + (1 << 32);

/// A description of its own on the ring's file, with the lock of one peer.
#[derive(Debug)]
pub(crate) struct LockFile {
    file: Private,
}

impl LockFile {
    /// A new description on the file of `ring`.
    pub(crate) fn new(ring: BorrowedFd<'_>) -> Result<Self, OpenError> {
        Ok(Self { file: Private::open(|| backing::reopen(ring))? })
    }

    pub(crate) fn home(&self) -> Home {
        self.file.home()
    }

    #[expect(clippy::cast_possible_truncation, reason = "constants that fit, in libc as int")]
    fn byte(offset: u64, kind: i32) -> libc::flock {
        libc::flock {
            l_type: kind as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: offset.cast_signed(),
            l_len: 1,
            // Open-file-description locks belong to no process.
            l_pid: 0,
        }
    }

    fn lock(&self, offset: u64) -> io::Result<bool> {
        self.set(Self::byte(offset, libc::F_WRLCK))
    }

    /// Whether the kernel locked, or unlocked; false: somebody else has the lock.
    fn set(&self, byte: libc::flock) -> io::Result<bool> {
        // SAFETY: the descriptor is open, and the kernel only reads `byte`.
        let result = unsafe {
            libc::fcntl(self.file.as_fd().as_raw_fd(), libc::F_OFD_SETLK, &raw const byte)
        };
        if result == 0 {
            return Ok(true);
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EAGAIN | libc::EACCES) => Ok(false),
            _ => Err(error),
        }
    }
}

/// Asks about locks through a descriptor. Its own it cannot see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookout<'a>(pub(crate) BorrowedFd<'a>);

impl Lookout<'_> {
    fn is_locked(self, offset: u64) -> io::Result<bool> {
        let mut byte = LockFile::byte(offset, libc::F_WRLCK);
        // SAFETY: the descriptor is open, and `byte` is ours for the kernel to fill.
        let result = unsafe { libc::fcntl(self.0.as_raw_fd(), libc::F_OFD_GETLK, &raw mut byte) };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(i32::from(byte.l_type) != libc::F_UNLCK)
    }
}

impl Liveness for Lookout<'_> {
    fn is_held(&self, who: Who) -> bool {
        // In doubt, alive.
        self.is_locked(LOCK_BASE + u64::from(who.bits())).unwrap_or(true)
    }
}

impl Liveness for LockFile {
    fn is_held(&self, who: Who) -> bool {
        Lookout(self.file.as_fd()).is_held(who)
    }
}

/// The lock of a newcomer on a row, on a description of its own.
///
/// This one is unlocked: a child that was forked meanwhile has a copy of the
/// descriptor until it gets to run, and would keep others from the row for as long.
#[derive(Debug)]
pub(crate) struct Attach {
    file: LockFile,
    offset: u64,
}

impl Drop for Attach {
    fn drop(&mut self) {
        if self.file.home().is_here() {
            // Closing does it if this does not.
            let _ = self.file.set(LockFile::byte(self.offset, libc::F_UNLCK));
        }
    }
}

impl Locks for LockFile {
    type Attach = Attach;
    type Error = io::Error;

    fn attach(&self, row: u32) -> io::Result<Option<Attach>> {
        let file = match LockFile::new(self.file.as_fd()) {
            Ok(file) => file,
            Err(OpenError::Io { source, .. }) => return Err(source),
            Err(other) => return Err(io::Error::other(other)),
        };
        let offset = ATTACH_BASE + u64::from(row);
        Ok(file.lock(offset)?.then_some(Attach { file, offset }))
    }

    fn take(&self, who: Who) -> io::Result<bool> {
        self.lock(LOCK_BASE + u64::from(who.bits()))
    }
}
