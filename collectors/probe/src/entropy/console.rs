//! What the server is told to do, and how that is found on its console.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The two sections of the output.
const SECTIONS: [&str; 2] = ["entropy-avail", "fips-test"];
/// Lines of one section that are taken, and characters of one line: the console
/// is the guest's, and what it prints is kept for good.
const MAX_LINES: usize = 50;
const MAX_CHARS: usize = 200;

/// User data that prints what is asked for on the console, each line marked
/// with run, section and number. `rngtest` is installed where it is missing; a
/// guest that cannot load it leaves that section empty.
///
/// The lines go to the kernel's console and to the first serial ports, since
/// images differ in which of them the hypervisor records. The number tells the
/// same line twice from two lines.
pub(crate) fn script(run: &str) -> String {
    format!(
        r#"#!/bin/sh
PATH="$PATH:/usr/sbin:/sbin"
say() {{
    for tty in /dev/console /dev/ttyS0 /dev/hvc0 /dev/ttyAMA0; do
        [ -c "$tty" ] && printf '\ntidegate-probe {run} %s %s:%s\n' "$1" "$2" "$3" >"$tty"
    done 2>/dev/null
}}
section() {{
    number=0
    while IFS= read -r line; do
        number=$((number + 1))
        say "$1" "$number" "$line"
    done
}}
cat /proc/sys/kernel/random/entropy_avail | section entropy-avail
if ! command -v rngtest; then
    export DEBIAN_FRONTEND=noninteractive
    if command -v apt-get; then
        apt-get update
        for package in rng-tools5 rng-tools-debian rng-tools; do
            apt-get install -y --no-install-recommends "$package" && command -v rngtest && break
        done
    elif command -v dnf; then
        dnf install -y rng-tools
    elif command -v zypper; then
        zypper --non-interactive install rng-tools
    fi
fi
if command -v rngtest; then
    rngtest -c 1000 </dev/random 2>&1 | grep '^rngtest: ' | section fips-test
fi
say end 0
"#
    )
}

/// What the console shows of the run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    sections: [BTreeMap<usize, String>; 2],
    /// Whether the script came to its end.
    pub(crate) ended: bool,
}

impl Found {
    pub(crate) fn lines(&self) -> usize {
        self.sections.iter().map(BTreeMap::len).sum()
    }

    /// `{"entropy-avail": [lines], "fips-test": [lines]}`.
    pub(crate) fn output(&self) -> Value {
        let of = |lines: &BTreeMap<usize, String>| lines.values().cloned().collect::<Vec<_>>();
        let members = SECTIONS.into_iter().zip(&self.sections);
        members.map(|(name, lines)| (name.to_owned(), json!(of(lines)))).collect()
    }
}

/// Finds the marked lines of a run. A line may stand behind what else the
/// kernel printed; its blanks at the end are kept.
pub(crate) fn read(run: &str, console: &str) -> Found {
    let mark = format!("tidegate-probe {run} ");
    let mut found = Found::default();
    let marked = console.split('\n').filter_map(|line| Some(line.split_once(&mark)?.1));
    for line in marked {
        let line = line.trim_end_matches('\r');
        let Some((head, text)) = line.split_once(':') else { continue };
        let Some((section, number)) = head.split_once(' ') else { continue };
        let Ok(number) = number.parse::<usize>() else { continue };
        found.ended |= section == "end";
        let at = SECTIONS.iter().position(|s| *s == section);
        let Some(lines) = at.and_then(|at| found.sections.get_mut(at)) else { continue };
        if lines.len() < MAX_LINES {
            lines.insert(number, text.chars().take(MAX_CHARS).collect());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

    #[test]
    fn only_marked_lines_of_the_run_are_taken_each_once() {
        let console = format!(
            "[    0.0] Linux password=hunter2\r\n\
             tidegate-probe {RUN} entropy-avail 1:256 \r\n\
             tidegate-probe {RUN} entropy-avail 1:256 \r\n\
             tidegate-probe other entropy-avail 2:7\n\
             [   9.1] tidegate-probe {RUN} fips-test 1:rngtest: FIPS 140-2 failures: 0\r\n\
             tidegate-probe {RUN} shadow 1:root\n\
             login: "
        );
        let found = read(RUN, &console);
        assert!(!found.ended);
        assert_eq!(
            found.output(),
            json!({"entropy-avail": ["256 "], "fips-test": ["rngtest: FIPS 140-2 failures: 0"]})
        );
        assert!(read(RUN, &format!("{console}\ntidegate-probe {RUN} end 0:\n")).ended);
    }

    #[test]
    fn a_guest_that_floods_its_console_is_cut() {
        let line = |n: usize| format!("tidegate-probe {RUN} fips-test {n}:{}\n", "x".repeat(9999));
        let found = read(RUN, &(0..999).map(line).collect::<String>());
        assert_eq!(found.lines(), MAX_LINES);
        assert!(found.sections[1].values().all(|l| l.chars().count() == MAX_CHARS));
    }

    #[test]
    fn the_script_says_what_the_reader_reads() {
        let dir = tempfile::tempdir().unwrap();
        let tty = dir.path().join("tty");
        std::fs::write(&tty, "").unwrap();
        // A file in the place of the console, and a tool that is always there.
        let tty = tty.to_str().unwrap();
        let script = script(RUN)
            .replace("/dev/console /dev/ttyS0 /dev/hvc0 /dev/ttyAMA0", tty)
            .replace("[ -c", "[ -f")
            .replace(">\"$tty\"", ">>\"$tty\"")
            .replace("if ! command -v rngtest", "if false")
            .replace("command -v rngtest;", "true;")
            .replace("rngtest -c 1000 </dev/random", "echo 'rngtest: FIPS 140-2 failures: 1'");
        let ran = std::process::Command::new("sh").arg("-c").arg(script).status().unwrap();
        assert!(ran.success());
        let found = read(RUN, &std::fs::read_to_string(tty).unwrap());
        assert!(found.ended, "{found:?}");
        assert_eq!(found.output()["fips-test"], json!(["rngtest: FIPS 140-2 failures: 1"]));
        assert_eq!(found.sections[0].len(), 1, "{found:?}");
    }
}
