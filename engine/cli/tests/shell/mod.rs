//! Runs the binary as people do.
#![allow(dead_code, unreachable_pub, reason = "each file of tests uses a part")]

use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A home, a working directory and a store of its own; nothing of the
/// environment comes in.
pub struct Shell {
    pub dir: TempDir,
}

#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Shell {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn run(&self, args: &str) -> Ran {
        self.run_with(args, &[])
    }

    pub fn run_with(&self, args: &str, env: &[(&str, &str)]) -> Ran {
        self.run_args(&args.split_whitespace().collect::<Vec<_>>(), env)
    }

    /// For arguments with blanks in them.
    pub fn run_args(&self, args: &[&str], env: &[(&str, &str)]) -> Ran {
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .env("HOME", self.dir.path())
            .envs(env.iter().copied())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
    }
}

impl Ran {
    /// Ended with this code, nothing on standard output, and these texts on
    /// standard error.
    #[track_caller]
    pub fn refused(&self, code: i32, texts: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        assert!(self.stderr.starts_with("error: "), "{self:?}");
        for text in texts {
            assert!(self.stderr.contains(text), "no `{text}` in {}", self.stderr);
        }
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}
