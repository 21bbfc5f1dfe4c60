//! Who may attach to a ring.

use std::fmt;

/// Who may attach to a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// One producer and one consumer.
    Spsc,
    /// Many producers and many consumers, each message for one of them.
    Mpmc,
    /// One publisher and many subscribers, each message for all of them.
    Broadcast,
}

impl Kind {
    /// What the kind is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Spsc => "spsc",
            Self::Mpmc => "mpmc",
            Self::Broadcast => "broadcast",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
