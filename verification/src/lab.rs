//! The loom machine: every interleaving, and for every load every value that the
//! memory model allows it to return.
//!
//! It can weaken one named operation, to see whether a model notices, and end a
//! participant before its n-th operation, to see what the others make of it.

use crate::site::{self, Kind, Site};
use loom::sync::atomic as words;
use loom::sync::{Condvar, Mutex};
use ringbuf_core::machine::{Machine, Word};
use std::cell::Cell as Plain;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{self, Relaxed};
use std::time::{Duration, Instant};

/// One operation with less ordering than the source asks for.
#[derive(Debug)]
pub struct Mutant {
    /// The operation.
    pub site: Site,
    /// The ordering it gets; none: the fence is left out.
    pub order: Option<Ordering>,
}

static MUTANT: OnceLock<Mutant> = OnceLock::new();

/// Weakens one operation for the rest of this process.
///
/// # Panics
/// If this process has a mutant already.
pub fn weaken(mutant: Mutant) {
    assert!(MUTANT.set(mutant).is_ok(), "a process has one mutant at most");
}

/// The ordering to use: what the source says, unless this operation is the mutant.
fn ordering(place: &Location<'_>, kind: Kind, order: Ordering) -> Option<Ordering> {
    site::note(place, kind, Some(order));
    match MUTANT.get() {
        Some(mutant) if mutant.site.is_at(place, kind) => mutant.order,
        _ => Some(order),
    }
}

fn weakened(place: &Location<'_>, kind: Kind, order: Ordering) -> Ordering {
    ordering(place, kind, order).expect("only a fence can be left out")
}

struct Death;

/// So many operations that no participant gets there.
pub const FOREVER: u32 = u32::MAX;

loom::thread_local! {
    static OPERATIONS_LEFT: Plain<u32> = Plain::new(FOREVER);
}

thread_local! {
    static DEATHS: Plain<u64> = const { Plain::new(0) };
    static REFUSED: Plain<bool> = const { Plain::new(false) };
}

/// Runs a scene in which everybody is refused the heavy fence: it is a full one of its own
/// then, and a light one is none at all.
pub fn refused(scene: impl FnOnce()) {
    REFUSED.set(true);
    scene();
    REFUSED.set(false);
}

/// Runs a participant that ends before its operation number `after`, counted from
/// zero; what it returned if it lived to return.
///
/// Ending before an operation is the same as ending at any instruction since the
/// operation before it: nothing else that a participant does is shared.
pub fn mortal<T>(after: u32, life: impl FnOnce() -> T) -> Option<T> {
    OPERATIONS_LEFT.with(|left| left.set(after));
    let end = catch_unwind(AssertUnwindSafe(life));
    OPERATIONS_LEFT.with(|left| left.set(FOREVER));
    match end {
        Ok(returned) => Some(returned),
        Err(cause) if cause.is::<Death>() => {
            DEATHS.with(|deaths| deaths.set(deaths.get() + 1));
            None
        }
        Err(cause) => resume_unwind(cause),
    }
}

fn step() {
    OPERATIONS_LEFT.with(|left| match left.get() {
        FOREVER => {}
        // Not a panic: nothing is printed, and nobody is to blame.
        0 => resume_unwind(Box::new(Death)),
        more => left.set(more - 1),
    });
}

macro_rules! loom_word {
    ($(#[$doc:meta])* $name:ident, $atomic:ty, $value:ty, $($extra:ident: $of:ty = $new:expr),*) => {
        $(#[$doc])*
        pub struct $name {
            word: $atomic,
            $($extra: $of,)*
        }

        impl $name {
            /// A word that holds `value`.
            #[must_use]
            pub fn new(value: $value) -> Self {
                Self { word: <$atomic>::new(value), $($extra: $new,)* }
            }
        }

        impl Word for $name {
            type Value = $value;

            #[track_caller]
            fn load(&self, order: Ordering) -> $value {
                let place = Location::caller();
                let order = weakened(place, Kind::Load, order);
                step();
                self.is_looked_at();
                self.word.load(order)
            }

            #[track_caller]
            fn store(&self, value: $value, order: Ordering) {
                let place = Location::caller();
                let order = weakened(place, Kind::Store, order);
                step();
                self.is_changed();
                self.word.store(value, order);
            }

            #[track_caller]
            fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                let place = Location::caller();
                let success = weakened(place, Kind::Exchange, success);
                let failure = weakened(place, Kind::ExchangeFailed, failure);
                step();
                self.word.compare_exchange(current, new, success, failure)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

loom_word!(
    /// A 64-bit word whose every load loom decides.
    U64, words::AtomicU64, u64, exclusive: Option<loom::cell::Cell<()>> = None
);
loom_word!(
    /// A 32-bit word whose every load loom decides, and the kernel's queue of those
    /// who sleep on it.
    U32, words::AtomicU32, u32, queue: Mutex<()> = Mutex::new(()), bell: Condvar = Condvar::new()
);

impl U64 {
    /// A word that nobody stores while another may load it. If somebody does, that is a data
    /// race, which loom reports: it never lets a load see a store that is still to come.
    #[must_use]
    pub fn exclusive(value: u64) -> Self {
        Self { exclusive: Some(loom::cell::Cell::new(())), ..Self::new(value) }
    }

    fn is_looked_at(&self) {
        self.exclusive.iter().for_each(loom::cell::Cell::get);
    }

    fn is_changed(&self) {
        self.exclusive.iter().for_each(|exclusive| exclusive.set(()));
    }
}

impl U32 {
    #[expect(clippy::unused_self, reason = "no such word is exclusive")]
    fn is_looked_at(&self) {}

    #[expect(clippy::unused_self, reason = "no such word is exclusive")]
    fn is_changed(&self) {}
}

/// The machine whose memory is loom's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lab;

/// A sleep of so many nanoseconds ends by a wake-up only.
///
/// Any shorter sleep ends whenever loom likes, which includes at once.
pub const UNTIL_WOKEN: u64 = u64::MAX;

impl Machine for Lab {
    type U32 = U32;
    type U64 = U64;

    #[track_caller]
    fn fence(&self, order: Ordering) {
        let order = ordering(Location::caller(), Kind::Fence, order);
        step();
        if let Some(order) = order {
            words::fence(order);
        }
    }

    // Loom knows no fence of one's own on others: both are what they are together.
    #[track_caller]
    fn light_fence(&self) {
        if !REFUSED.get() {
            self.fence(Ordering::SeqCst);
        }
    }

    #[track_caller]
    fn heavy_fence(&self) -> bool {
        self.fence(Ordering::SeqCst);
        !REFUSED.get()
    }

    fn spin(&self) {
        loom::thread::yield_now();
    }

    #[track_caller]
    fn sleep(&self, word: &U32, seen: u32, nanos: u64) {
        site::note(Location::caller(), Kind::Sleep, None);
        step();
        if nanos != UNTIL_WOKEN {
            loom::thread::yield_now();
            return;
        }
        let queue = word.queue.lock().expect("nobody panics while queueing");
        // The kernel compares with the latest value. Only a read-modify-write is
        // certain to see it.
        if word.word.fetch_or(0, Relaxed) == seen {
            drop(word.bell.wait(queue));
        }
    }

    #[track_caller]
    fn wake(&self, word: &U32) {
        site::note(Location::caller(), Kind::Wake, None);
        step();
        let _queue = word.queue.lock().expect("nobody panics while queueing");
        word.bell.notify_all();
    }
}

/// Slots of payload. A read that no edge orders after the write is a data race,
/// which loom reports; so no value has to be lucky to be found wrong.
#[derive(Debug)]
pub struct Payload(Vec<loom::cell::Cell<u64>>);

impl Payload {
    /// So many slots, all zero.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        Self((0..slots).map(|_| loom::cell::Cell::new(0)).collect())
    }

    /// Writes a slot.
    ///
    /// # Panics
    /// If there is no such slot, and if a read is not ordered with this write.
    pub fn write(&self, index: u64, value: u64) {
        self.0[usize::try_from(index).expect("an index")].set(value);
    }

    /// Reads a slot.
    ///
    /// # Panics
    /// If there is no such slot, and if a write is not ordered with this read.
    #[must_use]
    pub fn read(&self, index: u64) -> u64 {
        self.0[usize::try_from(index).expect("an index")].get()
    }
}

/// What an exploration came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Explored {
    /// How many executions there were.
    pub executions: u64,
    /// In how many of them a participant died.
    pub deaths: u64,
    /// At how many different operations it did.
    pub death_points: u32,
    /// How long it took.
    pub elapsed: Duration,
}

/// An exploration that takes longer than this is taken for endless.
const ELAPSED_MAX: Duration = Duration::from_secs(600);
/// Operations of one execution; more are taken for an endless loop.
const BRANCHES_MAX: usize = 20_000;

/// Explores every execution of `model`, or those with at most `bound` preemptions.
///
/// # Panics
/// When an execution panics, races, deadlocks or does not end.
pub fn explore(bound: Option<usize>, model: impl Fn() + Send + Sync + 'static) -> Explored {
    use std::sync::atomic::AtomicU64;
    use std::sync::{Arc, Mutex, PoisonError};

    // One at a time: two threads of one process take longer together than one after the
    // other, since every execution maps and unmaps the stacks of its participants.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let executions = Arc::new(AtomicU64::new(0));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = bound;
    builder.max_branches = BRANCHES_MAX;
    builder.max_duration = Some(ELAPSED_MAX);
    let deaths_before = DEATHS.with(Plain::get);
    let started = Instant::now();
    let counter = Arc::clone(&executions);
    builder.check(move || {
        counter.fetch_add(1, Relaxed);
        model();
    });
    let elapsed = started.elapsed();
    assert!(elapsed < ELAPSED_MAX, "not explored to the end");
    let deaths = DEATHS.with(Plain::get) - deaths_before;
    Explored {
        executions: executions.load(Relaxed),
        deaths,
        death_points: u32::from(deaths != 0),
        elapsed,
    }
}

/// Explores `model` once for every operation before which its mortal participant
/// can end, and once in which it lives.
///
/// # Panics
/// As [`explore`].
pub fn explore_deaths(bound: Option<usize>, model: fn(u32)) -> Explored {
    let mut sum = Explored::default();
    for after in 0.. {
        let one = explore(bound, move || model(after));
        sum.executions += one.executions;
        sum.deaths += one.deaths;
        sum.death_points += one.death_points;
        sum.elapsed += one.elapsed;
        if one.deaths == 0 {
            break;
        }
    }
    sum
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} executions", self.executions)?;
        if self.death_points != 0 {
            write!(f, ", {} deaths at {} points", self.deaths, self.death_points)?;
        }
        write!(f, ", {:.1} s", self.elapsed.as_secs_f64())
    }
}
