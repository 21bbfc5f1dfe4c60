//! Processes: one watches the clock and starts the others. Of two, the other one finds
//! its ends of the channels on its standard output and, for round trips, input; of many,
//! each finds the hub on its standard input, and on its standard output the board.

use super::{Channel, Hub, Job, Part};
use crate::board::Board;
use crate::crowd;
use crate::message::FRAME_WORDS;
use crate::pin;
use crate::sample::Sample;
use crate::workload;
use rustix::process::{Signal, set_parent_process_death_signal};
use std::convert::Infallible;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Stdio};

/// Runs one side of a stream or a round trip.
pub(crate) fn messages<C>(job: &Job) -> io::Result<Option<Sample>>
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
pub(crate) fn frames<C: Channel<FRAME_WORDS>>(job: &Job) -> io::Result<Option<Sample>> {
    run::<C, FRAME_WORDS>(job)
}

fn run<C: Channel<W>, const W: usize>(job: &Job) -> io::Result<Option<Sample>> {
    if let Part::Peer(_) = job.part {
        match serve::<C, W>(job)? {}
    }
    watch::<C, W>(job).map(Some)
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
    let receives = peer_receives.map_or_else(Stdio::null, Stdio::from);
    let peer = Peer::start(job, 0, receives, peer_sends.into())?;
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

fn serve<C: Channel<W>, const W: usize>(job: &Job) -> io::Result<Infallible> {
    pin::to(job.cores.peer)?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let workload = job.workload;
    let mut sender = C::sender(io::stdout().as_fd().try_clone_to_owned()?, workload)?;
    if workload.returns() {
        let input = io::stdin().as_fd().try_clone_to_owned()?;
        return workload::echo(&mut sender, &mut C::receiver(input, workload)?);
    }
    workload::send(&mut sender, workload)
}

/// Runs many to many over a hub, or one of them.
pub(crate) fn crowd<H: Hub>(job: &Job) -> io::Result<Option<Sample>> {
    let attend = |board: &Board, peer, hub| match peer < board.crowd().producers {
        true => crowd::produce(board, peer, &mut H::sender(hub, job.workload)?),
        false => crowd::consume(board, peer, &mut H::receiver(hub, job.workload)?),
    };
    let Some((sample, board)) = gather(job, H::open, attend, Board::received)? else {
        return Ok(None);
    };
    board.verify()?;
    Ok(Some(sample))
}

/// Starts many that each `attend` what was opened, and measures how fast they get
/// something `done`; or is one of them, and has nothing to say.
pub(crate) fn gather<K>(
    job: &Job,
    open: impl FnOnce(&Job) -> io::Result<(OwnedFd, K)>,
    attend: impl FnOnce(&Board, u32, OwnedFd) -> io::Result<()>,
    done: fn(&Board) -> u64,
) -> io::Result<Option<(Sample, Board)>> {
    let crowd = job.workload.crowd().ok_or(io::ErrorKind::Unsupported)?;
    if let Part::Peer(peer) = job.part {
        pin::to(job.cores.of_peer(peer, crowd))?;
        set_parent_process_death_signal(Some(Signal::KILL))?;
        let board = Board::map(&io::stdout().as_fd().try_clone_to_owned()?, crowd)?;
        attend(&board, peer, io::stdin().as_fd().try_clone_to_owned()?)?;
        return Ok(None);
    }
    let paper = Board::create(crowd)?;
    let board = Board::map(&paper, crowd)?;
    let (hub, _kept) = open(job)?;
    let start = |peer| Peer::start(job, peer, hub.try_clone()?.into(), paper.try_clone()?.into());
    // Dropped, hence ended, before what is kept for them.
    let mut peers = (0..crowd.peers()).map(start).collect::<io::Result<Vec<_>>>()?;
    let ended = || peers.iter_mut().try_fold(true, |all, peer| Ok(peer.ended()? && all));
    let sample = crowd::watch(&board, job.time, done, ended)?;
    Ok(Some((sample, board)))
}

/// Another process; killed and reaped when dropped.
pub(super) struct Peer(Child);

impl Peer {
    /// Starts it, with these as its standard input and output.
    pub(super) fn start(job: &Job, number: u32, stdin: Stdio, stdout: Stdio) -> io::Result<Self> {
        let mut command = job.command()?;
        command.arg("--peer").arg(number.to_string());
        Ok(Self(command.stdin(stdin).stdout(stdout).spawn()?))
    }

    /// Whether it has ended; fails if it did so in any but the right way.
    fn ended(&mut self) -> io::Result<bool> {
        match self.0.try_wait()? {
            None => Ok(false),
            Some(status) if status.success() => Ok(true),
            Some(_) => Err(io::Error::other("another process failed")),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Both fail only if it ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
