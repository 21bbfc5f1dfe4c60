//! Goal: a measurement that is killed leaves no queue, no file and no process behind.
//! Method: one that uses a System V queue, which outlives its users unless it is removed,
//! is killed in the middle. The system says which queues there are, and who used them. The
//! same for iceoryx2 and its files, whose names tell the measurement.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Only guards against hanging.
const HANG: Duration = Duration::from_secs(60);

fn benches(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringbuf-benches"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < HANG, "waited too long for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The number of each queue of the system, and of the process that last sent to it.
fn queues() -> Vec<(u64, u32)> {
    let table = fs::read_to_string("/proc/sysvipc/msg").unwrap();
    let row = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        (columns[1].parse().unwrap(), columns[5].parse().unwrap())
    };
    table.lines().skip(1).map(row).collect()
}

fn children(parent: u32) -> Vec<u32> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let list = fs::read_to_string(path).unwrap_or_default();
    list.split_whitespace().map(|process| process.parse().unwrap()).collect()
}

/// Whether such a process runs; one that ended and was not yet asked how does not.
fn runs(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

/// Killed when the test fails.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_measurement_that_is_killed_leaves_no_queue_and_no_process() {
    let mut command = benches(&["--one", "mpmc/2p2c/sysv-msg", "--seconds=600"]);
    let mut watcher = Killed(command.stdout(Stdio::null()).spawn().unwrap());
    let id = watcher.0.id();
    let queue = until("messages", || {
        let own = children(id);
        queues().into_iter().find(|(_, sender)| own.contains(sender)).map(|(queue, _)| queue)
    });
    let others = children(id);
    assert_eq!(others.len(), 5, "two producers, two consumers, and who keeps the queue");
    watcher.0.kill().unwrap();
    watcher.0.wait().unwrap();
    until("the queue to be removed", || queues().iter().all(|row| row.0 != queue).then_some(()));
    until("all to end", || (!others.iter().any(|process| runs(*process))).then_some(()));
}

#[test]
fn one_that_is_done_leaves_no_queue() {
    let mut command = benches(&["--one", "mpmc/1p1c/sysv-msg", "--seconds=600", "--keep"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut keeper = Killed(command.spawn().unwrap());
    let mut said = std::io::BufReader::new(keeper.0.stdout.take().unwrap());
    let mut name = String::new();
    std::io::BufRead::read_line(&mut said, &mut name).unwrap();
    let queue: u64 = name.trim().parse().unwrap();
    let is_there = || queues().iter().any(|row| row.0 == queue);
    assert!(is_there());
    drop(keeper.0.stdin.take());
    assert!(keeper.0.wait().unwrap().success());
    assert!(!is_there());
}

#[cfg(feature = "iceoryx2")]
mod iceoryx2 {
    use super::*;
    use std::env;
    use std::path::Path;

    fn named(folder: impl AsRef<Path>, begin: &str) -> usize {
        let Ok(entries) = fs::read_dir(folder) else { return 0 };
        let names = entries.map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with(begin)).count()
    }

    #[test]
    fn one_that_is_killed_leaves_no_file_and_no_process() {
        let mut command = benches(&["--one", "broadcast/64x8/iceoryx2", "--seconds=600"]);
        let mut watcher = Killed(command.stdout(Stdio::null()).spawn().unwrap());
        let id = watcher.0.id();
        let name = |keeper: &u32| format!("ringbuf-benches-{keeper}.");
        let folder = until("all to come", || {
            let folders = children(id).into_iter().map(|child| name(&child));
            folders.into_iter().find(|name| named(env::temp_dir().join(name), "subscriber-") == 8)
        });
        let others = children(id);
        assert_eq!(others.len(), 10, "one publisher, eight subscribers, and who keeps the files");
        assert!(named("/dev/shm", &folder) > 0);
        watcher.0.kill().unwrap();
        watcher.0.wait().unwrap();
        until("the files to be removed", || {
            let left = named("/dev/shm", &folder) + named(env::temp_dir(), &folder);
            (left == 0).then_some(())
        });
        until("all to end", || (!others.iter().any(|process| runs(*process))).then_some(()));
    }
}
