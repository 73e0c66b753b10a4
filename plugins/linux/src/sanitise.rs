//! Makes text from outside safe to stand in a prompt: it must not pass for somebody else's word.

use std::sync::LazyLock;

use regex_lite::Regex;

/// The longest text of a user that a model is shown, in characters.
const LONGEST: usize = 10_000;

/// What is neutralised, and what stands there instead. A demand to disregard must say whose word or which words: to
/// ignore all debug messages is an honest request.
static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (
            r"(?i)[\[<({]{1,2}[\s/|#*]*(system|admin|administrator|assistant|user|developer)[\s/|#*]*[\])}>]{1,2}",
            "($1)",
        ),
        (r"(?im)^([\s|#*>-]*)(system|admin|administrator|assistant|user|developer)[\s|*]*:", "$1($2)"),
        (
            r"(?i)\b(the\s+)?(user|admin|operator|owner)\s+(has|have)?\s*(already\s+)?(confirmed|approved|authori[sz]ed)\b|\b(already|pre)[\s-]*(confirmed|approved|authori[sz]ed)\b",
            "(a claim of a confirmation, removed)",
        ),
        (
            r"(?i)\b(ignore|disregard|forget|override|bypass)\b[^.]{0,40}\b((previous|prior|above|earlier|system|your)\b[^.]{0,40}\b(instructions?|prompts?|directions?|guidelines?)|(instructions?|prompts?|directions?|guidelines?)\s+(above|before)|you\s+(are|were|have\s+been)\s+(told|given|instructed|asked)(\s+(above|before|earlier|so\s+far))?)\b",
            "(a demand to disregard instructions, removed)",
        ),
    ]
    .into_iter()
    .filter_map(|(pattern, instead)| Some((Regex::new(pattern).ok()?, instead)))
    .collect()
});

/// Tags of the elements that the prompt is made of.
static TAGS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)<(\s*/?\s*(request|earlier_steps|last_step|plan)\b)").ok());

/// The text of a user, cut, neutralised and in an element of this name. An empty text stays empty.
pub fn user_text(name: &str, text: &str) -> String {
    let cut: String = text.chars().take(LONGEST).collect();
    let neutral = RULES.iter().fold(cut, |text, (rule, instead)| rule.replace_all(&text, *instead).into_owned());
    element(name, &neutral)
}

/// Any text in an element that it can neither close by itself nor follow by another.
pub fn element(name: &str, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let inert = TAGS.as_ref().map_or_else(String::new, |tags| tags.replace_all(text, r"<\$1").into_owned());
    format!("<{name}>\n{inert}\n</{name}>")
}
