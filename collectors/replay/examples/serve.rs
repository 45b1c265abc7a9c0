//! Serves a generated, recorded or the example cloud until it is stopped.
//!
//! `serve [--resources N | --servers N | --recording DIR | --example] [--seed N]
//! [--tenancy] [--night N] [--changed FRACTION] [--port N] [--config FILE]`
//!
//! Prints the address, and the path of a clouds.yaml with the cloud `example`.
#![allow(clippy::print_stdout, reason = "an example is its own outermost layer")]

use std::path::PathBuf;

use tidegate_replay::{Mix, Recording, Replay, Size, generate};

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        args.iter().position(|a| a == name).and_then(|at| args.get(at + 1)).map(String::as_str)
    };
    let number = |name: &str, default: u64| match value(name) {
        Some(text) => text.parse().map_err(|_| format!("{name}: `{text}` is not a number")),
        None => Ok(default),
    };
    let recording = if args.iter().any(|a| a == "--example") {
        Recording::example()?
    } else if let Some(folder) = value("--recording") {
        Recording::load(&PathBuf::from(folder))?
    } else {
        let servers = number("--servers", 0)?;
        let size = match servers {
            0 => Size::resources(usize::try_from(number("--resources", 1000)?)?),
            n => Size::servers(usize::try_from(n)?),
        };
        let night = u32::try_from(number("--night", 1)?)?;
        let changed = value("--changed").unwrap_or("0.01").parse()?;
        let tenancy = args.iter().any(|a| a == "--tenancy");
        let mix = if tenancy { Mix::Tenancy } else { size.mix };
        generate(number("--seed", 1)?, Size { mix, night, changed, ..size })
    };
    let (items, bytes) = recording.size();
    let replay = Replay::start_on(recording, u16::try_from(number("--port", 0)?)?).await?;
    replay.forget_requests();
    let config = match value("--config") {
        Some(path) => PathBuf::from(path),
        None => {
            std::env::temp_dir().join(format!("tidegate-replay-{}.yaml", replay.address().port()))
        }
    };
    std::fs::write(&config, replay.clouds_yaml())?;
    println!("auth_url {}", replay.auth_url());
    println!("clouds_yaml {}", config.display());
    println!("items {items} bytes {bytes}");
    std::future::pending::<()>().await;
    Ok(())
}
