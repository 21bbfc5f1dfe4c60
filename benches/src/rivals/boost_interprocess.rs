//! `boost::interprocess::message_queue`, between processes.
//!
//! Unsafe code here calls functions of `boost.cpp` with a queue that lives.

use super::{Kind, Rival, Sides};
use crate::queue::{Receiver, Sender};
use crate::sides::keeper::{self, Keeper, Lasting};
use crate::sides::{Hub, Job, processes};
use crate::workload::Workload;
use std::ffi::{CString, c_char};
use std::io;
use std::os::fd::OwnedFd;
use std::process;
use std::ptr::NonNull;

pub(crate) fn rival() -> Rival {
    Rival {
        name: "boost-interprocess",
        kind: Kind::Rival,
        sides: Sides::Processes,
        how: "`message_queue`, calls that wait",
        can: |workload| workload.mpmc().is_some() && !workload.varied(),
        run: |job| keeper::beside::<MessageQueue>(job, processes::crowd::<MessageQueue>),
    }
}

/// A queue of C++.
#[repr(C)]
struct Opaque([u8; 0]);

unsafe extern "C" {
    fn benches_interprocess_create(name: *const c_char, capacity: usize) -> bool;
    fn benches_interprocess_remove(name: *const c_char) -> bool;
    fn benches_interprocess_open(name: *const c_char) -> *mut Opaque;
    fn benches_interprocess_send(queue: *mut Opaque, message: u64) -> bool;
    fn benches_interprocess_receive(queue: *mut Opaque, message: *mut u64) -> bool;
    fn benches_interprocess_close(queue: *mut Opaque);
}

/// Boost's word is only whether it went well.
fn done(well: bool) -> io::Result<()> {
    if well { Ok(()) } else { Err(io::Error::other("Boost refused")) }
}

struct MessageQueue;

impl Lasting for MessageQueue {
    fn make(workload: Workload) -> io::Result<String> {
        let name = format!("ringbuf-benches-{}", process::id());
        let c_name = CString::new(name.clone())?;
        // SAFETY: the name ends in a zero and outlives the call.
        done(unsafe { benches_interprocess_create(c_name.as_ptr(), workload.capacity()) })?;
        Ok(name)
    }

    fn remove(name: &str) -> io::Result<()> {
        let name = CString::new(name)?;
        // SAFETY: the name ends in a zero and outlives the call.
        done(unsafe { benches_interprocess_remove(name.as_ptr()) })
    }
}

impl Hub for MessageQueue {
    type Sender = End;
    type Receiver = End;
    type Kept = Keeper;

    fn open(job: &Job) -> io::Result<(OwnedFd, Keeper)> {
        Keeper::start(job)
    }

    fn sender(hub: OwnedFd, _workload: Workload) -> io::Result<End> {
        let name = CString::new(keeper::name(hub)?)?;
        // SAFETY: the name ends in a zero and outlives the call.
        let opened = unsafe { benches_interprocess_open(name.as_ptr()) };
        Ok(End(NonNull::new(opened).ok_or(io::ErrorKind::NotFound)?))
    }

    fn receiver(hub: OwnedFd, workload: Workload) -> io::Result<End> {
        Self::sender(hub, workload)
    }
}

struct End(NonNull<Opaque>);

impl Drop for End {
    fn drop(&mut self) {
        // SAFETY: opened by `benches_interprocess_open`, and nobody else's.
        unsafe { benches_interprocess_close(self.0.as_ptr()) };
    }
}

impl Sender<1> for End {
    fn send(&mut self, message: u64, _count: usize) -> io::Result<()> {
        // SAFETY: the queue is open as long as this end lives.
        done(unsafe { benches_interprocess_send(self.0.as_ptr(), message) })
    }
}

impl Receiver<1> for End {
    fn receive(&mut self, _most: usize, mut see: impl FnMut(&[u64; 1])) -> io::Result<()> {
        let mut message = 0;
        // SAFETY: the queue is open as long as this end lives, and the message lives
        // during the call.
        done(unsafe { benches_interprocess_receive(self.0.as_ptr(), &raw mut message) })?;
        see(&[message]);
        Ok(())
    }
}
