//! The table: figures, and the aims beside them.

use std::fmt::Display;

use crate::measured::Measured;

/// Prints rows as they come, and remembers how they stand to the aims.
#[derive(Debug, Default)]
pub struct Report {
    missed: Vec<String>,
}

/// What is aimed at, and what was found.
#[derive(Debug)]
pub struct Aim {
    text: String,
    met: bool,
}

impl Aim {
    /// No more than so much of something.
    pub fn most(what: &str, limit: f64, unit: &str, found: f64) -> Self {
        let text = format!("{what} <= {limit} {unit}: {}", number(found));
        Self { text, met: found <= limit }
    }
}

impl Report {
    pub fn begin() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        println!(
            "\n{cores} cores, of which the client, a process of its own, uses one at most. CPU is the server's.\n"
        );
        println!("{:46} {:>9} {:>9} {:>9} {:>9} {:>7}   aim", "", "each s", "CPU µs", "p50 ms", "p99 ms", "client");
        Self::default()
    }

    /// Operations of one kind.
    pub fn operations(&mut self, what: impl Display, measured: &Measured, aim: Option<Aim>) {
        let aim = self.judged(&what, aim);
        println!(
            "{what:46} {:>9} {:>9} {:>9} {:>9} {:>5.0} %   {aim}",
            number(measured.rate()),
            number(measured.server()),
            number(measured.samples.percentile(50)),
            number(measured.samples.percentile(99)),
            measured.client_share(),
        );
    }

    /// Something else, in words.
    pub fn figure(&mut self, what: impl Display, found: impl Display, aim: Option<Aim>) {
        let aim = self.judged(&what, aim);
        println!("{what:46} {found:47}   {aim}");
    }

    /// Says at the end what was missed.
    pub fn verdict(&self) {
        match self.missed.as_slice() {
            [] => println!("\nAll aims are met."),
            missed => println!("\nNot met:\n  {}", missed.join("\n  ")),
        }
    }

    fn judged(&mut self, what: &impl Display, aim: Option<Aim>) -> String {
        let Some(Aim { text, met }) = aim else { return String::new() };
        if met {
            return format!("met      {text}");
        }
        self.missed.push(format!("{what}: {text}"));
        format!("NOT MET  {text}")
    }
}

/// Few digits, whatever the size.
pub fn number(value: f64) -> String {
    let digits = match value.abs() {
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$}")
}
