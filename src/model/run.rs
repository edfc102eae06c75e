//! A run of the poller and what became of the changes it found.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
        }

        impl $name {
            /// The word, as stored and shown.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// The value of that word.
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

words! {
    /// What a run reads.
    RunKind {
        /// Complete listings: also sees what is gone.
        Full = "full",
        /// What changed since the watermark.
        Delta = "delta",
        /// The objects that events named.
        Hook = "hook",
        /// Not a read: the open list of what pushes had withheld (R9).
        Scim = "scim",
    }
}

words! {
    /// Where a run stands.
    RunState {
        /// In flight.
        Running = "running",
        /// Done; nothing of it is held.
        Applied = "applied",
        /// What it would take away waits for somebody's word (R9).
        Held = "held",
        /// Held, then approved.
        Approved = "approved",
        /// Held, then rejected.
        Rejected = "rejected",
        /// Held, then replaced by a newer run's plan.
        Superseded = "superseded",
        /// Ended by an error; what it had applied stays.
        Failed = "failed",
        /// The daemon ended before it did.
        Interrupted = "interrupted",
        /// A dry run.
        Planned = "planned",
    }
}

impl RunState {
    /// Whether a run that is over was carried through, whatever the guard held of it.
    pub fn is_good(self) -> bool {
        !matches!(self, Self::Running | Self::Failed | Self::Interrupted)
    }
}

words! {
    /// What became of a change.
    Outcome {
        /// Found by a dry run.
        Planned = "planned",
        /// Applied.
        Applied = "applied",
        /// Waits for somebody's word (R9).
        Held = "held",
        /// Rejected a while ago, so not asked again yet (R9).
        Muted = "muted",
        /// A later push, or the store as it is now, speaks against it (R7, R18).
        Skipped = "skipped",
        /// Held, approved, applied.
        Approved = "approved",
        /// Held, rejected.
        Rejected = "rejected",
        /// Held, approved, but something newer spoke against it (R7).
        LeftOut = "left_out",
        /// Held by an older run; a newer one has it, or no longer finds it.
        Superseded = "superseded",
    }
}
