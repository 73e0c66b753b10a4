//! A command line as words, without a shell.
//!
//! What only a shell would do is refused rather than passed on as it stands: a program that is given `|` as a file name
//! says something that nobody understands.

/// Splits a line into words. Single and double quotes and the backslash take from characters what they mean.
pub fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    // Some once the word has begun; it may be empty, as in `''`.
    let mut word: Option<String> = None;
    let mut characters = line.trim().chars();
    while let Some(character) = characters.next() {
        match character {
            '\n' | '\r' => return Err(only_a_shell("more than one line")),
            space if space.is_whitespace() => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some('\'') => break,
                        Some(other) => word.push(other),
                        None => return Err("The quote ' is not closed".into()),
                    }
                }
            }
            '"' => double_quoted(&mut characters, word.get_or_insert_default())?,
            '\\' => match characters.next() {
                Some(other) => word.get_or_insert_default().push(other),
                None => return Err("There is nothing after the last backslash".into()),
            },
            '|' | ';' | '&' | '<' | '>' | '(' | ')' | '`' | '$' | '*' | '?' | '[' => {
                return Err(only_a_shell(&format!("`{character}`")));
            }
            '~' | '#' if word.is_none() => return Err(only_a_shell(&format!("`{character}`"))),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

fn double_quoted(characters: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), String> {
    loop {
        match characters.next() {
            Some('"') => return Ok(()),
            Some('\\') => match characters.next() {
                Some(escaped @ ('"' | '\\' | '$' | '`')) => word.push(escaped),
                Some(other) => word.extend(['\\', other]),
                None => break,
            },
            Some(meant @ ('$' | '`')) => return Err(only_a_shell(&format!("`{meant}` in double quotes"))),
            Some(other) => word.push(other),
            None => break,
        }
    }
    Err("The quote \" is not closed".into())
}

fn only_a_shell(what: &str) -> String {
    format!(
        "This device runs commands without a shell, and {what} means something to a shell only: quote it if it is meant as \
         it stands, use one plain command for each step, or start the device with --allow-shell"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_take_from_characters_what_they_mean() {
        let cases: [(&str, &[&str]); 8] = [
            ("", &[]),
            ("  uname   -a ", &["uname", "-a"]),
            ("echo 'a | b' \"c; d\"", &["echo", "a | b", "c; d"]),
            (r#"echo a\ b \$HOME "\$HOME \n \"q\"""#, &["echo", "a b", "$HOME", r#"$HOME \n "q""#]),
            ("echo '' \"\"", &["echo", "", ""]),
            ("ls pre'fi'x a~ b#", &["ls", "prefix", "a~", "b#"]),
            ("stat '*'", &["stat", "*"]),
            ("echo größe\tß", &["echo", "größe", "ß"]),
        ];
        for (line, words) in cases {
            assert_eq!(split(line).unwrap(), words, "{line}");
        }
    }

    #[test]
    fn what_only_a_shell_does_is_refused() {
        for line in ["a | b", "a;b", "a & b", "a > b", "a < b", "a $(b)", "echo $HOME", "echo \"$HOME\"", "echo `b`"] {
            assert!(split(line).unwrap_err().contains("without a shell"), "{line}");
        }
        for line in ["ls *.rs", "ls ~", "a\nb", "ls [ab]", "ls a?", "(a)", "a # b"] {
            assert!(split(line).unwrap_err().contains("--allow-shell"), "{line}");
        }
        assert_eq!(split("echo 'a").unwrap_err(), "The quote ' is not closed");
        assert_eq!(split("echo \"a\\\"").unwrap_err(), "The quote \" is not closed");
        assert_eq!(split("echo \\").unwrap_err(), "There is nothing after the last backslash");
    }
}
