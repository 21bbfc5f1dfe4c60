//! Plain words and a participant that ends at its n-th operation.
//!
//! Participants run one after the other, so a whole life takes microseconds and
//! every pair of death points of two successive lives can be tried.

use crate::site::{self, Kind, Site};
use ringbuf_core::machine::{Machine, Word};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::atomic::Ordering;

struct Death;

/// So many operations that no participant gets there.
pub const FOREVER: u32 = u32::MAX;

thread_local! {
    static OPERATIONS_LEFT: Cell<u32> = const { Cell::new(FOREVER) };
    static KILLED_AT: RefCell<BTreeSet<Site>> = const { RefCell::new(BTreeSet::new()) };
    static MEDDLER: RefCell<Option<Box<dyn FnMut()>>> = const { RefCell::new(None) };
}

/// Runs `act` while `meddle` comes before each of its operations, as a hostile
/// process may.
pub fn meddled<T>(meddle: impl FnMut() + 'static, act: impl FnOnce() -> T) -> T {
    MEDDLER.set(Some(Box::new(meddle)));
    let returned = act();
    MEDDLER.set(None);
    returned
}

/// Runs `act` while `interrupt` comes before its operation number `after`, counted from
/// zero; whether it came to that.
pub fn interrupted<T>(
    after: u32,
    interrupt: impl FnOnce() + 'static,
    act: impl FnOnce() -> T,
) -> (T, bool) {
    let interrupt = Rc::new(Cell::new(Some(interrupt)));
    let (waiting, mut count) = (Rc::clone(&interrupt), 0);
    let meddle = move || {
        if count == after {
            waiting.take().into_iter().for_each(|interrupt| meanwhile(interrupt));
        }
        count += 1;
    };
    let returned = meddled(meddle, act);
    (returned, interrupt.take().is_none())
}

/// Runs a participant that ends before its operation number `after`, counted from
/// zero; what it returned if it lived to return.
pub fn mortal<T>(after: u32, life: impl FnOnce() -> T) -> Option<T> {
    let outside = OPERATIONS_LEFT.replace(after);
    let end = catch_unwind(AssertUnwindSafe(life));
    OPERATIONS_LEFT.set(outside);
    match end {
        Ok(returned) => Some(returned),
        Err(cause) if cause.is::<Death>() => None,
        Err(cause) => resume_unwind(cause),
    }
}

/// Lets somebody else act in the middle of a mortal life, at no cost to it.
pub fn meanwhile<T>(act: impl FnOnce() -> T) -> T {
    let left = OPERATIONS_LEFT.replace(FOREVER);
    let returned = act();
    OPERATIONS_LEFT.set(left);
    returned
}

/// The operations before which participants of this thread ended so far.
#[must_use]
pub fn killed_at() -> BTreeSet<Site> {
    KILLED_AT.with(|sites| sites.borrow().clone())
}

fn step(place: &Location<'_>, kind: Kind, order: Option<Ordering>) {
    site::note(place, kind, order);
    // It is away meanwhile: nobody comes before its own operations.
    if let Some(mut meddle) = MEDDLER.take() {
        meddle();
        MEDDLER.set(Some(meddle));
    }
    match OPERATIONS_LEFT.get() {
        FOREVER => {}
        0 => {
            KILLED_AT.with(|sites| sites.borrow_mut().insert(Site::new(place, kind)));
            // Not a panic: nothing is printed, and nobody is to blame.
            resume_unwind(Box::new(Death))
        }
        more => OPERATIONS_LEFT.set(more - 1),
    }
}

/// A word in ordinary memory.
#[derive(Debug, Default)]
pub struct Plain<T: Copy>(Cell<T>);

impl<T: Copy> Plain<T> {
    /// A word that holds `value`.
    pub const fn new(value: T) -> Self {
        Self(Cell::new(value))
    }

    /// What the word holds, outside any life.
    pub fn get(&self) -> T {
        self.0.get()
    }

    /// Makes the word hold `value`, outside any life.
    pub fn set(&self, value: T) {
        self.0.set(value);
    }
}

impl<T: Copy + Eq> Word for Plain<T> {
    type Value = T;

    #[track_caller]
    fn load(&self, order: Ordering) -> T {
        step(Location::caller(), Kind::Load, Some(order));
        self.0.get()
    }

    #[track_caller]
    fn store(&self, value: T, order: Ordering) {
        step(Location::caller(), Kind::Store, Some(order));
        self.0.set(value);
    }

    #[track_caller]
    fn compare_exchange(&self, current: T, new: T, order: Ordering, _: Ordering) -> Result<T, T> {
        step(Location::caller(), Kind::Exchange, Some(order));
        let found = self.0.get();
        if found != current {
            return Err(found);
        }
        self.0.set(new);
        Ok(found)
    }
}

/// The machine of plain words. It remembers on which value somebody sleeps.
#[derive(Default)]
pub struct Mortal {
    /// Somebody went to sleep and was not woken since.
    pub asleep: Cell<bool>,
}

impl Machine for Mortal {
    type U32 = Plain<u32>;
    type U64 = Plain<u64>;

    #[track_caller]
    fn fence(&self, order: Ordering) {
        step(Location::caller(), Kind::Fence, Some(order));
    }

    #[track_caller]
    fn light_fence(&self) {
        self.fence(Ordering::SeqCst);
    }

    #[track_caller]
    fn heavy_fence(&self) -> bool {
        self.fence(Ordering::SeqCst);
        true
    }

    fn spin(&self) {}

    #[track_caller]
    fn sleep(&self, word: &Plain<u32>, seen: u32, _: u64) {
        step(Location::caller(), Kind::Sleep, None);
        self.asleep.set(word.get() == seen);
    }

    #[track_caller]
    fn wake(&self, _: &Plain<u32>) {
        step(Location::caller(), Kind::Wake, None);
        self.asleep.set(false);
    }
}

impl fmt::Debug for Mortal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mortal").finish_non_exhaustive()
    }
}
