//! Why the command ends without success: one line, and a status.

use ringbuf_shm::OpenError;
use std::fmt::Display;
use std::io;
use thiserror::Error;

/// Why the command ends.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// Something did not work; the text says what, and what to do.
    #[error("{0}")]
    Said(String),
    /// The command line asks for what does not go together.
    #[error("{0}")]
    Misuse(String),
    /// A signal asked it to stop.
    #[error("stopped by {}", signal_name(*.0))]
    Stopped(u8),
}

impl Failure {
    /// A failure of one ring.
    pub(crate) fn about(name: &str, why: impl Display) -> Self {
        Self::Said(format!("{name}: {why}"))
    }

    /// For `map_err`: a ring that could not be opened, removed or looked at.
    pub(crate) fn opening(name: &str) -> impl FnOnce(OpenError) -> Self {
        move |error| Self::about(name, error)
    }

    /// For `map_err`: what was being done when the system refused.
    pub(crate) fn io<E: Into<io::Error>>(doing: &str) -> impl FnOnce(E) -> Self {
        move |error| Self::Said(format!("cannot {doing}: {}", error.into()))
    }

    /// Standard output could not be written.
    pub(crate) fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Said("whoever read the output is gone".into()),
            _ => Self::Said(format!("cannot write to standard output: {error}")),
        }
    }

    /// The status that the shell sees.
    pub(crate) fn number(&self) -> u8 {
        match self {
            Self::Said(_) => 1,
            // As of a command line that is not understood.
            Self::Misuse(_) => 2,
            Self::Stopped(signal) => 128 + signal,
        }
    }
}

fn signal_name(signal: u8) -> &'static str {
    signal_hook::low_level::signal_name(signal.into()).unwrap_or("a signal")
}
