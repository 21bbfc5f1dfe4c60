//! `ringbuf sub`: messages become standard output.
//!
//! A message is given back to the ring when all of it is written, and not before: a
//! subscriber that is killed, or whose output fails, leaves it to the next.

use crate::failure::Failure;
use crate::stop::Stop;
use crate::tell::say;
use crate::y4m;
use clap::Args;
use ringbuf_shm::spsc::{bytes, records};
use ringbuf_shm::{OpenError, Options, ReadError, Ring, Shape};
use std::fs::File;
use std::io::{self, Write};
use std::mem::forget;
use std::ops::Deref;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How long to wait before looking again for a ring that is not there.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How long to wait for a successor before asking whether the ring has a name.
const FOLLOW_SLICE: Duration = Duration::from_secs(1);

/// Writes the messages of a ring to standard output.
///
/// What `ringbuf pub` read comes out byte for byte: messages one behind the other;
/// of a ring of video, a YUV4MPEG2 stream.
///
/// A message is released when all of it was written. If this process is killed, or
/// its output fails, the next subscriber gets that message again and all that
/// follow, so nothing is missing in what they wrote together. Each begins with
/// the YUV4MPEG2 header, so that its output is a stream of its own; --no-header
/// leaves that out, to be appended to what another has written. (One that was killed
/// may have written a part of a message last, which the next writes whole.)
///
/// Ends with status 0 when the publisher has closed the ring and everything was
/// read.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  ringbuf sub cam0 --wait | ffplay -
  ringbuf sub cam0 --count 1 > still.y4m
  ringbuf sub log --follow | grep error")]
pub(crate) struct Arguments {
    /// The ring: a name, or a path with a `/` in it
    name: String,
    /// End after N messages
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Wait until there is such a ring and no other subscriber on it, at most so
    /// many seconds if given
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true)]
    wait: Option<Option<u64>>,
    /// If the publisher dies, wait for the next one
    #[arg(long)]
    follow: bool,
    /// Leave out the YUV4MPEG2 header: what comes is to follow what another wrote
    #[arg(long)]
    no_header: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    Stop::at_once()?;
    let name = arguments.name.as_str();
    let mut source = open(arguments)?;
    // Not the standard library's stdout: it looks for line ends and keeps the rest.
    let out = io::stdout().as_fd().try_clone_to_owned();
    let mut out = Output {
        file: File::from(out.map_err(Failure::io("use standard output"))?),
        picture: picture_bytes(source.ring()).map_err(|why| Failure::about(name, why))?,
    };
    if out.picture.is_some() && !arguments.no_header {
        out.write(source.ring().metadata())?;
    }
    let mut again = Redelivered { name, count: 0 };
    let mut left = arguments.count.unwrap_or(u64::MAX);
    while left != 0 {
        match source.deliver(|message| out.message(name, message)) {
            Ok(Delivered { done, redelivered }) => {
                done?;
                again.note(redelivered);
                left -= 1;
            }
            Err(ReadError::Closed) => break,
            Err(ReadError::PeerDied) if arguments.follow => follow(name, &source)?,
            Err(ReadError::PeerDied) => {
                return Err(Failure::about(
                    name,
                    "the publisher died and nothing is left; --follow waits for the next",
                ));
            }
            Err(error) => return Err(Failure::about(name, error)),
        }
    }
    Ok(())
}

/// Opens the ring, and waits for it if that was asked for.
fn open(arguments: &Arguments) -> Result<Source, Failure> {
    let name = &arguments.name;
    let deadline = match arguments.wait {
        None => Some(Instant::now()),
        Some(None) => None,
        // A time too far to be told is no limit.
        Some(Some(seconds)) => Instant::now().checked_add(Duration::from_secs(seconds)),
    };
    loop {
        match Source::open(name) {
            Ok(Some(source)) => return Ok(source),
            Ok(None) => {
                let why = "a ring of typed slots, which only a program that knows the type reads";
                return Err(Failure::about(name, why));
            }
            Err(OpenError::NotFound | OpenError::InUse)
                if deadline.is_none_or(|deadline| Instant::now() < deadline) =>
            {
                std::thread::sleep(LOOK_AGAIN);
            }
            Err(error) => return Err(Failure::about(name, error)),
        }
    }
}

/// Waits for a publisher on a ring whose last one died.
fn follow(name: &str, source: &Source) -> Result<(), Failure> {
    say(format_args!("{name}: the publisher died; waiting for the next"));
    while !source.wait_for_peer(FOLLOW_SLICE).map_err(Failure::opening(name))? {
        if !source.ring().still_named().map_err(Failure::opening(name))? {
            return Err(Failure::about(name, "the ring was removed; no publisher can come"));
        }
    }
    Ok(())
}

/// Bytes of a picture, if the ring holds video as `ringbuf pub` puts it there.
fn picture_bytes(ring: &Ring) -> Result<Option<usize>, y4m::Y4mError> {
    if ring.type_name() != y4m::TYPE_NAME {
        return Ok(None);
    }
    y4m::Header::parse(ring.metadata().to_vec()).map(|header| Some(header.frame_bytes))
}

/// The consumer of either shape.
enum Source {
    Bytes(bytes::Consumer),
    Records(records::Consumer),
}

struct Delivered {
    /// Whether it was written.
    done: Result<(), Failure>,
    /// Whether an earlier subscriber had been shown it and did not release it.
    redelivered: bool,
}

impl Source {
    /// `None`: a ring of typed slots.
    fn open(name: &str) -> Result<Option<Self>, OpenError> {
        Ok(Some(match Ring::open_with(name, &Options::new())?.shape() {
            Shape::Bytes(_) => Self::Bytes(bytes::Consumer::open(name)?),
            Shape::Records(_) => Self::Records(records::Consumer::open(name)?),
            _ => return Ok(None),
        }))
    }

    fn ring(&self) -> &Ring {
        match self {
            Self::Bytes(consumer) => consumer.ring(),
            Self::Records(consumer) => consumer.ring(),
        }
    }

    fn wait_for_peer(&self, most: Duration) -> Result<bool, OpenError> {
        match self {
            Self::Bytes(consumer) => consumer.wait_for_peer(Some(most)),
            Self::Records(consumer) => consumer.wait_for_peer(Some(most)),
        }
    }

    /// Waits for a message, lets `write` write it, and releases it if it did.
    fn deliver(
        &mut self,
        write: impl FnOnce(&[u8]) -> Result<(), Failure>,
    ) -> Result<Delivered, ReadError> {
        Ok(match self {
            Self::Bytes(consumer) => {
                let view = consumer.read()?;
                let redelivered = view.redelivered();
                Delivered { done: release_if_written(view, write), redelivered }
            }
            Self::Records(consumer) => {
                let view = consumer.read()?;
                let redelivered = view.redelivered();
                Delivered { done: release_if_written(view, write), redelivered }
            }
        })
    }
}

fn release_if_written(
    view: impl Deref<Target = [u8]>,
    write: impl FnOnce(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let done = write(&view);
    match done {
        Ok(()) => drop(view),
        // Taken and never released: the next subscriber gets it again.
        Err(_) => forget(view),
    }
    done
}

/// Standard output, and how messages are written to it.
struct Output {
    file: File,
    /// Bytes of the picture in each message; `None` if messages go as they are.
    picture: Option<usize>,
}

impl Output {
    fn message(&mut self, name: &str, message: &[u8]) -> Result<(), Failure> {
        let Some(bytes) = self.picture else { return self.write(message) };
        match message.split_at_checked(bytes) {
            Some((picture, line)) if line.starts_with(b"FRAME") && line.ends_with(b"\n") => {
                self.write(line)?;
                self.write(picture)
            }
            _ => {
                Err(Failure::about(name, "a message is not a frame with its FRAME line behind it"))
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file.write_all(bytes).map_err(|error| Failure::output(&error))
    }
}

/// Counts the messages at the start that an earlier subscriber had been shown.
struct Redelivered<'a> {
    name: &'a str,
    count: u64,
}

impl Redelivered<'_> {
    fn note(&mut self, redelivered: bool) {
        if redelivered {
            self.count += 1;
        } else if self.count != 0 {
            self.tell();
        }
    }

    fn tell(&mut self) {
        let count = std::mem::take(&mut self.count);
        let plural = if count == 1 { "" } else { "s" };
        say(format_args!(
            "{}: wrote {count} message{plural} again that an earlier subscriber had not finished",
            self.name
        ));
    }
}

impl Drop for Redelivered<'_> {
    fn drop(&mut self) {
        if self.count != 0 {
            self.tell();
        }
    }
}
