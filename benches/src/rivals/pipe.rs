//! A pipe, as large as an unprivileged user may have it.

use super::byte_stream::{ByteStream, Descriptors};
use super::{Kind, Rival, Sides};
use crate::sides::processes;
use crate::workload::Workload;
use std::io;
use std::os::fd::OwnedFd;

/// 1 MiB.
const CAPACITY_BYTES: usize = 1 << 20;

pub(crate) fn rival() -> Rival {
    Rival {
        name: "pipe",
        kind: Kind::Rival,
        sides: Sides::Processes,
        how: "1 MiB; a call a message or a batch; non-blocking in spinning round trips",
        can: |workload| workload.one_to_one() && !workload.varied(),
        run: |job| match job.workload {
            Workload::Frames { .. } => processes::frames::<ByteStream<Pipe>>(job),
            _ => processes::messages::<ByteStream<Pipe>>(job),
        },
    }
}

struct Pipe;

impl Descriptors for Pipe {
    fn open() -> io::Result<(OwnedFd, OwnedFd)> {
        let (reader, writer) = io::pipe()?;
        // A smaller pipe works as well, only slower.
        let _ = rustix::pipe::fcntl_setpipe_size(&writer, CAPACITY_BYTES);
        Ok((writer.into(), reader.into()))
    }
}
