//! Other processes: started, asked for their memory, and ended with this one.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A process that ends when this is dropped. Its input is held open: the roles of this program end with it, however this
/// process dies.
pub(crate) struct Process {
    child: Child,
    out: Option<BufReader<ChildStdout>>,
}

/// What a process uses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// Resident now, in bytes.
    pub(crate) resident: u64,
    /// The most that was ever resident, in bytes.
    pub(crate) peak: u64,
    /// Bytes sent to disks so far.
    pub(crate) written: u64,
    /// Seconds of processor time so far.
    pub(crate) cpu: f64,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let child = command
            .stdin(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { child, out: None }
    }

    /// A role of this program, which says on its first line what it has to say.
    pub(crate) fn role(role: &str, args: &[String]) -> (Self, String) {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.arg(role).args(args).stdout(Stdio::piped());
        let mut process = Self::start(&mut command);
        process.out = process.child.stdout.take().map(BufReader::new);
        let line = process.line();
        (process, line)
    }

    /// Asks a role for a list: how many lines, and then the lines.
    pub(crate) fn ask(&mut self, what: &str) -> Vec<String> {
        let input = self.child.stdin.as_mut().expect("its input");
        writeln!(input, "{what}").expect("a question");
        let count = self.line().parse().expect("a number of lines");
        (0..count).map(|_| self.line()).collect()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let out = self.out.as_mut().expect("its output");
        out.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    pub(crate) fn usage(&self) -> Usage {
        let pid = self.child.id();
        let read =
            |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let status = read("status");
        let number = |text: &str, name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name))
                .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
                .unwrap_or(0)
        };
        let stat = read("stat");
        // Behind the command's name in brackets: state is field 3, user and system time are 14 and 15, in ticks of 10 ms.
        let fields: Vec<&str> = stat
            .rsplit_once(')')
            .map_or("", |(_, rest)| rest)
            .split_whitespace()
            .collect();
        let ticks: f64 = fields.get(11..13).map_or(0.0, |pair| {
            pair.iter().filter_map(|t| t.parse::<f64>().ok()).sum()
        });
        Usage {
            resident: number(&status, "VmRSS:") * 1024,
            peak: number(&status, "VmHWM:") * 1024,
            written: number(&read("io"), "write_bytes:"),
            cpu: ticks / 100.0,
        }
    }

    /// Whether it has ended.
    pub(crate) fn ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to stop, and waits.
    pub(crate) fn stop(mut self) {
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}
