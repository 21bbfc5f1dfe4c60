//! Where a ring's name stands in the file system.
//!
//! A name without `/` is one of the user's own rings: a file in
//! `/dev/shm/ringbuf-<euid>`, or in `$RINGBUF_DIR`. A name with `/` is a path.
//! The directory is opened once and everything is done relative to it.

use crate::error::OpenError;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RawMode, Stat};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

const NAME_LEN_MAX: usize = 200;
/// Files that are not yet rings begin like this: a creator that died may have left
/// them, and the next one removes them.
pub(crate) const HIDDEN: &str = ".ringbuf-new-";
/// Names the directory of rings, in place of `/dev/shm/ringbuf-<euid>`.
pub const DIRECTORY_VARIABLE: &str = "RINGBUF_DIR";

/// A place for a ring: an open directory and a file name in it.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) directory: OwnedFd,
    pub(crate) file: OsString,
}

impl Place {
    /// Resolves a name or a path, of a ring to be made or of one to be found. `make`
    /// creates the user's own directory if need be.
    pub(crate) fn resolve(name: &OsStr, make: bool) -> Result<Self, OpenError> {
        if !name.as_bytes().contains(&b'/') {
            check(name)?;
            return Ok(Self { directory: open_directory(make)?, file: name.to_owned() });
        }
        let path = Path::new(name);
        let file = path.file_name().ok_or_else(|| bad(name))?;
        // A path ends with the name itself: `Path` would overlook `/` and `/.`.
        let whole = name.as_bytes().ends_with(file.as_bytes());
        if !whole || name.as_bytes().contains(&0) || file.as_bytes().starts_with(HIDDEN.as_bytes())
        {
            return Err(bad(name));
        }
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let doing = "open the directory of the ring";
        let directory = rustix::fs::open(parent, flags, Mode::empty()).map_err(|errno| {
            // Whoever creates has to make the directory; for others there is no ring.
            if make { OpenError::io(doing)(errno) } else { missing(errno, doing) }
        })?;
        Ok(Self { directory, file: file.to_owned() })
    }

    pub(crate) fn stat(&self) -> Result<Stat, Errno> {
        rustix::fs::statat(&self.directory, &self.file, AtFlags::SYMLINK_NOFOLLOW)
    }

    pub(crate) fn unlink(&self) -> Result<(), OpenError> {
        rustix::fs::unlinkat(&self.directory, &self.file, AtFlags::empty())
            .map_err(|errno| missing(errno, "remove the ring"))
    }
}

/// `ENOENT` as what it means to the caller, everything else as it is.
pub(crate) fn missing(errno: Errno, doing: &'static str) -> OpenError {
    if errno == Errno::NOENT { OpenError::NotFound } else { OpenError::io(doing)(errno) }
}

fn bad(name: &OsStr) -> OpenError {
    OpenError::Name(name.to_string_lossy().escape_debug().to_string())
}

fn check(name: &OsStr) -> Result<(), OpenError> {
    let text = name.to_str().ok_or_else(|| bad(name))?;
    let good = !text.is_empty()
        && text.len() <= NAME_LEN_MAX
        && !text.starts_with(['.', '-'])
        && !text.contains(|c: char| c.is_control() || c == '/');
    if good { Ok(()) } else { Err(bad(name)) }
}

/// The directory in which rings without a path stand.
#[must_use]
pub fn directory() -> PathBuf {
    match std::env::var_os(DIRECTORY_VARIABLE) {
        Some(directory) if !directory.is_empty() => directory.into(),
        _ => format!("/dev/shm/ringbuf-{}", rustix::process::geteuid().as_raw()).into(),
    }
}

fn open_directory(make: bool) -> Result<OwnedFd, OpenError> {
    let path = directory();
    let mut made = false;
    if make {
        match rustix::fs::mkdir(&path, Mode::RWXU) {
            Ok(()) => made = true,
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(OpenError::io("make the directory of rings")(errno)),
        }
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let unsafe_directory = || OpenError::Directory(path.display().to_string());
    let directory = match rustix::fs::open(&path, flags, Mode::empty()) {
        Ok(directory) => directory,
        Err(Errno::LOOP | Errno::NOTDIR) => return Err(unsafe_directory()),
        Err(errno) => return Err(missing(errno, "open the directory of rings")),
    };
    let stat = rustix::fs::fstat(&directory).map_err(OpenError::io("look at the directory"))?;
    let mine = stat.st_uid == rustix::process::geteuid().as_raw();
    if made && mine {
        // The umask may have taken our own bits away.
        rustix::fs::chmod(descriptor_path(directory.as_fd()), Mode::RWXU)
            .map_err(OpenError::io("set the mode of the directory of rings"))?;
    }
    let chosen = std::env::var_os(DIRECTORY_VARIABLE).is_some_and(|name| !name.is_empty());
    let mode = Mode::from_raw_mode(stat.st_mode);
    // A directory the user chose may be shared by a group; nobody else's may be
    // written by strangers, who could then exchange the files in it.
    let safe = if chosen {
        !mode.contains(Mode::WOTH) || mode.contains(Mode::SVTX)
    } else {
        mine && !mode.intersects(Mode::RWXG | Mode::RWXO)
    };
    if safe { Ok(directory) } else { Err(unsafe_directory()) }
}

/// What is in a directory that may be open as a mere path.
pub(crate) fn entries(directory: &OwnedFd) -> Result<Dir, Errno> {
    // A path descriptor cannot be read, nor can what `Dir::read_from` makes of it.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Dir::new(rustix::fs::openat(directory, ".", flags, Mode::empty())?)
}

/// The names of the rings in the user's directory, sorted; also of files there
/// that turn out not to be rings.
///
/// # Errors
/// [`OpenError::Directory`], [`OpenError::Io`]. A directory that does not exist
/// has no rings in it.
pub fn list() -> Result<Vec<String>, OpenError> {
    let directory = match open_directory(false) {
        Ok(directory) => directory,
        Err(OpenError::NotFound) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let doing = "list the directory of rings";
    let mut names = Vec::new();
    for entry in entries(&directory).map_err(OpenError::io(doing))? {
        let entry = entry.map_err(OpenError::io(doing))?;
        if let Ok(name) = entry.file_name().to_str()
            && check(OsStr::new(name)).is_ok()
        {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Mode bits.
pub(crate) const WRITABLE_BY_GROUP: RawMode = 0o020;
pub(crate) const WRITABLE_BY_ALL: RawMode = 0o002;

/// The path of an open file, also of one without a name.
pub(crate) fn descriptor_path(file: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

/// Whether a file may be believed: plain, ours, closed to others, not linked twice.
pub(crate) fn check_file(
    stat: &Stat,
    owners: &[u32],
    shared: bool,
    named: bool,
) -> Result<(), OpenError> {
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(OpenError::Untrusted("it is not a plain file"));
    }
    let mine = stat.st_uid == rustix::process::geteuid().as_raw();
    if !mine && !owners.contains(&stat.st_uid) {
        return Err(OpenError::Untrusted("it belongs to another user"));
    }
    if stat.st_mode & WRITABLE_BY_ALL != 0 {
        return Err(OpenError::Untrusted("everybody may write to it"));
    }
    if stat.st_mode & WRITABLE_BY_GROUP != 0 && !shared {
        return Err(OpenError::Untrusted(
            "its group may write to it; `trust_owner` opens it all the same",
        ));
    }
    if named && stat.st_nlink > 1 {
        return Err(OpenError::Untrusted("it has a second name"));
    }
    Ok(())
}
