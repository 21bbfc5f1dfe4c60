//! Goal: the example that people time their own machine with does its work: every price
//! becomes an order, in three processes, and nothing is left.
//! Method: it is run for a moment; how long anything took is not looked at.

use std::path::PathBuf;
use std::process::Command;

#[test]
fn every_price_becomes_an_order() {
    let directory = tempfile::tempdir().unwrap();
    // Cargo puts examples beside the tests: target/<profile>/{deps,examples}.
    let test: PathBuf = std::env::current_exe().unwrap();
    let example = test.parent().unwrap().with_file_name("examples").join("ticks");
    let mut command = Command::new(example);
    command.args(["100000", "3000"]).env("RINGBUF_DIR", directory.path());
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("\n3000 orders;"), "{said}");
    let way = said.lines().find_map(|line| line.strip_prefix("the whole way")).unwrap();
    let times: Vec<u64> = way.split_whitespace().map(|time| time.parse().unwrap()).collect();
    assert!(times.is_sorted() && times[0] > 0, "{said}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "something was left");
}
