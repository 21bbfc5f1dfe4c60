//! Standard input that can be stopped.
//!
//! Reads go straight to where they are wanted, which is a slot of the ring.

use crate::failure::Failure;
use crate::stop::Stop;
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use std::io::{self, Read};

/// Standard input, until a signal says to stop.
#[derive(Debug)]
pub(crate) struct Input<'a> {
    stdin: io::Stdin,
    stop: &'a Stop,
}

impl<'a> Input<'a> {
    pub(crate) fn new(stop: &'a Stop) -> Self {
        Self { stdin: io::stdin(), stop }
    }

    /// Waits for input or for the bell; fails if it was the bell.
    fn wait(&self) -> io::Result<()> {
        let stdin = PollFd::new(&self.stdin, PollFlags::IN);
        let bell = PollFd::new(self.stop, PollFlags::IN);
        match rustix::event::poll(&mut [stdin, bell], None) {
            Ok(_) | Err(Errno::INTR) => self.stop.check().map_err(io::Error::other),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl Read for Input<'_> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        loop {
            self.wait()?;
            match rustix::io::read(&self.stdin, &mut *target) {
                Ok(read) => return Ok(read),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

/// What a failed read means: a signal that was wrapped by `Input`, or the system.
pub(crate) fn failure(error: io::Error) -> Failure {
    match error.downcast::<Failure>() {
        Ok(failure) => failure,
        Err(error) => Failure::Said(format!("cannot read standard input: {error}")),
    }
}

/// Reads until `target` is full or the input ends; says how much there was.
pub(crate) fn fill(input: &mut impl Read, target: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < target.len() {
        match input.read(&mut target[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}
