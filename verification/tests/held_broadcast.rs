//! Goal: what a view of a broadcast ring shows stays as it is until the view is dropped,
//! however far the publisher goes meanwhile: also when its subscriber is evicted, leaves,
//! or has as many others, when the publisher is followed by another, and when more was
//! shown of it after it was taken (P3).
//! Method: subscribers of every contract hold as many views as there may be while 10,000
//! messages are published. Each is checked by a checksum over all its bytes, again and
//! again. `RINGBUF_HOLD_MS` is how long they are held at least (0).

mod process;

use process::broadcast::frame::{self, LEN_MAX};
use process::broadcast::holder::DELIVERIES;
use process::{HANG, knob, report};
use ringbuf_shm::broadcast::bytes::{Part, Publisher, State, Subscriber, View};
use ringbuf_shm::broadcast::{Delivery, Join, Start};
use ringbuf_shm::{Options, ReadError};
use std::time::{Duration, Instant};

const CAPACITY: u64 = 8;
const VIEWS: u32 = 4;
const MESSAGES: u64 = 10_000;
const PATIENCE: Duration = Duration::from_millis(5);
/// Messages between two looks at everything that is held, and between two publishers.
const LOOK_EVERY: u64 = 1000;

fn publish(publisher: &mut Publisher) {
    let mut claim = publisher.claim_timeout(HANG).unwrap();
    let len = frame::write(claim.position(), &mut claim);
    claim.commit(len).unwrap();
}

fn checksum(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// Views, and their checksums as they were taken.
#[derive(Default)]
struct Held(Vec<(View, u32)>);

impl Held {
    fn keep(&mut self, view: View) {
        frame::check(view.position(), &view);
        let checksum = checksum(&view);
        self.0.push((view, checksum));
    }

    fn check(&self) {
        for (view, before) in &self.0 {
            assert_eq!(checksum(view), *before, "message {} has changed", view.position());
            frame::check(view.position(), view);
        }
    }
}

/// The first half of a message is shown; the rest comes while it is held.
fn take_part(publisher: &mut Publisher, subscriber: &mut Subscriber) -> Part {
    let mut claim = publisher.claim_timeout(HANG).unwrap();
    let len = frame::write(claim.position(), &mut claim);
    let bytes = claim[..len].to_vec();
    let mut begun = claim.begin().unwrap();
    begun.advance(len / 2).unwrap();
    let part = subscriber.try_read_part().unwrap();
    begun.rest_mut()[..len - len / 2].copy_from_slice(&bytes[len / 2..]);
    begun.advance(len - len / 2).unwrap();
    begun.commit().unwrap();
    part
}

#[test]
fn what_is_held_stays_as_it_is_however_many_others_are_published() {
    let start = Instant::now();
    let time = Duration::from_millis(knob("RINGBUF_HOLD_MS", 0));
    let subscribers_max = u32::try_from(DELIVERIES.len()).unwrap() + 1;
    let options = Options::new()
        .capacity(CAPACITY)
        .slot_size(LEN_MAX as u64)
        .subscribers_max(subscribers_max)
        .views_max(subscribers_max * VIEWS)
        .reader_patience(Some(PATIENCE))
        .first_position(0u64.wrapping_sub(MESSAGES / 2))
        .reopen(true);
    let mut publisher = Publisher::create_unnamed(&options).unwrap();
    let ring = publisher.ring().clone();
    let join = |delivery| {
        let join = Join::new(delivery).start(Start::Newest).views(VIEWS);
        Subscriber::attach(&ring, join).unwrap()
    };
    let mut subscribers = DELIVERIES.map(join);
    let mut leaver = join(Delivery::Lossy);
    let (mut held, mut parts) = (Held::default(), vec![]);
    for _ in 0..VIEWS - 1 {
        publish(&mut publisher);
        for subscriber in subscribers.iter_mut().chain([&mut leaver]) {
            held.keep(subscriber.try_read().unwrap());
        }
    }
    parts.push(take_part(&mut publisher, &mut subscribers[0]));
    for subscriber in subscribers[1..].iter_mut().chain([&mut leaver]) {
        held.keep(subscriber.try_read().unwrap());
    }
    // Views outlive their subscriber.
    drop(leaver);
    let (mut published, mut evicted) = (0, 0);
    while published < MESSAGES || start.elapsed() < time {
        publish(&mut publisher);
        published += 1;
        if published % LOOK_EVERY == 0 {
            held.check();
            evicted += publisher.evicted();
            drop(publisher);
            // It knows nothing of who looks at what but what stands in the ring.
            publisher = Publisher::attach(&ring).unwrap();
        }
    }
    held.check();
    assert_eq!(held.0.len() + parts.len(), usize::try_from(subscribers_max * VIEWS).unwrap());
    for part in &parts {
        assert_eq!(part.state(), Ok(State::Whole));
        frame::check(part.position(), part.bytes().unwrap());
    }
    assert_eq!(evicted, 1, "the lossless one");
    assert_eq!(subscribers[0].try_read().unwrap_err(), ReadError::Evicted);
    for subscriber in &mut subscribers {
        assert_eq!(subscriber.try_read().unwrap_err(), ReadError::AllHeld);
    }
    report(&format!(
        "held in a broadcast: {} messages while {published} others were published, {:.1?}",
        held.0.len() + parts.len(),
        start.elapsed()
    ));
}
