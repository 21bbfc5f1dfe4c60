//! What an `mpmc` ring can tell about itself, as a snapshot.
//!
//! Unsafe code here borrows the words of a mapping that is itself borrowed.

use super::{PeerStats, peer};
use crate::error::OpenError;
use crate::header::{Sides, Spec};
use crate::locks::Lookout;
use crate::map::{Lanes, Map};
use ringbuf_core::peer::{Presence, Who};
use ringbuf_core::position::Position;
use ringbuf_core::slot::{Fate, SlotWord, State};
use std::sync::atomic::Ordering::Relaxed;

/// What is in an `mpmc` ring, and who is attached.
///
/// Taken without stopping anybody: each number was true when it was looked at, and
/// the others may have changed since.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MpmcStats {
    /// Each lane.
    pub lanes: Vec<LaneStats>,
    /// Every row on which a producer ever sat, by its last holder.
    pub producers: Vec<PeerStats>,
    /// Every row on which a consumer ever sat, by its last holder.
    pub consumers: Vec<PeerStats>,
    /// Messages dropped because consumers died holding them; each slot counts its own,
    /// modulo 2^24.
    pub dropped: u64,
}

/// What is in a lane. The slots in their five states are together those of the lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LaneStats {
    /// Slots in use, as far as the lane's hints say.
    pub used: u64,
    /// The most slots that were in use at once, as far as the lane's hints say.
    pub high_water: u64,
    /// Slots free for a message.
    pub free: u64,
    /// Slots that a producer is writing to.
    pub writing: u64,
    /// Slots with a message that nobody has taken.
    pub full: u64,
    /// Slots with a message that a consumer has taken and not released.
    pub reading: u64,
    /// Slots with a message whose consumer died, that is to be delivered again.
    pub orphans: u64,
}

impl MpmcStats {
    pub(crate) fn take(map: &Map, spec: &Spec, lookout: Lookout<'_>) -> Result<Self, OpenError> {
        let mut dropped = 0_u64;
        let slots = map.lanes(&spec.shape);
        let lanes = (0..spec.sides.lanes())
            .map(|index| lane(map, spec, &slots, index, &mut dropped))
            .collect::<Result<_, _>>()?;
        let among = |rows: std::ops::Range<u32>| {
            let all = rows.map(|row| {
                // SAFETY: the map is borrowed until the end of this function.
                let native = unsafe { &map.peer(row).native };
                peer(map, lookout, row, native)
            });
            let sat = |peer: &Result<PeerStats, _>| {
                !matches!(peer, Ok(PeerStats { presence: Presence::Absent, .. }))
            };
            all.filter(sat).collect::<Result<_, OpenError>>()
        };
        let producer_rows = spec.sides.producer_rows();
        Ok(Self {
            lanes,
            producers: among(0..producer_rows)?,
            consumers: among(producer_rows..spec.sides.rows())?,
            dropped,
        })
    }
}

fn lane(
    map: &Map,
    spec: &Spec,
    slots: &Lanes,
    index: u32,
    dropped: &mut u64,
) -> Result<LaneStats, OpenError> {
    // SAFETY: the map is borrowed until the end of this function.
    let words = unsafe { map.lane(index) };
    // Relaxed, all: for people, and each is clamped to what can be.
    let tail = Position::new(words.words.tail.load(Relaxed));
    let head = Position::new(words.words.head.load(Relaxed));
    let capacity = spec.shape.capacity();
    // A head beyond its tail is a hint that is ahead of another.
    let used = Some(tail.since(head)).filter(|&used| used <= u64::MAX / 2);
    let high_water = words.high_water.load(Relaxed);
    let mut stats = LaneStats {
        used: used.unwrap_or(0).min(capacity),
        high_water: high_water.min(capacity),
        ..LaneStats::default()
    };
    for slot in 0..capacity {
        // SAFETY: the loops here and in `take` end at what the ring has; the map is
        // borrowed, as above.
        let words = unsafe { slots.words(index, slot) };
        // Relaxed, both: nothing is read on the strength of them.
        let word = SlotWord::new(words.state.load(Relaxed));
        *dropped += u64::from(Fate::new(words.fate.load(Relaxed)).dropped);
        let state = word.state()?;
        if word.holder().is_some_and(|holder| !may_hold(&spec.sides, holder, state)) {
            return Err(OpenError::Corrupt);
        }
        *match state {
            State::Free => &mut stats.free,
            State::Writing => &mut stats.writing,
            State::Full => &mut stats.full,
            State::Reading => &mut stats.reading,
            State::Orphan => &mut stats.orphans,
        } += 1;
    }
    Ok(stats)
}

/// Whether the row of a holder is one of those who do this.
fn may_hold(sides: &Sides, holder: Who, state: State) -> bool {
    let producer = holder.row() < sides.producer_rows();
    holder.row() < sides.rows() && producer == (state == State::Writing)
}
