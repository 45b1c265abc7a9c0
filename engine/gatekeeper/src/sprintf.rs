//! `sprintf` as OPA has it: Go's `fmt.Sprintf` on numbers and strings; all else
//! is written as Rego first. What does not fit is written into the text, and is
//! never an error.
//!
//! Source: Go 1.25, package `fmt`; OPA 1.10, `topdown/strings.go`.

use regorus::Value;

/// An argument as Go sees it.
enum Arg {
    Int(i128),
    Float(f64),
    Text(String),
}

impl Arg {
    fn new(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text.to_string()),
            Value::Number(number) => match (integer(value), number.as_f64()) {
                (Some(int), _) => Self::Int(int),
                (None, Some(float)) => Self::Float(float),
                (None, None) => Self::Text(value.to_string()),
            },
            other => Self::Text(rego(other)),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
        }
    }
}

/// A number without fraction; one written with an exponent is none.
fn integer(value: &Value) -> Option<i128> {
    value.to_string().parse().ok()
}

/// A value as Rego writes it.
fn rego(value: &Value) -> String {
    let list =
        |items: Vec<String>, open: &str, close: &str| format!("{open}{}{close}", items.join(", "));
    match value {
        Value::Array(items) => list(items.iter().map(rego).collect(), "[", "]"),
        Value::Set(items) if items.is_empty() => "set()".to_owned(),
        Value::Set(items) => list(items.iter_sorted().map(rego).collect(), "{", "}"),
        Value::Object(members) => {
            let member = |(k, v): (&Value, &Value)| format!("{}: {}", rego(k), rego(v));
            list(members.iter_sorted().map(member).collect(), "{", "}")
        }
        Value::String(text) => serde_json::Value::from(text.as_ref()).to_string(),
        Value::Number(number) => match (integer(value), number.as_f64()) {
            (Some(int), _) => int.to_string(),
            (None, Some(float)) => general(float),
            (None, None) => value.to_string(),
        },
        other => other.to_string(),
    }
}

/// What stands between `%` and the verb.
#[derive(Default)]
struct Flags {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

/// The widest that a field is padded to, so that a text cannot ask for gigabytes.
const WIDEST: usize = 10_000;

pub(crate) fn sprintf(format: &str, args: &[Value]) -> String {
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    let mut args = args.iter();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut flags = Flags::default();
        while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '+' | '#' | ' ' | '0')) {
            match flag {
                '-' => flags.minus = true,
                '+' => flags.plus = true,
                '#' => flags.sharp = true,
                ' ' => flags.space = true,
                _ => flags.zero = true,
            }
        }
        let number = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| {
            let mut n = 0_usize;
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                let digit = digit.to_digit(10).and_then(|d| usize::try_from(d).ok()).unwrap_or(0);
                n = n.saturating_mul(10).saturating_add(digit).min(WIDEST);
            }
            n
        };
        flags.width = number(&mut chars);
        if chars.next_if_eq(&'.').is_some() {
            flags.precision = Some(number(&mut chars));
        }
        match chars.next() {
            None => out.push_str("%!(NOVERB)"),
            Some('%') => out.push('%'),
            Some(verb) => match args.next() {
                None => out.push_str(&format!("%!{verb}(MISSING)")),
                Some(arg) => out.push_str(&one(verb, &flags, &Arg::new(arg))),
            },
        }
    }
    let extra: Vec<String> = args
        .map(|arg| {
            let arg = Arg::new(arg);
            format!("{}={}", arg.kind(), one('v', &Flags::default(), &arg))
        })
        .collect();
    if !extra.is_empty() {
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    out
}

fn one(verb: char, flags: &Flags, arg: &Arg) -> String {
    let text = match (verb, arg) {
        ('T', _) => arg.kind().to_owned(),
        ('v' | 'd', Arg::Int(n)) => signed(flags, *n < 0, n.unsigned_abs().to_string()),
        ('x', Arg::Int(n)) => {
            signed(flags, *n < 0, format!("{}{:x}", sharp(flags, "0x"), n.unsigned_abs()))
        }
        ('X', Arg::Int(n)) => {
            signed(flags, *n < 0, format!("{}{:X}", sharp(flags, "0X"), n.unsigned_abs()))
        }
        ('o', Arg::Int(n)) => {
            signed(flags, *n < 0, format!("{}{:o}", sharp(flags, "0"), n.unsigned_abs()))
        }
        ('b', Arg::Int(n)) => signed(flags, *n < 0, format!("{:b}", n.unsigned_abs())),
        ('c', Arg::Int(n)) => {
            let char = u32::try_from(*n).ok().and_then(char::from_u32);
            char.unwrap_or(char::REPLACEMENT_CHARACTER).to_string()
        }
        ('q', Arg::Int(n)) => {
            let char = u32::try_from(*n).ok().and_then(char::from_u32);
            format!("'{}'", char.unwrap_or(char::REPLACEMENT_CHARACTER))
        }
        ('U', Arg::Int(n)) => format!("U+{n:04X}"),
        ('f' | 'F', Arg::Float(f)) => signed(
            flags,
            f.is_sign_negative(),
            format!("{:.*}", flags.precision.unwrap_or(6), f.abs()),
        ),
        ('e' | 'E', Arg::Float(f)) => {
            let text = scientific(f.abs(), flags.precision.unwrap_or(6));
            let text = if verb == 'E' { text.to_ascii_uppercase() } else { text };
            signed(flags, f.is_sign_negative(), text)
        }
        ('v' | 'g' | 'G', Arg::Float(f)) => signed(flags, f.is_sign_negative(), general(f.abs())),
        ('v' | 's', Arg::Text(text)) => cut(flags, text),
        ('q', Arg::Text(text)) => serde_json::Value::from(cut(flags, text)).to_string(),
        ('x', Arg::Text(text)) => text.bytes().map(|b| format!("{b:02x}")).collect(),
        ('X', Arg::Text(text)) => text.bytes().map(|b| format!("{b:02X}")).collect(),
        (verb, arg) => {
            let plain = one('v', flags, arg);
            return format!("%!{verb}({}={plain})", arg.kind());
        }
    };
    let length = text.chars().count();
    let missing = flags.width.saturating_sub(length);
    let number = !matches!(arg, Arg::Text(_)) && !matches!(verb, 'c' | 'q' | 'T');
    match (flags.minus, flags.zero && (number || flags.width > 0)) {
        (true, _) => text + &" ".repeat(missing),
        (false, true) if number && text.starts_with(['-', '+', ' ']) => {
            let (sign, digits) = text.split_at(1);
            format!("{sign}{}{digits}", "0".repeat(missing))
        }
        (false, true) => "0".repeat(missing) + &text,
        (false, false) => " ".repeat(missing) + &text,
    }
}

fn sharp(flags: &Flags, prefix: &'static str) -> &'static str {
    if flags.sharp { prefix } else { "" }
}

fn signed(flags: &Flags, negative: bool, digits: String) -> String {
    match (negative, flags.plus, flags.space) {
        (true, _, _) => format!("-{digits}"),
        (false, true, _) => format!("+{digits}"),
        (false, false, true) => format!(" {digits}"),
        (false, false, false) => digits,
    }
}

fn cut(flags: &Flags, text: &str) -> String {
    text.chars().take(flags.precision.unwrap_or(usize::MAX)).collect()
}

/// `1.5e+06`: at least two digits of exponent.
fn scientific(float: f64, precision: usize) -> String {
    let text = format!("{float:.precision$e}");
    exponent(&text)
}

fn exponent(text: &str) -> String {
    let Some((digits, exponent)) = text.split_once('e') else { return text.to_owned() };
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(rest) => ('-', rest),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}

/// The shortest form that reads back as the same number.
fn general(float: f64) -> String {
    let size = float.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        exponent(&format!("{float:e}"))
    } else {
        format!("{float}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(format: &str, args: &str, expected: &str) {
        let args = Value::from_json_str(args).unwrap();
        assert_eq!(sprintf(format, args.as_array().unwrap().as_slice()), expected);
    }

    #[test]
    fn writes_what_go_writes() {
        check(
            "%v %d %.2f %q %5s|%-5s|%05d %x %t",
            r#"[null, 3, 2.345, "q", "ab", "cd", 42, 255, true]"#,
            "null 3 2.35 \"q\"    ab|cd   |00042 ff %!t(string=true)",
        );
        check("%v %v", "[1]", "1 %!v(MISSING)");
        check("%v", "[1, \"a\", 2.5]", "1%!(EXTRA string=a, float64=2.5)");
        check("%d", "[\"a\"]", "%!d(string=a)");
        check("%s %s", "[3, [1, \"x\", {\"k\": null}]]", "%!s(int=3) [1, \"x\", {\"k\": null}]");
        check("100%% %z", "[1]", "100% %!z(int=1)");
        check("%", "[]", "%!(NOVERB)");
        check("%+d|% d|%#x|%6.1f|%-6d|", "[1, 2, 255, 3.14159, 7]", "+1| 2|0xff|   3.1|7     |");
        check("%v %v %v", "[1000000.5, 1.0e30, 0.00001]", "1.0000005e+06 1e+30 1e-05");
        check("%08.3f|%05s|%5t", "[-3.14159, \"a\", true]", "-003.142|0000a|%!t(string= true)");
        check("%v", "[{\"a\": [1.5, \"é\"]}]", "{\"a\": [1.5, \"é\"]}");
        check("%3c|%T|%.2s", "[65, 1, \"abc\"]", "  A|int|ab");
    }
}
