//! Goal: the protocols hold in every interleaving, deaths and stops included, and
//! the mistakes that each model plants are found.
//!
//! Method: the table of runs in models/README.md, each run as it says there. Without
//! `spin` and a C compiler the runs are counted as skipped, and say so.

use ringbuf_verification::child;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A run that takes longer hangs.
const RUN_ELAPSED_MAX: Duration = Duration::from_secs(900);

struct Run {
    model: String,
    options: Vec<String>,
    way: String,
    holds: bool,
    always: bool,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models")
}

fn runs() -> Vec<Run> {
    let text = fs::read_to_string(folder().join("README.md")).expect("the table of runs");
    text.lines()
        .skip_while(|line| !line.starts_with("| model "))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            Run {
                model: cells[1].to_owned(),
                options: cells[3].split_whitespace().map(str::to_owned).collect(),
                way: cells[4].to_owned(),
                holds: match cells[5] {
                    "hold" => true,
                    "fail" => false,
                    other => panic!("neither hold nor fail: {other}"),
                },
                always: cells[7] == "always",
            }
        })
        .collect()
}

/// How the verifier is built and run.
fn flags(way: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match way {
        "S" => (&["-DSAFETY", "-DCOLLAPSE"], &["-m400000"]),
        "E" => (&["-DSAFETY", "-DNOREDUCE", "-DHC4", "-DVECTORSZ=2048"], &["-E", "-m400000", "-n"]),
        "H" => (&["-DSAFETY", "-DHC4", "-DVECTORSZ=2048"], &["-E", "-m400000", "-n"]),
        other => panic!("no such way: {other}"),
    }
}

fn is_installed(program: &str) -> bool {
    let asked = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok()
}

/// Runs a program in `place` and returns what it printed.
fn output(place: &Path, program: &Path, arguments: &[&str]) -> String {
    let log = place.join("log");
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(place)
        .stdin(Stdio::null())
        .stdout(File::create(&log).expect("a log"))
        .stderr(Stdio::null());
    let ended = child::run(&mut command, RUN_ELAPSED_MAX).expect("a child");
    assert!(ended.is_some(), "{} {arguments:?} hangs", program.display());
    fs::read_to_string(log).expect("a log")
}

fn check(run: &Run) {
    let name = format!("{} {}", run.model, run.options.join(" "));
    let started = Instant::now();
    let scratch = tempfile::tempdir().expect("a folder");
    let place = scratch.path();
    let model = folder().join(format!("{}.pml", run.model));
    let mut arguments = vec!["-a"];
    arguments.extend(run.options.iter().map(String::as_str));
    arguments.push(model.to_str().expect("a path"));
    output(place, Path::new("spin"), &arguments);
    let (build, options) = flags(&run.way);
    // The verifiers of short runs take longer to optimise than to run.
    let optimise = if run.always { "-O0" } else { "-O2" };
    let arguments = [&["-w", optimise, "-o", "pan", "pan.c"], build].concat();
    output(place, Path::new("gcc"), &arguments);
    // Nor do they need a large table, which takes time to clear.
    let table = if run.always { "-w18" } else { "-w26" };
    let found = output(place, &place.join("pan"), &[options, &[table]].concat());
    let is_complete = !found.contains("Search not completed") && !found.contains("too small");
    let errors = found.split("errors: ").nth(1).and_then(|rest| rest.split_whitespace().next());
    let states = found
        .lines()
        .find(|line| line.contains("states, stored"))
        .map_or("", |line| line.split(" states").next().unwrap_or_default().trim());
    let seconds = started.elapsed().as_secs_f64();
    println!("{name}: errors {errors:?}, {states} states, {seconds:.1} s");
    match errors {
        Some("0") => assert!(run.holds && is_complete, "{name}: holds, or was not searched"),
        Some(_) => assert!(!run.holds, "{name}: fails\n{found}"),
        None => panic!("{name}: the verifier said nothing\n{found}"),
    }
}

fn check_all(runs: &[Run]) {
    if !is_installed("spin") || !is_installed("gcc") {
        println!("SKIPPED: spin is not installed, {} runs", runs.len());
        return;
    }
    runs.iter().for_each(check);
    println!("{} runs", runs.len());
}

fn chosen(choice: impl Fn(&Run) -> bool) -> Vec<Run> {
    let chosen: Vec<_> = runs().into_iter().filter(choice).collect();
    assert!(!chosen.is_empty());
    chosen
}

#[test]
fn the_model_of_peers_holds_and_its_mutants_fail() {
    check_all(&chosen(|run| run.always && run.model == "peers"));
}

#[test]
fn the_model_of_the_event_holds_and_its_mutants_fail() {
    check_all(&chosen(|run| run.always && run.model.starts_with("event")));
}

#[test]
fn the_models_of_mpmc_hold_and_their_mutants_fail() {
    check_all(&chosen(|run| run.always && ["mpmc", "lanes"].contains(&run.model.as_str())));
}

#[test]
fn the_model_of_one_mode_for_mpmc_holds() {
    check_all(&chosen(|run| run.always && run.model == "dream"));
}

#[test]
fn the_model_of_broadcast_holds_and_its_mutants_fail() {
    check_all(&chosen(|run| run.always && run.model == "broadcast"));
}

#[test]
fn the_model_of_ticks_holds_and_its_mutants_fail() {
    check_all(&chosen(|run| run.always && run.model == "ticks"));
}

#[test]
#[ignore = "takes many minutes and some gigabytes"]
fn the_models_of_the_protocols_to_come_hold_and_their_mutants_fail() {
    check_all(&chosen(|run| !run.always));
}

#[test]
fn every_model_is_run_or_said_not_to_be() {
    let text = fs::read_to_string(folder().join("README.md")).expect("the table of runs");
    for entry in fs::read_dir(folder()).expect("the models") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        assert!(name == "README" || text.contains(&name), "{name} is in no run");
    }
}
