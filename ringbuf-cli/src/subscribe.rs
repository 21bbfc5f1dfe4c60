//! `ringbuf sub`: messages become standard output.
//!
//! A message is given back to the ring when all of it is written, and not before: a
//! subscriber that is killed, or whose output fails, leaves it to the next; of a broadcast
//! ring, where it is everybody's, it stays as it is until then.

use crate::account::Account;
use crate::failure::Failure;
use crate::figures::grouped;
use crate::peers::{Peers, latest};
use crate::source::broadcast::{From, Joining};
use crate::source::{Message, Source};
use crate::stop::Stop;
use crate::tell::say;
use crate::y4m;
use clap::Args;
use ringbuf_shm::broadcast::Delivery;
use ringbuf_shm::mpmc::Lanes;
use ringbuf_shm::{Kind, OpenError, Presence, ReadError, Ring};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long to wait before looking again for a ring that is not there.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How long to wait for a successor before asking whether the ring has a name.
const FOLLOW_SLICE: Duration = Duration::from_secs(1);

/// Writes the messages of a ring to standard output.
///
/// What `ringbuf pub` read comes out byte for byte: messages one behind the other;
/// of a ring of video, a YUV4MPEG2 stream. The kind of the ring is found by itself.
///
/// Of a broadcast ring, every subscriber chooses what it wants when the publisher is
/// faster: what it can keep up with (--lossy, which is the default: the publisher never
/// waits), every message (--lossless: the publisher waits), or always the newest
/// (--latest). What is being written stays as it is, however long that takes. At the end,
/// also by Ctrl-C, a line on standard error says how many messages were received, how many
/// were lost and broken off, and how often the publisher did not wait any longer: then
/// that is said at once, too, and it goes on with the oldest message there is.
///
/// Each output begins with the YUV4MPEG2 header, so that it is a stream of its own;
/// --no-header leaves that out, to be appended to what another has written.
///
/// Of a ring of two (`ringbuf pub --kind spsc`), a message is released when all of it was
/// written. If this process is killed, or its output fails, the next subscriber gets that
/// message again and all that follow, so nothing is missing in what they wrote together.
/// (One that was killed may have written a part of a message last, which the next writes
/// whole.)
///
/// A ring of many (`ringbuf pub --kind mpmc`) may have several subscribers at once: each
/// message goes to one of them, and again to another if that one dies before it has
/// written it. What each writes of a video is a stream of its own, of the frames that
/// it got; --numbers says which they are.
///
/// Ends with status 0 when the publisher has closed the ring (of many, when all have) and
/// everything in it was read, in all of its lanes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  ringbuf sub cam0 --wait --lossless > all.y4m
  ringbuf sub cam0 --wait --latest | ffplay -
  ringbuf sub cam0 --latest --count 1 > still.y4m
  ringbuf sub log --follow | grep error
  ringbuf sub work --numbers got.txt > got.y4m
  ringbuf sub jobs --lowest-up-to 3 | worker")]
pub(crate) struct Arguments {
    /// The ring: a name, or a path with a `/` in it
    name: String,
    /// End after N messages
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Wait until there is such a ring and room on it for another subscriber, at most so
    /// many seconds if given
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true)]
    wait: Option<Option<u64>>,
    /// If the publisher dies, wait for the next one
    #[arg(long)]
    follow: bool,
    /// Leave out the YUV4MPEG2 header: what comes is to follow what another wrote
    #[arg(long)]
    no_header: bool,
    /// Of a broadcast ring: what it can keep up with; the default
    #[arg(long, group = "delivery")]
    lossy: bool,
    /// Of a broadcast ring: every message; the publisher waits for this process, for as long
    /// as its --patience lasts
    #[arg(long, group = "delivery")]
    lossless: bool,
    /// Of a broadcast ring: always the newest message, never the same one twice
    #[arg(long, group = "delivery")]
    latest: bool,
    /// Of a broadcast ring: begin with the `oldest` message there is (as --lossless does by
    /// itself), with the `newest` (with the next one, unless --latest), or with number N,
    /// counted from 0 since the ring was made; if that is gone, with the oldest
    #[arg(long, value_name = "WHERE")]
    from: Option<From>,
    /// Of a broadcast ring: take up to N messages at a time, which are not lost while the
    /// first of them are written; all subscribers share the --views-max of the ring
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    views: Option<u32>,
    /// Of a ring of many: read lane N only; of all of them, without this, the highest that
    /// has something
    #[arg(long, value_name = "N", conflicts_with = "lowest_up_to")]
    lane: Option<u32>,
    /// Of a ring of many: read the lowest lane that has something, up to lane N
    #[arg(long, value_name = "N")]
    lowest_up_to: Option<u32>,
    /// Write to FILE a line for each message when it is written: its number in what its
    /// publisher read, from 0 (of a broadcast ring, since the ring was made); `again`
    /// follows if an earlier subscriber may have written it too
    #[arg(long, value_name = "FILE")]
    numbers: Option<PathBuf>,
}

impl Arguments {
    fn delivery(&self) -> Delivery {
        if self.lossless {
            Delivery::Lossless
        } else if self.latest {
            Delivery::Latest
        } else {
            Delivery::Lossy
        }
    }

    fn joining(&self) -> Joining {
        let views = self.views.unwrap_or(1);
        Joining { delivery: self.delivery(), from: self.from, views }
    }

    /// An option that was given and is for broadcast rings only.
    fn for_broadcast(&self) -> Option<&'static str> {
        let all = [
            ("--lossy", self.lossy),
            ("--lossless", self.lossless),
            ("--latest", self.latest),
            ("--from", self.from.is_some()),
            ("--views", self.views.is_some()),
        ];
        all.into_iter().find_map(|(option, given)| given.then_some(option))
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let account = Account::new(&arguments.name);
    let last_words = Arc::clone(&account);
    Stop::at_once(move || last_words.tell())?;
    let done = subscribe(arguments, &account);
    account.tell();
    done
}

fn subscribe(arguments: &Arguments, account: &Account) -> Result<(), Failure> {
    let name = arguments.name.as_str();
    let mut source = open(arguments)?;
    match (source.ring().kind(), arguments.for_broadcast()) {
        (Kind::Broadcast, _) => account.open(),
        (_, None) => {}
        (kind, Some(option)) => {
            let why = format!("{option} is for broadcast rings, and this one is {kind}");
            return Err(Failure::about(name, why));
        }
    }
    choose_lanes(arguments, &mut source)?;
    // Not the standard library's stdout: it looks for line ends and keeps the rest.
    let out = io::stdout().as_fd().try_clone_to_owned();
    let mut out = Output {
        file: File::from(out.map_err(Failure::io("use standard output"))?),
        picture: picture_bytes(source.ring()).map_err(|why| Failure::about(name, why))?,
        numbers: numbers(arguments, &source)?,
    };
    if out.picture.is_some() && !arguments.no_header {
        out.write(source.ring().metadata())?;
    }
    let mut again = Redelivered { name, count: 0 };
    let mut following = false;
    let mut left = arguments.count.unwrap_or(u64::MAX);
    while left != 0 {
        let mut redelivered = false;
        let delivered = source.deliver(|message| {
            redelivered = message.redelivered;
            out.message(name, message)
        });
        let lost = match &source {
            Source::Broadcast(subscriber) => account.missed(subscriber.missed()),
            _ => 0,
        };
        match delivered {
            Ok(done) => {
                done?;
                account.received();
                again.note(redelivered);
                following = false;
                left -= 1;
            }
            Err(ReadError::Evicted) => {
                account.evicted();
                say(format_args!(
                    "{name}: the publisher did not wait any longer; lost {}, going on with the \
                     oldest there is",
                    grouped(lost)
                ));
            }
            Err(ReadError::Closed) => break,
            Err(ReadError::PeerDied) if arguments.follow => {
                if !following {
                    say(format_args!("{name}: the publisher died; waiting for the next"));
                }
                following = true;
                if !follow(name, &mut source)? {
                    break;
                }
            }
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
        match Source::open(name, arguments.joining()) {
            Ok(Some(source)) => return Ok(source),
            Ok(None) => {
                let why = "a ring of typed slots, which only a program that knows the type reads";
                return Err(Failure::about(name, why));
            }
            Err(
                OpenError::NotFound
                | OpenError::InUse
                | OpenError::TooManyPeers(_)
                | OpenError::TooManyViews { .. },
            ) if deadline.is_none_or(|deadline| Instant::now() < deadline) => {
                std::thread::sleep(LOOK_AGAIN);
            }
            Err(error) => return Err(Failure::about(name, error)),
        }
    }
}

/// Reads the lanes that were asked for.
fn choose_lanes(arguments: &Arguments, source: &mut Source) -> Result<(), Failure> {
    let lanes = match (arguments.lane, arguments.lowest_up_to) {
        (Some(lane), _) => Lanes::Only(lane),
        (None, Some(lane)) => Lanes::LowestUpTo(lane),
        (None, None) => Lanes::Highest,
    };
    if source.set_lanes(lanes) {
        return Ok(());
    }
    let ring = source.ring();
    let why = match ring.kind() {
        Kind::Mpmc => format!("it has no such lane; its lanes are 0 to {}", ring.lanes() - 1),
        _ => "it has no lanes; those of `ringbuf pub --kind mpmc` have".into(),
    };
    Err(Failure::about(&arguments.name, why))
}

/// The file to which the numbers of messages go, if they are to.
fn numbers(arguments: &Arguments, source: &Source) -> Result<Option<File>, Failure> {
    let Some(path) = &arguments.numbers else { return Ok(None) };
    if !source.has_numbers() {
        let why = "its messages have no numbers: lines have none with `ringbuf pub --kind spsc`";
        return Err(Failure::about(&arguments.name, why));
    }
    let file = File::create(path);
    file.map(Some).map_err(Failure::io(&format!("write to {}", path.display())))
}

/// Waits for a publisher on a ring whose last one died; false if there will be none,
/// since one that came after it has ended and removed the name.
fn follow(name: &str, source: &mut Source) -> Result<bool, Failure> {
    while !source.wait_for_peer(FOLLOW_SLICE).map_err(Failure::opening(name))? {
        still_named(name, source.ring())?;
    }
    if source.ring().kind() != Kind::Mpmc {
        return Ok(true);
    }
    // The row of one that died stays as it is until somebody else needs it: that nobody
    // is left but one that died is no reason to wait.
    let peers = Peers::of(source.ring()).map_err(Failure::opening(name))?;
    let last = latest(&peers.producers);
    let named = still_named(name, source.ring()).map(|()| true);
    if last.is_some_and(|last| last.presence == Presence::Closed) {
        return Ok(named.is_ok());
    }
    named
}

fn still_named(name: &str, ring: &Ring) -> Result<(), Failure> {
    if ring.still_named().map_err(Failure::opening(name))? {
        return Ok(());
    }
    Err(Failure::about(name, "the ring was removed; no publisher can come"))
}

/// Bytes of a picture, if the ring holds video as `ringbuf pub` puts it there.
fn picture_bytes(ring: &Ring) -> Result<Option<usize>, y4m::Y4mError> {
    if ring.type_name() != y4m::TYPE_NAME {
        return Ok(None);
    }
    y4m::Header::parse(ring.metadata().to_vec()).map(|header| Some(header.frame_bytes))
}

/// Standard output, and how messages are written to it.
struct Output {
    file: File,
    /// Bytes of the picture in each message; `None` if messages go as they are.
    picture: Option<usize>,
    /// Where their numbers go.
    numbers: Option<File>,
}

impl Output {
    fn message(&mut self, name: &str, message: &Message<'_>) -> Result<(), Failure> {
        self.payload(name, message.bytes)?;
        let (Some(file), Some(number)) = (&mut self.numbers, message.number) else {
            return Ok(());
        };
        let again = if message.redelivered { " again" } else { "" };
        // In one piece: a line is whole or not there.
        let line = format!("{number}{again}\n");
        file.write_all(line.as_bytes()).map_err(Failure::io("write the numbers"))
    }

    fn payload(&mut self, name: &str, message: &[u8]) -> Result<(), Failure> {
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
