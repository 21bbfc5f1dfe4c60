//! The atomic operations of `ringbuf-core`, found by reading its source.
//!
//! A plain reader of lines: the source is formatted by rustfmt, an operation is a
//! method call with its name and its orderings, and the comment that belongs to it
//! stands above it in the same function.

use crate::site::Kind;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One atomic operation or fence, as the source states it.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The name of the file.
    pub file: String,
    /// The line.
    pub line: u32,
    /// The function that it stands in.
    pub function: String,
    /// What is done.
    pub kind: Kind,
    /// The orderings, as written.
    pub orderings: Vec<String>,
    /// The comment block above it, without the slashes.
    pub comment: String,
}

impl Operation {
    /// Whether it asks for no more than atomicity.
    #[must_use]
    pub fn is_relaxed(&self) -> bool {
        self.orderings.iter().all(|order| order == "Relaxed")
    }

    /// The file without its ending, and the function: `spsc::commit`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}::{}", self.file.trim_end_matches(".rs"), self.function)
    }
}

/// The folder of `ringbuf-core`.
#[must_use]
pub fn core_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ringbuf-core")
}

/// The trait that the operations belong to, and a word that no two processes share.
const NO_PROTOCOL: [&str; 2] = ["machine.rs", "floor.rs"];

/// The files of the protocols.
///
/// # Panics
/// If the source cannot be read.
#[must_use]
pub fn files() -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(core_folder().join("src"))
        .expect("the source of ringbuf-core")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .filter(|path| !NO_PROTOCOL.iter().any(|name| path.ends_with(name)))
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("a source file"))
        })
        .collect();
    files.sort();
    files
}

/// Every operation of the protocols that has an ordering.
#[must_use]
pub fn operations() -> Vec<Operation> {
    files().iter().flat_map(|(name, text)| operations_of(name, text)).collect()
}

/// The functions whose comments mention the edge of this name, as `file::function`.
#[must_use]
pub fn mentions(edge: &str) -> BTreeSet<String> {
    let tag = format!("edge {edge}");
    let mut places = BTreeSet::new();
    for (file, text) in files() {
        let mut function = String::new();
        for line in text.lines().map(str::trim) {
            function = function_name(line).unwrap_or(function);
            if line.starts_with("//") && line.contains(&tag) {
                places.insert(format!("{}::{function}", file.trim_end_matches(".rs")));
            }
        }
    }
    places
}

const CALLS: [(&str, Kind); 6] = [
    (".load(", Kind::Load),
    (".store(", Kind::Store),
    (".compare_exchange(", Kind::Exchange),
    (".fence(", Kind::Fence),
    (".light_fence(", Kind::Fence),
    (".heavy_fence(", Kind::Fence),
];
const ORDERINGS: [&str; 5] = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];
/// How far above an operation its comment may begin.
const LINES_ABOVE_MAX: usize = 8;

fn operations_of(file: &str, text: &str) -> Vec<Operation> {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let mut found = Vec::new();
    let mut function = String::new();
    for (index, line) in lines.iter().enumerate() {
        if let Some(name) = function_name(line) {
            function = name;
        }
        if line.starts_with("//") {
            continue;
        }
        for (call, kind) in CALLS {
            let Some(at) = line.find(call) else { continue };
            let arguments = arguments(&lines, index, at + call.len());
            let mut orderings: Vec<_> = arguments
                .split(|letter: char| !letter.is_alphanumeric())
                .filter(|word| ORDERINGS.contains(word))
                .map(str::to_owned)
                .collect();
            if orderings.is_empty() {
                // Light and heavy fences: together they are what two of these are.
                orderings.push("SeqCst".to_owned());
            }
            let comment = comment_above(&lines, index);
            found.push(Operation {
                file: file.to_owned(),
                line: u32::try_from(index + 1).expect("a short file"),
                function: function.clone(),
                kind,
                orderings,
                comment,
            });
        }
    }
    found
}

/// The name behind `fn`, if the line begins a function.
fn function_name(line: &str) -> Option<String> {
    let words = ["pub fn ", "pub(crate) fn ", "const fn ", "fn "];
    let start = words.iter().find(|word| line.starts_with(*word))?;
    let name = line[start.len()..].split(['(', '<']).next()?;
    Some(name.to_owned())
}

/// What stands between the parentheses of a call, perhaps on several lines.
fn arguments(lines: &[&str], line: usize, column: usize) -> String {
    let mut depth = 1;
    let mut arguments = String::new();
    let rest = lines[line..].iter().enumerate();
    for letter in
        rest.flat_map(|(skipped, text)| text[if skipped == 0 { column } else { 0 }..].chars())
    {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        arguments.push(letter);
    }
    arguments
}

/// The comment lines of this function that stand close above, nearest block only.
fn comment_above(lines: &[&str], index: usize) -> String {
    let mut block = Vec::new();
    for line in lines[..index].iter().rev().take(LINES_ABOVE_MAX) {
        match line.strip_prefix("// ") {
            Some(text) => block.push(text),
            None if !block.is_empty() || function_name(line).is_some() => break,
            None => {}
        }
    }
    block.reverse();
    block.join(" ")
}
