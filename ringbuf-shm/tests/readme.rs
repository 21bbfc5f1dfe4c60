//! Goal: the first thing a reader tries works as it is printed.
//! Method: the README's program is an example of this package, word for word, and
//! is run here with a directory of rings of its own.

use std::path::PathBuf;
use std::process::Command;

#[test]
fn the_program_in_the_readme_is_the_example_and_runs() {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("```rust\n").expect("a Rust program in the README");
    let (program, _) = rest.split_once("```").unwrap();
    assert!(include_str!("../examples/camera.rs").ends_with(program), "the two differ");

    let directory = tempfile::tempdir().unwrap();
    // Cargo puts examples beside the tests: target/<profile>/{deps,examples}.
    let test: PathBuf = std::env::current_exe().unwrap();
    let example = test.parent().unwrap().with_file_name("examples").join("camera");
    let status = Command::new(example).env("RINGBUF_DIR", directory.path()).status().unwrap();
    assert!(status.success(), "{status}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "something was left");
}
