//! iceoryx2: publish and subscribe, lossless.
//!
//! Each measurement has a folder and a prefix for names of its own, so that all files of
//! it are found when it is over, however it ended.
//!
//! A message to a subscriber that has not connected its end is lost once the buffer is
//! full, and who was counted is not yet connected. So each side leaves a file in the folder
//! when it is there, subscribers come after the publisher, and it sends when all have come.
//!
//! Unsafe code here takes the shared memory of a message for numbers.

use super::{Kind, Rival, Sides, poll};
use crate::message;
use crate::queue::{Receiver, Sender};
use crate::sides::keeper::{self, Keeper, Lasting};
use crate::sides::{Hub, Job, broadcast};
use crate::workload::Workload;
use ::iceoryx2::config::Config;
use ::iceoryx2::node::NodeBuilder;
use ::iceoryx2::port::{publisher, subscriber};
use ::iceoryx2::prelude::{
    BackpressureStrategy, FileName, LogLevel, Path as Folder, SemanticString, SignalHandlingMode,
    ipc, set_log_level,
};
use ::iceoryx2::service::port_factory::publish_subscribe::PortFactory;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::{env, fs, io, process};

/// Where the system keeps shared memory by name.
const SHARED_MEMORY: &str = "/dev/shm";
/// What the one service of a measurement is called.
const SERVICE: &str = "messages";
/// The file of the publisher.
const PUBLISHER: &str = "publisher";
/// How the files of subscribers begin.
const SUBSCRIBER: &str = "subscriber-";

pub(crate) fn rival() -> Rival {
    Rival {
        name: "iceoryx2",
        kind: Kind::Rival,
        sides: Sides::Processes,
        how: "publish-subscribe of `ipc::Service`, lossless: no overflow, `RetryUntilDelivered`, \
              no history; loaned uninitialized, written and read in place; tried again after a \
              pause when empty, waiting as it does by itself when full",
        can: |workload| matches!(workload, Workload::Broadcast(_)),
        run: |job| keeper::beside::<Iceoryx2>(job, broadcast::run::<Iceoryx2>),
    }
}

struct Iceoryx2;

/// The folder of a measurement, from its name.
fn folder(name: &str) -> PathBuf {
    env::temp_dir().join(name)
}

/// Removes the files in `folder` whose names begin with the prefix.
fn remove_all(folder: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

impl Lasting for Iceoryx2 {
    fn make(_workload: Workload) -> io::Result<String> {
        // The dot ends the number, which else might begin that of another.
        let name = format!("ringbuf-benches-{}.", process::id());
        fs::create_dir(folder(&name))?;
        Ok(name)
    }

    fn remove(name: &str) -> io::Result<()> {
        remove_all(Path::new(SHARED_MEMORY), name).and(fs::remove_dir_all(folder(name)))
    }
}

type Factory<const W: usize> = PortFactory<ipc::Service, [u64; W], ()>;

fn service<const W: usize>(name: &str, workload: Workload) -> io::Result<Factory<W>> {
    let Workload::Broadcast(broadcast) = workload else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    set_log_level(LogLevel::Error);
    let mut config = Config::default();
    let root = folder(name).into_os_string().into_encoded_bytes();
    config.global.set_root_path(&Folder::new(&root).map_err(io::Error::other)?);
    config.global.prefix = FileName::new(name.as_bytes()).map_err(io::Error::other)?;
    let node = NodeBuilder::new()
        .config(&config)
        .signal_handling_mode(SignalHandlingMode::Disabled)
        .create::<ipc::Service>()
        .map_err(io::Error::other)?;
    let subscribers = broadcast.subscribers() as usize;
    node.service_builder(&SERVICE.try_into().map_err(io::Error::other)?)
        .publish_subscribe::<[u64; W]>()
        .enable_safe_overflow(false)
        .history_size(0)
        .subscriber_max_buffer_size(broadcast.capacity())
        .subscriber_max_borrowed_samples(1)
        .max_publishers(1)
        .max_subscribers(subscribers)
        .max_nodes(subscribers + 1)
        .open_or_create()
        .map_err(io::Error::other)
}

impl<const W: usize> Hub<W> for Iceoryx2 {
    type Sender = Publisher<W>;
    type Receiver = Subscriber<W>;
    type Kept = Keeper;

    fn open(job: &Job) -> io::Result<(OwnedFd, Keeper)> {
        Keeper::start(job)
    }

    fn sender(hub: OwnedFd, workload: Workload) -> io::Result<Publisher<W>> {
        let name = keeper::name(hub)?;
        let publisher = service(&name, workload)?
            .publisher_builder()
            .max_loaned_samples(1)
            .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
            .create()
            .map_err(io::Error::other)?;
        let folder = folder(&name);
        File::create(folder.join(PUBLISHER))?;
        let subscribers = workload.peers() as usize - 1;
        Ok(Publisher { publisher, folder, subscribers, touched: workload.touched(), met: false })
    }

    fn receiver(hub: OwnedFd, workload: Workload) -> io::Result<Subscriber<W>> {
        let name = keeper::name(hub)?;
        let folder = folder(&name);
        poll(true, || Ok(folder.join(PUBLISHER).exists().then_some(())))?;
        let subscriber =
            service(&name, workload)?.subscriber_builder().create().map_err(io::Error::other)?;
        File::create(folder.join(format!("{SUBSCRIBER}{}", process::id())))?;
        Ok(Subscriber { subscriber, many: workload.crowd().is_some() })
    }
}

struct Publisher<const W: usize> {
    publisher: publisher::Publisher<ipc::Service, [u64; W], ()>,
    folder: PathBuf,
    subscribers: usize,
    touched: bool,
    /// Whether all subscribers have come.
    met: bool,
}

impl<const W: usize> Publisher<W> {
    /// Waits until all subscribers have come.
    fn meet(&mut self) -> io::Result<()> {
        poll(true, || {
            let mut come = 0;
            for entry in fs::read_dir(&self.folder)? {
                come += usize::from(entry?.file_name().to_string_lossy().starts_with(SUBSCRIBER));
            }
            Ok((come == self.subscribers).then_some(()))
        })?;
        self.met = true;
        Ok(())
    }
}

impl<const W: usize> Sender<W> for Publisher<W> {
    #[inline]
    fn send(&mut self, number: u64, _count: usize) -> io::Result<()> {
        if !self.met {
            self.meet()?;
        }
        let mut sample = self.publisher.loan_uninit().map_err(io::Error::other)?;
        // SAFETY: the memory is mapped from a file, hence holds some bytes, and any bytes
        // are numbers.
        let words = unsafe { sample.payload_mut().assume_init_mut() };
        message::write(words, number, self.touched);
        // SAFETY: as above, also where nothing was written.
        let sample = unsafe { sample.assume_init() };
        let got = sample.send().map_err(io::Error::other)?;
        if got != self.subscribers {
            let message = format!("message {number} went to {got} subscribers only");
            return Err(io::Error::other(message));
        }
        Ok(())
    }
}

struct Subscriber<const W: usize> {
    subscriber: subscriber::Subscriber<ipc::Service, [u64; W], ()>,
    many: bool,
}

impl<const W: usize> Receiver<W> for Subscriber<W> {
    #[inline]
    fn receive(&mut self, _most: usize, mut see: impl FnMut(&[u64; W])) -> io::Result<()> {
        let sample = poll(self.many, || self.subscriber.receive().map_err(io::Error::other))?;
        see(sample.payload());
        Ok(())
    }
}
