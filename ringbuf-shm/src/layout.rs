//! The fixed numbers of the file. FORMAT.md says what they are for.

/// The format this build reads and writes.
pub const FORMAT_VERSION: u32 = 1;
/// Every region begins at a multiple of this, so that a file made on a machine
/// with 4 KiB pages can be mapped on one with 64 KiB pages.
pub(crate) const REGION_ALIGNMENT: u64 = 64 << 10;
/// Where the data begins at a multiple of, in a ring that asks for huge pages.
pub(crate) const HUGE_PAGE: u64 = 2 << 20;
/// Bytes of the fixed header.
pub(crate) const HEADER_LEN: usize = 4096;
/// The most bytes of user metadata; they stand right behind the fixed header.
pub const METADATA_LEN_MAX: usize = 4096;
/// Bytes that are written once, at creation, and covered by the checksum.
pub(crate) const IMMUTABLE_LEN: usize = HEADER_LEN + METADATA_LEN_MAX;
/// The longest name of a payload type, in bytes.
pub const TYPE_NAME_LEN_MAX: usize = 256;
/// Bytes before the payload of a slot of bytes.
pub(crate) const MESSAGE_HEADER_LEN: usize = 64;
/// Bytes of the words in front of a value in a slot of an `mpmc` or broadcast ring.
pub(crate) const SLOT_WORDS_LEN: u64 = 16;
/// What byte slots, and so their headers and payloads, stand at multiples of.
pub(crate) const SLOT_ALIGNMENT: u64 = 64;
/// File offset of the first lock byte; the byte of a peer is this plus its `who`.
pub(crate) const LOCK_BASE: u64 = 1 << 56;
/// Rows of publishers in a broadcast ring; the rest are the subscribers'.
pub(crate) const PUBLISHER_ROWS: u32 = 1;
/// The most subscribers of a broadcast ring.
pub(crate) const SUBSCRIBERS_MAX: u32 = 1024;
/// The most messages that the subscribers of a broadcast ring look at, all together.
pub(crate) const VIEWS_MAX: u32 = 4096;
/// The messages that the publisher of a broadcast ring writes at once.
pub(crate) const CLAIMS: u32 = 1;
/// Rows of an `spsc` ring.
pub(crate) const SPSC_ROWS: u32 = 2;
/// The row of the producer of an `spsc` ring.
pub(crate) const PRODUCER_ROW: u32 = 0;
/// The row of the consumer of an `spsc` ring.
pub(crate) const CONSUMER_ROW: u32 = 1;
