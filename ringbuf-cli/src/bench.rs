//! `ringbuf bench`: this machine, measured: ringbuf beside what programs had before.

use crate::failure::Failure;
use crate::figures::{grouped, time};
use crate::table::aligned;
use crate::tell::print;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use ringbuf_benches::brief::{self, Row};
use ringbuf_benches::{Entry, Once};
use std::time::Duration;

/// How the measuring processes come back here.
const ENTRY: Entry = Entry(&["bench"]);
const HEAD: [&str; 6] =
    ["", "64-byte messages/s", "there and back", "asleep", "asleep, p99", "1080p frames/s"];
/// What takes longer is measured no better.
const SECONDS_MAX: f64 = 60.0;

/// Measures how fast a ring is here, beside pipes, sockets, message queues and semaphores
///
/// Two processes on two processors pass messages of 64 bytes one at a time, then one message
/// there and back, first spinning, then sleeping, then video frames of 3,110,400 bytes, each
/// written and read whole. Every message is checked; what loses or tears one has no number.
/// Numbers are medians, and as good as the machine is quiet.
#[derive(Args)]
pub(crate) struct Arguments {
    /// How long each measurement counts, in seconds
    #[arg(long, default_value_t = 0.25)]
    seconds: f64,
    /// How often each is repeated
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    repetitions: u16,
    #[command(flatten)]
    once: Once,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let seconds = arguments.seconds;
    if !(seconds > 0.0 && seconds <= SECONDS_MAX) {
        return Err(Failure::Misuse(format!(
            "--seconds {seconds}: more than 0 and at most {SECONDS_MAX} can be measured"
        )));
    }
    let duration = Duration::from_secs_f64(seconds);
    if arguments.once.run(duration, ENTRY).map_err(Failure::io("measure"))? {
        return Ok(());
    }
    let style = ProgressStyle::with_template("measuring {bar:40} {pos} of {len}");
    let bar = ProgressBar::no_length();
    bar.set_style(style.map_err(|error| Failure::Said(error.to_string()))?);
    let rows = brief::measure(duration, arguments.repetitions.into(), ENTRY, |done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let rows = rows.map_err(Failure::io("measure"))?;
    let machine = brief::machine().map_err(Failure::io("find the processors"))?;
    print(&format!("{machine}\n\n{}\n{}", table(&rows), summary(&rows)))?;
    let failures: Vec<&str> =
        rows.iter().flat_map(|row| &row.failures).map(String::as_str).collect();
    if failures.is_empty() { Ok(()) } else { Err(Failure::Said(failures.join("; "))) }
}

fn table(rows: &[Row]) -> String {
    let mut cells = vec![HEAD.map(String::from)];
    cells.extend(rows.iter().map(|row| {
        let count = |rate: Option<f64>| rate.map_or("-".into(), |rate| grouped(whole(rate)));
        let nanos = |nanos: Option<f64>| {
            nanos.map_or("-".into(), |nanos| time(Duration::from_nanos(whole(nanos))))
        };
        [
            row.mechanism.to_owned(),
            count(row.messages),
            nanos(row.spinning),
            nanos(row.sleeping),
            nanos(row.sleeping_p99),
            count(row.frames),
        ]
    }));
    aligned(&cells)
}

/// A number of messages or nanoseconds to the nearest one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some 2^40, positive")]
fn whole(number: f64) -> u64 {
    number.round() as u64
}

/// How many times the best of the older ones a ring is.
fn summary(rows: &[Row]) -> String {
    let Some((ours, others)) = rows.split_first() else { return String::new() };
    let others = &others[..others.len() - 1];
    // The more, the better.
    let times = |of: fn(&Row) -> Option<f64>| -> Option<f64> {
        let best = others.iter().filter_map(of).max_by(f64::total_cmp)?;
        Some(of(ours)? / best)
    };
    let found = [
        ("the messages", times(|row| row.messages)),
        ("the speed there and back", times(|row| Some(1.0 / row.spinning?))),
        ("the speed of it asleep", times(|row| Some(1.0 / row.sleeping?))),
        ("the frames", times(|row| row.frames)),
    ];
    let said =
        found.iter().filter_map(|(what, times)| Some(format!("{:.1} times {what}", (*times)?)));
    format!("ringbuf beside the best of the others: {}.\n", said.collect::<Vec<_>>().join(", "))
}
