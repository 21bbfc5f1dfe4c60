//! Records of any length on a stream of bytes.
//!
//! Positions count bytes and move by whole records. A record is a prefix of one
//! alignment (8 or 64 bytes) that begins with an 8-byte header, then the payload,
//! then up to the next alignment. It never splits: where it would, a padding
//! record fills the array to its end and the record begins at index 0.
//!
//! Records are published by the stream's `tail` alone. The headers are therefore
//! plain data: nothing has to be zeroed before or after, a commit may be shorter
//! than its claim, and a killed producer leaves nothing to repair.
//!
//! A header is loaded once and checked once before it is used; one that cannot be
//! true is [`ReadError::Corrupt`].

use crate::error::{ClaimError, Corrupt, ReadError};
use crate::geometry::Records;
use crate::machine::{Machine, Row, Word};
use crate::position::{Position, Span};
use crate::spsc;
use core::fmt;
use core::sync::atomic::Ordering::Relaxed;

/// The first word of a record: its length, and above it what it is.
///
/// ```text
/// 63            40 39   32 31                    0
/// [ zero          | kind  | payload length, bytes ]
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header(u64);

const KIND_DATA: u64 = 1;
const KIND_PADDING: u64 = 2;
const KIND_SHIFT: u32 = 32;
const LEN_MASK: u64 = (1 << KIND_SHIFT) - 1;
/// Bytes from one header word to the next possible one.
const WORD: u64 = 8;

impl Header {
    const fn data(len: u64) -> Self {
        Self(KIND_DATA << KIND_SHIFT | len)
    }

    const fn padding(len: u64) -> Self {
        Self(KIND_PADDING << KIND_SHIFT | len)
    }

    const fn len(self) -> u64 {
        self.0 & LEN_MASK
    }

    const fn kind(self) -> u64 {
        self.0 >> KIND_SHIFT
    }
}

/// A record in the ring: where it stands and where its payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// The record's own positions, its padding before it included.
    pub span: Span,
    /// Offset of the payload in the array, in bytes.
    pub offset: u64,
    /// Length of the payload, in bytes.
    pub len: u64,
    padding: u64,
}

/// The writing end.
pub struct Producer<'a, M: Machine, R> {
    stream: spsc::Producer<'a, M>,
    /// Every aligned 8 bytes of the array, of which some begin a record.
    words: R,
    geometry: Records,
}

impl<'a, M: Machine, R: Row<Word = M::U64>> Producer<'a, M, R> {
    /// Puts records on a stream whose capacity is that of `geometry`, in bytes.
    ///
    /// # Errors
    /// [`Corrupt`] if the stream stands where no record can begin.
    pub fn new(
        stream: spsc::Producer<'a, M>,
        words: R,
        geometry: Records,
    ) -> Result<Self, Corrupt> {
        if stream.position().index(geometry.alignment()) != 0 {
            return Err(Corrupt);
        }
        Ok(Self { stream, words, geometry })
    }

    /// Claims room for a payload of `len` bytes, in one piece.
    ///
    /// # Errors
    /// [`ClaimError::Full`], [`ClaimError::TooLong`] if `len` exceeds
    /// [`Records::len_max`], [`ClaimError::Corrupt`].
    #[inline]
    pub fn claim(&mut self, len: u64) -> Result<Record, ClaimError> {
        if len > self.geometry.len_max() {
            return Err(ClaimError::TooLong);
        }
        let footprint = self.geometry.footprint(len);
        let index = self.stream.position().index(self.geometry.capacity());
        let contiguous = self.geometry.capacity() - index;
        let padding = if contiguous < footprint { contiguous } else { 0 };
        let span = self.stream.claim(padding + footprint)?;
        let start = if padding == 0 { index } else { 0 };
        Ok(Record { span, offset: start + self.geometry.prefix(), len, padding })
    }

    /// Publishes the first `len` bytes of a claim, which may be fewer than claimed.
    #[inline]
    pub fn commit(&mut self, claim: Record, len: u64) {
        debug_assert!(len <= claim.len && claim.span.start == self.stream.position());
        if claim.padding != 0 {
            let at = claim.span.start.index(self.geometry.capacity());
            self.write(at, Header::padding(claim.padding - self.geometry.prefix()));
        }
        self.write(claim.offset - self.geometry.prefix(), Header::data(len));
        self.stream.commit(claim.padding + self.geometry.footprint(len));
    }

    #[inline]
    fn write(&self, offset: u64, header: Header) {
        // Relaxed: published with the payload, by edge PUBLISH.
        word(&self.words, offset).store(header.0, Relaxed);
    }

    /// The stream below.
    #[must_use]
    pub fn stream(&mut self) -> &mut spsc::Producer<'a, M> {
        &mut self.stream
    }
}

/// The reading end.
pub struct Consumer<'a, M: Machine, R> {
    stream: spsc::Consumer<'a, M>,
    words: R,
    geometry: Records,
}

impl<'a, M: Machine, R: Row<Word = M::U64>> Consumer<'a, M, R> {
    /// Reads records from a stream whose capacity is that of `geometry`, in bytes.
    ///
    /// # Errors
    /// [`Corrupt`] if the stream stands where no record can begin.
    pub fn new(
        stream: spsc::Consumer<'a, M>,
        words: R,
        geometry: Records,
    ) -> Result<Self, Corrupt> {
        if stream.position().index(geometry.alignment()) != 0 {
            return Err(Corrupt);
        }
        Ok(Self { stream, words, geometry })
    }

    /// Takes the next record, to be looked at.
    ///
    /// Reading again before a release reads the same record again.
    ///
    /// # Errors
    /// [`ReadError::Empty`], [`ReadError::Corrupt`].
    #[inline]
    pub fn read(&mut self) -> Result<Record, ReadError> {
        let ready = self.stream.ready()?;
        let record = self.parse(ready)?;
        self.stream.take(record.span.len);
        Ok(record)
    }

    /// Gives a record back.
    #[inline]
    pub fn release(&mut self, record: Record) {
        debug_assert!(record.span.start == self.stream.position());
        self.stream.release(record.span.len);
    }

    /// Skips what a dead predecessor had been shown, and counts it.
    ///
    /// # Errors
    /// [`Corrupt`] if that is not a whole number of records.
    pub fn drop_taken(&mut self) -> Result<(), Corrupt> {
        let mut rest = self.stream.taken_before();
        let mut records = 0;
        // Bounded: every record takes at least one alignment off the span.
        while rest.len != 0 {
            let record = self.parse(rest)?;
            rest = Span { start: record.span.end(), len: rest.len - record.span.len };
            records += 1;
        }
        self.stream.drop_taken(records);
        Ok(())
    }

    /// The first record of `ready`, which is not empty.
    #[inline]
    fn parse(&self, ready: Span) -> Result<Record, Corrupt> {
        let index = ready.start.index(self.geometry.capacity());
        let first = self.header(index);
        if first.kind() != KIND_PADDING {
            return self.check(first, index, 0, ready);
        }
        // Padding reaches exactly to the end of the array, and never starts it; a
        // record follows, since the two are published together.
        let padding = self.geometry.capacity() - index;
        if index == 0 || first.len() != padding - self.geometry.prefix() || padding >= ready.len {
            return Err(Corrupt);
        }
        self.check(self.header(0), 0, padding, ready)
    }

    #[inline]
    fn check(
        &self,
        header: Header,
        index: u64,
        padding: u64,
        ready: Span,
    ) -> Result<Record, Corrupt> {
        let len = header.len();
        if header.kind() != KIND_DATA || len > self.geometry.len_max() {
            return Err(Corrupt);
        }
        let footprint = self.geometry.footprint(len);
        if footprint > self.geometry.capacity() - index || padding + footprint > ready.len {
            return Err(Corrupt);
        }
        let span = Span { start: ready.start, len: padding + footprint };
        Ok(Record { span, offset: index + self.geometry.prefix(), len, padding })
    }

    #[inline]
    fn header(&self, offset: u64) -> Header {
        // Relaxed: acquired with the payload, by edge PUBLISH.
        Header(word(&self.words, offset).load(Relaxed))
    }

    /// Whether a consumer that died had been shown the record at `position`.
    #[must_use]
    pub fn redelivered(&self, position: Position) -> bool {
        self.stream.redelivered(position)
    }

    /// The stream below.
    #[must_use]
    pub fn stream(&mut self) -> &mut spsc::Consumer<'a, M> {
        &mut self.stream
    }
}

/// The word at `offset`, a multiple of the alignment below the capacity.
#[inline(always)]
fn word<R: Row>(words: &R, offset: u64) -> &R::Word {
    // Lossless: this crate compiles for 64-bit targets only.
    words.at((offset / WORD) as usize)
}

impl<M: Machine, R> fmt::Debug for Producer<'_, M, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("stream", &self.stream)
            .field("geometry", &self.geometry)
            .finish_non_exhaustive()
    }
}

impl<M: Machine, R> fmt::Debug for Consumer<'_, M, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("stream", &self.stream)
            .field("geometry", &self.geometry)
            .finish_non_exhaustive()
    }
}
