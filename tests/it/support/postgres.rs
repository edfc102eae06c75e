//! A throw-away PostgreSQL for this test process.
//!
//! `TEST_POSTGRES_URL` names a server to use instead. Without it a cluster is made from the local `initdb` and
//! `postgres`, with fsync as in production, run by an unprivileged user because PostgreSQL refuses root. A shell watches
//! over it: its input ends with this process, however that dies, and then the cluster is stopped and removed.

use std::ffi::OsString;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sqlx::{AnyConnection, Connection as _, Executor as _};

/// A server to make databases on; kept until the process ends.
struct Server {
    url: String,
    /// Holds the watching shell's input open.
    _watch: Option<Child>,
}

static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
static NEXT: AtomicU32 = AtomicU32::new(0);

/// The URL of a new, empty database; `None` where there is no PostgreSQL, which fails under
/// `ROSTERD_REQUIRE_POSTGRES=1`.
pub(crate) async fn new_database() -> Option<String> {
    let server = SERVER.get_or_init(|| match std::env::var("TEST_POSTGRES_URL") {
        Ok(url) => Ok(Server { url, _watch: None }),
        Err(_) => start(),
    });
    let server = match server {
        Ok(server) => server,
        Err(why) => {
            absent(why);
            return None;
        }
    };
    let name = format!(
        "rosterd_test_{}_{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    create(&server.url, &name).await;
    let mut url = url::Url::parse(&server.url).expect("a URL");
    url.set_path(&format!("/{name}"));
    Some(url.into())
}

/// There is no PostgreSQL: a failure where it is required, else said loudly.
pub(crate) fn absent(why: &str) {
    assert!(
        std::env::var("ROSTERD_REQUIRE_POSTGRES").as_deref() != Ok("1"),
        "ROSTERD_REQUIRE_POSTGRES=1 and no PostgreSQL: {why}"
    );
    eprintln!("SKIPPED on PostgreSQL, which this machine does not have: {why}");
}

/// Makes a database; the server may still be starting.
pub(crate) async fn create(server: &str, name: &str) {
    sqlx::any::install_default_drivers();
    let patience = Instant::now() + Duration::from_secs(30);
    loop {
        let outcome = match AnyConnection::connect(server).await {
            Ok(mut conn) => {
                let statement = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
                let done = conn.execute(statement).await.map(|_| ());
                let _ = conn.close().await;
                done
            }
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => return,
            Err(error) if Instant::now() > patience => panic!("no database: {error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Makes a cluster's folder: where it is, and whom it belongs to when this process is root.
pub(crate) fn initialize() -> Result<(PathBuf, Option<(u32, u32)>), String> {
    let initdb = program("initdb").ok_or("initdb is not installed")?;
    let folder = std::env::temp_dir().join(format!(
        "rosterd-test-postgres-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    ));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let user = unprivileged(&folder)?;
    let made = as_user(user, &initdb)
        .args([
            "--auth=trust",
            "--username=rosterd",
            "--encoding=UTF8",
            "--no-sync",
        ])
        .args(["--locale=C", "-D"])
        .arg(folder.join("data"))
        .output()
        .map_err(|error| format!("initdb: {error}"))?;
    if !made.status.success() {
        let _ = std::fs::remove_dir_all(&folder);
        return Err(format!(
            "initdb: {}",
            String::from_utf8_lossy(&made.stderr).trim()
        ));
    }
    Ok((folder, user))
}

fn start() -> Result<Server, String> {
    let (folder, user) = initialize()?;
    let port = free_port();
    let script = r#"
        "$1" -D "$2/data" -k "$2" -h 127.0.0.1 -p "$3" -c max_connections=300 >"$2/log" 2>&1 &
        server=$!
        cat >/dev/null
        kill -INT $server
        wait $server
        rm -rf "$2"
    "#;
    let watch = watched(user, script, &folder, port)?;
    let patience = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if Instant::now() > patience {
            let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            return Err(format!("postgres does not start: {log}"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(Server {
        url: format!("postgres://rosterd@127.0.0.1:{port}/postgres"),
        _watch: Some(watch),
    })
}

/// A shell with this script, which is given the server's program as `$1`, its folder as `$2` and its port as `$3`, and ends
/// by the end of its input.
pub(crate) fn watched(
    user: Option<(u32, u32)>,
    script: &str,
    folder: &Path,
    port: u16,
) -> Result<Child, String> {
    let postgres = program("postgres").ok_or("postgres is not installed")?;
    as_user(user, Path::new("sh"))
        .args(["-c", script, "sh"])
        .arg(&postgres)
        .arg(folder)
        .arg(port.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // An interrupt at the terminal is for this process; the shell ends by its input.
        .process_group(0)
        .spawn()
        .map_err(|error| format!("sh: {error}"))
}

/// A port nobody listens on, below those that the kernel hands out: it stays free while a server is down.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let from = u16::try_from(std::process::id() % 80).expect("below 80") * 150;
    loop {
        let port = 20_000 + (from + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A program in PATH, or where Debian keeps PostgreSQL's.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/bin"));
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    folders
        .into_iter()
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .and_then(|file| file.canonicalize().ok())
}

/// Whom to run PostgreSQL as, when this process is root: (user id, group id). The folder becomes his.
fn unprivileged(folder: &Path) -> Result<Option<(u32, u32)>, String> {
    let owner = std::fs::metadata(folder).map_err(|error| error.to_string())?;
    if owner.uid() != 0 {
        return Ok(None);
    }
    let passwd = std::fs::read_to_string("/etc/passwd").map_err(|error| error.to_string())?;
    let ids = |name: &str| {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == name).then_some(())?;
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            Some((uid, gid))
        })
    };
    let user = ids("postgres")
        .or_else(|| ids("nobody"))
        .ok_or("there is no user to run PostgreSQL as")?;
    chown(folder, Some(user.0), Some(user.1)).map_err(|error| error.to_string())?;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
        .map_err(|error| error.to_string())?;
    Ok(Some(user))
}

fn as_user(user: Option<(u32, u32)>, program: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command.current_dir("/");
    command
}

/// Drops a database that [`new_database`] gave, whoever is still connected to it.
pub(crate) async fn drop_database(url: &str) {
    let Some(Ok(server)) = SERVER.get() else {
        return;
    };
    let name = url.rsplit('/').next().unwrap_or_default();
    let mut conn = AnyConnection::connect(&server.url)
        .await
        .expect("a connection");
    let statement = sqlx::AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
    conn.execute(statement)
        .await
        .expect("no such database any more");
    let _ = conn.close().await;
}
