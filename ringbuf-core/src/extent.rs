//! How much of a message of a broadcast ring may be read.
//!
//! ```text
//! 63                                  3 2     0
//! [ bytes 61                           | state 3 ]
//!
//! OPEN(0) ──▶ OPEN(more) ──commit──▶ WHOLE(all)
//!                  └─ given up, or its publisher died ──▶ BROKEN(what there is)
//! ```
//!
//! A message is shown whole, or piece by piece while it is being written. One word a
//! slot, stored by the publisher alone.

const OPEN: u64 = 1;
const WHOLE: u64 = 2;
const BROKEN: u64 = 3;
const STATE_BITS: u32 = 3;
const STATE_MASK: u64 = (1 << STATE_BITS) - 1;

/// What is there of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// So many bytes; more may come.
    Open(u64),
    /// All of it.
    Whole(u64),
    /// So many bytes, and no more will come.
    Broken(u64),
}

impl Extent {
    /// The extent in a word as it was loaded; `None` if no publisher can have stored it.
    #[inline(always)]
    #[must_use]
    pub const fn from_bits(bits: u64) -> Option<Self> {
        let bytes = bits >> STATE_BITS;
        match bits & STATE_MASK {
            OPEN => Some(Self::Open(bytes)),
            WHOLE => Some(Self::Whole(bytes)),
            BROKEN => Some(Self::Broken(bytes)),
            _ => None,
        }
    }

    /// The word as it is stored.
    #[inline(always)]
    #[must_use]
    pub const fn bits(self) -> u64 {
        let state = match self {
            Self::Open(_) => OPEN,
            Self::Whole(_) => WHOLE,
            Self::Broken(_) => BROKEN,
        };
        self.bytes() << STATE_BITS | state
    }

    /// Bytes that may be read.
    #[inline(always)]
    #[must_use]
    pub const fn bytes(self) -> u64 {
        match self {
            Self::Open(bytes) | Self::Whole(bytes) | Self::Broken(bytes) => bytes,
        }
    }

    /// Whether more may come.
    #[inline(always)]
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_an_extent_or_none() {
        for bytes in [0, 1, u64::MAX >> STATE_BITS] {
            for extent in [Extent::Open(bytes), Extent::Whole(bytes), Extent::Broken(bytes)] {
                assert_eq!(Extent::from_bits(extent.bits()), Some(extent));
            }
        }
        for wrong in [0, 4, 5, 6, 7, 8] {
            assert_eq!(Extent::from_bits(wrong), None);
        }
    }
}
