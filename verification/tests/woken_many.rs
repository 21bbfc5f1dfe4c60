//! Goal: in rings of many, too, a sleeper is always woken, never left to the end of its
//! slice, whether it waits for a message or for room, alone or with others, and whoever
//! pays for the fence (P4).
//! Method: processes that never spin send messages to and fro, so that all sleep all the
//! time; then some flood a small ring that others empty. A message that is read long after
//! it was committed, or a call that takes as long, was slept through. A busy machine is
//! late now and then; more than one in a thousand is not the machine.
//! `RINGBUF_ROUND_TRIPS` is how many there are of each kind (100,000), half of them with
//! full fences; of messages there are more where nobody slept for so many.

mod process;

use process::notes::{Note, Notes};
use process::{Child, HANG, enter, knob, number, report, variable};
use ringbuf_shm::mpmc::bytes::{Consumer, Producer};
use ringbuf_shm::{Fence, Options, ReadError, Ring, SLICE};
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Round trips, or messages, of each test.
const TRIPS: u64 = 100_000;
/// Full ones, and by default those that the kernel offers.
const FENCES: [Option<Fence>; 2] = [Some(Fence::Full), None];
/// A sleeper that is not woken goes on about a slice later.
const LATE: Duration = SLICE.saturating_sub(Duration::from_millis(10));

fn monotonic() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(now.tv_sec.cast_unsigned(), u32::try_from(now.tv_nsec).unwrap())
}

/// Reads the next message, and says whether it had waited long.
fn read(consumer: &mut Consumer) -> Result<u64, ReadError> {
    let view = consumer.read_timeout(HANG)?;
    let age = monotonic().saturating_sub(Duration::from_nanos(view.time()));
    Ok(u64::from(age > LATE))
}

/// Writes a message, and says whether that took long.
fn write(producer: &mut Producer) -> u64 {
    let start = Instant::now();
    producer.claim_timeout(HANG).unwrap().commit(0).unwrap();
    u64::from(start.elapsed() > LATE)
}

/// Counts what was late, and gives up when that is too much to be the machine's doing.
#[derive(Default)]
struct Late(AtomicU64);

impl Late {
    fn add(&self, slept_through: u64) -> u64 {
        let all = self.0.fetch_add(slept_through, Relaxed) + slept_through;
        assert!(all <= late_max(), "{all} were slept through");
        all
    }
}

fn late_max() -> u64 {
    knob("RINGBUF_ROUND_TRIPS", TRIPS) / 1000 + 1
}

/// A test of sleeping in which nobody sleeps shows nothing.
fn sleeps_min() -> u64 {
    knob("RINGBUF_ROUND_TRIPS", TRIPS) / 2000
}

/// Of all peers of a ring.
fn sleeps_and_wakes(ring: &Ring) -> (u64, u64) {
    let stats = ring.mpmc_stats().unwrap();
    let peers = || stats.producers.iter().chain(&stats.consumers);
    (peers().map(|peer| peer.sleeps).sum(), peers().map(|peer| peer.wakes).sum())
}

fn producer_on(ring: &Ring) -> Producer {
    let mut producer = Producer::attach(ring).unwrap();
    producer.set_spin(Duration::ZERO);
    producer
}

fn consumer_on(ring: &Ring) -> Consumer {
    let mut consumer = Consumer::attach(ring).unwrap();
    consumer.set_spin(Duration::ZERO);
    consumer
}

fn ring_of(variable_name: &str) -> Ring {
    Ring::open(PathBuf::from(variable(variable_name))).unwrap()
}

fn notes() -> Notes {
    Notes::open(&PathBuf::from(variable("RINGBUF_TEST_NOTES")))
}

/// A process that sends everything back.
#[test]
#[ignore = "a process of the other tests"]
fn echo() {
    enter();
    let (mut there, mut back) =
        (consumer_on(&ring_of("RINGBUF_TEST_THERE")), producer_on(&ring_of("RINGBUF_TEST_BACK")));
    let notes = notes();
    notes.set(Note::Phase, 1);
    let late = Late::default();
    loop {
        match read(&mut there) {
            Ok(slept_through) => {
                notes.set(Note::Late, late.add(slept_through + write(&mut back)));
            }
            Err(ReadError::Closed) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

/// A process that writes as much as it can.
#[test]
#[ignore = "a process of the other tests"]
fn flood() {
    enter();
    let (mut producer, notes) = (producer_on(&ring_of("RINGBUF_TEST_THERE")), notes());
    notes.set(Note::Phase, 1);
    let (late, count) = (Late::default(), number("RINGBUF_TEST_COUNT"));
    let enough = |ring: &Ring| sleeps_and_wakes(ring).0 > sleeps_min();
    // As long as it takes: who is awake is for the machine to say.
    for written in 1_u64.. {
        notes.set(Note::Late, late.add(write(&mut producer)));
        if written >= count && written.is_multiple_of(64) && enough(producer.ring()) {
            return;
        }
    }
}

/// Two rings, and processes on them.
struct Stage {
    there: Ring,
    back: Ring,
    fence: Fence,
    others: Vec<(Child, Notes)>,
    _directory: tempfile::TempDir,
}

impl Stage {
    fn new(entry: &str, peers: u64, count: u64, fence: Option<Fence>) -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let path = |name: &str| directory.path().join(name);
        let options = Options::new().capacity(64).slot_size(1);
        let options = fence.into_iter().fold(options, Options::fence);
        let [there, back] =
            ["there", "back"].map(|name| Ring::create_mpmc_bytes(path(name), &options).unwrap());
        let text = |name: &str| path(name).display().to_string();
        let others: Vec<_> = (0..peers)
            .map(|number| {
                let notes = Notes::create(&path(&number.to_string()));
                let variables = [
                    ("RINGBUF_TEST_THERE", text("there")),
                    ("RINGBUF_TEST_BACK", text("back")),
                    ("RINGBUF_TEST_NOTES", text(&number.to_string())),
                    ("RINGBUF_TEST_COUNT", count.to_string()),
                ];
                (Child::spawn(entry, &variables), notes)
            })
            .collect();
        for (_, notes) in &others {
            process::until("a process to come", || notes.get(Note::Phase) == 1);
        }
        let fence = there.fence();
        Self { there, back, fence, others, _directory: directory }
    }

    /// Waits until all have ended, and reports.
    fn finish(mut self, what: &str, trips: u64, mut late: u64, start: Instant) {
        for (child, notes) in &mut self.others {
            let status = child.wait();
            assert!(status.success(), "{status}");
            late += notes.get(Note::Late);
        }
        let [there, back] = [&self.there, &self.back].map(sleeps_and_wakes);
        let (sleeps, wakes) = (there.0 + back.0, there.1 + back.1);
        report(&format!(
            "woken of many, {:?}: {trips} {what} with {} a side, {sleeps} sleeps, {wakes} \
             wakes, {late} late, {:.1?}",
            self.fence,
            self.others.len(),
            start.elapsed()
        ));
        assert!(late <= late_max(), "{late} of {trips} were slept through");
        assert!(sleeps > sleeps_min(), "{sleeps} sleeps");
    }
}

fn to_and_fro(peers: u64, fence: Option<Fence>) {
    let trips = knob("RINGBUF_ROUND_TRIPS", TRIPS) / 2;
    let stage = Stage::new("echo", peers, 0, fence);
    let (start, late) = (Instant::now(), Late::default());
    std::thread::scope(|threads| {
        for _ in 0..peers {
            let (mut there, mut back) = (producer_on(&stage.there), consumer_on(&stage.back));
            let late = &late;
            threads.spawn(move || {
                for _ in 0..trips / peers {
                    let slept_through = write(&mut there) + read(&mut back).unwrap();
                    late.add(slept_through);
                }
            });
        }
    });
    stage.finish("round trips", trips, late.0.into_inner(), start);
}

fn out_of_a_full_ring(peers: u64, fence: Option<Fence>) {
    let trips = knob("RINGBUF_ROUND_TRIPS", TRIPS) / 2;
    let stage = Stage::new("flood", peers, trips / peers, fence);
    let consumers: Vec<_> = (0..peers).map(|_| consumer_on(&stage.there)).collect();
    process::until("every producer to sleep for room", || {
        let stats = stage.there.mpmc_stats().unwrap();
        stats.producers.iter().filter(|peer| peer.sleeps > 0).count() as u64 == peers
    });
    let (start, late) = (Instant::now(), Late::default());
    let messages = std::thread::scope(|threads| {
        let read_all = |mut consumer: Consumer| {
            let late = &late;
            // A message may be old by now: what counts is how long the call takes.
            threads.spawn(move || {
                let mut read: u64 = 0;
                loop {
                    let start = Instant::now();
                    match consumer.read_timeout(HANG) {
                        Ok(_) => {
                            late.add(u64::from(start.elapsed() > LATE));
                            read += 1;
                        }
                        Err(ReadError::Closed) => return read,
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        };
        let readers: Vec<_> = consumers.into_iter().map(read_all).collect();
        readers.into_iter().map(|reader| reader.join().unwrap()).sum()
    });
    stage.finish("messages", messages, late.0.into_inner(), start);
}

#[test]
fn one_sleeper_a_side_is_woken() {
    FENCES.into_iter().for_each(|fence| to_and_fro(1, fence));
}

#[test]
fn four_sleepers_a_side_are_woken() {
    FENCES.into_iter().for_each(|fence| to_and_fro(4, fence));
}

#[test]
fn one_sleeper_is_woken_when_there_is_room() {
    FENCES.into_iter().for_each(|fence| out_of_a_full_ring(1, fence));
}

#[test]
fn four_sleepers_are_woken_when_there_is_room() {
    FENCES.into_iter().for_each(|fence| out_of_a_full_ring(4, fence));
}
