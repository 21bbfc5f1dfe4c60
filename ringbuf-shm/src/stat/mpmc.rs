//! What an `mpmc` ring can tell about itself, as a snapshot.
//!
//! Unsafe code here borrows the words of a mapping that is itself borrowed.

use super::watch::{Look, Sightings};
use super::{PeerStats, peer};
use crate::error::OpenError;
use crate::header::{Sides, Spec};
use crate::locks::Lookout;
use crate::map::{LaneSlots, Lanes, Map};
use ringbuf_core::machine::Row as _;
use ringbuf_core::peer::{Presence, Who};
use ringbuf_core::position::Position;
use ringbuf_core::slot::{Fate, SlotWord, State};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

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
    /// Messages delivered again because consumers died holding them, and then released.
    pub redelivered: u64,
    /// Messages dropped because consumers died holding them; each slot counts its own,
    /// modulo 2^24.
    pub dropped: u64,
}

/// What is in a lane. The slots in their five states are together those of the lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LaneStats {
    /// Slots claimed so far, as far as the lane's hints say.
    pub claimed: u64,
    /// Places passed by those who read so far, as far as the lane's hints say.
    pub read: u64,
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
    /// Who holds the slots that are being written and read, by row.
    pub holders: Vec<Holder>,
}

/// Who holds slots of a lane: a producer writes to them, a consumer reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// Its row, as in [`PeerStats::row`].
    pub row: u32,
    /// Its incarnation; another than that of the row's last holder if the slots are
    /// those of a dead one, about to be given up.
    pub incarnation: u32,
    /// How many slots.
    pub slots: u64,
    /// For how long the one that it has held longest was seen in its hands: it has been
    /// there for at least so long, and longer where its place was passed meanwhile. Zero at
    /// a first look; see [`MpmcWatch`](crate::MpmcWatch).
    pub longest: Duration,
}

impl MpmcStats {
    pub(crate) fn take(
        map: &Map,
        spec: &Spec,
        lookout: Lookout<'_>,
        sightings: &mut Sightings,
    ) -> Result<Self, OpenError> {
        let mut dropped = 0_u64;
        let slots = map.lanes(&spec.shape);
        let mut look = sightings.look();
        let lanes = (0..spec.sides.lanes())
            .map(|index| lane(map, spec, &slots, index, &mut dropped, &mut look))
            .collect::<Result<_, _>>()?;
        look.end();
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
        let consumer_rows = producer_rows..spec.sides.rows();
        // Relaxed: for people.
        // SAFETY: the map is borrowed until the end of this function.
        let redelivered = |row| unsafe { map.peer(row) }.native.redelivered.load(Relaxed);
        Ok(Self {
            lanes,
            redelivered: consumer_rows.clone().map(redelivered).fold(0, u64::wrapping_add),
            producers: among(0..producer_rows)?,
            consumers: among(consumer_rows)?,
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
    look: &mut Look<'_>,
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
    let first = Position::new(spec.first_position);
    let mut holders = BTreeMap::new();
    let mut stats = LaneStats {
        claimed: tail.since(first),
        read: head.since(first),
        used: used.unwrap_or(0).min(capacity),
        high_water: high_water.min(capacity),
        ..LaneStats::default()
    };
    // SAFETY: the loop in `take` ends at the lanes of the ring; the map is borrowed, as
    // above.
    let slots = unsafe { LaneSlots::new(slots, index) };
    for slot in 0..slots.len() {
        let words = slots.at(slot);
        // Relaxed, both: nothing is read on the strength of them.
        let word = SlotWord::new(words.state.load(Relaxed));
        *dropped += u64::from(Fate::new(words.fate.load(Relaxed)).dropped);
        let state = word.state()?;
        if let Some(holder) = word.holder() {
            if !may_hold(&spec.sides, holder, state) {
                return Err(OpenError::Corrupt);
            }
            let held = look.sees(index, slot, word);
            let (slots, longest) =
                holders.entry((holder.row(), holder.incarnation())).or_insert((0, held));
            (*slots, *longest) = (*slots + 1, held.max(*longest));
        }
        *match state {
            State::Free => &mut stats.free,
            State::Writing | State::Void => &mut stats.writing,
            State::Full => &mut stats.full,
            State::Reading => &mut stats.reading,
            State::Orphan => &mut stats.orphans,
        } += 1;
    }
    let holder =
        |((row, incarnation), (slots, longest))| Holder { row, incarnation, slots, longest };
    stats.holders = holders.into_iter().map(holder).collect();
    Ok(stats)
}

/// Whether the row of a holder is one of those who do this.
fn may_hold(sides: &Sides, holder: Who, state: State) -> bool {
    let producer = holder.row() < sides.producer_rows();
    holder.row() < sides.rows() && producer == (state != State::Reading)
}
