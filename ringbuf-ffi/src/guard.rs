//! How a claim or a view stays open from one call of C to the next.
//!
//! In Rust a guard borrows its handle, and the compiler sees that the handle is left
//! alone while the guard lives. Here both are kept together, and [`Held`] sees to it
//! at run time: there is a handle to be had, or there is a guard, never both.
//!
//! Unsafe code here keeps a borrow of a handle longer than the compiler can follow.
//! Why it may:
//! - the handle has an allocation of its own, reached through a raw pointer, so that
//!   moving a `Held` moves neither the handle nor what the guard refers to;
//! - while a guard is open, nothing here makes another reference to the handle;
//! - a guard is dropped before its handle is;
//! - no guard gets out with a lifetime it does not have: closures see it with a
//!   lifetime that they cannot name, hence keep in nothing that outlives the call.

use crate::broadcast::writing::Open;
use crate::error::Errno;
use ringbuf_shm::broadcast;
use ringbuf_shm::spsc::{bytes, records};
use std::fmt;
use std::ptr::NonNull;

/// A handle that lends a guard: a claim, or a view.
pub(crate) trait Lend: 'static {
    /// What is open while the handle is lent.
    type Guard<'a>;
}

/// A handle whose guard can be turned into another.
pub(crate) trait Turn: Lend {
    /// What becomes of the guard, which is dropped if nothing does.
    fn turn(guard: Self::Guard<'_>) -> Result<Self::Guard<'_>, Errno>;
}

impl Lend for bytes::Producer {
    type Guard<'a> = bytes::Claim<'a>;
}

impl Lend for bytes::Consumer {
    type Guard<'a> = bytes::View<'a>;
}

impl Lend for records::Producer {
    type Guard<'a> = records::Claim<'a>;
}

impl Lend for records::Consumer {
    type Guard<'a> = records::View<'a>;
}

impl Lend for broadcast::bytes::Publisher {
    type Guard<'a> = Open<'a>;
}

impl Turn for broadcast::bytes::Publisher {
    fn turn(open: Self::Guard<'_>) -> Result<Self::Guard<'_>, Errno> {
        Ok(open.begin()?)
    }
}

/// A handle, and the guard on it if one is open.
pub(crate) struct Held<H: Lend> {
    /// Borrows `handle`.
    guard: Option<H::Guard<'static>>,
    /// From a box, and not shown to anybody while there is a guard.
    handle: NonNull<H>,
}

// SAFETY: a `Held` owns its handle and its guard as a box would; nothing else points
// to them. Both may move to another thread if they say so themselves.
unsafe impl<H: Lend + Send> Send for Held<H> where H::Guard<'static>: Send {}

impl<H: Lend> Held<H> {
    pub(crate) fn new(handle: H) -> Self {
        Self { guard: None, handle: NonNull::from(Box::leak(Box::new(handle))) }
    }

    /// The handle, unless a guard is open on it.
    pub(crate) fn idle(&self) -> Result<&H, Errno> {
        if self.guard.is_some() {
            return Err(Errno::BUSY);
        }
        // SAFETY: valid until `self` is dropped; no guard refers to it, and `open`,
        // which would make one, needs `self` exclusively.
        Ok(unsafe { self.handle.as_ref() })
    }

    /// As [`idle`](Self::idle), exclusively.
    pub(crate) fn idle_mut(&mut self) -> Result<&mut H, Errno> {
        if self.guard.is_some() {
            return Err(Errno::BUSY);
        }
        // SAFETY: valid until `self` is dropped; no guard refers to it, and `self` is
        // exclusive.
        Ok(unsafe { self.handle.as_mut() })
    }

    /// Opens a guard.
    #[inline]
    pub(crate) fn open<E>(
        &mut self,
        lend: impl for<'a> FnOnce(&'a mut H) -> Result<H::Guard<'a>, E>,
    ) -> Result<(), Errno>
    where
        Errno: From<E>,
    {
        if self.guard.is_some() {
            return Err(Errno::BUSY);
        }
        // SAFETY: valid until `self` is dropped, which drops the guard first; no other
        // reference exists, since there was no guard, and none is made while there is.
        let handle: &'static mut H = unsafe { self.handle.as_mut() };
        self.guard = Some(lend(handle)?);
        Ok(())
    }

    /// Looks at the open guard, where it stands.
    #[inline]
    pub(crate) fn look<R>(
        &mut self,
        look: impl for<'a> FnOnce(&mut H::Guard<'a>) -> R,
    ) -> Result<R, Errno> {
        self.guard.as_mut().map(look).ok_or(Errno::INVALID)
    }

    /// Asks the open guard, or the handle if there is none.
    pub(crate) fn ask<R>(
        &self,
        handle: impl FnOnce(&H) -> R,
        guard: impl for<'a> FnOnce(&H::Guard<'a>) -> R,
    ) -> R {
        match &self.guard {
            Some(open) => guard(open),
            // SAFETY: as in `idle`.
            None => handle(unsafe { self.handle.as_ref() }),
        }
    }

    /// Drops the open guard, where it stands.
    #[inline]
    pub(crate) fn discard(&mut self) -> Result<(), Errno> {
        if self.guard.is_none() {
            return Err(Errno::INVALID);
        }
        self.guard = None;
        Ok(())
    }

    /// Takes the open guard out, for `end` to end.
    #[inline]
    pub(crate) fn close<R>(
        &mut self,
        end: impl for<'a> FnOnce(H::Guard<'a>) -> R,
    ) -> Result<R, Errno> {
        self.guard.take().map(end).ok_or(Errno::INVALID)
    }
}

impl<H: Turn> Held<H> {
    /// Turns the open guard into the other. Nothing is open after a refusal.
    pub(crate) fn turn(&mut self) -> Result<(), Errno> {
        let guard = self.guard.take().ok_or(Errno::INVALID)?;
        self.guard = Some(H::turn(guard)?);
        Ok(())
    }
}

impl<H: Lend> Drop for Held<H> {
    fn drop(&mut self) {
        self.guard = None;
        // SAFETY: from the box of `new`, and dropped here alone; the guard, the only
        // one to refer to it, is gone.
        drop(unsafe { Box::from_raw(self.handle.as_ptr()) });
    }
}

impl<H: Lend + fmt::Debug> fmt::Debug for Held<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.idle() {
            Ok(handle) => handle.fmt(f),
            Err(_) => f.write_str("(a guard is open)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    type Log = Rc<RefCell<Vec<&'static str>>>;

    struct Handle(Log);
    struct Guard<'a>(&'a mut Handle);

    impl Lend for Handle {
        type Guard<'a> = Guard<'a>;
    }

    impl Turn for Handle {
        fn turn(guard: Self::Guard<'_>) -> Result<Self::Guard<'_>, Errno> {
            if guard.0.0.borrow().contains(&"turn") {
                return Err(Errno::AGAIN);
            }
            guard.0.0.borrow_mut().push("turn");
            Ok(guard)
        }
    }

    impl Drop for Handle {
        fn drop(&mut self) {
            self.0.borrow_mut().push("handle");
        }
    }

    impl Drop for Guard<'_> {
        fn drop(&mut self) {
            self.0.0.borrow_mut().push("guard");
        }
    }

    fn lend(handle: &mut Handle) -> Result<Guard<'_>, Errno> {
        Ok(Guard(handle))
    }

    #[test]
    fn a_guard_is_dropped_before_its_handle() {
        let log = Log::default();
        let mut held = Held::new(Handle(log.clone()));
        held.open(lend).unwrap();
        // Moving it moves neither.
        let held = Box::new(held);
        drop(held);
        assert_eq!(*log.borrow(), ["guard", "handle"]);
    }

    #[test]
    fn there_is_a_handle_or_a_guard() {
        let log = Log::default();
        let mut held = Held::new(Handle(log.clone()));
        assert!(held.idle().is_ok());
        assert_eq!(held.look(|_| ()), Err(Errno::INVALID));
        assert_eq!(held.close(|_| ()), Err(Errno::INVALID));
        held.open(lend).unwrap();
        assert_eq!(held.idle().err(), Some(Errno::BUSY));
        assert_eq!(held.open(lend), Err(Errno::BUSY));
        held.look(|guard| guard.0.0.borrow_mut().push("look")).unwrap();
        held.close(|guard| guard.0.0.borrow_mut().push("close")).unwrap();
        assert!(held.idle().is_ok());
        held.open(lend).unwrap();
        held.discard().unwrap();
        assert_eq!(held.discard(), Err(Errno::INVALID));
        assert_eq!(*log.borrow(), ["look", "close", "guard", "guard"]);
    }

    #[test]
    fn nothing_is_open_after_a_refusal() {
        let mut held = Held::new(Handle(Log::default()));
        assert_eq!(held.open(|_| Err(Errno::AGAIN)), Err(Errno::AGAIN));
        assert!(held.idle().is_ok());
    }

    #[test]
    fn a_guard_is_turned_once_and_dropped_if_it_cannot_be() {
        let log = Log::default();
        let mut held = Held::new(Handle(log.clone()));
        let asked = |held: &Held<Handle>| held.ask(|_| "handle", |_| "guard");
        assert_eq!((held.turn(), asked(&held)), (Err(Errno::INVALID), "handle"));
        held.open(lend).unwrap();
        assert_eq!((held.turn(), asked(&held)), (Ok(()), "guard"));
        assert_eq!(*log.borrow(), ["turn"]);
        assert_eq!((held.turn(), asked(&held)), (Err(Errno::AGAIN), "handle"));
        assert_eq!(*log.borrow(), ["turn", "guard"]);
    }
}
