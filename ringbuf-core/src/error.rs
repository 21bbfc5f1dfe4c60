//! Why an operation of a protocol did not happen.
//!
//! One small enum per operation. Each says what the caller can do; none carries
//! text. [`Corrupt`] is in all of them: a word that another process stored is a
//! claim by a stranger and is checked where it is loaded.

use core::fmt;

/// A shared word holds a value that no correct peer can have stored.
///
/// The ring is damaged by a bug or by a hostile peer. Nothing was touched. Close
/// the handle and create the ring anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt;

/// Why there is no room to write in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimError {
    /// Not now: a consumer has to release something first.
    Full,
    /// Not now: others were faster, again and again. Try again.
    Busy,
    /// Not ever: more was asked for than this ring can hold at once.
    TooLong,
    /// The consumer's position cannot be true; see [`Corrupt`].
    Corrupt,
}

/// Why there is nothing to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// Not now: a producer has to commit something first.
    Empty,
    /// Not now: a producer is writing the next message, or others were faster, again
    /// and again. Try again.
    Busy,
    /// The producer's position, or a record of its, cannot be true; see [`Corrupt`].
    Corrupt,
}

/// Why a subscriber of a broadcast ring did not get a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiveError {
    /// Not now: the publisher has to commit something first.
    Empty,
    /// Not now: the publisher was faster, again and again. Try again.
    Busy,
    /// Said once: the publisher waited no longer for this lossless subscriber, which reads
    /// on with the oldest message there is. How many it lost was counted.
    Evicted,
    /// Not now: every message that it may look at at a time is still looked at.
    AllHeld,
    /// A word of the publisher's cannot be true; see [`Corrupt`].
    Corrupt,
}

/// Why a seat was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SeatError<E> {
    /// A living peer sits there, or is about to.
    InUse,
    /// The last holder closed it, and the ring is not to be reopened.
    Closed,
    /// The row of the seat cannot be true; see [`Corrupt`].
    Corrupt,
    /// The kernel would not lock; `E` says why.
    Lock(E),
}

impl From<Corrupt> for ClaimError {
    fn from(_: Corrupt) -> Self {
        Self::Corrupt
    }
}

impl From<Corrupt> for ReadError {
    fn from(_: Corrupt) -> Self {
        Self::Corrupt
    }
}

impl From<Corrupt> for ReceiveError {
    fn from(_: Corrupt) -> Self {
        Self::Corrupt
    }
}

impl<E> From<Corrupt> for SeatError<E> {
    fn from(_: Corrupt) -> Self {
        Self::Corrupt
    }
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a shared word holds an impossible value")
    }
}

impl fmt::Display for ClaimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the ring is full"),
            Self::Busy => f.write_str("others are in the way; try again"),
            Self::TooLong => f.write_str("more than the ring can ever hold at once"),
            Self::Corrupt => Corrupt.fmt(f),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the ring is empty"),
            Self::Busy => f.write_str("others are in the way; try again"),
            Self::Corrupt => Corrupt.fmt(f),
        }
    }
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no new message"),
            Self::Busy => f.write_str("others are in the way; try again"),
            Self::Evicted => f.write_str("the publisher did not wait any longer"),
            Self::AllHeld => f.write_str("all messages that may be held at a time are held"),
            Self::Corrupt => Corrupt.fmt(f),
        }
    }
}

impl<E: fmt::Display> fmt::Display for SeatError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse => f.write_str("a living peer holds the seat"),
            Self::Closed => f.write_str("the last holder closed the seat for good"),
            Self::Corrupt => Corrupt.fmt(f),
            Self::Lock(error) => write!(f, "the kernel would not lock: {error}"),
        }
    }
}

impl core::error::Error for Corrupt {}
impl core::error::Error for ClaimError {}
impl core::error::Error for ReadError {}
impl core::error::Error for ReceiveError {}
impl<E: core::error::Error> core::error::Error for SeatError<E> {}
