//! What a protocol runs on: shared words, fences, and ways to spend time.
//!
//! A protocol in this crate touches nothing but this. In production the words
//! are atomics in a mapped file; under a model checker they are the checker's;
//! other machines count the operations, weaken one ordering, or stop at the n-th.

use core::ops::Deref;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// A word that several processes load and store.
///
/// The caller's place in the source is the name of an operation: machines that
/// count, weaken or stop tell the sites apart by it. Write at most one operation
/// of a kind on a line.
pub trait Word {
    /// `u32` or `u64`.
    type Value: Copy + Eq;

    /// Loads the word.
    #[track_caller]
    fn load(&self, order: Ordering) -> Self::Value;

    /// Stores `value`.
    #[track_caller]
    fn store(&self, value: Self::Value, order: Ordering);

    /// Stores `new` if the word holds `current`; what the word held, either way.
    ///
    /// # Errors
    /// `Err` with the value found when it was not `current`.
    #[track_caller]
    fn compare_exchange(
        &self,
        current: Self::Value,
        new: Self::Value,
        success: Ordering,
        failure: Ordering,
    ) -> Result<Self::Value, Self::Value>;
}

/// The place where shared words live and time passes.
pub trait Machine {
    /// A 32-bit word; the only width one can sleep on.
    type U32: Word<Value = u32>;
    /// A 64-bit word.
    type U64: Word<Value = u64>;

    /// A fence between this process's own operations.
    #[track_caller]
    fn fence(&self, order: Ordering);

    /// A fence that costs nothing, and is one only with respect to the
    /// [heavy fences](Self::heavy_fence) of others.
    ///
    /// In production the compiler keeps the order, and the processor may not.
    #[track_caller]
    fn light_fence(&self);

    /// A sequentially consistent fence, here and in everybody who issues
    /// [light ones](Self::light_fence).
    ///
    /// False: it was one here only.
    #[track_caller]
    fn heavy_fence(&self) -> bool;

    /// Somebody else has to move first. Called once per fruitless round.
    fn spin(&self);

    /// Sleeps while `word` holds `seen`, at most `nanos` nanoseconds.
    ///
    /// Compares and falls asleep in one step with respect to [`wake`](Self::wake).
    /// May return at any time and for any reason.
    #[track_caller]
    fn sleep(&self, word: &Self::U32, seen: u32, nanos: u64);

    /// Wakes everyone who sleeps on `word`.
    #[track_caller]
    fn wake(&self, word: &Self::U32);
}

/// Words in a row, wherever each of them lies: in a slice, or one in each slot.
pub trait Row {
    /// What stands at each index.
    type Word;

    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The word at `index`, which is below [`len`](Self::len).
    fn at(&self, index: usize) -> &Self::Word;
}

impl<W> Row for &[W] {
    type Word = W;

    #[inline(always)]
    fn len(&self) -> usize {
        <[W]>::len(self)
    }

    #[inline(always)]
    fn at(&self, index: usize) -> &W {
        &self[index]
    }
}

/// Keeps its content 128 bytes away from the next, in every build and in the file.
///
/// Two 64-byte lines, since processors prefetch them in pairs. A fixed number:
/// the file must not depend on who compiled the program.
#[repr(C, align(128))]
#[derive(Debug, Default)]
pub struct Line<T>(
    /// The content.
    pub T,
);

impl<T> Deref for Line<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}

macro_rules! impl_word {
    ($atomic:ty, $value:ty) => {
        impl Word for $atomic {
            type Value = $value;

            #[inline(always)]
            fn load(&self, order: Ordering) -> $value {
                <$atomic>::load(self, order)
            }

            #[inline(always)]
            fn store(&self, value: $value, order: Ordering) {
                <$atomic>::store(self, value, order)
            }

            #[inline(always)]
            fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                <$atomic>::compare_exchange(self, current, new, success, failure)
            }
        }
    };
}

impl_word!(AtomicU32, u32);
impl_word!(AtomicU64, u64);
