//! Who does something, and through which door.

/// The way a change came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// A push.
    Scim,
    /// A schedule or a kick.
    Poll,
    /// An event hook.
    Hook,
    /// Claims of an ID token.
    Login,
    /// The management or status API.
    Api,
    /// The command line on the host.
    Cli,
}

impl Channel {
    /// The channel's name, as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scim => "scim",
            Self::Poll => "poll",
            Self::Hook => "hook",
            Self::Login => "login",
            Self::Api => "api",
            Self::Cli => "cli",
        }
    }

    /// The channel of that name.
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Scim,
            Self::Poll,
            Self::Hook,
            Self::Login,
            Self::Api,
            Self::Cli,
        ]
        .into_iter()
        .find(|channel| channel.as_str() == text)
    }
}

/// Who asks for a use case: what the audit log names.
#[derive(Debug, Clone)]
pub struct Cx {
    /// The door.
    pub channel: Channel,
    /// A token's name and id, `root` on the host, `okta` for runs; never a secret.
    pub actor: String,
    /// The request, where there is one.
    pub request_id: Option<String>,
}
