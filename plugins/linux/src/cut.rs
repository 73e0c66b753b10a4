//! Text of bounded length: what a model or a device says must not use up what a plugin may use.

/// The text, or its first so many characters and a word that there is more.
pub fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((at, _)) => format!("{} (and more)", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
