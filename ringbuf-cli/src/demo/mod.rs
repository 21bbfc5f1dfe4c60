//! `ringbuf demo`: what the ring does on this machine, in a few seconds.
//!
//! This process reads; another, started by it, writes. The ring has no name: the
//! child gets it as its standard input. In the first half of the time the child
//! writes as fast as it can, which gives the throughput; both stay awake, and nobody
//! calls the kernel. In the second half it writes at a pace that leaves the reader
//! waiting, and asleep, so that the time from commit to reader is that of the
//! hand-over and not of a queue.

pub(crate) mod camera;
mod pattern;
mod report;

use crate::failure::Failure;
use crate::figures::grouped;
use crate::stat::monotonic;
use crate::stop::{SLICE, Stop};
use crate::tell::print;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use report::{Phase, Report};
use ringbuf_shm::spsc::bytes;
use ringbuf_shm::{Options, ReadError};
use rustix::io::dup;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SLOTS: u64 = 8;
/// Frames a second of the second half.
pub(crate) const PACE: u32 = 240;
/// Set in the tag of a frame that was written at a pace; the other bits count.
const PACED: u64 = 1 << 63;
/// A ring of such frames still fits into most machines.
const SIDE_MAX: u32 = 8192;
/// How long a side spins at full speed: longer than a frame takes the other.
const AWAKE: Duration = Duration::from_millis(20);
/// How long a side spins at a pace: it is to sleep between two frames.
const DROWSY: Duration = Duration::from_micros(10);
const SHOW_EVERY: Duration = Duration::from_millis(100);

/// Passes video frames between two processes and reports what this machine does.
///
/// One process fills NV12 frames in place, another checks every byte of them in
/// place: half of the time as fast as they can, half of the time at 240 frames a
/// second, to measure the hand-over alone. Ends with status 1 if a frame was lost
/// or torn.
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
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
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

/// How long to spin at full speed: not at all where there is one processor for both.
fn awake() -> Duration {
    match std::thread::available_parallelism() {
        Ok(processors) if processors.get() > 1 => AWAKE,
        _ => Duration::ZERO,
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let stop = Stop::watch()?;
    let options =
        Options::new().capacity(SLOTS).slot_size(arguments.size.frame_bytes()).prefault(true);
    let mut viewer = bytes::Consumer::create_unnamed(&options)
        .map_err(|error| Failure::Said(error.to_string()))?;
    let mut camera = Camera::start(&viewer, arguments.seconds)?;
    let report = watch(&mut viewer, &mut camera, &stop, arguments.seconds)?;
    let Size { width, height } = arguments.size;
    print(&format!(
        "{width}x{height} NV12, {} bytes a frame, {SLOTS} slots; filled in place by one process,\n\
         every byte checked in place by another\n\n{report}",
        grouped(arguments.size.frame_bytes())
    ))?;
    report.verdict()
}

/// Reads until the camera closes the ring.
fn watch(
    viewer: &mut bytes::Consumer,
    camera: &mut Camera,
    stop: &Stop,
    seconds: u32,
) -> Result<Report, Failure> {
    let ring = viewer.ring().clone();
    let stats = || ring.stats().map_err(|error| Failure::Said(error.to_string()));
    let mut report = Report::new(stats()?)?;
    let mut shown = Shown::new(seconds);
    let mut phase = Phase::Full;
    loop {
        stop.check()?;
        viewer.set_spin(if phase == Phase::Full { awake() } else { DROWSY });
        match viewer.read_timeout(SLICE) {
            Ok(frame) => {
                let now = monotonic();
                phase = if frame.tag() & PACED == 0 { Phase::Full } else { Phase::Paced };
                report.enter(phase, &stats)?;
                let number = frame.tag() & !PACED;
                let whole = pattern::is(number, &frame);
                report.frame(number, whole, now, Duration::from_nanos(frame.time()), frame.len());
                shown.frame(phase);
            }
            Err(ReadError::TimedOut) => camera.check()?,
            Err(ReadError::Closed) => break,
            Err(ReadError::PeerDied) => {
                return Err(Failure::Said("the writing process died".into()));
            }
            Err(error) => return Err(Failure::Said(error.to_string())),
        }
    }
    shown.bar.finish_and_clear();
    report.end(&stats()?);
    Ok(report)
}

/// The writing process. It does not outlive this one, and not this value.
struct Camera {
    child: Child,
}

impl Camera {
    fn start(viewer: &bytes::Consumer, seconds: u32) -> Result<Self, Failure> {
        let ring = dup(viewer.ring().as_fd()).map_err(Failure::io("hand the ring on"))?;
        let own = std::env::current_exe().map_err(Failure::io("find this program"))?;
        let child = Command::new(own)
            .args(["demo-camera", "--seconds", &seconds.to_string()])
            .stdin(Stdio::from(ring))
            .stdout(Stdio::null())
            // Ctrl-C is for this process, which then ends the child.
            .process_group(0)
            .spawn()
            .map_err(Failure::io("start the writing process"))?;
        Ok(Self { child })
    }

    /// Fails if it ended before it took its seat.
    fn check(&mut self) -> Result<(), Failure> {
        match self.child.try_wait() {
            Ok(Some(status)) if !status.success() => {
                Err(Failure::Said(format!("the writing process ended early: {status}")))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The progress bar; nothing unless standard error is a terminal.
struct Shown {
    bar: ProgressBar,
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
        Self { bar, start: now, last: now, frames: 0 }
    }

    fn frame(&mut self, phase: Phase) {
        self.frames += 1;
        let elapsed = self.last.elapsed();
        if elapsed < SHOW_EVERY {
            return;
        }
        let rate = f64::from(self.frames) / elapsed.as_secs_f64();
        self.bar.set_message(format!("{rate:.0} frames/s, {}", phase.name()));
        let position = self.start.elapsed().as_millis();
        self.bar.set_position(u64::try_from(position).unwrap_or(u64::MAX));
        (self.last, self.frames) = (Instant::now(), 0);
    }
}
