//! Producers and consumers of every shape, as one.

use super::message::{self, LEN_MAX, Slot};
use ringbuf_core::geometry::Records;
use ringbuf_shm::{ClaimError, OpenError, Options, Predecessor, ReadError, Ring, spsc};
use std::path::Path;
use std::time::Duration;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Slots,
    Bytes,
    Records,
}

pub(crate) const KINDS: [Kind; 3] = [Kind::Slots, Kind::Bytes, Kind::Records];

impl Kind {
    pub(crate) fn from_number(number: u64) -> Self {
        KINDS[usize::try_from(number).unwrap()]
    }

    pub(crate) fn number(self) -> u64 {
        self as u64
    }

    /// The capacity of a ring for about so many messages.
    pub(crate) fn capacity(self, messages: u64) -> u64 {
        match self {
            Self::Slots | Self::Bytes => messages,
            Self::Records => (messages * 128).max(512),
        }
    }

    /// The position after message `number`, which stands at `position`.
    pub(crate) fn after(self, capacity: u64, position: u64, number: u64) -> u64 {
        let Self::Records = self else { return position.wrapping_add(1) };
        let geometry = Records::new(capacity, 8).unwrap();
        let footprint = geometry.footprint(message::len(number) as u64);
        let contiguous = capacity - position % capacity;
        let padding = if contiguous < footprint { contiguous } else { 0 };
        position.wrapping_add(padding + footprint)
    }
}

pub(crate) enum Producer {
    Slots(spsc::Producer<Slot>),
    Bytes(spsc::bytes::Producer),
    Records(spsc::records::Producer),
}

pub(crate) enum Consumer {
    Slots(spsc::Consumer<Slot>),
    Bytes(spsc::bytes::Consumer),
    Records(spsc::records::Consumer),
}

/// A message that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) number: u64,
    pub(crate) redelivered: bool,
}

macro_rules! each {
    ($self:expr, $end:ident => $body:expr) => {
        match $self {
            Self::Slots($end) => $body,
            Self::Bytes($end) => $body,
            Self::Records($end) => $body,
        }
    };
}

macro_rules! every_end {
    ($end:ident) => {
        impl $end {
            pub(crate) fn create(
                kind: Kind,
                path: &Path,
                options: &Options,
            ) -> Result<Self, OpenError> {
                let options = options.clone().slot_size(LEN_MAX as u64);
                Ok(match kind {
                    Kind::Slots => Self::Slots(spsc::$end::create(path, &options)?),
                    Kind::Bytes => Self::Bytes(spsc::bytes::$end::create(path, &options)?),
                    Kind::Records => Self::Records(spsc::records::$end::create(path, &options)?),
                })
            }

            pub(crate) fn attach(kind: Kind, ring: &Ring) -> Result<Self, OpenError> {
                Ok(match kind {
                    Kind::Slots => Self::Slots(spsc::$end::attach(ring)?),
                    Kind::Bytes => Self::Bytes(spsc::bytes::$end::attach(ring)?),
                    Kind::Records => Self::Records(spsc::records::$end::attach(ring)?),
                })
            }

            pub(crate) fn ring(&self) -> &Ring {
                each!(self, end => end.ring())
            }

            pub(crate) fn predecessor(&self) -> Predecessor {
                each!(self, end => end.predecessor())
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
    /// Writes `count` messages from `number` on, with one commit; one, unless the
    /// ring is of typed slots. Waits at most `time`.
    pub(crate) fn write(
        &mut self,
        number: u64,
        count: u64,
        time: Duration,
    ) -> Result<(), ClaimError> {
        match self {
            Self::Slots(end) if count == 1 => {
                end.push_timeout(message::slot(number), time).map_err(|refused| refused.error)
            }
            Self::Slots(end) => {
                let mut claim = end.claim_timeout(usize::try_from(count).unwrap(), time)?;
                for (index, number) in (number..number + count).enumerate() {
                    *claim.get(index).unwrap() = message::slot(number);
                }
                claim.commit()
            }
            Self::Bytes(end) => {
                assert_eq!(count, 1);
                let mut claim = end.claim_timeout(time)?;
                let len = message::write(number, &mut claim);
                claim.set_tag(number);
                claim.commit(len)
            }
            Self::Records(end) => {
                assert_eq!(count, 1);
                let mut claim = end.claim_timeout(message::len(number), time)?;
                let len = message::write(number, &mut claim);
                claim.commit(len)
            }
        }
    }
}

impl Consumer {
    /// Reads at most `most` messages, shows them to `keep`, and releases the first
    /// so many of them as it says; one, unless the ring is of typed slots. Waits at
    /// most `time`.
    pub(crate) fn read(
        &mut self,
        most: u64,
        time: Duration,
        keep: impl FnOnce(&[Seen]) -> u64,
    ) -> Result<u64, ReadError> {
        match self {
            Self::Slots(end) => {
                let view = end.read_timeout(usize::try_from(most).unwrap(), time)?;
                let again = view.redelivered();
                let seen: Vec<_> = view
                    .iter()
                    .enumerate()
                    .map(|(index, slot)| Seen {
                        number: message::check_slot(slot),
                        redelivered: index < again,
                    })
                    .collect();
                let released = keep(&seen);
                view.release_first(usize::try_from(released).unwrap());
                Ok(released)
            }
            Self::Bytes(end) => {
                let view = end.read_timeout(time)?;
                let number = message::check(&view);
                assert_eq!(view.tag(), number, "the tag is another's");
                let released = keep(&[Seen { number, redelivered: view.redelivered() }]);
                view.release();
                Ok(released)
            }
            Self::Records(end) => {
                let view = end.read_timeout(time)?;
                let number = message::check(&view);
                let released = keep(&[Seen { number, redelivered: view.redelivered() }]);
                view.release();
                Ok(released)
            }
        }
    }
}
