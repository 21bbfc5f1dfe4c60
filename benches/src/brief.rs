//! A short comparison with the mechanisms that programs had before: what `ringbuf bench`
//! prints.
//!
//! The same measurements as in the long one, fewer and shorter: enough to see how many times
//! one is faster than another, not by how many percent.

use crate::machine;
use crate::once::Entry;
use crate::pin::Cores;
use crate::run::{self, Case, Outcome, Plan};
use crate::sample::Sample;
use crate::spread::Spread;
use crate::workload::{CAPACITY, Waiting, Workload};
use std::io;
use std::time::Duration;

const BYTES: usize = 64;

/// Mechanisms, as people call them; and as the measurements do, the first that can.
const MECHANISMS: [(&str, &[&str]); 6] = [
    ("ringbuf", &["ringbuf-futex", "ringbuf-spin"]),
    ("pipe", &["pipe"]),
    ("unix socket", &["unix-socket"]),
    ("POSIX message queue", &["posix-mq"]),
    ("shared memory and semaphores", &["semaphores"]),
    ("(limit of this machine)", &["limit-parts", "limit-two-lines", "limit-futex"]),
];

/// What is measured of each.
const WORKLOADS: [Workload; 4] = [
    Workload::Stream { bytes: BYTES, batch: 1, capacity: CAPACITY },
    Workload::RoundTrip { bytes: BYTES, waiting: Waiting::Spin },
    Workload::RoundTrip { bytes: BYTES, waiting: Waiting::Sleep },
    Workload::Frames { touched: true },
];

/// One mechanism; `None` where it cannot do what is measured, or failed.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// As people call it.
    pub mechanism: &'static str,
    /// Messages of 64 bytes a second, one at a time.
    pub messages: Option<f64>,
    /// Nanoseconds for 64 bytes there and back while both sides spin: the median.
    pub spinning: Option<f64>,
    /// The same while both sides sleep and are woken: the median.
    pub sleeping: Option<f64>,
    /// Of those, 99 in 100 took no longer than this.
    pub sleeping_p99: Option<f64>,
    /// Frames of 1920x1080 pixels a second, each written and read whole.
    pub frames: Option<f64>,
    /// What went wrong, if anything did.
    pub failures: Vec<String>,
}

/// Measures every mechanism, each measurement in a process that this program is started for,
/// with `entry`. Tells `progress` of how many measurements so many are done.
///
/// # Errors
/// A process could not be started. That a measurement failed stands in its row.
pub fn measure(
    time: Duration,
    repetitions: usize,
    entry: Entry,
    progress: impl FnMut(usize, usize),
) -> io::Result<Vec<Row>> {
    let cases = run::cases();
    let able = |workload: Workload, names: &[&str]| -> Option<Case> {
        let of = |name: &&str| {
            let is = |case: &&Case| case.workload == workload && case.rival.name == *name;
            cases.iter().find(is).cloned()
        };
        names.iter().find_map(of)
    };
    let found = MECHANISMS.map(|(_, names)| WORKLOADS.map(|workload| able(workload, names)));
    let cases = found.iter().flatten().flatten().cloned().collect();
    let plan = Plan { time, repetitions, cases, entry };
    let mut outcomes = run::measure(&plan, progress)?.into_iter();
    let rows = MECHANISMS.iter().zip(&found).map(|((mechanism, _), cases)| {
        let mut row = Row { mechanism, ..Row::default() };
        for outcome in outcomes.by_ref().take(cases.iter().flatten().count()) {
            row.note(&outcome);
        }
        row
    });
    Ok(rows.collect())
}

/// What the numbers are measured on, in lines.
///
/// # Errors
/// The system does not say which processors may be used.
pub fn machine() -> io::Result<String> {
    let mut said = machine::system();
    if Cores::choose()?.shared() {
        said += "\nThere is one processor for both sides: these numbers say nothing about two.";
    }
    Ok(said)
}

impl Row {
    fn note(&mut self, outcome: &Outcome) {
        if let Some(failure) = &outcome.failure {
            self.failures.push(format!("{}: {failure}", outcome.case.name()));
            return;
        }
        let median =
            |of: fn(&Sample) -> f64| Some(Spread::of(outcome.samples.iter().map(of)).median());
        match outcome.case.workload {
            Workload::Stream { .. } => self.messages = median(Sample::rate),
            Workload::Frames { .. } => self.frames = median(Sample::rate),
            workload if workload.waiting() == Some(Waiting::Spin) => {
                self.spinning = median(Sample::p50);
            }
            _ => {
                self.sleeping = median(Sample::p50);
                self.sleeping_p99 = median(Sample::p99);
            }
        }
    }
}
