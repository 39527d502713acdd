//! The one native thread that calls into Python.
//!
//! Threads of the runtime never wait for the GIL: a busy interpreter would hold up leases and
//! heartbeats. They leave word here.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use pyo3::prelude::*;

use crate::bridge::Mailbox;

/// A word for Python.
pub(crate) enum Word {
    /// Answers lie in this mailbox.
    Wake(Arc<Mailbox>),
    /// Log lines wait.
    Logs,
    /// End, and say so.
    Stop(Sender<()>),
}

/// Takes words to Python.
pub(crate) struct Messenger(Sender<Word>);

impl Messenger {
    /// Starts the thread.
    pub(crate) fn start() -> Self {
        let (sender, receiver) = channel();
        std::thread::Builder::new()
            .name("windlass-messenger".to_owned())
            .spawn(move || run(&receiver))
            .expect("the system starts a thread");
        Self(sender)
    }

    /// Leaves word. After the end nobody listens, and nobody needs to.
    pub(crate) fn send(&self, word: Word) {
        let _ = self.0.send(word);
    }

    /// Ends the thread and waits for it. Called detached.
    pub(crate) fn stop(&self) {
        let (sender, receiver) = channel();
        self.send(Word::Stop(sender));
        // An error means that the thread is gone, too.
        let _ = receiver.recv();
    }
}

fn run(receiver: &Receiver<Word>) {
    while let Ok(first) = receiver.recv() {
        let mut stop = None;
        let attached = Python::try_attach(|py| {
            for word in std::iter::once(first).chain(receiver.try_iter()) {
                match word {
                    Word::Wake(mailbox) => mailbox.wake(py),
                    Word::Logs => crate::logging::flush_logs(py),
                    Word::Stop(sender) => {
                        stop = Some(sender);
                        break;
                    }
                }
            }
        });
        if let Some(sender) = stop {
            let _ = sender.send(());
            return;
        }
        if attached.is_none() {
            return;
        }
    }
}
