//! A lock-free ring buffer in a memory-mapped file, shared by processes.
//!
//! Messages go from one process to another in place: written where they are read,
//! with no copy, no daemon, no lock, and no system call while both sides are awake.
//! Any process may be killed at any instruction; the others go on.
//!
//! ```
//! use ringbuf_shm::{Options, spsc};
//!
//! # let directory = tempfile::tempdir()?;
//! # let camera0 = directory.path().join("camera0");
//! let options = Options::new().capacity(8).slot_size(1920 * 1080 * 3 / 2);
//! let mut camera = spsc::bytes::Producer::create(&camera0, &options)?; // a name, or a path
//! let mut frame = camera.claim()?; // room, in place
//! frame.fill(128);
//! let len = frame.len();
//! frame.commit(len)?;
//!
//! let mut viewer = spsc::bytes::Consumer::open(&camera0)?;
//! let frame = viewer.read()?; // in place, until dropped
//! assert_eq!(frame[0], 128);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The rings of one producer and one consumer are in [`spsc`], those of many in [`mpmc`],
//! those of one publisher and many subscribers in [`broadcast`].
//! [`Ring`] is a ring without a seat on it: to look at, to remove, to hand on.
//! [`Options`] says how one is made. [`coming_from`] is for those who know pipes, message
//! queues and semaphores, [`low_latency`] for those who count nanoseconds. The file is
//! described in [`format`](mod@format), byte by byte, the protocol in the documentation of
//! [`ringbuf_core`].
//!
//! # What it does not do
//!
//! - Protect from those who may open the file: they are trusted as this user is. A
//!   damaged or hostile peer makes calls fail with `Corrupt`, never the process with
//!   a signal, except by truncating the file.
//! - Survive a fork: a child opens its own handle, and gets `Forked` from an
//!   inherited one.
//! - Cross machines, or the boundary between 32-bit and 64-bit programs.

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
compile_error!(
    "ringbuf-shm supports Linux on 64-bit targets only, for now: it needs shared futexes and \
     open-file-description locks"
);

mod arrival;
mod backing;
pub mod broadcast;
pub mod coming_from;
mod end;
mod error;
mod find_seat;
mod first_words;
mod fork;
pub mod format;
mod handle;
mod header;
mod kind;
mod layout;
mod lent;
mod locks;
pub mod low_latency;
mod map;
mod membarrier;
pub mod mpmc;
mod name;
mod native;
mod options;
mod patience;
mod payload;
mod pool;
mod prefetch;
mod regions;
mod ring;
pub mod spsc;
mod stat;

pub use error::{ClaimError, OpenError, PushError, ReadError};
pub use header::{Fence, OtherBoot, Redelivery, Shape, Sleeper};
pub use kind::Kind;
pub use layout::{FORMAT_VERSION, METADATA_LEN_MAX, TYPE_NAME_LEN_MAX};
pub use name::{DIRECTORY_VARIABLE, directory, list};
pub use options::Options;
pub use patience::SLICE;
pub use pool::Pool;
pub use ring::{Granted, Ring};
pub use ringbuf_core::mpmc::Progress;
pub use ringbuf_core::peer::{Predecessor, Presence};
pub use stat::broadcast::{BroadcastStats, SubscriberStats};
pub use stat::mpmc::{Holder, LaneStats, MpmcStats};
pub use stat::watch::MpmcWatch;
pub use stat::{PeerStats, Stats};
pub use zerocopy;
