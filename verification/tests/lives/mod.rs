//! The lives that `tests/mortal.rs` ends early.

pub(crate) mod event;
pub(crate) mod hall;
pub(crate) mod lanes;
pub(crate) mod passing;
pub(crate) mod publishers;
pub(crate) mod records;
pub(crate) mod rows;
pub(crate) mod slots;
pub(crate) mod subscribers;
pub(crate) mod tickers;
