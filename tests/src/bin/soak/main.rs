//! Strains everything for `SOAK_MINUTES` each: the runtime within this process, the server from outside. Ends with figures,
//! and with an error if something was not as it must be.
//!
//!     make soak
//!     make soak SOAK="server" SOAK_MINUTES=60       # only this part, for an hour

mod runtime;
mod server;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// What there is to strain, in this order.
const PARTS: [&str; 2] = ["runtime", "server"];

#[tokio::main]
async fn main() -> Result<()> {
    let minutes: f64 = std::env::var("SOAK_MINUTES").ok().map_or(Ok(10.0), |minutes| minutes.parse())?;
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let unknown = wanted.iter().find(|part| !PARTS.contains(&part.as_str()));
    ensure!(unknown.is_none(), "there is no part {unknown:?}; there are: {}", PARTS.join(", "));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for part in PARTS.into_iter().filter(|part| wanted.is_empty() || wanted.iter().any(|name| name == part)) {
        println!("\nSoaking: {part}");
        let until = Instant::now() + Duration::from_secs_f64(minutes * 60.0);
        let soaked = match part {
            "runtime" => runtime::soak(&root, until).await,
            _ => server::soak(&root, until).await,
        };
        soaked.with_context(|| format!("the part {part} of the soak"))?;
    }
    Ok(())
}
