//! Everything that is measured. A new rival is a file here and a line in [`all`].

mod array_queue;
mod byte_stream;
mod limit;
mod pipe;
mod ringbuf;
mod rtrb;
mod unix_socket;

use crate::sample::Sample;
use crate::sides::Job;
use crate::workload::Workload;
use std::hint;
use std::io;
use std::thread;

/// Turns of the spin loop after which the processor is offered to others: it
/// matters only where both sides share one.
const YIELD_EVERY: u32 = 1 << 12;

/// Where a rival stands in the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// This project.
    Ours,
    /// Somebody else's.
    Rival,
    /// What the machine allows, with nothing around it.
    Limit,
}

/// Something to measure.
pub(crate) struct Rival {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Where its two sides run.
    pub(crate) sides: &'static str,
    /// How it is used, for the reader of the table.
    pub(crate) how: &'static str,
    /// Whether it can do this.
    pub(crate) can: fn(Workload) -> bool,
    /// Runs one side of one measurement.
    pub(crate) run: fn(&Job) -> io::Result<Sample>,
}

pub(crate) const PROCESSES: &str = "2 processes";
pub(crate) const THREADS: &str = "2 threads";

/// All of them, in the order of the report.
pub(crate) fn all() -> Vec<Rival> {
    let mut all = ringbuf::rivals();
    all.push(rtrb::rival());
    all.push(array_queue::rival());
    all.push(pipe::rival());
    all.push(unix_socket::rival());
    all.extend(limit::rivals());
    all
}

/// Tries until there is a result, spinning.
#[inline(always)]
pub(crate) fn spin<T>(mut attempt: impl FnMut() -> io::Result<Option<T>>) -> io::Result<T> {
    let mut turns = 0u32;
    loop {
        if let Some(result) = attempt()? {
            return Ok(result);
        }
        turns = turns.wrapping_add(1);
        if turns.is_multiple_of(YIELD_EVERY) { thread::yield_now() } else { hint::spin_loop() }
    }
}
