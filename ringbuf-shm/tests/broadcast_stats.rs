//! Goal: what a broadcast ring tells about itself is what happened on it.
//! Method: the test does one thing after the other, and looks after each.

use ringbuf_shm::broadcast::{self, Delivery, Join};
use ringbuf_shm::{BroadcastStats, OpenError, Options, Presence, ReadError, Ring, SubscriberStats};
use std::time::Duration;

type Publisher = broadcast::Publisher<u64>;
type Subscriber = broadcast::Subscriber<u64>;

fn options() -> Options {
    let options = Options::new()
        .capacity(4)
        .subscribers_max(4)
        .views_max(8)
        .reader_patience(Some(Duration::from_millis(1)));
    options.in_place(true)
}

fn publisher() -> Publisher {
    Publisher::create_unnamed(&options()).unwrap()
}

fn look(ring: &Ring) -> BroadcastStats {
    ring.broadcast_stats().unwrap()
}

/// The subscriber on this row.
fn on(ring: &Ring, row: u32) -> SubscriberStats {
    let mut found = look(ring).subscribers.into_iter().filter(|one| one.peer.row == row);
    found.next().unwrap()
}

#[test]
fn positions_and_losses_are_those_of_each_subscriber() {
    let mut publisher = publisher();
    let (ring, first) = (publisher.ring().clone(), publisher.position());
    let stats = look(&ring);
    assert_eq!(
        (stats.position, stats.floor, stats.published, stats.readable),
        (first, first, 0, 0)
    );
    assert_eq!((stats.subscribers.len(), stats.views, stats.held), (0, 0, 0));
    assert_eq!(stats.pool, ring.pool());
    assert_eq!(ring.reader_patience(), Some(Duration::from_millis(1)));
    assert_eq!(stats.publisher.presence, Presence::Alive);
    assert_eq!(stats.publisher.pid, std::process::id());

    let mut all = Subscriber::attach(&ring, Delivery::Lossless).unwrap();
    let mut some = Subscriber::attach(&ring, Delivery::Lossy).unwrap();
    let mut newest = Subscriber::attach(&ring, Delivery::Latest).unwrap();
    for value in 0..3 {
        publisher.push(value).unwrap();
    }
    let stats = look(&ring);
    assert_eq!((stats.position, stats.published, stats.readable), (first + 3, 3, 3));
    let of = |row| {
        let found = on(&ring, row);
        (found.delivery, found.position - first, found.lag, found.lost)
    };
    assert_eq!(of(1), (Some(Delivery::Lossless), 0, 3, 0));
    assert_eq!(of(2), (Some(Delivery::Lossy), 0, 3, 0));
    // It begins with the newest there is, which may be none.
    assert_eq!(of(3), (Some(Delivery::Latest), 0, 3, 0));
    assert_eq!(newest.pop().unwrap(), 2);
    assert_eq!(of(3), (Some(Delivery::Latest), 3, 0, 2));
    for _ in 0..2 {
        all.pop().unwrap();
    }
    assert_eq!(of(1), (Some(Delivery::Lossless), 2, 1, 0));
    publisher.push(3).unwrap();
    publisher.push(4).unwrap();
    // The floor has risen above the entry that was shown again, by a quarter of a lap.
    let stats = look(&ring);
    assert_eq!((stats.published, stats.readable), (5, stats.position - stats.floor));
    assert!((1..=3).contains(&stats.readable), "{stats:?}");
    let lost = stats.floor - first;
    assert_eq!(some.pop().unwrap(), lost);
    assert_eq!(of(2), (Some(Delivery::Lossy), lost + 1, 4 - lost, lost));
}

#[test]
fn who_holds_what_is_told() {
    let mut publisher = publisher();
    let ring = publisher.ring().clone();
    let mut one = Subscriber::attach(&ring, Join::new(Delivery::Lossy).views(3)).unwrap();
    let mut other = Subscriber::attach(&ring, Delivery::Lossy).unwrap();
    let of = |row| {
        let (all, found) = (look(&ring), on(&ring, row));
        (all.views, all.held, found.views, found.held)
    };
    assert_eq!(of(1), (5, 0, 3, 0));
    publisher.push(1).unwrap();
    publisher.push(2).unwrap();
    let held = [one.read().unwrap(), one.read().unwrap()];
    let again = other.read().unwrap();
    assert_eq!((of(1), of(2)), ((5, 3, 3, 2), (5, 3, 2, 1)));
    drop((held, again));
    assert_eq!((of(1), of(2)), ((5, 0, 3, 0), (5, 0, 2, 0)));

    // One that left and is still looked at.
    publisher.push(3).unwrap();
    let kept = one.read().unwrap();
    drop(one);
    let stats = on(&ring, 1);
    assert_eq!((stats.delivery, stats.held, stats.lag), (None, 1, 0));
    assert_eq!(stats.peer.presence, Presence::Alive);
    drop(kept);
    let stats = on(&ring, 1);
    assert_eq!((stats.views, stats.peer.presence), (0, Presence::Closed));
    assert_eq!(of(2), (2, 0, 2, 0));
}

#[test]
fn an_eviction_is_told_until_it_is_noticed() {
    let mut publisher = publisher();
    let ring = publisher.ring().clone();
    let mut slow = Subscriber::attach(&ring, Delivery::Lossless).unwrap();
    let before = on(&ring, 1);
    assert_eq!((before.delivery, before.evicted), (Some(Delivery::Lossless), false));
    for value in 0..5 {
        publisher.push(value).unwrap();
    }
    let after = on(&ring, 1);
    assert_eq!((after.delivery, after.evicted), (Some(Delivery::Lossless), true));
    assert_eq!((after.lag, after.lost), (5, 0));
    assert_eq!(slow.try_pop().unwrap_err(), ReadError::Evicted);
    let noticed = on(&ring, 1);
    assert_eq!((noticed.evicted, noticed.lost), (false, slow.lost()));
    assert_eq!(noticed.lag + noticed.lost, 5);
    assert!(noticed.lost > 0);
}

#[test]
fn what_was_broken_off_is_told() {
    use ringbuf_shm::broadcast::bytes;
    let mut publisher =
        bytes::Publisher::create_unnamed(&Options::new().capacity(4).slot_size(8)).unwrap();
    let mut subscriber = bytes::Subscriber::attach(publisher.ring(), Delivery::Lossy).unwrap();
    publisher.claim().unwrap().begin().unwrap().abort();
    publisher.push(b"whole").unwrap();
    subscriber.read().unwrap().release();
    let stats = on(publisher.ring(), 1);
    assert_eq!((stats.broken, stats.lost, stats.lag), (1, 0, 0));
    assert_eq!(look(publisher.ring()).published, 2);
}

#[test]
fn other_kinds_of_rings_are_refused() {
    let broadcast = publisher();
    assert!(matches!(broadcast.ring().stats(), Err(OpenError::OtherKind { .. })));
    let stream = ringbuf_shm::spsc::Producer::<u64>::create_unnamed(&Options::new()).unwrap();
    assert!(matches!(stream.ring().broadcast_stats(), Err(OpenError::OtherKind { .. })));
}

#[test]
fn ticks_have_no_pool_and_no_views_and_are_counted_alike() {
    let mut publisher = Publisher::create_unnamed(&options().in_place(false)).unwrap();
    let (ring, first) = (publisher.ring().clone(), publisher.position());
    let mut all = Subscriber::attach(&ring, Delivery::Lossless).unwrap();
    let mut some = Subscriber::attach(&ring, Join::new(Delivery::Lossy).views(100)).unwrap();
    for value in 0..3 {
        publisher.push(value).unwrap();
    }
    let held = [all.read().unwrap(), all.read().unwrap()];
    let stats = look(&ring);
    assert_eq!((stats.pool, ring.pool(), ring.shape().name()), (None, None, "ticks"));
    assert_eq!((stats.published, stats.readable, stats.views, stats.held), (3, 3, 0, 0));
    let of = |row| {
        let found = on(&ring, row);
        (found.delivery, found.position - first, found.lag, found.lost, found.views)
    };
    assert_eq!(of(1), (Some(Delivery::Lossless), 2, 1, 0, 0));
    assert_eq!(of(2), (Some(Delivery::Lossy), 0, 3, 0, 0));
    for value in 3..9 {
        publisher.push(value).unwrap();
    }
    assert!(on(&ring, 1).evicted, "it was not as fast as the patience is short");
    assert_eq!(all.read().map(|view| *view), Err(ReadError::Evicted));
    // What was copied stays, whatever became of the ring.
    assert_eq!(held.map(|view| (*view, view.position() - first)), [(0, 0), (1, 1)]);
    let next = some.read().unwrap();
    assert_eq!((*next, some.lost()), (next.position() - first, next.position() - first));
    assert_eq!(on(&ring, 2).lost, some.lost());
}
