//! `ringbuf pub`: standard input becomes messages.
//!
//! Frames are read into the slot in which they stay: the only copy is the kernel's.

mod broadcast;
mod many;

pub(crate) use broadcast::cost;

use crate::backpressure::{Backpressure, Producer};
use crate::duration;
use crate::failure::Failure;
use crate::input::{self, Input};
use crate::stop::Stop;
use crate::tell::say;
use crate::y4m::{self, Y4mError};
use clap::{Args, ValueEnum};
use ringbuf_shm::spsc::{bytes, records};
use ringbuf_shm::{ClaimError, Options, Predecessor, Progress, Redelivery, Ring, Sleeper};
use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

/// Slots of a ring of frames, unless told otherwise.
const FRAMES_DEFAULT: u64 = 8;
/// Bytes of a ring of lines, unless told otherwise.
const LINES_BYTES_DEFAULT: u64 = 1 << 20;
/// Bytes of lines that are read at once.
const LINES_BUFFER: usize = 1 << 16;
/// Bytes that are read ahead to see whether the input goes on. What is in this
/// buffer is copied once more, so it is small.
const AHEAD: usize = 256;

/// Publishes standard input as messages of a ring.
///
/// A stream of YUV4MPEG2 video (`ffmpeg ... -f yuv4mpegpipe -`) is recognised by
/// itself: each frame is a message, and `ringbuf sub` gives the same stream again,
/// byte for byte. For anything else say what a message is: --frame-bytes or --lines.
///
/// Every subscriber may get every message (--kind broadcast, which is the default), and
/// each chooses what it wants when this is faster: all of them, those it can keep up with,
/// or the newest; see `ringbuf sub --help`. Waits at first until somebody subscribes
/// (--wait-for), so that `ringbuf pub x < clip & ringbuf sub x --wait --lossless > copy`
/// makes a complete copy. From then on it waits only for subscribers that asked for every
/// message, as long as --patience lasts, and goes on whoever comes, goes, is stopped or
/// killed, also if nobody is left. At the end of the input it removes the name and ends at
/// once; those who have subscribed read on to the end. With --slice, frames are published
/// piece by piece: programs may read what is there of one before the rest has come.
///
/// The ring is made if there is none. If a publisher died on a ring of the same
/// description, its seat is taken and the ring goes on; subscribers stay.
///
/// One subscriber at a time has a ring with --kind spsc. When it is full, the input waits;
/// subscribers may come, go and be killed meanwhile, and no message is lost.
///
/// Several publishers and several subscribers share one ring with --kind mpmc: each
/// message goes to exactly one of the subscribers, and again to another if that one
/// dies before it has written it: up to 8 times, then it is dropped and counted. The first
/// publisher makes the ring; whoever follows gives the same form and flags, and takes
/// the sizes as they are. With --lanes, subscribers read the lane of the highest number that has
/// something, so that what is urgent passes what is not; or the lanes that they ask for.
///
/// At the end of the input, a publisher of these two kinds waits until everything was read,
/// and removes the name; with --kind mpmc the last publisher does, and the others end at
/// once. Ctrl-C stops at once: the name is removed, and whoever has the ring open still
/// reads what is in it.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  ffmpeg -re -i clip.mp4 -f yuv4mpegpipe - | ringbuf pub cam0 --wait-for 3
  ffmpeg -f v4l2 -i /dev/video0 -pix_fmt nv12 -f rawvideo - |
      ringbuf pub cam0 --frame-bytes 3110400 --wait-for 0 --patience 2s
  tail -f access.log | ringbuf pub log --lines --kind spsc
  ffmpeg -i clip.mp4 -f yuv4mpegpipe - | ringbuf pub work --kind mpmc
  urgent-jobs | ringbuf pub jobs --lines --kind mpmc --lanes 2 --lane 1 &
  other-jobs | ringbuf pub jobs --lines --kind mpmc --lanes 2")]
pub(crate) struct Arguments {
    /// The ring: a name, or a path with a `/` in it
    name: String,
    /// Each N bytes are a message; the last may be shorter
    #[arg(long, value_name = "N", conflicts_with = "lines",
          value_parser = clap::value_parser!(u64).range(1..))]
    frame_bytes: Option<u64>,
    /// Each line is a message, with its end
    #[arg(long)]
    lines: bool,
    /// Who gets a message
    #[arg(long, value_enum, default_value_t = RingKind::Broadcast)]
    kind: RingKind,
    /// Messages that the ring keeps (8; 256 lines; 2 at least); with --kind spsc, bytes of
    /// a ring of lines (1 MiB); with --kind mpmc, slots of each lane (64, and no fewer); rounded up to
    /// a power of two
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    capacity: Option<u64>,
    /// Broadcast: publish nothing before N subscribe (1; with --keep 0)
    #[arg(long, value_name = "N")]
    wait_for: Option<u32>,
    /// Broadcast: how many may subscribe at a time, 1 to 1024 (16)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    subscribers_max: Option<u32>,
    /// Broadcast: how many messages all subscribers together may hold at a time, 1 to 4096
    /// (as many as may subscribe); each costs memory for one more message
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    views_max: Option<u32>,
    /// Broadcast: how long to wait for a subscriber that wants every message and keeps this
    /// from going on, as 2s or 250ms; then it is told, and loses some (for ever)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    patience: Option<Duration>,
    /// Broadcast: publish each frame piece by piece, N bytes at a time
    #[arg(long, value_name = "N", conflicts_with = "lines",
          value_parser = clap::value_parser!(u64).range(1..))]
    slice: Option<u64>,
    /// With --kind mpmc: publish to lane N, from 0 (the default) to one less than --lanes
    #[arg(long, value_name = "N")]
    lane: Option<u32>,
    /// With --kind mpmc: make the ring with N lanes, 1 (the default) to 64
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    lanes: Option<u32>,
    /// With --lines, but for --kind spsc: bytes of the longest line, its end included (4096)
    #[arg(long, value_name = "N", requires = "lines",
          value_parser = clap::value_parser!(u64).range(1..))]
    line_bytes: Option<u64>,
    /// End with the input and leave the ring and what is in it to those who come
    /// later; `ringbuf rm` removes it
    #[arg(long)]
    keep: bool,
    /// With --kind spsc or mpmc: what becomes of a message whose subscriber died while it
    /// had it: `again` unless said otherwise
    #[arg(long, value_enum)]
    redelivery: Option<Policy>,
    /// With --kind mpmc: wait for whoever is stopped or slow with a message in its hands,
    /// instead of passing it by; faster by one step for each commit and each release
    #[arg(long)]
    fast: bool,
    /// Never sleep while waiting, on either side: faster, at the price of a core
    #[arg(long)]
    spin: bool,
    /// Ask for huge pages of 2 MiB
    #[arg(long)]
    huge_pages: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RingKind {
    /// One publisher, every message for each subscriber, as it wants
    Broadcast,
    /// One publisher and one subscriber at a time
    Spsc,
    /// Many of each, every message for one of them
    Mpmc,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Policy {
    /// The next subscriber gets it again: at least once
    Again,
    /// It is dropped and counted: at most once
    Drop,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    arguments.check()?;
    let stop = Stop::watch()?;
    let input = Input::new(&stop);
    match arguments.kind {
        RingKind::Broadcast => broadcast::run(arguments, &stop, input),
        RingKind::Mpmc => many::run(arguments, &stop, input),
        RingKind::Spsc => match arguments.frame_bytes {
            Some(frame_bytes) => publish_frames(arguments, &stop, input, frame_bytes),
            None if arguments.lines => publish_lines(arguments, &stop, input),
            None => publish_video(arguments, &stop, input),
        },
    }
}

impl Arguments {
    /// Refuses what other kinds of rings have.
    fn check(&self) -> Result<(), Failure> {
        use RingKind::{Broadcast, Mpmc, Spsc};
        let options: [(&str, bool, &[RingKind]); 10] = [
            ("--lane", self.lane.is_some(), &[Mpmc]),
            ("--lanes", self.lanes.is_some(), &[Mpmc]),
            ("--fast", self.fast, &[Mpmc]),
            ("--line-bytes", self.line_bytes.is_some(), &[Broadcast, Mpmc]),
            ("--redelivery", self.redelivery.is_some(), &[Spsc, Mpmc]),
            ("--wait-for", self.wait_for.is_some(), &[Broadcast]),
            ("--subscribers-max", self.subscribers_max.is_some(), &[Broadcast]),
            ("--views-max", self.views_max.is_some(), &[Broadcast]),
            ("--patience", self.patience.is_some(), &[Broadcast]),
            ("--slice", self.slice.is_some(), &[Broadcast]),
        ];
        let wrong =
            |(_, given, kinds): &&(&str, bool, &[RingKind])| *given && !kinds.contains(&self.kind);
        let Some((option, _, kinds)) = options.iter().find(wrong) else { return Ok(()) };
        let kinds: Vec<_> = kinds.iter().map(|kind| format!("--kind {}", kind.name())).collect();
        Err(Failure::Misuse(format!("{option} is for {}", kinds.join(" or "))))
    }
}

impl RingKind {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// A stream of YUV4MPEG2 on standard input.
struct VideoInput<'a> {
    input: BufReader<Input<'a>>,
    header: y4m::Header,
    /// The number of the frame that is read next.
    frame: u64,
    /// The FRAME line of the frame that is being read.
    line: Vec<u8>,
}

impl<'a> VideoInput<'a> {
    /// Reads the first line.
    fn begin(input: Input<'a>) -> Result<Self, Failure> {
        let mut input = BufReader::with_capacity(AHEAD, input);
        let header = y4m::Header::read(&mut input).map_err(|error| match error {
            Y4mError::NotY4m => Failure::Said(
                "the input is not YUV4MPEG2; say what a message is with --frame-bytes N or \
                 --lines, or let ffmpeg write `-f yuv4mpegpipe`"
                    .into(),
            ),
            error => bad_video(error),
        })?;
        Ok(Self { input, header, frame: 0, line: Vec::with_capacity(y4m::FRAME_LINE_MAX) })
    }

    fn message_bytes_max(&self) -> u64 {
        (self.header.frame_bytes + y4m::FRAME_LINE_MAX) as u64
    }

    /// Reads the line of the next frame; false at the end of the stream.
    fn read_line(&mut self) -> Result<bool, Failure> {
        y4m::read_frame_line(&mut self.input, self.frame, &mut self.line).map_err(bad_video)
    }

    /// Reads the picture that follows the line.
    fn read_picture(&mut self, picture: &mut [u8]) -> Result<(), Failure> {
        self.read_part(picture)?;
        self.frame += 1;
        Ok(())
    }

    /// Reads a part of a picture.
    fn read_part(&mut self, part: &mut [u8]) -> Result<(), Failure> {
        if input::fill(&mut self.input, part).map_err(input::failure)? < part.len() {
            return Err(bad_video(Y4mError::Cut(self.frame)));
        }
        Ok(())
    }
}

fn publish_video(arguments: &Arguments, stop: &Stop, input: Input<'_>) -> Result<(), Failure> {
    let mut video = VideoInput::begin(input)?;
    let options = frames(arguments, video.message_bytes_max())
        .metadata(&video.header.line)
        .type_name(y4m::TYPE_NAME);
    let producer = bytes::Producer::create_or_open(&arguments.name, &options);
    let producer = producer.map_err(Failure::opening(&arguments.name))?;
    let from = producer.predecessor();
    feed(arguments, stop, producer, from, |producer, backpressure| {
        while video.read_line()? {
            let mut slot = room(arguments, producer, backpressure)?;
            slot.set_tag(video.frame);
            let (picture, behind) = slot.split_at_mut(video.header.frame_bytes);
            video.read_picture(picture)?;
            behind[..video.line.len()].copy_from_slice(&video.line);
            let len = video.header.frame_bytes + video.line.len();
            slot.commit(len).map_err(|error| Failure::about(&arguments.name, error))?;
        }
        Ok(())
    })
}

fn bad_video(error: Y4mError) -> Failure {
    match error {
        Y4mError::Io(error) => input::failure(error),
        error => Failure::Said(format!("the YUV4MPEG2 input is bad: {error}")),
    }
}

fn publish_frames(
    arguments: &Arguments,
    stop: &Stop,
    input: Input<'_>,
    frame_bytes: u64,
) -> Result<(), Failure> {
    let mut input = BufReader::with_capacity(AHEAD, input);
    let options = frames(arguments, frame_bytes);
    let producer = bytes::Producer::create_or_open(&arguments.name, &options);
    let producer = producer.map_err(Failure::opening(&arguments.name))?;
    let from = producer.predecessor();
    feed(arguments, stop, producer, from, |producer, backpressure| {
        for number in 0.. {
            if input.fill_buf().map_err(input::failure)?.is_empty() {
                break;
            }
            let mut slot = room(arguments, producer, backpressure)?;
            slot.set_tag(number);
            let len = input::fill(&mut input, &mut slot).map_err(input::failure)?;
            slot.commit(len).map_err(|error| Failure::about(&arguments.name, error))?;
        }
        Ok(())
    })
}

fn publish_lines(arguments: &Arguments, stop: &Stop, input: Input<'_>) -> Result<(), Failure> {
    let mut input = BufReader::with_capacity(LINES_BUFFER, input);
    let options = options(arguments, LINES_BYTES_DEFAULT);
    let producer = records::Producer::create_or_open(&arguments.name, &options);
    let producer = producer.map_err(Failure::opening(&arguments.name))?;
    let from = producer.predecessor();
    let longest = producer.len_max();
    feed(arguments, stop, producer, from, |producer, backpressure| {
        let mut line = Vec::new();
        for number in 1u64.. {
            line.clear();
            let mut limited = input.by_ref().take(longest as u64 + 1);
            if limited.read_until(b'\n', &mut line).map_err(input::failure)? == 0 {
                break;
            }
            if line.len() > longest {
                return Err(Failure::Said(format!(
                    "line {number} is longer than {longest} bytes; give the ring more --capacity"
                )));
            }
            backpressure.wait(producer, |producer, most| producer.push_timeout(&line, most))?;
        }
        Ok(())
    })
}

/// The options of a ring of byte slots.
fn frames(arguments: &Arguments, slot_size: u64) -> Options {
    options(arguments, FRAMES_DEFAULT).slot_size(slot_size)
}

/// What the options say about a ring of either shape.
fn options(arguments: &Arguments, capacity: u64) -> Options {
    Options::new()
        .capacity(arguments.capacity.unwrap_or(capacity))
        .reopen(true)
        .sleeper(if arguments.spin { Sleeper::Spin } else { Sleeper::Futex })
        .progress(if arguments.fast { Progress::Fast } else { Progress::Strict })
        .redelivery(match arguments.redelivery {
            None | Some(Policy::Again) => Redelivery::Redeliver,
            Some(Policy::Drop) => Redelivery::Drop,
        })
        .huge_pages(arguments.huge_pages)
}

/// Waits for a free slot and claims it.
fn room<'a>(
    arguments: &Arguments,
    producer: &'a mut bytes::Producer,
    backpressure: &mut Backpressure<'_>,
) -> Result<bytes::Claim<'a>, Failure> {
    // Claimed, given back and claimed again: the same slot, which nobody else takes.
    backpressure.wait(producer, |producer, most| producer.claim_timeout(most).map(drop))?;
    producer.try_claim().map_err(|error: ClaimError| Failure::about(&arguments.name, error))
}

/// Lets `write` write everything, waits until it was read, and removes the name.
fn feed<P: Producer>(
    arguments: &Arguments,
    stop: &Stop,
    mut producer: P,
    from: Predecessor,
    write: impl FnOnce(&mut P, &mut Backpressure<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let name = &arguments.name;
    if from == Predecessor::Died {
        say(format_args!("{name}: goes on where a publisher died"));
    }
    say_what_was_granted(name, producer.ring());
    let mut backpressure = Backpressure::new(name, stop);
    let written = write(&mut producer, &mut backpressure);
    // What was published before the input went bad is whole, and is waited for too.
    let read = match written {
        Err(Failure::Stopped(_)) => Ok(()),
        _ if arguments.keep => Ok(()),
        _ => backpressure.flush(&mut producer),
    };
    if arguments.keep {
        return written.and(read);
    }
    // Before the producer is dropped: who finds the name does not find it closed.
    let removed = producer.ring().remove().map_err(Failure::opening(name));
    written.and(read).and(removed.map(|_| ()))
}

fn say_what_was_granted(name: &str, ring: &Ring) {
    if ring.granted().huge_pages == Some(false) {
        say(format_args!("{name}: the kernel granted no huge pages; going on without"));
    }
}
