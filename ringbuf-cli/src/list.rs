//! `ringbuf ls`: the rings of this user.

use crate::failure::Failure;
use crate::figures::bytes;
use crate::peers::{Peers, alive, latest};
use crate::stat::{capacity, state};
use crate::table::aligned;
use crate::tell::print;
use ringbuf_shm::{OpenError, PeerStats, Presence, Ring};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A ring that nobody has sat on yet may be about to be: its creator names it first.
const STARTING: Duration = Duration::from_secs(1);

/// Lists the rings of this user.
///
/// A ring is stale when nobody alive has a seat on it; `ringbuf rm --stale` removes
/// such rings. Files in the directory that are not rings are listed with what is
/// wrong with them.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {}

pub(crate) fn run() -> Result<(), Failure> {
    let names = ringbuf_shm::list().map_err(|error| Failure::Said(error.to_string()))?;
    if names.is_empty() {
        let directory = ringbuf_shm::directory();
        return print(&format!("no rings in {}\n", directory.display()));
    }
    let header = ["NAME", "KIND", "SHAPE", "CAPACITY", "MEMORY", "PRODUCER", "CONSUMER", ""];
    let mut rows = vec![header.map(String::from)];
    rows.extend(names.iter().filter_map(|name| row(name)));
    print(&aligned(&rows))
}

/// `None`: the name is gone by now.
fn row(name: &str) -> Option<[String; 8]> {
    let shown = name.to_owned();
    let looked = Ring::open(name).and_then(|ring| Peers::of(&ring).map(|peers| (ring, peers)));
    let text = match looked {
        Ok((ring, peers)) => [
            shown,
            ring.kind().name().into(),
            ring.shape().name().into(),
            capacity(&ring),
            bytes(ring.file_len()),
            side(&peers.producers),
            side(&peers.consumers),
            if is_stale(&ring, &peers) { "stale" } else { "" }.into(),
        ],
        Err(OpenError::NotFound) => return None,
        Err(OpenError::OtherBoot) => blank(shown, "stale: from before the last restart".into()),
        Err(error) => blank(shown, error.to_string()),
    };
    Some(text)
}

fn blank(name: String, note: String) -> [String; 8] {
    let dash = || "-".to_owned();
    [name, dash(), dash(), dash(), dash(), dash(), dash(), note]
}

/// Who lives; if nobody does, what became of the one that came last.
fn side(peers: &[PeerStats]) -> String {
    let mut living = peers.iter().filter(|peer| peer.presence == Presence::Alive);
    match (living.next(), alive(peers)) {
        (Some(peer), 1) => format!("alive {}", peer.pid),
        (Some(_), several) => format!("{several} alive"),
        (None, _) => state(latest(peers).map_or(Presence::Absent, |peer| peer.presence)).to_owned(),
    }
}

/// Whether nobody alive has a seat on the ring.
pub(crate) fn is_stale(ring: &Ring, peers: &Peers) -> bool {
    if peers.nobody_came() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        return now.saturating_sub(Duration::from_nanos(ring.created())) > STARTING;
    }
    !peers.somebody_lives()
}
