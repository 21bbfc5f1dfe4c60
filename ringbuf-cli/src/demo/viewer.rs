//! The reading processes of the demo: each wants something else of the same frames.

use super::report::{Seen, Tally};
use super::{DROWSY, PACED, Phase, VIEWERS, awake, pattern};
use crate::failure::Failure;
use crate::stat::monotonic;
use crate::stop::Stop;
use crate::tell::print;
use clap::{Args, ValueEnum};
use ringbuf_shm::broadcast::bytes::Subscriber;
use ringbuf_shm::broadcast::{Delivery, Join};
use ringbuf_shm::{ReadError, Ring};
use rustix::io::dup;
use rustix::process::{Signal, set_parent_process_death_signal};
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long the slow one looks at a frame.
pub(crate) const LOOKS_FOR: Duration = Duration::from_millis(30);
/// How often a second the screen shows another frame.
pub(crate) const REFRESH: u32 = 60;
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// What a viewer does with the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Viewer {
    /// Wants all of them.
    Recorder,
    /// Looks at each for long, and takes those it can keep up with.
    Analyst,
    /// Shows the newest now and then.
    Screen,
}

impl Viewer {
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    pub(crate) fn delivery(self) -> Delivery {
        match self {
            Self::Recorder => Delivery::Lossless,
            Self::Analyst => Delivery::Lossy,
            Self::Screen => Delivery::Latest,
        }
    }
}

/// Reads the frames of `ringbuf demo`; the ring is its standard input.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[arg(value_enum)]
    viewer: Viewer,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    // A parent that died before this is noticed by the ring: its publisher is dead.
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(Failure::io("follow the parent process"))?;
    let ring = Ring::from_fd(std::io::stdin()).map_err(Failure::opening("standard input"))?;
    let join = Join::new(arguments.viewer.delivery()).views(1);
    let subscriber = Subscriber::attach(&ring, join).map_err(Failure::opening("standard input"))?;
    print(&view(arguments.viewer, subscriber)?.to_string())
}

/// Looks at frames until there are no more.
fn view(viewer: Viewer, mut subscriber: Subscriber) -> Result<Tally, Failure> {
    let (mut seen, mut last) = ([Seen::new()?, Seen::new()?], None);
    let mut next = Instant::now();
    subscriber.set_spin(awake());
    loop {
        let frame = match subscriber.read() {
            Ok(frame) => frame,
            Err(ReadError::Closed) => break,
            // There is nobody to tell.
            Err(ReadError::PeerDied) => return Err(Failure::Said("the camera died".into())),
            Err(error) => return Err(Failure::Said(error.to_string())),
        };
        let now = monotonic();
        let phase = if frame.tag() & PACED == 0 { Phase::Full } else { Phase::Paced };
        let number = frame.tag() & !PACED;
        let is_next = last.is_none_or(|last| number > last);
        last = Some(number);
        if viewer == Viewer::Analyst {
            sleep(LOOKS_FOR);
        }
        let age = now.saturating_sub(Duration::from_nanos(frame.time()));
        seen[phase as usize].frame(pattern::is(number, &frame), is_next, age);
        drop(frame);
        match viewer {
            Viewer::Recorder if phase == Phase::Full => {}
            Viewer::Recorder | Viewer::Analyst => subscriber.set_spin(DROWSY),
            Viewer::Screen => {
                next = (next + Duration::from_secs(1) / REFRESH).max(Instant::now());
                sleep(next.saturating_duration_since(Instant::now()));
            }
        }
    }
    Ok(Tally::new(&seen, subscriber.lost(), subscriber.broken()))
}

/// The reading processes. They do not outlive this one, and not this value.
pub(crate) struct Viewers(Vec<(Viewer, Child)>);

type Tallies = [Tally; VIEWERS.len()];

impl Viewers {
    pub(crate) fn start(ring: &Ring) -> Result<Self, Failure> {
        let own = std::env::current_exe().map_err(Failure::io("find this program"))?;
        let mut started = Self(Vec::new());
        for viewer in VIEWERS {
            let ring = dup(ring.as_fd()).map_err(Failure::io("hand the ring on"))?;
            let child = Command::new(&own)
                .args(["demo-viewer", &viewer.name()])
                .stdin(Stdio::from(ring))
                .stdout(Stdio::piped())
                // Ctrl-C is for this process, which then ends the children.
                .process_group(0)
                .spawn()
                .map_err(Failure::io("start a reading process"))?;
            started.0.push((viewer, child));
        }
        Ok(started)
    }

    /// Fails if one of them ended, which it does when the publisher is gone, and not before.
    pub(crate) fn check(&mut self) -> Result<(), Failure> {
        for (viewer, child) in &mut self.0 {
            if let Ok(Some(status)) = child.try_wait() {
                let why = format!("the reading process `{}` ended early: {status}", viewer.name());
                return Err(Failure::Said(why));
            }
        }
        Ok(())
    }

    /// What they saw, when the publisher is gone.
    pub(crate) fn end(mut self, stop: &Stop) -> Result<Tallies, Failure> {
        let mut tallies = Tallies::default();
        for (tally, (viewer, child)) in tallies.iter_mut().zip(&mut self.0) {
            *tally = end(*viewer, child, stop)?;
        }
        Ok(tallies)
    }
}

fn end(viewer: Viewer, child: &mut Child, stop: &Stop) -> Result<Tally, Failure> {
    let failed = |why| Failure::Said(format!("the reading process `{}` {why}", viewer.name()));
    let status = loop {
        stop.check()?;
        match child.try_wait().map_err(Failure::io("wait for a reading process"))? {
            Some(status) => break status,
            None => sleep(LOOK_AGAIN),
        }
    };
    let mut text = String::new();
    if let Some(out) = &mut child.stdout {
        out.read_to_string(&mut text).map_err(Failure::io("read from a reading process"))?;
    }
    if !status.success() {
        return Err(failed(format!("failed: {status}")));
    }
    text.parse().map_err(|why| failed(format!("said {why}")))
}

impl Drop for Viewers {
    fn drop(&mut self) {
        for (_, child) in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
