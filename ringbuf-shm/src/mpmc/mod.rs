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
//!   Producers wait only when no slot is free, or when the oldest message of a full lap
//!   has not been taken by anybody. To find what to pass for, and to get there, takes a
//!   look at each slot at most, so a message that had to move costs those who read it more
//!   the more slots there are.
//! - [`Fast`](crate::Progress::Fast): one compare-and-swap less for each commit and each
//!   release. A claim that is not committed holds up those who read its lane when they
//!   come to it, though later messages are complete (`Busy`); a view that is not
//!   released holds up producers when they come round to it, a lap later, though other
//!   slots are free.
//!
//! **When the other side is gone** (the last of its peers has left or died) consumers
//! are told so when nothing is left and nothing can come back, producers when the ring
//! is full. Others may come at any time.

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
