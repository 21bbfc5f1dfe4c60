//! What the demo measured.

use super::camera::Filmed;
use super::viewer::{LOOKS_FOR, REFRESH, Viewer};
use super::{Phase, VIEWERS};
use crate::failure::Failure;
use crate::figures::{grouped, time};
use crate::table::aligned;
use hdrhistogram::Histogram;
use ringbuf_shm::broadcast::Delivery;
use std::fmt;
use std::time::Duration;

/// What is counted as itself; longer ones count as this.
const AGE_NANOS_MAX: u64 = 60_000_000_000;

/// What a viewer saw in one half, while it looks.
#[derive(Debug)]
pub(crate) struct Seen {
    torn: u64,
    backwards: u64,
    /// From commit to reader, in nanoseconds.
    ages: Histogram<u64>,
}

impl Seen {
    pub(crate) fn new() -> Result<Self, Failure> {
        let ages = Histogram::new_with_max(AGE_NANOS_MAX, 3)
            .map_err(|error| Failure::Said(error.to_string()))?;
        Ok(Self { torn: 0, backwards: 0, ages })
    }

    /// A frame came: whole or torn, after all that came before or not, and so old.
    pub(crate) fn frame(&mut self, is_whole: bool, is_next: bool, age: Duration) {
        self.torn += u64::from(!is_whole);
        self.backwards += u64::from(!is_next);
        self.ages.saturating_record(u64::try_from(age.as_nanos()).unwrap_or(u64::MAX));
    }
}

/// What a viewer saw in one half, as it tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Half {
    received: u64,
    torn: u64,
    backwards: u64,
    /// Nanoseconds from commit to reader: half of the frames, 99 % and 99.9 % of them came
    /// sooner; the longest.
    ages: [u64; 4],
}

/// What a viewer saw in both halves; as text, numbers with spaces between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    halves: [Half; 2],
    /// What its subscriber says.
    lost: u64,
    broken: u64,
}

impl Tally {
    pub(crate) fn new(seen: &[Seen; 2], lost: u64, broken: u64) -> Self {
        let half = |seen: &Seen| Half {
            received: seen.ages.len(),
            torn: seen.torn,
            backwards: seen.backwards,
            ages: [0.5, 0.99, 0.999, 1.0].map(|quantile| seen.ages.value_at_quantile(quantile)),
        };
        Self { halves: [half(&seen[0]), half(&seen[1])], lost, broken }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Half { received, torn, backwards, ages: [p50, p99, p999, max] } in self.halves {
            writeln!(f, "{received} {torn} {backwards} {p50} {p99} {p999} {max}")?;
        }
        writeln!(f, "{} {}", self.lost, self.broken)
    }
}

impl std::str::FromStr for Tally {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Result<Vec<u64>, _> = text.split_whitespace().map(str::parse).collect();
        let half = |numbers: [u64; 7]| {
            let [received, torn, backwards, ages @ ..] = numbers;
            Half { received, torn, backwards, ages }
        };
        match numbers.map(<[u64; 16]>::try_from) {
            Ok(Ok([a, b, c, d, e, f, g, h, i, j, k, l, m, n, lost, broken])) => Ok(Self {
                halves: [half([a, b, c, d, e, f, g]), half([h, i, j, k, l, m, n])],
                lost,
                broken,
            }),
            _ => Err(format!("what is no report: {text:?}")),
        }
    }
}

/// What the camera did, and what each viewer saw.
#[derive(Debug)]
pub(crate) struct Report {
    filmed: [Filmed; 2],
    /// In the order of [`VIEWERS`].
    tallies: [Tally; VIEWERS.len()],
    frame_bytes: u64,
}

impl Report {
    pub(crate) fn new(
        filmed: [Filmed; 2],
        tallies: [Tally; VIEWERS.len()],
        frame_bytes: u64,
    ) -> Self {
        Self { filmed, tallies, frame_bytes }
    }

    /// How many frames a viewer did not get in one half.
    fn lost(&self, tally: &Tally, phase: Phase) -> u64 {
        self.filmed[phase as usize].frames.saturating_sub(tally.halves[phase as usize].received)
    }

    /// Fails if one did not get what it wanted, or if there was no frame.
    pub(crate) fn verdict(&self) -> Result<(), Failure> {
        let published: u64 = self.filmed.iter().map(|filmed| filmed.frames).sum();
        if published == 0 {
            return Err(Failure::Said("no frame came; give the demo more --seconds".into()));
        }
        for (viewer, tally) in VIEWERS.into_iter().zip(&self.tallies) {
            let sum = |each: fn(&Half) -> u64| tally.halves.iter().map(each).sum::<u64>();
            let received = sum(|half| half.received);
            let [torn, backwards] = [sum(|half| half.torn), sum(|half| half.backwards)];
            let failed = |why: String| Err(Failure::Said(format!("{}: {why}", viewer.name())));
            if torn + backwards > 0 {
                return failed(format!("{torn} frames were torn, {backwards} came too late"));
            }
            if viewer.delivery() == Delivery::Lossless && tally.lost > 0 {
                return failed(format!("{} frames were lost", tally.lost));
            }
            if received + tally.lost != published || tally.broken > 0 {
                return failed(format!(
                    "{published} frames were published, {received} received, {} lost, {} broken off",
                    tally.lost, tally.broken
                ));
            }
        }
        Ok(())
    }

    fn viewers(&self) -> String {
        let row = |label: &str, value: &dyn Fn(Viewer) -> String| {
            let [first, second, third] = VIEWERS.map(value);
            [label.to_owned(), first, second, third]
        };
        aligned(&[
            row("", &Viewer::name),
            row("wants", &|viewer| {
                let wants = match viewer.delivery() {
                    Delivery::Lossless => "lossless",
                    Delivery::Lossy => "lossy",
                    Delivery::Latest => "latest",
                };
                wants.to_owned()
            }),
            row("looks", &|viewer| match viewer {
                Viewer::Recorder => "at each at once".to_owned(),
                Viewer::Analyst => format!("for {} at each", time(LOOKS_FOR)),
                Viewer::Screen => format!("{REFRESH} times a second"),
            }),
        ])
    }

    fn half(&self, phase: Phase) -> String {
        let filmed = self.filmed[phase as usize];
        let seconds = filmed.time.as_secs_f64();
        let frames = filmed.frames as f64;
        let rate = if seconds > 0.0 { frames / seconds } else { 0.0 };
        let row = |label: &str, value: &dyn Fn(&Tally, &Half) -> String| {
            let cell = |tally: &Tally| value(tally, &tally.halves[phase as usize]);
            let [first, second, third] = self.tallies.each_ref().map(cell);
            [label.to_owned(), first, second, third]
        };
        let age = |index: usize| {
            move |_: &Tally, half: &Half| time(Duration::from_nanos(half.ages[index]))
        };
        let table = aligned(&[
            row("received", &|_, half| grouped(half.received)),
            row("lost", &|tally, _| grouped(self.lost(tally, phase))),
            row("torn", &|_, half| grouped(half.torn)),
            row("commit to reader, p50", &age(0)),
            row("                  p99", &age(1)),
            row("                  p99.9", &age(2)),
            row("                  max", &age(3)),
        ]);
        format!(
            "{}: {} frames, {rate:.0} frames/s, {:.2} GB/s, {:.3} system calls a frame\n{table}",
            phase.name(),
            grouped(filmed.frames),
            rate * self.frame_bytes as f64 / 1e9,
            filmed.calls as f64 / frames.max(1.0),
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}\n{}\n{}\n\
             full speed: the recorder is waited for, the others are not. Its time includes\n\
             waiting in the queue. Whoever is faster spins until the other has done a frame;\n\
             nobody calls the kernel for a frame.\n\
             paced: {} frames a second. The queue is empty; the recorder sleeps, and is woken.\n\
             What the analyst holds is not overwritten, and nobody waits for it; what the\n\
             screen gets is the newest, hence about as old as the time between two frames.\n",
            self.viewers(),
            self.half(Phase::Full),
            self.half(Phase::Paced),
            super::PACE,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(received: u64, lost: u64) -> Tally {
        let half = |received| Half { received, ages: [1, 2, 3, 4], ..Half::default() };
        Tally { halves: [half(received), half(1)], lost, broken: 0 }
    }

    fn report(tallies: [Tally; 3]) -> Report {
        let filmed = |frames| Filmed { frames, time: Duration::from_secs(1), calls: 0 };
        Report::new([filmed(9), filmed(1)], tallies, 100)
    }

    #[test]
    fn a_report_comes_through_a_pipe_as_it_is() {
        let tally = tally(7, 3);
        assert_eq!(tally.to_string().parse(), Ok(tally));
        assert!("1 2 3".parse::<Tally>().is_err() && "x".parse::<Tally>().is_err());
    }

    #[test]
    fn what_is_wrong_is_no_success() {
        let good = [tally(9, 0), tally(3, 6), tally(2, 7)];
        assert!(report(good).verdict().is_ok());
        let wrong = |change: fn(&mut [Tally; 3])| {
            let mut tallies = good;
            change(&mut tallies);
            report(tallies).verdict().unwrap_err().to_string()
        };
        assert_eq!(wrong(|all| all[0] = tally(8, 1)), "recorder: 1 frames were lost");
        let published = "analyst: 10 frames were published, 4 received, 5 lost, 0 broken off";
        assert_eq!(wrong(|all| all[1].lost = 5), published);
        let torn = "screen: 1 frames were torn, 0 came too late";
        assert_eq!(wrong(|all| all[2].halves[1].torn = 1), torn);
        let late = "screen: 0 frames were torn, 2 came too late";
        assert_eq!(wrong(|all| all[2].halves[0].backwards = 2), late);
        assert!(wrong(|all| all[1].broken = 1).ends_with("1 broken off"));
    }
}
