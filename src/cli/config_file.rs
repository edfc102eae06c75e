//! Which configuration file a command reads.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::args::Command;
use super::{Exit, Failure};

/// The file the systemd unit gives the daemon.
pub(super) const SERVICE_CONFIG: &str = "/etc/rosterd/rosterd.toml";

/// The file that was named; else the daemon's at `service` where there is one, because a command on the daemon's store
/// decides by the daemon's settings: whether Okta is polled, for which app, how long a rejection mutes. `serve` reads
/// only what it is given, and `demo` has settings of its own.
///
/// # Errors
/// When the daemon's file is there and cannot be read: its settings are never silently replaced by defaults.
pub(super) fn choose(
    named: Option<PathBuf>,
    command: &Command,
    service: &Path,
) -> Result<Option<PathBuf>, Failure> {
    if named.is_some() || matches!(command, Command::Serve | Command::Demo(_)) {
        return Ok(named);
    }
    match File::open(service) {
        Ok(_) => Ok(Some(service.to_owned())),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(Failure::new(
            Exit::Config,
            format!(
                "{}, the daemon's configuration, cannot be read: {error}\n\
                 Run the command as somebody who may (sudo), or name another file with --config.",
                service.display()
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::path::Path;
    use std::time::Duration;

    use clap::Parser as _;

    use super::choose;
    use crate::cli::args::{Cli, Command};
    use crate::cli::{Context, Exit, Output};
    use crate::config::Environment;

    fn command(words: &str) -> Command {
        let words = ["rosterd"].into_iter().chain(words.split(' '));
        Cli::try_parse_from(words).unwrap().command
    }

    #[test]
    fn a_command_without_a_file_works_with_the_daemon_s_settings() {
        let folder = tempfile::tempdir().unwrap();
        let service = folder.path().join("rosterd.toml");
        std::fs::write(&service, "[guard]\nmute = \"48h\"\n").unwrap();
        let mute = |words: &str| {
            let context = Context {
                config: choose(None, &command(words), &service).unwrap(),
                environment: Environment::empty(),
                output: Output::new(false, true),
            };
            context.load_config().unwrap().config.guard.mute
        };
        for words in ["status", "check", "groups list", "runs reject 1"] {
            assert_eq!(mute(words), Duration::from_hours(48), "{words}");
        }
        for words in ["serve", "demo"] {
            assert_eq!(mute(words), Duration::from_hours(24), "{words}");
        }
    }

    #[test]
    fn a_file_that_was_named_wins_and_an_absent_one_is_not_missed() {
        let folder = tempfile::tempdir().unwrap();
        let service = folder.path().join("rosterd.toml");
        let status = command("status");
        assert_eq!(choose(None, &status, &service).unwrap(), None);
        assert_eq!(choose(None, &status, &service.join("x")).unwrap(), None);
        std::fs::write(&service, "").unwrap();
        let named = Some("other.toml".into());
        assert_eq!(choose(named.clone(), &status, &service).unwrap(), named);
        assert_eq!(choose(None, &status, &service.join("x")).unwrap(), None);
    }

    #[test]
    fn a_daemon_s_file_that_cannot_be_read_is_told_and_not_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let service = folder.path().join("rosterd.toml");
        // Root reads past every mode, but no link that leads to itself.
        std::os::unix::fs::symlink(&service, &service).unwrap();
        let failure = choose(None, &command("status"), &service).unwrap_err();
        assert_eq!(failure.exit, Exit::Config);
        assert!(failure.text.contains("--config"), "{failure:?}");
        let shown = service.display().to_string();
        assert!(failure.text.contains(&shown), "{failure:?}");
        let named = Some(Path::new("other.toml").to_owned());
        assert_eq!(
            choose(named.clone(), &command("status"), &service),
            Ok(named)
        );
        assert_eq!(choose(None, &command("serve"), &service), Ok(None));
    }
}
