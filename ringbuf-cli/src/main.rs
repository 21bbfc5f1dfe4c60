//! The command `ringbuf`: publish, subscribe, look, clean up.

mod account;
mod backpressure;
mod bench;
mod demo;
mod duration;
mod failure;
mod figures;
mod input;
mod list;
mod peers;
mod publish;
mod remove;
mod source;
mod stat;
mod stop;
mod subscribe;
mod table;
mod tell;
mod y4m;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Passes messages between processes through a ring in shared memory.
///
/// One process publishes, any number subscribe, and each gets every message, as many as
/// it can keep up with, or the newest, as it asks for; or, with `pub --kind mpmc`, several
/// of each share the work. Messages are written once and read where they stand. No daemon
/// is needed: the ring is a file in /dev/shm/ringbuf-UID (or in $RINGBUF_DIR), and any
/// process may be killed at any moment without harm to the others.
#[derive(Parser)]
#[command(name = "ringbuf", version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  Video from one process to others, each in its terminal:
    ffmpeg -i clip.mp4 -f yuv4mpegpipe - | ringbuf pub cam0 --wait-for 2
    ringbuf sub cam0 --wait --lossless > all.y4m
    ringbuf sub cam0 --wait --latest | ffplay -

  Lines of a log:
    journalctl -f | ringbuf pub log --lines
    ringbuf sub log

  Frames shared among workers, each frame for one of them:
    ringbuf sub work --wait --numbers done1 | worker > out1
    ringbuf sub work --wait --numbers done2 | worker > out2
    ffmpeg -i clip.mp4 -f yuv4mpegpipe - | ringbuf pub work --kind mpmc

  Who is there, and how far are they:
    ringbuf ls
    ringbuf stat cam0 --watch

  What can this machine do:
    ringbuf demo
    ringbuf bench

Status: 0 when all is done, 1 with one line on standard error when not, 2 for a
command line that is not understood, 128 + N when ended by signal N.";

#[derive(Subcommand)]
enum Command {
    #[command(name = "pub")]
    Publish(publish::Arguments),
    #[command(name = "sub")]
    Subscribe(subscribe::Arguments),
    Stat(stat::Arguments),
    #[command(name = "ls")]
    List(list::Arguments),
    #[command(name = "rm")]
    Remove(remove::Arguments),
    Demo(demo::Arguments),
    Bench(bench::Arguments),
    #[command(hide = true)]
    DemoViewer(demo::viewer::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Publish(arguments) => publish::run(&arguments),
        Command::Subscribe(arguments) => subscribe::run(&arguments),
        Command::Stat(arguments) => stat::run(&arguments),
        Command::List(_) => list::run(),
        Command::Remove(arguments) => remove::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::DemoViewer(arguments) => demo::viewer::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tell::say(&failure);
            failure.number().into()
        }
    }
}
