//! What the user is told: notes on standard error, results on standard output.

use crate::failure::Failure;
use std::fmt::Display;
use std::io::{self, Write};

/// A line on standard error. Nobody is left to be told if that fails.
pub(crate) fn say(text: impl Display) {
    let _ = writeln!(io::stderr(), "ringbuf: {text}");
}

/// A result on standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| Failure::output(&error))
}
