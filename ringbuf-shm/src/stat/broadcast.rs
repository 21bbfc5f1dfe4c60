//! What a broadcast ring can tell about itself, as a snapshot.
//!
//! Unsafe code here borrows the words of a mapping that is itself borrowed.

use super::{PeerStats, peer};
use crate::error::OpenError;
use crate::header::Spec;
use crate::layout::PRODUCER_ROW;
use crate::locks::Lookout;
use crate::map::Map;
use crate::native::Native;
use crate::pool::Pool;
use ringbuf_core::broadcast::ReaderWords;
use ringbuf_core::cell::CellWord;
use ringbuf_core::life::{Delivery, Life, Standing};
use ringbuf_core::machine::Line;
use ringbuf_core::peer::{Presence, Who};
use ringbuf_core::position::Position;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

/// What is in a broadcast ring, and who is attached.
///
/// Taken without stopping anybody: each number was true when it was looked at, and the
/// others may have changed since. What subscribers count may miss the last step of one
/// that was killed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BroadcastStats {
    /// The publisher's side.
    pub publisher: PeerStats,
    /// The position of the next message.
    pub position: u64,
    /// The position of the oldest message that is promised to one who joins.
    pub floor: u64,
    /// Messages published since the ring was made, those that were broken off included.
    pub published: u64,
    /// Messages that one who joins can still read: from the floor to the position.
    pub readable: u64,
    /// The slots, and what they cost; how many of them are free only the publisher knows.
    /// `None` of ticks, which have no slots besides their entries.
    pub pool: Option<Pool>,
    /// Views that subscribers may hold: those that they took of `pool.views`. 0 of ticks.
    pub views: u64,
    /// Messages that are looked at now; one that several look at counts for each of them.
    pub held: u64,
    /// Every row on which a subscriber ever sat, by its last holder.
    pub subscribers: Vec<SubscriberStats>,
}

/// What is known about a subscriber of a broadcast ring.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriberStats {
    /// Its side.
    pub peer: PeerStats,
    /// What it wants when the publisher is faster; `None` if it does not read any more,
    /// because it left, or because it died and somebody has given up what it had.
    pub delivery: Option<Delivery>,
    /// Whether the publisher did not wait for it any longer, and it has not noticed yet.
    pub evicted: bool,
    /// The position that it reads next.
    pub position: u64,
    /// Messages published that it has neither read nor lost.
    pub lag: u64,
    /// Messages that it lost since it joined: overwritten, or passed over because it wants
    /// the latest. What is being lost by one that has not looked since is not in it.
    pub lost: u64,
    /// Messages that it passed by because they were broken off.
    pub broken: u64,
    /// How many messages it may hold at a time.
    pub views: u64,
    /// How many it holds now.
    pub held: u64,
}

impl BroadcastStats {
    pub(crate) fn take(map: &Map, spec: &Spec, lookout: Lookout<'_>) -> Result<Self, OpenError> {
        // SAFETY: the map is borrowed until the end of this function.
        let words = unsafe { map.publisher_words() };
        // The floor first, with Acquire: the tail is then at least as new, and never
        // before it.
        let floor = Position::new(words.floor.load(Acquire));
        let tail = Position::new(words.tail.load(Acquire));
        let pool = Pool::of(spec);
        let cells = match &pool {
            Some(pool) => Cells::count(map, spec, pool)?,
            None => Cells { taken: Vec::new() },
        };
        let subscribers = (1..spec.sides.rows())
            .map(|row| subscriber(map, lookout, row, tail, &cells))
            .filter(|found| !matches!(found, Ok(SubscriberStats { peer, .. }) if is_absent(peer)))
            .collect::<Result<_, OpenError>>()?;
        // SAFETY: as above.
        let native = unsafe { &map.peer(PRODUCER_ROW).native };
        Ok(Self {
            publisher: peer(map, lookout, PRODUCER_ROW, native)?,
            position: tail.count(),
            floor: floor.count(),
            published: tail.since(Position::new(spec.first_position)),
            readable: tail.since(floor).min(spec.shape.capacity()),
            pool,
            views: cells.taken.len() as u64,
            held: cells.taken.iter().filter(|cell| cell.slot().is_some()).count() as u64,
            subscribers,
        })
    }
}

fn is_absent(peer: &PeerStats) -> bool {
    peer.presence == Presence::Absent
}

fn subscriber(
    map: &Map,
    lookout: Lookout<'_>,
    row: u32,
    tail: Position,
    cells: &Cells,
) -> Result<SubscriberStats, OpenError> {
    // SAFETY: the map is borrowed until the end of this function.
    let native = unsafe { &map.peer(row).native };
    let peer = peer(map, lookout, row, native)?;
    // SAFETY: as above.
    let readers: &[ReaderWords<Native>] = unsafe { map.readers() };
    // Row 0 is the publisher's.
    let words = readers.get(row as usize - 1).ok_or(OpenError::Corrupt)?;
    // Relaxed, all: for people.
    let life = Life::from_bits(words.life.load(Relaxed));
    let standing = life.standing().ok_or(OpenError::Corrupt)?;
    let who = Who::new(row, peer.incarnation);
    // One who has just come has not said yet what it wants.
    let standing = if life.who() == who { standing } else { Standing::Idle };
    let position = Position::new(words.cursor.load(Relaxed));
    // One that reads what is not finished is ahead; so is one that went on meanwhile.
    let lag = u64::try_from(tail.since(position).cast_signed()).unwrap_or(0);
    Ok(SubscriberStats {
        delivery: match standing {
            Standing::Idle => None,
            Standing::Reads(delivery) => Some(delivery),
            Standing::Evicted => Some(Delivery::Lossless),
        },
        evicted: standing == Standing::Evicted,
        position: position.count(),
        lag: if standing == Standing::Idle { 0 } else { lag },
        lost: words.lost.load(Relaxed),
        broken: words.broken.load(Relaxed),
        views: cells.of(who).count() as u64,
        held: cells.of(who).filter(|cell| cell.slot().is_some()).count() as u64,
        peer,
    })
}

/// The cells that somebody took.
struct Cells {
    taken: Vec<CellWord>,
}

impl Cells {
    fn count(map: &Map, spec: &Spec, pool: &Pool) -> Result<Self, OpenError> {
        // SAFETY: the map is borrowed until the end of this function.
        let cells: &[Line<AtomicU64>] = unsafe { map.cells() };
        // Relaxed: for people.
        let words = cells.iter().map(|cell| CellWord::from_bits(cell.load(Relaxed)));
        let can_be = |cell: &CellWord| {
            let row = cell.owner().map(Who::row);
            row.is_some_and(|row| (1..spec.sides.rows()).contains(&row))
                && cell.slot().is_none_or(|slot| u64::from(slot) < pool.slots)
        };
        let taken: Vec<_> = words.filter(|&cell| cell != CellWord::FREE).collect();
        if taken.iter().all(can_be) { Ok(Self { taken }) } else { Err(OpenError::Corrupt) }
    }

    fn of(&self, who: Who) -> impl Iterator<Item = &CellWord> {
        self.taken.iter().filter(move |cell| cell.owner() == Some(who))
    }
}
