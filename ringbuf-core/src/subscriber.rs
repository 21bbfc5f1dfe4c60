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

use crate::broadcast::{Broadcast, ReaderWords};
use crate::cell::{CellWord, look_at};
use crate::entry::{Entry, Found};
use crate::error::{Corrupt, ReceiveError};
use crate::extent::Extent;
use crate::life::{Delivery, Life};
use crate::machine::{Machine, Row, Word};
use crate::peer::Who;
use crate::position::Position;
use crate::publisher::is_before;
use core::fmt;
use core::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};

/// How often a message is looked for again that the publisher keeps overtaking.
const TRIES_MAX: u32 = 64;

/// Where a subscriber begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With the next message that is published; who reads the latest only, with the newest
    /// that is there.
    #[default]
    Newest,
    /// With the oldest that is still promised: three quarters of the capacity back, less
    /// one, at least.
    Oldest,
    /// With the message at this position; with the oldest if that is gone, with the next
    /// if it is still to come.
    Position(Position),
}

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
    row: &'a ReaderWords<M>,
    who: Who,
    /// The numbers of its cells.
    cells: C,
    delivery: Delivery,
    /// What its row says while it is not evicted.
    life: Life,
    /// The position that is read next.
    next: Position,
    lost: u64,
    broken: u64,
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
        let row = &ring.readers[reader];
        // Relaxed, these: for people, but for the life, which the last holder of the seat
        // stored (edge SUCCEED).
        let joins = Life::from_bits(row.life.load(Relaxed)).joins();
        row.lost.store(0, Relaxed);
        row.broken.store(0, Relaxed);
        row.views.store(cells.as_ref().len() as u64, Relaxed);
        let life = Life::reads(who, joins, delivery);
        let next = Position::new(0);
        let mut subscriber =
            Self { ring, row, who, cells, delivery, life, next, lost: 0, broken: 0 };
        subscriber.next = subscriber.begin(start);
        subscriber
    }

    /// Says that it reads, and finds the position at which it begins.
    fn begin(&mut self, start: Start) -> Position {
        self.life = Life::reads(self.who, self.life.joins().wrapping_add(1), self.delivery);
        let publisher = self.ring.publisher;
        // Relaxed: not ahead of the floor that is found below.
        let provisional = publisher.floor.load(Relaxed);
        // Relaxed, both: who scans after our fence sees them, who scanned before it raised
        // the floor that we find below.
        self.row.cursor.store(provisional, Relaxed);
        self.row.life.store(self.life.bits(), Relaxed);
        // edge JOIN, the subscriber's side: our life, then the floor.
        self.ring.machine.fence(SeqCst);
        // Relaxed: the fence orders it.
        let floor = Position::new(publisher.floor.load(Relaxed));
        // Relaxed: it says where to begin, and who was evicted finds none before what it has
        // read, for the publisher issued a fence since.
        let tail = Position::new(publisher.tail.load(Relaxed));
        let wanted = match start {
            Start::Newest if self.delivery == Delivery::Latest => tail.minus(1),
            Start::Newest => tail,
            Start::Oldest => floor,
            Start::Position(position) if is_before(tail, position) => tail,
            Start::Position(position) => position,
        };
        let first = if is_before(wanted, floor) { floor } else { wanted };
        // Relaxed: nothing was looked at yet that is to be seen with it.
        self.row.cursor.store(first.count(), Relaxed);
        first
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
        match self.delivery {
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
                None => self.count_broken(1),
            }
        }
        Err(ReceiveError::Busy)
    }

    /// Takes the next message, which nobody overwrites before our cursor is behind it;
    /// `None` if it was broken off.
    #[inline(always)]
    fn take_waited_for(&mut self, want: Want) -> Result<Option<Taken>, ReceiveError> {
        let position = self.next;
        let entry = self.entry(position);
        let slot = match entry.at(position, self.ring.capacity()) {
            Found::Earlier => return Err(ReceiveError::Empty),
            Found::Later => return self.rejoin(),
            Found::Here => entry.slot(self.ring.slots.len()).ok_or(Corrupt)?,
        };
        // True if we find below that we are waited for: then the slot was this message's.
        let extent = self.ring.extent(slot);
        if want == Want::Whole && matches!(extent, Some(Extent::Open(_))) {
            // Who finds what was stored after the entry was replaced finds that it was: the
            // fence before a slot is used again is between the two (edge COVER).
            let here = self.entry(position) == entry;
            return if here { Err(ReceiveError::Empty) } else { self.rejoin() };
        }
        let cell = self.unused_cell()?;
        self.look_at(cell, Some(slot));
        self.next = position.plus(1);
        // Relaxed: the slot is not used again before our cursor is behind another message,
        // and until then the fence below has been issued.
        self.row.cursor.store(self.next.count(), Relaxed);
        // edge COVER, the subscriber's side: the cell, then our life.
        self.ring.machine.fence(SeqCst);
        // Relaxed: the fence orders it.
        if self.row.life.load(Relaxed) != self.life.bits() {
            self.look_at(cell, None);
            self.next = position;
            return self.rejoin();
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

    /// Somebody overwrote what we had not read: begins again, and says so.
    #[cold]
    fn rejoin<T>(&mut self) -> Result<T, ReceiveError> {
        // Relaxed: it was found, or the entry that followed it was (edge SHOW).
        let life = Life::from_bits(self.row.life.load(Relaxed));
        if life != self.life.evicted() {
            return Err(ReceiveError::Corrupt);
        }
        let first = self.begin(Start::Position(self.next));
        self.count_lost(first);
        Err(ReceiveError::Evicted)
    }

    #[inline]
    fn read_lossy(&mut self, want: Want) -> Result<Taken, ReceiveError> {
        for _ in 0..TRIES_MAX {
            match self.take_if_there(self.next, want)? {
                Look::Nothing => return Err(ReceiveError::Empty),
                Look::Overtaken => {
                    // Relaxed: raised before the entry was shown that overtook us (edge
                    // SHOW).
                    let floor = Position::new(self.ring.publisher.floor.load(Relaxed));
                    if is_before(self.next, floor) {
                        self.count_lost(floor);
                    }
                }
                Look::Taken(taken) => {
                    self.pass(taken.position.plus(1));
                    if want == Want::Parts || !matches!(taken.extent, Extent::Broken(_)) {
                        return Ok(taken);
                    }
                    self.release(taken);
                    self.count_broken(1);
                }
            }
        }
        Err(ReceiveError::Busy)
    }

    #[inline]
    fn read_latest(&mut self, want: Want) -> Result<Taken, ReceiveError> {
        let Newest { from, end, taken } = self.find_newest(self.next, want)?;
        if is_before(self.next, from) {
            self.count_lost(from);
        }
        let after = from.plus(u64::from(taken.is_some()));
        let broken = if is_before(after, end) { end.since(after) } else { 0 };
        self.pass(after.plus(broken));
        if broken > 0 {
            self.count_broken(broken);
        }
        taken.ok_or(ReceiveError::Empty)
    }

    /// Looks at the newest message, also if it was read before, and whatever is to be read
    /// next: nothing is lost or skipped by it.
    ///
    /// # Errors
    /// `Empty` if there is none, `Busy`, `AllHeld`, `Corrupt`.
    pub fn latest(&self, want: Want) -> Result<Taken, ReceiveError> {
        // Relaxed: an older one makes us look further back.
        let floor = Position::new(self.ring.publisher.floor.load(Relaxed));
        self.find_newest(floor, want)?.taken.ok_or(ReceiveError::Empty)
    }

    /// The newest message at `first` or after it.
    fn find_newest(&self, first: Position, want: Want) -> Result<Newest, ReceiveError> {
        for _ in 0..TRIES_MAX {
            // edge SHOW, acquire end: the entries before it are there.
            let tail = Position::new(self.ring.publisher.tail.load(Acquire));
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
        let unused = CellWord::taken(self.who, None).bits();
        let cells = self.cells.as_ref().iter();
        // edge UNCOVER, acquire end: another thread of ours may have looked with it.
        let found =
            cells.copied().find(|&cell| self.ring.cells[cell as usize].load(Acquire) == unused);
        found.ok_or(ReceiveError::AllHeld)
    }

    #[inline(always)]
    fn look_at(&self, cell: u32, slot: Option<u32>) {
        look_at::<M>(&self.ring.cells[cell as usize], self.who, slot);
    }

    /// Stops looking at a message.
    #[inline]
    pub fn release(&self, taken: Taken) {
        self.look_at(taken.cell, None);
    }

    /// Goes on to a position. Not of a lossless subscriber.
    #[inline(always)]
    fn pass(&mut self, to: Position) {
        self.next = to;
        // Relaxed: for people.
        self.row.cursor.store(to.count(), Relaxed);
    }

    #[cold]
    fn count_lost(&mut self, to: Position) {
        self.lost = self.lost.wrapping_add(to.since(self.next));
        // Relaxed: for people.
        self.row.lost.store(self.lost, Relaxed);
        self.next = to;
    }

    #[cold]
    fn count_broken(&mut self, messages: u64) {
        self.broken = self.broken.wrapping_add(messages);
        // Relaxed: for people.
        self.row.broken.store(self.broken, Relaxed);
    }

    /// Is waited for no longer. What it looks at stays as it is, until its cells are
    /// [freed](crate::cell::free_cell).
    pub fn leave(&mut self) {
        // Relaxed: who does not wait for us any more looks at our cells.
        self.row.life.store(self.life.idle().bits(), Relaxed);
    }

    /// What it wants when the publisher is faster.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        self.delivery
    }

    /// The position of the message that is read next.
    #[inline]
    #[must_use]
    pub fn position(&self) -> Position {
        self.next
    }

    /// How many messages were overwritten before it read them, or skipped because it wants
    /// the latest only.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// How many messages it passed by that were broken off.
    #[must_use]
    pub fn broken(&self) -> u64 {
        self.broken
    }
}

impl<M: Machine, P, C> fmt::Debug for Subscriber<'_, M, P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber")
            .field("who", &self.who)
            .field("delivery", &self.delivery)
            .field("next", &self.next)
            .field("lost", &self.lost)
            .finish_non_exhaustive()
    }
}
