//! Goal: the demo passes frames whole and in full number, and its second process
//! never outlives the first.
//! Method: the shortest demo with small frames, run to its end, stopped and killed.

mod scene;

use rustix::process::Signal;
use scene::{Running, Scene, wait_until};

/// The process that `running` started, when it has.
fn child_of(running: &Running) -> String {
    let pid = running.id();
    let path = format!("/proc/{pid}/task/{pid}/children");
    let children = || std::fs::read_to_string(&path).unwrap_or_default();
    wait_until(|| !children().trim().is_empty());
    children().trim().to_owned()
}

/// Whether a process is there and no zombie.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state follows the name, which is in brackets and may hold anything.
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.starts_with(" Z"))
}

#[test]
fn no_frame_is_lost_or_torn() {
    let scene = Scene::new();
    for size in ["320x240", "33x17"] {
        let ended = scene.run(&["demo", "--seconds", "1", "--size", size]).well();
        let cells = |label: &str| {
            let line = ended.text().lines().find(|line| line.starts_with(label)).unwrap();
            line.split_whitespace().rev().take(2).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(cells("lost "), ["0", "0"], "{}", ended.text());
        assert_eq!(cells("torn "), ["0", "0"], "{}", ended.text());
        assert_ne!(cells("frames "), ["0", "0"], "{}", ended.text());
        assert_eq!(ended.stderr, "");
    }
    assert_eq!(scene.names(), [""; 0]);
}

#[test]
fn ctrl_c_ends_both_processes() {
    let scene = Scene::new();
    let running = scene.start(&["demo", "--seconds", "600", "--size", "32x32"]);
    let child = child_of(&running);
    running.signal(Signal::INT);
    running.end().badly(130, "stopped by SIGINT");
    assert!(!runs(&child));
}

#[test]
fn the_writing_process_dies_with_the_reading_one() {
    let scene = Scene::new();
    let running = scene.start(&["demo", "--seconds", "600", "--size", "32x32"]);
    let child = child_of(&running);
    running.kill();
    wait_until(|| !runs(&child));
}

#[test]
fn a_writing_process_that_dies_is_noticed() {
    let scene = Scene::new();
    let running = scene.start(&["demo", "--seconds", "600", "--size", "32x32"]);
    let child = child_of(&running).parse().unwrap();
    let child = rustix::process::Pid::from_raw(child).unwrap();
    rustix::process::kill_process(child, Signal::KILL).unwrap();
    running.end().badly(1, "the writing process");
}
