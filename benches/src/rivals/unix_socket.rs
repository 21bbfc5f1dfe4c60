//! A pair of connected unix sockets of the stream type, with buffers as by default.

use super::byte_stream::{ByteStream, Descriptors};
use super::{Kind, Rival, Sides};
use crate::sides::processes;
use crate::workload::Workload;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

pub(crate) fn rival() -> Rival {
    Rival {
        name: "unix-socket",
        kind: Kind::Rival,
        sides: Sides::Processes,
        how: "SOCK_STREAM; a call a message or a batch; non-blocking in spinning round trips",
        can: |workload| workload.one_to_one() && !workload.varied(),
        run: |job| match job.workload {
            Workload::Frames { .. } => processes::frames::<ByteStream<Socket>>(job),
            _ => processes::messages::<ByteStream<Socket>>(job),
        },
    }
}

struct Socket;

impl Descriptors for Socket {
    fn open() -> io::Result<(OwnedFd, OwnedFd)> {
        let (one, other) = UnixStream::pair()?;
        Ok((one.into(), other.into()))
    }
}
