//! Rings of many producers and many consumers.

pub mod batch;
pub mod consumer;
pub mod lent;
pub mod producer;
pub mod stat;
pub mod watch;
