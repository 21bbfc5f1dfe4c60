//! `boost::lockfree::queue` of a fixed size, between threads.
//!
//! Unsafe code here calls functions of `boost.cpp` with a queue that lives.

use super::{Kind, Rival, Sides, share};
use crate::queue::{Receiver, Sender};
use crate::sides::threads;
use crate::workload::Workload;
use std::io;
use std::ptr::NonNull;
use std::sync::Arc;

pub(crate) fn rival() -> Rival {
    Rival {
        name: "boost-lockfree",
        kind: Kind::Rival,
        sides: Sides::Threads,
        how: "`queue` of a fixed size, tried again after a pause",
        can: |workload| workload.mpmc().is_some() && !workload.varied(),
        run: |job| match job.workload {
            Workload::Mpmc(crowd) => threads::crowd(job, &End::new(crowd.capacity)?),
            _ => Err(io::ErrorKind::Unsupported.into()),
        },
    }
}

/// A queue of C++.
#[repr(C)]
struct Opaque([u8; 0]);

unsafe extern "C" {
    fn benches_lockfree_new(capacity: usize) -> *mut Opaque;
    fn benches_lockfree_push(queue: *mut Opaque, message: u64) -> bool;
    fn benches_lockfree_pop(queue: *mut Opaque, message: *mut u64) -> bool;
    fn benches_lockfree_delete(queue: *mut Opaque);
}

struct Queue(NonNull<Opaque>);

// SAFETY: the queue is made to be used by any number of threads, and any may delete it.
unsafe impl Send for Queue {}

// SAFETY: as above.
unsafe impl Sync for Queue {}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: made by `benches_lockfree_new`; nobody else has it any more.
        unsafe { benches_lockfree_delete(self.0.as_ptr()) };
    }
}

#[derive(Clone)]
struct End(Arc<Queue>);

impl End {
    fn new(capacity: usize) -> io::Result<Self> {
        // SAFETY: a function without conditions.
        let made = unsafe { benches_lockfree_new(capacity) };
        let queue = NonNull::new(made).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self(Arc::new(Queue(queue))))
    }
}

impl Sender<1> for End {
    #[inline]
    fn send(&mut self, message: u64, _count: usize) -> io::Result<()> {
        // SAFETY: the queue lives as long as this end.
        share(|| Ok(unsafe { benches_lockfree_push(self.0.0.as_ptr(), message) }.then_some(())))
    }
}

impl Receiver<1> for End {
    #[inline]
    fn receive(&mut self, _most: usize, mut see: impl FnMut(&[u64; 1])) -> io::Result<()> {
        let mut message = 0;
        let to = &raw mut message;
        // SAFETY: the queue lives as long as this end, and the message during the call.
        share(|| Ok(unsafe { benches_lockfree_pop(self.0.0.as_ptr(), to) }.then_some(())))?;
        see(&[message]);
        Ok(())
    }
}
