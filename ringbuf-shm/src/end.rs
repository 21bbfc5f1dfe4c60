//! One end of a ring: its seat, the other side, and how it waits for it.
//!
//! Everything here is the same for producers and consumers and for every shape.
//!
//! Unsafe code here borrows the words of the mapping for as long as the end keeps
//! the ring.

use crate::arrival::Arrivals;
use crate::error::{ClaimError, OpenError, ReadError};
use crate::fork::Home;
use crate::layout::{CONSUMER_ROW, PRODUCER_ROW};
use crate::locks::LockFile;
use crate::membarrier;
use crate::native::{Native, count};
use crate::patience::{TimePatience, Wait};
use crate::ring::Ring;
use crate::{Presence, Sleeper};
use ringbuf_core::error as core_error;
use ringbuf_core::event::{Event, EventWords, Fencing};
use ringbuf_core::peer::{Predecessor, RowWords, Seat, Who};
use ringbuf_core::spsc::{self, ConsumerWords, ProducerWords};
use ringbuf_core::wait::{Counterpart, Peer, WaitError};
use std::os::fd::AsFd;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Producer,
    Consumer,
}

impl Side {
    const fn row(self) -> u32 {
        match self {
            Self::Producer => PRODUCER_ROW,
            Self::Consumer => CONSUMER_ROW,
        }
    }

    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Producer => Self::Consumer,
            Self::Consumer => Self::Producer,
        }
    }
}

/// A taken seat. Dropping it closes this side of the ring.
#[derive(Debug)]
pub(crate) struct End {
    side: Side,
    seat: Seat,
    home: Home,
    row: &'static RowWords<Native>,
    peer: &'static RowWords<Native>,
    /// The other side sleeps here.
    wakes: &'static EventWords<Native>,
    /// This side sleeps here.
    sleeps: &'static EventWords<Native>,
    pub(crate) native: &'static Native,
    may_sleep: bool,
    fencing: Fencing,
    spin: Duration,
    /// The kernel's word that this peer lives. Dropped, hence closed, after `drop`
    /// has marked the row.
    locks: LockFile,
    /// Keeps the mapping under everything above. Last.
    ring: Ring,
}

impl End {
    /// Takes the seat on one side of a ring.
    pub(crate) fn attach(ring: &Ring, side: Side) -> Result<Self, OpenError> {
        let map = ring.mapping();
        // SAFETY: the results of this and the next calls are kept in an `End` only,
        // together with the ring, which keeps the map, and are not handed out.
        let row = unsafe { map.row(side.row()) };
        // SAFETY: as above.
        let peer = unsafe { map.row(side.other().row()) };
        // SAFETY: as above.
        let events = unsafe { map.events() };
        let (wakes, sleeps, native) = match side {
            // SAFETY: as above.
            Side::Producer => (&events.data, &events.room, unsafe { &map.producer().native }),
            // SAFETY: as above.
            Side::Consumer => (&events.room, &events.data, unsafe { &map.consumer().native }),
        };
        let locks = LockFile::new(ring.as_fd())?;
        let seat = row.take(side.row(), ring.spec().reopen, &locks)?;
        // Relaxed, both: for people.
        row.since.store(monotonic(), Relaxed);
        row.pid.store(std::process::id(), Relaxed);
        let end = Self {
            side,
            seat,
            home: locks.home(),
            row,
            peer,
            wakes,
            sleeps,
            native,
            may_sleep: ring.sleeper() != Sleeper::Spin,
            fencing: membarrier::fencing(ring.fence()),
            spin: crate::patience::spin_default(),
            locks,
            ring: ring.clone(),
        };
        // Somebody may wait for a peer to come.
        end.notify();
        Ok(end)
    }

    pub(crate) fn ring(&self) -> &Ring {
        &self.ring
    }

    pub(crate) fn predecessor(&self) -> Predecessor {
        self.seat.predecessor
    }

    pub(crate) fn set_spin(&mut self, spin: Duration) {
        self.spin = spin;
    }

    /// Whether this process may use the handle; every call asks first.
    #[inline(always)]
    pub(crate) fn is_here(&self) -> bool {
        self.home.is_here()
    }

    #[inline(always)]
    pub(crate) fn check_claim(&self) -> Result<(), ClaimError> {
        if self.is_here() { Ok(()) } else { Err(ClaimError::Forked) }
    }

    #[inline(always)]
    pub(crate) fn check_read(&self) -> Result<(), ReadError> {
        if self.is_here() { Ok(()) } else { Err(ReadError::Forked) }
    }

    /// The producer's end of the stream, where the last producer left it.
    pub(crate) fn stream_producer(&self) -> Result<spsc::Producer<'static, Native>, OpenError> {
        let (producer, consumer) = self.words();
        Ok(spsc::Producer::take_over(producer, consumer, self.ring.shape().capacity())?)
    }

    /// The consumer's end of the stream, where the last consumer left it.
    pub(crate) fn stream_consumer(&self) -> Result<spsc::Consumer<'static, Native>, OpenError> {
        let (producer, consumer) = self.words();
        Ok(spsc::Consumer::take_over(consumer, producer, self.ring.shape().capacity())?)
    }

    fn words(&self) -> (&'static ProducerWords<Native>, &'static ConsumerWords<Native>) {
        let map = self.ring.mapping();
        // SAFETY: what is made of the result is kept beside this end, in a handle.
        let producer = unsafe { &map.producer().words };
        // SAFETY: as above.
        let consumer = unsafe { &map.consumer().words };
        (producer, consumer)
    }

    /// Tells the other side, if it may sleep, that this side stored something.
    #[inline]
    pub(crate) fn notify(&self) {
        if self.may_sleep {
            Event::new(self.native, self.wakes).fenced(self.fencing).notify();
        }
    }

    #[inline(always)]
    fn peer(&self) -> Peer<'_, Native, LockFile> {
        Peer { words: self.peer, row: self.side.other().row(), locks: &self.locks }
    }

    /// Claims by `attempt`, as often and as long as `wait` says.
    ///
    /// Always inlined, as is all down to the atomics: `wait` is a constant in every
    /// caller, and a first attempt that succeeds costs no more than itself. What an
    /// attempt needs is moved into it, so that nothing of it is kept in memory for
    /// the case that it fails.
    #[inline(always)]
    pub(crate) fn claim<T>(
        &self,
        wait: Wait,
        mut attempt: impl FnMut() -> Result<T, core_error::ClaimError>,
    ) -> Result<T, ClaimError> {
        self.check_claim()?;
        match attempt() {
            Ok(found) => return Ok(found),
            Err(core_error::ClaimError::Full) => {}
            Err(error) => return Err(error.into()),
        }
        let look = move || match attempt() {
            Ok(found) => Ok(Some(found)),
            Err(core_error::ClaimError::Full) => Ok(None),
            Err(error) => Err(ClaimError::from(error)),
        };
        self.found_nothing(wait, look)?.ok_or(ClaimError::Full)
    }

    /// Waits until nothing is left of what was committed on `stream`.
    pub(crate) fn flush(
        &self,
        wait: Wait,
        stream: &mut spsc::Producer<'_, Native>,
    ) -> Result<(), ClaimError> {
        let capacity = self.ring.shape().capacity();
        self.claim(wait, || match stream.free()? {
            free if free == capacity => Ok(()),
            _ => Err(core_error::ClaimError::Full),
        })
    }

    /// Reads by `attempt`, as often and as long as `wait` says; inlined as
    /// [`claim`](Self::claim) is.
    #[inline(always)]
    pub(crate) fn read<T>(
        &self,
        wait: Wait,
        mut attempt: impl FnMut() -> Result<T, core_error::ReadError>,
    ) -> Result<T, ReadError> {
        self.check_read()?;
        match attempt() {
            Ok(found) => return Ok(found),
            Err(core_error::ReadError::Empty) => {}
            Err(error) => return Err(error.into()),
        }
        let look = move || match attempt() {
            Ok(found) => Ok(Some(found)),
            Err(core_error::ReadError::Empty) => Ok(None),
            Err(error) => Err(ReadError::from(error)),
        };
        self.found_nothing(wait, look)?.ok_or(ReadError::Empty)
    }

    /// `None`: nothing now, and `wait` was not to wait.
    #[inline(always)]
    fn found_nothing<T, E: From<WaitError<E>>>(
        &self,
        wait: Wait,
        look: impl FnMut() -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        match wait {
            Wait::Not => Ok(self.peer().found_nothing(look)?),
            _ => self.wait(wait, look),
        }
    }

    #[cold]
    fn wait<T, E: From<WaitError<E>>>(
        &self,
        wait: Wait,
        look: impl FnMut() -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        let mut patience = TimePatience::new(wait, self.spin, self.may_sleep);
        let event = Event::new(self.native, self.sleeps).fenced(self.fencing);
        let found = self.peer().wait(self.native, event, &mut patience, look);
        count(&self.native.probes, patience.probes());
        Ok(Some(found?))
    }

    /// Whether the other side is there, as the kernel knows it.
    pub(crate) fn presence(&self) -> Result<Presence, OpenError> {
        if !self.is_here() {
            return Err(OpenError::Forked);
        }
        count(&self.native.probes, 1);
        Ok(self.peer.presence(self.side.other().row(), &self.locks)?)
    }

    /// Waits until somebody living sits on the other side; false if nobody came.
    pub(crate) fn wait_for_peer(&self, wait: Wait) -> Result<bool, OpenError> {
        if !self.is_here() {
            return Err(OpenError::Forked);
        }
        let event = Event::new(self.native, self.sleeps).fenced(self.fencing);
        self.wait_for_arrival(
            self.native,
            event,
            TimePatience::new(wait, self.spin, self.may_sleep),
        )
    }
}

impl Arrivals for End {
    type Came = Option<Who>;

    fn came(&self) -> Option<Who> {
        self.peer.holder(self.side.other().row())
    }

    fn somebody_lives(&self) -> Result<bool, OpenError> {
        Ok(self.peer.presence(self.side.other().row(), &self.locks)? == Presence::Alive)
    }
}

impl Drop for End {
    fn drop(&mut self) {
        // A forked child leaves everything as it is: it is its parent's.
        if self.is_here() {
            self.row.leave(self.seat.who);
            self.notify();
        }
    }
}

/// Nanoseconds of the monotonic clock, which all processes of a machine share.
#[inline]
pub(crate) fn monotonic() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}
