//! One producer, one consumer.
//!
//! | shape | a message is | use it for |
//! |---|---|---|
//! | [`Producer<T>`], [`Consumer<T>`] | a value of `T`, in a slot of its size | samples, ticks, orders: the fastest |
//! | [`bytes`] | up to `slot_size` bytes, with length, tag and time | video frames |
//! | [`records`] | bytes of any length up to half the ring | packets, lines, mixed messages |
//!
//! All three have the same verbs. `claim`, `commit` and `read`, `release` work in
//! place; `push` and `pop` move values. `try_x` never waits, `x` waits, and
//! `x_timeout` waits at most so long.
//!
//! **When the other side is gone.** A call that finds nothing to do says `Closed`
//! when the other side has closed the ring, and (if it may wait) `PeerDied` when it
//! died: at most 50 ms after the kernel knew. What was committed before is always
//! delivered first. A successor may take a dead peer's seat, and a closed one if the
//! ring was created with [`reopen`](crate::Options::reopen); `wait_for_peer` waits
//! for one.
//!
//! **When a consumer dies** holding messages, its successor gets exactly those again,
//! flagged, or has them dropped and counted, as the ring's
//! [`Redelivery`](crate::Redelivery) says.

pub mod bytes;
pub mod records;
mod slots;

pub use crate::payload::Payload;
pub use ringbuf_core::slip::Slip;
pub use slots::{Claim, Consumer, Producer, View};

/// What every handle of an `spsc` ring has besides: what it knows about both sides.
macro_rules! neighbour {
    () => {
        /// How the last one on this seat went.
        #[must_use]
        pub fn predecessor(&self) -> Predecessor {
            self.end.predecessor()
        }

        /// Whether somebody sits on the other side; asks the kernel.
        ///
        /// # Errors
        /// [`OpenError::Corrupt`], [`OpenError::Forked`].
        pub fn peer(&self) -> Result<Presence, OpenError> {
            self.end.presence()
        }

        /// Waits until somebody living sits on the other side. False: nobody came in
        /// time. Without a limit, waits for as long as it takes.
        ///
        /// # Errors
        /// [`OpenError::Corrupt`], [`OpenError::Forked`].
        pub fn wait_for_peer(&self, most: Option<Duration>) -> Result<bool, OpenError> {
            self.end.wait_for_peer(most.map_or(Wait::Forever, Wait::AtMost))
        }

        /// How long this handle spins before it sleeps.
        ///
        /// 10 µs by default, about what it costs to sleep and be woken; none on a
        /// machine with one processor.
        pub fn set_spin(&mut self, spin: Duration) {
            self.end.set_spin(spin);
        }
    };
}

pub(crate) use neighbour;

/// What every producer has: waiting until nothing is left in the ring.
///
/// `$stream` is the stream inside `$core`.
macro_rules! flush {
    ($core:ident => $stream:expr) => {
        /// Waits until the consumer has released everything that was committed.
        ///
        /// Dropping the producer does not wait: what is left then is for whoever
        /// still comes to read.
        ///
        /// # Errors
        /// [`ClaimError::Closed`] and [`ClaimError::PeerDied`] if something is left
        /// and the consumer is gone, and the lasting ones.
        pub fn flush(&mut self) -> Result<(), ClaimError> {
            let $core = &mut *self.core;
            self.end.flush(Wait::Forever, $stream)
        }

        /// As [`flush`](Self::flush), but waits at most so long.
        ///
        /// # Errors
        /// As [`flush`](Self::flush), and [`ClaimError::TimedOut`].
        pub fn flush_timeout(&mut self, most: Duration) -> Result<(), ClaimError> {
            let $core = &mut *self.core;
            self.end.flush(Wait::AtMost(most), $stream)
        }
    };
}

pub(crate) use flush;

/// What every consumer has besides.
macro_rules! slip {
    () => {
        /// Whether, and for how long, this handle pauses when it has read all of a burst of
        /// messages, before it looks for more. Not at all by default.
        ///
        /// Where the consumer is as fast as the producer, both are faster if it looks less
        /// often; see [`Slip`](crate::spsc::Slip) for what that costs.
        pub fn set_slip(&mut self, slip: crate::spsc::Slip) {
            self.slipping.set(slip);
        }
    };
}

pub(crate) use slip;
