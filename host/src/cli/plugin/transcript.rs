//! What happens while a script is played, printed as it happens: for people, or a JSON object in each line.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use hangar_runtime::contract::actions::{Action, ActionBody};
use hangar_runtime::contract::events::{Event, EventBody};
use hangar_runtime::contract::messages::{Envelope, Verdict};
use hangar_runtime::contract::values::Failure;
use hangar_runtime::journal::{Divergence, FaultEntry};
use hangar_runtime::script::{Answer, Check, Told, Turn};
use hangar_runtime::{Fault, Level, Plugin, Step};

use super::json_lines::{Differing, Line};
use super::loading::Loaded;
use super::log_lines::word;
use super::remedies::{remedy, remedy_of};
use super::shown::{cut, shown, shown_whole};
use crate::cli::screen::{BAD, DOUBTFUL, FAINT, GOOD, STRONG, Screen, plain};

/// Prints what happens, and keeps in mind what the run waits for.
pub struct Transcript<'a> {
    screen: &'a mut Screen,
    json: bool,
    is_run: bool,
    waits_for: BTreeMap<u32, String>,
    over: bool,
}

impl<'a> Transcript<'a> {
    /// Begins with what is played, and what a host would not grant it.
    pub fn begin(
        screen: &'a mut Screen,
        json: bool,
        loaded: &Loaded,
        script: &Path,
        is_configured: bool,
    ) -> io::Result<Self> {
        let is_run = matches!(loaded.plugin, Plugin::Behaviour(_));
        let (id, world, not_granted) = (loaded.files.id(), loaded.plugin.outline().world.name(), &loaded.not_granted);
        let version = loaded.files.manifest.as_ref().map(|manifest| manifest.version.to_string()).unwrap_or_default();
        if json {
            screen.json(&Line::Plugin { id: &id, version, world, not_granted })?;
        } else {
            let version = if version.is_empty() { version } else { format!(" {version}") };
            writeln!(screen, "{STRONG}{id}{STRONG:#}{version} ({world}) plays {}", script.display())?;
            if !not_granted.is_empty() {
                let host = if is_configured { "this configuration" } else { "a host that is not configured" };
                let missing = not_granted.in_words();
                writeln!(screen, "{DOUBTFUL}note:{DOUBTFUL:#} {host} does not grant {missing}")?;
            }
        }
        Ok(Self { screen, json, is_run, waits_for: BTreeMap::new(), over: false })
    }

    /// A remark, for people only.
    pub fn remark(&mut self, text: &str) -> io::Result<()> {
        if self.json { Ok(()) } else { writeln!(self.screen, "{text}") }
    }

    /// All of one turn: what was told, logged and answered, and how it compares.
    pub fn turn(&mut self, turn: &Turn<'_>, log: &[(Level, String)]) -> io::Result<()> {
        let envelopes = match &turn.cue.told {
            Told::Event(event) => {
                self.event(event)?;
                [].as_slice()
            }
            Told::Move { time_ms } => {
                self.moving(*time_ms)?;
                [].as_slice()
            }
            Told::Envelopes { envelopes, .. } => {
                self.envelopes(envelopes)?;
                envelopes
            }
        };
        self.misfit(turn.misfit.as_deref())?;
        self.log(log)?;
        match &turn.outcome {
            Ok(Answer::Step(step)) => self.step(step)?,
            Ok(Answer::Verdicts(verdicts)) => self.verdicts(envelopes, verdicts)?,
            Ok(Answer::Moved(bytes)) => self.moved(*bytes)?,
            Ok(Answer::Stayed(why)) => self.stayed(why, turn.failed())?,
            Err(fault) => self.fault(fault)?,
        }
        self.check(turn)
    }

    /// What the run is told.
    pub fn event(&mut self, event: &Event) -> io::Result<()> {
        if !matches!(event.body, EventBody::ChildUpdate(_)) {
            self.waits_for.remove(&event.token);
        }
        if self.json {
            return self.screen.json(&Line::Event(event));
        }
        let answers = if event.token == 0 { String::new() } else { format!("[{}] ", event.token) };
        writeln!(self.screen, "{STRONG}-->{STRONG:#} {} {answers}{}", event.seq, shown(&event.body))
    }

    fn moving(&mut self, time_ms: u64) -> io::Result<()> {
        if self.json {
            return self.screen.json(&Line::Move { time_ms });
        }
        writeln!(self.screen, "{STRONG}-->{STRONG:#} move")
    }

    fn moved(&mut self, bytes: usize) -> io::Result<()> {
        if self.json {
            return self.screen.json(&Line::Moved { bytes });
        }
        writeln!(self.screen, "{STRONG}<--{STRONG:#} moved, with {bytes} bytes")
    }

    fn stayed(&mut self, why: &Failure, is_wrong: bool) -> io::Result<()> {
        if self.json {
            return self.screen.json(&Line::Stayed(why));
        }
        let Failure { code, text, .. } = why;
        let style = if is_wrong { BAD } else { STRONG };
        writeln!(self.screen, "{style}<--{style:#} stays ({}): {}", plain(code), plain(text))
    }

    /// Why no host would tell a run this.
    fn misfit(&mut self, misfit: Option<&str>) -> io::Result<()> {
        match misfit {
            None => Ok(()),
            Some(text) if self.json => self.screen.json(&Line::Misfit(text)),
            Some(text) => writeln!(self.screen, "    {BAD}does not fit:{BAD:#} {text}"),
        }
    }

    /// What the plugin wrote to its log meanwhile.
    pub fn log(&mut self, lines: &[(Level, String)]) -> io::Result<()> {
        for (level, line) in lines {
            let level = word(*level);
            if self.json {
                self.screen.json(&Line::Log { level, line })?;
            } else {
                writeln!(self.screen, "    {FAINT}{level}: {line}{FAINT:#}")?;
            }
        }
        Ok(())
    }

    /// What a run answers.
    pub fn step(&mut self, step: &Step) -> io::Result<()> {
        for (action, refused) in step.answers() {
            self.action(action, refused)?;
        }
        self.over |= step.ends();
        Ok(())
    }

    /// How a call ended that went wrong.
    pub fn fault(&mut self, fault: &Fault) -> io::Result<()> {
        self.recorded_fault(&FaultEntry { code: fault.code().to_owned(), text: fault.to_string() })
    }

    /// How a run ended that was replayed, as its journal has it.
    pub fn recorded_fault(&mut self, fault: &FaultEntry) -> io::Result<()> {
        self.over = true;
        if self.json {
            return self.screen.json(&Line::Fault(fault));
        }
        let FaultEntry { code, text } = fault;
        writeln!(self.screen, "{BAD}<-- fault {}:{BAD:#} {}", plain(code), plain(text))?;
        match remedy(code) {
            "" => Ok(()),
            remedy => writeln!(self.screen, "    {STRONG}fix:{STRONG:#} {remedy}"),
        }
    }

    /// Whether a replay answered otherwise than its journal.
    pub fn divergence(&mut self, divergence: Option<&Divergence>) -> io::Result<()> {
        match divergence {
            Some(divergence) if self.json => {
                self.screen.json(&Line::Divergence { seq: divergence.seq(), text: divergence.to_string() })
            }
            None if self.json => Ok(()),
            Some(divergence) => writeln!(self.screen, "{BAD}diverges:{BAD:#} {divergence}"),
            None => writeln!(self.screen, "{GOOD}answers as the journal says{GOOD:#}"),
        }
    }

    /// Says whether the run is over, and what it waits for if it is not. A handler has no end.
    pub fn end(&mut self, ok: bool) -> io::Result<()> {
        if self.json {
            let waits_for = self.waits_for.keys().copied().collect();
            return self.screen.json(&Line::End { ok, over: self.over, waits_for });
        }
        if !self.is_run {
            return Ok(());
        }
        let waits_for: Vec<String> =
            self.waits_for.iter().map(|(token, action)| format!("{action} [{token}]")).collect();
        let text = match (self.over, waits_for.is_empty()) {
            (true, _) => "the run is over".to_owned(),
            (false, true) => "the run is not over and waits for nothing that it asked for".to_owned(),
            (false, false) => format!("the run is not over: it waits for the answer to {}", waits_for.join(", ")),
        };
        writeln!(self.screen, "{FAINT}==={FAINT:#} {text}")
    }

    fn envelopes(&mut self, envelopes: &[Envelope]) -> io::Result<()> {
        if self.json {
            return self.screen.json(&Line::Envelopes(envelopes));
        }
        for envelope in envelopes {
            let Envelope { id, kind, sender, body, .. } = envelope;
            let line = cut(format!("{id} {kind} from {} {body}", sender.id));
            writeln!(self.screen, "{STRONG}-->{STRONG:#} {line}")?;
        }
        Ok(())
    }

    fn action(&mut self, action: &Action, refused: Option<&Failure>) -> io::Result<()> {
        if action.token != 0 {
            self.waits_for.insert(action.token, name(&action.body));
        }
        if let ActionBody::CancelAction(token) = &action.body {
            self.waits_for.remove(token);
        }
        if self.json {
            return self.screen.json(&Line::Action { action, refused });
        }
        let token = if action.token == 0 { String::new() } else { format!("[{}] ", action.token) };
        // Why it failed is what its author wants to know.
        let is_failure = matches!(action.body, ActionBody::Fail(_));
        let body = if is_failure { shown_whole(&action.body) } else { shown(&action.body) };
        writeln!(self.screen, "{STRONG}<--{STRONG:#} {token}{body}")?;
        match refused {
            Some(why) => writeln!(self.screen, "    {BAD}refused{BAD:#} ({}): {}", why.code, why.text),
            None => Ok(()),
        }
    }

    fn verdicts(&mut self, envelopes: &[Envelope], verdicts: &[Verdict]) -> io::Result<()> {
        for (envelope, verdict) in envelopes.iter().zip(verdicts) {
            if self.json {
                self.screen.json(&Line::Verdict { verdict, on: &envelope.id })?;
            } else {
                writeln!(self.screen, "{STRONG}<--{STRONG:#} {} {}", envelope.id, shown(verdict))?;
            }
        }
        Ok(())
    }

    fn check(&mut self, turn: &Turn<'_>) -> io::Result<()> {
        let (expected, differences) = match &turn.check {
            Check::Unchecked => return Ok(()),
            Check::Met => (true, [].as_slice()),
            Check::Missed(differences) => (false, differences.as_slice()),
        };
        if self.json {
            let differences = differences.iter().map(Differing::from).collect();
            return self.screen.json(&Line::Expected { expected, differences });
        }
        if expected {
            return writeln!(self.screen, "    {GOOD}as expected{GOOD:#}");
        }
        // A fault or a refusal that nobody expected speaks for itself.
        let told = if turn.cue.expected.is_none() { [].as_slice() } else { differences };
        for difference in told {
            writeln!(self.screen, "    {BAD}not as expected:{BAD:#} {difference}")?;
        }
        match remedy_of(turn) {
            Some(remedy) if turn.outcome.is_ok() => writeln!(self.screen, "    {STRONG}fix:{STRONG:#} {remedy}"),
            _ => Ok(()),
        }
    }
}

/// The case of an action.
fn name(body: &ActionBody) -> String {
    shown(body).split(' ').next().unwrap_or_default().to_owned()
}
