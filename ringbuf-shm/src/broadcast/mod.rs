//! One publisher, many subscribers: every message to each of them, in place.
//!
//! | shape | a message is | use it for |
//! |---|---|---|
//! | [`Publisher<T>`], [`Subscriber<T>`] | a value of `T`: in the ring itself if it is small, else in a slot of its size | samples, ticks, states |
//! | [`bytes`] | up to `slot_size` bytes, with length, tag and time; whole, or piece by piece | frames for many viewers |
//!
//! Each subscriber chooses what it wants when it [joins](Join), beside others that want
//! something else:
//!
//! - [`Lossless`](Delivery::Lossless): every message. The publisher waits for it once the
//!   ring is full of messages that it has not taken, at most as long as
//!   [`reader_patience`](crate::Options::reader_patience) says; then it is told, once, by
//!   [`ReadError::Evicted`](crate::ReadError::Evicted), and reads on with the oldest
//!   message there is. How many it lost is counted.
//! - [`Lossy`](Delivery::Lossy): those it can keep up with. Nobody waits for it, and
//!   `lost()` says exactly how many it did not get.
//! - [`Latest`](Delivery::Latest): always the newest, never one before another.
//!
//! ```
//! use ringbuf_shm::{Options, broadcast::{Delivery, Publisher, Subscriber}};
//! let mut publisher = Publisher::<u64>::create_unnamed(&Options::new().capacity(4))?;
//! let mut log = Subscriber::<u64>::attach(publisher.ring(), Delivery::Lossless)?;
//! let mut screen = Subscriber::<u64>::attach(publisher.ring(), Delivery::Latest)?;
//! for value in [7, 8, 9] {
//!     publisher.push(value)?;
//! }
//! assert_eq!((log.pop()?, log.pop()?, log.pop()?), (7, 8, 9));
//! assert_eq!((screen.pop()?, screen.lost()), (9, 2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Small values are copied.** Those of up to 120 bytes stand in the entries of the ring, each in
//! a line of its own with its stamp, or with others: *ticks*. A publisher writes over the oldest, a
//! subscriber copies, and finds out whether what it copied stayed as it was meanwhile; who was
//! overtaken is told exactly what it lost, and never shown half of one message and half of another. That
//! is some twenty times as fast as to look at a value in a slot, and takes no views. Who wants to
//! look in place, for however long, asks for it when the ring is made
//! ([`in_place`](crate::Options::in_place)).
//!
//! ```
//! use ringbuf_shm::{Options, broadcast::{Delivery, Publisher, Subscriber}};
//! use ringbuf_shm::zerocopy::{FromBytes, Immutable, IntoBytes};
//!
//! #[derive(FromBytes, IntoBytes, Immutable, Clone, Copy, Debug)]
//! #[repr(C)]
//! struct Quote { instrument: u64, time: u64, bid: i64, ask: i64 }
//!
//! let mut ticker = Publisher::<Quote>::create_unnamed(&Options::new().capacity(8))?;
//! let mut strategy = Subscriber::<Quote>::attach(ticker.ring(), Delivery::Lossy)?;
//! for time in 0..20 {
//!     ticker.push(Quote { instrument: 7, time, bid: 100, ask: 101 })?;
//! }
//! let quote = strategy.read()?;
//! // It missed some, and knows how many: it goes on with the oldest that is promised.
//! assert_eq!((quote.time, strategy.lost()), (quote.position() - 8, quote.time));
//! assert!(strategy.lost() >= 12);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Views are whole and stay so.** A view of a tick has its own copy. What any other view shows is not written to until the view is
//! dropped, however long that takes, however far the publisher goes meanwhile, and also if
//! its subscriber is evicted. Views are owned: they go to other threads and outlive later
//! reads and the subscriber. A subscriber says when it joins how many it may hold at a
//! time; the ring has slots for all of them besides those of its messages, so that views
//! never keep the publisher waiting.
//!
//! **Whoever dies** is not waited for: within three [slices](crate::SLICE) a publisher
//! that is held up by a dead subscriber goes on. After a publisher died, or closed a ring
//! that may be [reopened](crate::Options::reopen), another continues: what was published
//! before can still be read, and positions go on. A message that the dead one was
//! publishing piece by piece is [broken off](crate::ReadError::Broken).
//!
//! **Whoever is stopped** keeps what it looks at. A stopped lossless subscriber holds the
//! publisher up as long as the ring's patience lasts; others hold up nobody.

mod begun;
pub mod bytes;
mod held;
mod join;
mod part;
mod publisher;
mod queue;
mod reader;
mod seat;
mod subscriber;
mod tick_reader;
mod tick_writer;
mod writer;

pub use crate::payload::Payload;
pub use join::{Join, Start};
pub use publisher::{Claim, Publisher};
pub use ringbuf_core::life::Delivery;
pub use subscriber::{Subscriber, View};

/// What every handle has besides: waiting for somebody on the other side.
macro_rules! company {
    () => {
        /// How long this handle spins before it sleeps.
        pub fn set_spin(&mut self, spin: Duration) {
            self.end.set_spin(spin);
        }

        /// Waits until somebody living sits on the other side. False: nobody came in
        /// time. Without a limit, waits for as long as it takes.
        ///
        /// # Errors
        /// [`OpenError::Corrupt`], [`OpenError::Forked`].
        pub fn wait_for_peer(&self, most: Option<Duration>) -> Result<bool, OpenError> {
            self.end.wait_for_peer(most.map_or(Wait::Forever, Wait::AtMost))
        }
    };
}

use company;

/// What every subscriber has: ways to join, to read, and what it missed.
///
/// `$spec` makes the description of a new ring from options, `$view` is what it reads; `read_or_wait` and
/// `take_seat` are of the same type.
macro_rules! subscribing {
    ($spec:expr, $view:ty) => {
        /// Joins the ring of this name or path.
        ///
        /// `join` is a [`Delivery`](super::Delivery), or a [`Join`] that says more.
        ///
        /// # Errors
        /// [`OpenError::NotFound`], [`OpenError::TooManyPeers`] while the living sit on
        /// all its rows, [`OpenError::TooManyViews`] while they have too many of its
        /// views, [`OpenError::PayloadType`] if it holds other messages; others say what
        /// is wrong with the file.
        pub fn open(name: impl AsRef<OsStr>, join: impl Into<Join>) -> Result<Self, OpenError> {
            Self::open_with(name, &Options::new(), join)
        }

        /// Joins the ring of this name or path, with what the options say about opening.
        ///
        /// # Errors
        /// As [`open`](Self::open).
        pub fn open_with(
            name: impl AsRef<OsStr>,
            options: &Options,
            join: impl Into<Join>,
        ) -> Result<Self, OpenError> {
            let join = join.into();
            crate::handle::retry(|| {
                let ring = Ring::open_with(name.as_ref(), options)?;
                let handle = Self::take_seat(&ring, options, join)?;
                Ok(ring.still_named()?.then_some(handle))
            })
        }

        /// Joins the ring of this name, which is made if there is none.
        ///
        /// # Errors
        /// [`OpenError::Different`] if there is one that is not as the options say;
        /// otherwise as [`open`](Self::open).
        pub fn create_or_open(
            name: impl AsRef<OsStr>,
            options: &Options,
            join: impl Into<Join>,
        ) -> Result<Self, OpenError> {
            let (spec, join) = ($spec(options)?, join.into());
            crate::handle::retry(|| {
                let ring = Ring::create_or_open(name.as_ref(), &spec, options)?;
                let handle = Self::take_seat(&ring, options, join)?;
                Ok(ring.still_named()?.then_some(handle))
            })
        }

        /// Joins an open ring.
        ///
        /// # Errors
        /// As [`open`](Self::open).
        pub fn attach(ring: &Ring, join: impl Into<Join>) -> Result<Self, OpenError> {
            Self::attach_with(ring, &Options::new(), join)
        }

        /// Joins an open ring, which must hold messages of the type that the options name.
        ///
        /// # Errors
        /// As [`open`](Self::open).
        pub fn attach_with(
            ring: &Ring,
            options: &Options,
            join: impl Into<Join>,
        ) -> Result<Self, OpenError> {
            Self::take_seat(ring, options, join.into())
        }

        /// The ring that it joined.
        #[must_use]
        pub fn ring(&self) -> &Ring {
            self.end.ring()
        }

        /// Looks at the next message, if there is one now.
        ///
        /// # Errors
        /// [`ReadError::Empty`], [`ReadError::Busy`]; [`ReadError::Evicted`] once, if the
        /// publisher waited no longer; [`ReadError::AllHeld`] while it holds as many views
        /// as it may; [`ReadError::Closed`] and the lasting ones.
        #[inline]
        pub fn try_read(&mut self) -> Result<$view, ReadError> {
            self.read_or_wait(Wait::Not)
        }

        /// Looks at the next message; waits for one.
        ///
        /// # Errors
        /// [`ReadError::Evicted`], [`ReadError::AllHeld`], [`ReadError::Closed`] and
        /// [`ReadError::PeerDied`] when nothing is left and nobody is there, and the
        /// lasting ones.
        #[inline]
        pub fn read(&mut self) -> Result<$view, ReadError> {
            self.read_or_wait(Wait::Forever)
        }

        /// Looks at the next message; waits at most so long.
        ///
        /// # Errors
        /// As [`read`](Self::read), and [`ReadError::TimedOut`].
        #[inline]
        pub fn read_timeout(&mut self, most: Duration) -> Result<$view, ReadError> {
            self.read_or_wait(Wait::AtMost(most))
        }

        /// What it wants when the publisher is faster.
        #[must_use]
        pub fn delivery(&self) -> super::Delivery {
            self.end.delivery()
        }

        /// The position of the message that is read next, or that follows the last one
        /// that was read.
        #[must_use]
        pub fn position(&self) -> u64 {
            self.end.position()
        }

        /// How many messages it did not get since it joined: overwritten before it read
        /// them, or passed over because it wants the latest.
        ///
        /// Exact: those it got, these, and those that were [broken off](Self::broken) are
        /// all that were published from where it began up to its position.
        #[must_use]
        pub fn lost(&self) -> u64 {
            self.end.lost()
        }

        /// How many messages it passed by because they were broken off.
        #[must_use]
        pub fn broken(&self) -> u64 {
            self.end.broken()
        }
    };
}

use subscribing;
