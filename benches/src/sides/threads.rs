//! Threads of this process. Of two, this one watches the clock, the other one runs until
//! the process ends; of many, this one only watches.

use super::{Job, Queue};
use crate::board::Board;
use crate::crowd;
use crate::message::FRAME_WORDS;
use crate::pin;
use crate::queue::{Receiver, Sender};
use crate::sample::Sample;
use crate::workload;
use std::convert::Infallible;
use std::io;
use std::process;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// Runs a stream or a round trip.
pub(crate) fn messages<Q>(job: &Job) -> io::Result<Option<Sample>>
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
pub(crate) fn frames<Q: Queue<FRAME_WORDS>>(job: &Job) -> io::Result<Option<Sample>> {
    run::<Q, FRAME_WORDS>(job)
}

fn run<Q: Queue<W>, const W: usize>(job: &Job) -> io::Result<Option<Sample>> {
    let workload = job.workload;
    let (mut peer_sends, mut watch_receives) = Q::open(workload);
    if !workload.returns() {
        beside(job, move || workload::send(&mut peer_sends, workload))?;
        return workload::receive(&mut watch_receives, workload, job.time).map(Some);
    }
    let (mut watch_sends, mut peer_receives) = Q::open(workload);
    beside(job, move || workload::echo(&mut peer_sends, &mut peer_receives))?;
    workload::ping(&mut watch_sends, &mut watch_receives, job.time).map(Some)
}

/// Starts the other thread on its processor, and goes to this one's own.
fn beside(
    job: &Job,
    run: impl FnOnce() -> io::Result<Infallible> + Send + 'static,
) -> io::Result<()> {
    let core = job.cores.peer;
    thread::spawn(move || {
        let Err(error) = pin::to(core).and_then(|()| run());
        end(&error);
    });
    pin::to(job.cores.watch)
}

/// Ends the process: one of its threads has failed.
fn end(error: &io::Error) -> ! {
    eprintln!("another thread failed: {error}");
    process::exit(1);
}

/// Runs many to many over an end that can do both.
pub(crate) fn crowd<E>(job: &Job, end_of_each: &E) -> io::Result<Option<Sample>>
where
    E: Sender<1> + Receiver<1> + Clone + Send + 'static,
{
    let crowd = job.workload.crowd().ok_or(io::ErrorKind::Unsupported)?;
    let board = Arc::new(Board::map(&Board::create(crowd)?, crowd)?);
    let start = |peer| {
        let (mut own, board) = (end_of_each.clone(), Arc::clone(&board));
        let core = job.cores.of_peer(peer, crowd);
        thread::spawn(move || {
            let attended = pin::to(core).and_then(|()| match peer < crowd.producers {
                true => crowd::produce(&board, peer, &mut own),
                false => crowd::consume(&board, peer, &mut own),
            });
            attended.unwrap_or_else(|error| end(&error));
        })
    };
    let peers: Vec<_> = (0..crowd.peers()).map(start).collect();
    let ended = || Ok(peers.iter().all(JoinHandle::is_finished));
    let sample = crowd::watch(&board, job.time, Board::received, ended)?;
    board.verify()?;
    Ok(Some(sample))
}
