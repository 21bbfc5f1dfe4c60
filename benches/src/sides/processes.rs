//! Two processes: this one watches the clock and starts the other, which finds its
//! ends of the channels on its standard output and, for round trips, input.

use super::{Channel, Job};
use crate::message::FRAME_WORDS;
use crate::pin;
use crate::sample::Sample;
use crate::workload;
use rustix::process::{Signal, set_parent_process_death_signal};
use std::env;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};

/// Runs one side of a stream or a round trip.
pub(crate) fn messages<C>(job: &Job) -> io::Result<Sample>
where
    C: Channel<1> + Channel<8> + Channel<128>,
{
    match job.workload.bytes() {
        8 => run::<C, 1>(job),
        64 => run::<C, 8>(job),
        1024 => run::<C, 128>(job),
        bytes => unreachable!("no workload has messages of {bytes} bytes"),
    }
}

/// Runs one side of a stream of frames.
pub(crate) fn frames<C: Channel<FRAME_WORDS>>(job: &Job) -> io::Result<Sample> {
    run::<C, FRAME_WORDS>(job)
}

fn run<C: Channel<W>, const W: usize>(job: &Job) -> io::Result<Sample> {
    if job.peer { serve::<C, W>(job) } else { watch::<C, W>(job) }
}

fn watch<C: Channel<W>, const W: usize>(job: &Job) -> io::Result<Sample> {
    let workload = job.workload;
    let (peer_sends, watch_receives) = C::open(workload)?;
    let (watch_sends, peer_receives) = match workload.returns() {
        true => C::open(workload).map(|(sends, receives)| (Some(sends), Some(receives)))?,
        false => (None, None),
    };
    // Pinned after the peer was started, which would inherit it and might then never
    // get to run beside one that spins.
    let peer = Peer::start(job, peer_sends, peer_receives)?;
    pin::to(job.cores.watch)?;

    let mut sender = watch_sends.map(|end| C::sender(end, workload)).transpose()?;
    let mut receiver = C::receiver(watch_receives, workload)?;
    let sample = match &mut sender {
        Some(sender) => workload::ping(sender, &mut receiver, job.time),
        None => workload::receive(&mut receiver, workload, job.time),
    };
    // Before the ends are closed, about which it would complain.
    drop(peer);
    sample
}

fn serve<C: Channel<W>, const W: usize>(job: &Job) -> io::Result<Sample> {
    pin::to(job.cores.peer)?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let workload = job.workload;
    let mut sender = C::sender(io::stdout().as_fd().try_clone_to_owned()?, workload)?;
    let never = if workload.returns() {
        let input = io::stdin().as_fd().try_clone_to_owned()?;
        workload::echo(&mut sender, &mut C::receiver(input, workload)?)?
    } else {
        workload::send(&mut sender, workload)?
    };
    match never {}
}

/// The other process; killed and reaped when dropped.
struct Peer(Child);

impl Peer {
    fn start(job: &Job, sends: OwnedFd, receives: Option<OwnedFd>) -> io::Result<Self> {
        let child = Command::new(env::current_exe()?)
            .arg("--peer")
            .arg("--one")
            .arg(format!("{}/{}", job.workload, job.rival))
            .arg("--seconds")
            .arg(job.time.as_secs_f64().to_string())
            .stdin(receives.map_or_else(Stdio::null, Stdio::from))
            .stdout(sends)
            .spawn()?;
        Ok(Self(child))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Both fail only if it ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
