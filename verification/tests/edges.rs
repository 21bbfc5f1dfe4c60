//! Goal: the source of the core and the table of edges in PROTOCOL.md say the same.
//!
//! Method: read both. Every operation that is stronger than Relaxed has a comment
//! `edge NAME, release end`, `edge NAME, acquire end` or, for the fences of a
//! store-buffering pair, `edge NAME, the … side` above it; every Relaxed one has a
//! comment that begins with `Relaxed`. The table names the functions of both ends.

use ringbuf_verification::model::Model;
use ringbuf_verification::source::{Operation, core_folder, mentions, operations};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// The functions at the two ends of an edge.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ends {
    release: BTreeSet<String>,
    acquire: BTreeSet<String>,
}

/// The sides of store-buffering pairs; every other one stands where a release end would.
const SIDES: [&str; 6] = [
    "the waker's side",
    "the sleeper's side",
    "the writer's side",
    "the reader's side",
    "the subscriber's side",
    "the publisher's side",
];

/// What the second end of an edge is called in a comment, by its ordering.
fn end_of(operation: &Operation) -> &'static [&'static str] {
    match operation.orderings[0].as_str() {
        "Release" => &["release end"],
        "Acquire" => &["acquire end"],
        "SeqCst" => &SIDES,
        other => panic!("{}: an ordering without an end: {other}", operation.place()),
    }
}

/// The edge of an operation that is stronger than Relaxed, and which end it is.
fn edge_of(operation: &Operation) -> (String, &'static str) {
    let place = format!("{}:{}", operation.file, operation.line);
    let comment = &operation.comment;
    let (_, tag) = comment.split_once("edge ").unwrap_or_else(|| panic!("{place}: no edge"));
    let (name, rest) = tag.split_once(", ").unwrap_or_else(|| panic!("{place}: no end: {tag}"));
    let end = end_of(operation).iter().find(|end| rest.starts_with(**end));
    (name.to_owned(), end.unwrap_or_else(|| panic!("{place}: the wrong end: {tag}")))
}

fn edges_of_source() -> BTreeMap<String, Ends> {
    let mut edges = BTreeMap::<String, Ends>::new();
    for operation in operations().iter().filter(|operation| !operation.is_relaxed()) {
        let (name, end) = edge_of(operation);
        let ends = edges.entry(name).or_default();
        let first = SIDES.iter().step_by(2).chain(&["release end"]).any(|side| *side == end);
        let side = if first { &mut ends.release } else { &mut ends.acquire };
        side.insert(operation.place());
    }
    edges
}

/// The rows of the table of edges: name, release ends, acquire ends, models.
fn rows_of_protocol() -> Vec<Vec<String>> {
    let text = fs::read_to_string(core_folder().join("PROTOCOL.md")).expect("PROTOCOL.md");
    let rows: Vec<Vec<String>> = text
        .lines()
        .skip_while(|line| !line.starts_with("| edge "))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect();
    assert!(!rows.is_empty(), "PROTOCOL.md has a table of edges");
    rows
}

/// What stands between backquotes in a cell.
fn quoted(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_operation_that_is_not_relaxed_is_the_end_of_an_edge() {
    let count = operations().iter().filter(|one| !one.is_relaxed()).map(edge_of).count();
    println!("{count} ends of edges");
    assert!(count > 0);
}

#[test]
fn every_relaxed_operation_says_why() {
    let relaxed: Vec<_> = operations().into_iter().filter(Operation::is_relaxed).collect();
    println!("{} relaxed operations", relaxed.len());
    for operation in relaxed {
        let (file, line) = (&operation.file, operation.line);
        assert!(operation.comment.starts_with("Relaxed"), "{file}:{line} does not say why");
    }
}

#[test]
fn the_table_of_edges_names_every_end_in_the_source_and_no_other() {
    let table: BTreeMap<_, _> = rows_of_protocol()
        .into_iter()
        .filter(|row| row[0] != KERNEL)
        .map(|row| (row[0].clone(), Ends { release: quoted(&row[1]), acquire: quoted(&row[2]) }))
        .collect();
    assert_eq!(table, edges_of_source(), "left: PROTOCOL.md; right: the source");
}

/// The edge that the kernel makes: a lock is free after the last instruction of
/// the process that held it. Its acquire ends are Relaxed and say so.
const KERNEL: &str = "SUCCEED";

#[test]
fn the_edge_that_the_kernel_makes_is_relied_on_where_the_table_says() {
    let row = rows_of_protocol().into_iter().find(|row| row[0] == KERNEL).expect("its row");
    assert_eq!(quoted(&row[2]), mentions(KERNEL), "left: PROTOCOL.md; right: the source");
}

#[test]
fn the_table_of_edges_names_models_that_exist() {
    for row in rows_of_protocol() {
        let models = quoted(row.last().expect("a last cell"));
        assert!(!models.is_empty(), "{} is caught by some model", row[0]);
        for name in models {
            assert!(Model::named(&name).is_some(), "{}: no model {name}", row[0]);
        }
    }
}
