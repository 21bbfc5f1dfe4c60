//! ringbuf beside its rivals and the limit of the machine, in one run.
//!
//! Every measurement is a process of its own, so that nothing of one is left to the
//! next; the one that a person starts only starts them by turns and prints a table.
//!
//! Two programs use it: `ringbuf-benches` measures everything, and `ringbuf bench` a
//! [few things](brief). Without the feature `full` there is what the latter needs, which is
//! few crates.

#![cfg_attr(
    not(feature = "full"),
    allow(
        dead_code,
        reason = "of every measurement there is more than a short comparison asks for"
    )
)]

mod board;
pub mod brief;
mod broadcast;
mod crowd;
mod machine;
mod message;
mod once;
#[cfg(feature = "full")]
mod page;
mod pin;
#[cfg(feature = "full")]
mod program;
mod queue;
#[cfg(feature = "full")]
mod raw;
#[cfg(feature = "full")]
mod report;
mod rivals;
mod run;
mod sample;
mod shared;
mod sides;
mod spread;
#[cfg(feature = "full")]
mod targets;
mod workload;

pub use once::{Entry, Once};
#[cfg(feature = "full")]
pub use program::main;
