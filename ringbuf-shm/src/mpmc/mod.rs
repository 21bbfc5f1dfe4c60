//! Many producers, many consumers: each message to exactly one of them.
//!
//! | shape | a message is | use it for |
//! |---|---|---|
//! | [`Producer<T>`], [`Consumer<T>`] | a value of `T`, in a slot of its size | jobs, orders, samples |
//! | [`bytes`] | up to `slot_size` bytes, with length, tag and time | frames shared among workers |
//!
//! The verbs are those of [`spsc`](crate::spsc). Claims and views are owned: there may be
//! several at a time, they go to other threads, are committed and released in any order,
//! and keep the peer attached until the last of them is gone.
//!
//! **Several in place** are so many claims, or views, ended by one
//! [`Claim::commit_all`] or [`View::release_all`] with one wake-up. There are no slices of
//! slots as in [`spsc`](crate::spsc): other peers' places are in between. Who has
//! something open does not wait for more, but tries.
//!
//! ```
//! use ringbuf_shm::{Options, mpmc};
//! let mut producer = mpmc::Producer::<u64>::create_unnamed(&Options::new().capacity(64))?;
//! let mut consumer = mpmc::Consumer::<u64>::attach(producer.ring())?;
//! let mut claims: Vec<_> = (0..3).map_while(|_| producer.try_claim().ok()).collect();
//! for (claim, value) in claims.iter_mut().zip(7..) {
//!     **claim = value;
//! }
//! mpmc::Claim::commit_all(claims)?;
//!
//! let views: Vec<_> = std::iter::from_fn(|| consumer.try_read().ok()).take(64).collect();
//! assert_eq!(views.iter().map(|view| **view).sum::<u64>(), 7 + 8 + 9);
//! mpmc::View::release_all(views);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Order.** Messages of a lane are read in the order in which they were *claimed*, so
//! those of one producer in the order in which it claimed them. A claim that was passed
//! by (see below) has its place from its commit instead: behind everything that its
//! producer had committed by then. Messages that a dead consumer had taken come again
//! when they are found.
//!
//! **Lanes.** A ring may have up to 64 [`lanes`](crate::Options::lanes), each with all of
//! the capacity. A producer writes to [one of them](Producer::set_lane), a consumer
//! reads [the highest that has something](Lanes::Highest), one only, or the lowest up to
//! one. Nothing is fair between lanes: one that always has something starves those
//! after it.
//!
//! **Whoever dies** holds nobody up: within three [slices](crate::SLICE) (and one more for
//! every 65,536 slots of the ring) others free the slots it was writing, and deliver again, flagged, what it was reading; that at most
//! [`redeliveries_max`](crate::Options::redeliveries_max) times (not at all with
//! [`Redelivery::Drop`](crate::Redelivery::Drop)), then it is dropped and counted. It is
//! those who find nothing that look after the dead: where nobody ever does, what a dead
//! consumer was reading comes again when producers come round to it.
//!
//! **Whoever is stopped, or slow,** keeps what it holds: nobody touches its slot, and
//! when it goes on, its claim commits and its view is whole. Whom it holds up meanwhile is
//! decided with [`Options::progress`](crate::Options::progress):
//!
//! - [`Strict`](crate::Progress::Strict), the default: nobody. Who has spun in vain, or
//!   called in vain 64 times, passes by what is in its way, if there is a message, or a
//!   free slot, further on. Who was passed loses its place in the order and nothing else.
//!   Producers wait only when no slot is free, when the oldest message of a full lap has
//!   not been taken by anybody, or, seldom, behind messages of their own that moved and
//!   are not read yet. To find what to pass for, and to get there, takes a look at each
//!   slot at most, so a message that had to move costs those who read it more the more
//!   slots there are.
//! - [`Fast`](crate::Progress::Fast): one compare-and-swap less for each commit and each
//!   release. A claim that is not committed holds up those who read its lane when they
//!   come to it, though later messages are complete (`Busy`); a view that is not
//!   released holds up producers when they come round to it, a lap later, though other
//!   slots are free.
//!
//! **When the other side is gone** (the last of its peers has left or died) consumers
//! are told so when nothing is left and nothing can come back, producers when the ring
//! is full. Others may come at any time; `wait_for_peer` waits for one.
//!
//! **Before the end** a producer that wants everything to be read calls
//! [`flush`](Producer::flush): it waits until each message that is in the ring by then
//! was released, whoever wrote it.

pub mod bytes;
mod consumer;
mod held;
mod producer;
mod reader;
mod seat;
mod writer;

pub use crate::payload::Payload;
pub use consumer::{Consumer, View};
pub use producer::{Claim, Producer};
pub use reader::Lanes;

/// What every handle has besides: waiting for somebody on the other side.
macro_rules! company {
    () => {
        /// Waits until somebody living sits on the other side. False: nobody came in
        /// time. Without a limit, waits for as long as it takes.
        ///
        /// One who came may be gone again when this returns. Looks after nobody's
        /// slots: nothing is read or written meanwhile.
        ///
        /// # Errors
        /// [`OpenError::Corrupt`], [`OpenError::Forked`].
        pub fn wait_for_peer(&self, most: Option<Duration>) -> Result<bool, OpenError> {
            self.end.wait_for_peer(most.map_or(Wait::Forever, Wait::AtMost))
        }
    };
}

use company;

/// What every producer has: waiting until what is in the ring now is gone.
macro_rules! flush {
    () => {
        /// Waits until every message that is in the ring when this is called was released,
        /// or dropped after too many deaths: in all lanes, whoever committed it.
        ///
        /// So all that this producer committed before, with its claims in other threads
        /// if something orders those before the call, is over then. What is committed
        /// after the call is not waited for, and neither are claims that are still open.
        /// Sees all that the consumers did before they released. Who holds a view of a
        /// message in this thread waits for itself.
        ///
        /// Dropping the producer does not wait: what is left then is for whoever still
        /// comes to read. Looks at every slot of the ring once.
        ///
        /// # Errors
        /// [`ClaimError::Closed`] and [`ClaimError::PeerDied`] if something is left and
        /// no consumer is, and the lasting ones.
        pub fn flush(&mut self) -> Result<(), ClaimError> {
            self.end.flush(Wait::Forever)
        }

        /// As [`flush`](Self::flush), but waits at most so long.
        ///
        /// # Errors
        /// As [`flush`](Self::flush), and [`ClaimError::TimedOut`].
        pub fn flush_timeout(&mut self, most: Duration) -> Result<(), ClaimError> {
            self.end.flush(Wait::AtMost(most))
        }
    };
}

use flush;
