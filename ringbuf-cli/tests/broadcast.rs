//! Goal: every subscriber of a ring gets what it asked for, beside others that are slow,
//! stopped and killed, and is told exactly what it did not get.
//! Method: the command in many processes. What they write is compared with what was
//! published; frames carry their numbers and are larger than a pipe, so that one who is not
//! read stands in the middle of a frame, which it holds.

mod scene;

use ringbuf_shm::broadcast;
use ringbuf_shm::broadcast::bytes::{Publisher, State, Subscriber};
use ringbuf_shm::broadcast::{Delivery, Join};
use ringbuf_shm::{BroadcastStats, Options, Presence, Ring};
use rustix::process::Signal;
use scene::{Ended, Running, Scene, Video};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Larger than a pipe.
const LARGE: Video = Video { width: 320, height: 240 };
const SMALL: Video = Video { width: 16, height: 16 };
/// What one who wants every message is started with.
const ALL: [&str; 4] = ["sub", "ring", "--wait", "--lossless"];
/// Between two kills.
const KILL_EVERY: Duration = Duration::from_millis(50);

fn look(scene: &Scene) -> Option<BroadcastStats> {
    Ring::open(scene.rings().join("ring")).ok()?.broadcast_stats().ok()
}

/// Waits until so many subscribers read.
fn wait_for_readers(scene: &Scene, readers: usize) {
    scene::wait_until(|| {
        let reads = |stats: BroadcastStats| {
            stats.subscribers.iter().filter(|one| one.delivery.is_some()).count() == readers
        };
        look(scene).is_some_and(reads)
    });
}

/// A subscriber that tells its numbers to a file of this name.
fn numbering(scene: &Scene, wants: &str, file: &str) -> Running {
    let numbers = scene.path(file).to_str().unwrap().to_owned();
    scene.start(&["sub", "ring", "--wait", wants, "--numbers", &numbers])
}

fn numbers(path: &Path) -> Vec<u32> {
    std::fs::read_to_string(path).unwrap().lines().map(|line| line.parse().unwrap()).collect()
}

/// What a subscriber says at its end: received, lost, broken off.
#[track_caller]
fn account(ended: &Ended) -> [usize; 3] {
    let line = ended.stderr.lines().find(|line| line.contains("received")).unwrap();
    let number = |label| {
        let (_, behind) = line.split_once(label).unwrap();
        behind.split_whitespace().next().unwrap().trim_end_matches([',', ';']).replace(',', "")
    };
    ["received ", "lost ", "broken off "].map(|label: &str| number(label).parse().unwrap())
}

/// That it wrote these, and that they and what it lost are all of `frames`; how many it
/// wrote, and lost.
#[track_caller]
fn adds_up(ended: &Ended, written: &[u32], frames: u32) -> (usize, usize) {
    let [received, lost, broken] = account(ended);
    assert_eq!((received, lost + received, broken), (written.len(), frames as usize, 0));
    (received, lost)
}

/// Waits for the end of each; what they write is read meanwhile.
fn ends<const N: usize>(running: [Running; N]) -> [Ended; N] {
    let _leashes = running.each_ref().map(Running::leash);
    let ends = running.map(|one| std::thread::spawn(|| one.end()));
    ends.map(|end| end.join().unwrap())
}

/// Publishes `frames`, one each `pace`, to two that want all, one that wants what it can
/// keep up with, and one that wants the newest; beside one that is stopped while it holds a
/// frame, and others that are killed one after the other.
fn publish_to_all(frames: u32, pace: Duration) {
    let scene = Scene::new();
    let mut publisher = scene.start_with(&["pub", "ring", "--wait-for", "5"], Stdio::piped());
    let all = [scene.start(&ALL), scene.start(&ALL)];
    let lossy = numbering(&scene, "--lossy", "lossy");
    let latest = numbering(&scene, "--latest", "latest");
    let mut stopped = numbering(&scene, "--lossy", "stopped");
    publisher.write(&LARGE.stream(1));
    let mut start = stopped.read(LARGE.header().len() + 100);
    stopped.signal(Signal::STOP);

    let over = AtomicBool::new(false);
    let killed = std::thread::scope(|scope| {
        let killer = scope.spawn(|| {
            let mut killed = 0;
            while !over.load(Relaxed) {
                let wants = ["--lossless", "--lossy", "--latest"][killed % 3];
                let victim = scene.start(&["sub", "ring", wants]);
                std::thread::sleep(KILL_EVERY);
                victim.kill();
                killed += 1;
            }
            killed
        });
        let [all_0, all_1] = all;
        let reading = scope.spawn(|| ends([all_0, all_1, lossy, latest]));
        for number in 1..frames {
            publisher.write(&LARGE.frame(number));
            std::thread::sleep(pace);
        }
        let ended = publisher.end().well();
        over.store(true, Relaxed);
        assert!(ended.stderr.starts_with("ringbuf: ring: 25 slots take 2.8 MiB"), "{ended:?}");
        let [all_0, all_1, lossy, latest] = reading.join().unwrap().map(Ended::well);
        for ended in [all_0, all_1] {
            assert!(ended.stdout == LARGE.stream(frames), "byte for byte");
            adds_up(&ended, &(0..frames).collect::<Vec<_>>(), frames);
            assert!(ended.stderr.contains("evicted 0 times"), "{}", ended.stderr);
        }
        for (ended, file) in [(&lossy, "lossy"), (&latest, "latest")] {
            let (written, rest) = LARGE.parse(&ended.stdout);
            assert_eq!((&written, rest), (&numbers(&scene.path(file)), 0));
            assert!(written.is_sorted_by(|before, after| before < after), "{file}: {written:?}");
            assert_eq!(written.last(), Some(&(frames - 1)), "{file}");
            adds_up(ended, &written, frames);
        }
        killer.join().unwrap()
    });
    // What it held is as it was, and it goes on with what there is.
    stopped.signal(Signal::CONT);
    let ended = stopped.end().well();
    start.extend(&ended.stdout);
    let (written, rest) = LARGE.parse(&start);
    assert_eq!((written[0], &written, rest), (0, &numbers(&scene.path("stopped")), 0));
    let (received, _) = adds_up(&ended, &written, frames);
    assert!((2..=9).contains(&received), "as many as the ring keeps: {received}");
    assert!(killed > 0);
    assert_eq!(scene.names(), [""; 0]);
    println!("{frames} frames, {killed} killed; {received} of one that was stopped");
}

#[test]
fn every_contract_is_kept_as_fast_as_it_goes() {
    publish_to_all(400, Duration::ZERO);
}

#[test]
fn every_contract_is_kept_at_the_pace_of_a_camera() {
    publish_to_all(50, Duration::from_millis(40));
}

#[test]
fn who_is_evicted_is_told_and_goes_on() {
    const FRAMES: u32 = 40;
    let scene = Scene::new();
    let arguments = ["pub", "ring", "--patience", "20ms", "--capacity", "4"];
    let mut publisher = scene.start_with(&arguments, Stdio::piped());
    let mut slow = scene.start(&ALL);
    publisher.write(&LARGE.stream(1));
    let mut stream = slow.read(LARGE.header().len() + 100);
    // Nobody reads what it writes, so it stands in the first frame.
    publisher.write(&LARGE.frames(1..FRAMES));
    let ended = publisher.end().well();
    assert!(ended.stderr.contains("lost patience 1 time with a subscriber"), "{}", ended.stderr);
    let ended = slow.end().well();
    stream.extend(&ended.stdout);
    let (written, rest) = LARGE.parse(&stream);
    assert_eq!((written[0], written.last(), rest), (0, Some(&(FRAMES - 1)), 0));
    let (_, lost) = adds_up(&ended, &written, FRAMES);
    let told = format!("did not wait any longer; lost {lost}, going on with the oldest there is");
    assert!(ended.stderr.contains(&told), "{}", ended.stderr);
    assert!(ended.stderr.contains("evicted once"), "{}", ended.stderr);
}

#[test]
fn what_is_taken_ahead_is_not_lost() {
    const FRAMES: u32 = 40;
    let scene = Scene::new();
    let mut publisher = scene.start_with(&["pub", "ring", "--capacity", "4"], Stdio::piped());
    let mut slow = scene.start(&["sub", "ring", "--wait", "--views", "3"]);
    publisher.write(&LARGE.header());
    wait_for_readers(&scene, 1);
    slow.signal(Signal::STOP);
    publisher.write(&LARGE.frames(0..3));
    scene::wait_until(|| look(&scene).unwrap().published == 3);
    slow.signal(Signal::CONT);
    let mut stream = slow.read(LARGE.header().len() + 100);
    assert_eq!(look(&scene).unwrap().held, 3);
    publisher.write(&LARGE.frames(3..FRAMES));
    publisher.end().well();
    let ended = slow.end().well();
    stream.extend(&ended.stdout);
    let (written, _) = LARGE.parse(&stream);
    assert_eq!(written[..3], [0, 1, 2]);
    let (_, lost) = adds_up(&ended, &written, FRAMES);
    assert!(lost > 20, "{lost}");
}

#[test]
fn a_subscriber_begins_where_it_says() {
    let scene = Scene::new();
    let arguments = ["pub", "ring", "--lines", "--capacity", "4", "--keep"];
    let publish = |input: &[u8]| scene.start_with(&arguments, scene.file(input)).end().well();
    publish(b"0\n1\n2\n");
    let subscribe = |wants: &[&str]| {
        let ended = scene.run(&[&["sub", "ring"], wants].concat()).well();
        ended.text().replace('\n', " ")
    };
    for (wants, written) in [
        (&["--lossless"][..], "0 1 2 "),
        (&["--lossless", "--from", "newest"], ""),
        (&["--lossy"], ""),
        (&["--from", "oldest"], "0 1 2 "),
        (&["--from", "1", "--views", "2"], "1 2 "),
        (&["--from", "7"], ""),
        (&["--latest"], "2 "),
        (&["--latest", "--from", "0"], "2 "),
        (&["--from", "0", "--count", "2"], "0 1 "),
    ] {
        assert_eq!(subscribe(wants), written, "{wants:?}");
    }
    // Numbers go on with the next publisher, and what is gone is gone.
    publish(b"3\n4\n5\n6\n7\n");
    let file = scene.path("numbers");
    let told = ["--from", "0", "--numbers", file.to_str().unwrap()];
    let written = subscribe(&told);
    assert!("4 5 6 7 ".ends_with(&written) && written.len() >= 6, "{written}");
    assert_eq!(
        numbers(&file).iter().map(|number| format!("{number} ")).collect::<String>(),
        written
    );
}

#[test]
fn a_frame_comes_piece_by_piece_and_is_broken_off_if_it_is_cut() {
    let scene = Scene::new();
    let mut publisher =
        scene.start_with(&["pub", "ring", "--slice", "1000", "--wait-for", "2"], Stdio::piped());
    let whole = scene.start(&ALL);
    publisher.write(&SMALL.header());
    wait_for_readers(&scene, 1);
    let mut parts = Subscriber::open(scene.rings().join("ring"), Delivery::Lossless).unwrap();
    let large = SMALL.header().len();
    // 384 bytes each, hence in one piece; then one of which the end does not come.
    publisher.write(&SMALL.stream(2)[large..]);
    for number in 0..2 {
        let part = parts.read_part().unwrap();
        assert!(
            part.wait_for(384).unwrap()[..384]
                == SMALL.frame(number)[SMALL.frame(number).len() - 384..]
        );
    }
    publisher.write(&SMALL.frame(2)[..100]);
    let part = parts.read_part().unwrap();
    assert_eq!((part.bytes().unwrap().len(), part.state()), (0, Ok(State::Open)));
    publisher.end().badly_at_last(1, "it ends in the middle of frame 2");
    assert_eq!(part.state(), Ok(State::Broken));
    let ended = whole.end().well();
    assert!(ended.stdout == SMALL.stream(2));
    assert_eq!(account(&ended), [2, 0, 1]);
}

#[test]
fn slices_are_shown_as_they_come() {
    let scene = Scene::new();
    let arguments = ["pub", "ring", "--frame-bytes", "10000", "--slice", "1000"];
    let mut publisher = scene.start_with(&arguments, Stdio::piped());
    // It is made before anything comes.
    scene.wait_for_ring("ring");
    let mut parts = Subscriber::open(scene.rings().join("ring"), Delivery::Lossless).unwrap();
    let frame: Vec<_> = (0..=250).cycle().take(10_000).collect();
    publisher.write(&frame[..2500]);
    let part = parts.read_part().unwrap();
    assert!(*part.wait_for(2000).unwrap() == frame[..2000], "two slices, and no more");
    publisher.write(&frame[2500..7000]);
    assert!(*part.wait_for(7000).unwrap() == frame[..7000]);
    assert_eq!(part.state(), Ok(State::Open));
    publisher.write(&frame[7000..9_900]);
    publisher.end().well();
    // The last one may be shorter.
    assert!(*part.wait_for(10_000).unwrap() == frame[..9_900]);
    assert_eq!(part.state(), Ok(State::Whole));
}

#[test]
fn a_publisher_follows_a_dead_one_and_subscribers_follow() {
    let scene = Scene::new();
    let mut first = scene.start_with(&["pub", "ring", "--wait-for", "2"], Stdio::piped());
    let mut all = scene.start(&[&ALL[..], &["--follow"]].concat());
    let mut other = scene.start(&ALL);
    let mut input = first.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        input.write_all(&LARGE.stream(3)).unwrap();
        // In the middle of a frame, of which nothing is to be seen.
        input.write_all(&LARGE.frame(3)[..1000]).unwrap();
        input
    });
    assert!(all.read(LARGE.stream(3).len()) == LARGE.stream(3));
    assert!(other.read(LARGE.stream(3).len()) == LARGE.stream(3));
    let _input = writer.join().unwrap();
    first.kill();
    all.read_note("the publisher died; waiting for the next");
    let ended = other.end();
    ended.badly_at_last(1, "the publisher died and nothing is left");
    assert_eq!(account(&ended), [3, 0, 0]);
    let rest = [LARGE.header(), LARGE.frames(3..6)].concat();
    let second = scene.start_with(&["pub", "ring"], scene.file(&rest));
    let ended = all.end().well();
    assert!(ended.stdout == LARGE.frames(3..6));
    assert_eq!(account(&ended), [6, 0, 0]);
    let second = second.end().well();
    assert!(second.stderr.contains("goes on where a publisher died"), "{}", second.stderr);
    assert_eq!(scene.names(), [""; 0]);
}

#[test]
fn a_publisher_says_who_it_waits_for() {
    let scene = Scene::new();
    let arguments = ["pub", "ring", "--wait-for", "2"];
    let mut publisher = scene.start_with(&arguments, scene.file(&LARGE.stream(30)));
    publisher.read_note("25 slots take 2.8 MiB: 8 to be read, 1 to be written, 16 to be held");
    publisher.read_note("waiting for 2 to `ringbuf sub ring`");
    let slow = scene.start(&ALL);
    wait_for_readers(&scene, 1);
    slow.signal(Signal::STOP);
    // It takes the first frame at least, and is not waited for when it is dead.
    let mut victim = scene.start(&ALL);
    victim.read(LARGE.header().len() + 100);
    victim.kill();
    publisher.read_note(&format!(
        "waiting for process {} to read, which wants every message and is stopped",
        slow.id()
    ));
    slow.signal(Signal::CONT);
    assert!(slow.end().well().stdout == LARGE.stream(30));
    assert_eq!(publisher.end().well().stderr, "");
}

#[test]
fn a_publisher_goes_on_when_nobody_is_left_or_nobody_can_come() {
    let scene = Scene::new();
    let publisher = scene.start_with(&["pub", "ring"], scene.file(&LARGE.stream(30)));
    let mut only = scene.start(&ALL);
    only.read(LARGE.header().len() + 100);
    only.kill();
    publisher.end().well();
    assert_eq!(scene.names(), [""; 0]);
    let none = ["pub", "ring", "--wait-for", "0"];
    scene.start_with(&none, scene.file(&LARGE.stream(30))).end().well();
    let mut publisher = scene.start_with(&["pub", "ring"], scene.file(&LARGE.stream(30)));
    publisher.read_note("slots take");
    publisher.read_note("waiting for 1 to");
    scene.run(&["rm", "ring"]).well();
    publisher.end().badly(1, "ring: the ring was removed; nobody can subscribe");
}

#[test]
fn ctrl_c_ends_both_sides_and_the_subscriber_tells_what_it_got() {
    let scene = Scene::new();
    let mut publisher = scene.start_with(&["pub", "ring"], Stdio::piped());
    let mut subscriber = scene.start(&["sub", "ring", "--wait"]);
    publisher.write(&SMALL.header());
    wait_for_readers(&scene, 1);
    publisher.write(&SMALL.frames(0..3));
    subscriber.read(SMALL.stream(3).len());
    // Counted before it waits for the next.
    scene::wait_until(|| look(&scene).unwrap().held == 0);
    subscriber.signal(Signal::INT);
    let ended = subscriber.end();
    ended.badly_at_last(130, "stopped by SIGINT");
    assert!(account(&ended)[0] >= 2, "{}", ended.stderr);
    publisher.signal(Signal::INT);
    publisher.end().badly_at_last(130, "stopped by SIGINT");
    assert_eq!(scene.names(), [""; 0]);
}

#[test]
fn stat_tells_of_each_subscriber() {
    let scene = Scene::new();
    let path = scene.rings().join("ring");
    let options = Options::new()
        .capacity(4)
        .slot_size(8)
        .subscribers_max(8)
        .views_max(8)
        .reader_patience(Some(Duration::from_millis(100)));
    let mut publisher = Publisher::create(&path, &options).unwrap();
    let ring = publisher.ring().clone();
    let mut holder = Subscriber::attach(&ring, Join::new(Delivery::Lossy).views(3)).unwrap();
    let _slow = Subscriber::attach(&ring, Join::new(Delivery::Lossless).views(1)).unwrap();
    let mut newest = Subscriber::attach(&ring, Delivery::Latest).unwrap();
    let processes: Vec<_> = (4..6)
        .map(|count| {
            let process = scene.start(&["sub", "ring"]);
            wait_for_readers(&scene, count);
            process
        })
        .collect();
    processes[0].signal(Signal::STOP);
    publisher.push(b"0").unwrap();
    let _held = holder.read().unwrap();
    for message in [b"1", b"2", b"3"] {
        publisher.push(message).unwrap();
    }
    newest.read().unwrap().release();
    // The slow one is in its way, for as long as its patience lasts.
    publisher.push(b"4").unwrap();
    // Killed between two messages, it leaves no view behind. Nobody is held up from now on,
    // hence nobody gives up what it does leave.
    let reader = || {
        let stats = ring.broadcast_stats().unwrap();
        let mut subscribers = stats.subscribers.into_iter();
        subscribers.find(|one| one.peer.pid == processes[1].id()).unwrap()
    };
    scene::wait_until(|| reader().lag == 0);
    scene::wait_until(|| reader().held == 0);
    processes[1].kill();
    let mut shown = String::new();
    scene::wait_until(|| {
        shown = scene.run(&["stat", "ring"]).well().text().to_owned();
        shown.contains("stopped")
    });
    let line = |column: usize, cell: &str| {
        let peers = shown.lines().skip_while(|line| !line.starts_with("side"));
        let mut lines = peers.map(|line| line.split_whitespace().collect::<Vec<_>>());
        let line = lines.find(|line| line.get(column) == Some(&cell));
        line.unwrap_or_else(|| panic!("no {cell} in\n{shown}"))
    };
    let test = std::process::id().to_string();
    assert_eq!(line(0, "publisher")[1..6], ["0", &test, "alive", "-", "5"]);
    let subscriber = |row: &str| line(1, row)[3..].to_vec();
    assert_eq!(subscriber("1")[..8], ["alive", "lossy", "1", "4", "0", "0", "1", "of"]);
    assert_eq!(subscriber("1")[8], "3");
    assert_eq!(subscriber("2")[..6], ["alive", "lossless,", "evicted", "0", "5", "0"]);
    assert_eq!(subscriber("3")[..5], ["alive", "latest", "4", "1", "3"]);
    for (row, process, state) in [("4", &processes[0], "stopped"), ("5", &processes[1], "dead")] {
        assert_eq!(line(1, row)[2..5], [&process.id().to_string(), state, "lossy"]);
    }
    for row in [
        "kind        broadcast",
        "pool        13 slots take 1.6 KiB: 4 to be read, 1 to be written, 8 to be held",
        "patience    100.0 ms",
        "published   5",
        "views       8 of 8 taken, 1 in use",
    ] {
        assert!(shown.contains(row), "`{row}` is not in\n{shown}");
    }
    assert!(shown.contains("\nto be read  "), "{shown}");
    let listed = scene.run(&["ls"]).well();
    let row: Vec<_> = listed.text().lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[1..6], ["broadcast", "bytes", "4", "x", "8"], "{row:?}");
    assert_eq!(row[row.len() - 4..], ["alive", &test, "4", "alive"], "{row:?}");
    assert_eq!(scene.run(&["rm", "--stale"]).well().text(), "no stale rings\n");
    let removed = scene.run(&["rm", "ring"]).well();
    assert_eq!(removed.text(), "removed ring; who has it open keeps it\n");
}

#[test]
fn rings_whose_subscribers_are_gone_are_stale() {
    let scene = Scene::new();
    let mut publisher = scene.start_with(&["pub", "ring"], Stdio::piped());
    publisher.write(&SMALL.stream(1));
    let mut subscriber = scene.start(&ALL);
    subscriber.read(SMALL.stream(1).len());
    publisher.kill();
    subscriber.end().badly_at_last(1, "the publisher died");
    let stats = look(&scene).unwrap();
    assert_eq!(stats.publisher.presence, Presence::Dead);
    assert_eq!(scene.run(&["rm", "--stale"]).well().text(), "removed ring\n");
}

#[test]
fn values_of_a_program_are_looked_at_and_not_passed() {
    let scene = Scene::new();
    let path = scene.rings().join("ring");
    let options = Options::new().capacity(64).type_name("Tick");
    let mut publisher = broadcast::Publisher::<[u64; 3]>::create(&path, &options).unwrap();
    publisher.push([7; 3]).unwrap();
    let refused = "ring: a ring of typed slots, which only a program that knows the type reads";
    scene.run(&["sub", "ring"]).badly(1, refused);
    let lines = scene.start_with(&["pub", "ring", "--lines"], scene.file(b"line\n"));
    let other = "ring: the ring holds ticks `Tick` of 24 bytes aligned to 8, not slots of bytes";
    lines.end().badly(1, other);
    let shown = scene.run(&["stat", "ring"]).well().text().to_owned();
    for row in [
        "shape       ticks",
        "pool        none: messages stand in the ring itself",
        "published   1",
    ] {
        assert!(shown.contains(row), "`{row}` is not in\n{shown}");
    }
}

#[test]
fn what_does_not_agree_is_refused() {
    let scene = Scene::new();
    let arguments =
        ["pub", "ring", "--keep", "--lines", "--subscribers-max", "2", "--views-max", "2"];
    scene.start_with(&arguments, scene.file(b"line\n")).end().well();
    let ring = Ring::open(scene.rings().join("ring")).unwrap();
    for (arguments, text) in [
        (&["sub", "ring", "--views", "3"][..], "3 views"),
        (&["sub", "ring", "--lane", "0"], "ring: it has no lanes"),
        (&["pub", "ring", "--lines"], "ring: the ring exists with another number of subscribers"),
        (&["pub", "ring", "--lines", "--kind", "spsc"], "ring: the ring is broadcast, not spsc"),
        (&["pub", "new", "--lines", "--subscribers-max", "4", "--views-max", "0"], ""),
    ] {
        let ended = scene.start_with(arguments, scene.file(b"line\n")).end();
        assert!(!ended.status.success() && ended.stderr.contains(text), "{ended:?}");
    }
    let _both =
        [(); 2].map(|()| Subscriber::attach(&ring, Join::new(Delivery::Lossy).views(1)).unwrap());
    scene.run(&["sub", "ring"]).badly(1, "ring: ");
    let stream = ["pub", "two", "--kind", "spsc", "--keep", "--lines"];
    scene.start_with(&stream, scene.file(b"line\n")).end().well();
    for wants in ["--lossless", "--lossy", "--latest", "--from=oldest", "--views=1"] {
        let ended = scene.run(&["sub", "two", wants]);
        let option = wants.split('=').next().unwrap();
        ended.badly(1, &format!("two: {option} is for broadcast rings, and this one is spsc"));
    }
    assert_eq!(scene.run(&["sub", "two"]).well().text(), "line\n");
}
