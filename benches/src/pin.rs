//! Which processors the sides run on, and holding them there.

use crate::workload::Crowd;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::fs;
use std::io;

/// The processors of the two sides: different ones, where there are two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cores {
    /// Of the side that watches the clock and receives.
    pub(crate) watch: usize,
    /// Of the side that sends.
    pub(crate) peer: usize,
}

impl Cores {
    /// Two processors this process may use, of different cores if possible.
    pub(crate) fn choose() -> io::Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let mut usable = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu));
        let watch = usable.next().unwrap_or(0);
        let others: Vec<usize> = usable.collect();
        let core = core_of(watch);
        let apart = others.iter().find(|cpu| core.is_none() || core_of(**cpu) != core);
        let peer = apart.or(others.first()).copied().unwrap_or(watch);
        Ok(Self { watch, peer })
    }

    /// For one of many: producers begin with one processor, consumers with the other,
    /// and go round.
    pub(crate) fn of_peer(self, peer: u32, crowd: Crowd) -> usize {
        let turn = peer.checked_sub(crowd.producers).unwrap_or(peer + 1);
        if turn.is_multiple_of(2) { self.watch } else { self.peer }
    }

    /// Whether both sides share one processor; then nothing here means much.
    pub(crate) fn shared(self) -> bool {
        self.watch == self.peer
    }
}

/// The threads that share a core with this one, as the kernel writes them.
fn core_of(cpu: usize) -> Option<String> {
    let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
    fs::read_to_string(path).ok()
}

/// Keeps this thread on one processor, and what it starts from now on.
pub(crate) fn to(cpu: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu);
    Ok(sched_setaffinity(None, &set)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_processor_has_as_many_of_each_kind() {
        let cores = Cores { watch: 3, peer: 5 };
        let of = |crowd: Crowd| -> Vec<usize> {
            (0..crowd.peers()).map(|peer| cores.of_peer(peer, crowd)).collect()
        };
        assert_eq!(of(Crowd::of(1)), [5, 3]);
        assert_eq!(of(Crowd::of(2)), [5, 3, 3, 5]);
        assert_eq!(of(Crowd::of(4)), [5, 3, 5, 3, 3, 5, 3, 5]);
    }
}
