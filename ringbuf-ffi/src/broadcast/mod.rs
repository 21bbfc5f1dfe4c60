//! Rings of one publisher and many subscribers.

pub mod join;
pub mod message;
pub mod part;
pub mod pool;
pub mod publisher;
pub mod stat;
pub mod subscriber;
pub mod watch;
pub mod writing;
