//! Two threads of this process: this one watches the clock, the other one runs
//! until the process ends.

use super::{Job, Queue};
use crate::message::FRAME_WORDS;
use crate::pin;
use crate::sample::Sample;
use crate::workload;
use std::convert::Infallible;
use std::io;
use std::process;
use std::thread;

/// Runs a stream or a round trip.
pub(crate) fn messages<Q>(job: &Job) -> io::Result<Sample>
where
    Q: Queue<1> + Queue<8> + Queue<128>,
{
    match job.workload.bytes() {
        8 => run::<Q, 1>(job),
        64 => run::<Q, 8>(job),
        1024 => run::<Q, 128>(job),
        bytes => unreachable!("no workload has messages of {bytes} bytes"),
    }
}

/// Runs a stream of frames.
pub(crate) fn frames<Q: Queue<FRAME_WORDS>>(job: &Job) -> io::Result<Sample> {
    run::<Q, FRAME_WORDS>(job)
}

fn run<Q: Queue<W>, const W: usize>(job: &Job) -> io::Result<Sample> {
    let workload = job.workload;
    let (mut peer_sends, mut watch_receives) = Q::open(workload);
    if !workload.returns() {
        beside(job, move || workload::send(&mut peer_sends, workload))?;
        return workload::receive(&mut watch_receives, workload, job.time);
    }
    let (mut watch_sends, mut peer_receives) = Q::open(workload);
    beside(job, move || workload::echo(&mut peer_sends, &mut peer_receives))?;
    workload::ping(&mut watch_sends, &mut watch_receives, job.time)
}

/// Starts the other thread on its processor, and goes to this one's own.
fn beside(
    job: &Job,
    run: impl FnOnce() -> io::Result<Infallible> + Send + 'static,
) -> io::Result<()> {
    let core = job.cores.peer;
    thread::spawn(move || {
        let Err(error) = pin::to(core).and_then(|()| run());
        eprintln!("the other thread failed: {error}");
        process::exit(1);
    });
    pin::to(job.cores.watch)
}
