//! One measurement, or one side of it, in a process of its own: that is what a program that
//! measures starts itself again for.

use crate::pin::Cores;
use crate::run;
use crate::sides::{Job, Part};
use clap::Args;
use std::env;
use std::io;
use std::process::Command;
use std::time::Duration;

/// The arguments with which a program comes to [`Once`]: none, or the name of a subcommand.
#[derive(Clone, Copy, Debug)]
pub struct Entry(pub &'static [&'static str]);

impl Entry {
    /// This program once more.
    pub(crate) fn command(self, name: &str, time: Duration) -> io::Result<Command> {
        let mut command = Command::new(env::current_exe()?);
        command.args(self.0).arg("--one").arg(name);
        command.arg("--seconds").arg(time.as_secs_f64().to_string());
        Ok(command)
    }
}

/// What the program says to itself when it is started again; not for people.
#[derive(Args, Debug)]
pub struct Once {
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

impl Once {
    fn part(&self) -> Part {
        match self.peer {
            Some(number) => Part::Peer(number),
            None if self.keep => Part::Keeper,
            None => Part::Watcher,
        }
    }

    /// Does it, if it is asked for; whether it was.
    ///
    /// # Errors
    /// No measurement has that name, or it failed.
    pub fn run(&self, time: Duration, entry: Entry) -> io::Result<bool> {
        let Some(name) = &self.one else { return Ok(false) };
        let case = run::cases().into_iter().find(|case| case.name() == *name);
        let case = case.ok_or_else(|| unknown(name))?;
        let job = Job {
            workload: case.workload,
            rival: case.rival.name.to_owned(),
            time,
            cores: Cores::choose()?,
            part: self.part(),
            entry,
        };
        job.guard();
        if let Some(sample) = (case.rival.run)(&job)? {
            println!("{sample}");
        }
        Ok(true)
    }
}

pub(crate) fn unknown(name: &str) -> io::Error {
    io::Error::other(format!("no measurement has `{name}` in its name; see `--list`"))
}
