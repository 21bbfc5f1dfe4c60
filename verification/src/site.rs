//! The place of one operation in the source, and sets of them.
//!
//! Words report their caller's place, which is the protocol's own line. It is the
//! name of the operation for every machine that records, weakens or ends at it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::str::FromStr;
use std::sync::atomic::Ordering;

/// What an operation does, as far as its ordering goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A load.
    Load,
    /// A store.
    Store,
    /// A compare-and-swap, when it succeeds.
    Exchange,
    /// A compare-and-swap, when it fails.
    ExchangeFailed,
    /// A fence.
    Fence,
    /// The system call that sleeps on a word.
    Sleep,
    /// The system call that wakes those who sleep on a word.
    Wake,
}

const KINDS: [Kind; 7] = [
    Kind::Load,
    Kind::Store,
    Kind::Exchange,
    Kind::ExchangeFailed,
    Kind::Fence,
    Kind::Sleep,
    Kind::Wake,
];

/// One operation of a protocol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    /// The name of the file, without its folders.
    pub file: String,
    /// The line.
    pub line: u32,
    /// What is done there.
    pub kind: Kind,
}

impl Site {
    /// The operation of this kind at `place`.
    #[must_use]
    pub fn new(place: &Location<'_>, kind: Kind) -> Self {
        let file = place.file().rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        Self { file, line: place.line(), kind }
    }

    /// Whether this is the operation of this kind at `place`, without a copy.
    #[must_use]
    pub fn is_at(&self, place: &Location<'_>, kind: Kind) -> bool {
        self.kind == kind && self.line == place.line() && place.file().ends_with(&self.file)
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{:?}", self.file, self.line, self.kind)
    }
}

impl FromStr for Site {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("not a site: {text}");
        let mut parts = text.split(':');
        let file = parts.next().ok_or_else(wrong)?.to_owned();
        let line = parts.next().and_then(|part| part.parse().ok()).ok_or_else(wrong)?;
        let name = parts.next().ok_or_else(wrong)?;
        let kind = KINDS.into_iter().find(|kind| format!("{kind:?}") == name);
        Ok(Self { file, line, kind: kind.ok_or_else(wrong)? })
    }
}

/// Sites and the ordering that the source asks for at each; none for a system call.
pub type Sites = BTreeMap<Site, Option<Ordering>>;

thread_local! {
    static RECORDED: RefCell<Option<Sites>> = const { RefCell::new(None) };
}

/// Runs `act` and returns the operations that it reached on this thread.
///
/// The participants of a loom model all run on the thread that explores it.
pub fn recording(act: impl FnOnce()) -> Sites {
    RECORDED.with(|recorded| *recorded.borrow_mut() = Some(Sites::new()));
    act();
    RECORDED.with(|recorded| recorded.borrow_mut().take().unwrap_or_default())
}

/// Notes an operation, if somebody records.
pub(crate) fn note(place: &Location<'_>, kind: Kind, order: Option<Ordering>) {
    RECORDED.with(|recorded| {
        if let Some(sites) = recorded.borrow_mut().as_mut() {
            sites.insert(Site::new(place, kind), order);
        }
    });
}
