//! The writing process of the demo: a camera without a lens.

use super::{DROWSY, PACE, PACED, awake, pattern};
use crate::failure::Failure;
use clap::Args;
use ringbuf_shm::spsc::bytes;
use ringbuf_shm::{ClaimError, Ring};
use rustix::process::{Signal, set_parent_process_death_signal};
use std::time::{Duration, Instant};

/// Writes the frames of `ringbuf demo`; the ring is its standard input.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[arg(long)]
    seconds: u32,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    // A parent that died before this is noticed by the ring: its consumer is dead.
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(Failure::io("follow the parent process"))?;
    let ring = Ring::from_fd(std::io::stdin()).map_err(Failure::opening("standard input"))?;
    let camera = bytes::Producer::attach(&ring).map_err(Failure::opening("standard input"))?;
    match film(camera, Duration::from_secs(arguments.seconds.into())) {
        // Nobody looks any more; that is for the parent to say.
        Ok(()) | Err(ClaimError::Closed | ClaimError::PeerDied) => Ok(()),
        Err(error) => Err(Failure::Said(error.to_string())),
    }
}

/// Half of the time as fast as it goes, half of it at a pace.
fn film(mut camera: bytes::Producer, time: Duration) -> Result<(), ClaimError> {
    let (start, mut number) = (Instant::now(), 0);
    camera.set_spin(awake());
    while start.elapsed() < time / 2 {
        frame(&mut camera, number, 0)?;
        number += 1;
    }
    // The queue is over before the pace begins, so that it does not count.
    camera.flush()?;
    camera.set_spin(DROWSY);
    let mut next = Instant::now();
    while start.elapsed() < time {
        next += Duration::from_secs(1) / PACE;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        frame(&mut camera, number, PACED)?;
        number += 1;
    }
    Ok(())
}

fn frame(camera: &mut bytes::Producer, number: u64, phase: u64) -> Result<(), ClaimError> {
    let mut frame = camera.claim()?;
    pattern::fill(number, &mut frame);
    frame.set_tag(number | phase);
    let len = frame.len();
    frame.commit(len)
}
