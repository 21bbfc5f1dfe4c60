//! Plain words that count what is done to them.
//!
//! The words of a protocol lie here as they lie in a file, so that the lines of
//! memory they touch can be counted too.

use ringbuf_core::machine::{Machine, Word};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

/// Bytes between the words of different writers.
const LINE: usize = 128;

/// What was done to one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Loads.
    pub loads: u64,
    /// Stores.
    pub stores: u64,
    /// Compare-and-swaps, successful or not.
    pub exchanges: u64,
}

/// What was done in all.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    words: BTreeMap<usize, Uses>,
    /// Sequentially consistent fences, the only ones that a processor waits for whose loads and
    /// stores keep their order otherwise.
    pub fences: u64,
    /// System calls, to sleep or to wake.
    pub calls: u64,
    /// Hints that somebody else has to move first.
    pub spins: u64,
}

impl Tally {
    /// What was done to the words of `place` and of nothing else.
    #[must_use]
    pub fn of<T: ?Sized>(&self, place: &T) -> Uses {
        let start = std::ptr::from_ref(place).addr();
        self.sum(start..start + size_of_val(place))
    }

    /// What was done to all words.
    #[must_use]
    pub fn all(&self) -> Uses {
        self.sum(0..usize::MAX)
    }

    /// How many lines of 128 bytes were touched.
    #[must_use]
    pub fn lines(&self) -> usize {
        let lines: std::collections::BTreeSet<_> =
            self.words.keys().map(|address| address / LINE).collect();
        lines.len()
    }

    fn sum(&self, range: std::ops::Range<usize>) -> Uses {
        let mut sum = Uses::default();
        for uses in self.words.range(range).map(|(_, uses)| uses) {
            sum.loads += uses.loads;
            sum.stores += uses.stores;
            sum.exchanges += uses.exchanges;
        }
        sum
    }
}

thread_local! {
    static TALLY: RefCell<Tally> = RefCell::new(Tally::default());
}

/// Runs `act` and returns what it did on this thread.
pub fn counting(act: impl FnOnce()) -> Tally {
    TALLY.take();
    act();
    TALLY.take()
}

fn count(change: impl FnOnce(&mut Tally)) {
    TALLY.with_borrow_mut(change);
}

/// A word that counts; as large as its value.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Counted<T: Copy>(Cell<T>);

impl<T: Copy> Counted<T> {
    /// A word that holds `value`.
    pub const fn new(value: T) -> Self {
        Self(Cell::new(value))
    }

    fn used(&self, change: impl FnOnce(&mut Uses)) {
        let address = std::ptr::from_ref(self).addr();
        count(|tally| change(tally.words.entry(address).or_default()));
    }
}

impl<T: Copy + Eq> Word for Counted<T> {
    type Value = T;

    fn load(&self, _: Ordering) -> T {
        self.used(|uses| uses.loads += 1);
        self.0.get()
    }

    fn store(&self, value: T, _: Ordering) {
        self.used(|uses| uses.stores += 1);
        self.0.set(value);
    }

    fn compare_exchange(&self, current: T, new: T, _: Ordering, _: Ordering) -> Result<T, T> {
        self.used(|uses| uses.exchanges += 1);
        let found = self.0.get();
        if found != current {
            return Err(found);
        }
        self.0.set(new);
        Ok(found)
    }
}

/// The machine that counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counting;

impl Machine for Counting {
    type U32 = Counted<u32>;
    type U64 = Counted<u64>;

    fn fence(&self, order: Ordering) {
        count(|tally| tally.fences += u64::from(order == Ordering::SeqCst));
    }

    /// No operation of the processor's.
    fn light_fence(&self) {}

    fn heavy_fence(&self) -> bool {
        count(|tally| tally.calls += 1);
        true
    }

    fn spin(&self) {
        count(|tally| tally.spins += 1);
    }

    fn sleep(&self, _: &Counted<u32>, _: u32, _: u64) {
        count(|tally| tally.calls += 1);
    }

    fn wake(&self, _: &Counted<u32>) {
        count(|tally| tally.calls += 1);
    }
}
