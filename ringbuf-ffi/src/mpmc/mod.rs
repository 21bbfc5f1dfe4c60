//! Rings of many producers and many consumers.

pub mod batch;
pub mod consumer;
pub mod lent;
pub mod producer;
pub mod stat;
pub mod watch;

use crate::error::Errno;
use crate::options::{Asked, Shape};

/// Refuses to make a ring of which it was not said that it is one of byte slots.
fn check_shape(asked: &Asked) -> Result<(), Errno> {
    if asked.shape == Some(Shape::Bytes) { Ok(()) } else { Err(Errno::INVALID) }
}
