//! Free-running counts and their distances.
//!
//! A [`Position`] counts the slots (or bytes) that ever passed. It wraps at 2^64
//! and is therefore never compared with `<`: two positions of one ring are at
//! most a capacity apart, and their wrapping distance says how far.

/// How many slots (or bytes) had passed when this place was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position(u64);

impl Position {
    /// The position with this count, as it stands in a shared word.
    #[inline(always)]
    #[must_use]
    pub const fn new(count: u64) -> Self {
        Self(count)
    }

    /// The count, as it stands in a shared word.
    #[inline(always)]
    #[must_use]
    pub const fn count(self) -> u64 {
        self.0
    }

    /// The position `steps` later.
    #[inline(always)]
    #[must_use]
    pub const fn plus(self, steps: u64) -> Self {
        Self(self.0.wrapping_add(steps))
    }

    /// The position `steps` earlier.
    #[inline(always)]
    #[must_use]
    pub const fn minus(self, steps: u64) -> Self {
        Self(self.0.wrapping_sub(steps))
    }

    /// How many steps after `earlier` this is.
    ///
    /// A result above the capacity of the ring means that one of the two cannot
    /// be true, or that the arguments are the wrong way round.
    #[inline(always)]
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.wrapping_sub(earlier.0)
    }

    /// The place of this position in an array of `capacity` (a power of two).
    #[inline(always)]
    #[must_use]
    pub const fn index(self, capacity: u64) -> u64 {
        self.0 & (capacity - 1)
    }
}

/// Whether `one` is before `other`; both are positions of one ring, less than half of
/// all positions apart.
#[inline(always)]
pub(crate) fn is_before(one: Position, other: Position) -> bool {
    one.since(other) > u64::MAX / 2
}

/// Consecutive positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first of them.
    pub start: Position,
    /// How many there are.
    pub len: u64,
}

impl Span {
    /// The position after the last.
    #[inline(always)]
    #[must_use]
    pub const fn end(self) -> Position {
        self.start.plus(self.len)
    }

    /// The part before the end of an array of `capacity`, and the part after it.
    ///
    /// Each is (index, length); the second begins at index 0 and is often empty.
    #[inline]
    #[must_use]
    pub const fn split(self, capacity: u64) -> ((u64, u64), u64) {
        let index = self.start.index(capacity);
        let room = capacity - index;
        let first = if self.len < room { self.len } else { room };
        ((index, first), self.len - first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEAR: [u64; 5] = [0, (1 << 32) - 2, (1 << 63) - 2, u64::MAX - 1, u64::MAX];

    #[test]
    fn distances_survive_every_wrap() {
        for near in NEAR {
            let start = Position::new(near);
            for steps in 0..5 {
                assert_eq!(start.plus(steps).since(start), steps, "from {near}");
                assert!(steps == 0 || start.since(start.plus(steps)) > 1 << 62);
            }
        }
    }

    #[test]
    fn a_span_is_cut_at_the_end_of_the_array() {
        for near in NEAR {
            for ahead in 0..4 {
                for len in 0..=4 {
                    let span = Span { start: Position::new(near).plus(ahead), len };
                    let ((index, first), second) = span.split(4);
                    assert_eq!(index, near.wrapping_add(ahead) % 4);
                    assert_eq!(first + second, len);
                    assert!(index + first <= 4 && second < 4);
                }
            }
        }
    }
}
