//! Whether a subscriber of a broadcast ring is waited for.
//!
//! ```text
//! 63      32 31            15 14      3 2     0
//! [ joins 32 | incarnation 17 | row 12  | state 3 ]
//!
//! IDLE ──join──▶ LOSSLESS ──the publisher evicts──▶ EVICTED ──join again──▶ LOSSLESS
//!   ▲  ──join──▶ LOSSY, LATEST
//!   └── from each: leave; or who died
//! ```
//!
//! Stored by the subscriber; but for two exchanges of exactly one word: the publisher
//! evicts, and anybody makes a dead one idle. `joins` is another number at each joining,
//! so that who was to be evicted for being slow and has joined again is not.

use crate::peer::{STATE_BITS, Who};

const IDLE: u64 = 1;
const LOSSLESS: u64 = 2;
const LOSSY: u64 = 3;
const LATEST: u64 = 4;
const EVICTED: u64 = 5;
const STATE_MASK: u64 = (1 << STATE_BITS) - 1;
const JOINS_SHIFT: u32 = 32;

/// What a subscriber wants when the publisher is faster than it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Every message: the publisher waits for it, as long as the ring allows.
    Lossless,
    /// Those it can keep up with: the publisher never waits for it, and it is told how
    /// many it lost.
    #[default]
    Lossy,
    /// Always the newest.
    Latest,
}

/// What a life says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody is there.
    Idle,
    /// It reads, and this is what it wants.
    Reads(Delivery),
    /// It was not waited for any longer.
    Evicted,
}

/// The value of a life word. Zero is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life(u64);

impl Life {
    /// Nobody ever was there.
    pub const NOBODY: Self = Self(IDLE);

    /// `who` reads, having joined for this time.
    #[must_use]
    pub const fn reads(who: Who, joins: u32, delivery: Delivery) -> Self {
        let state = match delivery {
            Delivery::Lossless => LOSSLESS,
            Delivery::Lossy => LOSSY,
            Delivery::Latest => LATEST,
        };
        Self((joins as u64) << JOINS_SHIFT | (who.bits() as u64) << STATE_BITS | state)
    }

    /// The same one, not waited for any longer.
    #[must_use]
    pub const fn evicted(self) -> Self {
        Self(self.0 & !STATE_MASK | EVICTED)
    }

    /// The same one, gone.
    #[must_use]
    pub const fn idle(self) -> Self {
        Self(self.0 & !STATE_MASK | IDLE)
    }

    /// A life as it was loaded.
    #[inline(always)]
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The life as it is stored.
    #[inline(always)]
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// How often this row was joined, modulo 2^32.
    #[must_use]
    pub const fn joins(self) -> u32 {
        (self.0 >> JOINS_SHIFT) as u32
    }

    /// Who it is of.
    #[must_use]
    pub const fn who(self) -> Who {
        Who::in_word(self.0)
    }

    /// Whether it is waited for.
    #[inline(always)]
    #[must_use]
    pub const fn is_waited_for(self) -> bool {
        self.0 & STATE_MASK == LOSSLESS
    }

    /// What it says; `None` if no peer can have said that.
    #[must_use]
    pub const fn standing(self) -> Option<Standing> {
        match self.0 & STATE_MASK {
            IDLE => Some(Standing::Idle),
            LOSSLESS => Some(Standing::Reads(Delivery::Lossless)),
            LOSSY => Some(Standing::Reads(Delivery::Lossy)),
            LATEST => Some(Standing::Reads(Delivery::Latest)),
            EVICTED => Some(Standing::Evicted),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_tells_who_how_often_and_what() {
        let who = Who::new(7, 3);
        for delivery in [Delivery::Lossless, Delivery::Lossy, Delivery::Latest] {
            let life = Life::reads(who, u32::MAX, delivery);
            assert_eq!((life.who(), life.joins()), (who, u32::MAX));
            assert_eq!(life.standing(), Some(Standing::Reads(delivery)));
            assert_eq!(life.is_waited_for(), delivery == Delivery::Lossless);
            assert_eq!(life.evicted().standing(), Some(Standing::Evicted));
            assert_eq!(life.idle().standing(), Some(Standing::Idle));
            assert_eq!(life.evicted().who(), who);
        }
        for wrong in [0, 6, 7] {
            assert_eq!(Life::from_bits(wrong).standing(), None);
        }
        assert_eq!(Life::NOBODY.standing(), Some(Standing::Idle));
    }
}
