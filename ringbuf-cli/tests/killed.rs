//! Goal: whoever of publisher and subscriber of a ring of two is killed or stopped, nothing is
//! missing in what the subscribers wrote together, and nothing is left behind.
//! Method: SIGKILL after the test has read a given part of what a subscriber wrote,
//! then the next subscriber; frames carry their numbers. Signals to the publisher
//! when the test has seen where it stands.

mod scene;

use ringbuf_shm::Ring;
use rustix::process::Signal;
use scene::{Ended, Scene, Video};
use std::io::Read;

/// A frame is longer than a pipe holds, so that a subscriber never runs ahead of
/// what was read from it by more than a frame.
const LARGE: Video = Video { width: 320, height: 240 };
/// A pipe holds many frames.
const SMALL: Video = Video { width: 16, height: 16 };

/// Sends `frames` through subscribers that are killed, each after the test has read
/// so many frames and a bit of the next; returns what each wrote.
fn kill_one_after_the_other(video: Video, frames: u32, read: &[usize]) -> Vec<Vec<u32>> {
    let scene = Scene::new();
    let arguments = ["pub", "video", "--kind", "spsc", "--capacity", "4"];
    let publisher = scene.start_with(&arguments, scene.file(&video.stream(frames)));
    let mut written = Vec::new();
    for count in read {
        let mut subscriber = scene.start(&["sub", "video", "--wait"]);
        let mut stream = subscriber.read(video.header().len());
        for _ in 0..*count {
            let start = subscriber.read(b"FRAME".len());
            let longer = subscriber.read(1) == b" ";
            stream.extend(start);
            stream.extend(if longer { &b" "[..] } else { &b"\n"[..] });
            let rest = video.frame(0).len() - 6 + if longer { 4 } else { 0 };
            stream.extend(subscriber.read(rest));
        }
        stream.extend(subscriber.read(100));
        subscriber.kill();
        subscriber.stdout.as_mut().unwrap().read_to_end(&mut stream).unwrap();
        written.push(video.parse(&stream).0);
    }
    let last = scene.run(&["sub", "video", "--wait"]).well();
    let (numbers, rest) = video.parse(&last.stdout);
    assert_eq!(rest, 0);
    written.push(numbers);
    publisher.end().well();
    assert_eq!(scene.names(), [""; 0]);
    written
}

#[test]
fn the_frame_in_flight_goes_to_the_next_subscriber() {
    let written = kill_one_after_the_other(LARGE, 30, &[3, 0, 1, 7, 0, 0, 2]);
    // A part of a frame is no frame: nothing twice, nothing missing.
    assert_eq!(written.concat(), (0..30).collect::<Vec<_>>());
    assert_eq!(written[0], [0, 1, 2]);
}

#[test]
fn subscribers_that_run_ahead_leave_no_gap() {
    let written = kill_one_after_the_other(SMALL, 3000, &[1, 2, 30, 5]);
    let mut expected = 0;
    for numbers in written {
        for (index, &number) in numbers.iter().enumerate() {
            // Written, but not yet released when it was killed.
            let again = index == 0 && number + 1 == expected;
            assert!(number == expected || again, "{number} follows {}", expected - 1);
            expected = number + 1;
        }
    }
    assert_eq!(expected, 3000);
}

#[test]
fn a_publisher_says_once_who_is_missing() {
    let scene = Scene::new();
    let mut publisher =
        scene.start_with(&["pub", "video", "--kind", "spsc"], scene.file(&LARGE.stream(30)));
    publisher.read_note("nobody reads it yet");
    let ring = Ring::open(scene.rings().join("video")).unwrap();
    let probes = || ring.stats().unwrap().producer.probes;
    let before = probes();
    scene::wait_until(|| probes() >= before + 5);
    let mut subscriber = scene.start(&["sub", "video"]);
    subscriber.read(LARGE.header().len() + 100);
    subscriber.kill();
    publisher.read_note("its subscriber died with messages left");
    scene.run(&["sub", "video", "--count", "2"]).well();
    publisher.read_note("its subscriber went with messages left");
    assert_eq!(LARGE.parse(&scene.run(&["sub", "video"]).well().stdout).0.len(), 28);
    assert_eq!(publisher.end().well().stderr, "");
}

#[test]
fn what_is_written_again_is_said() {
    let scene = Scene::new();
    let publisher =
        scene.start_with(&["pub", "video", "--kind", "spsc"], scene.file(&LARGE.stream(3)));
    let mut subscriber = scene.start(&["sub", "video", "--wait"]);
    subscriber.read(LARGE.header().len() + 100);
    subscriber.kill();
    let next = scene.run(&["sub", "video"]).well();
    assert!(next.stderr.contains("wrote 1 message again"), "{}", next.stderr);
    assert!(next.stdout == LARGE.stream(3));
    publisher.end().well();
}

#[test]
fn a_ring_that_drops_leaves_out_the_frame_in_flight() {
    let scene = Scene::new();
    let arguments = ["pub", "video", "--kind", "spsc", "--redelivery", "drop"];
    let publisher = scene.start_with(&arguments, scene.file(&LARGE.stream(5)));
    let mut subscriber = scene.start(&["sub", "video", "--wait"]);
    subscriber.read(LARGE.header().len() + LARGE.frame(0).len() + 100);
    subscriber.kill();
    let next = scene.run(&["sub", "video"]).well();
    assert_eq!(LARGE.parse(&next.stdout), (vec![2, 3, 4], 0));
    assert_eq!(next.stderr, "");
    publisher.end().well();
}

#[test]
fn a_publisher_takes_the_place_of_a_dead_one() {
    let scene = Scene::new();
    let mut first =
        scene.start_with(&["pub", "video", "--kind", "spsc"], std::process::Stdio::piped());
    first.write(&LARGE.stream(3));
    let mut subscriber = scene.start(&["sub", "video", "--wait", "--follow"]);
    assert!(subscriber.read(LARGE.stream(3).len()) == LARGE.stream(3));
    // In the middle of a frame, of which nothing is to be seen.
    first.write(&LARGE.frame(3)[..1000]);
    first.kill();
    subscriber.read_note("the publisher died; waiting for the next");
    let rest = [LARGE.header(), LARGE.frames(3..6)].concat();
    let second = scene.start_with(&["pub", "video", "--kind", "spsc"], scene.file(&rest));
    assert!(subscriber.read(LARGE.frames(3..6).len()) == LARGE.frames(3..6));
    let second = second.end().well();
    assert!(second.stderr.contains("goes on where a publisher died"), "{}", second.stderr);
    assert!(subscriber.end().well().stdout.is_empty());
    assert_eq!(scene.names(), [""; 0]);
}

#[test]
fn a_subscriber_that_does_not_follow_ends_with_a_dead_publisher() {
    let scene = Scene::new();
    let mut publisher =
        scene.start_with(&["pub", "video", "--kind", "spsc"], std::process::Stdio::piped());
    publisher.write(&SMALL.stream(3));
    let mut subscriber = scene.start(&["sub", "video", "--wait"]);
    assert!(subscriber.read(SMALL.stream(3).len()) == SMALL.stream(3));
    publisher.kill();
    subscriber.end().badly(1, "the publisher died");
}

#[test]
fn a_subscriber_notices_that_the_ring_it_follows_was_removed() {
    let scene = Scene::new();
    let mut publisher =
        scene.start_with(&["pub", "video", "--kind", "spsc"], std::process::Stdio::piped());
    publisher.write(&SMALL.stream(1));
    let mut subscriber = scene.start(&["sub", "video", "--wait", "--follow"]);
    subscriber.read(SMALL.stream(1).len());
    publisher.kill();
    subscriber.read_note("the publisher died");
    scene.run(&["rm", "video"]).well();
    subscriber.end().badly(1, "the ring was removed");
}

/// Ends a publisher by a signal; it must leave no name.
fn stop(scene: &Scene, publisher: scene::Running, signal: Signal) -> Ended {
    publisher.signal(signal);
    let ended = publisher.end();
    assert_eq!(scene.names(), [""; 0]);
    ended
}

#[test]
fn ctrl_c_leaves_no_name_wherever_the_publisher_stands() {
    let scene = Scene::new();
    // Before anything came.
    let mut publisher =
        scene.start_with(&["pub", "video", "--kind", "spsc"], std::process::Stdio::piped());
    publisher.write(&SMALL.header());
    scene.wait_for_ring("video");
    stop(&scene, publisher, Signal::INT).badly(130, "stopped by SIGINT");
    // In the middle of a frame.
    let mut publisher =
        scene.start_with(&["pub", "video", "--kind", "spsc"], std::process::Stdio::piped());
    publisher.write(&SMALL.stream(2)[..SMALL.stream(1).len() + 50]);
    scene.wait_for_ring("video");
    stop(&scene, publisher, Signal::TERM).badly(143, "stopped by SIGTERM");
    // Waiting for room.
    let mut publisher =
        scene.start_with(&["pub", "video", "--kind", "spsc"], scene.file(&SMALL.stream(100)));
    publisher.read_note("nobody reads it yet");
    stop(&scene, publisher, Signal::INT).badly(130, "stopped by SIGINT");
    // Waiting for the rest to be read.
    let mut publisher =
        scene.start_with(&["pub", "video", "--kind", "spsc"], scene.file(&SMALL.stream(2)));
    publisher.read_note("nobody reads it yet");
    stop(&scene, publisher, Signal::HUP).badly(129, "stopped by SIGHUP");
}

#[test]
fn a_stopped_publisher_leaves_what_it_published_to_its_subscriber() {
    let scene = Scene::new();
    let mut publisher =
        scene.start_with(&["pub", "video", "--kind", "spsc"], std::process::Stdio::piped());
    publisher.write(&LARGE.stream(3));
    let mut subscriber = scene.start(&["sub", "video", "--wait"]);
    let start = subscriber.read(LARGE.stream(1).len());
    // It is in the middle of the second frame, with the third before it at most.
    let stats = || scene.run(&["stat", "video"]).well().text().to_owned();
    scene::wait_until(|| stats().contains("committed    3\n"));
    stop(&scene, publisher, Signal::INT).badly(130, "stopped by SIGINT");
    let ended = subscriber.end().well();
    assert!([start, ended.stdout].concat() == LARGE.stream(3));
}

#[test]
fn ctrl_c_ends_a_subscriber_wherever_it_stands() {
    let scene = Scene::new();
    // Waiting for a message, and then for its output: nobody empties the pipe.
    for frames in [1, 20] {
        let mut publisher =
            scene.start_with(&["pub", "video", "--kind", "spsc"], std::process::Stdio::piped());
        publisher.write(&LARGE.stream(1));
        let mut subscriber = scene.start(&["sub", "video", "--wait"]);
        subscriber.read(LARGE.stream(1).len());
        if frames > 1 {
            publisher.write(&LARGE.stream(2)[LARGE.stream(1).len()..]);
            scene::wait_until(|| {
                scene.run(&["stat", "video"]).well().text().contains("committed    2\n")
            });
        }
        subscriber.signal(Signal::INT);
        subscriber.end().badly(130, "stopped by SIGINT");
        stop(&scene, publisher, Signal::INT).badly(130, "stopped by SIGINT");
    }
}
