//! What a new ring is to be, and what an existing one is expected to be.

use crate::backing::Access;
use crate::error::OpenError;
use crate::header::{Fence, OtherBoot, Redelivery, Shape, Sides, Sleeper, Spec};
use crate::kind::Kind;
use crate::layout::{CLAIMS, METADATA_LEN_MAX, TYPE_NAME_LEN_MAX};
use crate::membarrier;
use crate::name::{WRITABLE_BY_ALL, WRITABLE_BY_GROUP};
use ringbuf_core::geometry::Records;
use ringbuf_core::mpmc::Progress;
use std::mem::{align_of, size_of};
use std::time::Duration;

const CAPACITY_DEFAULT: u64 = 1024;
/// 1 MiB.
const CAPACITY_BYTES_DEFAULT: u64 = 1 << 20;
/// Rows for producers, and as many for consumers.
const PEERS_DEFAULT: u32 = 64;
const REDELIVERIES_DEFAULT: u32 = 8;
const SUBSCRIBERS_DEFAULT: u32 = 16;
const VIEWS_DEFAULT: u32 = 32;

/// How a ring is made and opened.
///
/// Start with [`Options::new`] and change what is to be different. Everything but
/// [`prefault`](Self::prefault), [`lock_memory`](Self::lock_memory),
/// [`huge_pages`](Self::huge_pages) and [`trust_owner`](Self::trust_owner) is
/// decided when the ring is created and stands in its file from then on.
///
/// ```
/// use ringbuf_shm::Options;
/// let options = Options::new().capacity(8).slot_size(1920 * 1080 * 3 / 2);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    lanes: u32,
    producers_max: u32,
    consumers_max: u32,
    redeliveries_max: u32,
    subscribers_max: u32,
    views_max: u32,
    in_place: bool,
    reader_patience: Option<Duration>,
    capacity: Option<u64>,
    slot_size: u64,
    alignment: u64,
    type_name: String,
    metadata: Vec<u8>,
    sleeper: Sleeper,
    fence: Option<Fence>,
    redelivery: Redelivery,
    progress: Progress,
    reopen: bool,
    other_boot: OtherBoot,
    first_position: Option<u64>,
    mode: u32,
    group: Option<u32>,
    pub(crate) owners: Vec<u32>,
    pub(crate) prefault: bool,
    pub(crate) lock_memory: bool,
    pub(crate) huge_pages: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// 1,024 slots or 1 MiB of records, sleeping, redelivering, for this user only.
    pub fn new() -> Self {
        Self {
            lanes: 1,
            producers_max: PEERS_DEFAULT,
            consumers_max: PEERS_DEFAULT,
            redeliveries_max: REDELIVERIES_DEFAULT,
            subscribers_max: SUBSCRIBERS_DEFAULT,
            views_max: VIEWS_DEFAULT,
            in_place: false,
            reader_patience: None,
            capacity: None,
            slot_size: 0,
            alignment: 8,
            type_name: String::new(),
            metadata: Vec::new(),
            sleeper: Sleeper::Futex,
            fence: None,
            redelivery: Redelivery::Redeliver,
            progress: Progress::default(),
            reopen: false,
            other_boot: OtherBoot::Refuse,
            first_position: None,
            mode: 0o600,
            group: None,
            owners: Vec::new(),
            prefault: false,
            lock_memory: false,
            huge_pages: false,
        }
    }

    /// How many slots, or how many bytes of a ring of records: rounded up to a
    /// power of two. In an `mpmc` ring, slots of each lane, 64 at least. In a broadcast
    /// ring, the messages that it keeps, 2 at least; see [`Pool`](crate::Pool).
    pub fn capacity(mut self, capacity: u64) -> Self {
        self.capacity = Some(capacity);
        self
    }

    /// How many lanes an `mpmc` ring has: 1 (the default) to 64. Rings of other kinds
    /// have one.
    ///
    /// Each lane keeps its own order; peers of different lanes do not meet.
    pub fn lanes(mut self, lanes: u32) -> Self {
        self.lanes = lanes;
        self
    }

    /// How many producers an `mpmc` ring has room for: 64 by default, at least 1, and
    /// 4,096 together with the consumers. Rings of other kinds have one.
    pub fn producers_max(mut self, producers: u32) -> Self {
        self.producers_max = producers;
        self
    }

    /// How many consumers an `mpmc` ring has room for: 64 by default, at least 1, and
    /// 4,096 together with the producers. Rings of other kinds have one.
    pub fn consumers_max(mut self, consumers: u32) -> Self {
        self.consumers_max = consumers;
        self
    }

    /// How often a message of an `mpmc` ring is delivered again, because the consumer
    /// that was shown it died, before it is dropped and counted: 1 to 254, 8 by
    /// default.
    ///
    /// A message that kills whoever reads it does not go round for ever. Without
    /// effect under [`Redelivery::Drop`] and in rings of other kinds.
    pub fn redeliveries_max(mut self, times: u32) -> Self {
        self.redeliveries_max = times;
        self
    }

    /// How many subscribers a broadcast ring has room for: 1 to 1,024, 16 by default. Rings
    /// of other kinds have none.
    pub fn subscribers_max(mut self, subscribers: u32) -> Self {
        self.subscribers_max = subscribers;
        self
    }

    /// How many messages of a broadcast ring may be looked at at once, in all, for all
    /// subscribers together: 1 to 4,096, 32 by default. Each costs one more slot.
    ///
    /// A subscriber takes its part of them when it joins, and is refused if too few are
    /// left. No effect in rings of other kinds, nor in rings of [ticks](Self::in_place).
    pub fn views_max(mut self, views: u32) -> Self {
        self.views_max = views;
        self
    }

    /// Whether small values of a broadcast ring, too, stand in a pool, to be looked at in place.
    ///
    /// By default values of up to 120 bytes are *ticks*: they stand in the entries of the ring
    /// and are copied, which is much faster. Larger ones, and bytes, have a pool in any case.
    /// Openers find out; they need not say it again. No effect in rings of other kinds.
    pub fn in_place(mut self, in_place: bool) -> Self {
        self.in_place = in_place;
        self
    }

    /// How long the publisher of a broadcast ring waits for a lossless subscriber that
    /// keeps it from going on, before it goes on without: for ever by default (`None`).
    ///
    /// The subscriber is told, and how many messages it lost. One that died is waited for
    /// in no case. Counted in nanoseconds, one at least, and at most 584 years. No effect
    /// in rings of other kinds.
    pub fn reader_patience(mut self, patience: Option<Duration>) -> Self {
        self.reader_patience = patience;
        self
    }

    /// Bytes of the longest message in a ring of byte slots.
    pub fn slot_size(mut self, bytes: u64) -> Self {
        self.slot_size = bytes;
        self
    }

    /// What the address of every record is a multiple of: 8 (the default) or 64.
    ///
    /// Byte slots are always at multiples of 64, typed slots as their type wants.
    pub fn record_alignment(mut self, alignment: u64) -> Self {
        self.alignment = alignment;
        self
    }

    /// A name for the type of the messages, at most 256 bytes: `"Tick v2"`.
    ///
    /// An opener that gives a name is refused by a ring of another. Without names,
    /// rings of typed slots are told apart by size and alignment alone.
    pub fn type_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.type_name);
        self
    }

    /// Up to 4 KiB for the user, written once: a video's format, a schema.
    pub fn metadata(mut self, bytes: &[u8]) -> Self {
        bytes.clone_into(&mut self.metadata);
        self
    }

    /// How the peers of the ring sleep.
    pub fn sleeper(mut self, sleeper: Sleeper) -> Self {
        self.sleeper = sleeper;
        self
    }

    /// Who pays so that no sleeper is missed: whoever publishes, or whoever goes to sleep.
    ///
    /// By default the sleeper ([`Fence::Asymmetric`]) where the kernel offers that to the
    /// creator, which Linux has done since 4.16. Choose [`Fence::Full`] if a process must not
    /// be interrupted. No effect in rings whose peers never sleep. Where the kernel refuses
    /// it to a peer, that one works all the same: as a publisher it pays itself, as a sleeper
    /// it sleeps for a millisecond at a time, which is counted
    /// ([`PeerStats::unfenced`](crate::PeerStats::unfenced)).
    ///
    /// Of a ring that exists it is not asked, but for [`Fence::Full`] by `create_or_open`: a
    /// process that must not be interrupted does not get into a ring that would see to it.
    pub fn fence(mut self, fence: Fence) -> Self {
        self.fence = Some(fence);
        self
    }

    /// What becomes of messages that a consumer was shown and had not released
    /// when it died. No effect in broadcast rings, where nobody's death takes a message
    /// from anybody else.
    pub fn redelivery(mut self, redelivery: Redelivery) -> Self {
        self.redelivery = redelivery;
        self
    }

    /// Whether peers of an `mpmc` ring wait for one that was stopped while it held a slot;
    /// by default they do not ([`Progress::Strict`]). No effect in rings of other kinds.
    pub fn progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Whether another peer may follow one that closed its side. One that died can
    /// always be followed, and so can everyone in an `mpmc` ring.
    pub fn reopen(mut self, reopen: bool) -> Self {
        self.reopen = reopen;
        self
    }

    /// What to do with the ring after a restart of the machine.
    pub fn other_boot(mut self, other_boot: OtherBoot) -> Self {
        self.other_boot = other_boot;
        self
    }

    /// The position at which the ring starts; for tests near the wrap of 2^64.
    ///
    /// One capacity by default. In a ring of records, a multiple of the alignment.
    pub fn first_position(mut self, position: u64) -> Self {
        self.first_position = Some(position);
        self
    }

    /// The mode of the file; 0600 by default.
    ///
    /// Group members can open a ring of mode 0660 that was given to their
    /// [`group`](Self::group) if they [trust its owner](Self::trust_owner). The
    /// ring must then have a path that both can reach: a user's own directory of
    /// rings is closed to others. Its owner, too, opens it only with a mode such as
    /// this, or by trusting himself: whoever may write to a ring can mislead its
    /// peers, so each of them has to say that this is meant. No mode may let
    /// everybody write.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// The group the file is given to.
    pub fn group(mut self, gid: u32) -> Self {
        self.group = Some(gid);
        self
    }

    /// Opens rings of this user too, also when their group may write to them.
    ///
    /// Whoever may write to a ring's file can make its peers read anything: ask for
    /// this only with users you trust as yourself.
    pub fn trust_owner(mut self, uid: u32) -> Self {
        self.owners.push(uid);
        self
    }

    /// Faults every page in while opening, so that none is faulted in later.
    pub fn prefault(mut self, prefault: bool) -> Self {
        self.prefault = prefault;
        self
    }

    /// Keeps every page in memory (`mlock`); needs a sufficient `RLIMIT_MEMLOCK`.
    pub fn lock_memory(mut self, lock: bool) -> Self {
        self.lock_memory = lock;
        self
    }

    /// Asks for huge pages of 2 MiB under the payload.
    ///
    /// A ring created so has its payload at a multiple of 2 MiB. Whether the kernel
    /// granted it is said by [`Ring::granted`](crate::Ring::granted).
    pub fn huge_pages(mut self, huge: bool) -> Self {
        self.huge_pages = huge;
        self
    }

    pub(crate) fn access(&self) -> Result<Access, OpenError> {
        if self.mode & WRITABLE_BY_ALL != 0 {
            return Err(OpenError::Untrusted("a ring of this mode everybody could write to"));
        }
        Ok(Access { mode: self.mode & 0o777, group: self.group })
    }

    /// Whether a ring may be opened to which its group may write: the user trusts
    /// its owner, or would make it so.
    pub(crate) fn accepts_group(&self) -> bool {
        !self.owners.is_empty() || self.mode & WRITABLE_BY_GROUP != 0
    }

    /// Whether the user said so, which is more than that the kernel offers nothing else.
    pub(crate) fn insists_on_full_fences(&self) -> bool {
        self.fence == Some(Fence::Full)
    }

    /// A ring of values of `T`, side by side.
    pub(crate) fn slots_of<T>(&self) -> Result<Spec, OpenError> {
        self.slots_between::<T>(Sides::Spsc)
    }

    /// A ring of byte slots, each with the header of its message.
    pub(crate) fn bytes(&self) -> Result<Spec, OpenError> {
        self.bytes_between(Sides::Spsc)
    }

    /// A ring of values of `T` for many peers, each value behind the words of its slot.
    pub(crate) fn mpmc_slots_of<T>(&self) -> Result<Spec, OpenError> {
        self.slots_between::<T>(self.many()?)
    }

    /// A ring of byte slots for many peers.
    pub(crate) fn mpmc_bytes(&self) -> Result<Spec, OpenError> {
        self.bytes_between(self.many()?)
    }

    /// A ring of values of `T` for one publisher and many subscribers: in its entries if they
    /// are small and nobody wants to look at them in place, else in a pool.
    pub(crate) fn broadcast_slots_of<T>(&self) -> Result<Spec, OpenError> {
        let (size, align) = (size_of::<T>() as u64, align_of::<T>() as u64);
        if self.in_place || !Shape::is_tick(size) {
            return self.slots_between::<T>(self.broadcast()?);
        }
        let sides = Sides::ticks(self.subscribers_max, CLAIMS, self.patience());
        let capacity = self.power_of_two(CAPACITY_DEFAULT);
        let shape = Shape::ticks(capacity, size, align).map_err(OpenError::Geometry)?;
        self.spec(sides.map_err(OpenError::OutOfRange)?, shape, size, align)
    }

    /// A ring of byte slots for one publisher and many subscribers.
    pub(crate) fn broadcast_bytes(&self) -> Result<Spec, OpenError> {
        self.bytes_between(self.broadcast()?)
    }

    /// A ring of records.
    pub(crate) fn records(&self) -> Result<Spec, OpenError> {
        let capacity = self.power_of_two(CAPACITY_BYTES_DEFAULT);
        let records = Records::new(capacity, self.alignment).map_err(OpenError::Geometry)?;
        self.spec(Sides::Spsc, Shape::Records(records), 1, 1)
    }

    fn many(&self) -> Result<Sides, OpenError> {
        let (producers, consumers) = (self.producers_max, self.consumers_max);
        Sides::mpmc(self.lanes, producers, consumers, self.redeliveries_max, self.progress)
            .map_err(OpenError::OutOfRange)
    }

    fn broadcast(&self) -> Result<Sides, OpenError> {
        Sides::broadcast(self.subscribers_max, self.views_max, CLAIMS, self.patience())
            .map_err(OpenError::OutOfRange)
    }

    /// As it stands in the file: 0 says `for ever`, so the shortest is 1.
    fn patience(&self) -> u64 {
        self.reader_patience
            .map_or(0, |patience| u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX).max(1))
    }

    fn slots_between<T>(&self, sides: Sides) -> Result<Spec, OpenError> {
        let capacity = self.power_of_two(CAPACITY_DEFAULT);
        let (size, align) = (size_of::<T>() as u64, align_of::<T>() as u64);
        let shape = Shape::slots(&sides, capacity, size, align).map_err(OpenError::Geometry)?;
        self.spec(sides, shape, size, align)
    }

    fn bytes_between(&self, sides: Sides) -> Result<Spec, OpenError> {
        let capacity = self.power_of_two(CAPACITY_DEFAULT);
        let shape = Shape::bytes(&sides, capacity, self.slot_size).map_err(OpenError::Geometry)?;
        self.spec(sides, shape, 1, 1)
    }

    /// A capacity no power of two is above stays as it is, and is refused later.
    fn power_of_two(&self, default: u64) -> u64 {
        let capacity = self.capacity.unwrap_or(default);
        capacity.checked_next_power_of_two().filter(|_| capacity != 0).unwrap_or(capacity)
    }

    fn spec(
        &self,
        sides: Sides,
        shape: Shape,
        type_size: u64,
        type_align: u64,
    ) -> Result<Spec, OpenError> {
        if self.metadata.len() > METADATA_LEN_MAX {
            return Err(OpenError::TooLong("the metadata (4096 bytes at most)"));
        }
        if self.type_name.len() > TYPE_NAME_LEN_MAX {
            return Err(OpenError::TooLong("the name of the type (256 bytes at most)"));
        }
        // One lap in: position 0 then never has a neighbour before it.
        let first_position = self.first_position.unwrap_or(shape.capacity());
        if let Shape::Records(records) = shape
            && !first_position.is_multiple_of(records.alignment())
        {
            return Err(OpenError::Geometry(ringbuf_core::geometry::GeometryError::Alignment));
        }
        Ok(Spec {
            sides,
            shape,
            type_name: self.type_name.clone(),
            type_size,
            type_align,
            metadata: self.metadata.clone(),
            sleeper: self.sleeper,
            fence: match (self.sleeper, self.fence) {
                (Sleeper::Spin, _) => Fence::Full,
                (Sleeper::Futex, Some(fence)) => fence,
                (Sleeper::Futex, None) if membarrier::is_offered() => Fence::Asymmetric,
                (Sleeper::Futex, None) => Fence::Full,
            },
            redelivery: match sides.kind() {
                Kind::Spsc | Kind::Mpmc => self.redelivery,
                Kind::Broadcast => Redelivery::Redeliver,
            },
            reopen: self.reopen || sides.kind() == Kind::Mpmc,
            other_boot: self.other_boot,
            first_position,
            huge: self.huge_pages,
        })
    }
}
