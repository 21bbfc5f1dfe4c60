//! ringbuf beside its rivals and the limit of the machine, in one run.
//!
//! Every measurement is a process of its own, so that nothing of one is left to the
//! next; this one only starts them by turns and prints the table.

mod board;
mod broadcast;
mod crowd;
mod machine;
mod message;
mod page;
mod pin;
mod queue;
mod raw;
mod report;
mod rivals;
mod run;
mod sample;
mod shared;
mod sides;
mod spread;
mod workload;

use crate::pin::Cores;
use crate::run::{Case, Plan};
use crate::sides::{Job, Part};
use clap::Parser;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Measures ringbuf beside its rivals and the limit of the machine.
///
/// Every message is written whole, read whole and checked; a measurement in which
/// one is lost or torn has no number.
#[derive(Debug, Parser)]
struct Args {
    /// Measure only what has one of these in its name: `stream/8/`, `trip`, `rtrb`
    filters: Vec<String>,
    /// How long each measurement counts, in seconds [default: 0.25]
    #[arg(long)]
    seconds: Option<f64>,
    /// How often each is repeated [default: 15]
    #[arg(long)]
    repetitions: Option<usize>,
    /// One short repetition: shows that everything runs, not how fast
    #[arg(long)]
    quick: bool,
    /// Write the bare results to this file, one JSON object a line
    #[arg(long)]
    raw: Option<PathBuf>,
    /// Write a page with plots to this file
    #[arg(long)]
    page: Option<PathBuf>,
    /// Only list the names of the measurements
    #[arg(long)]
    list: bool,
    /// Measure this one, in this process, and print the bare result
    #[arg(long, hide = true)]
    one: Option<String>,
    /// Be another side of `--one`: of many, the one of this number
    #[arg(long, hide = true, requires = "one")]
    peer: Option<u32>,
    /// Keep what `--one` needs and would otherwise leave behind
    #[arg(long, hide = true, requires = "one", conflicts_with = "peer")]
    keep: bool,
}

impl Args {
    fn time(&self) -> io::Result<Duration> {
        let seconds = self.seconds.unwrap_or(if self.quick { 0.05 } else { 0.25 });
        Duration::try_from_secs_f64(seconds).map_err(io::Error::other)
    }

    fn part(&self) -> Part {
        match self.peer {
            Some(number) => Part::Peer(number),
            None if self.keep => Part::Keeper,
            None => Part::Watcher,
        }
    }

    fn repetitions(&self) -> usize {
        self.repetitions.unwrap_or(if self.quick { 1 } else { 15 }).max(1)
    }
}

fn main() -> ExitCode {
    match start(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything that was measured passed its checks.
fn start(args: &Args) -> io::Result<bool> {
    let mut cases = run::cases();
    if let Some(name) = &args.one {
        let case = cases.into_iter().find(|case| case.name() == *name);
        return one(&case.ok_or_else(|| unknown(name))?, args).map(|()| true);
    }
    let wanted = |case: &Case| args.filters.iter().any(|filter| case.name().contains(filter));
    cases.retain(|case| args.filters.is_empty() || wanted(case));
    if cases.is_empty() {
        return Err(unknown(&args.filters.join(" ")));
    }
    if args.list {
        cases.iter().for_each(|case| println!("{}", case.name()));
        return Ok(true);
    }
    let plan = Plan { time: args.time()?, repetitions: args.repetitions(), cases };
    let machine = machine::describe(&plan, Cores::choose()?);
    println!("{machine}");
    let results = run::measure(&plan)?;
    report::print(&results);
    if let Some(path) = &args.raw {
        raw::write(path, &machine, &results)?;
    }
    if let Some(path) = &args.page {
        fs::write(path, page::html(&machine, &results)?)?;
    }
    println!("Load average at the end: {}.", machine::load());
    Ok(results.iter().all(|result| result.failure.is_none()))
}

fn one(case: &Case, args: &Args) -> io::Result<()> {
    let job = Job {
        workload: case.workload,
        rival: case.rival.name.to_owned(),
        time: args.time()?,
        cores: Cores::choose()?,
        part: args.part(),
    };
    job.guard();
    if let Some(sample) = (case.rival.run)(&job)? {
        println!("{sample}");
    }
    Ok(())
}

fn unknown(name: &str) -> io::Error {
    io::Error::other(format!("no measurement has `{name}` in its name; see `--list`"))
}
