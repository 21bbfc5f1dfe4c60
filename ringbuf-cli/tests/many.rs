//! Goal: several publishers and several subscribers share a ring, and every message is
//! written by exactly one of them, whoever is killed.
//! Method: the command in many processes. What they write is put together and compared
//! with what was published; a subscriber is killed after the test has read a random part
//! of what it writes, when it holds a frame that is larger than the pipe.

mod scene;

use ringbuf_shm::{Presence, Ring};
use rustix::process::Signal;
use scene::{Ended, Leash, Running, Scene, Video};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::thread::JoinHandle;

/// Larger than a pipe: its frames cannot be written without a reader.
const LARGE: Video = Video { width: 400, height: 300 };
const SMALL: Video = Video { width: 16, height: 16 };
const PUB_LINES: [&str; 5] = ["pub", "ring", "--kind", "mpmc", "--lines"];
const PUB_VIDEO: [&str; 4] = ["pub", "ring", "--kind", "mpmc"];

/// A publisher that gets its input from the test.
fn publisher(scene: &Scene, arguments: &[&str]) -> Running {
    scene.start_with(arguments, Stdio::piped())
}

/// How many live: producers and consumers.
fn living(scene: &Scene) -> (usize, usize) {
    let Ok(ring) = Ring::open(scene.rings().join("ring")) else { return (0, 0) };
    let stats = ring.mpmc_stats().unwrap();
    let alive = |peers: &[ringbuf_shm::PeerStats]| {
        peers.iter().filter(|peer| peer.presence == Presence::Alive).count()
    };
    (alive(&stats.producers), alive(&stats.consumers))
}

fn wait_for_peers(scene: &Scene, producers: usize, consumers: usize) {
    scene::wait_until(|| living(scene) == (producers, consumers));
}

/// Waits for the ends of all, whose output is read meanwhile.
fn ends(running: Vec<Running>) -> Vec<Ended> {
    let _leashes: Vec<_> = running.iter().map(Running::leash).collect();
    let ends = running.into_iter().map(|one| std::thread::spawn(|| one.end()));
    let ends: Vec<_> = ends.collect();
    ends.into_iter().map(|end| end.join().unwrap()).collect()
}

/// A publisher that is given its input.
struct Fed {
    end: JoinHandle<Ended>,
    leash: Leash,
}

impl Fed {
    fn end(self) -> Ended {
        self.end.join().unwrap()
    }
}

/// Gives a publisher all of its input, in a thread that waits for its end.
fn feed(mut publisher: Running, input: impl AsRef<[u8]> + Send + 'static) -> Fed {
    let leash = publisher.leash();
    let end = std::thread::spawn(move || {
        publisher.write(input.as_ref());
        publisher.end()
    });
    Fed { end, leash }
}

fn lines(publisher: &str, count: usize) -> String {
    (0..count).map(|number| format!("{publisher} {number:05}\n")).collect()
}

#[test]
fn two_publishers_and_three_subscribers_share_every_line_once() {
    const EACH: usize = 20_000;
    let scene = Scene::new();
    let first = publisher(&scene, &PUB_LINES);
    wait_for_peers(&scene, 1, 0);
    let second = publisher(&scene, &PUB_LINES);
    let subscribers: Vec<_> = (0..3).map(|_| scene.start(&["sub", "ring"])).collect();
    wait_for_peers(&scene, 2, 3);
    let input = [lines("a", EACH), lines("b", EACH)];
    let [one, other] = input.clone();
    let publishers = [feed(first, one), feed(second, other)];
    let mut written = Vec::new();
    for ended in ends(subscribers) {
        let ended = ended.well();
        assert_eq!(ended.stderr, "");
        let text: Vec<_> = ended.text().lines().map(String::from).collect();
        for publisher in ["a", "b"] {
            assert!(text.iter().filter(|line| line.starts_with(publisher)).is_sorted());
        }
        written.extend(text);
    }
    written.sort();
    assert!(written == input.concat().lines().collect::<Vec<_>>(), "each once");
    for publisher in publishers {
        publisher.end().well();
    }
    assert_eq!(scene.names(), [""; 0]);
}

/// The numbers in a file of `--numbers`, each with whether it was written again. A line
/// is whole: it is written in one piece.
fn numbers(path: &Path) -> Vec<(u32, bool)> {
    let text = std::fs::read_to_string(path).unwrap();
    let number = |line: &str| match line.strip_suffix(" again") {
        Some(number) => (number.parse().unwrap(), true),
        None => (line.parse().unwrap(), false),
    };
    text.lines().map(number).collect()
}

/// A number below `limit`, another each time.
fn random(limit: usize) -> usize {
    usize::try_from(RandomState::new().hash_one(0) >> 8).unwrap() % limit
}

#[test]
fn four_subscribers_of_a_video_write_all_of_it_though_some_are_killed() {
    const FRAMES: u32 = 150;
    const KILLS: usize = 25;
    let scene = Scene::new();
    let publisher = scene.start_with(&PUB_VIDEO, scene.file(&LARGE.stream(FRAMES)));
    let started = Cell::new(0);
    let subscribe = || {
        let file = scene.path(&started.get().to_string());
        started.set(started.get() + 1);
        let numbers = format!("--numbers={}", file.to_str().unwrap());
        (scene.start(&["sub", "ring", "--wait", &numbers]), file)
    };
    let mut subscribers: Vec<_> = (0..4).map(|_| subscribe()).collect();
    let mut outputs = Vec::new();
    for _ in 0..KILLS {
        // Its frames do not fit into the pipe, so it is in the middle of one.
        let (mut victim, file) = subscribers.remove(random(subscribers.len()));
        let mut stream = victim.read(LARGE.header().len() + random(3 * LARGE.frame(0).len()));
        victim.kill();
        victim.stdout.as_mut().unwrap().read_to_end(&mut stream).unwrap();
        outputs.push((stream, file));
        subscribers.push(subscribe());
    }
    // All are there before anybody gets on: who came after the end would wait for ever.
    let heads: Vec<_> =
        subscribers.iter_mut().map(|(one, _)| one.read(LARGE.header().len())).collect();
    let (running, files): (Vec<_>, Vec<_>) = subscribers.into_iter().unzip();
    for ((ended, head), file) in ends(running).into_iter().zip(heads).zip(files) {
        outputs.push(([head, ended.well().stdout].concat(), file));
    }
    let mut written = BTreeMap::<u32, Vec<bool>>::new();
    for (index, (stream, file)) in outputs.iter().enumerate() {
        let (frames, rest) = LARGE.parse(stream);
        assert!(rest == 0 || index < KILLS, "who lived wrote whole frames");
        let told = numbers(file);
        assert!(frames.iter().zip(&told).all(|(frame, (number, _))| frame == number));
        // Killed between a frame and its number, it has not released it.
        assert!(frames.len() - told.len() <= usize::from(index < KILLS));
        for (number, again) in told {
            written.entry(number).or_default().push(again);
        }
    }
    assert!(written.keys().copied().eq(0..FRAMES), "the union is the clip");
    for (number, times) in &written {
        let unflagged = times.iter().filter(|&&again| !again).count();
        assert!(unflagged <= 1, "frame {number}, written {times:?} again");
    }
    let again = written.values().flatten().filter(|&&again| again).count();
    println!("{KILLS} subscribers killed, {again} of {FRAMES} frames written again");
    publisher.end().well();
    assert_eq!(scene.names(), [""; 0]);
}

#[test]
fn lanes_are_read_as_asked_for() {
    let scene = Scene::new();
    let publish = |lane: &str, input: &[u8], more: &[&str]| {
        let arguments = [&PUB_LINES, &["--keep", "--lane", lane][..], more].concat();
        scene.start_with(&arguments, scene.file(input)).end().well();
    };
    publish("0", b"low\nlower\n", &["--lanes", "3"]);
    publish("2", b"high\nhigher\n", &[]);
    publish("1", b"middle\n", &["--lanes", "3"]);
    let subscribe = |count: &str, more: &[&str]| {
        let arguments = [&["sub", "ring", "--count", count], more].concat();
        scene.run(&arguments).well().text().to_owned()
    };
    assert_eq!(subscribe("1", &["--lane", "1"]), "middle\n");
    assert_eq!(subscribe("1", &[]), "high\n");
    assert_eq!(subscribe("1", &["--lowest-up-to", "1"]), "low\n");
    assert_eq!(subscribe("2", &["--lowest-up-to", "2"]), "lower\nhigher\n");
    assert_eq!(scene.run(&["sub", "ring"]).well().text(), "");
}

#[test]
fn the_first_to_end_goes_at_once_and_the_last_sees_to_the_rest() {
    let scene = Scene::new();
    let mut first = publisher(&scene, &PUB_VIDEO);
    first.write(&SMALL.header());
    wait_for_peers(&scene, 1, 0);
    let mut second = publisher(&scene, &PUB_VIDEO);
    second.write(&SMALL.header());
    wait_for_peers(&scene, 2, 0);
    first.write(&SMALL.frames(0..3));
    assert_eq!(first.end().well().stderr, "");
    assert_eq!(scene.names(), ["ring"]);
    second.write(&SMALL.frames(3..5));
    let second = feed(second, "");
    let out = scene.run(&["sub", "ring"]).well();
    assert_eq!(SMALL.parse(&out.stdout), ((0..5).collect(), 0));
    second.end().well();
    assert_eq!(scene.names(), [""; 0]);
}

#[test]
fn ctrl_c_of_the_last_publisher_removes_the_name() {
    let scene = Scene::new();
    let mut publishers: Vec<_> = (0..3).map(|_| publisher(&scene, &PUB_VIDEO)).collect();
    for publisher in &mut publishers {
        publisher.write(&SMALL.stream(1));
    }
    wait_for_peers(&scene, 3, 0);
    // While they wait for input; and then one that waits for somebody to read.
    for (publisher, left) in publishers.into_iter().zip([2, 1, 0]) {
        assert_eq!(scene.names(), ["ring"]);
        publisher.signal(Signal::INT);
        publisher.end().badly(130, "stopped by SIGINT");
        assert!(left == 0 || living(&scene) == (left, 0));
    }
    assert_eq!(scene.names(), [""; 0]);
    let publisher = scene.start_with(&PUB_VIDEO, scene.file(&SMALL.stream(100)));
    wait_for_peers(&scene, 1, 0);
    publisher.signal(Signal::TERM);
    publisher.end().badly_at_last(143, "stopped by SIGTERM");
    assert_eq!(scene.names(), [""; 0]);
}

#[test]
fn publishers_that_end_together_do_not_rely_on_each_other() {
    for _ in 0..30 {
        let scene = Scene::new();
        let mut publishers: Vec<_> = (0..3).map(|_| publisher(&scene, &PUB_LINES)).collect();
        wait_for_peers(&scene, 3, 0);
        // Their inputs end while they cannot see it, and then they all do.
        for (publisher, name) in publishers.iter_mut().zip(["a", "b", "c"]) {
            publisher.signal(Signal::STOP);
            publisher.write(lines(name, 1).as_bytes());
            drop(publisher.stdin.take());
        }
        publishers.iter().for_each(|publisher| publisher.signal(Signal::CONT));
        let out = scene.run(&["sub", "ring"]).well();
        let mut text: Vec<_> = out.text().lines().collect();
        text.sort_unstable();
        assert_eq!(text, ["a 00000", "b 00000", "c 00000"]);
        ends(publishers).into_iter().for_each(|ended| drop(ended.well()));
        assert_eq!(scene.names(), [""; 0]);
    }
}

#[test]
fn a_publisher_that_waits_for_input_is_in_nobodys_way() {
    let scene = Scene::new();
    let mut slow = publisher(&scene, &PUB_VIDEO);
    // In the middle of a frame, for which it has claimed nothing.
    slow.write(&LARGE.stream(1)[..5000]);
    wait_for_peers(&scene, 1, 0);
    let mut subscriber = scene.start(&["sub", "ring"]);
    let other = scene.start_with(&PUB_VIDEO, scene.file(&LARGE.stream(20)));
    assert!(subscriber.read(LARGE.stream(20).len()) == LARGE.stream(20));
    other.end().well();
    slow.kill();
    subscriber.end().badly(1, "the publisher died and nothing is left");
}

#[test]
fn a_subscriber_follows_until_a_publisher_ends_well() {
    let scene = Scene::new();
    let mut first = publisher(&scene, &PUB_VIDEO);
    first.write(&SMALL.stream(3));
    let mut subscriber = scene.start(&["sub", "ring", "--wait", "--follow"]);
    assert!(subscriber.read(SMALL.stream(3).len()) == SMALL.stream(3));
    first.kill();
    subscriber.read_note("the publisher died; waiting for the next");
    scene.start_with(&PUB_VIDEO, scene.file(&SMALL.stream(2))).end().well();
    let ended = subscriber.end().well();
    assert!(ended.stdout == SMALL.frames(0..2));
    assert_eq!(scene.names(), [""; 0]);
}

/// A time as the command shows it.
fn seconds(shown: &str) -> f64 {
    let (number, unit) = shown.split_once(' ').unwrap();
    let unit = match unit {
        "ms" => 1e-3,
        "s" => 1.0,
        other => panic!("{other}"),
    };
    number.parse::<f64>().unwrap() * unit
}

#[test]
fn stat_says_who_holds_what_and_who_is_stopped() {
    let scene = Scene::new();
    let publisher = publisher(&scene, &[&PUB_VIDEO[..], &["--lanes", "2"]].concat());
    let publisher = feed(publisher, LARGE.stream(5));
    let mut subscribers: Vec<_> = (0..2).map(|_| scene.start(&["sub", "ring", "--wait"])).collect();
    for subscriber in &mut subscribers {
        subscriber.read(LARGE.header().len() + 100);
    }
    let ring = Ring::open(scene.rings().join("ring")).unwrap();
    scene::wait_until(|| {
        let lane = &ring.mpmc_stats().unwrap().lanes[0];
        (lane.reading, lane.full) == (2, 3)
    });
    // The publisher has published everything: it sleeps on the ring until all is read.
    scene::wait_until(|| ring.mpmc_stats().unwrap().producers[0].sleeps > 0);
    let [stopped, killed] = &subscribers[..] else { panic!() };
    // Who waits until all is read gives up what the dead hold.
    publisher.leash.signal(Signal::STOP);
    stopped.signal(Signal::STOP);
    killed.kill();
    let ids = [stopped.id(), killed.id()].map(|id| id.to_string());
    let mut shown = String::new();
    scene::wait_until(|| {
        shown = scene.run(&["stat", "ring", "--for", "0"]).well().text().to_owned();
        shown.matches("stopped").count() == 2
    });
    let peer = |process: &str| {
        let line = shown.lines().find(|line| line.split_whitespace().nth(2) == Some(process));
        let line = line.unwrap_or_else(|| panic!("no process {process} in\n{shown}"));
        line.split_whitespace().collect::<Vec<_>>()
    };
    for (process, state) in [(&ids[0], "stopped"), (&ids[1], "dead")] {
        let cells = peer(process);
        assert_eq!((cells[0], cells[3]), ("consumer", state), "{shown}");
        assert!(["64", "65"].contains(&cells[1]), "{shown}");
        assert!(cells.ends_with(&["1", "reading", "in", "lane", "0"]), "{shown}");
    }
    // Nobody gives anything back meanwhile. What is seen is no less than what was waited for.
    let looks_twice = scene.run(&["stat", "ring", "--for=0.25"]).well();
    for process in &ids {
        let line = looks_twice.text().lines().find(|line| line.contains(process.as_str())).unwrap();
        let (_, held) =
            line.split_once("1 reading in lane 0 for ").unwrap_or_else(|| panic!("{line}"));
        assert!(seconds(held.strip_suffix(" or more").unwrap()) >= 0.25, "{line}");
    }
    let lane = |number: usize| {
        let mut lines = shown.lines().skip_while(|line| !line.starts_with("lane"));
        lines.nth(1 + number).unwrap().split_whitespace().map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(lane(1), ["1", "0", "0", "64", "0", "0", "0", "0"], "{shown}");
    assert_eq!(lane(0)[3], "59", "{shown}");
    for row in ["kind         mpmc", "capacity     2 x 64 x 180256 bytes", "dropped      0"] {
        assert!(shown.replace(',', "").contains(row), "`{row}` is not in\n{shown}");
    }
    stopped.signal(Signal::CONT);
    publisher.leash.signal(Signal::CONT);
    let listed = scene.run(&["ls"]).well();
    let row: Vec<_> = listed.text().lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!((row[1], row[2], row.last()), ("mpmc", "bytes", Some(&&*ids[0])));
    subscribers.truncate(1);
    let ended = ends(subscribers).remove(0).well();
    assert!(ended.stderr.contains("wrote 1 message again"), "{}", ended.stderr);
    publisher.end().well();
}

#[test]
fn rings_whose_peers_are_gone_are_stale() {
    let scene = Scene::new();
    let mut publisher = publisher(&scene, &PUB_VIDEO);
    publisher.write(&SMALL.stream(1));
    let mut subscriber = scene.start(&["sub", "ring", "--wait"]);
    subscriber.read(SMALL.stream(1).len());
    publisher.kill();
    // Its subscriber takes a moment to be told; until then somebody lives.
    subscriber.end().badly(1, "the publisher died");
    let listed = scene.run(&["ls"]).well();
    let row: Vec<_> = listed.text().lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[row.len() - 3..], ["dead", "closed", "stale"], "{row:?}");
    assert_eq!(scene.run(&["rm", "--stale"]).well().text(), "removed ring\n");
}

#[test]
fn what_does_not_agree_is_refused_in_one_line() {
    let scene = Scene::new();
    let mut first = publisher(&scene, &PUB_VIDEO);
    first.write(&SMALL.stream(1));
    wait_for_peers(&scene, 1, 0);
    let header = b"YUV4MPEG2 W16 H16 F30:1\n".to_vec();
    for (arguments, input, text) in [
        (&["pub", "ring"][..], SMALL.stream(1), "ring: the ring is mpmc, not broadcast"),
        (&PUB_VIDEO, header, "ring: the ring exists with another metadata"),
        (&PUB_VIDEO, LARGE.stream(1), "ring: the ring exists with another capacity or slot size"),
        (&PUB_LINES, b"line\n".to_vec(), "ring: the ring exists with another"),
        (
            &["pub", "ring", "--kind", "mpmc", "--lanes", "2"],
            SMALL.stream(1),
            "ring: the ring exists with another number of lanes",
        ),
        (
            &["pub", "ring", "--kind", "mpmc", "--lane", "1"],
            SMALL.stream(1),
            "ring: a ring of 1 lanes has no lane 1; create it with more --lanes",
        ),
        (
            &["pub", "new", "--kind", "mpmc", "--capacity", "4"],
            SMALL.stream(1),
            "new: impossible sizes",
        ),
    ] {
        scene.start_with(arguments, scene.file(&input)).end().badly(1, text);
    }
    scene.run(&["sub", "ring", "--lane", "1"]).badly(1, "ring: it has no such lane");
    assert_eq!(scene.names(), ["ring"]);
    let spsc =
        scene.start_with(&["pub", "two", "--kind", "spsc", "--keep"], scene.file(&SMALL.stream(1)));
    spsc.end().well();
    scene.run(&["sub", "two", "--lane", "0"]).badly(1, "two: it has no lanes");
    let ended = scene.start_with(&["pub", "two", "--kind", "mpmc"], scene.file(&SMALL.stream(1)));
    ended.end().badly(1, "two: the ring is spsc, not mpmc");
}

#[test]
fn what_other_kinds_of_rings_have_is_misuse() {
    let scene = Scene::new();
    for (kind, options, text) in [
        ("broadcast", &["--lane", "1"][..], "--lane is for --kind mpmc"),
        ("spsc", &["--lanes", "2"], "--lanes is for --kind mpmc"),
        ("broadcast", &["--fast"], "--fast is for --kind mpmc"),
        (
            "spsc",
            &["--line-bytes", "100", "--lines"],
            "--line-bytes is for --kind broadcast or --kind mpmc",
        ),
        ("broadcast", &["--redelivery", "drop"], "--redelivery is for --kind spsc or --kind mpmc"),
        ("mpmc", &["--wait-for", "1"], "--wait-for is for --kind broadcast"),
        ("mpmc", &["--subscribers-max", "1"], "--subscribers-max is for --kind broadcast"),
        ("spsc", &["--views-max", "1"], "--views-max is for --kind broadcast"),
        ("spsc", &["--patience", "1s"], "--patience is for --kind broadcast"),
        ("mpmc", &["--slice", "100"], "--slice is for --kind broadcast"),
    ] {
        let ended = scene.run(&[&["pub", "new", "--kind", kind], options].concat());
        ended.badly(2, text);
        assert_eq!(scene.names(), [""; 0]);
    }
}

#[test]
fn a_line_that_is_too_long_for_its_slot() {
    let scene = Scene::new();
    let input = [b"short\n", vec![b'x'; 5000].as_slice(), b"\n"].concat();
    let publisher = scene.start_with(&PUB_LINES, scene.file(&input));
    assert_eq!(scene.run(&["sub", "ring", "--wait"]).well().text(), "short\n");
    publisher.end().badly_at_last(1, "line 2 is longer than 4096 bytes");
    assert_eq!(scene.names(), [""; 0]);
}

#[test]
fn a_publisher_says_who_is_missing_and_notices_that_nobody_can_come() {
    let scene = Scene::new();
    let mut publisher = scene.start_with(&PUB_VIDEO, scene.file(&LARGE.stream(30)));
    publisher.read_note("nobody reads it yet");
    let mut subscriber = scene.start(&["sub", "ring"]);
    subscriber.read(LARGE.header().len() + 100);
    subscriber.kill();
    publisher.read_note("its subscriber died with messages left");
    scene.run(&["sub", "ring", "--count", "2"]).well();
    publisher.read_note("its subscriber went with messages left");
    scene.run(&["rm", "ring"]).well();
    publisher.end().badly(1, "ring: the ring was removed, and nobody reads it");
}
