//! Goal: the table of scenarios in README.md names tests that exist, and says of each kind
//! of ring what carries a scenario, or why nothing does.
//! Method: read it, and the files of the tests.

use std::fs;
use std::path::Path;

/// The cells of each scenario.
fn scenarios() -> Vec<Vec<String>> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    let scenarios: Vec<Vec<String>> = text
        .expect("README.md")
        .lines()
        .skip_while(|line| !line.starts_with("| scenario "))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect();
    assert!(!scenarios.is_empty(), "README.md has a table of scenarios");
    scenarios
}

/// What stands between backquotes in a cell and is a test: its file, and its function.
fn tests(cell: &str) -> impl Iterator<Item = (&str, &str)> {
    cell.split('`').skip(1).step_by(2).filter_map(|quoted| quoted.split_once("::"))
}

/// Whether the file has such a test.
fn exists(file: &str, function: &str) -> bool {
    let (package, file) = file.split_once('/').unwrap_or(("verification", file));
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let path = workspace.join(package).join("tests").join(file).with_extension("rs");
    let text = fs::read_to_string(path).unwrap_or_default();
    text.contains(&format!("#[test]\nfn {function}()"))
}

#[test]
fn every_test_of_a_scenario_exists() {
    let scenarios = scenarios();
    let cells = scenarios.iter().flat_map(|scenario| &scenario[1..]);
    let named: Vec<_> = cells.flat_map(|cell| tests(cell)).collect();
    let missing: Vec<_> =
        named.into_iter().filter(|(file, function)| !exists(file, function)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_scenario_has_a_test_of_each_kind_of_ring_or_a_reason() {
    for scenario in scenarios() {
        let [what, kinds @ ..] = &scenario[..] else { panic!("no cells") };
        assert_eq!(kinds.len(), 3, "{scenario:?}");
        for cell in kinds {
            let is_excused = cell.starts_with("does not apply: ") || cell.starts_with("missing: ");
            assert!(tests(cell).next().is_some() || is_excused, "{what}: {cell}");
        }
    }
}
