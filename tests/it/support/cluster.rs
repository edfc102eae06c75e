//! A PostgreSQL cluster of one test's own, which the test stops, kills, freezes and starts again.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::postgres::{absent, create, free_port, initialize, watched};

/// How long the server may take to start or stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// The cluster; removed when dropped, or when this process ends, however that happens.
pub(crate) struct Cluster {
    port: u16,
    folder: PathBuf,
    /// Takes one command a line; the end of its input is the last one.
    watch: Child,
}

impl Cluster {
    /// A running cluster with the database `rosterd`; `None` where there is no PostgreSQL.
    pub(crate) async fn new() -> Option<Self> {
        let cluster = Self::make().map_err(|why| absent(&why)).ok()?;
        create(&cluster.server("postgres"), "rosterd").await;
        Some(cluster)
    }

    fn make() -> Result<Self, String> {
        let (folder, user) = initialize()?;
        let port = free_port();
        let script = r#"
            server=
            start() {
                [ -n "$server" ] && return
                "$1" -D "$2/data" -k "$2" -h 127.0.0.1 -p "$3" -c max_connections=100 >>"$2/log" 2>&1 &
                server=$!
            }
            stop() {
                [ -n "$server" ] && kill -s "$1" $server && wait $server
                server=
            }
            start "$@"
            while read -r command; do
                case $command in
                    start) start "$@" ;;
                    stop) stop INT ;;
                    crash) stop QUIT ;;
                esac
                echo "$command" >>"$2/done"
            done
            stop INT
            rm -rf "$2"
        "#;
        let watch = watched(user, script, &folder, port)?;
        Ok(Self {
            port,
            folder,
            watch,
        })
    }

    /// Of its database.
    pub(crate) fn url(&self) -> String {
        self.server("rosterd")
    }

    fn server(&self, database: &str) -> String {
        format!("postgres://rosterd@127.0.0.1:{}/{database}", self.port)
    }

    /// Starts it again; it may be recovering for a while.
    pub(crate) fn start(&mut self) {
        self.order("start");
    }

    /// Ends it in good order: sessions are cut, nothing is left to recover.
    pub(crate) fn stop(&mut self) {
        self.order("stop");
    }

    /// Ends it as a power cut does: at once; the next start recovers.
    pub(crate) fn crash(&mut self) {
        self.order("crash");
    }

    /// Stops every process of it where it stands: connections stay open and nobody answers, as on a network that
    /// swallows packets.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    /// Ends [`Self::freeze`].
    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    fn order(&mut self, command: &str) {
        let before = self.done();
        let input = self.watch.stdin.as_mut().expect("its input");
        writeln!(input, "{command}").expect("a shell that listens");
        wait("the shell does not do it", || self.done() > before);
    }

    fn done(&self) -> usize {
        std::fs::read_to_string(self.folder.join("done")).map_or(0, |text| text.lines().count())
    }

    fn signal(&self, signal: &str) {
        let pid = std::fs::read_to_string(self.folder.join("data/postmaster.pid"))
            .expect("a server that runs");
        let postmaster = pid.lines().next().expect("its pid").to_owned();
        let children =
            std::fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children"))
                .expect("its children");
        let all = std::iter::once(postmaster.as_str()).chain(children.split_whitespace());
        // A child may have ended since.
        let _ = Command::new("sh")
            .args(["-c", r#"kill -s "$0" "$@""#, signal])
            .args(all)
            .stderr(Stdio::null())
            .status();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // A frozen server takes no signal but this one.
        if self.folder.join("data/postmaster.pid").exists() {
            self.thaw();
        }
        drop(self.watch.stdin.take());
        let _ = self.watch.wait();
    }
}

fn wait(what: &str, done: impl Fn() -> bool) {
    let patience = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < patience, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
