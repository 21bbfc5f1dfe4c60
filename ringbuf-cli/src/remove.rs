//! `ringbuf rm`: removes names of rings.

use crate::failure::Failure;
use crate::list::is_stale;
use crate::peers::Peers;
use crate::tell::{print, say};
use clap::Args;
use ringbuf_shm::{OpenError, Ring};

/// Removes rings.
///
/// Only the name goes, as with `rm` of a file: whoever has the ring open keeps it,
/// and the memory is given back when the last of them closes it. A link is never
/// followed. What is not a ring is not removed without --force.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  ringbuf rm cam0 cam1
  ringbuf rm --stale")]
pub(crate) struct Arguments {
    /// The rings: names, or paths with a `/` in them
    #[arg(required_unless_present = "stale")]
    names: Vec<String>,
    /// Remove every ring on which nobody alive has a seat, with what is left in it
    #[arg(long, conflicts_with_all = ["names", "force"])]
    stale: bool,
    /// Remove the name also if it is not a ring's
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.stale {
        return remove_stale();
    }
    let mut failed = None;
    for name in &arguments.names {
        match remove(name, arguments.force) {
            Ok(note) => print(&format!("removed {name}{note}\n"))?,
            // Every failure is said; the last one by whoever called.
            Err(failure) => {
                if let Some(earlier) = failed.replace(failure) {
                    say(earlier);
                }
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Removes a name; says what is worth saying about it.
fn remove(name: &str, force: bool) -> Result<&'static str, Failure> {
    let unlink = || Ring::unlink(name).map_err(Failure::opening(name));
    match Ring::open(name) {
        Ok(ring) => {
            let peers = Peers::of(&ring);
            if !ring.remove().map_err(Failure::opening(name))? {
                return Err(Failure::about(name, OpenError::NotFound));
            }
            let used = peers.is_ok_and(|peers| peers.somebody_lives());
            Ok(if used { "; who has it open keeps it" } else { "" })
        }
        Err(error @ (OpenError::NotARing | OpenError::Untrusted(_))) => {
            if !force {
                return Err(Failure::about(name, format_args!("{error}; --force removes it")));
            }
            unlink().map(|()| ", which was not a ring")
        }
        Err(
            error @ (OpenError::NotFound
            | OpenError::Name(_)
            | OpenError::Directory(_)
            | OpenError::Io { .. }),
        ) => Err(Failure::about(name, error)),
        // A ring, but from before a restart, of another version, or damaged.
        Err(_) => unlink().map(|()| ""),
    }
}

fn remove_stale() -> Result<(), Failure> {
    let names = ringbuf_shm::list().map_err(|error| Failure::Said(error.to_string()))?;
    let mut removed = 0;
    for name in &names {
        let gone = match Ring::open(name) {
            Ok(ring) => match Peers::of(&ring) {
                Ok(peers) if is_stale(&ring, &peers) => ring.remove(),
                _ => Ok(false),
            },
            Err(OpenError::OtherBoot) => Ring::unlink(name).map(|()| true),
            Err(_) => Ok(false),
        };
        if gone.map_err(Failure::opening(name))? {
            print(&format!("removed {name}\n"))?;
            removed += 1;
        }
    }
    if removed == 0 { print("no stale rings\n") } else { Ok(()) }
}
