//! Handles that a forked child inherits, and why it cannot use them.
//!
//! A child shares its parent's open file descriptions. If it used a handle, there
//! would be two producers; if it merely kept the descriptors, the locks on them
//! would outlive the parent and a dead parent would seem alive.
//!
//! So the kernel wipes one page in every child, which every call looks at first,
//! and a handler closes the descriptors in children made by `fork`. A child made
//! by a bare `clone` keeps them until it ends: the dead may then seem alive, the
//! living never dead.
//!
//! Unsafe code here maps and reads that page, registers the handlers, and closes
//! descriptors in the child.

use crate::error::OpenError;
use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, ProtFlags};
use std::cell::RefCell;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{
    AtomicPtr, AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed},
};
use std::sync::{Mutex, MutexGuard, PoisonError};

const PAGE: usize = 4096;

/// The page with the generation of this process: 0 in a child that has not made a
/// handle yet. Not a `OnceLock`: a child forked while it is being set would wait for
/// a thread that it does not have.
static GENERATION: AtomicPtr<AtomicU64> = AtomicPtr::new(ptr::null_mut());
/// The generation given last, in this process or its ancestors.
static LAST: AtomicU64 = AtomicU64::new(0);
/// Descriptors that a child must close.
static DESCRIPTORS: Mutex<Vec<RawFd>> = Mutex::new(Vec::new());

thread_local! {
    /// Held by a thread that forks, from before until after.
    static FORKING: RefCell<Option<MutexGuard<'static, Vec<RawFd>>>> = const { RefCell::new(None) };
}

/// The process in which a handle was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Home {
    page: &'static AtomicU64,
    generation: u64,
}

impl Home {
    /// This process.
    pub(crate) fn here() -> Result<Self, OpenError> {
        let page = generation().map_err(OpenError::io("watch for forks"))?;
        // Relaxed, all: threads of one process agree on the exchange alone, and
        // forking orders a child after everything its parent's thread did.
        if page.load(Relaxed) == 0 {
            let next = LAST.fetch_add(1, Relaxed) + 1;
            let _ = page.compare_exchange(0, next, Relaxed, Relaxed);
        }
        Ok(Self { page, generation: page.load(Relaxed) })
    }

    /// Whether this is still the process in which the handle was made.
    #[inline(always)]
    pub(crate) fn is_here(&self) -> bool {
        // Relaxed: only a fork changes it, to another value for good.
        self.page.load(Relaxed) == self.generation
    }
}

/// A page that reads as zeros in every child; whoever has it knows that the
/// handlers are registered.
fn generation() -> Result<&'static AtomicU64, Errno> {
    let mut page = GENERATION.load(Acquire);
    if page.is_null() {
        let new = wiped_page()?;
        // SAFETY: the three handlers are functions that live as long as the program.
        let refused = unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) };
        if refused != 0 {
            return Err(Errno::from_raw_os_error(refused));
        }
        // Another thread may have been faster: its page counts, ours stays unused.
        page = match GENERATION.compare_exchange(ptr::null_mut(), new, AcqRel, Acquire) {
            Ok(_) => new,
            Err(first) => first,
        };
    }
    // SAFETY: aligned (a page), large enough, never unmapped, and zeros are a value
    // of the atomic; nobody has another kind of reference to it.
    Ok(unsafe { &*page })
}

fn wiped_page() -> Result<*mut AtomicU64, Errno> {
    let (protection, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
    // SAFETY: no address is asked for, so no existing mapping is replaced.
    let page = unsafe { rustix::mm::mmap_anonymous(ptr::null_mut(), PAGE, protection, flags)? };
    // SAFETY: the range is the page just mapped, which nobody uses yet.
    unsafe { rustix::mm::madvise(page, PAGE, Advice::LinuxWipeOnFork)? };
    Ok(page.cast())
}

fn descriptors() -> MutexGuard<'static, Vec<RawFd>> {
    DESCRIPTORS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Before a fork: nobody may be in the middle of changing the list. The handlers may
/// be registered twice, by two threads at once; the second call of each does nothing.
extern "C" fn prepare() {
    // A thread that forks while it is being torn down has no cell any more; it
    // forks without the lock.
    let _ = FORKING.try_with(|forking| {
        forking.borrow_mut().get_or_insert_with(descriptors);
    });
}

extern "C" fn parent() {
    let _ = FORKING.try_with(|forking| forking.take());
}

/// In the child: closes what keeps the parent's locks alive.
extern "C" fn child() {
    let _ = FORKING.try_with(|forking| {
        let Some(mut descriptors) = forking.take() else { return };
        for descriptor in descriptors.drain(..) {
            // SAFETY: the list holds descriptors of handles that were alive when the
            // process forked. In this process those handles never use or close them
            // again: `Private` looks at the wiped page first.
            unsafe { libc::close(descriptor) };
        }
    });
}

/// A descriptor that children do not keep.
#[derive(Debug)]
pub(crate) struct Private {
    /// Always there, but while dropping.
    descriptor: Option<OwnedFd>,
    home: Home,
}

impl Private {
    /// Opens one: under the lock, since a fork in between would leave a copy in the
    /// child that nobody knows of.
    pub(crate) fn open(
        open: impl FnOnce() -> Result<OwnedFd, OpenError>,
    ) -> Result<Self, OpenError> {
        let home = Home::here()?;
        let mut list = descriptors();
        let descriptor = open()?;
        list.push(descriptor.as_raw_fd());
        Ok(Self { descriptor: Some(descriptor), home })
    }

    pub(crate) fn home(&self) -> Home {
        self.home
    }
}

impl AsFd for Private {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_ref().expect("there until dropped").as_fd()
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let Some(descriptor) = self.descriptor.take() else { return };
        if !self.home.is_here() {
            // Closed by `child`, or left to the end of a cloned process: its number
            // may by now be somebody else's.
            std::mem::forget(descriptor);
            return;
        }
        let mut list = descriptors();
        list.retain(|&other| other != descriptor.as_raw_fd());
        // Under the lock: a fork in between would close the number's next owner.
        drop(descriptor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::MemfdFlags;

    /// Goal: two threads that make a process's first handles at once do no harm.
    /// Method: forget that the handlers are registered, so that they are again; then
    /// a child says whether the descriptor was closed in it.
    #[test]
    fn handlers_that_are_registered_twice_work_as_once() {
        Home::here().unwrap();
        GENERATION.store(ptr::null_mut(), Relaxed);
        let open = || rustix::fs::memfd_create("", MemfdFlags::CLOEXEC);
        let private = Private::open(|| open().map_err(OpenError::io("make it"))).unwrap();
        let number = private.as_fd().as_raw_fd();
        // SAFETY: the child does nothing but two system calls.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: asks about a number, whosever it is.
            let kept = unsafe { libc::fcntl(number, libc::F_GETFD) } != -1;
            // SAFETY: ends the process, without handlers that are the parent's.
            unsafe { libc::_exit(i32::from(kept)) };
        }
        let mut status = 0;
        // SAFETY: our own child, and a place for its status.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0, "the child kept the descriptor");
        drop(private);
        Home::here().unwrap();
    }
}
