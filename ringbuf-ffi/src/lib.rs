//! The C ABI of `ringbuf`: byte slots and records, one producer and one consumer;
//! byte slots for many of each; and byte slots for one publisher and many subscribers.
//!
//! `include/ringbuf.h` is the manual: what each function does, who may call it, what
//! it can answer. ABI.md says what stays as it is. Rust programs use `ringbuf-shm`.
//!
//! | file | has |
//! |---|---|
//! | [`producer`], [`consumer`] | the calls on handles |
//! | [`mpmc`] | the same for rings of many, whose claims and messages stand alone; and who looks at them |
//! | [`broadcast`] | rings of one publisher and many subscribers |
//! | [`ring`] | the calls on names |
//! | [`error`] | the one table of errors |
//! | [`options`], [`message`], [`stat`] | the structures that cross the boundary |
//! | `asked` | what stands in the options, in Rust's own words |
//! | `guard` | how a claim or a view stays open from one call to the next |
//! | `handle` | what producers and consumers of both shapes have in common |
//! | `token` | how something of Rust stands in a structure of C's |
//! | `argument` | what a pointer must pass before it is used |
//!
//! Nothing unwinds into C: a panic, which would be a defect here, ends the process,
//! as every panic in an `extern "C"` function does. To the peers that is a death
//! like any other.

mod argument;
mod asked;
pub mod broadcast;
pub mod consumer;
pub mod error;
mod guard;
mod handle;
pub mod message;
pub mod mpmc;
pub mod options;
pub mod producer;
pub mod ring;
pub mod stat;
mod token;
pub mod version;
