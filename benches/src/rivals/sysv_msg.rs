//! A System V message queue.
//!
//! Unsafe code here calls the system with memory of the length it says; `rustix` has no
//! message queues.

use super::{Kind, Rival, Sides, again};
use crate::queue::{Receiver, Sender};
use crate::sides::keeper::{self, Keeper, Lasting};
use crate::sides::{Hub, Job, processes};
use crate::workload::Workload;
use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::ptr;

pub(crate) fn rival() -> Rival {
    Rival {
        name: "sysv-msg",
        kind: Kind::Rival,
        sides: Sides::Processes,
        how: "calls that wait",
        can: |workload| workload.mpmc().is_some() && !workload.varied(),
        run: |job| keeper::beside::<SysvMsg>(job, processes::crowd::<SysvMsg>),
    }
}

struct SysvMsg;

impl Lasting for SysvMsg {
    fn make(workload: Workload) -> io::Result<String> {
        // SAFETY: a call without memory.
        let id = again(|| unsafe { libc::msgget(libc::IPC_PRIVATE, libc::IPC_CREAT | 0o600) })?;
        let name = id.to_string();
        limit(id, workload).or_else(|error| Self::remove(&name).and(Err(error)))?;
        Ok(name)
    }

    fn remove(name: &str) -> io::Result<()> {
        let id = name.parse().map_err(io::Error::other)?;
        // SAFETY: a call that looks at no memory.
        again(|| unsafe { libc::msgctl(id, libc::IPC_RMID, ptr::null_mut()) })?;
        Ok(())
    }
}

/// Leaves room for as many messages as the workload says.
fn limit(id: libc::c_int, workload: Workload) -> io::Result<()> {
    // SAFETY: a plain C structure, of which all zeros are a value.
    let mut state: libc::msqid_ds = unsafe { mem::zeroed() };
    // SAFETY: the memory is such a structure.
    again(|| unsafe { libc::msgctl(id, libc::IPC_STAT, &raw mut state) })?;
    state.msg_qbytes = (workload.capacity() * workload.bytes()) as libc::msglen_t;
    // SAFETY: the memory is such a structure.
    again(|| unsafe { libc::msgctl(id, libc::IPC_SET, &raw mut state) })?;
    Ok(())
}

impl Hub for SysvMsg {
    type Sender = End;
    type Receiver = End;
    type Kept = Keeper;

    fn open(job: &Job) -> io::Result<(OwnedFd, Keeper)> {
        Keeper::start(job)
    }

    fn sender(hub: OwnedFd, _workload: Workload) -> io::Result<End> {
        keeper::name(hub)?.parse().map(End).map_err(io::Error::other)
    }

    fn receiver(hub: OwnedFd, workload: Workload) -> io::Result<End> {
        Self::sender(hub, workload)
    }
}

struct End(libc::c_int);

/// A message as the system wants it.
#[repr(C)]
struct Message {
    kind: libc::c_long,
    text: u64,
}

/// The only kind of message here; the system wants one above zero.
const KIND: libc::c_long = 1;

impl Sender<1> for End {
    fn send(&mut self, message: u64, _count: usize) -> io::Result<()> {
        let message = Message { kind: KIND, text: message };
        let from = ptr::from_ref(&message).cast();
        // SAFETY: the memory is a kind and a text of that length.
        again(|| unsafe { libc::msgsnd(self.0, from, size_of::<u64>(), 0) })?;
        Ok(())
    }
}

impl Receiver<1> for End {
    fn receive(&mut self, _most: usize, mut see: impl FnMut(&[u64; 1])) -> io::Result<()> {
        let mut message = Message { kind: 0, text: 0 };
        let to = ptr::from_mut(&mut message).cast();
        // SAFETY: the memory is a kind and room for a text of that length.
        let got = again(|| unsafe { libc::msgrcv(self.0, to, size_of::<u64>(), 0, 0) })?;
        if got != size_of::<u64>().cast_signed() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        see(&[message.text]);
        Ok(())
    }
}
