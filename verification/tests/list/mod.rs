//! The list of all messages that `reference_broadcast` compares a broadcast ring with.

use ringbuf_core::extent::Extent;
use ringbuf_core::subscriber::Want;

pub(crate) const SUBSCRIBERS: usize = 4;

/// Everything that is true of the ring. Places count from the first message.
pub(crate) struct Reference {
    pub(crate) capacity: usize,
    /// What can be read of each message that was ever shown.
    pub(crate) messages: Vec<Extent>,
    /// What the floor is, as the last claim left it.
    pub(crate) floor: usize,
    pub(crate) rows: [Row; SUBSCRIBERS],
    pub(crate) cells_free: usize,
}

/// What a subscriber has, or left when it died.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Row {
    /// Whether the publisher waits for it.
    pub(crate) waited_for: bool,
    /// Where it reads next.
    pub(crate) next: usize,
    /// How many cells are its.
    pub(crate) cells: usize,
}

impl Reference {
    /// Committed, or broken off: as many as the tail says.
    pub(crate) fn tail(&self) -> usize {
        let shown = self.messages.last().is_some_and(|last| last.is_open());
        self.messages.len() - usize::from(shown)
    }

    /// The oldest that is still in its entry.
    pub(crate) fn oldest(&self) -> usize {
        self.messages.len().saturating_sub(self.capacity)
    }

    /// Where the next claim needs nobody to stand before.
    pub(crate) fn needed(&self) -> usize {
        (self.tail() + 1).saturating_sub(self.capacity)
    }

    pub(crate) fn in_the_way(&self) -> Vec<usize> {
        let is = |row: &usize| self.rows[*row].waited_for && self.rows[*row].next < self.needed();
        (0..SUBSCRIBERS).filter(is).collect()
    }

    /// Ends the message that is shown and not finished, if there is one.
    pub(crate) fn break_off(&mut self) {
        if let Some(Extent::Open(bytes)) = self.messages.last().copied() {
            *self.messages.last_mut().expect("it is there") = Extent::Broken(bytes);
        }
    }

    /// A view of this message; `None` if it is not to be had now.
    pub(crate) fn part(&self, place: usize, want: Want) -> Option<Extent> {
        let extent = *self.messages.get(place)?;
        (want == Want::Parts || !extent.is_open()).then_some(extent)
    }
}

/// Whether somebody who wants this much gets this much.
pub(crate) fn is_got(extent: Extent, want: Want) -> bool {
    want == Want::Parts || matches!(extent, Extent::Whole(_))
}
