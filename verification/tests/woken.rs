//! Goal: a sleeper is always woken, never left to the end of its slice (P4).
//! Method: two processes that never spin send a message to and fro, so that both
//! sleep all the time. A message that is read long after it was committed was slept
//! through. A busy machine is late now and then; more than one message in a thousand
//! is not the machine. `RINGBUF_ROUND_TRIPS` is how many there are in all (50,000).

mod process;

use process::notes::{Note, Notes};
use process::{Child, HANG, enter, knob, report, variable};
use ringbuf_shm::{Fence, Options, ReadError, Ring, SLICE, spsc};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A sleeper that is not woken reads about a slice after the commit.
const LATE: Duration = SLICE.saturating_sub(Duration::from_millis(10));

fn monotonic() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(now.tv_sec.cast_unsigned(), u32::try_from(now.tv_nsec).unwrap())
}

/// Reads the next message: its tag, and whether it had waited long.
fn read(consumer: &mut spsc::bytes::Consumer) -> Result<(u64, bool), ReadError> {
    let view = consumer.read_timeout(HANG)?;
    let age = monotonic().saturating_sub(Duration::from_nanos(view.time()));
    Ok((view.tag(), age > LATE))
}

fn write(producer: &mut spsc::bytes::Producer, tag: u64) {
    let mut claim = producer.claim_timeout(HANG).unwrap();
    claim.set_tag(tag);
    claim.commit(0).unwrap();
}

/// The process that sends everything back.
#[test]
#[ignore = "a process of the other tests"]
fn echo() {
    enter();
    let open = |name: &str| Ring::open(PathBuf::from(variable(name))).unwrap();
    let mut there = spsc::bytes::Consumer::attach(&open("RINGBUF_TEST_THERE")).unwrap();
    let mut back = spsc::bytes::Producer::attach(&open("RINGBUF_TEST_BACK")).unwrap();
    let notes = Notes::open(&PathBuf::from(variable("RINGBUF_TEST_NOTES")));
    there.set_spin(Duration::ZERO);
    back.set_spin(Duration::ZERO);
    let mut late = 0;
    loop {
        match read(&mut there) {
            Ok((tag, slept_through)) => {
                late += u64::from(slept_through);
                notes.set(Note::Late, late);
                write(&mut back, tag);
            }
            Err(ReadError::Closed) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_sleeper_is_woken_and_not_left_to_its_slice() {
    goes_to_and_fro(Fence::Full);
}

#[test]
fn a_sleeper_is_woken_by_one_without_a_fence() {
    goes_to_and_fro(Fence::Asymmetric);
}

fn goes_to_and_fro(fence: Fence) {
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = |name: &str| directory.path().join(name);
    let options = Options::new().capacity(1).slot_size(1).fence(fence);
    let offered = Ring::create_mpmc::<u64>(path("offered"), &Options::new()).unwrap().fence();
    if fence == Fence::Asymmetric && offered != fence {
        return report("SKIPPED: this kernel offers no membarrier");
    }
    let mut there = spsc::bytes::Producer::create(path("there"), &options).unwrap();
    let mut back = spsc::bytes::Consumer::create(path("back"), &options).unwrap();
    let notes = Notes::create(&path("notes"));
    there.set_spin(Duration::ZERO);
    back.set_spin(Duration::ZERO);
    let text = |name: &str| path(name).display().to_string();
    let mut child = Child::spawn(
        "echo",
        &[
            ("RINGBUF_TEST_THERE", text("there")),
            ("RINGBUF_TEST_BACK", text("back")),
            ("RINGBUF_TEST_NOTES", text("notes")),
        ],
    );
    assert!(there.wait_for_peer(Some(HANG)).unwrap());
    let start = Instant::now();
    let (trips, mut late) = (knob("RINGBUF_ROUND_TRIPS", 50_000) / 2, 0);
    for trip in 0..trips {
        write(&mut there, trip);
        let (tag, slept_through) = read(&mut back).unwrap();
        assert_eq!(tag, trip);
        late += u64::from(slept_through);
        let all = late + notes.get(Note::Late);
        assert!(all <= trips / 1000 + 1, "{all} of {trip} messages were slept through");
    }
    let [there, back] = [there.ring(), back.ring()].map(|ring| ring.stats().unwrap());
    assert_eq!(there.consumer.unfenced + back.consumer.unfenced, 0, "the barrier is refused");
    report(&format!(
        "woken, {fence:?}: {trips} round trips, {} and {} sleeps, {} and {} wakes, {} late, {:.1?}",
        there.consumer.sleeps,
        back.consumer.sleeps,
        there.producer.wakes,
        back.producer.wakes,
        late + notes.get(Note::Late),
        start.elapsed()
    ));
    // A test of sleeping in which nobody sleeps shows nothing.
    assert!(there.consumer.sleeps + back.consumer.sleeps > trips / 2);
    child.assert_running();
}
