//! Goal: `ls`, `stat` and `rm` show and remove what is there, and nothing else.
//! Method: a directory with rings whose sides are alive, closed and dead, and with
//! files that are no rings.

mod scene;

use ringbuf_shm::{Options, spsc};
use scene::{Scene, Video};
use std::os::unix::fs::symlink;
use std::process::Stdio;

const VIDEO: Video = Video { width: 16, height: 16 };

/// The cells of the line that begins with `name`.
fn line<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let line = text.lines().find(|line| line.split_whitespace().next() == Some(name));
    line.unwrap_or_else(|| panic!("no line {name} in\n{text}")).split_whitespace().collect()
}

#[test]
fn rings_and_what_is_not_one_are_listed() {
    let scene = Scene::new();
    let text = scene.run(&["ls"]).well().text().to_owned();
    assert_eq!(text, format!("no rings in {}\n", scene.rings().display()));

    let options = Options::new().capacity(4);
    let ticks = spsc::Producer::<u64>::create(scene.rings().join("ticks"), &options).unwrap();
    drop(spsc::records::Producer::create(scene.rings().join("closed"), &Options::new()).unwrap());
    let mut publisher = scene.start_with(&["pub", "dead", "--kind", "spsc"], Stdio::piped());
    publisher.write(&VIDEO.stream(1));
    scene.wait_for_ring("dead");
    scene::wait_until(|| scene.run(&["stat", "dead"]).text().contains("alive"));
    publisher.kill();
    std::fs::write(scene.rings().join("note"), "not a ring").unwrap();

    let listed = scene.run(&["ls"]).well();
    let text = listed.text();
    let pid = std::process::id().to_string();
    assert_eq!(line(text, "ticks")[8..], ["KiB", "alive", &pid, "absent"]);
    assert_eq!(line(text, "ticks")[1..6], ["spsc", "slots", "4", "x", "8"]);
    assert_eq!(line(text, "closed")[1..5], ["spsc", "records", "1,048,576", "bytes"]);
    assert_eq!(line(text, "closed")[7..], ["closed", "absent", "stale"]);
    assert_eq!(line(text, "dead")[1..7], ["spsc", "bytes", "8", "x", "640", "bytes"]);
    assert_eq!(line(text, "dead")[9..], ["dead", "absent", "stale"]);
    assert_eq!(line(text, "note")[7..], ["this", "file", "is", "not", "a", "ring"]);
    drop(ticks);
}

#[test]
fn stale_rings_are_removed_and_others_are_not() {
    let scene = Scene::new();
    let create = |name: &str| {
        spsc::Producer::<u64>::create(scene.rings().join(name), &Options::new()).unwrap()
    };
    let _alive = create("alive");
    drop(create("closed"));
    let mut publisher = scene.start_with(&["pub", "dead", "--kind", "spsc"], Stdio::piped());
    publisher.write(&VIDEO.stream(1));
    scene.wait_for_ring("dead");
    scene::wait_until(|| scene.run(&["stat", "dead"]).text().contains("alive"));
    publisher.kill();
    // Its publisher died, but somebody still waits on it.
    let mut producer = create("followed");
    producer.push(1).unwrap();
    let _follower = spsc::Consumer::<u64>::attach(producer.ring()).unwrap();
    drop(producer);
    std::fs::write(scene.rings().join("note"), "not a ring").unwrap();

    let removed = scene.run(&["rm", "--stale"]).well();
    assert_eq!(removed.text(), "removed closed\nremoved dead\n");
    assert_eq!(scene.names(), ["alive", "followed", "note"]);
    assert_eq!(scene.run(&["rm", "--stale"]).well().text(), "no stale rings\n");
}

#[test]
fn what_is_not_a_ring_is_removed_by_force_alone() {
    let scene = Scene::new();
    let target = scene.path("target");
    std::fs::write(&target, "precious").unwrap();
    std::fs::write(scene.rings().join("note"), "not a ring").unwrap();
    symlink(&target, scene.rings().join("link")).unwrap();
    scene.run(&["rm", "note"]).badly(1, "note: this file is not a ring; --force removes it");
    scene.run(&["rm", "link"]).badly(1, "link: refused for safety: it is a symbolic link");
    assert_eq!(scene.names(), ["link", "note"]);
    scene.run(&["rm", "--force", "link", "note"]).well();
    assert_eq!(scene.names(), [""; 0]);
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
}

#[test]
fn every_name_that_can_be_is_removed_and_every_failure_is_said() {
    let scene = Scene::new();
    let used = spsc::Producer::<u64>::create(scene.rings().join("used"), &Options::new()).unwrap();
    let ended = scene.run(&["rm", "none", "used", "nothing"]);
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(ended.text(), "removed used; who has it open keeps it\n");
    assert_eq!(ended.stderr.lines().count(), 2, "{}", ended.stderr);
    assert!(!used.ring().still_named().unwrap());
}

#[test]
fn a_damaged_ring_can_be_removed() {
    let scene = Scene::new();
    let path = scene.rings().join("damaged");
    drop(spsc::Producer::<u64>::create(&path, &Options::new()).unwrap());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(scene.run(&["ls"]).well().text().contains("the ring is damaged"));
    scene.run(&["stat", "damaged"]).badly(1, "the ring is damaged");
    scene.run(&["rm", "damaged"]).well();
    assert_eq!(scene.names(), [""; 0]);
}

#[test]
fn stat_tells_what_happened() {
    let scene = Scene::new();
    let options = Options::new().capacity(4).slot_size(100).metadata(b"caps \xff\n").type_name("T");
    let path = scene.rings().join("ring");
    let mut producer = spsc::bytes::Producer::create(&path, &options).unwrap();
    let mut consumer = spsc::bytes::Consumer::open(&path).unwrap();
    for message in [b"a", b"b", b"c"] {
        producer.push(message).unwrap();
    }
    consumer.read().unwrap().release();
    let view = consumer.read().unwrap();
    let shown = scene.run(&["stat", "ring"]).well();
    let pid = std::process::id().to_string();
    for (label, rest) in [
        ("kind", &["spsc"][..]),
        ("shape", &["bytes"]),
        ("capacity", &["4", "x", "100", "bytes"]),
        ("type", &["T"]),
        ("metadata", &["\"caps", "\\xff\\n\""]),
        ("committed", &["3"]),
        ("released", &["1"]),
        ("in", &["use", "2", "of", "4", "slots,", "1", "being", "read"]),
        ("dropped", &["0"]),
        ("redelivered", &["0"]),
        ("state", &["alive", "alive"]),
        ("process", &[&pid, &pid]),
        ("holders", &["1", "1"]),
    ] {
        assert_eq!(line(shown.text(), label)[1..], *rest, "{}", shown.text());
    }
    drop(view);
}

#[test]
fn stat_watches_until_its_output_closes() {
    let scene = Scene::new();
    let path = scene.rings().join("ring");
    let _producer = spsc::Producer::<u64>::create(&path, &Options::new()).unwrap();
    let mut watching = scene.start(&["stat", "ring", "--watch"]);
    let mut text = String::new();
    while !text.contains("last second  0 committed, 0 released\n") {
        text.push(char::from(watching.read(1)[0]));
    }
    drop(watching.stdout.take());
    watching.end().badly(1, "whoever read the output is gone");
}
