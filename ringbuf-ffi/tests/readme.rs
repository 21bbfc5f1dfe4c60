//! Goal: the C function that the README shows works as it is printed.
//! Method: `tests/c/readme.c` has it word for word, and calls it.

mod child;
mod compiler;

use child::Running;
use compiler::{WAYS, Workshop};

#[test]
fn the_function_in_the_readme_reads_all_and_learns_of_the_end() {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("```c\n").expect("a C function in the README");
    let (function, _) = rest.split_once("```").unwrap();
    assert!(include_str!("c/readme.c").contains(function), "the two differ");
    let workshop = Workshop::new();
    for way in WAYS {
        let Some(program) = workshop.compile("readme", way) else { continue };
        Running::start(&program, &[workshop.path("ring")]).succeed();
    }
}
