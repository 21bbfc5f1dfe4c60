//! Who sits on a ring, whatever its kind.

use ringbuf_shm::{BroadcastStats, Kind, OpenError, PeerStats, Presence, Ring, SubscriberStats};

/// Every seat on which somebody ever sat, by its last holder.
#[derive(Debug)]
pub(crate) struct Peers {
    pub(crate) producers: Vec<PeerStats>,
    pub(crate) consumers: Vec<PeerStats>,
}

impl Peers {
    pub(crate) fn of(ring: &Ring) -> Result<Self, OpenError> {
        let seen = |peer: PeerStats| Vec::from_iter(Some(peer).filter(came));
        Ok(match ring.kind() {
            Kind::Mpmc => {
                let stats = ring.mpmc_stats()?;
                Self { producers: stats.producers, consumers: stats.consumers }
            }
            Kind::Broadcast => {
                let stats = ring.broadcast_stats()?;
                let consumers = stats.subscribers.into_iter().map(|one| one.peer).collect();
                Self { producers: seen(stats.publisher), consumers }
            }
            _ => {
                let stats = ring.stats()?;
                Self { producers: seen(stats.producer), consumers: seen(stats.consumer) }
            }
        })
    }

    pub(crate) fn somebody_lives(&self) -> bool {
        alive(&self.producers) + alive(&self.consumers) != 0
    }

    pub(crate) fn nobody_came(&self) -> bool {
        self.producers.is_empty() && self.consumers.is_empty()
    }
}

/// How many of them live.
pub(crate) fn alive(peers: &[PeerStats]) -> usize {
    peers.iter().filter(|peer| peer.presence == Presence::Alive).count()
}

/// The one that took its seat last.
pub(crate) fn latest(peers: &[PeerStats]) -> Option<&PeerStats> {
    peers.iter().max_by_key(|peer| peer.since)
}

/// The subscribers of a broadcast ring that live, and have said what they want.
pub(crate) fn readers(stats: &BroadcastStats) -> impl Iterator<Item = &SubscriberStats> {
    let reads =
        |one: &&SubscriberStats| one.delivery.is_some() && one.peer.presence == Presence::Alive;
    stats.subscribers.iter().filter(reads)
}

fn came(peer: &PeerStats) -> bool {
    peer.presence != Presence::Absent
}
