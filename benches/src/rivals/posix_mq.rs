//! A POSIX message queue.
//!
//! Unsafe code here calls the system with a descriptor that it owns and memory of the
//! length it says; `rustix` has no message queues.

use super::{Kind, Rival, Sides, again};
use crate::message;
use crate::queue::{Receiver, Sender};
use crate::sides::{Channel, Hub, Job, processes};
use crate::workload::{Waiting, Workload};
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::{mem, process, ptr};
use zerocopy::IntoBytes;

/// How many messages a queue may have that nobody privileged made.
const CAPACITY_MAX: &str = "/proc/sys/fs/mqueue/msg_max";

pub(crate) fn rival() -> Rival {
    Rival {
        name: "posix-mq",
        kind: Kind::Rival,
        sides: Sides::Processes,
        how: "calls that wait; with room for as many as any user may have: 10, unless the \
              system was told otherwise",
        can: |workload| {
            let alone = workload.one_to_one() && workload.batch() == 1 && !workload.frames();
            let spins = workload.waiting() == Some(Waiting::Spin);
            (workload.mpmc().is_some() || alone && !spins) && !workload.varied()
        },
        run: |job| match job.workload {
            Workload::Mpmc(_) => processes::crowd::<PosixMq>(job),
            _ => processes::messages::<PosixMq>(job),
        },
    }
}

struct PosixMq;

/// Makes a queue. Its name is gone before it is used: it lives as long as its descriptors.
fn open(workload: Workload) -> io::Result<OwnedFd> {
    let most = fs::read_to_string(CAPACITY_MAX)?;
    let most: usize = most.trim().parse().map_err(io::Error::other)?;
    let name = CString::new(format!("/ringbuf-benches-{}", process::id()))?;
    // SAFETY: a plain C structure, of which all zeros are a value.
    let mut attributes: libc::mq_attr = unsafe { mem::zeroed() };
    attributes.mq_maxmsg =
        libc::c_long::try_from(workload.capacity().min(most)).map_err(io::Error::other)?;
    attributes.mq_msgsize = libc::c_long::try_from(workload.bytes()).map_err(io::Error::other)?;
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
    Ok(hub)
}

impl Hub for PosixMq {
    type Sender = End;
    type Receiver = End;
    type Kept = ();

    fn open(job: &Job) -> io::Result<(OwnedFd, ())> {
        Ok((open(job.workload)?, ()))
    }

    fn sender(hub: OwnedFd, _workload: Workload) -> io::Result<End> {
        Ok(End(hub))
    }

    fn receiver(hub: OwnedFd, _workload: Workload) -> io::Result<End> {
        Ok(End(hub))
    }
}

impl<const W: usize> Channel<W> for PosixMq {
    type Sender = End;
    type Receiver = End;

    fn open(workload: Workload) -> io::Result<(OwnedFd, OwnedFd)> {
        let queue = open(workload)?;
        Ok((queue.try_clone()?, queue))
    }

    fn sender(end: OwnedFd, _workload: Workload) -> io::Result<End> {
        Ok(End(end))
    }

    fn receiver(end: OwnedFd, _workload: Workload) -> io::Result<End> {
        Ok(End(end))
    }
}

struct End(OwnedFd);

impl<const W: usize> Sender<W> for End {
    fn send(&mut self, number: u64, _count: usize) -> io::Result<()> {
        let message = message::of::<W>(number);
        let bytes = message.as_bytes();
        // SAFETY: the descriptor is open, and the memory of that length.
        again(|| unsafe {
            libc::mq_send(self.0.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), 0)
        })?;
        Ok(())
    }
}

impl<const W: usize> Receiver<W> for End {
    fn receive(&mut self, _most: usize, mut see: impl FnMut(&[u64; W])) -> io::Result<()> {
        let mut message = [0; W];
        let (buffer, len) = (message.as_mut_ptr().cast(), size_of_val(&message));
        let priority = ptr::null_mut();
        // SAFETY: the descriptor is open, the memory of that length; no priority is asked
        // for.
        let got = again(|| unsafe { libc::mq_receive(self.0.as_raw_fd(), buffer, len, priority) })?;
        if got != len.cast_signed() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        see(&message);
        Ok(())
    }
}
