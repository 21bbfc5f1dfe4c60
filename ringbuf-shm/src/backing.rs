//! The file behind a ring: created complete or not at all, opened with distrust.

#[cfg(test)]
mod tests;

use crate::error::OpenError;
use crate::name::{HIDDEN, Place, descriptor_path, entries, missing};
use rustix::fs::{
    AtFlags, FallocateFlags, FileType, FlockOperation, MemfdFlags, Mode, OFlags, RenameFlags,
};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// Who may open the file besides its owner.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    pub(crate) mode: u32,
    pub(crate) group: Option<u32>,
}

/// What the name is to mean afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// The new ring; an error if the name is taken.
    New,
    /// The new ring, in place of what bore the name.
    Replace,
}

const HIDDEN_TRIES_MAX: u32 = 8;
/// How much memory is set aside at once where signals keep interrupting.
const RESERVE_STEP: u64 = 256 << 10;
/// How often in a row a signal may interrupt one step.
const RESERVE_TRIES_MAX: u32 = 1000;
/// The most bytes of a repeated part that are written at once.
const BLOCK: u64 = 64 << 10;

/// What stands somewhere in a new file: bytes, `count` times, `stride` apart, with
/// zeros between.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) offset: u64,
    pub(crate) bytes: Vec<u8>,
    /// No less than the bytes if they stand more than once.
    pub(crate) stride: u64,
    pub(crate) count: u64,
}

impl Part {
    pub(crate) fn once(offset: u64, bytes: &[u8]) -> Self {
        Self { offset, bytes: bytes.to_vec(), stride: bytes.len() as u64, count: 1 }
    }
}

/// Makes a file of `len` bytes that begins with what `parts` say,
/// and gives it its name when it is complete.
///
/// All of its memory is set aside before it is named, so that no later access can
/// fail for want of it (promise P5); a creator that dies leaves no name (P8).
pub(crate) fn create(
    place: &Place,
    len: u64,
    parts: &[Part],
    access: Access,
    naming: Naming,
) -> Result<OwnedFd, OpenError> {
    sweep_hidden(place);
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::openat(&place.directory, ".", flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) if naming == Naming::New => {
            fill(&file, len, parts, access)?;
            link(&file, place, &place.file)?;
            Ok(file)
        }
        // A file without a name cannot replace one; and some file systems have none.
        Ok(_) | Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT) => {
            create_hidden(place, len, parts, access, naming)
        }
        Err(errno) => Err(OpenError::io("create a file for the ring")(errno)),
    }
}

/// The way for file systems without `O_TMPFILE`, and to replace a file: a hidden
/// random name, locked while we live, renamed when the file is complete.
pub(crate) fn create_hidden(
    place: &Place,
    len: u64,
    parts: &[Part],
    access: Access,
    naming: Naming,
) -> Result<OwnedFd, OpenError> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    for _ in 0..HIDDEN_TRIES_MAX {
        let name = OsString::from(format!("{HIDDEN}{:032x}", u128::from_ne_bytes(random()?)));
        let file = rustix::fs::openat(&place.directory, &name, flags, Mode::RUSR | Mode::WUSR)
            .map_err(OpenError::io("create a file for the ring"))?;
        // Another creator may have taken it for a leftover before we locked it.
        if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            continue;
        }
        let made = fill(&file, len, parts, access).and_then(|()| rename(place, &name, naming));
        if made.is_err() {
            // Best effort: what stays is removed by the next creator.
            let _ = rustix::fs::unlinkat(&place.directory, &name, AtFlags::empty());
        }
        if !matches!(made, Err(OpenError::NotFound)) {
            return made.map(|()| file);
        }
    }
    Err(OpenError::io("create a file for the ring")(Errno::AGAIN))
}

fn rename(place: &Place, from: &OsStr, naming: Naming) -> Result<(), OpenError> {
    let flags = match naming {
        Naming::New => RenameFlags::NOREPLACE,
        Naming::Replace => RenameFlags::empty(),
    };
    let (old, new) = (&place.directory, &place.directory);
    match rustix::fs::renameat_with(old, from, new, &place.file, flags) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) => Err(OpenError::Exists),
        Err(errno) => Err(missing(errno, "name the ring")),
    }
}

fn link(file: &OwnedFd, place: &Place, name: &OsStr) -> Result<(), OpenError> {
    let path = descriptor_path(file.as_fd());
    let (from, to) = (rustix::fs::CWD, &place.directory);
    match rustix::fs::linkat(from, path, to, name, AtFlags::SYMLINK_FOLLOW) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) => Err(OpenError::Exists),
        Err(errno) => Err(OpenError::io("name the ring through /proc/self/fd")(errno)),
    }
}

/// An unnamed file, for threads and children and for passing on.
pub(crate) fn create_unnamed(len: u64, parts: &[Part]) -> Result<OwnedFd, OpenError> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::NOEXEC_SEAL;
    let file = rustix::fs::memfd_create("ringbuf", flags)
        // Kernels before 6.3 do not know the seal.
        .or_else(|_| rustix::fs::memfd_create("ringbuf", MemfdFlags::CLOEXEC))
        .map_err(OpenError::io("create memory for the ring"))?;
    fill(&file, len, parts, Access { mode: 0o600, group: None })?;
    Ok(file)
}

fn fill(file: &OwnedFd, len: u64, parts: &[Part], access: Access) -> Result<(), OpenError> {
    let reserve = |offset, len| rustix::fs::fallocate(file, FallocateFlags::empty(), offset, len);
    match in_steps(len, reserve) {
        Ok(()) => {}
        Err(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => return Err(OpenError::NoSpace(len)),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
            return Err(OpenError::Filesystem(filesystem_name(file)));
        }
        Err(errno) => return Err(OpenError::io("reserve memory for the ring")(errno)),
    }
    for part in parts {
        write_part(file, part)?;
    }
    if let Some(group) = access.group {
        rustix::fs::fchown(file, None, Some(rustix::fs::Gid::from_raw(group)))
            .map_err(OpenError::io("give the ring to the group"))?;
    }
    // Not the mode of the open call: that one is subject to the umask.
    rustix::fs::fchmod(file, Mode::from_raw_mode(access.mode))
        .map_err(OpenError::io("set the mode of the ring"))
}

/// Does `step` (offset, length) for all of `len` bytes. On some kernels a signal ends
/// and undoes a step, so that a process which gets many must go on in small ones.
fn in_steps(len: u64, mut step: impl FnMut(u64, u64) -> Result<(), Errno>) -> Result<(), Errno> {
    let (mut done, mut size, mut tries) = (0, len, 0);
    while done < len {
        let next = size.min(len - done);
        match step(done, next) {
            Ok(()) => (done, tries) = (done + next, 0),
            Err(Errno::INTR) if tries < RESERVE_TRIES_MAX => {
                (size, tries) = (RESERVE_STEP, tries + 1);
            }
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Writes a part, in blocks if it is repeated closely.
fn write_part(file: &OwnedFd, part: &Part) -> Result<(), OpenError> {
    let one = part.bytes.len() as u64;
    let at_once = (BLOCK / part.stride.max(1)).clamp(1, part.count.max(1));
    let mut block = Vec::new();
    for index in 0..at_once {
        let at = usize::try_from(index * part.stride).expect("at most a block");
        block.resize(at, 0);
        block.extend_from_slice(&part.bytes);
    }
    let mut done = 0;
    while done < part.count {
        let now = at_once.min(part.count - done);
        let len = usize::try_from((now - 1) * part.stride + one).expect("at most a block");
        write_all(file, part.offset + done * part.stride, &block[..len])?;
        done += now;
    }
    Ok(())
}

fn write_all(file: &OwnedFd, mut offset: u64, mut bytes: &[u8]) -> Result<(), OpenError> {
    while !bytes.is_empty() {
        match rustix::io::pwrite(file, bytes, offset) {
            Ok(written) => {
                bytes = &bytes[written..];
                offset += written as u64;
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(OpenError::io("write the first words of the ring")(errno)),
        }
    }
    Ok(())
}

/// Opens the file that bears the name, without following a link and without
/// waiting for the other end of a pipe.
pub(crate) fn open(place: &Place) -> Result<OwnedFd, OpenError> {
    // Before it is opened: opening a device can have effects.
    let stat = place.stat().map_err(|errno| missing(errno, "look at the ring"))?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {}
        FileType::Symlink => return Err(OpenError::Untrusted("it is a symbolic link")),
        _ => return Err(OpenError::Untrusted("it is not a plain file")),
    }
    let flags =
        OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    match rustix::fs::openat(&place.directory, &place.file, flags, Mode::empty()) {
        Ok(file) => Ok(file),
        Err(Errno::LOOP) => Err(OpenError::Untrusted("it is a symbolic link")),
        Err(Errno::ISDIR | Errno::NXIO) => Err(OpenError::Untrusted("it is not a plain file")),
        Err(errno) => Err(missing(errno, "open the ring")),
    }
}

/// A description of its own on the file of `file`: locks taken through it are
/// seen through every other.
pub(crate) fn reopen(file: BorrowedFd<'_>) -> Result<OwnedFd, OpenError> {
    rustix::fs::open(descriptor_path(file), OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
        .map_err(OpenError::io("open the ring again through /proc/self/fd"))
}

/// Reads the first `len` bytes of a file, or as many as there are.
pub(crate) fn read_start(file: &OwnedFd, len: usize) -> Result<Vec<u8>, OpenError> {
    let mut bytes = vec![0; len];
    let mut filled = 0;
    while filled < len {
        match rustix::io::pread(file, &mut bytes[filled..], filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(OpenError::io("read the header of the ring")(errno)),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Removes what creators left that died half-way. Best effort.
fn sweep_hidden(place: &Place) {
    let Ok(entries) = entries(&place.directory) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if !name.to_bytes().starts_with(HIDDEN.as_bytes()) {
            continue;
        }
        let name = OsStr::from_bytes(name.to_bytes());
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let Ok(file) = rustix::fs::openat(&place.directory, name, flags, Mode::empty()) else {
            continue;
        };
        if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = rustix::fs::unlinkat(&place.directory, name, AtFlags::empty());
        }
    }
}

/// 16 bytes that nobody can guess.
pub(crate) fn random() -> Result<[u8; 16], OpenError> {
    let mut bytes = [0; 16];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .map_err(OpenError::io("get random bytes"))?;
    Ok(bytes)
}

/// What the file system of `file` is called, as far as we know the ones that
/// cannot reserve memory.
fn filesystem_name(file: &OwnedFd) -> String {
    let magic = rustix::fs::fstatfs(file).map_or(0, |stat| stat.f_type);
    match magic {
        0x6969 => "nfs".into(),
        0x6573_5546 => "fuse".into(),
        0x0102_1997 => "9p".into(),
        0x2FC1_2FC1 => "zfs".into(),
        0x4D44 => "vfat".into(),
        0x794C_7630 => "overlay".into(),
        0x8584_58F6 => "ramfs".into(),
        0xEF53 => "ext2 or ext3".into(),
        other => format!("type {other:#x}"),
    }
}
