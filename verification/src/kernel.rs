//! The kernel's locks, as far as the protocols see them.
//!
//! A lock belongs to a process and is freed when the process ends, after its last
//! instruction. That is all: no queue, no timeout, no owner to ask for.

use loom::sync::Mutex;
use ringbuf_core::peer::{Liveness, Locks, Who};
use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt;

/// Who holds what.
#[derive(Debug, Default)]
pub struct Table {
    attached: Vec<(u32, u32)>,
    identities: Vec<(Who, u32)>,
    /// Every lock of an identity that was ever given, oldest first.
    given: Vec<(Who, u32)>,
}

impl Table {
    /// Whether some process holds this identity.
    #[must_use]
    pub fn is_locked(&self, who: Who) -> bool {
        self.identities.iter().any(|&(held, _)| held == who)
    }
}

/// A place where a [`Table`] is looked at and changed in one step.
pub trait Kernel {
    /// A kernel in which nothing is locked.
    fn unlocked() -> Self;
    /// Does something to the table that nobody sees half done.
    fn enter<T>(&self, act: impl FnOnce(&mut Table) -> T) -> T;
}

/// A kernel for loom: entering it orders, and every entry may be preempted.
pub type Modelled = Mutex<Table>;
/// A kernel for participants that run one after the other.
pub type Plain = RefCell<Table>;

impl Kernel for Modelled {
    fn unlocked() -> Self {
        Mutex::new(Table::default())
    }

    fn enter<T>(&self, act: impl FnOnce(&mut Table) -> T) -> T {
        act(&mut self.lock().expect("nobody dies inside the kernel"))
    }
}

impl Kernel for Plain {
    fn unlocked() -> Self {
        RefCell::new(Table::default())
    }

    fn enter<T>(&self, act: impl FnOnce(&mut Table) -> T) -> T {
        act(&mut self.borrow_mut())
    }
}

/// One process, as the kernel knows it.
pub struct Process<'a, K> {
    kernel: &'a K,
    id: u32,
}

impl<'a, K: Kernel> Process<'a, K> {
    /// The process with this number.
    pub fn new(kernel: &'a K, id: u32) -> Self {
        Self { kernel, id }
    }

    /// The end of the process, or of its descriptors: all its locks are free.
    pub fn end(&self) {
        self.kernel.enter(|table| {
            table.attached.retain(|&(_, holder)| holder != self.id);
            table.identities.retain(|&(_, holder)| holder != self.id);
        });
    }

    /// Whether nobody was given the lock of this identity after this process.
    #[must_use]
    pub fn is_last_of(&self, who: Who) -> bool {
        self.kernel.enter(|table| {
            let last = table.given.iter().rev().find(|&&(given, _)| given == who);
            last.is_some_and(|&(_, holder)| holder == self.id)
        })
    }

    /// Whether this process holds this identity.
    #[must_use]
    pub fn is_mine(&self, who: Who) -> bool {
        self.kernel.enter(|table| table.identities.contains(&(who, self.id)))
    }
}

/// The attach lock of a row, while it is held.
#[derive(Debug)]
pub struct Attach<'a, K: Kernel> {
    kernel: &'a K,
    row: u32,
    id: u32,
}

impl<K: Kernel> Drop for Attach<'_, K> {
    fn drop(&mut self) {
        // The dying give up nothing themselves: their process ends.
        if !std::thread::panicking() {
            let entry = (self.row, self.id);
            self.kernel.enter(|table| table.attached.retain(|&held| held != entry));
        }
    }
}

impl<K: Kernel> Liveness for Process<'_, K> {
    fn is_held(&self, who: Who) -> bool {
        self.kernel.enter(|table| {
            table.identities.iter().any(|&(held, holder)| held == who && holder != self.id)
        })
    }
}

impl<'a, K: Kernel> Locks for Process<'a, K> {
    type Attach = Attach<'a, K>;
    type Error = Infallible;

    fn attach(&self, row: u32) -> Result<Option<Attach<'a, K>>, Infallible> {
        let free = self.kernel.enter(|table| {
            let free = table.attached.iter().all(|&(held, _)| held != row);
            if free {
                table.attached.push((row, self.id));
            }
            free
        });
        // Lazily: an attach lock that is made is given up.
        Ok(free.then(|| Attach { kernel: self.kernel, row, id: self.id }))
    }

    fn take(&self, who: Who) -> Result<bool, Infallible> {
        Ok(self.kernel.enter(|table| {
            let free = table.identities.iter().all(|&(held, _)| held != who);
            if free {
                table.identities.push((who, self.id));
                table.given.push((who, self.id));
            }
            free
        }))
    }
}

impl<K> fmt::Debug for Process<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("id", &self.id).finish_non_exhaustive()
    }
}
