//! Goal: the demo passes frames whole and in the number that each reader asked for, and its
//! other processes never outlive the first.
//! Method: the shortest demo with small frames, run to its end, stopped and killed.

mod scene;

use rustix::process::Signal;
use scene::{Running, Scene, wait_until};

/// The processes that `running` started, when it has.
fn children_of(running: &Running) -> Vec<String> {
    let pid = running.id();
    let path = format!("/proc/{pid}/task/{pid}/children");
    let children = || {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        text.split_whitespace().map(String::from).collect::<Vec<_>>()
    };
    wait_until(|| children().len() == 3);
    children()
}

/// Whether a process is there and no zombie.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state follows the name, which is in brackets and may hold anything.
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.starts_with(" Z"))
}

/// The numbers in the rows of this label: one row for each half.
fn numbers(text: &str, label: &str) -> Vec<Vec<u64>> {
    let number = |cell: &str| cell.replace(',', "").parse().unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix(label));
    rows.map(|row| row.split_whitespace().map(number).collect()).collect()
}

#[test]
fn everybody_gets_what_was_promised_and_no_frame_is_torn() {
    let scene = Scene::new();
    for size in ["320x240", "33x17"] {
        let ended = scene.run(&["demo", "--seconds", "1", "--size", size]).well();
        let text = ended.text();
        let (received, lost) = (numbers(text, "received "), numbers(text, "lost "));
        assert_eq!((received.len(), lost.len()), (2, 2), "{text}");
        assert_eq!(numbers(text, "torn "), [[0; 3]; 2], "{text}");
        for ((received, lost), phase) in received.iter().zip(&lost).zip(["full speed: ", "paced: "])
        {
            let line = text.lines().find_map(|line| line.strip_prefix(phase)).unwrap();
            let frames: u64 = line.split(' ').next().unwrap().replace(',', "").parse().unwrap();
            assert!(received.iter().zip(lost).all(|(received, lost)| received + lost == frames));
            assert_eq!((received[0], lost[0]), (frames, 0), "{text}");
        }
        // The last frame comes to everybody.
        assert!(received[1].iter().all(|&received| received > 0), "{text}");
        // Nobody looks for 30 ms at each of so many.
        assert!(lost[0][1] > 0, "{text}");
        assert_eq!(ended.stderr, "");
    }
    assert_eq!(scene.names(), [""; 0]);
}

#[test]
fn ctrl_c_ends_all_processes() {
    let scene = Scene::new();
    let running = scene.start(&["demo", "--seconds", "600", "--size", "32x32"]);
    let children = children_of(&running);
    running.signal(Signal::INT);
    running.end().badly(130, "stopped by SIGINT");
    assert!(!children.iter().any(|child| runs(child)));
}

#[test]
fn the_reading_processes_die_with_the_publishing_one() {
    let scene = Scene::new();
    let running = scene.start(&["demo", "--seconds", "600", "--size", "32x32"]);
    let children = children_of(&running);
    running.kill();
    wait_until(|| !children.iter().any(|child| runs(child)));
}

#[test]
fn a_reading_process_that_dies_is_noticed() {
    let scene = Scene::new();
    for index in 0..3 {
        let running = scene.start(&["demo", "--seconds", "600", "--size", "32x32"]);
        let child = children_of(&running)[index].parse().unwrap();
        let child = rustix::process::Pid::from_raw(child).unwrap();
        rustix::process::kill_process(child, Signal::KILL).unwrap();
        running.end().badly(1, "the reading process");
    }
}
