//! Goal: what goes into `pub` comes out of `sub`, byte for byte, in every form.
//! Method: both commands as processes, input from a file, output compared.

mod scene;

use scene::{Scene, Video};

const ODD: Video = Video { width: 7, height: 5 };

/// Publishes `input`, subscribes, and compares.
#[track_caller]
fn there_and_back(input: &[u8], arguments: &[&str]) {
    let scene = Scene::new();
    let publisher = scene.start_with(&[&["pub", "ring"], arguments].concat(), scene.file(input));
    let wants = if arguments.contains(&"--kind") { &[][..] } else { &["--lossless"] };
    let out = scene.run(&[&["sub", "ring", "--wait"], wants].concat()).well();
    assert!(out.stdout == input, "{} bytes became {}", input.len(), out.stdout.len());
    publisher.end().well();
    assert_eq!(scene.names(), [""; 0]);
}

#[test]
fn video_comes_out_as_it_went_in() {
    for kind in [&[][..], &["--kind", "spsc"], &["--kind", "mpmc"]] {
        there_and_back(&ODD.stream(200), kind);
    }
    let large = Video { width: 320, height: 240 }.stream(20);
    there_and_back(&large, &["--kind", "spsc", "--capacity", "2"]);
    there_and_back(&large, &["--capacity", "2", "--subscribers-max", "1"]);
    there_and_back(&large, &["--slice", "3000"]);
    there_and_back(&large, &["--slice", "1000000"]);
}

#[test]
fn deep_and_monochrome_video_comes_out_as_it_went_in() {
    for (colourspace, bytes) in
        [("420p10", 2 * 59), ("mono", 35), ("444alpha", 4 * 35), ("411", 55)]
    {
        let mut input = format!("YUV4MPEG2 W7 H5 F25:1 C{colourspace}\n").into_bytes();
        for frame in 0..3u8 {
            input.extend_from_slice(b"FRAME\n");
            input.extend(std::iter::repeat_n(b'\n' + frame, bytes));
        }
        there_and_back(&input, &[]);
    }
}

#[test]
fn frames_of_bytes_come_out_as_they_went_in() {
    let input: Vec<_> = (0..10_000u32).flat_map(u32::to_le_bytes).collect();
    there_and_back(&input, &["--frame-bytes", "4000"]);
    there_and_back(&input, &["--frame-bytes", "4000", "--spin"]);
    there_and_back(&input, &["--frame-bytes", "4096", "--capacity", "2", "--slice", "7"]);
    there_and_back(&input, &["--frame-bytes", "4000", "--kind", "spsc"]);
    there_and_back(&input, &["--frame-bytes", "4000", "--kind", "mpmc"]);
    there_and_back(&input, &["--frame-bytes", "300", "--kind", "mpmc", "--lanes", "9", "--spin"]);
    // The last one is shorter; and shorter than what is read ahead.
    there_and_back(&input, &["--frame-bytes", "4096", "--kind", "spsc", "--capacity", "1"]);
    there_and_back(&input[..9001], &["--frame-bytes", "90"]);
    // Not taken for video when it is said what it is.
    there_and_back(&ODD.stream(3), &["--frame-bytes", "50", "--spin"]);
}

#[test]
fn lines_come_out_as_they_went_in() {
    let mut input = Vec::new();
    for length in (0..300).chain([0, 0, 40_000, 1]) {
        input.extend(std::iter::repeat_n(b'x', length));
        input.push(b'\n');
    }
    there_and_back(&input, &["--lines", "--kind", "spsc", "--capacity", "131072"]);
    there_and_back(&input, &["--lines", "--capacity", "4", "--line-bytes", "40001"]);
    input.extend_from_slice(b"no end");
    there_and_back(&input, &["--lines", "--kind", "spsc"]);
    there_and_back(&input, &["--lines", "--line-bytes", "50000"]);
    let options = ["--lines", "--kind", "mpmc", "--line-bytes", "40001", "--lanes", "2"];
    there_and_back(&input, &[&options[..], &["--lane", "1"]].concat());
}

#[test]
fn parts_of_a_stream_follow_one_another_without_a_header() {
    let scene = Scene::new();
    let input = ODD.stream(9);
    let publisher = scene.start_with(&["pub", "ring", "--kind", "spsc"], scene.file(&input));
    let first = scene.run(&["sub", "ring", "--wait", "--count", "4"]).well();
    let rest = scene.run(&["sub", "ring", "--no-header"]).well();
    assert!([first.stdout, rest.stdout].concat() == input);
    publisher.end().well();
}

#[test]
fn a_kept_ring_is_read_later() {
    let scene = Scene::new();
    let input = ODD.stream(5);
    let publish = ["pub", "ring", "--kind", "spsc", "--keep"];
    scene.start_with(&publish, scene.file(&input)).end().well();
    assert_eq!(scene.names(), ["ring"]);
    assert!(scene.run(&["sub", "ring"]).well().stdout == input);
    // And goes on with another publisher.
    scene.start_with(&publish, scene.file(&ODD.stream(2))).end().well();
    assert!(scene.run(&["sub", "ring"]).well().stdout == ODD.stream(2));
}

#[test]
fn no_message_at_all_comes_out_as_it_went_in() {
    let header = ODD.header();
    let (many, two) = (["--kind", "mpmc"], ["--kind", "spsc"]);
    for (input, form) in [
        (&header[..], &[][..]),
        (&[], &["--lines"]),
        (&[], &["--frame-bytes", "90"]),
        (&header, &many),
        (&header, &two),
        (&[], &["--kind", "spsc", "--lines"]),
    ] {
        // Kept, since a publisher of nothing waits for nobody.
        let scene = Scene::new();
        let arguments = [&["pub", "ring", "--keep"], form].concat();
        scene.start_with(&arguments, scene.file(input)).end().well();
        assert_eq!(scene.run(&["sub", "ring"]).well().stdout, input);
    }
}

#[test]
fn a_path_is_a_name_too() {
    let scene = Scene::new();
    let path = scene.path("ring");
    let path = path.to_str().unwrap();
    let publisher = scene.start_with(&["pub", path], scene.file(&ODD.stream(5)));
    assert!(scene.run(&["sub", path, "--wait", "--lossless"]).well().stdout == ODD.stream(5));
    publisher.end().well();
    assert!(!scene.path("ring").exists());
}
