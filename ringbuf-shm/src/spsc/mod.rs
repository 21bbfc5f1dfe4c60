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
pub use slots::{Claim, Consumer, Producer, View};

/// How often a handle is opened again when the name comes to mean another ring.
const OPEN_TRIES_MAX: u32 = 8;

/// What every handle has: ways to come by one, and what it knows about both sides.
///
/// `$spec` makes the description of a new ring from options; `take_seat` of the
/// same type takes the seat.
macro_rules! handle {
    ($spec:expr) => {
        /// Makes a new ring of this name and takes a seat on it.
        ///
        /// A name with `/` is a path. Either side may make the ring.
        ///
        /// # Errors
        /// [`OpenError::Exists`] if the name is taken; others say what is wrong.
        pub fn create(name: impl AsRef<OsStr>, options: &Options) -> Result<Self, OpenError> {
            let ring = Ring::create(name.as_ref(), $spec(options)?, options)?;
            Self::take_seat(&ring, options)
        }

        /// Takes a seat on the ring of this name, which is made if there is none.
        ///
        /// # Errors
        /// [`OpenError::Different`] if there is one that is not as the options say;
        /// otherwise as [`open`](Self::open).
        pub fn create_or_open(
            name: impl AsRef<OsStr>,
            options: &Options,
        ) -> Result<Self, OpenError> {
            let spec = $spec(options)?;
            crate::spsc::retry(|| {
                let ring = Ring::create_or_open(name.as_ref(), &spec, options)?;
                let handle = Self::take_seat(&ring, options)?;
                Ok(ring.still_named()?.then_some(handle))
            })
        }

        /// Makes a ring without a name and takes a seat on it. Make the other side
        /// with [`attach`](Self::attach), here or in a child, or wherever the
        /// descriptor of [`ring`](Self::ring) is passed to.
        ///
        /// # Errors
        /// See [`OpenError`].
        pub fn create_unnamed(options: &Options) -> Result<Self, OpenError> {
            let ring = Ring::create_unnamed($spec(options)?, options)?;
            Self::take_seat(&ring, options)
        }

        /// Takes a seat on the ring of this name or path.
        ///
        /// A dead predecessor is followed, a living one is not disturbed.
        ///
        /// # Errors
        /// [`OpenError::NotFound`], [`OpenError::InUse`] while a living peer sits
        /// there, [`OpenError::Closed`] if the last one closed it and the ring is
        /// not to be reopened, [`OpenError::PayloadType`] if it holds other
        /// messages; others say what is wrong with the file.
        pub fn open(name: impl AsRef<OsStr>) -> Result<Self, OpenError> {
            Self::open_with(name, &Options::new())
        }

        /// Takes a seat on the ring of this name or path, with what the options say
        /// about opening.
        ///
        /// # Errors
        /// As [`open`](Self::open).
        pub fn open_with(name: impl AsRef<OsStr>, options: &Options) -> Result<Self, OpenError> {
            crate::spsc::retry(|| {
                let ring = Ring::open_with(name.as_ref(), options)?;
                let handle = Self::take_seat(&ring, options)?;
                Ok(ring.still_named()?.then_some(handle))
            })
        }

        /// Takes a seat on an open ring.
        ///
        /// # Errors
        /// As [`open`](Self::open).
        pub fn attach(ring: &Ring) -> Result<Self, OpenError> {
            Self::attach_with(ring, &Options::new())
        }

        /// Takes a seat on an open ring, which must hold messages of the type that
        /// the options name.
        ///
        /// # Errors
        /// As [`open`](Self::open).
        pub fn attach_with(ring: &Ring, options: &Options) -> Result<Self, OpenError> {
            Self::take_seat(ring, options)
        }

        /// The ring on which this seat is.
        #[must_use]
        pub fn ring(&self) -> &Ring {
            self.end.ring()
        }

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

pub(crate) use handle;

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

/// Tries to open until the name means the ring that was opened.
fn retry<T>(
    mut open: impl FnMut() -> Result<Option<T>, crate::OpenError>,
) -> Result<T, crate::OpenError> {
    for _ in 0..OPEN_TRIES_MAX {
        if let Some(handle) = open()? {
            return Ok(handle);
        }
    }
    Err(crate::OpenError::NotFound)
}
