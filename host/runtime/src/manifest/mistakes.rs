//! Manifests with mistakes, and what is said of each.

use super::Manifest;

/// What is wrong with the manifest of a behaviour in which these lines stand from line 4 on.
fn complaint(lines: &str) -> String {
    let text = format!("id = \"greeter\"\nversion = \"0.1.0\"\nworld = \"behaviour\"\n{lines}");
    Manifest::parse(&text).unwrap_err().to_string()
}

#[test]
fn every_mistake_is_told_with_its_line_and_its_remedy() {
    for (lines, expected) in [
        ("sumary = \"x\"", "line 4: unknown key `sumary`; did you mean `summary`?"),
        ("[limits]\nmemmory = 1", "line 5: unknown key `memmory` in [limits]; did you mean `memory`?"),
        ("[limts]\nmemory = 1", "line 4: unknown key `limts`; did you mean `limits`?"),
        (
            "[capabilities]\nask_user = true",
            "line 5: unknown key `ask_user` in [capabilities]; did you mean `ask-user`?",
        ),
        (
            "[settings.a]\ntype = \"text\"\nqqq = 1",
            "line 6: unknown key `qqq` in [settings.a]; known are `type`, `choices`, `items`, `min`, `max`, `description`, `required` and `default`",
        ),
        ("summary = 5", "line 4: `summary` is an integer; it must be a text"),
        ("platforms = \"linux\"", "line 4: `platforms` is a text; it must be a list of texts"),
        ("platforms = [\"linux\", 5]", "line 4: `platforms` is a list; it must be a list of texts"),
        ("platforms = [\"\"]", "line 4: `platforms` has an empty word"),
        (
            "summary = \"Says\\u001b[31m hello\"",
            "line 4: `summary` has a line break or another control character; write it in one line, without them",
        ),
        (
            "platforms = [\"linux\", \"mac\\u009bos\"]",
            "line 4: `platforms` has a line break or another control character; write it in one line, without them",
        ),
        (
            "[settings.a]\ntype = \"text\"\ndescription = \"How\\nto\"",
            "line 6: `description` in [settings.a] has a line break or another control character; write it in one line, without them",
        ),
        (
            "[settings.a]\ntype = \"text\"\nchoices = [\"b\\u007f\"]",
            "line 6: `choices` in [settings.a] has a line break or another control character; write it in one line, without them",
        ),
        (
            "[capabilities]\nmodels = [\"a\", \"b\\n[plugins.other.grants]\"]",
            "line 5: `models` in [capabilities] has `b[plugins.other.grants]` with control characters, which no name has",
        ),
        ("capabilities = true", "line 4: `capabilities` is a boolean; it must be a table"),
        ("kinds = [\"chat\"]", "line 4: `kinds` is for a handler; this plugin is a behaviour"),
        ("mode = \"own\"", "line 4: `mode` is for a handler; this plugin is a behaviour"),
        (
            "component = \"../x.wasm\"",
            "line 4: `component` must be the name of a file beside plugin.toml, without a path",
        ),
        (
            "component = \"a\\\\b.wasm\"",
            "line 4: `component` must be the name of a file beside plugin.toml, without a path",
        ),
        ("component = \"x.wat\"", "line 4: `component` must be the name of a file that ends in `.wasm`"),
        ("component = \".wasm\"", "line 4: `component` must be the name of a file that ends in `.wasm`"),
        (
            "[capabilities]\nstore = \"yes\"",
            "line 5: `store` in [capabilities] is a text; it must be `true` or `false`",
        ),
        (
            "[capabilities]\nmodels = [\"\"]",
            "line 5: `models` in [capabilities] has an empty name; `*` stands for all names",
        ),
        (
            "[capabilities]\nhost-tools = [\"*.web\"]",
            "line 5: `host-tools` in [capabilities] has `*.web`; a `*` may stand only at the end",
        ),
        (
            "[capabilities]\ndelegate = [\"devise\"]",
            "line 5: `delegate` in [capabilities] has `devise`, which is none; did you mean `device`?",
        ),
        (
            "[capabilities]\ndelegate = [\"zz*\"]",
            "line 5: `delegate` in [capabilities] has `zz*`, which is none; there are `device`, `agent` and `extension`",
        ),
        ("[capabilities]\ndirectory = true", "line 5: `directory` in [capabilities] means nothing for a behaviour"),
        ("[capabilities]\nverdicts = [\"deny\"]", "line 5: `verdicts` in [capabilities] means nothing for a behaviour"),
        (
            "[limits]\nmemory = \"64 MB\"",
            "line 5: `memory` in [limits] is `64 MB`; it must be a size such as \"64 MiB\" (KiB, MiB or GiB), or a number of bytes above 0",
        ),
        (
            "[limits]\nmemory = 0",
            "line 5: `memory` in [limits] is 0; it must be a size such as \"64 MiB\" (KiB, MiB or GiB), or a number of bytes above 0",
        ),
        (
            "[limits]\nmemory = true",
            "line 5: `memory` in [limits] is a boolean; it must be a size such as \"64 MiB\" (KiB, MiB or GiB), or a number of bytes above 0",
        ),
        (
            "[limits]\ncpu-per-step = 200",
            "line 5: `cpu-per-step` in [limits] is 200; it must be a time above 0 such as \"200 ms\" or \"2 s\"",
        ),
        ("[limits]\nlog-lines = -1", "line 5: `log-lines` in [limits] is -1; it must be an integer above 0"),
        ("[limits]\nlog-lines = \"many\"", "line 5: `log-lines` in [limits] is `many`; it must be an integer above 0"),
        ("settings.a = 5", "line 4: `a` in [settings] is an integer; it must be a table"),
        (
            "[settings.\"a b\"]\ntype = \"text\"",
            "line 4: `a b` in [settings] must have a name of at most 64 letters, digits, `-` and `_`",
        ),
        (
            "[settings.a]\ndefault = 1",
            "line 4: a setting needs a `type`: `text`, `integer`, `number`, `boolean`, `list` or `table`",
        ),
        (
            "[settings.a]\ntype = \"int\"",
            "line 5: `type` in [settings.a] is `int`; it must be `text`, `integer`, `number`, `boolean`, `list` or `table`; did you mean `integer`?",
        ),
        ("[settings.a]\ntype = \"text\"\ndefault = 5", "line 6: `default` in [settings.a] must be a text, not 5"),
        (
            "[settings.a]\ntype = \"text\"\ndefault = \"b\"\nchoices = [\"c\", \"d\"]",
            "line 6: `default` in [settings.a] must be `c` or `d`, not `b`",
        ),
        (
            "[settings.a]\ntype = \"text\"\nchoices = []",
            "line 6: `choices` in [settings.a] is empty, so that nothing could be chosen",
        ),
        (
            "[settings.a]\ntype = \"integer\"\nmin = 3\ndefault = 2",
            "line 7: `default` in [settings.a] must be at least 3, not 2",
        ),
        (
            "[settings.a]\ntype = \"number\"\nmax = 0.5\ndefault = 1",
            "line 7: `default` in [settings.a] must be at most 0.5, not 1",
        ),
        ("[settings.a]\ntype = \"integer\"\nmin = 0.5", "line 6: `min` in [settings.a] must be an integer"),
        ("[settings.a]\ntype = \"integer\"\nmin = 5\nmax = 4", "line 6: `min` in [settings.a] is above `max`"),
        (
            "[settings.a]\ntype = \"integer\"\ndefault = 1.0",
            "line 6: `default` in [settings.a] must be an integer, not 1.0",
        ),
        ("[settings.a]\ntype = \"boolean\"\nmin = 1", "line 6: `min` in [settings.a] means nothing for a boolean"),
        (
            "[settings.a]\ntype = \"table\"\nitems = \"text\"",
            "line 6: `items` in [settings.a] means nothing for a table",
        ),
        (
            "[settings.a]\ntype = \"list\"\nitems = \"list\"",
            "line 6: `items` in [settings.a] is `list`; it must be `text`, `integer`, `number`, `boolean` or `table`",
        ),
        (
            "[settings.a]\ntype = \"list\"\ndefault = [1]",
            "line 6: `default` in [settings.a] has an item 0 that must be a text, not 1",
        ),
        (
            "[settings.a]\ntype = \"table\"\ndefault = { at = 2026-01-01 }",
            "line 6: `default` in [settings.a] has a date; write it as a text, in quotes",
        ),
        (
            "[settings.a]\ntype = \"number\"\ndefault = nan",
            "line 6: `default` in [settings.a] has a number that is not finite",
        ),
        (
            "[settings.a]\ntype = \"text\"\ndefault = \"b\"\nrequired = true",
            "line 6: `default` in [settings.a] goes not together with `required = true`: drop one of them",
        ),
        ("id = \"again\"", "line 4: this is no TOML: duplicate key"),
        ("summary = ", "line 4: this is no TOML: string values must be quoted, expected literal string"),
    ] {
        assert_eq!(complaint(lines), expected, "{lines}");
    }
}

#[test]
fn a_file_full_of_mistakes_is_told_in_few_words() {
    let no_toml: String = (0..15_000).map(|_| "\u{1}= \n").collect();
    let unknown: String = (0..9_000).map(|at| format!("k{at}=1\n")).collect();
    let long: String = (0..60).map(|at| format!("{}{at} = 1\n", "k".repeat(1_000))).collect();
    let deep = format!("x = {}{}", "[".repeat(30_000), "]".repeat(30_000));
    let begin = std::time::Instant::now();
    for lines in [no_toml, unknown, long, deep] {
        assert!(lines.len() > 50_000);
        let text = complaint(&lines);
        assert!(text.len() < 10_000 && text.lines().count() <= 21, "{text}");
    }
    assert!(begin.elapsed().as_secs() < 20, "{:?}", begin.elapsed());
}
