//! Makes text from outside safe to stand in a prompt: it must not pass for somebody else's word.

use std::sync::LazyLock;

use regex_lite::Regex;

/// The longest text of a user that a model is shown, in characters.
const LONGEST: usize = 10_000;

/// What is neutralised, and what stands there instead.
static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"(?i)[\[<({]{1,2}\s*/?\s*(system|admin|administrator|assistant|user|developer)\s*[\])}>]{1,2}", "($1)"),
        (r"(?im)^(\s*)(system|admin|administrator|assistant|user|developer)\s*:", "$1($2)"),
        (
            r"(?i)\b(the\s+)?(user|admin|operator|owner)\s+(has|have)?\s*(already\s+)?(confirmed|approved|authori[sz]ed)\b|\b(already|pre)[\s-]*(confirmed|approved|authori[sz]ed)\b",
            "(a claim of a confirmation, removed)",
        ),
        (
            r"(?i)\b(ignore|disregard|forget|override|bypass)\b[^.\n]{0,40}\b(previous|prior|above|earlier|all|any|system|your)\b[^.\n]{0,40}\b(instructions?|prompts?|rules?|messages?|directions?|guidelines?)\b",
            "(a demand to disregard instructions, removed)",
        ),
    ]
    .into_iter()
    .filter_map(|(pattern, instead)| Some((Regex::new(pattern).ok()?, instead)))
    .collect()
});

/// The text of a user, cut, neutralised and in an element of this name. An empty text stays empty.
pub fn user_text(name: &str, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let cut: String = text.chars().take(LONGEST).collect();
    let neutral = RULES.iter().fold(cut, |text, (rule, instead)| rule.replace_all(&text, *instead).into_owned());
    element(name, &neutral)
}

/// Any text in an element that it cannot close by itself.
pub fn element(name: &str, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("<{name}>\n{}\n</{name}>", text.replace(&format!("</{name}"), &format!("<\\/{name}")))
}
