//! Goal: the core asks for exactly the orderings it needs.
//!
//! Method: the sites are recorded while the models run. Each ordering that is
//! stronger than Relaxed is replaced by each weaker one, and each fence left out,
//! one at a time and in a process of its own; a model that reaches the site has to
//! fail. What no model notices needs a written reason, and a reason needs a
//! survivor.

use ringbuf_verification::child;
use ringbuf_verification::lab::{Mutant, weaken};
use ringbuf_verification::model::{MODELS, Model};
use ringbuf_verification::site::{Kind, Site, Sites, recording};
use ringbuf_verification::source::{Operation, operations};
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::thread;
use std::time::Duration;

/// A weaker ordering that no model notices, and why the stronger one stays.
struct Explained {
    place: &'static str,
    kind: Kind,
    to: Option<Ordering>,
    reason: &'static str,
}

const EXPLAINED: [Explained; 0] = [];

/// Preemptions: the models find every mutant within so many, most within the first.
const BOUNDS: [usize; 2] = [2, 3];
/// A child that takes longer hangs.
const CHILD_ELAPSED_MAX: Duration = Duration::from_secs(300);
const SITE: &str = "RINGBUF_WEAKENED_SITE";
const ORDER: &str = "RINGBUF_WEAKENED_ORDER";
const MODEL: &str = "RINGBUF_WEAKENED_MODEL";
const BOUND: &str = "RINGBUF_WEAKENED_BOUND";
const NONE: &str = "None";

#[test]
#[ignore = "the body of the child processes that the other test starts"]
fn one_model_with_one_mutant() {
    let model = env::var(MODEL).ok().and_then(|name| Model::named(&name)).expect("a model");
    if let Ok(site) = env::var(SITE) {
        let order = env::var(ORDER).expect("an ordering");
        let order = [Relaxed, Acquire, Release, AcqRel]
            .into_iter()
            .find(|candidate| name_of(Some(*candidate)) == order);
        weaken(Mutant { site: site.parse().expect("a site"), order });
    }
    let bound = env::var(BOUND).ok().and_then(|bound| bound.parse().ok()).expect("a bound");
    let explored = model.explore(Some(bound));
    println!("{}: {explored}", model.name);
}

#[test]
fn every_ordering_is_needed_or_explained() {
    let reached: Vec<(Model, Sites)> =
        MODELS.into_iter().map(|model| (model, recording(|| _ = model.explore(Some(1))))).collect();
    let sites: Sites = reached.iter().flat_map(|(_, sites)| sites.clone()).collect();
    let source = operations();
    all_are_reached(&source, &sites);

    assert!(run_child(MODELS[0], BOUNDS[0], None).success(), "without a mutant nothing fails");
    let weakened = |(site, order): (&Site, &Option<Ordering>)| {
        let (site, order) = (site.clone(), *order);
        let weaker = order.map_or(&[][..], |order| weaker(site.kind, order));
        weaker.iter().map(move |to| (site.clone(), order, *to)).collect::<Vec<_>>()
    };
    let mutants = Mutex::new(sites.iter().flat_map(weakened));
    let survivors = Mutex::new(BTreeSet::new());
    let next = || mutants.lock().unwrap().next();
    let try_mutants = || {
        while let Some((site, order, to)) = next() {
            let mutant = format!("{site} {} to {}", name_of(order), name_of(to));
            match catcher(&reached, &site, to) {
                Some(model) => println!("{mutant}: caught by {}", model.name),
                None => {
                    println!("{mutant}: SURVIVED");
                    let survivor = (place_of(&source, &site), site.kind, name_of(to));
                    survivors.lock().unwrap().insert(survivor);
                }
            }
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(try_mutants))));
    let survivors = survivors.into_inner().unwrap();
    let explained: BTreeSet<_> = EXPLAINED
        .iter()
        .map(|entry| {
            assert!(!entry.reason.is_empty());
            (entry.place.to_owned(), entry.kind, name_of(entry.to))
        })
        .collect();
    assert_eq!(survivors, explained, "left: survivors; right: those with a reason");
}

/// The first model that notices this mutant, of those that reach its site.
fn catcher<'a>(
    reached: &'a [(Model, Sites)],
    site: &Site,
    to: Option<Ordering>,
) -> Option<&'a Model> {
    let reached = reached.iter().filter(|(_, sites)| sites.contains_key(site));
    let models: Vec<_> = reached.map(|(model, _)| model).collect();
    BOUNDS.into_iter().find_map(|bound| {
        let catches = |model: &&&Model| !run_child(***model, bound, Some((site, to))).success();
        models.iter().find(catches).copied()
    })
}

/// The weaker orderings to try in place of `order`.
fn weaker(kind: Kind, order: Ordering) -> &'static [Option<Ordering>] {
    match (kind, order) {
        (Kind::Fence, SeqCst) => &[Some(AcqRel), None],
        (Kind::Fence, _) => &[None],
        (_, Acquire | Release) => &[Some(Relaxed)],
        (_, AcqRel) => &[Some(Acquire), Some(Release), Some(Relaxed)],
        (_, SeqCst) => panic!("only a fence is sequentially consistent"),
        _ => &[],
    }
}

/// An operation that no model reaches is an operation that nothing is known about.
fn all_are_reached(source: &[Operation], sites: &Sites) {
    let mut unreached = BTreeMap::new();
    for operation in source {
        let site =
            Site { file: operation.file.clone(), line: operation.line, kind: operation.kind };
        if !sites.contains_key(&site) {
            unreached.insert(site, operation.place());
        }
    }
    let reached = source.len() - unreached.len();
    println!("{reached} of {} operations of the core are reached by a model", source.len());
    let places: BTreeSet<_> = unreached.values().map(String::as_str).collect();
    assert_eq!(places, BTreeSet::from(UNREACHED), "what no model reaches: {unreached:?}");
}

/// Nothing here is stronger than Relaxed, and nobody else is there when it runs:
/// `tests/mortal.rs` reaches it.
const UNREACHED: [&str; 2] = ["spsc::drop_taken", "spsc::end_drop"];

fn place_of(source: &[Operation], site: &Site) -> String {
    let found = source.iter().find(|found| found.file == site.file && found.line == site.line);
    found.map_or_else(|| site.to_string(), Operation::place)
}

fn name_of(order: Option<Ordering>) -> String {
    order.map_or_else(|| NONE.to_owned(), |order| format!("{order:?}"))
}

fn run_child(model: Model, bound: usize, mutant: Option<(&Site, Option<Ordering>)>) -> ExitStatus {
    let mut command = Command::new(env::current_exe().expect("this binary"));
    command
        .args(["--exact", "one_model_with_one_mutant", "--ignored", "--nocapture"])
        .env(MODEL, model.name)
        .env(BOUND, bound.to_string())
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some((site, order)) = mutant {
        command.env(SITE, site.to_string()).env(ORDER, name_of(order));
    }
    let status = child::run(&mut command, CHILD_ELAPSED_MAX).expect("a child");
    status.unwrap_or_else(|| panic!("{} hangs", model.name))
}
