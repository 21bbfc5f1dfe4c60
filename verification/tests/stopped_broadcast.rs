//! Goal: a peer of a broadcast ring that is stopped, however long, keeps what it looks at
//! and what it writes: nobody touches it, and once it goes on it knows exactly what it
//! missed. It holds up nobody but as the ring says: a lossless subscriber holds up the
//! publisher, as long as the ring's patience lasts, and then is evicted, and told. Killed
//! while it is stopped, it is dead (P2, P3).
//! Method: a process holds a view, or a claim, and is stopped by SIGSTOP. The publisher
//! publishes 10,000 messages; what the others get, and how far they come, is compared for
//! equality. Then it goes on and checks what it holds, byte for byte, or is killed.

mod process;

use process::HANG;
use process::broadcast::frame::{self, LEN_MAX};
use process::broadcast::holder::{DELIVERIES, Holder, Role, hold};
use process::broadcast::places::{EVICTED, Places, STATE_MASK};
use ringbuf_shm::broadcast::Delivery;
use ringbuf_shm::broadcast::bytes::{Publisher, State, Subscriber};
use ringbuf_shm::{ClaimError, OpenError, Options, ReadError, Ring};
use std::time::Duration;
use tempfile::TempDir;

const CAPACITY: u64 = 16;
const MESSAGES: u64 = 10_000;
const PATIENCE: Duration = Duration::from_millis(20);
/// A moment in which nothing comes.
const MOMENT: Duration = Duration::from_millis(1);
/// Questions within which nobody waits for the dead any more.
const SLICES_MAX: u64 = 3;

/// The process that is stopped.
#[test]
#[ignore = "a process of the other tests"]
fn holder() {
    hold();
}

struct Scene {
    ring: Ring,
    places: Places,
    first: u64,
    directory: TempDir,
}

impl Scene {
    fn new(patience: Option<Duration>) -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        // Positions wrap half-way.
        let first = 0u64.wrapping_sub(MESSAGES / 2);
        let options = Options::new()
            .capacity(CAPACITY)
            .slot_size(LEN_MAX as u64)
            .subscribers_max(4)
            .views_max(8)
            .reader_patience(patience)
            .first_position(first)
            .reopen(true);
        let ring = Ring::create_broadcast_bytes(directory.path().join("ring"), &options).unwrap();
        let places = Places::of(&ring);
        Self { ring, places, first, directory }
    }

    /// A process that holds something, and stands.
    fn standing(&self, role: Role) -> Holder {
        let mut holder = Holder::start(self.directory.path(), role);
        holder.child.stop();
        holder
    }

    fn subscribe(&self, delivery: Delivery) -> Subscriber {
        Subscriber::attach(&self.ring, delivery).unwrap()
    }
}

fn publish(publisher: &mut Publisher) -> Result<(), ClaimError> {
    let mut claim = publisher.claim_timeout(HANG)?;
    let len = frame::write(claim.position(), &mut claim);
    claim.commit(len)
}

/// Reads the next message, which is the one at this position.
fn expect(subscriber: &mut Subscriber, position: u64) {
    let view = subscriber.read_timeout(HANG).unwrap();
    assert_eq!(view.position(), position);
    frame::check(position, &view);
}

#[test]
fn a_stopped_subscriber_keeps_what_it_looks_at_and_knows_what_it_lost() {
    for delivery in DELIVERIES {
        let scene = Scene::new(Some(PATIENCE));
        let mut publisher = Publisher::attach(&scene.ring).unwrap();
        publish(&mut publisher).unwrap();
        let holder = scene.standing(Role::Subscriber(delivery));
        // Another, which is not held up by the one that stands.
        let mut other = scene.subscribe(Delivery::Lossless);
        expect(&mut other, scene.first);
        for number in 1..=MESSAGES {
            publish(&mut publisher).unwrap();
            expect(&mut other, scene.first.wrapping_add(number));
        }
        let is_evicted = u64::from(delivery == Delivery::Lossless);
        assert_eq!((publisher.evicted(), other.lost()), (is_evicted, 0));
        let row = scene.places.row_of(holder.child.id()).unwrap();
        let life = scene.places.words.load(scene.places.life(row));
        assert_eq!(life & STATE_MASK == EVICTED, delivery == Delivery::Lossless);
        // All but what is there still: three quarters of the capacity at least.
        let lost = holder.go_on();
        let most = if delivery == Delivery::Latest { 1 } else { CAPACITY };
        assert!((MESSAGES - most..MESSAGES).contains(&lost), "{lost} of {MESSAGES}");
    }
}

#[test]
fn a_publisher_waits_for_a_stopped_lossless_subscriber_if_it_is_to() {
    for is_killed in [false, true] {
        let scene = Scene::new(None);
        let mut publisher = Publisher::attach(&scene.ring).unwrap();
        publish(&mut publisher).unwrap();
        let mut holder = scene.standing(Role::Subscriber(Delivery::Lossless));
        (0..CAPACITY).for_each(|_| publish(&mut publisher).unwrap());
        for _ in 0..3 {
            assert_eq!(publisher.claim_timeout(MOMENT).err(), Some(ClaimError::TimedOut));
            // Whoever comes sweeps, and takes nothing from it.
            drop(scene.subscribe(Delivery::Lossy));
        }
        assert_eq!(publisher.evicted(), 0);
        if is_killed {
            holder.child.kill();
            let before = scene.places.probes(0);
            (0..MESSAGES).for_each(|_| publish(&mut publisher).unwrap());
            let asked = scene.places.probes(0) - before;
            assert!((1..=SLICES_MAX).contains(&asked), "asked {asked} times");
        } else {
            assert_eq!(holder.go_on(), 0, "lost by one that was waited for");
            publish(&mut publisher).unwrap();
        }
    }
}

#[test]
fn a_subscriber_that_nobody_reaped_is_dead() {
    let scene = Scene::new(None);
    let mut publisher = Publisher::attach(&scene.ring).unwrap();
    publish(&mut publisher).unwrap();
    let mut holder = Holder::start(scene.directory.path(), Role::Subscriber(Delivery::Lossless));
    holder.child.begin_to_kill();
    (0..MESSAGES).for_each(|_| publish(&mut publisher).unwrap());
    holder.child.reap_killed();
    assert!(scene.places.probes(0) > 0, "it was in the way");
    drop(publisher);
    drop(scene.subscribe(Delivery::Lossy));
    assert!(scene.places.is_left());
}

#[test]
fn a_stopped_publisher_keeps_its_seat_and_goes_on() {
    for role in [Role::Claim, Role::Begun] {
        for is_killed in [false, true] {
            let scene = Scene::new(None);
            publish(&mut Publisher::attach(&scene.ring).unwrap()).unwrap();
            let mut subscribers = DELIVERIES.map(|delivery| scene.subscribe(delivery));
            let mut holder = scene.standing(role);
            let next = scene.first.wrapping_add(1);
            let in_use = Publisher::attach(&scene.ring);
            assert!(matches!(in_use, Err(OpenError::InUse)), "it lives");
            for subscriber in &mut subscribers {
                // Who came when there was nothing new begins with what is next.
                if subscriber.delivery() != Delivery::Lossy {
                    expect(subscriber, scene.first);
                }
                let nothing = subscriber.read_timeout(MOMENT).unwrap_err();
                assert_eq!(nothing, ReadError::TimedOut, "neither dead nor gone");
            }
            let part = (role == Role::Begun).then(|| {
                let part = subscribers[0].read_part_timeout(MOMENT).unwrap();
                let half = part.bytes().unwrap();
                assert_eq!(half.len(), frame::len(next) / 2);
                frame::check_part(next, half);
                part
            });
            if is_killed {
                holder.child.kill();
                assert_eq!(subscribers[1].read_timeout(HANG).unwrap_err(), ReadError::PeerDied);
                let mut publisher = Publisher::attach(&scene.ring).unwrap();
                let broken = u64::from(role == Role::Begun);
                assert_eq!(publisher.position(), next.wrapping_add(broken));
                publish(&mut publisher).unwrap();
                for subscriber in &mut subscribers {
                    expect(subscriber, next.wrapping_add(broken));
                    let passed = match subscriber.delivery() {
                        // It has the part.
                        Delivery::Lossless => (0, 0),
                        Delivery::Lossy => (0, broken),
                        // It did not look at what stood before the newest.
                        Delivery::Latest => (broken, 0),
                    };
                    assert_eq!((subscriber.lost(), subscriber.broken()), passed);
                }
                if let Some(part) = &part {
                    assert_eq!(part.wait_for(LEN_MAX).unwrap_err(), ReadError::Broken);
                    frame::check_part(next, part.bytes().unwrap());
                }
            } else {
                holder.go_on();
                for subscriber in &mut subscribers {
                    if subscriber.position() == next {
                        expect(subscriber, next);
                    }
                    assert_eq!(subscriber.read_timeout(HANG).unwrap_err(), ReadError::Closed);
                }
                if let Some(part) = &part {
                    assert_eq!(part.state(), Ok(State::Whole));
                    frame::check(next, part.bytes().unwrap());
                }
            }
        }
    }
}
