//! One to each of several, every one a process of its own: the publisher is the first of
//! those who meet on the board. Of a round trip there are two, and no board: each
//! publishes to the other.

use super::processes::{Peer, gather};
use super::{Hub, Job, Part};
use crate::board::Board;
use crate::broadcast;
use crate::message::{FRAME_4K_WORDS, FRAME_WORDS};
use crate::pin;
use crate::sample::Sample;
use crate::workload;
use rustix::process::{Signal, set_parent_process_death_signal};
use std::convert::Infallible;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// Runs one to each, or one side of it, over a hub for messages of any size.
pub(crate) fn run<H>(job: &Job) -> io::Result<Option<Sample>>
where
    H: Hub<1> + Hub<8> + Hub<FRAME_WORDS> + Hub<FRAME_4K_WORDS>,
{
    match (job.workload.bytes() / 8, job.workload.returns(), job.part) {
        (1, true, Part::Peer(_)) => match echo::<H, 1>(job)? {},
        (1, true, _) => ping::<H, 1>(job).map(Some),
        (1, false, _) => spread::<H, 1>(job),
        (8, true, Part::Peer(_)) => match echo::<H, 8>(job)? {},
        (8, true, _) => ping::<H, 8>(job).map(Some),
        (8, false, _) => spread::<H, 8>(job),
        (FRAME_WORDS, ..) => spread::<H, FRAME_WORDS>(job),
        (FRAME_4K_WORDS, ..) => spread::<H, FRAME_4K_WORDS>(job),
        (words, ..) => unreachable!("no workload has messages of {words} words"),
    }
}

fn spread<H: Hub<W>, const W: usize>(job: &Job) -> io::Result<Option<Sample>> {
    let workload = job.workload;
    let attend = |board: &Board, peer, hub: OwnedFd| match peer {
        0 => broadcast::publish(board, &mut H::sender(hub, workload)?),
        _ => {
            let subscriber = &mut H::receiver(hub, workload)?;
            broadcast::subscribe(board, peer, workload.touched(), subscriber)
        }
    };
    let Some((sample, board)) = gather(job, H::open, attend, Board::received_by_each)? else {
        return Ok(None);
    };
    board.verify_each()?;
    Ok(Some(sample))
}

fn ping<H: Hub<W>, const W: usize>(job: &Job) -> io::Result<Sample> {
    let (there, _kept) = H::open(job)?;
    let (back, _kept_too) = H::open(job)?;
    // Pinned after the peer was started, which would inherit it.
    let peer = Peer::start(job, 0, there.try_clone()?.into(), back.try_clone()?.into())?;
    pin::to(job.cores.watch)?;
    let mut sender = H::sender(there, job.workload)?;
    let mut receiver = H::receiver(back, job.workload)?;
    let sample = workload::ping(&mut sender, &mut receiver, job.time);
    // Before the ends are closed, about which it would complain.
    drop(peer);
    sample
}

fn echo<H: Hub<W>, const W: usize>(job: &Job) -> io::Result<Infallible> {
    pin::to(job.cores.peer)?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let mut sender = H::sender(io::stdout().as_fd().try_clone_to_owned()?, job.workload)?;
    let there = io::stdin().as_fd().try_clone_to_owned()?;
    workload::echo(&mut sender, &mut H::receiver(there, job.workload)?)
}
