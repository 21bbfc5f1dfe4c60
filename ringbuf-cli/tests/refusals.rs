//! Goal: what cannot work ends with one clear line and the right status, and loses
//! nothing.
//! Method: one wrong thing a test; the line is read from standard error.

mod scene;

use ringbuf_shm::{Options, spsc};
use scene::{Scene, Video};
use std::fs::File;
use std::process::Stdio;

const VIDEO: Video = Video { width: 320, height: 240 };

#[test]
fn a_ring_that_is_not_there() {
    let scene = Scene::new();
    for command in ["sub", "stat", "rm"] {
        scene.run(&[command, "none"]).badly(1, "none: there is no such ring");
    }
    scene.run(&["sub", "none", "--wait=0"]).badly(1, "none: there is no such ring");
    scene.run(&["stat", ".hidden"]).badly(1, "cannot name a ring");
}

#[test]
fn a_command_line_that_is_not_understood() {
    let scene = Scene::new();
    for arguments in [
        &["frobnicate"][..],
        &["pub"],
        &["pub", "x", "--lines", "--frame-bytes", "5"],
        &["pub", "x", "--frame-bytes", "0"],
        &["rm"],
        &["demo", "--size", "0x0"],
        &["pub", "x", "--patience", "soon"],
        &["pub", "x", "--lines", "--slice", "5"],
        &["sub", "x", "--lossy", "--latest"],
        &["sub", "x", "--from", "somewhere"],
        &["sub", "x", "--views", "0"],
    ] {
        assert_eq!(scene.run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn input_that_is_nothing_in_particular() {
    let scene = Scene::new();
    for input in [&b"hello\n"[..], b"", b"YUV4MPEG"] {
        let ended = scene.start_with(&["pub", "x"], scene.file(input)).end();
        ended.badly(1, "--frame-bytes N or --lines");
        assert_eq!(scene.names(), [""; 0]);
    }
}

#[test]
fn video_whose_first_line_is_wrong() {
    let scene = Scene::new();
    for (input, text) in [
        (b"YUV4MPEG2 W8 H8 Crgb24\n".to_vec(), "its colourspace `rgb24` is not known"),
        (b"YUV4MPEG2 W8\n".to_vec(), "no width and height"),
        (b"YUV4MPEG2 W8 H8".to_vec(), "its first line"),
        ([b"YUV4MPEG2 X", vec![b'x'; 5000].as_slice(), b"\n"].concat(), "longer than 4096 bytes"),
        (b"YUV4MPEG2 W1000000 H100000000\n".to_vec(), "impossible sizes"),
    ] {
        scene.start_with(&["pub", "x"], scene.file(&input)).end().badly(1, text);
        assert_eq!(scene.names(), [""; 0]);
    }
}

/// Publishes bad video; the frames before the bad one are still delivered.
#[track_caller]
fn bad_after_two_frames(bad: &[u8], text: &str) {
    let scene = Scene::new();
    let input = [VIDEO.stream(2), bad.to_vec()].concat();
    for (kind, wants) in [("spsc", &[][..]), ("broadcast", &["--lossless"])] {
        let arguments = ["pub", "x", "--kind", kind];
        let publisher = scene.start_with(&arguments, scene.file(&input));
        let out = scene.run(&[&["sub", "x", "--wait"], wants].concat()).well();
        assert!(out.stdout == VIDEO.stream(2));
        publisher.end().badly_at_last(1, text);
    }
    assert_eq!(scene.names(), [""; 0]);
}

#[test]
fn video_that_is_cut_or_goes_wrong() {
    bad_after_two_frames(&VIDEO.frame(2)[..5000], "it ends in the middle of frame 2");
    bad_after_two_frames(b"FRAME", "it ends in the middle of frame 2");
    bad_after_two_frames(b"GARBAGE\n", "frame 2 does not begin with a `FRAME` line");
    bad_after_two_frames(&[b'F'; 1000], "frame 2 does not begin with a `FRAME` line");
}

#[test]
fn a_line_that_is_too_long() {
    let scene = Scene::new();
    let input = [b"short\n", vec![b'x'; 5000].as_slice(), b"\n"].concat();
    let arguments = ["pub", "x", "--kind", "spsc", "--lines", "--capacity", "4096"];
    let publisher = scene.start_with(&arguments, scene.file(&input));
    assert_eq!(scene.run(&["sub", "x", "--wait"]).well().text(), "short\n");
    publisher.end().badly_at_last(1, "line 2 is longer than");
}

#[test]
fn a_ring_of_typed_slots() {
    let scene = Scene::new();
    let path = scene.rings().join("ticks");
    let _ticks = spsc::Producer::<u64>::create(&path, &Options::new()).unwrap();
    scene.run(&["sub", "ticks"]).badly(1, "ticks: a ring of typed slots");
    let arguments = ["pub", "ticks", "--kind", "spsc"];
    let ended = scene.start_with(&arguments, scene.file(&VIDEO.stream(1))).end();
    ended.badly(1, "ticks: the ring holds slots of 8 bytes");
}

#[test]
fn video_that_is_not_in_the_form_of_pub() {
    let scene = Scene::new();
    let path = scene.rings().join("fake");
    let options = Options::new()
        .capacity(2)
        .slot_size(64)
        .type_name("YUV4MPEG2 frame, then its FRAME line")
        .metadata(b"YUV4MPEG2 W4 H4\n");
    let mut fake = spsc::bytes::Producer::create(&path, &options).unwrap();
    fake.push(b"short").unwrap();
    scene.run(&["sub", "fake"]).badly(1, "fake: a message is not a frame");
}

#[test]
fn a_second_publisher_and_a_second_subscriber() {
    let scene = Scene::new();
    let mut publisher = scene.start_with(&["pub", "x", "--kind", "spsc"], Stdio::piped());
    publisher.write(&VIDEO.stream(1));
    scene.wait_for_ring("x");
    let mut subscriber = scene.start(&["sub", "x", "--wait"]);
    subscriber.read(VIDEO.stream(1).len());
    let text = "in use by a living process";
    scene.run(&["sub", "x"]).badly(1, text);
    scene
        .start_with(&["pub", "x", "--kind", "spsc"], scene.file(&VIDEO.stream(1)))
        .end()
        .badly(1, text);
    let other = Video { width: 8, height: 8 };
    let ended =
        scene.start_with(&["pub", "x", "--kind", "spsc"], scene.file(&other.stream(1))).end();
    ended.badly(1, "x: the ring exists with another");
}

#[test]
fn an_output_that_nobody_reads_any_more() {
    let scene = Scene::new();
    let publisher = scene.start_with(&["pub", "x", "--kind", "spsc"], scene.file(&VIDEO.stream(9)));
    let mut subscriber = scene.start(&["sub", "x", "--wait"]);
    subscriber.read(VIDEO.stream(2).len() + 10);
    drop(subscriber.stdout.take());
    subscriber.end().badly(1, "whoever read the output is gone");
    let next = scene.run(&["sub", "x"]).well();
    assert_eq!(VIDEO.parse(&next.stdout), ((2..9).collect(), 0));
    publisher.end().well();
}

#[test]
fn a_disk_that_is_full() {
    let scene = Scene::new();
    let publisher = scene.start_with(&["pub", "x", "--kind", "spsc"], scene.file(&VIDEO.stream(3)));
    let mut command = scene.command(&["sub", "x", "--wait", "--no-header"]);
    command.stdout(File::create("/dev/full").unwrap());
    scene::Running::start(command).end().badly(1, "No space left on device");
    let next = scene.run(&["sub", "x"]).well();
    assert!(next.stdout == VIDEO.stream(3));
    publisher.end().well();
}
