//! What the peers of a crowd and the one who watches them tell each other: when all are
//! there, when to start and to stop, and how many messages each of them has moved.

use crate::shared::{APART, Shared};
use crate::workload::Crowd;
use std::hint;
use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

/// How many peers have come.
const HERE: usize = 0;
/// What they are to do: wait, run or stop.
const PHASE: usize = APART;
/// The first peer's place, which it alone writes to: how many messages, and their sum.
const PEERS: usize = 2 * APART;
/// From the count of messages to their sum.
const SUM: usize = 8;

/// Phases.
const WAIT: u64 = 0;
const RUN: u64 = 1;
const STOP: u64 = 2;

/// Words in memory that all of them map. The producers are numbered first.
#[derive(Debug)]
pub(crate) struct Board {
    shared: Shared,
    crowd: Crowd,
}

impl Board {
    /// Makes the memory.
    pub(crate) fn create(crowd: Crowd) -> io::Result<OwnedFd> {
        Shared::create(PEERS + crowd.peers() as usize * APART)
    }

    /// Maps the memory.
    pub(crate) fn map(file: &OwnedFd, crowd: Crowd) -> io::Result<Self> {
        Ok(Self { shared: Shared::map(file)?, crowd })
    }

    pub(crate) fn crowd(&self) -> Crowd {
        self.crowd
    }

    fn count_of(&self, peer: u32) -> &AtomicU64 {
        self.shared.number(PEERS + peer as usize * APART)
    }

    fn sum_of(&self, peer: u32) -> &AtomicU64 {
        self.shared.number(PEERS + peer as usize * APART + SUM)
    }

    /// As a peer that is ready: waits for the start.
    pub(crate) fn arrive(&self) {
        // Relaxed, also below: nothing else is read because of these words.
        self.shared.number(HERE).fetch_add(1, Relaxed);
        while self.shared.number(PHASE).load(Relaxed) == WAIT {
            hint::spin_loop();
            thread::yield_now();
        }
    }

    /// Whether all peers have arrived.
    pub(crate) fn complete(&self) -> bool {
        self.shared.number(HERE).load(Relaxed) == u64::from(self.crowd.peers())
    }

    /// Lets all peers start.
    pub(crate) fn run(&self) {
        self.shared.number(PHASE).store(RUN, Relaxed);
    }

    /// Asks the peers to stop.
    pub(crate) fn stop(&self) {
        self.shared.number(PHASE).store(STOP, Relaxed);
    }

    /// Whether they were asked to.
    #[inline(always)]
    pub(crate) fn stopped(&self) -> bool {
        self.shared.number(PHASE).load(Relaxed) == STOP
    }

    /// As a peer: says how many messages it has moved so far.
    #[inline(always)]
    pub(crate) fn count(&self, peer: u32, messages: u64) {
        // Relaxed: one that watches learns a number and nothing else.
        self.count_of(peer).store(messages, Relaxed);
    }

    /// As a peer that is done: says what all of its messages add up to.
    pub(crate) fn sum(&self, peer: u32, messages: u64, sum: u64) {
        self.count(peer, messages);
        // Relaxed: read when the peer has ended.
        self.sum_of(peer).store(sum, Relaxed);
    }

    fn counted(&self, peers: Range<u32>) -> u64 {
        peers.map(|peer| self.count_of(peer).load(Relaxed)).sum()
    }

    /// How many messages consumers have received so far.
    pub(crate) fn received(&self) -> u64 {
        self.counted(self.crowd.producers..self.crowd.peers())
    }

    /// How many messages all have moved so far, each of its two sides for itself.
    pub(crate) fn moved(&self) -> u64 {
        self.counted(0..self.crowd.peers())
    }

    /// How many messages every consumer has received so far.
    pub(crate) fn received_by_each(&self) -> u64 {
        let consumers = self.crowd.producers..self.crowd.peers();
        let counts = consumers.map(|peer| self.count_of(peer).load(Relaxed));
        counts.min().unwrap_or(0)
    }

    /// When all peers have ended: that each consumer has as many as were sent.
    pub(crate) fn verify_each(&self) -> io::Result<()> {
        let sent = self.counted(0..self.crowd.producers);
        for peer in self.crowd.producers..self.crowd.peers() {
            let received = self.count_of(peer).load(Relaxed);
            if received != sent {
                let message = format!("{sent} sent, {received} received by one");
                return Err(io::Error::other(message));
            }
        }
        Ok(())
    }

    /// When all peers have ended: that what was received is what was sent.
    pub(crate) fn verify(&self) -> io::Result<()> {
        let summed = |peers: Range<u32>| {
            let sums = peers.clone().map(|peer| self.sum_of(peer).load(Relaxed));
            (self.counted(peers), sums.fold(0, u64::wrapping_add))
        };
        let sent = summed(0..self.crowd.producers);
        let received = summed(self.crowd.producers..self.crowd.peers());
        if sent == received {
            return Ok(());
        }
        let (sent, received) = (sent.0, received.0);
        Err(io::Error::other(format!("{sent} sent, {received} received, or not the same ones")))
    }
}
