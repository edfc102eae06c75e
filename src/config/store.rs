//! `[store]`: where the roster is kept.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::Environment;
use super::keys::Keys;
use super::secret::{SecretSource, SecretUrl};

/// The folder the service keeps its store in.
pub const DEFAULT_STORE_FOLDER: &str = "/var/lib/rosterd";

/// Where the roster is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// `sqlite:///path/to/file.db` or `postgres://…`.
    pub url: SecretUrl,
    /// Connections that read; on PostgreSQL as many again write.
    pub connections: u32,
}

/// What is known of a file before it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is there, or this process may not look: then opening it says so.
    There,
    /// It is not there and could be made.
    CanBeMade,
    /// It is not there and cannot be made.
    Absent,
}

/// The store every command uses when none is named: the service's, if it is there or can be made, else one in the XDG
/// state folder (`$XDG_STATE_HOME`, else `~/.local/state`).
pub fn default_store_path(
    service: Presence,
    state_home: Option<&Path>,
    home: Option<&Path>,
) -> PathBuf {
    let personal = match (service, state_home, home) {
        (Presence::There | Presence::CanBeMade, _, _) => None,
        // XDG: a relative path is to be ignored.
        (_, Some(state), _) if state.is_absolute() => Some(state.to_owned()),
        (_, _, Some(home)) => Some(home.join(".local/state")),
        _ => None,
    };
    match personal {
        Some(state) => state.join("rosterd/rosterd.db"),
        None => Path::new(DEFAULT_STORE_FOLDER).join("rosterd.db"),
    }
}

pub(super) fn read(keys: &mut Keys<'_>, environment: &Environment) -> Store {
    let open = keys.is_in_the_open("store.url");
    let url: Option<SecretUrl> = keys.optional("store.url");
    if open && url.as_ref().is_some_and(SecretUrl::has_password) {
        let text = "holds a password, in a file that everybody on this host can read: use store.url_file, or chmod 0600 this one";
        keys.warning("store.url", text);
    }
    let url_file = keys.secret("store.url_file");
    let connections = keys.ranged("store.connections", 8, 1..=100);
    let url = match (url, url_file) {
        (Some(url), None) => Some(url),
        (None, Some(file)) => from_file(keys, &file),
        (Some(url), Some(_)) => {
            keys.problem("store.url_file", "store.url is set too; keep one of them");
            Some(url)
        }
        (None, None) => None,
    };
    if let Some(url) = &url
        && let Err(text) = check(url)
    {
        keys.problem("store.url", text);
    }
    Store {
        url: url.unwrap_or_else(|| default_url(environment)),
        connections,
    }
}

fn from_file(keys: &mut Keys<'_>, file: &SecretSource) -> Option<SecretUrl> {
    use secrecy::ExposeSecret as _;
    let text = match file.read() {
        Ok(text) => text,
        Err(error) => {
            // Other reasons have been told with its key. Without the URL there is no store: nothing falls back.
            if file.out_of_reach().is_some() {
                keys.problem("store.url_file", error.to_string());
            }
            return None;
        }
    };
    match SecretUrl::parse(text.expose_secret()) {
        Ok(url) => Some(url),
        Err(text) => {
            keys.problem("store.url_file", format!("what it holds {text}"));
            None
        }
    }
}

fn check(url: &SecretUrl) -> Result<(), &'static str> {
    let text = url.expose();
    match url.scheme() {
        "postgres" | "postgresql" => Ok(()),
        "sqlite" => match text.strip_prefix("sqlite://") {
            Some(path) if path.starts_with('/') && path.len() > 1 && !path.ends_with('/') => Ok(()),
            _ => Err("must name a file by its whole path: sqlite:///path/to/rosterd.db"),
        },
        _ => Err("must begin with sqlite:// or postgres://"),
    }
}

fn default_url(environment: &Environment) -> SecretUrl {
    let path = default_store_path(
        look(Path::new(DEFAULT_STORE_FOLDER)),
        environment.path("XDG_STATE_HOME").as_deref(),
        environment.path("HOME").as_deref(),
    );
    SecretUrl::sqlite(&path)
}

/// Looks at the service's store without leaving anything behind.
fn look(folder: &Path) -> Presence {
    match folder.join("rosterd.db").try_exists() {
        Ok(true) => return Presence::There,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return Presence::There,
        _ => {}
    }
    let nearest = folder.ancestors().find(|place| place.is_dir());
    let writable = nearest.is_some_and(|place| tempfile::tempfile_in(place).is_ok());
    if writable {
        Presence::CanBeMade
    } else {
        Presence::Absent
    }
}
