//! `hangar config`: the configuration as a server would have it.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::Verdict;
use super::screen::{DOUBTFUL, FAINT, STRONG, Screen, plain};
use super::serve_options::ServeOptions;
use crate::config::{Entry, GROUPS, Loaded, Origin};

/// From this column on stands where a value came from.
const COLUMN: usize = 44;

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  hangar config                              what a server would do that is started here
  hangar config --config /etc/hangar.toml    with this file
  hangar config --host 0.0.0.0 --keys k.toml with these flags of `hangar serve`
  hangar config --json | jq '.values[] | select(.origin.from != \"default\")'
  hangar config > hangar.toml                begin a file with all that there is to configure

Behind each value stands where it comes from. What is printed can be a hangar.toml; secrets are not shown in it.

--json prints {\"file\":..,\"values\":[{\"section\":..,\"number\":..,\"key\":..,\"value\":..,\"origin\":{\"from\":\"flag|environment|file|default\", \
\"name\":..,\"line\":..}}],\"warnings\":[..]}. Times and sizes are texts, `number` tells [[inject]] apart, what is not set is null.
Exit code 1: the configuration is wrong; what is wrong with it is told with its place.";

/// What to print, and of which server.
#[derive(Args)]
pub struct ShowConfig {
    #[command(flatten)]
    options: ServeOptions,
    /// Print a line of JSON
    #[arg(long)]
    pub json: bool,
}

/// Prints the effective configuration.
pub fn work(show: &ShowConfig, screen: &mut Screen) -> Result<Verdict> {
    let loaded = show.options.load()?;
    if show.json {
        let values = loaded.entries.iter().map(|entry| {
            let Entry { section, number, origin, .. } = entry;
            let section = section.trim_start_matches('[').trim_end_matches(']');
            json!({ "section": section, "number": number, "key": entry.shown_key(), "value": entry.json(), "origin": origin.json() })
        });
        let values: Vec<_> = values.collect();
        screen.json(&json!({ "file": loaded.file, "values": values, "warnings": loaded.warnings }))?;
    } else {
        print(&loaded, screen)?;
    }
    Ok(Verdict::Ok)
}

fn print(loaded: &Loaded, screen: &mut Screen) -> Result<()> {
    let file = match &loaded.file {
        Some(file) => format!("lines are those of {}", file.display()),
        None => "there is no hangar.toml here".to_owned(),
    };
    writeln!(screen, "{FAINT}# What holds, and behind it where it comes from; {}.{FAINT:#}", plain(&file))?;
    for warning in &loaded.warnings {
        writeln!(screen, "{DOUBTFUL}# Note: {}{DOUBTFUL:#}", plain(warning))?;
    }
    let mut former: Option<(&str, usize)> = None;
    for entry in &loaded.entries {
        let this = (entry.section.as_str(), entry.number);
        if former != Some(this) {
            print_heading(entry, screen)?;
            former = Some(this);
        }
        print_entry(entry, screen)?;
    }
    Ok(())
}

fn print_heading(entry: &Entry, screen: &mut Screen) -> Result<()> {
    let group = GROUPS.iter().find(|group| format!("[{}]", group.name) == entry.section);
    writeln!(screen)?;
    if let Some(group) = group {
        writeln!(screen, "{FAINT}# {}.{FAINT:#}", group.doc)?;
    }
    Ok(writeln!(screen, "{STRONG}{}{STRONG:#}", plain(&entry.section))?)
}

fn print_entry(entry: &Entry, screen: &mut Screen) -> Result<()> {
    writeln!(screen, "{FAINT}# {}{FAINT:#}", entry.doc)?;
    let (text, is_set) = match entry.toml() {
        Some((key, value)) => (format!("{key} = {value}"), true),
        None => (format!("# {} is not set", entry.key), false),
    };
    // What is not shown would be taken at its word by whoever reads this as a file.
    let is_hidden = is_set && entry.json() == "[secret]";
    let text = if is_hidden { format!("# {text}") } else { text };
    let origin = match &entry.origin {
        _ if !is_set => String::new(),
        origin => format!("# {origin}"),
    };
    let style = if entry.origin == Origin::Default { FAINT } else { STRONG };
    let line = format!("{:<COLUMN$} ", plain(&text));
    let line = if origin.is_empty() { line.trim_end() } else { &line };
    Ok(writeln!(screen, "{line}{style}{}{style:#}", plain(&origin))?)
}
