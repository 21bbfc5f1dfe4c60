//! A directory of rings of its own, commands in it, and video to send through them.
//!
//! No child outlives its test, nor the time that a test may take: then it is killed,
//! which ends every read and wait on it.

#![allow(dead_code, reason = "every test file uses a part of it")]

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A test that takes longer hangs.
const HANG: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Where a test takes place.
pub(crate) struct Scene {
    rings: TempDir,
    files: TempDir,
}

impl Scene {
    pub(crate) fn new() -> Self {
        // Mode 0700 both: `tempdir` makes them so.
        Self { rings: tempfile::tempdir().unwrap(), files: tempfile::tempdir().unwrap() }
    }

    /// The directory of rings.
    pub(crate) fn rings(&self) -> &Path {
        self.rings.path()
    }

    /// The names in the directory of rings, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.rings.path()).unwrap();
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.unwrap().file_name().into_string().unwrap()
        };
        let mut names: Vec<_> = entries.map(name).collect();
        names.sort();
        names
    }

    /// Waits until a ring of this name is there.
    pub(crate) fn wait_for_ring(&self, name: &str) {
        wait_until(|| self.rings.path().join(name).exists());
    }

    /// A file that holds `bytes`, to be read.
    pub(crate) fn file(&self, bytes: &[u8]) -> Stdio {
        let path = self.path("input");
        std::fs::write(&path, bytes).unwrap();
        File::open(path).unwrap().into()
    }

    /// A path outside the directory of rings.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// The command with these arguments, in pipes unless told otherwise.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringbuf"));
        command
            .args(arguments)
            .env("RINGBUF_DIR", self.rings.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts the command with these arguments.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::start(self.command(arguments))
    }

    /// Starts the command with this input.
    pub(crate) fn start_with(&self, arguments: &[&str], input: Stdio) -> Running {
        let mut command = self.command(arguments);
        command.stdin(input);
        Running::start(command)
    }

    /// Runs the command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).end()
    }
}

/// A command that runs. Killed and reaped when dropped.
pub(crate) struct Running {
    child: Arc<Mutex<Child>>,
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    /// Dropped, it tells the watchdog that all is well.
    _over: Sender<()>,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let child = Arc::new(Mutex::new(child));
        let (over, watched) = channel();
        let watched_child = Arc::clone(&child);
        std::thread::spawn(move || watch(&watched, &watched_child));
        Self { child, stdin, stdout, stderr, _over: over }
    }

    pub(crate) fn id(&self) -> u32 {
        lock(&self.child).id()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        signal_child(&self.child, signal);
    }

    /// Kills it with SIGKILL and waits until it is gone.
    pub(crate) fn kill(&self) {
        let mut child = lock(&self.child);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Kills it, if it still runs, when the result is dropped: for one that is handed to a
    /// thread, which does not end with its test.
    pub(crate) fn leash(&self) -> Leash {
        Leash(Arc::clone(&self.child))
    }

    /// Reads exactly so many bytes of its output.
    pub(crate) fn read(&mut self, bytes: usize) -> Vec<u8> {
        let mut read = vec![0; bytes];
        self.stdout.as_mut().unwrap().read_exact(&mut read).unwrap();
        read
    }

    /// Reads its next note, which must contain `text`.
    pub(crate) fn read_note(&mut self, text: &str) {
        let mut notes = Vec::new();
        let stderr = self.stderr.as_mut().unwrap();
        let mut byte = [0];
        loop {
            assert_ne!(stderr.read(&mut byte).unwrap(), 0, "{}", String::from_utf8_lossy(&notes));
            notes.push(byte[0]);
            if byte[0] == b'\n' {
                let note = String::from_utf8(notes).unwrap();
                assert!(note.contains(text), "`{text}` is not in `{note}`");
                return;
            }
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().unwrap().write_all(bytes).unwrap();
    }

    /// Waits for its end, with all that it still writes.
    pub(crate) fn end(mut self) -> Ended {
        drop(self.stdin.take());
        let notes = self.stderr.take().map(read_aside);
        let mut stdout = Vec::new();
        if let Some(mut out) = self.stdout.take() {
            out.read_to_end(&mut stdout).unwrap();
        }
        let stderr = notes.map_or_else(Vec::new, |notes| notes.join().unwrap());
        let mut status = None;
        wait_until(|| {
            status = lock(&self.child).try_wait().unwrap();
            status.is_some()
        });
        let stderr = String::from_utf8(stderr).unwrap();
        Ended { status: status.unwrap(), stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        end_child(&self.child);
    }
}

/// A command that another thread has; see [`Running::leash`].
pub(crate) struct Leash(Arc<Mutex<Child>>);

impl Leash {
    /// Sends a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        signal_child(&self.0, signal);
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        end_child(&self.0);
    }
}

fn signal_child(child: &Mutex<Child>, signal: rustix::process::Signal) {
    let child = lock(child);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, signal).unwrap();
}

fn end_child(child: &Mutex<Child>) {
    let mut child = lock(child);
    let _ = child.kill();
    let _ = child.wait();
}

impl Ended {
    /// It did what it was asked to.
    #[track_caller]
    pub(crate) fn well(self) -> Self {
        assert!(self.status.success(), "{self:?}");
        self
    }

    /// It failed with this status and one line that contains `text`.
    #[track_caller]
    pub(crate) fn badly(&self, status: i32, text: &str) {
        self.badly_at_last(status, text);
        assert_eq!(self.stderr.lines().count(), 1, "{}", self.stderr);
    }

    /// It failed with this status and a last line that contains `text`; before it
    /// may be notes, as of a publisher that had to wait for its subscriber.
    #[track_caller]
    pub(crate) fn badly_at_last(&self, status: i32, text: &str) {
        assert_eq!(self.status.code(), Some(status), "{}", self.stderr);
        let last = self.stderr.lines().last().unwrap_or_default();
        assert!(last.contains(text), "`{text}` is not in `{last}`");
        assert!(last.starts_with("ringbuf: "), "{last}");
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }
}

/// Waits until it is so.
pub(crate) fn wait_until(mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < HANG, "waited for too long");
        std::thread::sleep(LOOK_AGAIN);
    }
}

fn lock(child: &Mutex<Child>) -> std::sync::MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watch(over: &Receiver<()>, child: &Mutex<Child>) {
    if over.recv_timeout(HANG) == Err(RecvTimeoutError::Timeout) {
        let _ = lock(child).kill();
    }
}

fn read_aside(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// Made-up video: every byte of a frame follows from its number.
#[derive(Clone, Copy)]
pub(crate) struct Video {
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Video {
    pub(crate) fn header(self) -> Vec<u8> {
        format!("YUV4MPEG2 W{} H{} F25:1 Ip A1:1 C420jpeg\n", self.width, self.height).into_bytes()
    }

    /// Every third frame has a parameter of its own.
    fn line(number: u32) -> Vec<u8> {
        let parameter = if number % 3 == 1 { " Ipp" } else { "" };
        format!("FRAME{parameter}\n").into_bytes()
    }

    fn picture(self, number: u32) -> Vec<u8> {
        let chroma = self.width.div_ceil(2) * self.height.div_ceil(2);
        let words = (self.width * self.height + 2 * chroma).div_ceil(4);
        let word = |index: u32| (number ^ index.wrapping_mul(2_654_435_761)).to_le_bytes();
        let mut picture: Vec<_> = (0..).take(words).flat_map(word).collect();
        picture.truncate(self.width * self.height + 2 * chroma);
        picture
    }

    /// A frame as it stands in the stream.
    pub(crate) fn frame(self, number: u32) -> Vec<u8> {
        [Self::line(number), self.picture(number)].concat()
    }

    /// Frames as they stand in the stream.
    pub(crate) fn frames(self, numbers: std::ops::Range<u32>) -> Vec<u8> {
        numbers.flat_map(|number| self.frame(number)).collect()
    }

    /// A whole stream.
    pub(crate) fn stream(self, frames: u32) -> Vec<u8> {
        [self.header(), self.frames(0..frames)].concat()
    }

    /// The numbers of the whole frames of a stream, which must be intact; and the
    /// bytes that remain, the start of a frame.
    pub(crate) fn parse(self, stream: &[u8]) -> (Vec<u32>, usize) {
        let mut rest = stream.strip_prefix(self.header().as_slice()).expect("a header");
        let mut numbers = Vec::new();
        loop {
            let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
                return (numbers, rest.len());
            };
            let picture = &rest[end + 1..];
            let Some(start) = picture.first_chunk::<4>() else { return (numbers, rest.len()) };
            let number = u32::from_le_bytes(*start);
            let frame = self.frame(number);
            if rest.len() < frame.len() {
                assert!(frame.starts_with(rest), "a torn frame {number}");
                return (numbers, rest.len());
            }
            assert!(rest.starts_with(&frame), "a torn frame {number}");
            numbers.push(number);
            rest = &rest[frame.len()..];
        }
    }
}
