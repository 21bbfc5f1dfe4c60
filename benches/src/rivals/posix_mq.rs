//! A POSIX message queue.
//!
//! Unsafe code here calls the system with a descriptor that it owns and memory of the
//! length it says; `rustix` has no message queues.

use super::{Kind, Rival, Sides, again};
use crate::queue::{Receiver, Sender};
use crate::sides::{Hub, Job, processes};
use crate::workload::Workload;
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::{mem, process, ptr};

/// How many messages a queue may have that nobody privileged made.
const CAPACITY_MAX: &str = "/proc/sys/fs/mqueue/msg_max";

pub(crate) fn rival() -> Rival {
    Rival {
        name: "posix-mq",
        kind: Kind::Rival,
        sides: Sides::Processes,
        how: "calls that wait; with room for as many as any user may have: 10, unless the \
              system was told otherwise",
        can: |workload| workload.mpmc().is_some() && !workload.varied(),
        run: processes::crowd::<PosixMq>,
    }
}

struct PosixMq;

impl Hub for PosixMq {
    type Sender = End;
    type Receiver = End;
    type Kept = ();

    /// Its name is gone before it is used: the queue lives as long as its descriptors.
    fn open(job: &Job) -> io::Result<(OwnedFd, ())> {
        let most = fs::read_to_string(CAPACITY_MAX)?;
        let most: usize = most.trim().parse().map_err(io::Error::other)?;
        let name = CString::new(format!("/ringbuf-benches-{}", process::id()))?;
        // SAFETY: a plain C structure, of which all zeros are a value.
        let mut attributes: libc::mq_attr = unsafe { mem::zeroed() };
        attributes.mq_maxmsg =
            libc::c_long::try_from(job.workload.capacity().min(most)).map_err(io::Error::other)?;
        attributes.mq_msgsize =
            libc::c_long::try_from(job.workload.bytes()).map_err(io::Error::other)?;
        let flags = libc::O_CREAT | libc::O_EXCL | libc::O_RDWR | libc::O_CLOEXEC;
        // SAFETY: the name ends in a zero, and a mode and attributes follow the flags, as
        // these ask for; all outlive the call.
        let opened = unsafe {
            libc::mq_open(name.as_ptr(), flags, 0o600 as libc::c_uint, ptr::from_ref(&attributes))
        };
        if opened < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just opened, and nobody else's; on Linux it is a file descriptor.
        let hub = unsafe { OwnedFd::from_raw_fd(opened) };
        // SAFETY: the name ends in a zero and outlives the call.
        if unsafe { libc::mq_unlink(name.as_ptr()) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok((hub, ()))
    }

    fn sender(hub: OwnedFd, _workload: Workload) -> io::Result<End> {
        Ok(End(hub))
    }

    fn receiver(hub: OwnedFd, _workload: Workload) -> io::Result<End> {
        Ok(End(hub))
    }
}

struct End(OwnedFd);

impl Sender<1> for End {
    fn send(&mut self, message: u64, _count: usize) -> io::Result<()> {
        let bytes = message.to_ne_bytes();
        // SAFETY: the descriptor is open, and the memory of that length.
        again(|| unsafe {
            libc::mq_send(self.0.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), 0)
        })?;
        Ok(())
    }
}

impl Receiver<1> for End {
    fn receive(&mut self, _most: usize, mut see: impl FnMut(&[u64; 1])) -> io::Result<()> {
        let mut bytes = [0; 8];
        let (buffer, len) = (bytes.as_mut_ptr().cast(), bytes.len());
        let priority = ptr::null_mut();
        // SAFETY: the descriptor is open, the memory of that length; no priority is asked
        // for.
        let got = again(|| unsafe { libc::mq_receive(self.0.as_raw_fd(), buffer, len, priority) })?;
        if got != len.cast_signed() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        see(&[u64::from_ne_bytes(bytes)]);
        Ok(())
    }
}
