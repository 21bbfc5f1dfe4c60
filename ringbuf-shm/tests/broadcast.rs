//! Goal: every subscriber of a broadcast ring gets what its contract says, in place, and
//! nothing that somebody looks at changes.

use ringbuf_shm::broadcast::bytes::{Publisher, State, Subscriber};
use ringbuf_shm::broadcast::{self, Delivery, Join, Start};
use ringbuf_shm::{ClaimError, OpenError, Options, ReadError};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

fn options() -> Options {
    Options::new().capacity(4).slot_size(64).subscribers_max(4).views_max(8)
}

fn publisher() -> Publisher {
    Publisher::create_unnamed(&options()).unwrap()
}

fn push(publisher: &mut Publisher, numbers: std::ops::Range<u8>) {
    for number in numbers {
        publisher.push(&[number; 64]).unwrap();
    }
}

#[test]
fn each_gets_what_its_contract_says() {
    let mut publisher = publisher();
    let first = publisher.position();
    let mut all = Subscriber::attach(publisher.ring(), Delivery::Lossless).unwrap();
    let mut some = Subscriber::attach(publisher.ring(), Delivery::Lossy).unwrap();
    let mut newest = Subscriber::attach(publisher.ring(), Delivery::Latest).unwrap();
    push(&mut publisher, 0..4);
    assert!(matches!(publisher.try_push(&[9; 64]), Err(ClaimError::Full)));
    for number in 0..4 {
        let view = all.try_read().unwrap();
        assert_eq!((view[63], view.position()), (number, first + u64::from(number)));
    }
    assert_eq!(all.try_read().unwrap_err(), ReadError::Empty);
    push(&mut publisher, 4..8);
    let view = newest.try_read().unwrap();
    assert_eq!((view[0], newest.lost()), (7, 7));
    assert_eq!(newest.try_read().unwrap_err(), ReadError::Empty);
    let got: Vec<u8> = std::iter::from_fn(|| Some(some.try_read().ok()?[0])).collect();
    assert_eq!(got.len() as u64 + some.lost(), 8, "{got:?}");
    assert_eq!(got.last(), Some(&7));
    assert!(got.len() >= 3, "three quarters of the capacity: {got:?}");
}

#[test]
fn what_is_looked_at_stays_as_it_is() {
    let mut publisher = publisher();
    let join = Join::new(Delivery::Lossy).views(8);
    let mut viewer = Subscriber::attach(publisher.ring(), join).unwrap();
    let mut held = Vec::new();
    for number in 0..8 {
        push(&mut publisher, number..number + 1);
        held.push(viewer.try_read().unwrap());
    }
    push(&mut publisher, 8..100);
    assert_eq!(viewer.try_read().unwrap_err(), ReadError::AllHeld);
    for (number, view) in (0..).zip(&held) {
        assert_eq!(**view, [number; 64]);
    }
    // Views outlive their subscriber, and go to other threads.
    drop(viewer);
    std::thread::spawn(move || assert_eq!(*held[7], [7; 64])).join().unwrap();
    push(&mut publisher, 100..200);
}

#[test]
fn who_is_too_slow_is_evicted_and_told_and_reads_on() {
    let patience = Duration::from_millis(20);
    let options = options().reader_patience(Some(patience));
    let mut publisher = Publisher::create_unnamed(&options).unwrap();
    let mut slow = Subscriber::attach(publisher.ring(), Delivery::Lossless).unwrap();
    push(&mut publisher, 0..1);
    let held = slow.try_read().unwrap();
    push(&mut publisher, 1..50);
    assert_eq!(*held, [0; 64]);
    assert_eq!(publisher.evicted(), 1);
    assert_eq!(slow.try_read().unwrap_err(), ReadError::Evicted);
    let rest: Vec<u8> = std::iter::from_fn(|| Some(slow.try_read().ok()?[0])).collect();
    assert_eq!(1 + rest.len() as u64 + slow.lost(), 50);
    assert_eq!(rest.last(), Some(&49));
    assert_eq!(*held, [0; 64]);
}

#[test]
fn a_frame_comes_line_by_line() {
    let mut publisher = publisher();
    let mut viewer = Subscriber::attach(publisher.ring(), Delivery::Lossless).unwrap();
    let mut claim = publisher.claim().unwrap();
    claim.set_tag(7);
    let mut frame = claim.begin().unwrap();
    assert_eq!(viewer.try_read().unwrap_err(), ReadError::Empty);
    let part = viewer.try_read_part().unwrap();
    assert_eq!((part.bytes().unwrap().len(), part.state(), part.tag()), (0, Ok(State::Open), 7));
    for line in 1..=3_u8 {
        frame.rest_mut()[..8].fill(line);
        frame.advance(8).unwrap();
        let there = part.wait_for(usize::from(line) * 8).unwrap();
        assert_eq!(there.last(), Some(&line));
    }
    assert_eq!(part.wait_for_timeout(25, Duration::ZERO).unwrap_err(), ReadError::TimedOut);
    assert_eq!(frame.advance(41).unwrap_err(), ClaimError::TooLong);
    frame.commit().unwrap();
    assert_eq!((part.state(), part.wait_for(64).unwrap().len()), (Ok(State::Whole), 24));
    drop(part);

    // One that is broken off is passed by, or told of.
    let mut watching = Subscriber::attach(publisher.ring(), Delivery::Lossy).unwrap();
    publisher.claim().unwrap().abort();
    let mut frame = publisher.claim().unwrap().begin().unwrap();
    frame.advance(5).unwrap();
    frame.abort();
    let part = watching.try_read_part().unwrap();
    assert_eq!((part.state(), part.bytes().unwrap().len()), (Ok(State::Broken), 5));
    assert_eq!(part.wait_for(6).unwrap_err(), ReadError::Broken);
    push(&mut publisher, 1..2);
    assert_eq!((viewer.try_read().unwrap()[0], viewer.broken(), viewer.lost()), (1, 1, 0));
}

#[test]
fn a_subscriber_begins_where_it_says() {
    let mut publisher = publisher();
    push(&mut publisher, 0..3);
    let next = publisher.position();
    let starts = [
        (Start::Newest, next),
        (Start::Oldest, next - 3),
        (Start::Position(next - 2), next - 2),
        (Start::Position(next - 7), next - 3),
        (Start::Position(next + 9), next),
    ];
    for delivery in [Delivery::Lossless, Delivery::Lossy] {
        for (start, position) in starts {
            let join = Join::new(delivery).start(start);
            let subscriber = Subscriber::attach(publisher.ring(), join).unwrap();
            assert_eq!(subscriber.position(), position, "{delivery:?} {start:?}");
        }
    }
    let mut newest = Subscriber::attach(publisher.ring(), Delivery::Latest).unwrap();
    assert_eq!((newest.try_read().unwrap()[0], newest.lost()), (2, 0));
    assert_eq!(newest.latest().unwrap()[0], 2, "again");
}

#[test]
fn another_publisher_continues() {
    let ring = {
        let options = options().capacity(8).reopen(true);
        let mut publisher = Publisher::create_unnamed(&options).unwrap();
        push(&mut publisher, 0..3);
        std::mem::forget(publisher.claim().unwrap().begin().unwrap());
        publisher.ring().clone()
    };
    let mut all = Subscriber::attach(&ring, Delivery::Lossless).unwrap();
    let mut publisher = Publisher::attach(&ring).unwrap();
    assert!(matches!(Publisher::attach(&ring), Err(OpenError::InUse)));
    push(&mut publisher, 3..4);
    for number in 0..4 {
        assert_eq!(all.try_read().unwrap()[0], number);
    }
    assert_eq!((all.broken(), all.lost()), (1, 0));
    drop(publisher);
    assert_eq!(all.read().unwrap_err(), ReadError::Closed);
}

#[test]
fn a_ring_has_so_many_rows_and_views() {
    let publisher = publisher();
    let many = Join::new(Delivery::Lossy).views(5);
    let first = Subscriber::attach(publisher.ring(), many).unwrap();
    let refused = Subscriber::attach(publisher.ring(), many);
    assert!(matches!(refused, Err(OpenError::TooManyViews { wanted: 5, free: 3 })));
    drop(first);
    let one = Join::new(Delivery::Lossy).views(1);
    let all: Vec<_> = (0..4).map(|_| Subscriber::attach(publisher.ring(), one).unwrap()).collect();
    assert!(matches!(Subscriber::attach(publisher.ring(), one), Err(OpenError::TooManyPeers(4))));
    drop(all);
    assert!(Subscriber::attach(publisher.ring(), many).is_ok());
    assert!(Subscriber::attach(publisher.ring(), Join::new(Delivery::Lossy).views(0)).is_err());
}

#[test]
fn a_subscriber_is_refused_by_a_ring_of_another_type() {
    let tick = Options::new().type_name("tick");
    let order = Options::new().type_name("order");
    let bytes = Publisher::create_unnamed(&options().type_name("tick")).unwrap();
    let values = broadcast::Publisher::<u64>::create_unnamed(&tick).unwrap();
    let other = Subscriber::attach_with(bytes.ring(), &order, Delivery::Lossy);
    assert!(matches!(other, Err(OpenError::PayloadType { .. })));
    let other = broadcast::Subscriber::<u64>::attach_with(values.ring(), &order, Delivery::Lossy);
    assert!(matches!(other, Err(OpenError::PayloadType { .. })));
    assert!(Subscriber::attach_with(bytes.ring(), &tick, Delivery::Lossy).is_ok());
    assert!(Subscriber::attach(bytes.ring(), Delivery::Lossy).is_ok());
}

#[test]
fn values_are_published_and_waited_for() {
    let options = Options::new().capacity(4).in_place(true);
    let mut publisher = broadcast::Publisher::<u64>::create_unnamed(&options).unwrap();
    let subscribers: Vec<_> = [Delivery::Lossless, Delivery::Lossless, Delivery::Latest]
        .map(|delivery| {
            let mut subscriber =
                broadcast::Subscriber::<u64>::attach(publisher.ring(), delivery).unwrap();
            std::thread::spawn(move || {
                let mut got = Vec::new();
                loop {
                    match subscriber.pop_timeout(SOON) {
                        Ok(value) => got.push(value),
                        Err(ReadError::Closed) => return (got, subscriber.lost()),
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        })
        .into();
    for value in 0..10_000 {
        publisher.push(value).unwrap();
    }
    drop(publisher);
    let mut results = subscribers.into_iter().map(|thread| thread.join().unwrap());
    for _ in 0..2 {
        assert_eq!(results.next().unwrap(), ((0..10_000).collect(), 0));
    }
    let (newest, lost) = results.next().unwrap();
    assert!(newest.is_sorted() && newest.last() == Some(&9_999));
    assert_eq!(newest.len() as u64 + lost, 10_000);
}
