//! What producers and consumers of both shapes have in common: how they are come by,
//! and what they know about their ring.

use crate::argument::Timeout;
use crate::asked::{Asked, Shape};
use crate::error::Errno;
use crate::guard::{Held, Lend};
use crate::stat::{self, Stat};
use ringbuf_shm::spsc::{bytes, records};
use ringbuf_shm::{OpenError, Options, Presence, Ring};
use std::ffi::OsStr;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// A seat on a ring of one shape, as `ringbuf-shm` has it.
pub(crate) trait Seat: Lend + Sized {
    fn create(name: &OsStr, options: &Options) -> Result<Self, OpenError>;
    fn create_or_open(name: &OsStr, options: &Options) -> Result<Self, OpenError>;
    fn create_unnamed(options: &Options) -> Result<Self, OpenError>;
    fn open(name: &OsStr, options: &Options) -> Result<Self, OpenError>;
    fn attach(ring: &Ring, options: &Options) -> Result<Self, OpenError>;
    fn ring(&self) -> &Ring;
    fn peer(&self) -> Result<Presence, OpenError>;
    fn wait_for_peer(&self, most: Option<Duration>) -> Result<bool, OpenError>;
}

macro_rules! seat {
    ($type:ty) => {
        impl Seat for $type {
            fn create(name: &OsStr, options: &Options) -> Result<Self, OpenError> {
                Self::create(name, options)
            }

            fn create_or_open(name: &OsStr, options: &Options) -> Result<Self, OpenError> {
                Self::create_or_open(name, options)
            }

            fn create_unnamed(options: &Options) -> Result<Self, OpenError> {
                Self::create_unnamed(options)
            }

            fn open(name: &OsStr, options: &Options) -> Result<Self, OpenError> {
                Self::open_with(name, options)
            }

            fn attach(ring: &Ring, options: &Options) -> Result<Self, OpenError> {
                Self::attach_with(ring, options)
            }

            fn ring(&self) -> &Ring {
                self.ring()
            }

            fn peer(&self) -> Result<Presence, OpenError> {
                self.peer()
            }

            fn wait_for_peer(&self, most: Option<Duration>) -> Result<bool, OpenError> {
                self.wait_for_peer(most)
            }
        }
    };
}

seat!(bytes::Producer);
seat!(bytes::Consumer);
seat!(records::Producer);
seat!(records::Consumer);

/// A seat on a ring of either shape, with its guard if one is open.
#[derive(Debug)]
pub(crate) enum Either<B: Lend, R: Lend> {
    Bytes(Held<B>),
    Records(Held<R>),
}

/// What is behind a handle of C.
#[derive(Debug)]
pub(crate) struct Handle<B: Lend, R: Lend> {
    pub(crate) seat: Either<B, R>,
    /// To be asked also while a guard is open.
    ring: Ring,
}

impl<B: Seat, R: Seat> Handle<B, R> {
    fn of_bytes(seat: B) -> Self {
        let ring = seat.ring().clone();
        Self { seat: Either::Bytes(Held::new(seat)), ring }
    }

    fn of_records(seat: R) -> Self {
        let ring = seat.ring().clone();
        Self { seat: Either::Records(Held::new(seat)), ring }
    }

    pub(crate) fn create(name: &OsStr, asked: &Asked) -> Result<Self, Errno> {
        match asked.shape {
            Some(Shape::Bytes) => B::create(name, &asked.create).map(Self::of_bytes),
            Some(Shape::Records) => R::create(name, &asked.create).map(Self::of_records),
            None => return Err(Errno::INVALID),
        }
        .map_err(Errno::creating)
    }

    pub(crate) fn create_or_open(name: &OsStr, asked: &Asked) -> Result<Self, Errno> {
        match asked.shape {
            Some(Shape::Bytes) => B::create_or_open(name, &asked.create).map(Self::of_bytes),
            Some(Shape::Records) => R::create_or_open(name, &asked.create).map(Self::of_records),
            None => return Err(Errno::INVALID),
        }
        .map_err(Errno::creating)
    }

    pub(crate) fn create_unnamed(asked: &Asked) -> Result<Self, Errno> {
        match asked.shape {
            Some(Shape::Bytes) => B::create_unnamed(&asked.create).map(Self::of_bytes),
            Some(Shape::Records) => R::create_unnamed(&asked.create).map(Self::of_records),
            None => return Err(Errno::INVALID),
        }
        .map_err(Errno::creating)
    }

    /// Opens a ring of the shape asked for, or of whichever it has.
    ///
    /// Which it has is seen by opening it as bytes: what is refused as other messages
    /// is opened as records, which has the last word.
    pub(crate) fn open(name: &OsStr, asked: &Asked) -> Result<Self, Errno> {
        let as_bytes = || B::open(name, &asked.open).map(Self::of_bytes);
        let as_records = || R::open(name, &asked.open).map(Self::of_records);
        Ok(match asked.shape {
            Some(Shape::Bytes) => as_bytes(),
            Some(Shape::Records) => as_records(),
            None => match as_bytes() {
                Err(OpenError::PayloadType { .. }) => as_records(),
                other => other,
            },
        }?)
    }

    pub(crate) fn open_descriptor(file: BorrowedFd<'_>, asked: &Asked) -> Result<Self, Errno> {
        let ring = Ring::from_fd_with(file, &asked.open)?;
        let found = match ring.shape() {
            ringbuf_shm::Shape::Bytes(_) => Shape::Bytes,
            ringbuf_shm::Shape::Records(_) => Shape::Records,
            _ => return Err(Errno::PROTOCOL),
        };
        Ok(match asked.shape.unwrap_or(found) {
            Shape::Bytes => B::attach(&ring, &asked.open).map(Self::of_bytes),
            Shape::Records => R::attach(&ring, &asked.open).map(Self::of_records),
        }?)
    }

    pub(crate) fn ring(&self) -> &Ring {
        &self.ring
    }

    pub(crate) fn length_max(&self) -> usize {
        usize::try_from(stat::length_max(self.ring.shape())).unwrap_or(usize::MAX)
    }

    pub(crate) fn stat(&self) -> Result<Stat, Errno> {
        Stat::of(&self.ring)
    }

    pub(crate) fn peer(&self) -> Result<u32, Errno> {
        let presence = match &self.seat {
            Either::Bytes(held) => held.idle()?.peer(),
            Either::Records(held) => held.idle()?.peer(),
        }?;
        Ok(stat::presence(presence))
    }

    pub(crate) fn wait_for_peer(&self, timeout: Timeout) -> Result<(), Errno> {
        let most = timeout.most();
        let came = match &self.seat {
            Either::Bytes(held) => held.idle()?.wait_for_peer(most),
            Either::Records(held) => held.idle()?.wait_for_peer(most),
        }?;
        if came { Ok(()) } else { Err(timeout.over()) }
    }
}
