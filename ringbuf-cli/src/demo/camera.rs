//! The publishing part of the demo: a camera without a lens.

use super::viewer::Viewers;
use super::{DROWSY, PACE, PACED, Phase, Shown, awake, pattern};
use crate::failure::Failure;
use crate::peers::readers;
use crate::stop::{SLICE, Stop};
use ringbuf_shm::broadcast::Delivery;
use ringbuf_shm::broadcast::bytes::Publisher;
use ringbuf_shm::{BroadcastStats, ClaimError};
use std::time::{Duration, Instant};

const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// What the camera did in one half of the time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Filmed {
    pub(crate) frames: u64,
    pub(crate) time: Duration,
    /// System calls that the ring made, in all processes.
    pub(crate) calls: u64,
}

pub(crate) struct Camera<'a> {
    pub(crate) publisher: Publisher,
    pub(crate) viewers: &'a mut Viewers,
    pub(crate) stop: &'a Stop,
    pub(crate) shown: Shown,
}

impl Camera<'_> {
    /// Half of the time as fast as it goes, half of it at a pace.
    pub(crate) fn film(&mut self, time: Duration) -> Result<[Filmed; 2], Failure> {
        // Found twice, they have not just said that they read, but read.
        for _ in 0..2 {
            self.wait_until(|stats| readers(stats).count() == super::VIEWERS.len())?;
        }
        let (start, mut number) = (Instant::now(), 0);
        self.publisher.set_spin(awake());
        let full = self.phase(Phase::Full, |camera| {
            while start.elapsed() < time / 2 {
                camera.frame(number, 0)?;
                number += 1;
            }
            // The queue is over before the pace begins, so that it does not count.
            camera.wait_until(|stats| {
                readers(stats).all(|one| one.delivery != Some(Delivery::Lossless) || one.lag == 0)
            })
        })?;
        self.publisher.set_spin(DROWSY);
        let start = Instant::now();
        let mut next = start;
        let paced = self.phase(Phase::Paced, |camera| {
            while start.elapsed() < time / 2 {
                next += Duration::from_secs(1) / PACE;
                std::thread::sleep(next.saturating_duration_since(Instant::now()));
                camera.frame(number, PACED)?;
                number += 1;
            }
            Ok(())
        })?;
        Ok([full, paced])
    }

    fn phase(
        &mut self,
        phase: Phase,
        film: impl FnOnce(&mut Self) -> Result<(), Failure>,
    ) -> Result<Filmed, Failure> {
        let (start, before) = (Instant::now(), self.stats()?);
        self.shown.phase = phase;
        film(self)?;
        let after = self.stats()?;
        Ok(Filmed {
            frames: after.published.saturating_sub(before.published),
            time: start.elapsed(),
            calls: calls(&after).saturating_sub(calls(&before)),
        })
    }

    fn frame(&mut self, number: u64, phase: u64) -> Result<(), Failure> {
        let failed = |error: ClaimError| Failure::Said(error.to_string());
        loop {
            self.stop.check()?;
            // Claimed, given back and claimed again: nobody else takes it.
            match self.publisher.claim_timeout(SLICE).map(drop) {
                Ok(()) => break,
                Err(ClaimError::TimedOut) => self.viewers.check()?,
                Err(error) => return Err(failed(error)),
            }
        }
        let mut frame = self.publisher.try_claim().map_err(failed)?;
        pattern::fill(number, &mut frame);
        frame.set_tag(number | phase);
        let len = frame.len();
        frame.commit(len).map_err(failed)?;
        if self.shown.frame() {
            self.viewers.check()?;
        }
        Ok(())
    }

    fn wait_until(&mut self, so: impl Fn(&BroadcastStats) -> bool) -> Result<(), Failure> {
        while !so(&self.stats()?) {
            self.stop.check()?;
            self.viewers.check()?;
            std::thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }

    fn stats(&self) -> Result<BroadcastStats, Failure> {
        let stats = self.publisher.ring().broadcast_stats();
        stats.map_err(|error| Failure::Said(error.to_string()))
    }
}

fn calls(stats: &BroadcastStats) -> u64 {
    let peers = stats.subscribers.iter().map(|one| &one.peer).chain([&stats.publisher]);
    peers.map(|peer| peer.sleeps + peer.wakes + peer.probes).sum()
}
