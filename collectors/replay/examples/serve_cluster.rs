//! Serves a generated Kubernetes cluster, or the bundled one, until it is stopped.
//!
//! `serve_cluster [--pods N] [--nodes N] [--seed N] [--port N] [--config FILE]`
//!
//! Prints the address, and the path of a kubeconfig for it.
#![allow(clippy::print_stdout, reason = "an example is its own outermost layer")]

use std::path::PathBuf;

use tidegate_replay::kubernetes::{Cluster, KubeReplay, generate};

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        args.iter().position(|a| a == name).and_then(|at| args.get(at + 1)).map(String::as_str)
    };
    let number = |name: &str, default: usize| match value(name) {
        Some(text) => text.parse().map_err(|_| format!("{name}: `{text}` is not a number")),
        None => Ok(default),
    };
    let cluster = match number("--pods", 0)? {
        0 => Cluster::example()?,
        pods => generate(u64::try_from(number("--seed", 1)?)?, pods, number("--nodes", 3)?)?,
    };
    let replay = KubeReplay::start(cluster, u16::try_from(number("--port", 0)?)?).await?;
    replay.forget_requests();
    let config = match value("--config") {
        Some(path) => PathBuf::from(path),
        None => {
            let port = replay.url().rsplit(':').next().unwrap_or_default().to_owned();
            std::env::temp_dir().join(format!("tidegate-replay-{port}.kubeconfig"))
        }
    };
    std::fs::write(&config, replay.kubeconfig())?;
    println!("server {}", replay.url());
    println!("kubeconfig {}", config.display());
    std::future::pending::<()>().await;
    Ok(())
}
