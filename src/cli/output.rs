//! What a command prints: data on stdout, messages on stderr.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use comfy_table::{Cell, Table};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::exit::{Exit, Failure};

/// Where and how a command prints.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
    ask: bool,
}

impl Output {
    /// Prints JSON where `json`, and asks nobody where `no_input`.
    pub fn new(json: bool, no_input: bool) -> Self {
        let ask = !no_input && io::stdin().is_terminal() && io::stderr().is_terminal();
        Self { json, ask }
    }

    /// Whether data is printed as JSON.
    pub fn is_json(self) -> bool {
        self.json
    }

    /// Prints one line of data.
    ///
    /// # Errors
    /// When stdout cannot be written.
    #[expect(clippy::unused_self, reason = "all output goes through one value")]
    pub fn line(self, text: &str) -> Result<(), Failure> {
        written(writeln!(io::stdout().lock(), "{text}"))
    }

    /// Prints a value as JSON: indented on a terminal, one line elsewhere.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn json(self, value: &impl Serialize) -> Result<(), Failure> {
        let text = if io::stdout().is_terminal() {
            serde_json::to_string_pretty(value)
        } else {
            serde_json::to_string(value)
        };
        self.line(&text.map_err(|error| Failure::failed(error.to_string()))?)
    }

    /// Prints rows: as a table, or `value` as JSON where that was asked for.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn table<const N: usize>(
        self,
        value: &impl Serialize,
        header: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> Result<(), Failure> {
        if self.json {
            return self.json(value);
        }
        let mut table = Table::new();
        // Columns by spaces alone: easy to read, to cut and to paste.
        table.load_style(comfy_table::presets::NOTHING);
        if !io::stdout().is_terminal() {
            // Nobody's terminal is to fold the lines a script reads.
            table.set_content_arrangement(comfy_table::ContentArrangement::Disabled);
        }
        table.set_header(header.map(|name| Cell::new(name.to_uppercase())));
        for row in rows {
            table.add_row(row.map(|text| Cell::new(plain(&text))));
        }
        for line in table.lines() {
            // Every cell is padded on both sides.
            self.line(line.strip_prefix(' ').unwrap_or(&line).trim_end())?;
        }
        Ok(())
    }

    /// Says something on stderr.
    #[expect(clippy::unused_self, reason = "all output goes through one value")]
    pub fn note(self, text: &str) {
        // Nothing can be said about a stderr that is gone.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Prints a name and its value, under one another.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn field(self, name: &str, value: &str) -> Result<(), Failure> {
        self.line(&format!("{name:<14}  {}", plain(value)))
    }

    /// Says on stderr what names from outside are part of.
    pub fn say(self, text: &str) {
        self.note(&plain(text));
    }

    /// A progress bar on stderr, where that is a terminal; else nothing is drawn.
    pub fn progress(self, total: Option<u64>, label: &'static str) -> ProgressBar {
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::new_spinner(),
        };
        let drawn = !self.json && io::stderr().is_terminal();
        bar.set_draw_target(if drawn {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        });
        if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len}")
            && total.is_some()
        {
            bar.set_style(style);
        }
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}: {msg}")
            && total.is_none()
        {
            bar.set_style(style);
        }
        bar.set_prefix(label);
        bar
    }

    /// Asks whether to go on; `yes` was given on the command line.
    ///
    /// # Errors
    /// Refused when nobody can be asked, or the answer is no.
    pub fn confirm(self, yes: bool, question: &str) -> Result<(), Failure> {
        if yes {
            return Ok(());
        }
        if !self.ask {
            return Err(Failure::new(
                Exit::Usage,
                format!("{question} There is nobody to ask: say --yes"),
            ));
        }
        let mut stderr = io::stderr().lock();
        written(write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush()))?;
        let mut answer = String::new();
        written(io::stdin().lock().read_line(&mut answer).map(|_| ()))?;
        if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
            Ok(())
        } else {
            Err(Failure::new(Exit::Refused, "nothing was changed"))
        }
    }
}

/// Names come from outside: a terminal must not take their control characters as orders.
pub fn plain(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Ok(()) => Ok(()),
        // `rosterd … | head` has what it wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Done, String::new()))
        }
        Err(error) => Err(Failure::failed(format!("cannot write: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_name_from_outside_gives_the_terminal_no_orders() {
        assert_eq!(plain("a\u{1b}[2Jb\nc"), "a\u{fffd}[2Jb\u{fffd}c");
        assert_eq!(plain("Zoë Ōe"), "Zoë Ōe");
    }
}
