//! What a publisher does while it cannot go on: it waits, says why once, and stops
//! when it is told to.

use crate::failure::Failure;
use crate::peers::{Peers, alive, latest};
use crate::stop::{SLICE, Stop};
use crate::tell::say;
use ringbuf_shm::spsc::{bytes, records};
use ringbuf_shm::{ClaimError, Kind, OpenError, Presence, Ring};
use std::time::Duration;

/// What a publisher waits on.
pub(crate) trait Producer {
    fn ring(&self) -> &Ring;
    fn wait_for_peer(&self, most: Duration) -> Result<bool, OpenError>;
    fn flush_timeout(&mut self, most: Duration) -> Result<(), ClaimError>;
}

impl Producer for bytes::Producer {
    fn ring(&self) -> &Ring {
        self.ring()
    }

    fn wait_for_peer(&self, most: Duration) -> Result<bool, OpenError> {
        self.wait_for_peer(Some(most))
    }

    fn flush_timeout(&mut self, most: Duration) -> Result<(), ClaimError> {
        self.flush_timeout(most)
    }
}

impl Producer for records::Producer {
    fn ring(&self) -> &Ring {
        self.ring()
    }

    fn wait_for_peer(&self, most: Duration) -> Result<bool, OpenError> {
        self.wait_for_peer(Some(most))
    }

    fn flush_timeout(&mut self, most: Duration) -> Result<(), ClaimError> {
        self.flush_timeout(most)
    }
}

/// How a publisher waits.
#[derive(Debug)]
pub(crate) struct Backpressure<'a> {
    name: &'a str,
    stop: &'a Stop,
    /// The last consumer whose absence was told, by the time at which it came; 0 for
    /// none at all.
    told: Option<u64>,
}

impl<'a> Backpressure<'a> {
    pub(crate) fn new(name: &'a str, stop: &'a Stop) -> Self {
        Self { name, stop, told: None }
    }

    /// Tries until it works, whoever of the consumers comes, goes or dies meanwhile.
    ///
    /// `attempt` waits at most so long as it is told.
    pub(crate) fn wait<P: Producer>(
        &mut self,
        producer: &mut P,
        mut attempt: impl FnMut(&mut P, Duration) -> Result<(), ClaimError>,
    ) -> Result<(), Failure> {
        loop {
            self.stop.check()?;
            match attempt(producer, SLICE) {
                Ok(()) => return Ok(()),
                Err(ClaimError::TimedOut) => self.explain(producer.ring())?,
                Err(ClaimError::Closed | ClaimError::PeerDied) => {
                    self.explain(producer.ring())?;
                    // Whether one came or not, the next attempt tells: it may have
                    // come, read everything and gone between two looks.
                    let came = producer.wait_for_peer(SLICE);
                    came.map_err(Failure::opening(self.name))?;
                }
                Err(error) => return Err(Failure::about(self.name, error)),
            }
        }
    }

    /// Waits until the consumers have released everything.
    pub(crate) fn flush<P: Producer>(&mut self, producer: &mut P) -> Result<(), Failure> {
        self.wait(producer, P::flush_timeout)
    }

    /// Says who is missing, once for each consumer that is.
    fn explain(&mut self, ring: &Ring) -> Result<(), Failure> {
        let name = self.name;
        let consumers = Peers::of(ring).map_err(Failure::opening(name))?.consumers;
        if alive(&consumers) != 0 {
            return Ok(());
        }
        if ring.kind() == Kind::Mpmc && !ring.still_named().map_err(Failure::opening(name))? {
            return Err(Failure::about(name, "the ring was removed, and nobody reads it"));
        }
        let last = latest(&consumers);
        let what = match last.map(|consumer| consumer.presence) {
            None | Some(Presence::Absent) => "nobody reads it yet; waiting for one to",
            Some(Presence::Dead) => {
                "its subscriber died with messages left; waiting for the next to"
            }
            _ => "its subscriber went with messages left; waiting for the next to",
        };
        let who = last.map_or(0, |consumer| consumer.since);
        if self.told != Some(who) {
            self.told = Some(who);
            say(format_args!("{name}: {what} `ringbuf sub {name}`"));
        }
        Ok(())
    }
}
