//! `ringbuf stat` of a broadcast ring: what is in it, and what each subscriber wants, has
//! read, lost and holds.

use super::{about, monotonic, nanos, standing, watched};
use crate::failure::Failure;
use crate::figures::{grouped, time};
use crate::publish::cost;
use crate::table::aligned;
use crate::tell::print;
use ringbuf_shm::broadcast::Delivery;
use ringbuf_shm::{BroadcastStats, PeerStats, Ring, SubscriberStats};

pub(super) fn run(name: &str, ring: &Ring, watch: bool) -> Result<(), Failure> {
    let look = || ring.broadcast_stats().map_err(Failure::opening(name));
    let mut before = look()?;
    print(&describe(name, ring, &before))?;
    if !watch {
        return Ok(());
    }
    watched(|| {
        let now = look()?;
        let published = grouped(now.published.wrapping_sub(before.published));
        let table = describe(name, ring, &now);
        before = now;
        Ok(format!("{table}\nlast second  {published} published\n"))
    })
}

fn describe(name: &str, ring: &Ring, stats: &BroadcastStats) -> String {
    let mut rows = about(name, ring);
    let mut row = |label: &str, value: String| rows.push([label.to_owned(), value]);
    let in_entries = || "none: messages stand in the ring itself".to_owned();
    row("pool", stats.pool.as_ref().map_or_else(in_entries, cost));
    row("patience", ring.reader_patience().map_or("for ever".into(), time));
    row("published", grouped(stats.published));
    row(
        "to be read",
        format!("{}, from number {}", grouped(stats.readable), number(stats, stats.floor)),
    );
    if let Some(pool) = &stats.pool {
        let views = [stats.views, pool.views, stats.held].map(grouped);
        row("views", format!("{} of {} taken, {} in use", views[0], views[1], views[2]));
    }
    format!("{}\n{}", aligned(&rows), peers(stats))
}

/// The number of the message at a position, counted from the first that was published.
fn number(stats: &BroadcastStats, position: u64) -> String {
    let first = stats.position.wrapping_sub(stats.published);
    grouped(position.wrapping_sub(first))
}

fn peers(stats: &BroadcastStats) -> String {
    let header = [
        "side", "row", "process", "state", "wants", "at", "lag", "lost", "broken", "holds",
        "since", "holders", "sleeps", "wakes", "probes", "unfenced",
    ];
    let mut rows = vec![header.map(String::from)];
    let none = || "-".to_owned();
    let at = number(stats, stats.position);
    rows.push(line("publisher", &stats.publisher, [none(), at, none(), none(), none(), none()]));
    for one in &stats.subscribers {
        let reading = [
            wants(one).to_owned(),
            number(stats, one.position),
            grouped(one.lag),
            grouped(one.lost),
            grouped(one.broken),
            format!("{} of {}", one.held, one.views),
        ];
        rows.push(line("subscriber", &one.peer, reading));
    }
    aligned(&rows)
}

/// What a subscriber wants, and whether it gets it.
fn wants(one: &SubscriberStats) -> &'static str {
    match one.delivery {
        _ if one.evicted => "lossless, evicted",
        Some(Delivery::Lossless) => "lossless",
        Some(Delivery::Lossy) => "lossy",
        Some(Delivery::Latest) => "latest",
        None => "-",
    }
}

/// A peer, with what is known of its reading.
fn line(side: &str, peer: &PeerStats, reading: [String; 6]) -> [String; 16] {
    let [wants, at, lag, lost, broken, holds] = reading;
    [
        side.to_owned(),
        peer.row.to_string(),
        peer.pid.to_string(),
        standing(peer).to_owned(),
        wants,
        at,
        lag,
        lost,
        broken,
        holds,
        format!("{} ago", time(monotonic().saturating_sub(nanos(peer.since)))),
        peer.incarnation.to_string(),
        grouped(peer.sleeps),
        grouped(peer.wakes),
        grouped(peer.probes),
        grouped(peer.unfenced),
    ]
}
