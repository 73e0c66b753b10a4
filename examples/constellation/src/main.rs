//! A constellation: it has a small graph of tasks done by several devices, as many at once as can be, and goes on when a
//! device leaves.

mod fleet;
mod graph;
mod schedule;

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use tokio::sync::mpsc;
use tokio::time::timeout;

use fleet::{Assignment, Link, News, Told};
use graph::Graph;
use schedule::{End, Schedule, State};

/// Characters of a result that are shown.
const SHOWN: usize = 100;

/// Has a graph of tasks done by several devices
#[derive(Parser)]
#[command(
    after_help = "Exit code 0: all tasks are done. 1: not all are. 2: the graph or the command line is not understood."
)]
struct CommandLine {
    /// The graph, TOML or JSON
    graph: PathBuf,
    /// The server
    #[arg(long, value_name = "URL", default_value = "ws://localhost:5000/ws")]
    server: String,
    /// The server's key [default: HANGAR_API_KEY]
    #[arg(long)]
    key: Option<String>,
    /// How long is waited for a device when nothing else can go on
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    patience: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    let graph = match Graph::read(&command_line.graph) {
        Ok(graph) => graph,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(2);
        }
    };
    let mut schedule = Schedule::new(graph.clone());
    let worked = tokio::select! {
        worked = work(&command_line, &graph, &mut schedule) => worked,
        _ = tokio::signal::ctrl_c() => {
            eprintln!("interrupted: what runs is cancelled when its connection closes");
            Ok(())
        }
    };
    match worked.and_then(|()| report(&schedule)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn work(command_line: &CommandLine, graph: &Graph, schedule: &mut Schedule) -> Result<()> {
    let patience = Duration::from_secs(command_line.patience);
    let key = command_line.key.clone().or_else(|| std::env::var("HANGAR_API_KEY").ok()).filter(|key| !key.is_empty());
    let (told, mut news) = mpsc::channel(64);
    let mut links = HashMap::new();
    for device in &graph.devices {
        let link = Link {
            url: command_line.server.clone(),
            key: key.clone(),
            constellation: graph.name.clone(),
            device: device.clone(),
        };
        let (assign, assignments) = mpsc::channel(1);
        tokio::spawn(link.keep(assignments, told.clone()));
        links.insert(device.clone(), assign);
    }
    drop(told);
    while !schedule.is_over() {
        for (task, device) in schedule.begin() {
            let Some(spec) = graph.tasks.get(task) else { continue };
            say(&spec.name, &format!("begins on {device}: {}", spec.request))?;
            let (name, request) = (spec.name.clone(), spec.request.clone());
            let assignment = Assignment { task, name, request, patience: Duration::from_secs(spec.timeout) };
            if let Some(link) = links.get(&device) {
                // One that has ended says so itself.
                let _ = link.send(assignment).await;
            }
        }
        // As long as something runs, it will end: its device keeps the time.
        let next = if schedule.is_running() { Ok(news.recv().await) } else { timeout(patience, news.recv()).await };
        match next {
            Ok(Some(told)) => hear(told, graph, schedule)?,
            Ok(None) => schedule.give_up("no device can be reached"),
            Err(_) => schedule.give_up(&format!("no device that can do it came within {} s", command_line.patience)),
        }
    }
    Ok(())
}

fn hear((device, news): Told, graph: &Graph, schedule: &mut Schedule) -> Result<()> {
    match news {
        News::Came { platform } => {
            say(&device, &format!("is there ({})", platform.as_deref().unwrap_or("nobody knows what it runs on")))?;
            schedule.came(&device, platform);
        }
        News::Away { why } => {
            say(&device, &format!("is not there: {why}"))?;
            schedule.left(&device);
        }
        News::Refused { why } => {
            say(&device, &format!("cannot be reached: {why}"))?;
            schedule.left(&device);
        }
        News::Ended { task, end } => {
            let again = schedule.ended(task, &device, &end);
            let name = graph.tasks.get(task).map(|task| task.name.as_str()).unwrap_or_default();
            say(
                name,
                &match end {
                    End::Completed(result) => format!("is done: {result}"),
                    End::Failed(why) => format!("failed: {why}"),
                    End::Left(why) if again => format!("is to be tried again: {why}"),
                    End::Left(why) => format!("failed for good: {why}"),
                },
            )?;
        }
    }
    Ok(())
}

/// A line of progress. The words of devices must not drive the terminal.
fn say(who: &str, what: &str) -> Result<()> {
    let time = jiff::Zoned::now().strftime("%H:%M:%S").to_string();
    let what: String = what.trim().chars().take(SHOWN).map(|each| if each.is_control() { ' ' } else { each }).collect();
    writeln!(io::stdout(), "{time}  {who:<14} {what}").context("nobody reads what is printed")
}

/// What came of it all; whether all is done.
fn report(schedule: &Schedule) -> Result<bool> {
    let mut stdout = io::stdout();
    writeln!(stdout)?;
    let mut all = true;
    for (name, state) in schedule.states() {
        all &= *state == State::Done;
        let word = match state {
            State::Done => "done".to_owned(),
            State::Failed(why) => format!("failed: {why}"),
            State::Skipped(why) => format!("not tried: {why}"),
            State::Waiting => "not begun".to_owned(),
            State::Running => "not finished".to_owned(),
        };
        writeln!(stdout, "{name:<14} {word}")?;
    }
    Ok(all)
}
