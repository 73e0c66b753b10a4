//! What may be quoted of what others said: one short line, without secrets and without the query of any URL.

/// Characters that are quoted of what an endpoint said.
const LONGEST: usize = 200;
/// Characters that are shown of a name.
const LONGEST_NAME: usize = 64;
/// Secrets shorter than this are words like `none` or `ollama`, which somebody had to write where a key was asked for.
const SECRET: usize = 8;

/// A name as it can be shown.
pub fn bounded(name: &str) -> String {
    cut(one_line(name, LONGEST_NAME), LONGEST_NAME)
}

/// What an endpoint or a library said, as it can be shown.
pub fn quoted(text: &str, secrets: &[String]) -> String {
    // Before anything is cut: half a secret is one, too.
    let hidden = secrets
        .iter()
        .filter(|secret| secret.len() >= SECRET)
        .fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "[secret]"));
    let line = one_line(&hidden, usize::MAX);
    let words: Vec<_> = line.split(' ').map(without_query).collect();
    cut(words.join(" "), LONGEST)
}

/// Everything that is no visible character becomes one space; some more than `enough` characters will do.
fn one_line(text: &str, enough: usize) -> String {
    let mut line = String::new();
    for word in text.split(|letter: char| letter.is_whitespace() || letter.is_control()).filter(|word| !word.is_empty())
    {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().filter(|letter| !is_invisible(*letter)).take(enough.saturating_add(1)));
        if line.len() > enough.saturating_mul(4) {
            break;
        }
    }
    line
}

/// What would turn a line around or hide in it.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn without_query(word: &str) -> &str {
    match word.find("://").and_then(|scheme| word.get(scheme..)?.find('?').map(|query| scheme + query)) {
        Some(query) => word.get(..query).unwrap_or_default(),
        None => word,
    }
}

fn cut(mut text: String, longest: usize) -> String {
    if let Some((at, _)) = text.char_indices().nth(longest) {
        text.truncate(at);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_short_line() {
        assert_eq!(quoted(" too\r\n\tmany \u{1b}[31mtokens\u{202e}\0 ", &[]), "too many [31mtokens");
        assert_eq!(quoted(&"ä".repeat(201), &[]), "ä".repeat(200) + "…");
        assert_eq!(bounded(&"n".repeat(65)), "n".repeat(64) + "…");
        assert_eq!(bounded(&"n ".repeat(5_000)).chars().count(), 65);
    }

    #[test]
    fn secrets_and_queries_are_left_out() {
        let secrets = ["sk-0123456789".to_owned(), "none".to_owned()];
        assert_eq!(quoted("the key 'sk-0123456789' opens none", &secrets), "the key '[secret]' opens none");
        let long = "x".repeat(195) + "sk-0123456789";
        assert!(!quoted(&long, &secrets).contains("sk-"));
        assert_eq!(quoted("see https://a.b/c?key=d#e for f?", &[]), "see https://a.b/c for f?");
    }
}
