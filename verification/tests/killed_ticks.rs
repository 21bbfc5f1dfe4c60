//! Goal: of a ring of ticks, a process that is killed or stopped at any moment, the publisher or a
//! subscriber, takes no message from anybody else, holds up nobody for longer than the ring says,
//! and leaves no seat taken; nobody is ever shown a message that was half written, and what
//! somebody got and lost is all that there was (P1, P2, P3, P8).
//! Method: a publisher and subscribers of each delivery in processes of their own, of which a
//! random one is killed and followed, or stopped for a while, every few milliseconds. Values are
//! as long as they may be, and carry their position, who wrote them, and a checksum of both in
//! every other word. A subscriber checks each that it is shown, and its books after each; it
//! ends with the mark that is sent when all killing is over, or by a panic, which the test sees.
//! Positions wrap. `RINGBUF_KILLS` is how many kills the tests of this file do together (240).

mod process;

use process::random::{Random, mix};
use process::{Child, HANG, enter, knob, number, report, variable};
use ringbuf_shm::broadcast::{Delivery, Publisher, Subscriber};
use ringbuf_shm::{OpenError, Options, ReadError, Ring};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// As many words as a tick may have.
type Value = [u64; 15];

const TESTS: u64 = 2;
const KILLS_PER_RING: u64 = 15;
const MOMENT_MAX: Duration = Duration::from_millis(6);
const PATIENCE: Duration = Duration::from_millis(2);
const FIRST: u64 = u64::MAX - 500;
const DELIVERIES: [Delivery; 3] = [Delivery::Lossless, Delivery::Lossy, Delivery::Latest];
/// Who writes the mark that ends all subscribers.
const END: u64 = u64::MAX;
/// A slow subscriber rests after so many messages.
const REST_EVERY: u64 = 1 << 14;

fn value(position: u64, writer: u64) -> Value {
    let word = |at| mix(position ^ mix(writer.wrapping_add(at as u64)));
    std::array::from_fn(|at| match at {
        0 => position,
        1 => writer,
        _ => word(at),
    })
}

#[test]
#[ignore = "a process of the other tests"]
fn publisher() {
    enter();
    let mut publisher = Publisher::<Value>::open(variable("RINGBUF_TEST_RING")).unwrap();
    let writer = number("RINGBUF_TEST_ID");
    loop {
        let value = value(publisher.position(), writer);
        publisher.push(value).map_err(|failed| failed.error).unwrap();
    }
}

#[test]
#[ignore = "a process of the other tests"]
fn subscriber() {
    enter();
    let which = usize::try_from(number("RINGBUF_TEST_DELIVERY")).unwrap();
    let may_be_evicted = number("RINGBUF_TEST_PATIENT") == 0;
    let (delivery, is_slow) = (DELIVERIES[which % 3], which >= 3);
    let ring = variable("RINGBUF_TEST_RING");
    let mut subscriber = Subscriber::<Value>::open(ring, delivery).unwrap();
    let (began, mut got, mut evicted) = (subscriber.position(), 0_u64, false);
    loop {
        let view = match subscriber.read_timeout(HANG) {
            Ok(view) => view,
            Err(ReadError::Evicted) => {
                assert!(may_be_evicted && delivery == Delivery::Lossless);
                evicted = true;
                continue;
            }
            // Another publisher comes.
            Err(ReadError::PeerDied) => continue,
            Err(error) => panic!("{error}"),
        };
        got += 1;
        assert_eq!(*view, value(view.position(), view[1]), "torn, or of another position");
        let passed = subscriber.position().wrapping_sub(began);
        assert_eq!(got + subscriber.lost(), passed, "got and lost are all");
        assert!(delivery != Delivery::Lossless || evicted || subscriber.lost() == 0, "waited for");
        if view[1] == END {
            return;
        }
        if is_slow && got.is_multiple_of(REST_EVERY) {
            sleep(Duration::from_micros(300));
        }
    }
}

/// A publisher and five subscribers.
struct Troupe<'a> {
    path: &'a Path,
    patient: bool,
    members: Vec<Child>,
    next_id: u64,
}

impl Troupe<'_> {
    /// The publisher is number 0, then come the subscribers.
    fn follow(&mut self, member: usize) -> Child {
        self.next_id += 1;
        let path = self.path.display().to_string();
        let variables = [
            ("RINGBUF_TEST_RING", path),
            ("RINGBUF_TEST_ID", self.next_id.to_string()),
            ("RINGBUF_TEST_PATIENT", u64::from(self.patient).to_string()),
            ("RINGBUF_TEST_DELIVERY", member.saturating_sub(1).to_string()),
        ];
        Child::spawn(if member == 0 { "publisher" } else { "subscriber" }, &variables)
    }

    fn strike(&mut self, random: &mut Random) {
        let moment = |random: &mut Random| {
            let most = u64::try_from(MOMENT_MAX.as_micros()).unwrap();
            Duration::from_micros(random.below(most))
        };
        let member = usize::try_from(random.below(self.members.len() as u64)).unwrap();
        if random.below(4) == 0 {
            self.members[member].assert_running();
            self.members[member].stop();
            sleep(moment(random));
            self.members[member].resume();
        }
        sleep(moment(random));
        self.members[member].kill();
        self.members[member] = self.follow(member);
        // Every so often somebody else is still to come when the next one is killed.
        sleep(moment(random));
    }
}

/// Kills until it is enough; how many messages there were.
fn strike_one_ring(patience: Option<Duration>, capacity: u64, random: &mut Random) -> u64 {
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = directory.path().join("ring");
    let options = Options::new().capacity(capacity).subscribers_max(6).first_position(FIRST);
    let options = options.reader_patience(patience).reopen(true);
    let ring = Ring::create_broadcast::<Value>(&path, &options).unwrap();
    assert_eq!(ring.shape().name(), "ticks");
    let patient = patience.is_none();
    let mut troupe = Troupe { path: &path, patient, members: Vec::new(), next_id: 0 };
    for member in 0..6 {
        let child = troupe.follow(member);
        troupe.members.push(child);
    }
    for _ in 0..KILLS_PER_RING {
        troupe.strike(random);
    }
    // All are there and read before the end comes.
    process::until("everybody to read", || {
        let stats = ring.broadcast_stats().unwrap();
        troupe.members.iter_mut().for_each(Child::assert_running);
        let reads = |one: &&ringbuf_shm::SubscriberStats| {
            one.delivery.is_some() && one.peer.presence == ringbuf_shm::Presence::Alive
        };
        stats.subscribers.iter().filter(reads).count() == 5 && stats.published > 0
    });
    troupe.members[0].kill();
    let mut last = Publisher::<Value>::attach(&ring).unwrap();
    let end = value(last.position(), END);
    last.push_timeout(end, HANG).map_err(|failed| failed.error).unwrap();
    for subscriber in &mut troupe.members[1..] {
        assert!(subscriber.wait().success(), "it found something wrong");
    }
    assert!(matches!(Publisher::<Value>::attach(&ring), Err(OpenError::InUse)));
    ring.broadcast_stats().unwrap().published
}

fn kill_anybody(patience: Option<Duration>) {
    let start = Instant::now();
    let most = knob("RINGBUF_KILLS", 240).div_ceil(TESTS);
    let mut random = Random::new(u64::from(patience.is_some()));
    let (mut kills, mut messages) = (0, 0);
    while kills < most {
        let capacity = [2, 8, 64, 1024][usize::try_from(kills / KILLS_PER_RING).unwrap() % 4];
        messages += strike_one_ring(patience, capacity, &mut random);
        kills += KILLS_PER_RING;
    }
    let took = start.elapsed();
    report(&format!(
        "killed of ticks, patience {patience:?}: {kills}, {messages} messages, {took:.1?}"
    ));
    assert!(messages > 10 * kills, "or nothing was tried");
}

#[test]
fn lossless_subscribers_that_live_get_every_tick_and_others_know_what_they_lost() {
    kill_anybody(None);
}

#[test]
fn those_who_are_evicted_know_exactly_which_ticks_they_lost() {
    kill_anybody(Some(PATIENCE));
}
