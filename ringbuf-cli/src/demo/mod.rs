//! `ringbuf demo`: what a ring does on this machine, in a few seconds.
//!
//! This process publishes frames; three others, started by it, read them, each with
//! another contract. The ring has no name: the children get it as their standard input,
//! and tell on their standard output what they saw. In the first half of the time this
//! process writes as fast as it can, which gives the throughput; nobody calls the kernel.
//! In the second half it writes at a pace that leaves its readers waiting, so that the
//! time from commit to reader is that of the hand-over and not of a queue.

mod camera;
mod pattern;
mod report;
pub(crate) mod viewer;

use crate::failure::Failure;
use crate::figures::grouped;
use crate::publish::cost;
use crate::stop::Stop;
use crate::tell::print;
use camera::Camera;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use report::Report;
use ringbuf_shm::Options;
use ringbuf_shm::broadcast::bytes::Publisher;
use std::time::{Duration, Instant};
use viewer::{Viewer, Viewers};

const SLOTS: u64 = 8;
/// Who looks: one for each contract, and one of them is slow.
const VIEWERS: [Viewer; 3] = [Viewer::Recorder, Viewer::Analyst, Viewer::Screen];
/// Frames a second of the second half.
const PACE: u32 = 240;
/// Set in the tag of a frame that was written at a pace; the other bits count.
const PACED: u64 = 1 << 63;
/// A ring of such frames still fits into most machines.
const SIDE_MAX: u32 = 8192;
/// How long a side spins at full speed: longer than a frame takes the other.
const AWAKE: Duration = Duration::from_millis(20);
/// How long a side spins at a pace: it is to sleep between two frames.
const DROWSY: Duration = Duration::from_micros(10);
const SHOW_EVERY: Duration = Duration::from_millis(100);

/// Publishes video frames to three processes and reports what this machine does.
///
/// One process fills NV12 frames in place; three others check every byte of them in
/// place: a recorder that wants all of them, an analyst that holds each for a while and
/// takes those it can keep up with, and a screen that shows the newest now and then. Half
/// of the time as fast as they can, half of the time at 240 frames a second, to measure the
/// hand-over alone. Ends with status 1 if the recorder lost a frame, if one was torn or came
/// too late, or if what was received and lost is not what was published.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// How long, in seconds
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u32).range(1..=86400))]
    seconds: u32,
    /// Columns and rows of a frame
    #[arg(long, value_name = "WxH", default_value = "1920x1080")]
    size: Size,
}

/// The size of a picture.
#[derive(Clone, Copy, Debug)]
struct Size {
    width: u32,
    height: u32,
}

impl Size {
    /// Bytes of an NV12 frame: brightness, and colour at a quarter of the size twice.
    fn frame_bytes(self) -> u64 {
        let (width, height) = (u64::from(self.width), u64::from(self.height));
        width * height + 2 * width.div_ceil(2) * height.div_ceil(2)
    }
}

impl std::str::FromStr for Size {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let side = |text: &str| text.parse().ok().filter(|side| (1..=SIDE_MAX).contains(side));
        match text.split_once('x').map(|(width, height)| (side(width), side(height))) {
            Some((Some(width), Some(height))) => Ok(Self { width, height }),
            _ => Err("give columns and rows, like 1920x1080, of at most 8192"),
        }
    }
}

/// Which half of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// As fast as it goes.
    Full = 0,
    /// At a pace that leaves readers waiting.
    Paced = 1,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Full => "full speed",
            Self::Paced => "paced",
        }
    }
}

/// How long to spin at full speed: not at all where there is one processor for both.
fn awake() -> Duration {
    match std::thread::available_parallelism() {
        Ok(processors) if processors.get() > 1 => AWAKE,
        _ => Duration::ZERO,
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let stop = Stop::watch()?;
    let said = |error: ringbuf_shm::OpenError| Failure::Said(error.to_string());
    let frame_bytes = arguments.size.frame_bytes();
    let viewers = u32::try_from(VIEWERS.len()).unwrap_or(u32::MAX);
    let options = Options::new()
        .capacity(SLOTS)
        .slot_size(frame_bytes)
        .subscribers_max(viewers)
        .views_max(viewers)
        .prefault(true);
    let publisher = Publisher::create_unnamed(&options).map_err(said)?;
    let pool = publisher.ring().pool();
    let mut viewers = Viewers::start(publisher.ring())?;
    let shown = Shown::new(arguments.seconds);
    let mut camera = Camera { publisher, viewers: &mut viewers, stop: &stop, shown };
    let filmed = camera.film(Duration::from_secs(arguments.seconds.into()))?;
    camera.shown.bar.finish_and_clear();
    // The publisher goes, and the viewers end when they have seen everything.
    drop(camera);
    let report = Report::new(filmed, viewers.end(&stop)?, frame_bytes);
    let Size { width, height } = arguments.size;
    print(&format!(
        "{width}x{height} NV12, {} bytes a frame; {}\n\
         filled in place by one process, every byte checked in place by three others\n\n{report}",
        grouped(frame_bytes),
        pool.as_ref().map_or_else(String::new, cost),
    ))?;
    report.verdict()
}

/// The progress bar; nothing unless standard error is a terminal.
struct Shown {
    bar: ProgressBar,
    phase: Phase,
    start: Instant,
    last: Instant,
    frames: u32,
}

impl Shown {
    fn new(seconds: u32) -> Self {
        let bar = ProgressBar::new(u64::from(seconds) * 1000);
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {msg}") {
            bar.set_style(style);
        }
        let now = Instant::now();
        Self { bar, phase: Phase::Full, start: now, last: now, frames: 0 }
    }

    /// One more frame; whether it was time to show something.
    fn frame(&mut self) -> bool {
        self.frames += 1;
        let elapsed = self.last.elapsed();
        if elapsed < SHOW_EVERY {
            return false;
        }
        let rate = f64::from(self.frames) / elapsed.as_secs_f64();
        self.bar.set_message(format!("{rate:.0} frames/s, {}", self.phase.name()));
        let position = self.start.elapsed().as_millis();
        self.bar.set_position(u64::try_from(position).unwrap_or(u64::MAX));
        (self.last, self.frames) = (Instant::now(), 0);
        true
    }
}
