//! Processes that use a ring while the test damages its words, and what their calls return.

use super::ends::Kind;
use super::notes::{Note, Notes};
use super::random::Random;
use super::{Child, HANG, enter, number, report, variable};
use ringbuf_shm::{ClaimError, OpenError, ReadError, Ring};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The longest wait of a call of the victims.
const CALL: Duration = Duration::from_millis(2);

/// What calls return. The numbers are places in the notes of a process.
const OUTCOMES: [&str; 10] = [
    "done",
    "not now",
    "timed out",
    "closed",
    "peer died",
    "corrupt",
    "not opened",
    "busy",
    "evicted",
    "all held",
];
const DONE: usize = 0;
const CORRUPT: usize = 5;
const NOT_OPENED: usize = 6;
/// In rings of many only.
pub(crate) const BUSY: usize = 7;
/// In broadcast rings only.
const EVICTED: usize = 8;
const ALL_HELD: usize = 9;

pub(crate) fn of_claim<T>(result: Result<T, ClaimError>) -> usize {
    match result {
        Ok(_) => DONE,
        Err(ClaimError::Full) => 1,
        Err(ClaimError::TimedOut) => 2,
        Err(ClaimError::Closed) => 3,
        Err(ClaimError::PeerDied) => 4,
        Err(ClaimError::Corrupt) => CORRUPT,
        Err(ClaimError::Busy) => BUSY,
        Err(error) => panic!("{error}"),
    }
}

pub(crate) fn of_read<T>(result: Result<T, ReadError>) -> usize {
    match result {
        Ok(_) => DONE,
        Err(ReadError::Empty) => 1,
        Err(ReadError::TimedOut) => 2,
        Err(ReadError::Closed) => 3,
        Err(ReadError::PeerDied) => 4,
        Err(ReadError::Corrupt) => CORRUPT,
        Err(ReadError::Busy) => BUSY,
        Err(ReadError::Evicted) => EVICTED,
        Err(ReadError::AllHeld) => ALL_HELD,
        Err(error) => panic!("{error}"),
    }
}

pub(crate) fn of_arrival(result: Result<bool, OpenError>) -> usize {
    match result {
        Ok(true) => DONE,
        Ok(false) => 2,
        Err(OpenError::Corrupt) => CORRUPT,
        Err(error) => panic!("{error}"),
    }
}

/// How long a call waits.
pub(crate) fn time(choice: u64) -> Duration {
    if choice.is_multiple_of(64) { CALL } else { Duration::ZERO }
}

/// A victim: calls one side of the ring until told to finish, so often with each handle.
pub(crate) fn suffer<T>(
    calls_per_handle: u64,
    attach: impl Fn(Kind, &Ring) -> Result<T, OpenError>,
    mut call: impl FnMut(&mut T, u64) -> usize,
) {
    enter();
    let kind = Kind::from_number(number("RINGBUF_TEST_KIND"));
    let ring = Ring::open(PathBuf::from(variable("RINGBUF_TEST_RING"))).unwrap();
    let notes = Notes::open(&PathBuf::from(variable("RINGBUF_TEST_NOTES")));
    let mut random = Random::new(number("RINGBUF_TEST_SEED"));
    while notes.get(Note::Finish) == 0 {
        let start = Instant::now();
        let attached = attach(kind, &ring);
        assert!(start.elapsed() < HANG, "coming took {:?}", start.elapsed());
        let mut end = match attached {
            Ok(end) => end,
            Err(
                OpenError::InUse
                | OpenError::Closed
                | OpenError::TooManyPeers(_)
                | OpenError::Corrupt,
            ) => {
                notes.count_call(NOT_OPENED);
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        for _ in 0..calls_per_handle {
            let start = Instant::now();
            notes.count_call(call(&mut end, random.next()));
            assert!(start.elapsed() < HANG, "a call took {:?}", start.elapsed());
        }
    }
}

/// The victims of one ring.
#[derive(Debug)]
pub(crate) struct Victims(Vec<(&'static str, Child, Notes)>);

impl Victims {
    /// Runs these ignored tests, which call [`suffer`], on the ring `ring` in `directory`.
    pub(crate) fn start(directory: &Path, kind: Kind, entries: &[&'static str]) -> Self {
        let victim = |(&entry, seed): (&&'static str, u64)| {
            let path = directory.join(seed.to_string());
            let notes = Notes::create(&path);
            let variables = [
                ("RINGBUF_TEST_RING", directory.join("ring").display().to_string()),
                ("RINGBUF_TEST_NOTES", path.display().to_string()),
                ("RINGBUF_TEST_KIND", kind.number().to_string()),
                ("RINGBUF_TEST_SEED", seed.to_string()),
            ];
            (entry, Child::spawn(entry, &variables), notes)
        };
        Self(entries.iter().zip(1..).map(victim).collect())
    }

    /// Whether each had calls that were done, and such that found damage.
    fn have_seen_both(&self) -> bool {
        let both = |notes: &Notes| notes.calls(DONE) > 0 && notes.calls(CORRUPT) > 0;
        self.0.iter().all(|(_, _, notes)| both(notes))
    }

    /// Strikes for so long, and until there was something to see; then all must end by
    /// themselves. `outcomes` is told how often calls returned what.
    pub(crate) fn damage(
        mut self,
        what: &str,
        time: Duration,
        mut strike: impl FnMut(),
        outcomes: impl Fn(&[u64]),
    ) {
        let start = Instant::now();
        let mut random = Random::new(3);
        while start.elapsed() < time || !self.have_seen_both() {
            assert!(start.elapsed() < time + HANG, "the damage is too great to test anything");
            // At full speed, or so slowly that the victims get somewhere in between.
            let slowly = random.below(2) == 0;
            for _ in 0..1000 {
                strike();
                if slowly {
                    std::thread::sleep(Duration::from_micros(1));
                }
            }
        }
        for (entry, child, notes) in &mut self.0 {
            notes.set(Note::Finish, 1);
            // Damaged as it is, the ring lets them end.
            let status = child.wait();
            assert!(status.success(), "the {entry} failed: {status}");
            let calls: Vec<_> = (0..OUTCOMES.len()).map(|outcome| notes.calls(outcome)).collect();
            let said: Vec<_> =
                calls.iter().zip(OUTCOMES).map(|(count, name)| format!("{count} {name}")).collect();
            report(&format!("hostile {what} {entry}: {}", said.join(", ")));
            outcomes(&calls);
        }
    }
}
