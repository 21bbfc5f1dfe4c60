//! A ring: the open file, its description and its mapping.

#[cfg(test)]
mod tests;

use crate::backing::{self, Access, Naming};
use crate::error::OpenError;
use crate::first_words::first_words;
use crate::header::{Description, Fence, OtherBoot, Shape, Spec, boot_id};
use crate::kind::Kind;
use crate::layout::IMMUTABLE_LEN;
use crate::locks::Lookout;
use crate::map::Map;
use crate::name::{self, Place, check_file};
use crate::options::Options;
use crate::payload::Payload;
use crate::pool::Pool;
use crate::stat::Stats;
use crate::stat::broadcast::BroadcastStats;
use crate::stat::mpmc::MpmcStats;
use crate::stat::watch::Sightings;
use rustix::fs::FlockOperation;
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How often an open is tried again when the name comes to mean another file.
const OPEN_TRIES_MAX: u32 = 8;

/// An open ring, without a seat on it.
///
/// Whoever only wants to look ([`stats`](Self::stats), [`metadata`](Self::metadata))
/// or to hand the ring on needs no more. A producer or a consumer is made on it by
/// `attach`, and keeps it open by itself: cloning a `Ring` is cheap, and the memory
/// lives until the last user of it is gone, also when its name was removed.
#[derive(Clone, Debug)]
pub struct Ring {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: OwnedFd,
    description: Description,
    map: Map,
    granted: Granted,
    /// Where the name was found, if there was one.
    place: Option<Place>,
}

/// What was asked for beyond plain memory, and what the system gave.
///
/// `None`: not asked for. `Some(false)`: asked for and not granted; the ring works
/// all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// Every page was faulted in.
    pub prefault: Option<bool>,
    /// Every page stays in memory.
    pub lock_memory: Option<bool>,
    /// At least part of the payload lies in huge pages.
    pub huge_pages: Option<bool>,
}

impl Ring {
    /// Makes an `mpmc` ring of values of `T` under a name (or a path, with a `/` in it)
    /// that is free, without a seat on it.
    ///
    /// # Errors
    /// [`OpenError::Exists`] if the name is taken; others say what is wrong.
    ///
    /// ```
    /// use ringbuf_shm::{Options, Ring};
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("jobs");
    /// let options = Options::new().capacity(256).lanes(4).producers_max(8);
    /// let ring = Ring::create_mpmc::<u64>(&path, &options)?;
    /// assert_eq!((ring.lanes(), ring.mpmc_stats()?.lanes[0].free), (4, 256));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_mpmc<T: Payload>(
        name: impl AsRef<OsStr>,
        options: &Options,
    ) -> Result<Self, OpenError> {
        Self::create(name.as_ref(), options.mpmc_slots_of::<T>()?, options)
    }

    /// Makes an `mpmc` ring of byte slots, as [`create_mpmc`](Self::create_mpmc).
    ///
    /// # Errors
    /// As [`create_mpmc`](Self::create_mpmc).
    pub fn create_mpmc_bytes(
        name: impl AsRef<OsStr>,
        options: &Options,
    ) -> Result<Self, OpenError> {
        Self::create(name.as_ref(), options.mpmc_bytes()?, options)
    }

    /// Makes a broadcast ring of values of `T`, as [`create_mpmc`](Self::create_mpmc).
    ///
    /// # Errors
    /// As [`create_mpmc`](Self::create_mpmc).
    ///
    /// ```
    /// use ringbuf_shm::{Options, Ring};
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("ticks");
    /// let options = Options::new().capacity(256).subscribers_max(8);
    /// let ring = Ring::create_broadcast::<[u64; 16]>(&path, &options.views_max(16))?;
    /// assert_eq!(ring.pool().unwrap().slots, 256 + 1 + 16);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_broadcast<T: Payload>(
        name: impl AsRef<OsStr>,
        options: &Options,
    ) -> Result<Self, OpenError> {
        Self::create(name.as_ref(), options.broadcast_slots_of::<T>()?, options)
    }

    /// Makes a broadcast ring of byte slots, as [`create_mpmc`](Self::create_mpmc).
    ///
    /// # Errors
    /// As [`create_mpmc`](Self::create_mpmc).
    pub fn create_broadcast_bytes(
        name: impl AsRef<OsStr>,
        options: &Options,
    ) -> Result<Self, OpenError> {
        Self::create(name.as_ref(), options.broadcast_bytes()?, options)
    }

    /// Makes a ring of this description under a name that is free.
    pub(crate) fn create(name: &OsStr, spec: Spec, options: &Options) -> Result<Self, OpenError> {
        let place = Place::resolve(name, true)?;
        let description = describe(spec)?;
        let file = make(&place, &description, options.access()?, Naming::New)?;
        Self::map(file, description, options, Some(place))
    }

    /// Opens the ring of this name if there is one, which must then be of this
    /// description; makes it if there is none.
    pub(crate) fn create_or_open(
        name: &OsStr,
        spec: &Spec,
        options: &Options,
    ) -> Result<Self, OpenError> {
        for _ in 0..OPEN_TRIES_MAX {
            match Self::create(name, spec.clone(), options) {
                Err(OpenError::Exists) => {}
                done => return done,
            }
            match Self::open_with(name, options) {
                Err(OpenError::NotFound) => {}
                done => {
                    let ring = done?;
                    ring.expect_like(spec)?;
                    if options.insists_on_full_fences() && ring.fence() != Fence::Full {
                        return Err(OpenError::Different("fence"));
                    }
                    return Ok(ring);
                }
            }
        }
        Err(OpenError::Exists)
    }

    /// Makes a ring without a name, for threads, children, and whoever is handed
    /// its descriptor.
    pub(crate) fn create_unnamed(spec: Spec, options: &Options) -> Result<Self, OpenError> {
        let description = describe(spec)?;
        let parts = first_words(&description);
        let file = backing::create_unnamed(description.file_len, &parts)?;
        Self::map(file, description, options, None)
    }

    /// Opens a ring by its name, or by a path (with a `/` in it), to look at it.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with it; nothing is believed that was not
    /// checked.
    pub fn open(name: impl AsRef<OsStr>) -> Result<Self, OpenError> {
        let place = Place::resolve(name.as_ref(), false)?;
        let (file, description) = find(&place, &Options::new())?;
        if description.of_other_boot(boot_id()?) {
            return Err(OpenError::OtherBoot);
        }
        Self::map(file, description, &Options::new(), Some(place))
    }

    /// Opens a ring by its name or path, with what the options say about opening, to
    /// take a seat on it: after a restart of the machine it is replaced by an empty
    /// one, if it was created to be.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(name: impl AsRef<OsStr>, options: &Options) -> Result<Self, OpenError> {
        let place = Place::resolve(name.as_ref(), false)?;
        let (file, description) = find(&place, options)?;
        if !description.of_other_boot(boot_id()?) {
            return Self::map(file, description, options, Some(place));
        }
        if description.spec.other_boot == OtherBoot::Refuse {
            return Err(OpenError::OtherBoot);
        }
        // One of the peers replaces it, the others wait for that and find the new one.
        rustix::io::retry_on_intr(|| rustix::fs::flock(&file, FlockOperation::LockExclusive))
            .map_err(OpenError::io("lock the ring"))?;
        if same_file(&place, &file)? {
            let access = access_of(&file)?;
            let description = describe(description.spec)?;
            let file = make(&place, &description, access, Naming::Replace)?;
            return Self::map(file, description, options, Some(place));
        }
        let (file, description) = find(&place, options)?;
        Self::map(file, description, options, Some(place))
    }

    /// Opens a ring by a descriptor: one that was inherited, received over a
    /// socket, or got from [`as_fd`](AsFd::as_fd) of another `Ring`.
    ///
    /// The descriptor is not kept: the ring is opened anew through
    /// `/proc/self/fd`, so that its locks are its own.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_fd(file: impl AsFd) -> Result<Self, OpenError> {
        Self::from_fd_with(file, &Options::new())
    }

    /// Opens a ring by a descriptor, with what the options say about opening.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_fd_with(file: impl AsFd, options: &Options) -> Result<Self, OpenError> {
        let given = rustix::fs::fstat(&file).map_err(OpenError::io("look at the ring"))?;
        check_file(&given, &options.owners, options.accepts_group(), false)?;
        let file = backing::reopen(file.as_fd())?;
        let description = inspect(&file, options, false)?;
        if description.of_other_boot(boot_id()?) {
            return Err(OpenError::OtherBoot);
        }
        Self::map(file, description, options, None)
    }

    /// Removes the name under which this ring was opened, unless it means another
    /// ring by now; whether it was removed.
    ///
    /// # Errors
    /// [`OpenError::Io`].
    pub fn remove(&self) -> Result<bool, OpenError> {
        match &self.inner.place {
            Some(place) if same_file(place, &self.inner.file)? => match place.unlink() {
                Ok(()) => Ok(true),
                Err(OpenError::NotFound) => Ok(false),
                Err(error) => Err(error),
            },
            _ => Ok(false),
        }
    }

    /// Removes a name. Whoever has the ring open keeps it; the memory is given back
    /// when the last of them closes it.
    ///
    /// # Errors
    /// [`OpenError::NotFound`], [`OpenError::Name`], [`OpenError::Io`].
    pub fn unlink(name: impl AsRef<OsStr>) -> Result<(), OpenError> {
        Place::resolve(name.as_ref(), false)?.unlink()
    }

    fn map(
        file: OwnedFd,
        description: Description,
        options: &Options,
        place: Option<Place>,
    ) -> Result<Self, OpenError> {
        let map = Map::new(&file, &description)?;
        let granted = Granted {
            prefault: options.prefault.then(|| map.populate().is_ok()),
            lock_memory: options.lock_memory.then(|| map.lock().is_ok()),
            huge_pages: options.huge_pages.then(|| map.collapse().unwrap_or(false)),
        };
        let inner = Inner { file, description, map, granted, place };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Who may attach.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.spec().sides.kind()
    }

    /// How many lanes there are; 1 in a ring that is not `mpmc`.
    #[must_use]
    pub fn lanes(&self) -> u32 {
        self.spec().sides.lanes()
    }

    /// What a message is, and the sizes.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.spec().shape
    }

    /// The slots of a broadcast ring, and what they cost; `None` of other kinds.
    #[must_use]
    pub fn pool(&self) -> Option<Pool> {
        Pool::of(self.spec())
    }

    /// How long the publisher of a broadcast ring waits for a lossless subscriber; `None`:
    /// for ever, or a ring of another kind.
    #[must_use]
    pub fn reader_patience(&self) -> Option<Duration> {
        self.spec().sides.reader_patience()
    }

    /// The bytes that the creator left for whoever opens the ring.
    #[must_use]
    pub fn metadata(&self) -> &[u8] {
        &self.spec().metadata
    }

    /// The name that the creator gave to the type of the messages; often empty.
    #[must_use]
    pub fn type_name(&self) -> &str {
        &self.spec().type_name
    }

    /// Bytes of memory that the ring takes.
    #[must_use]
    pub fn file_len(&self) -> u64 {
        self.description().file_len
    }

    /// When the ring was made, nanoseconds since 1970.
    #[must_use]
    pub fn created(&self) -> u64 {
        self.description().created
    }

    /// 16 bytes that no other ring has.
    #[must_use]
    pub fn id(&self) -> [u8; 16] {
        self.description().ring_id
    }

    /// What of the [options](Options) about memory the system granted.
    #[must_use]
    pub fn granted(&self) -> Granted {
        self.inner.granted
    }

    /// Whether peers of this ring ever sleep, and how.
    #[must_use]
    pub fn sleeper(&self) -> crate::Sleeper {
        self.spec().sleeper
    }

    /// Who pays so that no sleeper is missed.
    #[must_use]
    pub fn fence(&self) -> Fence {
        self.spec().fence
    }

    /// Whether peers of an `mpmc` ring wait for one that was stopped while it held a slot;
    /// those of an `spsc` ring do, those of a broadcast ring never do.
    #[must_use]
    pub fn progress(&self) -> crate::Progress {
        self.spec().sides.progress()
    }

    /// A snapshot of what both sides of an `spsc` ring did and whether they live.
    ///
    /// # Errors
    /// [`OpenError::Corrupt`] if a shared word holds an impossible value,
    /// [`OpenError::OtherKind`] of a ring of another kind.
    pub fn stats(&self) -> Result<Stats, OpenError> {
        self.expect_kind(Kind::Spsc)?;
        Stats::take(self.mapping(), self.spec(), self.lookout())
    }

    /// A snapshot of an `mpmc` ring: what is in its lanes, and who is attached.
    ///
    /// Looks at every slot of the ring, once: for how long slots are held is known to an
    /// [`MpmcWatch`](crate::MpmcWatch), which looks more often.
    ///
    /// # Errors
    /// [`OpenError::Corrupt`] if a shared word holds an impossible value,
    /// [`OpenError::OtherKind`] of a ring of another kind.
    pub fn mpmc_stats(&self) -> Result<MpmcStats, OpenError> {
        self.mpmc_stats_seen(&mut Sightings::default())
    }

    pub(crate) fn mpmc_stats_seen(
        &self,
        sightings: &mut Sightings,
    ) -> Result<MpmcStats, OpenError> {
        self.expect_kind(Kind::Mpmc)?;
        MpmcStats::take(self.mapping(), self.spec(), self.lookout(), sightings)
    }

    /// A snapshot of a broadcast ring: what is in it, who is attached, and what each
    /// subscriber lost and holds.
    ///
    /// # Errors
    /// [`OpenError::Corrupt`] if a shared word holds an impossible value,
    /// [`OpenError::OtherKind`] of a ring of another kind.
    ///
    /// ```
    /// use ringbuf_shm::{Options, broadcast::{Delivery, Publisher, Subscriber}};
    /// let mut publisher = Publisher::<u64>::create_unnamed(&Options::new().capacity(4))?;
    /// let viewer = Subscriber::<u64>::attach(publisher.ring(), Delivery::Lossy)?;
    /// publisher.push(7)?;
    /// let stats = publisher.ring().broadcast_stats()?;
    /// assert_eq!((stats.published, stats.subscribers[0].lag), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn broadcast_stats(&self) -> Result<BroadcastStats, OpenError> {
        self.expect_kind(Kind::Broadcast)?;
        BroadcastStats::take(self.mapping(), self.spec(), self.lookout())
    }

    /// Whether the name under which the ring was opened still means it; true of a
    /// ring that was opened without one.
    ///
    /// # Errors
    /// [`OpenError::Io`].
    pub fn still_named(&self) -> Result<bool, OpenError> {
        match &self.inner.place {
            Some(place) => same_file(place, &self.inner.file),
            None => Ok(true),
        }
    }

    pub(crate) fn description(&self) -> &Description {
        &self.inner.description
    }

    pub(crate) fn spec(&self) -> &Spec {
        &self.inner.description.spec
    }

    pub(crate) fn mapping(&self) -> &Map {
        &self.inner.map
    }

    /// Asks about peers: no lock is ever taken through the ring's own descriptor.
    pub(crate) fn lookout(&self) -> Lookout<'_> {
        Lookout(self.inner.file.as_fd())
    }

    /// Refuses a ring that is not as a creator would have made it.
    fn expect_like(&self, wanted: &Spec) -> Result<(), OpenError> {
        let found = self.spec();
        self.expect_messages(wanted)?;
        for (same, what) in [
            (found.sides == wanted.sides, decided_for(wanted.sides.kind())),
            (found.shape == wanted.shape, "capacity or slot size"),
            (found.metadata == wanted.metadata, "metadata"),
            (found.sleeper == wanted.sleeper, "kind of sleeper"),
            (found.redelivery == wanted.redelivery, "redelivery policy"),
            (found.reopen == wanted.reopen, "reopening policy"),
            (found.other_boot == wanted.other_boot, "policy for another boot"),
        ] {
            if !same {
                return Err(OpenError::Different(what));
            }
        }
        Ok(())
    }

    fn expect_kind(&self, expected: Kind) -> Result<(), OpenError> {
        match self.kind() {
            found if found == expected => Ok(()),
            found => Err(OpenError::OtherKind { found, expected }),
        }
    }

    /// Refuses a ring that is not a broadcast of values of `T`, in a pool or in its entries.
    pub(crate) fn expect_values_of<T>(&self, options: &Options) -> Result<(), OpenError> {
        let in_place = !matches!(self.shape(), Shape::Ticks(_));
        self.expect_messages(&options.clone().in_place(in_place).broadcast_slots_of::<T>()?)
    }

    /// Refuses a ring of another kind or shape, or of messages of another type.
    pub(crate) fn expect_messages(&self, wanted: &Spec) -> Result<(), OpenError> {
        self.expect_kind(wanted.sides.kind())?;
        let found = self.spec();
        let same = found.shape.name() == wanted.shape.name()
            && found.type_size == wanted.type_size
            && found.type_align == wanted.type_align
            && (found.type_name == wanted.type_name || wanted.type_name.is_empty());
        if same {
            return Ok(());
        }
        Err(OpenError::PayloadType { found: messages(found), expected: messages(wanted) })
    }
}

impl AsFd for Ring {
    /// For handing the ring on: to a child, or over a socket.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.file.as_fd()
    }
}

/// What is decided for rings of this kind alone, for an error message.
fn decided_for(kind: Kind) -> &'static str {
    match kind {
        Kind::Spsc | Kind::Mpmc => "number of lanes, producers, consumers or redeliveries",
        Kind::Broadcast => "number of subscribers or views, or patience with readers",
    }
}

/// What the messages of a ring are, for an error message.
fn messages(spec: &Spec) -> String {
    let name = match spec.type_name.as_str() {
        "" => String::new(),
        name => format!(" `{name}`"),
    };
    match spec.shape {
        Shape::Slots(_) => {
            format!("slots{name} of {} bytes aligned to {}", spec.type_size, spec.type_align)
        }
        Shape::Ticks(_) => {
            format!("ticks{name} of {} bytes aligned to {}", spec.type_size, spec.type_align)
        }
        Shape::Bytes(_) => format!("slots of bytes{name}"),
        Shape::Records(_) => format!("records{name}"),
    }
}

fn describe(spec: Spec) -> Result<Description, OpenError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let created = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    Ok(Description::new(spec, created, backing::random()?, boot_id()?))
}

fn make(
    place: &Place,
    description: &Description,
    access: Access,
    naming: Naming,
) -> Result<OwnedFd, OpenError> {
    let parts = first_words(description);
    backing::create(place, description.file_len, &parts, access, naming)
}

/// Who may open a ring that is to be replaced; only its owner can do that.
fn access_of(file: &OwnedFd) -> Result<Access, OpenError> {
    let stat = rustix::fs::fstat(file).map_err(OpenError::io("look at the ring"))?;
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err(OpenError::OtherBoot);
    }
    Ok(Access { mode: stat.st_mode & 0o777, group: Some(stat.st_gid) })
}

/// Opens the file at a place, checks it and reads its description.
fn find(place: &Place, options: &Options) -> Result<(OwnedFd, Description), OpenError> {
    let file = backing::open(place)?;
    let description = inspect(&file, options, true)?;
    Ok((file, description))
}

/// Checks an open file and reads its description.
fn inspect(file: &OwnedFd, options: &Options, named: bool) -> Result<Description, OpenError> {
    let stat = rustix::fs::fstat(file).map_err(OpenError::io("look at the ring"))?;
    check_file(&stat, &options.owners, options.accepts_group(), named)?;
    let bytes = backing::read_start(file, IMMUTABLE_LEN)?;
    Description::decode(&bytes, stat.st_size.cast_unsigned())
}

fn same_file(place: &Place, file: &OwnedFd) -> Result<bool, OpenError> {
    let ours = rustix::fs::fstat(file).map_err(OpenError::io("look at the ring"))?;
    match place.stat() {
        Ok(named) => Ok((named.st_dev, named.st_ino) == (ours.st_dev, ours.st_ino)),
        Err(rustix::io::Errno::NOENT) => Ok(false),
        Err(errno) => Err(name::missing(errno, "look at the ring")),
    }
}
