//! Everything that is measured. A new rival is a file here and a line in [`all`].

#[cfg(feature = "full")]
mod array_queue;
#[cfg(boost)]
mod boost_interprocess;
#[cfg(boost)]
mod boost_lockfree;
mod byte_stream;
#[cfg(feature = "full")]
mod channels;
#[cfg(feature = "full")]
mod heap_ring;
#[cfg(feature = "iceoryx2")]
mod iceoryx2;
mod limit;
mod pipe;
mod posix_mq;
mod ringbuf;
#[cfg(feature = "full")]
mod rtrb;
mod semaphores;
mod sysv_msg;
mod unix_socket;

use crate::sample::Sample;
use crate::sides::Job;
use crate::workload::Workload;
use std::hint;
use std::io;
use std::thread;

/// Turns of the spin loop after which one of two offers its processor to others: it
/// matters only where both share one.
const YIELD_EVERY: u32 = 1 << 12;
/// The same for one of many, who may be more than there are processors.
const SHARE_EVERY: u32 = 100;

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

/// Where the sides run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sides {
    Processes,
    Threads,
    /// There is only one.
    OneThread,
}

impl Sides {
    /// As it stands in the table, for so many peers.
    pub(crate) fn shown(self, peers: u32) -> String {
        match self {
            Self::Processes => format!("{peers} processes"),
            Self::Threads => format!("{peers} threads"),
            Self::OneThread => "1 thread".to_owned(),
        }
    }
}

/// Something to measure.
pub(crate) struct Rival {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) sides: Sides,
    /// How it is used, for the reader of the table.
    pub(crate) how: &'static str,
    /// Whether it can do this.
    pub(crate) can: fn(Workload) -> bool,
    /// Runs one side of one measurement; the side that watches the clock has a result.
    pub(crate) run: fn(&Job) -> io::Result<Option<Sample>>,
}

/// All of them, in the order of the report.
pub(crate) fn all() -> Vec<Rival> {
    let mut all = ringbuf::rivals();
    #[cfg(feature = "full")]
    all.extend([
        rtrb::rival(),
        array_queue::rival(),
        heap_ring::rival(),
        channels::crossbeam_channel::rival(),
        channels::kanal::rival(),
    ]);
    all.push(pipe::rival());
    all.push(unix_socket::rival());
    all.push(posix_mq::rival());
    all.push(sysv_msg::rival());
    all.push(semaphores::rival());
    #[cfg(boost)]
    all.extend([boost_lockfree::rival(), boost_interprocess::rival()]);
    #[cfg(feature = "iceoryx2")]
    all.push(iceoryx2::rival());
    all.extend(limit::rivals());
    all
}

/// Tries until there is a result, spinning: for one of two.
#[inline(always)]
pub(crate) fn spin<T>(attempt: impl FnMut() -> io::Result<Option<T>>) -> io::Result<T> {
    try_again::<YIELD_EVERY, T>(attempt)
}

/// Tries until there is a result, spinning a little: for one of many.
#[inline(always)]
pub(crate) fn share<T>(attempt: impl FnMut() -> io::Result<Option<T>>) -> io::Result<T> {
    try_again::<SHARE_EVERY, T>(attempt)
}

/// Tries until there is a result, as one of `many` or of two.
#[inline(always)]
pub(crate) fn poll<T>(many: bool, attempt: impl FnMut() -> io::Result<Option<T>>) -> io::Result<T> {
    if many { share(attempt) } else { spin(attempt) }
}

#[inline(always)]
fn try_again<const YIELD_EVERY: u32, T>(
    mut attempt: impl FnMut() -> io::Result<Option<T>>,
) -> io::Result<T> {
    let mut turns = 0u32;
    loop {
        if let Some(result) = attempt()? {
            return Ok(result);
        }
        turns = turns.wrapping_add(1);
        if turns.is_multiple_of(YIELD_EVERY) { thread::yield_now() } else { hint::spin_loop() }
    }
}

/// Makes a call of the system, whose result is below 0 if it fails; again if a signal
/// interrupts it.
pub(crate) fn again<N: Default + PartialOrd>(mut call: impl FnMut() -> N) -> io::Result<N> {
    loop {
        let result = call();
        if result >= N::default() {
            return Ok(result);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
