//! The reading end of a broadcast ring: joins, reads, is evicted, leaves.
//!
//! A subscriber that wants to look at a message names its slot in a cell of its own, and
//! then makes sure that it was in time: a lossless one that it is still waited for, any
//! other that the entry is still there. Between the two is a fence (edge COVER). Once it
//! was in time nobody writes to the slot until the cell is cleared, whatever becomes of
//! the entry, and whether the subscriber is evicted meanwhile.
//!
//! A lossless subscriber moves its cursor as soon as the cell is set, so that the
//! publisher does not wait for what is merely looked at.

use crate::broadcast::Broadcast;
use crate::cell::{CellWord, look_at};
use crate::course::Course;
use crate::entry::{Entry, Found};
use crate::error::{Corrupt, ReceiveError};
use crate::extent::Extent;
use crate::life::Delivery;
use crate::machine::{Machine, Row, Word};
use crate::peer::Who;
use crate::position::{Position, is_before};
use core::fmt;
use core::sync::atomic::Ordering::{Acquire, SeqCst};

pub use crate::course::Start;

/// How often a message is looked for again that the publisher keeps overtaking.
const TRIES_MAX: u32 = 64;

/// A message that is looked at, until it is [released](Subscriber::release).
#[derive(Debug, PartialEq, Eq)]
#[must_use = "what is not released stays as it is"]
pub struct Taken {
    /// Its position.
    pub position: Position,
    /// The slot that it stands in, which is one of the pool's.
    pub slot: u32,
    /// The cell that says so.
    pub cell: u32,
    /// How much of it may be read.
    pub extent: Extent,
}

/// Which messages are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Those that are whole.
    Whole,
    /// Also one that is still being written, and one that was broken off.
    Parts,
}

/// What stood at a position.
enum Look {
    Nothing,
    Overtaken,
    Taken(Taken),
}

/// The newest message, as far as it was looked for.
struct Newest {
    /// Its position; if there is none, the oldest that was looked at.
    from: Position,
    /// Before this, what comes after it was broken off.
    end: Position,
    taken: Option<Taken>,
}

/// The reading end.
pub struct Subscriber<'a, M: Machine, P, C> {
    ring: Broadcast<'a, M, P>,
    course: Course<'a, M>,
    /// The numbers of its cells.
    cells: C,
}

impl<'a, M, P, C> Subscriber<'a, M, P, C>
where
    M: Machine,
    P: Row<Word = M::U64>,
    C: AsRef<[u32]>,
{
    /// Begins to read as `who`, in row `reader` of the readers.
    ///
    /// The caller holds the [seat](crate::peer) of that row and has
    /// [taken](crate::cell::take_cells) these cells, one for each message that it may look
    /// at at a time. A lossless subscriber then tells the publisher, which may wait for room
    /// because of where it seemed to begin.
    pub fn join(
        ring: Broadcast<'a, M, P>,
        reader: usize,
        who: Who,
        cells: C,
        delivery: Delivery,
        start: Start,
    ) -> Self {
        let views = cells.as_ref().len() as u64;
        let course = Course::join(ring.peers(), reader, who, views, (delivery, start));
        Self { ring, course, cells }
    }

    /// Looks at the next message, if there is one now.
    ///
    /// A lossless subscriber that had [a message or passed by one](Self::position) tells
    /// the publisher, which may wait for room: by
    /// [`notify_after_fence`](crate::event::Event::notify_after_fence). One that was evicted
    /// has joined again, and tells it as [there](Self::join), with a fence.
    ///
    /// # Errors
    /// [`ReceiveError`]: `Empty`, `Busy`, `Evicted` once, after which it reads on;
    /// `AllHeld` if every cell is in use, `Corrupt`.
    #[inline]
    pub fn read(&mut self, want: Want) -> Result<Taken, ReceiveError> {
        match self.course.delivery() {
            Delivery::Lossless => self.read_lossless(want),
            Delivery::Lossy => self.read_lossy(want),
            Delivery::Latest => self.read_latest(want),
        }
    }

    #[inline]
    fn read_lossless(&mut self, want: Want) -> Result<Taken, ReceiveError> {
        // Bounded: each turn passes by one that was broken off.
        for _ in 0..=self.ring.capacity() {
            match self.take_waited_for(want)? {
                Some(taken) => return Ok(taken),
                None => self.course.count_broken(1),
            }
        }
        Err(ReceiveError::Busy)
    }

    /// Takes the next message, which nobody overwrites before our cursor is behind it;
    /// `None` if it was broken off.
    #[inline(always)]
    fn take_waited_for(&mut self, want: Want) -> Result<Option<Taken>, ReceiveError> {
        let position = self.course.next();
        let entry = self.entry(position);
        let slot = match entry.at(position, self.ring.capacity()) {
            Found::Earlier => return Err(ReceiveError::Empty),
            Found::Later => return self.course.rejoin(),
            Found::Here => entry.slot(self.ring.slots.len()).ok_or(Corrupt)?,
        };
        // True if we find below that we are waited for: then the slot was this message's.
        let extent = self.ring.extent(slot);
        if want == Want::Whole && matches!(extent, Some(Extent::Open(_))) {
            // Who finds what was stored after the entry was replaced finds that it was: the
            // fence before a slot is used again is between the two (edge COVER).
            let here = self.entry(position) == entry;
            return if here { Err(ReceiveError::Empty) } else { self.course.rejoin() };
        }
        let cell = self.unused_cell()?;
        self.look_at(cell, Some(slot));
        self.course.pass(position.plus(1));
        // edge COVER, the subscriber's side: the cell, then our life.
        self.ring.machine.fence(SeqCst);
        if !self.course.is_waited_for() {
            self.look_at(cell, None);
            self.course.go_back(position);
            return self.course.rejoin();
        }
        let Some(extent) = extent else {
            self.look_at(cell, None);
            return Err(ReceiveError::Corrupt);
        };
        if want == Want::Whole && matches!(extent, Extent::Broken(_)) {
            self.look_at(cell, None);
            return Ok(None);
        }
        Ok(Some(Taken { position, slot, cell, extent }))
    }

    #[inline]
    fn read_lossy(&mut self, want: Want) -> Result<Taken, ReceiveError> {
        for _ in 0..TRIES_MAX {
            match self.take_if_there(self.course.next(), want)? {
                Look::Nothing => return Err(ReceiveError::Empty),
                Look::Overtaken => {
                    let floor = self.course.floor();
                    if is_before(self.course.next(), floor) {
                        self.course.count_lost(floor);
                    }
                }
                Look::Taken(taken) => {
                    self.course.pass(taken.position.plus(1));
                    if want == Want::Parts || !matches!(taken.extent, Extent::Broken(_)) {
                        return Ok(taken);
                    }
                    self.release(taken);
                    self.course.count_broken(1);
                }
            }
        }
        Err(ReceiveError::Busy)
    }

    #[inline]
    fn read_latest(&mut self, want: Want) -> Result<Taken, ReceiveError> {
        let Newest { from, end, taken } = self.find_newest(self.course.next(), want)?;
        if is_before(self.course.next(), from) {
            self.course.count_lost(from);
        }
        let after = from.plus(u64::from(taken.is_some()));
        let broken = if is_before(after, end) { end.since(after) } else { 0 };
        self.course.pass(after.plus(broken));
        if broken > 0 {
            self.course.count_broken(broken);
        }
        taken.ok_or(ReceiveError::Empty)
    }

    /// Looks at the newest message, also if it was read before, and whatever is to be read
    /// next: nothing is lost or skipped by it.
    ///
    /// # Errors
    /// `Empty` if there is none, `Busy`, `AllHeld`, `Corrupt`.
    pub fn latest(&self, want: Want) -> Result<Taken, ReceiveError> {
        self.find_newest(self.course.floor(), want)?.taken.ok_or(ReceiveError::Empty)
    }

    /// The newest message at `first` or after it.
    fn find_newest(&self, first: Position, want: Want) -> Result<Newest, ReceiveError> {
        for _ in 0..TRIES_MAX {
            let tail = self.course.tail();
            if want == Want::Parts
                && !is_before(tail, first)
                && let Look::Taken(taken) = self.take_if_there(tail, want)?
            {
                return Ok(Newest { from: tail, end: tail, taken: Some(taken) });
            }
            if !is_before(first, tail) {
                return Err(ReceiveError::Empty);
            }
            if let Some(newest) = self.find_back(first, tail, want)? {
                return Ok(newest);
            }
        }
        Err(ReceiveError::Busy)
    }

    /// The last message from `first` on and before `tail`. `None`: somebody overtook us.
    fn find_back(
        &self,
        first: Position,
        tail: Position,
        want: Want,
    ) -> Result<Option<Newest>, ReceiveError> {
        let mut from = tail;
        for distance in 1..=self.ring.capacity() {
            if from == first {
                break;
            }
            let position = from.minus(1);
            match self.take_if_there(position, want)? {
                // In the place of the oldest stands what is being written.
                Look::Overtaken if distance == self.ring.capacity() => break,
                Look::Overtaken => return Ok(None),
                // The tail says that there is one.
                Look::Nothing => return Err(ReceiveError::Corrupt),
                Look::Taken(taken)
                    if want == Want::Whole && matches!(taken.extent, Extent::Broken(_)) =>
                {
                    self.release(taken);
                }
                Look::Taken(taken) => {
                    return Ok(Some(Newest { from: position, end: tail, taken: Some(taken) }));
                }
            }
            from = position;
        }
        Ok(Some(Newest { from, end: tail, taken: None }))
    }

    /// Takes the message at `position` if it is there and stays there.
    #[inline(always)]
    fn take_if_there(&self, position: Position, want: Want) -> Result<Look, ReceiveError> {
        let entry = self.entry(position);
        let slot = match entry.at(position, self.ring.capacity()) {
            Found::Earlier => return Ok(Look::Nothing),
            Found::Later => return Ok(Look::Overtaken),
            Found::Here => entry.slot(self.ring.slots.len()).ok_or(Corrupt)?,
        };
        // True if we find below that the entry stayed: then the slot was this message's.
        let extent = self.ring.extent(slot);
        if want == Want::Whole && matches!(extent, Some(Extent::Open(_))) {
            // Or it is of a later message in the same slot: as for one that is waited for.
            let here = self.entry(position) == entry;
            return Ok(if here { Look::Nothing } else { Look::Overtaken });
        }
        let cell = self.unused_cell()?;
        self.look_at(cell, Some(slot));
        // edge COVER, the subscriber's side: the cell, then the entry.
        self.ring.machine.fence(SeqCst);
        if self.entry(position) != entry {
            self.look_at(cell, None);
            return Ok(Look::Overtaken);
        }
        let Some(extent) = extent else {
            self.look_at(cell, None);
            return Err(ReceiveError::Corrupt);
        };
        Ok(Look::Taken(Taken { position, slot, cell, extent }))
    }

    #[inline(always)]
    fn entry(&self, position: Position) -> Entry {
        let index = self.ring.entry_index(position);
        // edge SHOW, acquire end: who finds a slot in it finds what was written there.
        Entry::from_bits(self.ring.entries[index].load(Acquire))
    }

    /// A cell of our own that looks at nothing.
    #[inline(always)]
    fn unused_cell(&self) -> Result<u32, ReceiveError> {
        let unused = CellWord::taken(self.course.who(), None).bits();
        let cells = self.cells.as_ref().iter();
        // edge UNCOVER, acquire end: another thread of ours may have looked with it.
        let found =
            cells.copied().find(|&cell| self.ring.cells[cell as usize].load(Acquire) == unused);
        found.ok_or(ReceiveError::AllHeld)
    }

    #[inline(always)]
    fn look_at(&self, cell: u32, slot: Option<u32>) {
        look_at::<M>(&self.ring.cells[cell as usize], self.course.who(), slot);
    }

    /// Stops looking at a message.
    #[inline]
    pub fn release(&self, taken: Taken) {
        self.look_at(taken.cell, None);
    }

    /// Is waited for no longer. What it looks at stays as it is, until its cells are
    /// [freed](crate::cell::free_cell).
    pub fn leave(&mut self) {
        self.course.leave();
    }

    /// What it wants when the publisher is faster.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        self.course.delivery()
    }

    /// The position of the message that is read next.
    #[inline]
    #[must_use]
    pub fn position(&self) -> Position {
        self.course.next()
    }

    /// How many messages were overwritten before it read them, or skipped because it wants
    /// the latest only.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.course.lost()
    }

    /// How many messages it passed by that were broken off.
    #[must_use]
    pub fn broken(&self) -> u64 {
        self.course.broken()
    }
}

impl<M: Machine, P, C> fmt::Debug for Subscriber<'_, M, P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber")
            .field("who", &self.course.who())
            .field("delivery", &self.course.delivery())
            .field("next", &self.course.next())
            .field("lost", &self.course.lost())
            .finish_non_exhaustive()
    }
}
