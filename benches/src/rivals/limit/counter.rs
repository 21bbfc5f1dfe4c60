//! One number that all add one to: what many pay at least who meet on one cache line
//! with every message, once where it is sent and once where it is received.

use crate::board::Board;
use crate::sample::Sample;
use crate::shared::Shared;
use crate::sides::{Job, processes};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering::Relaxed;

pub(super) fn run(job: &Job) -> io::Result<Option<Sample>> {
    let open = |_: &Job| Ok((Shared::create(size_of::<u64>())?, ()));
    // Two additions are one message.
    let measured = processes::gather(job, open, add, |board| board.moved() / 2)?;
    Ok(measured.map(|(sample, _)| sample))
}

fn add(board: &Board, peer: u32, hub: OwnedFd) -> io::Result<()> {
    let shared = Shared::map(&hub)?;
    let mut count = 0;
    board.arrive();
    while !board.stopped() {
        // Relaxed: nothing is passed on.
        shared.number(0).fetch_add(1, Relaxed);
        count += 1;
        board.count(peer, count);
    }
    Ok(())
}
