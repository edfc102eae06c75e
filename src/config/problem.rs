//! What is wrong in a configuration: always all of it, each with its key.

use std::fmt;

/// One thing that is wrong, or worth a second look.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// The key (`okta.org_url`), the variable (`ROSTERD__…`) or the file it is about.
    pub key: String,
    /// What is wrong with it and what would be right.
    pub text: String,
}

impl Problem {
    /// The problem `text` of `key`.
    pub fn new(key: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            text: text.into(),
        }
    }
}

/// One line, as logs and the daemon's refusal to start show it.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.text)
    }
}

/// Everything that is wrong in a configuration; never empty where it is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl std::error::Error for Problems {}

/// One line a problem, the keys in a column, and how many there are.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|p| p.key.chars().count()).max();
        let width = width.unwrap_or(0);
        for problem in &self.0 {
            let mut lines = problem.text.lines();
            let first = lines.next().unwrap_or_default();
            writeln!(f, "{:<width$}  {first}", problem.key)?;
            for line in lines {
                writeln!(f, "{:<width$}  {line}", "")?;
            }
        }
        match self.0.len() {
            1 => f.write_str("1 problem"),
            count => write!(f, "{count} problems"),
        }
    }
}
