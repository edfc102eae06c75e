//! Okta's `filter` and `search` expressions: `attribute op "value"`, `and`, `or`, `not`, parentheses.

use crate::model::time::Timestamp;

/// A parsed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Test {
        attribute: String,
        op: Op,
        value: String,
    },
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
    Sw,
    Ew,
    Co,
    Pr,
}

const NAMES: &[(&str, Op)] = &[
    ("eq", Op::Eq),
    ("ne", Op::Ne),
    ("gt", Op::Gt),
    ("ge", Op::Ge),
    ("lt", Op::Lt),
    ("le", Op::Le),
    ("sw", Op::Sw),
    ("ew", Op::Ew),
    ("co", Op::Co),
    ("pr", Op::Pr),
];

impl Filter {
    /// Reads an expression whose every comparison `allows`; the error is what Okta would name as the cause.
    pub(super) fn parse(text: &str, allows: impl Fn(&str, Op) -> bool) -> Result<Self, String> {
        let tokens = tokens(text)?;
        let mut parser = Parser {
            tokens: &tokens,
            depth: 0,
        };
        let filter = parser.or()?;
        if let Some(extra) = parser.tokens.first() {
            return Err(format!("unexpected {extra:?}"));
        }
        filter.check(&allows)?;
        Ok(filter)
    }

    /// Whether an object with these attributes matches.
    pub(super) fn matches(&self, attribute: &impl Fn(&str) -> Option<String>) -> bool {
        match self {
            Self::And(a, b) => a.matches(attribute) && b.matches(attribute),
            Self::Or(a, b) => a.matches(attribute) || b.matches(attribute),
            Self::Not(a) => !a.matches(attribute),
            Self::Test {
                attribute: name,
                op,
                value,
            } => {
                let Some(actual) = attribute(name) else {
                    return *op == Op::Ne;
                };
                test(&actual, *op, value)
            }
        }
    }

    fn check(&self, allows: &impl Fn(&str, Op) -> bool) -> Result<(), String> {
        match self {
            Self::And(a, b) | Self::Or(a, b) => a.check(allows).and_then(|()| b.check(allows)),
            Self::Not(a) => a.check(allows),
            Self::Test { attribute, op, .. } if allows(attribute, *op) => Ok(()),
            Self::Test { attribute, .. } => Err(format!(
                "the attribute or operator is not supported: {attribute}"
            )),
        }
    }
}

fn test(actual: &str, op: Op, value: &str) -> bool {
    let order = match (Timestamp::parse(actual), Timestamp::parse(value)) {
        (Some(actual), Some(value)) => actual.cmp(&value),
        _ => actual.to_lowercase().cmp(&value.to_lowercase()),
    };
    let (low, wanted) = (actual.to_lowercase(), value.to_lowercase());
    match op {
        Op::Eq => order.is_eq(),
        Op::Ne => order.is_ne(),
        Op::Gt => order.is_gt(),
        Op::Ge => order.is_ge(),
        Op::Lt => order.is_lt(),
        Op::Le => order.is_le(),
        Op::Sw => low.starts_with(&wanted),
        Op::Ew => low.ends_with(&wanted),
        Op::Co => low.contains(&wanted),
        Op::Pr => true,
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Word(String),
    Text(String),
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(first) = rest.next() {
        match first {
            ' ' | '+' | '\t' => {}
            '(' => out.push(Token::Open),
            ')' => out.push(Token::Close),
            '"' => {
                let mut value = String::new();
                loop {
                    match rest.next() {
                        Some('"') => break,
                        Some('\\') => value.extend(rest.next()),
                        Some(c) => value.push(c),
                        None => return Err("a quote is not closed".to_owned()),
                    }
                }
                out.push(Token::Text(value));
            }
            first => {
                let mut word = String::from(first);
                while let Some(next) = rest.next_if(|c| !matches!(c, ' ' | '(' | ')' | '"')) {
                    word.push(next);
                }
                out.push(Token::Word(word));
            }
        }
    }
    Ok(out)
}

struct Parser<'a> {
    tokens: &'a [Token],
    depth: usize,
}

impl Parser<'_> {
    fn or(&mut self) -> Result<Filter, String> {
        let mut left = self.and()?;
        while self.take_word("or") {
            left = Filter::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Filter, String> {
        let mut left = self.one()?;
        while self.take_word("and") {
            left = Filter::And(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Filter, String> {
        self.depth += 1;
        if self.depth > 200 {
            return Err("the expression is too long".to_owned());
        }
        if self.take_word("not") {
            return Ok(Filter::Not(Box::new(self.one()?)));
        }
        match self.next() {
            Some(Token::Open) => {
                let inner = self.or()?;
                match self.next() {
                    Some(Token::Close) => Ok(inner),
                    _ => Err("a parenthesis is not closed".to_owned()),
                }
            }
            Some(Token::Word(attribute)) => {
                let op = match self.next() {
                    Some(Token::Word(word)) => NAMES
                        .iter()
                        .find(|(name, _)| name.eq_ignore_ascii_case(&word))
                        .map(|(_, op)| *op),
                    _ => None,
                };
                let op = op.ok_or_else(|| format!("no operator after {attribute}"))?;
                let value = match (op, self.tokens.first()) {
                    (Op::Pr, _) => String::new(),
                    (_, Some(Token::Text(value) | Token::Word(value))) => {
                        let value = value.clone();
                        self.next();
                        value
                    }
                    _ => return Err(format!("no value after {attribute}")),
                };
                Ok(Filter::Test {
                    attribute,
                    op,
                    value,
                })
            }
            other => Err(format!("unexpected {other:?}")),
        }
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.first(), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word));
        if found {
            self.next();
        }
        found
    }

    fn next(&mut self) -> Option<Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::{Filter, Op};

    fn matches(text: &str) -> Result<bool, String> {
        let filter = Filter::parse(text, |name, op| {
            !(name == "banned" || (name == "type" && op == Op::Co))
        })?;
        Ok(filter.matches(&|name: &str| match name {
            "type" => Some("OKTA_GROUP".to_owned()),
            "lastUpdated" => Some("2026-11-23T10:00:00.000Z".to_owned()),
            _ => None,
        }))
    }

    #[test]
    fn the_delta_query_of_a_poller_is_understood() {
        let delta = |at: &str| {
            format!(
                "type eq \"OKTA_GROUP\" and (lastUpdated gt \"{at}\" or lastMembershipUpdated gt \"{at}\")"
            )
        };
        assert_eq!(matches(&delta("2026-11-23T09:59:59.999Z")), Ok(true));
        assert_eq!(
            matches(&delta("2026-11-23T10:00:00.000Z")),
            Ok(false),
            "gt is strict"
        );
    }

    #[test]
    fn and_binds_tighter_than_or() {
        assert_eq!(
            matches("type eq \"OKTA_GROUP\" or type eq \"X\" and type eq \"Y\""),
            Ok(true)
        );
        assert_eq!(
            matches("(type eq \"OKTA_GROUP\" or type eq \"X\") and type eq \"Y\""),
            Ok(false)
        );
    }

    #[test]
    fn what_okta_does_not_filter_on_is_refused() {
        assert!(matches("banned eq \"1\"").is_err());
        assert!(matches("type co \"OKTA\"").is_err());
        assert!(matches("type eq \"open").is_err());
        assert!(matches("(type eq \"X\"").is_err());
        assert!(matches("").is_err());
    }
}
