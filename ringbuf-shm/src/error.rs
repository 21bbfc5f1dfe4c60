//! Why something did not happen: one enum for opening, one for each direction.

use crate::kind::Kind;
use ringbuf_core::error as core_error;
use ringbuf_core::geometry::GeometryError;
use ringbuf_core::wait::WaitError;
use std::io;
use thiserror::Error;

/// Why a ring could not be created, opened or removed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The name cannot name a ring.
    #[error(
        "`{0}` cannot name a ring: use 1 to 200 visible characters that begin with neither `.` nor `-`, or a path with a `/`"
    )]
    Name(String),
    /// The directory of rings belongs to somebody else or is open to others.
    #[error(
        "the directory {0} is not safe for rings: it must belong to you and be closed to others; remove it, or set RINGBUF_DIR"
    )]
    Directory(String),
    /// There is no ring of this name.
    #[error("there is no such ring; is the other side running, and under the same user?")]
    NotFound,
    /// The name is taken, and a new ring was asked for.
    #[error(
        "a ring of this name exists; open it, remove it with `ringbuf rm`, or choose another name"
    )]
    Exists,
    /// The file does not begin like a ring.
    #[error("this file is not a ring")]
    NotARing,
    /// Not a plain file that this user may trust: a link, a device, another owner.
    #[error("refused for safety: {0}")]
    Untrusted(&'static str),
    /// The ring was made on a machine of the other byte order.
    #[error("the ring was made on a machine of the other byte order")]
    Endianness,
    /// The ring is in another version of the format.
    #[error(
        "the ring has format version {found}, this program reads version {supported}; use programs of one version on one ring"
    )]
    Version {
        /// The version in the file.
        found: u32,
        /// The version this build reads and writes.
        supported: u32,
    },
    /// The ring uses features this build does not know.
    #[error(
        "the ring needs features this program does not know (bits {found:#x}); use a newer one"
    )]
    Features {
        /// The bits that are unknown.
        found: u64,
    },
    /// Something in the header cannot be true; the text says what.
    #[error("the ring is damaged: {0} cannot be right; remove it and create it anew")]
    Damaged(&'static str),
    /// The file is shorter than a ring of this description.
    #[error("the file is cut short: {found} of {expected} bytes; remove it and create it anew")]
    Truncated {
        /// Bytes there are.
        found: u64,
        /// Bytes there must be.
        expected: u64,
    },
    /// A choice in the header that this build does not support; the text says which.
    #[error("this program does not support {0} of the ring; use a newer one")]
    Unsupported(&'static str),
    /// The ring is of a kind this build does not know.
    #[error("the ring is of kind {found}, which this program does not know")]
    Kind {
        /// The kind in the file.
        found: u32,
    },
    /// The ring is of another kind than the call is for.
    #[error("the ring is {found}, not {expected}; use what is made for rings of its kind")]
    OtherKind {
        /// What the file says.
        found: Kind,
        /// What was asked for.
        expected: Kind,
    },
    /// The ring holds messages of an unknown shape.
    #[error("the ring has shape {found}, which this program does not know")]
    Shape {
        /// The shape in the file.
        found: u32,
    },
    /// The sizes asked for, or found, cannot be.
    #[error("impossible sizes: {0}")]
    Geometry(GeometryError),
    /// The ring exists with other sizes or policies than were asked for.
    #[error("the ring exists with another {0} than you ask for; open it as it is, or remove it")]
    Different(&'static str),
    /// The ring holds messages of another type, or of another shape.
    #[error("the ring holds {found}, not {expected}")]
    PayloadType {
        /// What the file says.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// The metadata or the type name is too long.
    #[error("{0} is too long")]
    TooLong(&'static str),
    /// A number that was asked for cannot be; the text says which, and what can.
    #[error("out of range: {0}")]
    OutOfRange(&'static str),
    /// A living peer sits on this side of the ring.
    #[error("this side of the ring is in use by a living process (`ringbuf stat` names it)")]
    InUse,
    /// Living peers sit on all seats that the ring has for this side.
    #[error(
        "all {0} seats of this side are taken by living processes; create the ring with more, by `producers_max`, `consumers_max` or `subscribers_max`"
    )]
    TooManyPeers(u32),
    /// The subscribers of a `broadcast` ring have, together, too many of its views.
    #[error(
        "{wanted} views are asked for and {free} are left; ask for fewer, or create the ring with more, by `views_max`"
    )]
    TooManyViews {
        /// How many were asked for.
        wanted: u32,
        /// How many there are left.
        free: u32,
    },
    /// The last peer on this side closed the ring, and it is not to be reopened.
    #[error(
        "this side of the ring was closed for good; create the ring with `reopen` to let others follow"
    )]
    Closed,
    /// The machine was restarted since the ring was made.
    #[error(
        "the ring is from before the last restart of this machine; remove it, or create it with `OtherBoot::Reset`"
    )]
    OtherBoot,
    /// The file system has no room for the ring.
    #[error("no room for {0} bytes; free some memory or disk, or make the ring smaller")]
    NoSpace(u64),
    /// The file system cannot set memory aside; it is named.
    #[error(
        "the file system `{0}` cannot reserve memory for a ring; use /dev/shm, or a tmpfs, ext4 or xfs directory"
    )]
    Filesystem(String),
    /// A shared word holds a value that no correct peer can have stored.
    #[error("a shared word of the ring holds an impossible value; remove it and create it anew")]
    Corrupt,
    /// This handle was made by the parent process; open the ring anew.
    #[error("the handle belongs to the parent process; open the ring in the child")]
    Forked,
    /// The system refused; the text says what was being done.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl OpenError {
    /// For `map_err`: what was being done when the system refused.
    pub(crate) fn io<E: Into<io::Error>>(doing: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Io { doing, source: source.into() }
    }
}

impl From<core_error::Corrupt> for OpenError {
    fn from(_: core_error::Corrupt) -> Self {
        Self::Corrupt
    }
}

impl From<core_error::SeatError<io::Error>> for OpenError {
    fn from(error: core_error::SeatError<io::Error>) -> Self {
        match error {
            core_error::SeatError::InUse => Self::InUse,
            core_error::SeatError::Closed => Self::Closed,
            core_error::SeatError::Lock(source) => Self::Io { doing: "lock the ring", source },
            _ => Self::Corrupt,
        }
    }
}

/// Why there is no room to write in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// No room now; the consumer has to release something first.
    #[error("the ring is full")]
    Full,
    /// Others were faster, again and again; in `mpmc` rings only. Try again.
    #[error("others were faster; try again")]
    Busy,
    /// No room within the time given; the consumer lives, or never came.
    #[error("no room within the time given")]
    TimedOut,
    /// More than this ring can ever hold at once.
    #[error("longer than this ring can ever hold; create it with more capacity")]
    TooLong,
    /// The ring is full and the consumer closed it. If the ring was created to be
    /// reopened, another may follow.
    #[error("the consumer closed the ring")]
    Closed,
    /// The ring is full and the consumer died. A successor may come, and will find
    /// everything that was committed.
    #[error("the consumer died")]
    PeerDied,
    /// The ring has no lane of this number.
    #[error("the ring has no lane of this number; create it with more `lanes`")]
    NoSuchLane,
    /// A shared word holds an impossible value; close the handle.
    #[error("the ring is corrupt")]
    Corrupt,
    /// This handle was made by the parent process; open the ring anew.
    #[error("the handle belongs to the parent process; open the ring in the child")]
    Forked,
}

/// Why there is nothing to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Nothing now; the producer has to commit something first.
    #[error("the ring is empty")]
    Empty,
    /// Nothing now: the next message is still being written, or others were faster; in
    /// `mpmc` rings only. Try again.
    #[error("the next message is still being written, or others were faster; try again")]
    Busy,
    /// Nothing within the time given; the producer lives, or never came.
    #[error("nothing to read within the time given")]
    TimedOut,
    /// Said once: the publisher of a `broadcast` ring did not wait any longer for this
    /// lossless subscriber. It reads on with the oldest message there is.
    #[error("the publisher did not wait any longer; read on, and see how many were lost")]
    Evicted,
    /// This subscriber of a `broadcast` ring holds as many views as it may at a time.
    #[error("as many views are held as may be at a time; drop one, or join with more `views`")]
    AllHeld,
    /// The message of a `broadcast` ring was given up half-way, or its publisher died.
    #[error("the message was broken off")]
    Broken,
    /// Everything was read and the producer closed the ring.
    #[error("the producer closed the ring")]
    Closed,
    /// Everything was read and the producer died. A successor may come.
    #[error("the producer died")]
    PeerDied,
    /// The ring has no lane of this number.
    #[error("the ring has no lane of this number; create it with more `lanes`")]
    NoSuchLane,
    /// A shared word holds an impossible value; close the handle.
    #[error("the ring is corrupt")]
    Corrupt,
    /// This handle was made by the parent process; open the ring anew.
    #[error("the handle belongs to the parent process; open the ring in the child")]
    Forked,
}

/// Why a message was not pushed, and the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{error}")]
pub struct PushError<T> {
    /// Why.
    pub error: ClaimError,
    /// What was to be pushed.
    pub value: T,
}

impl From<core_error::Corrupt> for ClaimError {
    fn from(_: core_error::Corrupt) -> Self {
        Self::Corrupt
    }
}

impl From<core_error::Corrupt> for ReadError {
    fn from(_: core_error::Corrupt) -> Self {
        Self::Corrupt
    }
}

impl From<core_error::ClaimError> for ClaimError {
    fn from(error: core_error::ClaimError) -> Self {
        match error {
            core_error::ClaimError::Full => Self::Full,
            core_error::ClaimError::Busy => Self::Busy,
            core_error::ClaimError::TooLong => Self::TooLong,
            _ => Self::Corrupt,
        }
    }
}

impl From<core_error::ReadError> for ReadError {
    fn from(error: core_error::ReadError) -> Self {
        match error {
            core_error::ReadError::Empty => Self::Empty,
            core_error::ReadError::Busy => Self::Busy,
            _ => Self::Corrupt,
        }
    }
}

impl From<core_error::ReceiveError> for ReadError {
    fn from(error: core_error::ReceiveError) -> Self {
        match error {
            core_error::ReceiveError::Empty => Self::Empty,
            core_error::ReceiveError::Busy => Self::Busy,
            core_error::ReceiveError::Evicted => Self::Evicted,
            core_error::ReceiveError::AllHeld => Self::AllHeld,
            _ => Self::Corrupt,
        }
    }
}

impl From<WaitError<ClaimError>> for ClaimError {
    fn from(error: WaitError<ClaimError>) -> Self {
        match error {
            WaitError::TimedOut => Self::TimedOut,
            WaitError::Closed => Self::Closed,
            WaitError::PeerDied => Self::PeerDied,
            WaitError::Look(error) => error,
        }
    }
}

impl From<WaitError<ReadError>> for ReadError {
    fn from(error: WaitError<ReadError>) -> Self {
        match error {
            WaitError::TimedOut => Self::TimedOut,
            WaitError::Closed => Self::Closed,
            WaitError::PeerDied => Self::PeerDied,
            WaitError::Look(error) => error,
        }
    }
}
