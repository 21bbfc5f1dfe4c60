//! The program `ringbuf-benches`: everything, or what is asked for by name.

use crate::once::{self, Entry, Once};
use crate::pin::Cores;
use crate::run::{Case, Plan};
use crate::{machine, page, raw, report, run};
use clap::Parser;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// The program comes to its measurements without a subcommand.
const ENTRY: Entry = Entry(&[]);

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
    #[command(flatten)]
    once: Once,
}

impl Args {
    fn time(&self) -> io::Result<Duration> {
        let seconds = self.seconds.unwrap_or(if self.quick { 0.05 } else { 0.25 });
        Duration::try_from_secs_f64(seconds).map_err(io::Error::other)
    }

    fn repetitions(&self) -> usize {
        self.repetitions.unwrap_or(if self.quick { 1 } else { 15 }).max(1)
    }
}

/// What `ringbuf-benches` does.
#[must_use]
pub fn main() -> ExitCode {
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
    if args.once.run(args.time()?, ENTRY)? {
        return Ok(true);
    }
    let mut cases = run::cases();
    let wanted = |case: &Case| args.filters.iter().any(|filter| case.name().contains(filter));
    cases.retain(|case| args.filters.is_empty() || wanted(case));
    if cases.is_empty() {
        return Err(once::unknown(&args.filters.join(" ")));
    }
    if args.list {
        cases.iter().for_each(|case| println!("{}", case.name()));
        return Ok(true);
    }
    let (time, repetitions) = (args.time()?, args.repetitions());
    let plan = Plan { time, repetitions, cases, entry: ENTRY };
    let machine = machine::describe(&plan, Cores::choose()?);
    println!("{machine}");
    let results = run::measure(&plan, |done, all| eprint!("\r{done} of {all}"))?;
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
