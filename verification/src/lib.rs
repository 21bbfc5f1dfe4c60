//! What is checked about the rings, and how.
//!
//! The protocols of `ringbuf-core` touch nothing but a
//! [`Machine`](ringbuf_core::machine::Machine). Here are the machines that are
//! not memory: one on which a model checker decides what every load returns, one
//! that ends at any single operation, one that counts. The very lines that run in
//! production run on them.
//!
//! | file | what |
//! |---|---|
//! | [`site`] | the place of one operation in the source, and sets of them |
//! | [`source`] | the same operations, found by reading the source |
//! | [`lab`] | the loom machine: every interleaving, every allowed old value |
//! | [`kernel`] | the kernel's locks, as far as the protocols see them |
//! | [`mortal`] | plain words and a participant that ends at its n-th operation |
//! | [`counting`] | plain words that count what is done to them |
//! | [`broadcast_words`] | all words of a broadcast ring, on any machine |
//! | [`tick_words`] | all words of a ring of ticks, on any machine |
//! | [`threads`] | real threads on real atomics, and a diary of what they were answered |
//! | [`history`] | whether what they were answered is what a queue answers |
//! | [`model`] | the scenes that loom explores |
//! | [`child`] | child processes that are reaped and cannot hang a test |
//!
//! The checks themselves are in `tests/`; which promise each of them keeps is in
//! the README.

pub mod broadcast_words;
pub mod child;
pub mod counting;
pub mod history;
pub mod kernel;
pub mod lab;
pub mod model;
pub mod mortal;
pub mod plain_lane;
pub mod site;
pub mod source;
pub mod threads;
pub mod tick_words;
