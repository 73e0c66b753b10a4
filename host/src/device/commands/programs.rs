//! Which programs a device runs that was not told to run others: programs that tell of the machine, with arguments that
//! only tell. None of them starts another program, changes anything, or gives the content of a file away; contents are for
//! `read_file`, which stays below the root.

/// What a program may be given.
struct Program {
    name: &'static str,
    /// Letters that may follow a dash; any option at all, if there is none.
    letters: Option<&'static str>,
    /// Words that are taken as they stand: long options up to their `=`, and operands where others are not taken.
    words: &'static [&'static str],
    /// Whether it may be given anything else that is no option.
    operands: bool,
}

const fn any(name: &'static str) -> Program {
    Program { name, letters: None, words: &[], operands: true }
}

const fn only(name: &'static str, letters: &'static str, words: &'static [&'static str], operands: bool) -> Program {
    Program { name, letters: Some(letters), words, operands }
}

/// All that is not listed is left out for a reason: `date -f` and `du --files0-from` quote files, `hostname NAME` and
/// `date -s` change the machine, `ps e` shows the environments of processes, with whatever secrets are in there.
const PROGRAMS: &[Program] = &[
    any("arch"),
    any("basename"),
    only("cal", "13jmy", &[], true),
    only("date", "uRI", &["--utc", "--universal", "--rfc-email", "--iso-8601", "--rfc-3339", "-Iseconds"], false),
    any("df"),
    any("dirname"),
    only("du", "abcdhklmsSx", &["--apparent-size", "--max-depth", "--summarize", "--total", "--human-readable"], true),
    any("echo"),
    any("false"),
    only("free", "bkmghtlw", &["--human", "--total", "--mega", "--giga", "--si"], false),
    any("getconf"),
    any("groups"),
    only("hostname", "fsdiIA", &["--fqdn", "--short", "--domain", "--ip-address", "--all-ip-addresses"], false),
    any("id"),
    any("ls"),
    any("lsblk"),
    any("lscpu"),
    any("nproc"),
    only("ps", "AaefFldjTwH", &["aux", "ax", "--sort", "--forest", "--no-headers", "--headers"], false),
    any("pwd"),
    any("readlink"),
    any("realpath"),
    any("seq"),
    any("sleep"),
    any("stat"),
    any("sw_vers"),
    any("true"),
    any("uname"),
    any("uptime"),
    only("vmstat", "asSmdwtn", &[], false),
    only("w", "hsfiou", &[], false),
    only("who", "abdHlmpqrstTu", &["am", "i"], false),
    any("whoami"),
];

/// Programs that may be run: those of the list, with its arguments, and those that were added, with any.
#[derive(Debug, Clone, Default)]
pub struct Allowed {
    added: Vec<String>,
}

impl Allowed {
    /// The list, and these programs in the very words in which they are called.
    pub fn with(added: Vec<String>) -> Self {
        Self { added }
    }

    /// Whether nothing was added.
    pub fn is_plain(&self) -> bool {
        self.added.is_empty()
    }

    /// Whether this may be run; if not, why, and what may.
    pub fn check(&self, words: &[String]) -> Result<(), String> {
        let Some((name, arguments)) = words.split_first() else {
            return Err("The command is empty".into());
        };
        if self.added.contains(name) {
            return Ok(());
        }
        let Some(program) = PROGRAMS.iter().find(|program| program.name == name) else {
            return Err(format!(
                "This device does not run `{name}`. It runs {}. Whoever starts the device can add a program with `--allow \
                 {name}`, or everything with --allow-shell",
                self.names()
            ));
        };
        match arguments.iter().find(|argument| !program.takes(argument)) {
            None => Ok(()),
            Some(argument) => Err(format!(
                "This device does not run `{name}` with `{argument}`{}. Whoever starts the device can allow it with `--allow \
                 {name}`",
                program.taken()
            )),
        }
    }

    /// The names, for people and models.
    pub fn names(&self) -> String {
        let added = self.added.iter().map(String::as_str);
        let mut names: Vec<&str> = PROGRAMS.iter().map(|program| program.name).chain(added).collect();
        names.sort_unstable();
        names.dedup();
        names.join(", ")
    }
}

impl Program {
    fn takes(&self, argument: &str) -> bool {
        let Some(letters) = self.letters else { return true };
        let word = argument.split_once('=').map_or(argument, |(word, _)| word);
        if self.words.contains(&argument) || argument.starts_with("--") && self.words.contains(&word) {
            return true;
        }
        match argument.strip_prefix('-') {
            Some(flags) => !flags.is_empty() && flags.chars().all(|flag| letters.contains(flag)),
            // A format: `date +%s`.
            None => self.operands || self.name == "date" && argument.starts_with('+'),
        }
    }

    /// Which arguments it takes, as the end of a sentence.
    fn taken(&self) -> String {
        let Some(letters) = self.letters else { return String::new() };
        let words: String = self.words.iter().map(|word| format!(", {word}")).collect();
        format!(", only with -{letters}{words}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> Result<(), String> {
        Allowed::with(vec!["git".into(), "/opt/tool".into()]).check(&super::super::words::split(line)?)
    }

    #[test]
    fn programs_that_only_tell_are_run() {
        for line in ["uname -a", "ls -la /", "date +%s", "date -u", "df -h", "free -m", "ps aux --sort=-rss", "ps -ef"]
        {
            assert_eq!(check(line), Ok(()), "{line}");
        }
        for line in ["hostname -f", "du -sh . --max-depth=1", "who am i", "git commit -m x", "/opt/tool --any"] {
            assert_eq!(check(line), Ok(()), "{line}");
        }
    }

    #[test]
    fn what_does_more_is_refused() {
        for line in
            ["date -f /etc/shadow", "date --fil=x", "date -s now", "date 01010101", "date -- x", "hostname evil"]
        {
            assert!(check(line).unwrap_err().contains("does not run `"), "{line}");
        }
        for line in
            ["ps e", "ps auxe", "ps -o environ", "du --files0-from=x", "du -X x", "free -s 1", "who /etc/shadow"]
        {
            assert!(check(line).unwrap_err().contains(" with `"), "{line}");
        }
        for line in ["cat x", "/bin/uname", "./ls", "env ls", "sh -c ls", "find .", "printenv"] {
            let refusal = check(line).unwrap_err();
            assert!(refusal.contains("uname") && refusal.contains("git") && refusal.contains("--allow "), "{refusal}");
        }
        assert_eq!(check(" ").unwrap_err(), "The command is empty");
    }
}
