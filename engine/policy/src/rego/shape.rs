//! Mends what the engine's parser does not take, on the tokens of its lexer.
//!
//! - A `(` that begins a line of a body begins a condition; the engine glues it
//!   to a name at the end of the line before and sees a call. A `;` goes in
//!   between.
//! - Chained bodies `p {…} {…}` are rules with the same head; the engine refuses
//!   them on sets and with `if`. Each gets its head written out.
//! - A function without body and value is `true`; with `import rego.v1` the
//!   engine refuses it. The value is written out.
//!
//! Line numbers up to a chained body stay as they are.
//!
//! Source: the parser of OPA 1.10, `ast/parser.go`.

use regorus::Source;
use regorus::unstable::{Lexer, Token, TokenKind};

use super::{Edit, Problem, apply, range};

/// Words after which an expression or a body goes on.
const GO_ON: &[&str] = &[
    "as", "contains", "default", "else", "every", "if", "import", "in", "not", "package", "some",
    "with",
];

/// The text that the engine parses as OPA parses `text`.
pub(super) fn mend(source: &Source, text: &str, v1: bool) -> Result<String, Problem> {
    let tokens = tokens(source)?;
    let mut shape = Shape { text, tokens: &tokens, edits: Vec::new() };
    if !v1 {
        shape.check_if()?;
    }
    shape.read();
    Ok(apply(text, 0..text.len(), &shape.edits))
}

fn tokens(source: &Source) -> Result<Vec<Token>, Problem> {
    let mut lexer = Lexer::new(source);
    lexer.set_max_col(super::MAX_COL);
    let mut all = Vec::new();
    loop {
        let token = lexer.next_token().map_err(|e| Problem::from_engine(&e))?;
        if matches!(token.0, TokenKind::Eof) {
            return Ok(all);
        }
        all.push(token);
    }
}

struct Shape<'t> {
    text: &'t str,
    tokens: &'t [Token],
    edits: Vec<Edit>,
}

/// The rule that is being read, at the outermost level.
#[derive(Default)]
struct Rule {
    /// Where its head begins.
    start: usize,
    /// Where its first body begins.
    body: Option<usize>,
    /// Whether an `else` stood after a body.
    has_else: bool,
    /// Whether the last thing read is a body.
    after_body: bool,
    /// Whether all so far is a plain name, and its arguments.
    plain: bool,
    /// The end of the arguments, right after them.
    arguments: Option<usize>,
}

impl<'t> Shape<'t> {
    /// Without its import, `if` is a name; the engine would read `p if {…}` as
    /// two rules, and OPA refuses it.
    fn check_if(&self) -> Result<(), Problem> {
        let mut depth = 0_usize;
        for (n, token) in self.tokens.iter().enumerate() {
            let words: [&str; 5] = std::array::from_fn(|m| self.word(n + m));
            match words {
                ["import", "rego", ".", "v1", _] => return Ok(()),
                ["import", "future", ".", "keywords", next]
                    if next != "." || self.word(n + 5) == "if" =>
                {
                    return Ok(());
                }
                ["if", ..]
                    if depth == 0 && n.checked_sub(1).is_none_or(|b| self.word(b) != ".") =>
                {
                    let text = "`if` needs `import future.keywords.if` or `import rego.v1`";
                    return Err(Problem { line: Some(token.1.line), text: text.to_owned() });
                }
                ["{" | "[" | "(" | "set(", ..] => depth += 1,
                ["}" | "]" | ")", ..] => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        Ok(())
    }

    fn read(&mut self) {
        // Each open bracket, and whether it opens a body.
        let mut open: Vec<(&str, bool)> = Vec::new();
        let mut rule = Rule::default();
        for (n, token) in self.tokens.iter().enumerate() {
            let word = self.word(n);
            let before = n.checked_sub(1);
            let fresh =
                before.and_then(|b| self.tokens.get(b)).is_none_or(|b| b.1.line < token.1.line);
            let range = range(&token.1);
            if open.is_empty() && self.begins_rule(n, fresh, rule.after_body) {
                self.end_rule(&rule);
                rule = Rule { start: range.start, plain: word != "default", ..Rule::default() };
                continue;
            }
            match word {
                "{" if open.is_empty() && before.is_some_and(|b| self.ends_term(b)) => {
                    if rule.after_body && !rule.has_else {
                        let head = rule.body.and_then(|body| self.text.get(rule.start..body));
                        let head = format!("\n{}", head.unwrap_or_default());
                        self.edits.push(Edit::insert(range.start, head));
                    }
                    rule.body.get_or_insert(range.start);
                    rule.plain = false;
                    open.push((word, true));
                }
                "{" | "[" => open.push((word, false)),
                "(" => {
                    let in_body = open.last().is_some_and(|(bracket, _)| *bracket != "(");
                    if fresh && in_body && before.is_some_and(|b| self.is_callable(b)) {
                        self.edits.push(Edit::insert(range.start, ";".to_owned()));
                    }
                    open.push((word, false));
                }
                "set(" => open.push(("(", false)),
                "}" | "]" | ")" => {
                    let closed = open.pop();
                    if open.is_empty() {
                        rule.after_body = closed.is_some_and(|(_, body)| body);
                        if word == ")" && rule.plain {
                            rule.arguments = Some(range.end);
                        }
                        rule.plain = false;
                    }
                    continue;
                }
                "else" if open.is_empty() => rule.has_else = true,
                _ => {}
            }
            if open.is_empty() {
                rule.after_body = false;
                rule.arguments = None;
                rule.plain &= word == "." || before.is_some_and(|b| self.word(b) == ".");
            } else if open.len() > 1 || word != "(" {
                // Only arguments of the head itself may follow its name.
                rule.plain &= open.first().is_some_and(|(bracket, _)| *bracket == "(");
            }
        }
        self.end_rule(&rule);
    }

    /// Writes out the value of a function that has none, and no body.
    fn end_rule(&mut self, rule: &Rule) {
        if let (Some(at), None) = (rule.arguments, rule.body) {
            self.edits.push(Edit::insert(at, " := true".to_owned()));
        }
    }

    /// The text of a token; strings have none.
    fn word(&self, n: usize) -> &'t str {
        match self.tokens.get(n) {
            Some(Token(TokenKind::String | TokenKind::RawString, _)) | None => "",
            Some(Token(_, span)) => self.text.get(range(span)).unwrap_or_default(),
        }
    }

    fn is_name(&self, n: usize) -> bool {
        let field = n.checked_sub(1).is_some_and(|b| self.word(b) == ".");
        matches!(self.tokens.get(n), Some(Token(TokenKind::Ident, _)))
            && (field || !GO_ON.contains(&self.word(n)))
    }

    /// Whether a call could follow.
    fn is_callable(&self, n: usize) -> bool {
        self.is_name(n) || self.word(n) == "]"
    }

    /// Whether a value, a head or the word before a body ends here.
    fn ends_term(&self, n: usize) -> bool {
        let Some(token) = self.tokens.get(n) else { return false };
        match token.0 {
            TokenKind::String | TokenKind::RawString | TokenKind::Number => true,
            TokenKind::Ident => self.is_name(n) || matches!(self.word(n), "if" | "else"),
            _ => matches!(self.word(n), "]" | ")" | "}"),
        }
    }

    /// Whether a rule, import or package begins here.
    fn begins_rule(&self, n: usize, fresh: bool, after_body: bool) -> bool {
        let word = self.word(n);
        let starts = matches!(self.tokens.get(n), Some(Token(TokenKind::Ident, _)))
            && !matches!(word, "as" | "contains" | "else" | "if" | "in" | "with" | "not" | "some");
        let goes_on = n.checked_sub(1).is_some_and(|b| !self.ends_term(b) || self.word(b) == "if");
        starts && (after_body || (fresh && !goes_on))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let source = Source::from_contents("t".to_owned(), text.to_owned()).unwrap();
        assert_eq!(mend(&source, text, true).unwrap(), expected);
    }

    #[test]
    fn a_parenthesis_that_begins_a_line_is_no_call() {
        check("p {\n  a.b\n  (x > 1)\n}", "p {\n  a.b\n  ;(x > 1)\n}");
        check("p {\n  a[i] # (\n  (x > 1)\n}", "p {\n  a[i] # (\n  ;(x > 1)\n}");
        check("p {\n  a.not\n  (x > 1)\n}", "p {\n  a.not\n  ;(x > 1)\n}");
        let same = [
            "p {\n  not\n  (x > 1)\n}",
            "p {\n  y := f(\n (1))\n  f(x)\n  (1 > 0)\n}",
            "p {\n  y := 1 +\n  (2)\n}",
            "p {\n  x == 1\n  (y)\n}",
            "p {\n  x == \"a\"\n  (y)\n}",
            "p if {\n  f(1)\n}",
        ];
        for text in same {
            check(text, text);
        }
    }

    #[test]
    fn chained_bodies_become_rules() {
        check("p[x] { a } { b }\nq { c }", "p[x] { a } \np[x] { b }\nq { c }");
        check(
            "p contains {\"m\": m} if { a }\n\n{ b } { c }",
            "p contains {\"m\": m} if { a }\n\n\np contains {\"m\": m} if { b } \np contains {\"m\": m} if { c }",
        );
        check("f(x) = {1} { a } { b }", "f(x) = {1} { a } \nf(x) = {1} { b }");
        check("p = x {\n a } {\n b }", "p = x {\n a } \np = x {\n b }");
        let same = [
            "default p = {}\nq = {\"a\": 1} { x }\nr := {1} | {2}\n",
            "p { a } else = {1} { b }\nq { c }",
            "p := {1 |\n x }\n",
            "p if x == {1}\nq if { y }\n",
            "p if {\n \"}{\"\n `{ }{`\n}\n",
            "p { a } q { b }",
        ];
        for text in same {
            check(text, text);
        }
    }

    #[test]
    fn functions_without_body_are_true() {
        check("f(\"any\", _)\n\nf(x, y) if x", "f(\"any\", _) := true\n\nf(x, y) if x");
        check("f({\"a\": [1]})", "f({\"a\": [1]}) := true");
        let same = [
            "f(x) := y\n",
            "f(x) {\n a }\n",
            "f(x) = y { a }\n",
            "default f(_) := 1\n",
            "p := f(1)\nq := 2\n",
            "p if f(1)\nq if 2\n",
            "p if\n  f(1)\nq if 2\n",
            "p[x] { f(x) }\n",
        ];
        for text in same {
            check(text, text);
        }
    }
}
