//! Goal: the short comparison measures every mechanism that it names, and says clearly what it
//! refuses; it leaves nothing behind.
//! Method: its shortest form. How fast anything was decides nothing here.

mod scene;

use scene::Scene;

/// The cells of the row that begins with this, columns as wide as in the head.
fn cells<'a>(text: &'a str, mechanism: &str) -> Vec<&'a str> {
    let row = text.lines().find_map(|line| line.strip_prefix(mechanism));
    let row = row.unwrap_or_else(|| panic!("no row of {mechanism} in\n{text}"));
    row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

#[test]
fn every_mechanism_is_measured_in_all_that_it_can_do() {
    let scene = Scene::new();
    let ended = scene.run(&["bench", "--seconds", "0.01", "--repetitions", "1"]).well();
    let text = ended.text();
    for mechanism in ["ringbuf  ", "pipe", "unix socket", "shared memory and semaphores"] {
        let cells = cells(text, mechanism);
        assert_eq!(cells.len(), 5, "{mechanism} in\n{text}");
        assert!(!cells.contains(&"-"), "{mechanism} in\n{text}");
    }
    // Never polled, and too small for a frame.
    let queue = cells(text, "POSIX message queue");
    assert_eq!((queue.len(), queue[1], queue[4]), (5, "-", "-"), "{text}");
    let times = text.lines().last().unwrap().matches(" times the ").count();
    assert_eq!(times, 4, "{text}");
    assert_eq!(scene.names(), [""; 0]);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let scene = Scene::new();
    for seconds in ["0", "-1", "nan", "61"] {
        let ended = scene.run(&["bench", "--seconds", seconds]);
        assert_eq!(ended.status.code(), Some(2), "{seconds}");
    }
    let ended = scene.run(&["bench", "--one", "stream/64/nothing"]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.contains("no measurement has `stream/64/nothing`"), "{}", ended.stderr);
}
