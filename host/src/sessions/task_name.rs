//! Names of tasks. They come from outside and may become names of files.

/// The longest name that is kept as it is, in bytes; a file could not be called more.
const LONGEST: usize = 200;

/// Whether a name can be used as it is: letters, digits, `.`, `_` and `-`, and no dot at its beginning.
pub fn is_safe(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST && !name.starts_with('.') && name.chars().all(is_kept)
}

/// The name with `_` for everything else, and without dots at its beginning; a fresh one if nothing is left of it.
pub fn made_safe(name: &str) -> String {
    let safe: String = name.chars().map(|each| if is_kept(each) { each } else { '_' }).collect();
    let safe = safe.trim_start_matches('.');
    match safe.get(..LONGEST).unwrap_or(safe) {
        "" => fresh(),
        safe => safe.to_owned(),
    }
}

/// A name that nobody has used.
pub fn fresh() -> String {
    uuid::Uuid::new_v4().to_string()
}

const fn is_kept(each: char) -> bool {
    each.is_ascii_alphanumeric() || matches!(each, '.' | '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_protocol_are_made_safe() {
        for (name, safe) in [
            ("galaxy/acc/task_1", "galaxy_acc_task_1"),
            ("../x/y", "_x_y"),
            (r"C:\e", "C__e"),
            ("plain-1.2", "plain-1.2"),
            ("/abs", "_abs"),
            ("..%2f", "_2f"),
            ("über", "_ber"),
        ] {
            assert_eq!(made_safe(name), safe);
            assert!(is_safe(&made_safe(name)));
        }
        assert_eq!(made_safe("..").len(), 36);
        assert_eq!(made_safe(&"x".repeat(1_000)).len(), LONGEST);
    }

    #[test]
    fn what_could_be_a_path_is_not_safe() {
        for name in ["", ".", "..", ".x", "a/b", r"a\b", "C:", "a b", "é", &"x".repeat(LONGEST + 1)] {
            assert!(!is_safe(name), "{name}");
        }
        assert!(is_safe("a..b") && is_safe("A-Z_0.9"));
    }

    proptest::proptest! {
        #[test]
        fn whatever_it_was_it_is_safe_then(name in "\\PC*") {
            assert!(is_safe(&made_safe(&name)));
        }
    }
}
