//! The kernel's barrier: a full fence in every process that has asked for it.
//!
//! Who publishes then needs none of its own before it looks for sleepers; who goes to
//! sleep makes the kernel interrupt all processors on which such a process runs
//! (`membarrier(2)`, `MEMBARRIER_CMD_GLOBAL_EXPEDITED`, since Linux 4.16).

use crate::header::Fence;
use ringbuf_core::event::Fencing;
use rustix::thread::{MembarrierCommand, membarrier, membarrier_query};

/// Whether this kernel has the barrier, and lets this process ask for it.
pub(crate) fn is_offered() -> bool {
    membarrier_query().contains_command(MembarrierCommand::GlobalExpedited)
}

/// What this process has to do in a ring of this kind.
///
/// Registers the process, for as long as it lives. It is the kernel that remembers: who is
/// registered already is told so at once, a forked child is as its parent was, a program
/// that is executed is not. Memory of our own would be wrong in the one or the other, or
/// make a child wait for a thread that it does not have.
pub(crate) fn fencing(fence: Fence) -> Fencing {
    match fence {
        Fence::Full => Fencing::Full,
        // The call has returned before anything is published with a light fence.
        Fence::Asymmetric if register() => Fencing::Light,
        Fence::Asymmetric => Fencing::Heavy,
    }
}

fn register() -> bool {
    membarrier(MembarrierCommand::RegisterGlobalExpedited).is_ok()
}

/// A full fence in every process that is registered, and here; false if the kernel
/// refuses.
pub(crate) fn interrupt_all() -> bool {
    membarrier(MembarrierCommand::GlobalExpedited).is_ok()
}
