//! Goal: a name means a complete ring or nothing, whoever is killed, whatever is
//! full, missing, forbidden or interrupted, and however many want it at once
//! (promises P5, P8).
//! Method: helper processes create in small, odd and closed file systems, with few
//! descriptors and many signals, race each other, and are killed at random moments;
//! what they leave is looked at from here.

mod helper;

use helper::{Helper, argument, hear, is_root, say};
use ringbuf_shm::{OpenError, Options, OtherBoot, Ring, spsc};
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt, chown};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

/// Enough for the fixed parts of a ring, not for a large one.
const SMALL: u64 = 1 << 20;
const HEADER_LEN: usize = 4096;
const BOOT_ID: usize = 192;
const STRANGER: u32 = 54_321;

#[test]
#[ignore = "run by other tests"]
fn entry_creates() {
    let Some(path) = argument("RING") else { return };
    let capacity = argument("CAPACITY").unwrap().parse().unwrap();
    let options = Options::new().capacity(capacity);
    match spsc::records::Producer::create(&path, &options) {
        Ok(mut producer) => {
            let filler = Path::new(&path).with_file_name("filler");
            fill(&filler);
            let mut consumer = spsc::records::Consumer::attach(producer.ring()).unwrap();
            let message = vec![7; producer.len_max()];
            // Every page is there: a signal would end us here.
            for _ in 0..4 {
                producer.push(&message).unwrap();
                drop(consumer.read().unwrap());
            }
            fs::remove_file(filler).unwrap();
            say("made");
        }
        Err(error) => say(error),
    }
    let directory = Path::new(&path).parent().unwrap();
    say(fs::read_dir(directory).map_or(0, Iterator::count));
}

/// Takes what room is left in the file system, of which there is little.
fn fill(path: &Path) {
    let mut file = File::create(path).unwrap();
    // Bounded, in case the file system is not the small one after all.
    for _ in 0..512 {
        if file.write_all(&[1; 4096]).is_err() {
            return;
        }
    }
}

/// What a creation says after `prepare`, in mounts of its own, and how many names
/// there are afterwards.
fn created_after(prepare: &str, capacity: u64) -> Option<(String, String)> {
    if !is_root() || !helper::can_unshare(&["--mount"]) {
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let script = format!("{prepare}; exec \"$@\"");
    let by = ["unshare", "--mount", "sh", "-ec", &script, "sh"];
    let mut command = Helper::command(&by, "entry_creates");
    command.env("RING", &path).env("DIRECTORY", directory.path());
    let mut helper = Helper::spawn(command.env("CAPACITY", capacity.to_string()));
    let said = (helper.hears().unwrap(), helper.hears().unwrap());
    helper.succeed();
    Some(said)
}

#[test]
fn a_file_system_without_room_is_told_at_once_and_left_clean() {
    let full = "mount -t tmpfs -o size=1m none \"$DIRECTORY\"";
    let Some((said, names)) = created_after(full, SMALL) else { return };
    let len = SMALL + 327_680;
    assert!(said.starts_with(&format!("no room for {len} bytes")), "{said}");
    assert_eq!(names, "0");
    // What was made is there to its last byte, also when others take the rest.
    let (said, names) = created_after(full, SMALL / 2).unwrap();
    assert_eq!((said.as_str(), names.as_str()), ("made", "1"));
}

#[test]
fn a_file_system_that_cannot_reserve_is_named() {
    let ramfs = "mount -t ramfs none \"$DIRECTORY\"";
    let Some((said, names)) = created_after(ramfs, 4096) else { return };
    assert!(said.starts_with("the file system `ramfs` cannot reserve memory"), "{said}");
    assert_eq!(names, "0");
}

#[test]
fn a_place_where_nothing_can_be_made_is_told() {
    let closed = "mount -t tmpfs -o ro none \"$DIRECTORY\"";
    let Some((said, _)) = created_after(closed, 4096) else { return };
    assert_eq!(said, "cannot create a file for the ring: Read-only file system (os error 30)");
    let missing = "rmdir \"$DIRECTORY\"";
    let (said, _) = created_after(missing, 4096).unwrap();
    let why = "No such file or directory (os error 2)";
    assert_eq!(said, format!("cannot open the directory of the ring: {why}"));
    let no_proc = "mount -t tmpfs none /proc";
    let (said, names) = created_after(no_proc, 4096).unwrap();
    assert_eq!(said, format!("cannot name the ring through /proc/self/fd: {why}"));
    assert_eq!(names, "0");
}

#[test]
#[ignore = "run by other tests"]
fn entry_umask() {
    let Some(mask) = argument("UMASK") else { return };
    let mask = u32::from_str_radix(&mask, 8).unwrap();
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(mask));
    let mut options = Options::new();
    spsc::Producer::<u64>::create("plain", &options).unwrap();
    options = options.mode(0o660);
    if rustix::process::geteuid().is_root() {
        options = options.group(STRANGER);
    }
    spsc::Producer::<u64>::create("group", &options).unwrap();
    for name in ["plain", "group", "."] {
        let metadata = fs::metadata(ringbuf_shm::directory().join(name)).unwrap();
        say(format!("{:o}", metadata.mode() & 0o7777));
        if name == "group" && rustix::process::geteuid().is_root() {
            assert_eq!(metadata.gid(), STRANGER);
        }
    }
}

#[test]
fn modes_are_what_was_asked_for_under_every_umask() {
    for mask in ["000", "077", "777"] {
        let directory = tempfile::tempdir().unwrap();
        let rings = directory.path().join("rings");
        let arguments = [("UMASK", Path::new(mask)), ("RINGBUF_DIR", &rings)];
        let mut helper = Helper::start("entry_umask", &arguments);
        helper.expect("600");
        helper.expect("660");
        helper.expect("700");
        helper.succeed();
    }
}

/// Makes a ring look as if it were from before a restart of the machine.
fn age(path: &Path) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut immutable = vec![0; 2 * HEADER_LEN];
    file.read_exact_at(&mut immutable, 0).unwrap();
    immutable[BOOT_ID] ^= 1;
    let mut crc = crc32fast::Hasher::new();
    crc.update(&immutable[..HEADER_LEN - 4]);
    crc.update(&immutable[HEADER_LEN..]);
    immutable[HEADER_LEN - 4..HEADER_LEN].copy_from_slice(&crc.finalize().to_ne_bytes());
    // One page, so that nobody sees half of it, also if we are killed.
    file.write_all_at(&immutable[..HEADER_LEN], 0).unwrap();
}

#[test]
fn a_ring_of_another_boot_is_refused_or_replaced_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let options = Options::new().capacity(4);
    spsc::Producer::<u64>::create(&path, &options).unwrap();
    age(&path);
    assert!(matches!(Ring::open(&path), Err(OpenError::OtherBoot)));
    let found = spsc::Producer::<u64>::create_or_open(&path, &options);
    assert!(matches!(found, Err(OpenError::OtherBoot)));
    Ring::unlink(&path).unwrap();

    for _ in 0..20 {
        let options =
            Options::new().capacity(4).other_boot(OtherBoot::Reset).metadata(b"caps").mode(0o640);
        let mut producer = spsc::Producer::create(&path, &options).unwrap();
        producer.push(1_u64).unwrap();
        let old = producer.ring().id();
        drop(producer);
        age(&path);
        let file = File::options().read(true).write(true).open(&path).unwrap();
        assert!(matches!(Ring::from_fd(&file), Err(OpenError::OtherBoot)));
        // Who only looks changes nothing.
        assert!(matches!(Ring::open(&path), Err(OpenError::OtherBoot)));
        let rings: Vec<_> = std::thread::scope(|threads| {
            let open = || threads.spawn(|| Ring::open_with(&path, &Options::new()).unwrap());
            let threads: Vec<_> = (0..8).map(|_| open()).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let ids: HashSet<_> = rings.iter().map(Ring::id).collect();
        assert_eq!(ids.len(), 1);
        assert!(!ids.contains(&old));
        let stats = rings[0].stats().unwrap();
        assert_eq!((stats.committed, stats.capacity, rings[0].metadata()), (0, 4, &b"caps"[..]));
        // The mode of the old one, not of the options of whoever came first.
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        Ring::unlink(&path).unwrap();
    }
}

#[test]
fn only_its_owner_replaces_a_ring_of_another_boot() {
    if !is_root() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let options = Options::new().other_boot(OtherBoot::Reset);
    spsc::Producer::<u64>::create(&path, &options).unwrap();
    age(&path);
    chown(&path, Some(STRANGER), None).unwrap();
    let trusting = Options::new().trust_owner(STRANGER);
    assert!(matches!(Ring::open_with(&path, &trusting), Err(OpenError::OtherBoot)));
    assert_eq!(fs::metadata(&path).unwrap().uid(), STRANGER);
}

#[test]
#[ignore = "run by other tests"]
fn entry_races() {
    let Some(path) = argument("RING") else { return };
    let options = Options::new().capacity(4);
    say("ready");
    let mut handles = (None, None);
    while let Some(round) = hear() {
        let path = format!("{path}{round}");
        let hex = |ring: &Ring| format!("{:032x}", u128::from_be_bytes(ring.id()));
        drop(std::mem::take(&mut handles));
        match spsc::Producer::<u64>::create_or_open(&path, &options) {
            Ok(producer) => {
                say(format!("producer {}", hex(producer.ring())));
                handles.0 = Some(producer);
                continue;
            }
            Err(OpenError::InUse) => {}
            Err(error) => panic!("{error}"),
        }
        match spsc::Consumer::<u64>::create_or_open(&path, &options) {
            Ok(consumer) => {
                say(format!("consumer {}", hex(consumer.ring())));
                handles.1 = Some(consumer);
            }
            Err(OpenError::InUse) => say("in use"),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn of_many_who_create_one_name_all_get_one_ring() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let mut helpers: Vec<_> =
        (0..6).map(|_| Helper::start("entry_races", &[("RING", &path)])).collect();
    helpers.iter_mut().for_each(|helper| helper.expect("ready"));
    for round in 0..50 {
        helpers.iter_mut().for_each(|helper| helper.tell(&round.to_string()));
        let mut said: Vec<_> =
            helpers.iter_mut().map(|helper| helper.hears().expect("a helper failed")).collect();
        said.sort();
        let id = said[0].strip_prefix("consumer ").expect("nobody consumes").to_owned();
        assert_eq!(said[1..5], ["in use"; 4]);
        assert_eq!(said[5], format!("producer {id}"));
    }
    let names = fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(names, 50, "one name a round and no leftovers");
    helpers.iter_mut().for_each(Helper::succeed);
}

#[test]
fn names_come_and_go_under_those_who_open() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("ring");
    let options = &Options::new().capacity(4);
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                for _ in 0..200 {
                    match spsc::Producer::<u64>::create_or_open(path, options) {
                        Ok(mut producer) => producer.try_push(1).unwrap(),
                        Err(OpenError::InUse | OpenError::Closed | OpenError::Exists) => {}
                        Err(error) => panic!("{error}"),
                    }
                    match Ring::unlink(path) {
                        Ok(()) | Err(OpenError::NotFound) => {}
                        Err(error) => panic!("{error}"),
                    }
                    match spsc::Consumer::<u64>::open(path) {
                        Ok(_) | Err(OpenError::InUse | OpenError::Closed | OpenError::NotFound) => {
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
    });
}

#[test]
#[ignore = "run by other tests"]
fn entry_creates_without_end() {
    let Some(directory) = argument("RING") else { return };
    let directory = Path::new(&directory);
    let options = Options::new().capacity(4).other_boot(OtherBoot::Reset);
    say("creating");
    for round in 0_u64.. {
        let path = directory.join(format!("ring-{}", round % 4));
        let _ = Ring::unlink(&path);
        spsc::Producer::<u64>::create(&path, &options).unwrap();
        // The other way to a name: under a hidden one, in place of an old ring.
        age(&path);
        Ring::open_with(&path, &Options::new()).unwrap();
    }
}

#[test]
fn a_killed_creator_leaves_whole_rings_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let mut hidden = 0;
    for round in 0..60 {
        let mut helper = Helper::start("entry_creates_without_end", &[("RING", directory.path())]);
        helper.expect("creating");
        // Any moment will do.
        std::thread::sleep(Duration::from_micros(round * 137 % 4000));
        helper.kill();
        let names = || fs::read_dir(directory.path()).unwrap().map(|name| name.unwrap());
        for name in names() {
            match name.file_name().to_str().unwrap() {
                name if name.starts_with(".ringbuf-new-") => hidden += 1,
                _ => drop(Ring::open_with(name.path(), &Options::new()).unwrap()),
            }
        }
        let path = directory.path().join("next");
        spsc::Producer::<u64>::create(&path, &Options::new()).unwrap();
        Ring::unlink(&path).unwrap();
        for name in names() {
            assert!(name.file_name().to_str().unwrap().starts_with("ring-"), "{name:?}");
        }
    }
    println!("{hidden} of 60 left a hidden file, all removed");
}

/// How many descriptors and mappings this process has.
fn resources() -> (usize, usize) {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    (fs::read_dir("/proc/self/fd").unwrap().count(), maps.lines().count())
}

fn cycle(path: &Path) -> Result<(), OpenError> {
    let options = Options::new().capacity(4);
    let producer = spsc::Producer::<u64>::create_or_open(path, &options)?;
    let consumer = spsc::Consumer::<u64>::open(path)?;
    let ring = Ring::from_fd(producer.ring())?;
    drop((producer, consumer, ring));
    Ring::unlink(path)
}

#[test]
#[ignore = "run by other tests"]
fn entry_counts() {
    let Some(path) = argument("RING") else { return };
    let path = Path::new(&path);
    (0..20).for_each(|_| cycle(path).unwrap());
    let before = resources();
    (0..200).for_each(|_| cycle(path).unwrap());
    assert_eq!(resources(), before);

    // With few descriptors left, each step fails in turn, and cleans up.
    let used = u64::try_from(before.0).unwrap();
    let all = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let mut failed = 0;
    for spare in 0..20 {
        let few = rustix::process::Rlimit { current: Some(used + spare), ..all };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, few).unwrap();
        let done = cycle(path);
        rustix::process::setrlimit(rustix::process::Resource::Nofile, all).unwrap();
        match done {
            Ok(()) => break,
            Err(OpenError::Io { source, .. }) => {
                assert_eq!(source.raw_os_error(), Some(libc::EMFILE), "{source}");
                failed += 1;
            }
            Err(error) => panic!("{error}"),
        }
        let _ = Ring::unlink(path);
    }
    assert!(failed > 5, "{failed}");
    cycle(path).unwrap();
    assert_eq!(resources().0, before.0);
}

#[test]
fn neither_use_nor_failure_leaks_descriptors_or_mappings() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    Helper::start("entry_counts", &[("RING", &path)]).succeed();
}

static SIGNALS: AtomicU64 = AtomicU64::new(0);

extern "C" fn count_signal(_: i32) {
    SIGNALS.fetch_add(1, SeqCst);
}

#[test]
#[ignore = "run by other tests"]
fn entry_interrupted() {
    let Some(path) = argument("RING") else { return };
    // SAFETY: zeros are a disposition: no flags, so that calls are not restarted.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = count_signal as extern "C" fn(i32) as usize;
    // SAFETY: the handler adds to an atomic.
    let set = unsafe { libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()) };
    assert_eq!(set, 0);
    // SAFETY: asks for this thread.
    let here = unsafe { libc::pthread_self() };
    let over = &AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(move || {
            while !over.load(SeqCst) {
                // SAFETY: the thread waits for this one in the end, so it is there.
                unsafe { libc::pthread_kill(here, libc::SIGUSR1) };
                std::thread::sleep(Duration::from_micros(300));
            }
        });
        let options = Options::new().capacity(256 << 20);
        let ring = spsc::records::Producer::create(&path, &options);
        over.store(true, SeqCst);
        say(ring.map_or_else(|error| error.to_string(), |_| "made".into()));
    });
    println!("{} signals", SIGNALS.load(SeqCst));
}

#[test]
fn signals_do_not_keep_a_large_ring_from_being_made() {
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = directory.path().join("ring");
    let mut helper = Helper::start("entry_interrupted", &[("RING", &path)]);
    helper.expect("made");
    helper.succeed();
}
