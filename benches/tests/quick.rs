//! Goal: the harness runs, both sides of every kind meet, and what passes its checks
//! has a number.
//! Method: a short run of the cheapest measurement of each way to run the two sides.
//! How fast they are decides nothing here.

use std::process::{Command, Output};

fn benches(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_ringbuf-benches");
    Command::new(program).args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_quick_run_measures_processes_threads_and_the_limit() {
    let report = stdout(&benches(&[
        "--quick",
        "--seconds=0.01",
        "stream/8/",
        "stream/64x64/",
        "trip/8/",
        "frames/untouched/ringbuf",
    ]));
    let rows: Vec<&str> = report.lines().filter(|line| line.contains(" [")).collect();
    let names = stdout(&benches(&[
        "--list",
        "stream/8/",
        "stream/64x64/",
        "trip/8/",
        "frames/untouched/ringbuf",
    ]));
    assert_eq!(rows.len(), names.lines().count() + 1, "{report}");
    assert!(!report.contains("failed"), "{report}");
    assert!(report.contains("of the best rival"), "{report}");
}

#[test]
fn a_quick_run_measures_every_mechanism_from_many_to_many() {
    let report = stdout(&benches(&["--quick", "--seconds=0.01", "mpmc/"]));
    let rows: Vec<&str> = report.lines().filter(|line| line.contains(" [")).collect();
    let names = stdout(&benches(&["--list", "mpmc/"]));
    assert_eq!(rows.len(), names.lines().count() + 1, "{report}");
    assert!(!report.contains("failed"), "{report}");
    for name in ["ringbuf-spin", "array-queue", "kanal", "posix-mq", "sysv-msg", "limit-counter"] {
        assert!(names.contains(&format!("mpmc/4p4c/{name}\n")), "{names}");
    }
}

#[test]
fn a_quick_run_measures_one_to_each_of_several() {
    let report = stdout(&benches(&["--quick", "--seconds=0.01", "broadcast/"]));
    let rows: Vec<&str> = report.lines().filter(|line| line.contains(" [")).collect();
    let names = stdout(&benches(&["--list", "broadcast/"]));
    assert_eq!(rows.len(), names.lines().count() + 1, "{report}");
    assert!(!report.contains("failed"), "{report}");
    for name in ["64", "64x8", "round-trip", "1080p/untouched", "4kx8/untouched"] {
        assert!(names.contains(&format!("broadcast/{name}/limit-cursors\n")), "{names}");
        let rival = names.contains(&format!("broadcast/{name}/iceoryx2\n"));
        assert_eq!(rival, cfg!(feature = "iceoryx2"), "{names}");
    }
    for name in ["1080p", "4k"] {
        assert!(names.contains(&format!("broadcast/{name}/limit-one-process\n")), "{names}");
    }
}

#[test]
fn the_list_names_every_rival_and_a_filter_that_matches_nothing_is_refused() {
    let list = stdout(&benches(&["--list"]));
    for name in ["ringbuf-spin", "ringbuf-futex", "rtrb", "array-queue", "pipe", "unix-socket"] {
        assert!(list.contains(&format!("stream/8/{name}\n")), "{list}");
    }
    let refused = benches(&["no such measurement"]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--list"));
}
