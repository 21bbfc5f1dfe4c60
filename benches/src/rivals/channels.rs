//! Bounded channels between any number of threads, whose calls wait: crossbeam's, and
//! `kanal`.

use super::{Kind, Rival, Sides};
use crate::message;
use crate::queue::{Receiver, Sender};
use crate::sides::{Queue, threads};
use crate::workload::{Waiting, Workload};
use std::io;

const HOW: &str = "bounded, calls that wait; it spins by itself before it sleeps";

/// By value, one at a time; how they wait is their own affair.
fn can(workload: Workload) -> bool {
    match workload {
        Workload::Stream { batch, .. } => batch == 1,
        Workload::RoundTrip { waiting, .. } => waiting == Waiting::SpinThenSleep,
        Workload::Mpmc(_) => !workload.varied(),
        Workload::Frames { .. } | Workload::Broadcast(_) => false,
    }
}

/// The rival of a crate: their channels have the same names.
macro_rules! channel {
    ($crate_name:ident, $name:literal) => {
        pub(super) mod $crate_name {
            use super::*;

            pub(in crate::rivals) fn rival() -> Rival {
                Rival {
                    name: $name,
                    kind: Kind::Rival,
                    sides: Sides::Threads,
                    how: HOW,
                    can,
                    run: |job| match job.workload {
                        Workload::Mpmc(crowd) => {
                            threads::crowd(job, &End::<1>::new(crowd.capacity))
                        }
                        _ => threads::messages::<Values>(job),
                    },
                }
            }

            struct Values;

            impl<const W: usize> Queue<W> for Values {
                type Sender = End<W>;
                type Receiver = End<W>;

                fn open(workload: Workload) -> (Self::Sender, Self::Receiver) {
                    let end = End::new(workload.capacity());
                    (end.clone(), end)
                }
            }

            #[derive(Clone)]
            struct End<const W: usize> {
                sender: ::$crate_name::Sender<[u64; W]>,
                receiver: ::$crate_name::Receiver<[u64; W]>,
            }

            impl<const W: usize> End<W> {
                fn new(capacity: usize) -> Self {
                    let (sender, receiver) = ::$crate_name::bounded(capacity);
                    Self { sender, receiver }
                }
            }

            impl<const W: usize> Sender<W> for End<W> {
                #[inline]
                fn send(&mut self, first: u64, _count: usize) -> io::Result<()> {
                    let sent = self.sender.send(message::of(first));
                    sent.map_err(|_| io::Error::other("nobody receives any more"))
                }
            }

            impl<const W: usize> Receiver<W> for End<W> {
                #[inline]
                fn receive(
                    &mut self,
                    _most: usize,
                    mut see: impl FnMut(&[u64; W]),
                ) -> io::Result<()> {
                    see(&self.receiver.recv().map_err(io::Error::other)?);
                    Ok(())
                }
            }
        }
    };
}

channel!(crossbeam_channel, "crossbeam-channel");
channel!(kanal, "kanal");
