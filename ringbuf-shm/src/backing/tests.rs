//! Goal: without `O_TMPFILE`, too, a file is created complete or not at all, and what
//! a dead creator left is removed (promise P8).
//! Method: the way over a hidden name is taken directly; leftovers are planted.

use super::*;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const ACCESS: Access = Access { mode: 0o640, group: None };

fn parts() -> [Part; 2] {
    [Part::once(100, b"late"), Part::once(0, b"early")]
}

fn place(directory: &Path) -> Place {
    Place::resolve(directory.join("ring").as_os_str(), true).unwrap()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn both_ways_make_the_same_file() {
    let make = [create, create_hidden].map(|make| {
        let directory = tempfile::tempdir().unwrap();
        make(&place(directory.path()), 5000, &parts(), ACCESS, Naming::New).unwrap();
        assert_eq!(names(directory.path()), ["ring"]);
        let path = directory.path().join("ring");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        (fs::read(&path).unwrap(), mode)
    });
    assert_eq!(make[0], make[1]);
    assert_eq!(
        (make[0].0.len(), &make[0].0[..5], make[0].1 & 0o7777),
        (5000, &b"early"[..], 0o640)
    );
}

#[test]
fn repeated_parts_stand_where_they_say_and_nowhere_else() {
    // Closer than a block, just so, wider; once and never; a last block that is short.
    for (stride, count) in
        [(4, 5), (24, 9001), (BLOCK - 1, 3), (BLOCK, 3), (BLOCK + 1, 3), (9, 1), (9, 0)]
    {
        let directory = tempfile::tempdir().unwrap();
        let place = place(directory.path());
        let part = Part { offset: 50, bytes: b"word".to_vec(), stride, count };
        let len = 50 + stride * count + 50;
        // What stood behind the last one is kept.
        let behind = 50 + (stride * count.max(1) - stride) + 4;
        let all = [Part::once(behind, b"kept"), part];
        create(&place, len, &all, ACCESS, Naming::New).unwrap();
        let mut due = vec![0; usize::try_from(len).unwrap()];
        for index in 0..count {
            let at = usize::try_from(50 + index * stride).unwrap();
            due[at..at + 4].copy_from_slice(b"word");
        }
        let at = usize::try_from(behind).unwrap();
        due[at..at + 4].copy_from_slice(b"kept");
        let found = fs::read(directory.path().join("ring")).unwrap();
        assert!(found == due, "{count} times, {stride} apart");
    }
}

#[test]
fn a_taken_name_is_kept_or_replaced_as_asked() {
    for make in [create, create_hidden] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ring");
        fs::write(&path, "mine").unwrap();
        let refused = make(&place(directory.path()), 5000, &parts(), ACCESS, Naming::New);
        assert!(matches!(refused, Err(OpenError::Exists)));
        assert_eq!(fs::read(&path).unwrap(), b"mine");
        make(&place(directory.path()), 5000, &parts(), ACCESS, Naming::Replace).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 5000);
        assert_eq!(names(directory.path()), ["ring"]);
    }
}

#[test]
fn leftovers_are_removed_unless_their_creator_lives() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(format!("{HIDDEN}{name}"));
    fs::write(at("dead"), "").unwrap();
    let living = File::create(at("living")).unwrap();
    rustix::fs::flock(&living, FlockOperation::LockExclusive).unwrap();
    fs::write(directory.path().join("other"), "").unwrap();
    create(&place(directory.path()), 5000, &parts(), ACCESS, Naming::New).unwrap();
    let kept = names(directory.path());
    assert_eq!(kept, [&format!("{HIDDEN}living"), "other", "ring"]);
    drop(living);
    let again = create(&place(directory.path()), 5000, &parts(), ACCESS, Naming::New);
    assert!(matches!(again, Err(OpenError::Exists)));
    assert_eq!(names(directory.path()), ["other", "ring"]);
}

#[test]
fn a_failed_creation_leaves_nothing() {
    for make in [create, create_hidden] {
        let directory = tempfile::tempdir().unwrap();
        let beyond = make(&place(directory.path()), 1 << 62, &parts(), ACCESS, Naming::New);
        assert!(matches!(beyond, Err(OpenError::NoSpace(_))), "{beyond:?}");
        assert!(names(directory.path()).is_empty());
    }
}

#[test]
fn signals_make_the_steps_smaller_and_never_skip_one() {
    let len = 5 * RESERVE_STEP / 2;
    // Whoever takes more than a small step, or comes at an odd time, is interrupted.
    let (mut calls, mut done) = (0, Vec::new());
    let result = in_steps(len, |offset, size| {
        calls += 1;
        if size > RESERVE_STEP || calls % 2 == 1 {
            return Err(Errno::INTR);
        }
        done.push((offset, size));
        Ok(())
    });
    assert_eq!(result, Ok(()));
    assert_eq!(
        done,
        [0, 1, 2].map(|n| (n * RESERVE_STEP, RESERVE_STEP.min(len - n * RESERVE_STEP)))
    );
    assert_eq!(in_steps(len, |_, _| Err(Errno::INTR)), Err(Errno::INTR));
    assert_eq!(in_steps(len, |_, _| Err(Errno::NOSPC)), Err(Errno::NOSPC));
    assert_eq!(
        in_steps(len, |offset, size| {
            assert_eq!((offset, size), (0, len));
            Ok(())
        }),
        Ok(())
    );
}
