//! The protocols of a shared-memory ring buffer, without the memory.
//!
//! This crate knows which words two processes share, in which order they are
//! loaded and stored, and what may be concluded from them. It does not know
//! where the words are. Every protocol is generic over a [`machine::Machine`],
//! so that the same lines run over a mapped file, under a model checker, and on
//! machines that count, weaken or end at any single operation.
//!
//! It hands out *spans* (which slots, which bytes) and never touches a payload.
//! The memory, the files and the processes are in `ringbuf-shm`, which is the
//! crate to use; depend on this one only to build another home for the rings.
//!
//! | file | what |
//! |---|---|
//! | [`machine`] | all that a protocol may touch |
//! | [`position`] | free-running counts and their distances |
//! | [`geometry`] | sizes, checked once |
//! | [`spsc`] | one producer, one consumer, slots |
//! | [`record`] | one producer, one consumer, bytes of any length |
//! | [`slip`] | a consumer that falls behind on purpose |
//! | [`mpmc`] | many producers, many consumers |
//! | [`lane`] | the words of one lane, and what is held of its slots |
//! | [`strict`] | how whoever is stopped is passed by |
//! | [`floor`] | where a producer that was passed by may not write any more |
//! | [`lanes`] | several lanes in one ring, and which of them has something |
//! | [`slot`] | the word of one slot: who may touch it |
//! | [`sweep`] | what the dead have left, and what the living make of it |
//! | [`flush`] | which messages stand in a lane, for one who waits until they are gone |
//! | [`broadcast`] | one publisher, many subscribers: all the words |
//! | [`publisher`] | the writing end of it |
//! | [`subscriber`] | the reading end of it |
//! | [`entry`] | what stands at a position: the number of a slot |
//! | [`cell`] | which slot somebody looks at |
//! | [`life`] | whether a subscriber is waited for |
//! | [`extent`] | how much of a message may be read |
//! | [`pool`] | where each slot is, as the publisher keeps it to itself |
//! | [`ticks`] | one publisher, many subscribers, small messages: all the words |
//! | [`tick_publisher`] | the writing end of it |
//! | [`tick_subscriber`] | the reading end of it |
//! | [`stamp`] | whether the message of a position stands in its entry |
//! | [`event`] | sleeping without losing a wake-up |
//! | [`peer`] | who is attached, who is dead, who takes over |
//! | [`crowd`] | the other side of a ring of many, and when it is gone |
//! | [`wait`] | looking until something is found or nobody is left |
#![doc = include_str!("../PROTOCOL.md")]
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::std_instead_of_core)]

#[cfg(not(target_pointer_width = "64"))]
compile_error!(
    "ringbuf supports 64-bit targets only: positions and offsets are 64 bits wide and a payload \
     may be larger than 4 GiB"
);

pub mod broadcast;
pub mod cell;
mod course;
pub mod crowd;
mod cursor;
pub mod entry;
pub mod error;
pub mod event;
pub mod extent;
pub mod floor;
pub mod flush;
pub mod geometry;
pub mod lane;
pub mod lanes;
pub mod life;
pub mod machine;
pub mod mpmc;
pub mod peer;
pub mod pool;
pub mod position;
pub mod publisher;
pub mod record;
mod room;
pub mod slip;
pub mod slot;
pub mod spsc;
pub mod stamp;
pub mod strict;
pub mod subscriber;
pub mod sweep;
pub mod tick_publisher;
pub mod tick_subscriber;
pub mod ticks;
pub mod wait;
