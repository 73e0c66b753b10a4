//! Texts of peers, made fit for logs, refusals and bounded fields.

/// Cuts a text to so many bytes, at a character.
pub fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

/// Cuts a text, says so with an ellipsis that still fits, and takes an owned one as it is where nothing is to be cut.
pub fn shortened(text: String, bytes: usize) -> String {
    if text.len() <= bytes {
        return text;
    }
    let ellipsis = '…';
    let mut short = cut(&text, bytes.saturating_sub(ellipsis.len_utf8())).to_owned();
    short.push(ellipsis);
    short
}

/// A text that a peer chose, fit for one line of a log or a refusal: cut, and without control characters.
pub fn quoted(text: &str, bytes: usize) -> String {
    let shown: String = cut(text, bytes).chars().map(|each| if each.is_control() { ' ' } else { each }).collect();
    if shown.len() < text.len() { format!("{shown}…") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_at_characters() {
        assert_eq!(cut("größer", 3), "gr");
        assert_eq!(cut("größer", 4), "grö");
        assert_eq!(cut("größer", 100), "größer");
        assert_eq!(shortened("0123456789".into(), 8), "01234…");
        assert_eq!(shortened("01234567".into(), 8), "01234567");
        assert_eq!(quoted("a\nb\u{7f}c", 64), "a b c");
        assert_eq!(quoted("abcdef", 3), "abc…");
    }
}
