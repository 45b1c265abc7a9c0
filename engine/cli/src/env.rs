//! The one place that reads the environment, the clock and randomness.
//! Everything below is given what it needs.
#![allow(clippy::disallowed_methods, reason = "this is the place they are allowed in")]

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use tidegate_model::{Digest, Salt, Timestamp};

use crate::failure::{Failure, Result};

/// The process's surroundings, read once.
#[derive(Debug, Clone)]
pub(crate) struct Env {
    /// All variables that are valid text.
    pub(crate) vars: BTreeMap<String, String>,
    /// The arguments that are valid text, without the program's name.
    argv: Vec<String>,
    /// The working directory.
    pub(crate) cwd: PathBuf,
    /// Whether standard output is a terminal.
    pub(crate) stdout_is_terminal: bool,
    /// Whether standard error is a terminal.
    pub(crate) stderr_is_terminal: bool,
}

impl Env {
    pub(crate) fn read() -> Self {
        let text = |v: std::ffi::OsString| v.into_string().ok();
        Self {
            vars: std::env::vars_os().filter_map(|(k, v)| Some((text(k)?, text(v)?))).collect(),
            argv: std::env::args_os().skip(1).filter_map(text).collect(),
            cwd: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// The arguments as typed, without the program's name.
    pub(crate) fn argv(&self) -> &[String] {
        &self.argv
    }

    /// A variable that is set and not empty.
    pub(crate) fn var(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }

    /// Where people keep settings: `$XDG_CONFIG_HOME`, or `~/.config`.
    pub(crate) fn config_home(&self) -> Option<PathBuf> {
        let home = || Some(Path::new(self.var("HOME")?).join(".config"));
        self.var("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home)
    }

    /// Where stores live by default: `$XDG_DATA_HOME/tidegate`.
    pub(crate) fn default_store(&self) -> Result<PathBuf> {
        let data = self.var("XDG_DATA_HOME").map(PathBuf::from);
        let data = data.or_else(|| Some(Path::new(self.var("HOME")?).join(".local/share")));
        data.map(|d| d.join("tidegate")).ok_or_else(|| {
            Failure::new(
                "cannot tell where the store is: neither `XDG_DATA_HOME` nor `HOME` is set",
            )
            .hint("name it with --store DIR")
        })
    }
}

impl Env {
    /// Where what can be made anew is kept: `$XDG_CACHE_HOME/tidegate`.
    pub(crate) fn cache(&self) -> Result<PathBuf> {
        let cache = self.var("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| Some(Path::new(self.var("HOME")?).join(".cache")));
        cache.map(|d| d.join("tidegate")).ok_or_else(|| {
            Failure::new("cannot tell where the index of a bucket may be kept")
                .hint("set XDG_CACHE_HOME to a folder that can be written")
        })
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// An endless row of salts. One seed from the operating system, hashed with a
/// counter, so that running out of randomness is told before anything is
/// collected.
///
/// # Errors
/// If the operating system has no randomness to give.
pub(crate) fn salts() -> Result<Box<dyn FnMut() -> Salt + Send>> {
    let mut seed = [0; 40];
    getrandom::fill(&mut seed[..32])
        .map_err(|e| Failure::new(format!("cannot get randomness from the system: {e}")))?;
    let mut count: u64 = 0;
    Ok(Box::new(move || {
        count += 1;
        seed[32..].copy_from_slice(&count.to_le_bytes());
        let digest = Digest::of(&seed).0;
        let mut salt = Salt::default();
        salt.copy_from_slice(&digest[..16]);
        salt
    }))
}
