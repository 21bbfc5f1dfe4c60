//! One frame that is filled and summed by turns: the work without the way.

use crate::message::{self, FRAME_4K_WORDS, FRAME_WORDS};
use crate::pin;
use crate::queue::Receiver;
use crate::sample::Sample;
use crate::sides::Job;
use crate::workload;
use std::hint::black_box;
use std::io;

pub(super) fn run(job: &Job) -> io::Result<Option<Sample>> {
    match job.workload.bytes() / 8 {
        FRAME_4K_WORDS => turns::<FRAME_4K_WORDS>(job),
        _ => turns::<FRAME_WORDS>(job),
    }
}

fn turns<const W: usize>(job: &Job) -> io::Result<Option<Sample>> {
    pin::to(job.cores.watch)?;
    let mut turns = Turns { frame: vec![0; W], number: 0 };
    workload::receive::<W>(&mut turns, job.workload, job.time).map(Some)
}

struct Turns {
    frame: Vec<u64>,
    number: u64,
}

impl<const W: usize> Receiver<W> for Turns {
    fn receive(&mut self, _most: usize, mut see: impl FnMut(&[u64; W])) -> io::Result<()> {
        let (frame, _) = self.frame.as_chunks_mut::<W>();
        message::write(&mut frame[0], self.number, true);
        see(black_box(&frame[0]));
        self.number += 1;
        Ok(())
    }
}
