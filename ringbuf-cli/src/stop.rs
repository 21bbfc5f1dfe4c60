//! Ctrl-C and its like, noticed without being interrupted.
//!
//! A handler notes the signal and rings a bell: a socket that is readable from then
//! on. Whoever waits for input waits for the bell too, whoever waits for a ring
//! looks at the note after every slice.

use crate::failure::Failure;
use crate::tell::say;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::Builder;
use std::time::Duration;

/// The longest time for which a ring is waited for between two looks at the note.
pub(crate) const SLICE: Duration = Duration::from_millis(100);

/// Whether a signal asked this process to stop.
#[derive(Debug)]
pub(crate) struct Stop {
    signal: Arc<AtomicUsize>,
    bell: UnixStream,
}

impl Stop {
    /// From now on signals are noted, and no longer end the process.
    pub(crate) fn watch() -> Result<Self, Failure> {
        Self::register().map_err(Failure::io("watch for signals"))
    }

    fn register() -> io::Result<Self> {
        let (bell, ringer) = UnixStream::pair()?;
        let signal = Arc::new(AtomicUsize::new(0));
        for number in [SIGHUP, SIGINT, SIGTERM] {
            let note = usize::try_from(number).map_err(io::Error::other)?;
            signal_hook::flag::register_usize(number, Arc::clone(&signal), note)?;
            signal_hook::low_level::pipe::register(number, ringer.try_clone()?)?;
        }
        Ok(Self { signal, bell })
    }

    /// From now on a signal ends the process at once, with `last_words`, its line and its
    /// status, whatever it is waiting for. Nothing is closed first: to a ring that is a death,
    /// after which a successor gets what was taken and not released.
    pub(crate) fn at_once(last_words: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
        let stop = Self::watch()?;
        let wait = move || {
            // A byte for each signal, behind the note. Only then does the read end.
            let _ = (&stop.bell).read(&mut [0]);
            if let Err(failure) = stop.check() {
                last_words();
                say(&failure);
                exit(failure.number().into());
            }
        };
        let thread = Builder::new().name("signals".into()).spawn(wait);
        thread.map(drop).map_err(Failure::io("watch for signals"))
    }

    /// Fails if a signal came.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        // Relaxed: nothing else is read on the strength of it.
        match self.signal.load(Relaxed) {
            0 => Ok(()),
            signal => Err(Failure::Stopped(u8::try_from(signal).unwrap_or(0))),
        }
    }
}

impl AsFd for Stop {
    /// Readable when a signal came.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}
