//! Stopping in two stages, and one set of tasks of which none may end first.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::model::stop::{Stop, StopListener, StopSwitch, stop_channel};

/// How long what was begun may take after the first signal. The server drains for ten seconds; the rest is for the
/// loops to end after it.
const GRACE: Duration = Duration::from_secs(12);

/// Why the daemon stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It was told to.
    Signal,
    /// A task ended by itself, which none may: the exit code says so.
    TaskEnded(&'static str),
}

/// The daemon's tasks and the switch that stops them.
#[derive(Debug)]
pub struct Lifecycle {
    switch: StopSwitch,
    tasks: JoinSet<&'static str>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self::new()
    }
}

impl Lifecycle {
    /// No task yet.
    pub fn new() -> Self {
        Self {
            switch: stop_channel().0,
            tasks: JoinSet::new(),
        }
    }

    /// A listener for whatever must know of the stop.
    pub fn listen(&self) -> StopListener {
        self.switch.listen()
    }

    /// Adds a task. It must end soon after [`Stop::Soft`], and never before.
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(async move {
            // A panic ends the task as well; the hook has reported it.
            if AssertUnwindSafe(task).catch_unwind().await.is_err() {
                tracing::error!(task = name, "a task panicked");
            }
            name
        });
    }

    /// Runs until a signal or until a task ends, then stops in two stages: no new work; after [`GRACE`] or a second
    /// signal, what is left is dropped. `reload` is called at every SIGHUP, `stopping` once.
    pub async fn run(
        mut self,
        mut signals: Signals,
        mut reload: impl FnMut(),
        stopping: impl FnOnce(Cause),
    ) -> Cause {
        let cause = loop {
            tokio::select! {
                biased;
                signal = signals.next() => match signal {
                    Asked::Stop => break Cause::Signal,
                    Asked::Reload => reload(),
                },
                // Without any task there is only the signal to wait for.
                Some(ended) = self.tasks.join_next() => {
                    break Cause::TaskEnded(ended.unwrap_or("a task"));
                }
            }
        };
        match cause {
            Cause::Signal => tracing::info!("stopping"),
            Cause::TaskEnded(task) => tracing::error!(task, "stopping: a task ended by itself"),
        }
        stopping(cause);
        self.switch.raise(Stop::Soft);
        let drained = async { while self.tasks.join_next().await.is_some() {} };
        let in_time = tokio::select! {
            drained = timeout(GRACE, drained) => drained.is_ok(),
            () = signals.stop() => false,
        };
        if !in_time {
            tracing::warn!(tasks = self.tasks.len(), "dropping what is left");
        }
        self.switch.raise(Stop::Hard);
        self.tasks.shutdown().await;
        cause
    }
}

/// SIGTERM, SIGINT and SIGHUP.
#[derive(Debug)]
pub struct Signals {
    term: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Takes the signals over from the system's defaults.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn take() -> std::io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.term.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.hangup.recv() => Asked::Reload,
        }
    }

    /// Waits until somebody asks for the stop.
    pub async fn stop(&mut self) {
        while self.next().await != Asked::Stop {}
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Stop,
    Reload,
}
