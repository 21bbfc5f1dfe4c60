//! Producers and consumers of rings of many, of values and of byte slots, as one.

use super::ends::Kind;
use super::message::{self, LEN_MAX, Slot};
use ringbuf_shm::mpmc::{self, Lanes, bytes};
use ringbuf_shm::{ClaimError, LaneStats, OpenError, Options, ReadError, Ring};
use std::path::Path;
use std::time::Duration;

/// The kinds of messages that rings of many have.
pub(crate) const KINDS: [Kind; 2] = [Kind::Slots, Kind::Bytes];

/// Makes a ring with nobody on it.
pub(crate) fn create(kind: Kind, path: &Path, options: &Options) -> Ring {
    let made = match kind {
        Kind::Slots => Ring::create_mpmc::<Slot>(path, options),
        Kind::Bytes => Ring::create_mpmc_bytes(path, &options.clone().slot_size(LEN_MAX as u64)),
        Kind::Records => panic!("there are no rings of records for many"),
    };
    made.unwrap()
}

pub(crate) enum Producer {
    Slots(mpmc::Producer<Slot>),
    Bytes(bytes::Producer),
}

/// A place to write in.
pub(crate) enum Claim {
    Slots(mpmc::Claim<Slot>),
    Bytes(bytes::Claim),
}

pub(crate) enum Consumer {
    Slots(mpmc::Consumer<Slot>),
    Bytes(bytes::Consumer),
}

/// A message to look at.
pub(crate) enum View {
    Slots(mpmc::View<Slot>),
    Bytes(bytes::View),
}

macro_rules! each {
    ($self:expr, $end:ident => $body:expr) => {
        match $self {
            Self::Slots($end) => $body,
            Self::Bytes($end) => $body,
        }
    };
}

macro_rules! wrapped {
    ($self:expr, $wrapper:ident, $end:ident => $body:expr) => {
        match $self {
            Self::Slots($end) => $body.map($wrapper::Slots),
            Self::Bytes($end) => $body.map($wrapper::Bytes),
        }
    };
}

macro_rules! every_end {
    ($end:ident) => {
        impl $end {
            pub(crate) fn attach(kind: Kind, ring: &Ring) -> Result<Self, OpenError> {
                Ok(match kind {
                    Kind::Slots => Self::Slots(mpmc::$end::attach(ring)?),
                    Kind::Bytes => Self::Bytes(bytes::$end::attach(ring)?),
                    Kind::Records => panic!("there are no rings of records for many"),
                })
            }

            pub(crate) fn set_spin(&mut self, spin: Duration) {
                each!(self, end => end.set_spin(spin));
            }

            pub(crate) fn wait_for_peer(&self, most: Duration) -> Result<bool, OpenError> {
                each!(self, end => end.wait_for_peer(Some(most)))
            }
        }
    };
}

every_end!(Producer);
every_end!(Consumer);

impl Producer {
    pub(crate) fn set_lane(&mut self, lane: u32) -> Result<(), ClaimError> {
        each!(self, end => end.set_lane(lane))
    }

    pub(crate) fn try_claim(&mut self) -> Result<Claim, ClaimError> {
        wrapped!(self, Claim, end => end.try_claim())
    }

    pub(crate) fn claim(&mut self, time: Duration) -> Result<Claim, ClaimError> {
        wrapped!(self, Claim, end => end.claim_timeout(time))
    }

    pub(crate) fn flush(&mut self, time: Duration) -> Result<(), ClaimError> {
        each!(self, end => end.flush_timeout(time))
    }

    /// Writes message `number`. Waits at most `time`.
    pub(crate) fn write(&mut self, number: u64, time: Duration) -> Result<(), ClaimError> {
        self.claim(time)?.commit(number)
    }

    /// The same by the call that needs no claim.
    pub(crate) fn push(&mut self, number: u64, time: Duration) -> Result<(), ClaimError> {
        match self {
            Self::Slots(end) => {
                end.push_timeout(message::slot(number), time).map_err(|refused| refused.error)
            }
            Self::Bytes(end) => {
                let mut bytes = [0; LEN_MAX];
                let len = message::write(number, &mut bytes);
                end.push_timeout(&bytes[..len], time)
            }
        }
    }
}

impl Claim {
    pub(crate) fn commit(self, number: u64) -> Result<(), ClaimError> {
        match self {
            Self::Slots(mut claim) => {
                *claim = message::slot(number);
                claim.commit()
            }
            Self::Bytes(mut claim) => {
                let len = message::write(number, &mut claim);
                claim.set_tag(number);
                claim.commit(len)
            }
        }
    }
}

impl Consumer {
    pub(crate) fn set_lanes(&mut self, lanes: Lanes) -> Result<(), ReadError> {
        each!(self, end => end.set_lanes(lanes))
    }

    pub(crate) fn try_read(&mut self) -> Result<View, ReadError> {
        wrapped!(self, View, end => end.try_read())
    }

    pub(crate) fn read(&mut self, time: Duration) -> Result<View, ReadError> {
        wrapped!(self, View, end => end.read_timeout(time))
    }
}

impl View {
    /// The number of the message, which is whole.
    pub(crate) fn number(&self) -> u64 {
        match self {
            Self::Slots(view) => message::check_slot(view),
            Self::Bytes(view) => message::check(view),
        }
    }

    /// How often one who died had been shown it before.
    pub(crate) fn redelivered(&self) -> u8 {
        each!(self, view => view.redelivered())
    }

    pub(crate) fn lane(&self) -> u32 {
        each!(self, view => view.lane())
    }
}

/// Whether every slot of every lane is free.
pub(crate) fn all_free(ring: &Ring) -> bool {
    let capacity = ring.shape().capacity();
    ring.mpmc_stats().unwrap().lanes.iter().all(|lane: &LaneStats| lane.free == capacity)
}

/// Everything that there is to read now: numbers, and how often each was shown before.
pub(crate) fn read_all(consumer: &mut Consumer) -> Vec<(u64, u8)> {
    let mut found = Vec::new();
    // A call whose time is up sweeps, and looks once more.
    loop {
        match consumer.read(Duration::ZERO) {
            Ok(view) => found.push((view.number(), view.redelivered())),
            Err(error) => {
                assert_eq!(error, ReadError::TimedOut);
                return found;
            }
        }
    }
}

/// Every slot of the producer's lane takes a message and gives it back, once and in order,
/// and no other has one.
pub(crate) fn check_lap(capacity: u64, producer: &mut Producer, consumer: &mut Consumer) {
    (0..capacity).for_each(|number| producer.write(number, Duration::ZERO).unwrap());
    assert_eq!(producer.try_claim().err(), Some(ClaimError::Full));
    let expected: Vec<_> = (0..capacity).map(|number| (number, 0)).collect();
    assert_eq!(read_all(consumer), expected);
}

/// Takes every seat there is, on a ring that nobody living sits on.
pub(crate) fn take_every_seat(kind: Kind, ring: &Ring, producers: usize, consumers: usize) {
    let producers: Vec<_> = (0..producers).map(|_| Producer::attach(kind, ring).unwrap()).collect();
    let consumers: Vec<_> = (0..consumers).map(|_| Consumer::attach(kind, ring).unwrap()).collect();
    let refused =
        [Producer::attach(kind, ring).err().unwrap(), Consumer::attach(kind, ring).err().unwrap()];
    assert!(refused.iter().all(|error| matches!(error, OpenError::TooManyPeers(_))));
    drop((producers, consumers));
}
