//! Ways to come by a handle, the same for every kind of ring and shape.

/// How often a handle is opened again when the name comes to mean another ring.
const OPEN_TRIES_MAX: u32 = 8;

/// What every handle has: ways to come by one.
///
/// `$spec` makes the description of a new ring from options; `take_seat` of the same
/// type takes the seat, and `end` is the field that keeps it.
macro_rules! opening {
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
            crate::handle::retry(|| {
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
        /// [`OpenError::NotFound`], [`OpenError::InUse`] or
        /// [`OpenError::TooManyPeers`] while the living sit on all its seats,
        /// [`OpenError::Closed`] if the last one closed it and the ring is not to be
        /// reopened, [`OpenError::PayloadType`] if it holds other messages; others say
        /// what is wrong with the file.
        pub fn open(name: impl AsRef<OsStr>) -> Result<Self, OpenError> {
            Self::open_with(name, &Options::new())
        }

        /// Takes a seat on the ring of this name or path, with what the options say
        /// about opening.
        ///
        /// # Errors
        /// As [`open`](Self::open).
        pub fn open_with(name: impl AsRef<OsStr>, options: &Options) -> Result<Self, OpenError> {
            crate::handle::retry(|| {
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
    };
}

pub(crate) use opening;

/// Tries to open until the name means the ring that was opened.
pub(crate) fn retry<T>(
    mut open: impl FnMut() -> Result<Option<T>, crate::OpenError>,
) -> Result<T, crate::OpenError> {
    for _ in 0..OPEN_TRIES_MAX {
        if let Some(handle) = open()? {
            return Ok(handle);
        }
    }
    Err(crate::OpenError::NotFound)
}
