//! What a person is told when the tool cannot do its work: the operation and
//! the thing in one clause, the causes below, then what to type.

use std::error::Error;
use std::fmt::Write as _;

use crate::exit::Exit;

/// A run that ended without doing its work.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
    exit: Exit,
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// The tool failed; exit code 1.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), causes: vec![], hints: vec![], exit: Exit::Failed }
    }

    /// The user asked for something that does not exist; exit code 64.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, ..Self::new(message) }
    }

    /// Something that the answer depends on is not known; exit code 3.
    pub(crate) fn undecided(message: impl Into<String>) -> Self {
        Self { exit: Exit::Undecided, ..Self::new(message) }
    }

    /// The same text, as wrong usage.
    pub(crate) fn into_usage(self) -> Self {
        Self { exit: Exit::Usage, ..self }
    }

    /// Takes an error and all that caused it.
    pub(crate) fn from_error(error: &(dyn Error + 'static)) -> Self {
        Self::new(error.to_string()).caused_by(error.source())
    }

    /// Adds a cause and all that caused it, leaving out what merely repeats
    /// the line above.
    pub(crate) fn caused_by(mut self, cause: Option<&(dyn Error + 'static)>) -> Self {
        let mut next = cause;
        while let Some(error) = next {
            let text = error.to_string();
            let said = self.causes.last().unwrap_or(&self.message);
            if !said.ends_with(&text) {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// Adds a line below the message.
    pub(crate) fn also(mut self, line: impl Into<String>) -> Self {
        self.causes.push(line.into());
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The message and its causes in one clause.
    pub(crate) fn to_line(&self) -> String {
        let all = std::iter::once(&self.message).chain(&self.causes);
        all.map(String::as_str).collect::<Vec<_>>().join("; ")
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// The text for standard error, one line each.
    pub(crate) fn render(&self) -> String {
        // Names from files and clouds stand in it; a terminal must not obey them.
        let plain = |text: &str| -> String {
            text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
        };
        let mut text = format!("error: {}\n", plain(&self.message));
        for cause in &self.causes {
            let _ = writeln!(text, "  {}", plain(cause));
        }
        for hint in &self.hints {
            let _ = writeln!(text, "hint: {}", plain(hint));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct E(&'static str, Option<Box<E>>);
    impl std::fmt::Display for E {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }
    impl Error for E {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|e| e as _)
        }
    }

    #[test]
    fn shows_operation_causes_and_hints_without_repeating() {
        let error =
            E("cannot read `x`", Some(Box::new(E("os: gone", Some(Box::new(E("gone", None)))))));
        let text = Failure::from_error(&error).hint("create `x`").render();
        assert_eq!(text, "error: cannot read `x`\n  os: gone\nhint: create `x`\n");
    }
}
