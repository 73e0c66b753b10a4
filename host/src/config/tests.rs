//! The configuration as a whole: which source wins, where values came from, and what is told of mistakes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;

/// A folder with a hangar.toml, and what is loaded there.
struct Stage {
    folder: tempfile::TempDir,
}

impl Stage {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("hangar.toml"), text).unwrap();
        fs::create_dir(folder.path().join("plugins")).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn loader(&self, flags: &[(&'static str, &str)], variables: &[(&str, &str)]) -> Loader {
        let mut flags: Vec<_> = flags.iter().map(|(flag, value)| (*flag, (*value).to_owned())).collect();
        flags.push(("--plugins", self.path("plugins").display().to_string()));
        flags.push(("--state", self.path("state").display().to_string()));
        let environment = Environment::of(variables.iter().copied());
        Loader::new(flags, Some(&self.path("hangar.toml")), environment)
    }

    fn load(&self, flags: &[(&'static str, &str)], variables: &[(&str, &str)]) -> Result<Loaded, String> {
        let loaded = self.loader(flags, variables).load();
        loaded.map_err(|error| error.to_string().replace(&format!("{}/", self.folder.path().display()), ""))
    }
}

fn origin<'l>(loaded: &'l Loaded, section: &str, key: &str) -> &'l Origin {
    &loaded.entries.iter().find(|entry| entry.section == section && entry.key == key).unwrap().origin
}

#[test]
fn the_command_line_wins_over_the_environment_over_the_file() {
    let stage = Stage::new("[server]\nport = 1\nhost = \"127.0.0.2\"\ndrain = \"1 s\"\nlocal = true\n");
    let loaded = stage.load(&[("--port", "3")], &[("HANGAR_PORT", "2"), ("HANGAR_HOST", "localhost")]).unwrap();
    let server = &loaded.config.server;
    assert_eq!((server.port, server.host.to_string().as_str(), server.local), (3, "127.0.0.1", true));
    assert_eq!(server.drain, Duration::from_secs(1));
    for (key, expected) in [
        ("port", Origin::Flag("--port")),
        ("host", Origin::Environment("HANGAR_HOST".into())),
        ("drain", Origin::File(4)),
        ("local", Origin::File(5)),
        ("poll", Origin::Default),
    ] {
        assert_eq!(origin(&loaded, "[server]", key), &expected, "{key}");
    }
    let off = stage.load(&[], &[("HANGAR_LOCAL", "no")]).unwrap();
    assert!(!off.config.server.local, "a variable can switch off what the file switches on");
    let empty = stage.load(&[], &[("HANGAR_LOCAL", "")]).unwrap();
    assert!(empty.config.server.local, "an empty one says nothing");
}

#[test]
fn every_value_can_be_said_and_is_shown_as_it_is_said() {
    for group in GROUPS {
        for setting in group.settings {
            let draft = Draft::default();
            let given = (setting.get)(&draft);
            let mut other = draft.clone();
            (setting.set)(&mut other, &given);
            assert_eq!((setting.get)(&other), given, "{}.{}", group.name, setting.key);
            let Some(value) = setting.kind.toml(&given) else { continue };
            let text = format!("[{}]\n{} = {value}\n", group.name, setting.key);
            let file = HangarToml::parse(&text, Path::new("")).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(file.said.len(), 1, "{text}");
            assert_eq!(file.said[0].1.given, given, "{text}");
        }
    }
}

#[test]
fn every_setting_lands_where_it_belongs() {
    // Whatever is set to another value than before must show at itself, and at nothing else.
    for group in GROUPS {
        for setting in group.settings {
            let before = Draft::default();
            let other = match (setting.kind, (setting.get)(&before)) {
                (Kind::Word(words), Given::Text(text)) => {
                    Given::Text(words.iter().find(|word| **word != text).unwrap().to_string())
                }
                (Kind::Word(words), _) => Given::Text(words[0].to_owned()),
                (_, Given::Number(number)) => Given::Number(number + 1),
                (_, Given::Switch(switch)) => Given::Switch(!switch),
                (Kind::Time(_) | Kind::Seconds | Kind::Number(..) | Kind::Bytes(_), _) => Given::Number(1_000),
                (Kind::Secret { .. }, _) => Given::Secret(SecretSource::Environment("X".into())),
                (_, Given::Texts(_)) => Given::Texts(vec!["x".into()]),
                (_, Given::Numbers(_)) => Given::Numbers([("linux".to_owned(), 2)].into()),
                (_, Given::Lists(_)) => Given::Lists([("task".to_owned(), vec!["x".to_owned()])].into()),
                (_, Given::Text(_)) if setting.key == "host" => Given::Text("10.0.0.1".into()),
                _ => Given::Text("elsewhere".into()),
            };
            let mut after = before.clone();
            (setting.set)(&mut after, &other);
            for (of, any) in GROUPS.iter().flat_map(|of| of.settings.iter().map(move |any| (of, any))) {
                let is_it = of.name == group.name && any.key == setting.key;
                let expected = if is_it { other.clone() } else { (any.get)(&before) };
                assert_eq!((any.get)(&after), expected, "{}.{} by {}", of.name, any.key, setting.key);
            }
        }
    }
}

#[test]
fn no_two_settings_have_the_same_variable() {
    let mut names: Vec<String> = GROUPS
        .iter()
        .flat_map(|group| group.settings.iter().filter_map(|setting| variable(group.name, setting)))
        .collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    for known in ["HANGAR_PORT", "HANGAR_API_KEY", "HANGAR_KEYS", "HANGAR_SESSIONS_TAKE_UP", "HANGAR_DEVICE_METADATA"] {
        assert!(names.iter().any(|name| name == known), "{known}");
    }
}

#[test]
fn mistakes_in_the_file_are_told_with_line_and_key() {
    for (text, expected) in [
        ("[sever]", "line 1: unknown key `sever`; did you mean `server`?"),
        ("server = 1", "line 1: `server` is an integer; it must be a table"),
        ("[server]\nprot = 1", "line 2: unknown key `prot` in [server]; did you mean `port`?"),
        ("[server]\nport = 70000", "line 2: `port` in [server] is 70000; it must be an integer from 0 to 65535"),
        ("[server]\nport = \"80\"", "line 2: `port` in [server] is `80`; it must be an integer from 0 to 65535"),
        (
            "[server]\nhost = \"my-host\"",
            "line 2: `host` in [server] is `my-host`; it must be an address of this machine such as `127.0.0.1`, or `0.0.0.0` for all of them",
        ),
        ("[server]\nlocal = \"yes\"", "line 2: `local` in [server] is `yes`; it must be `true` or `false`"),
        ("[server]\nplugins = \"\"", "line 2: `plugins` in [server] is ``; it must be a path"),
        ("[server]\ncache = true", "line 2: `cache` in [server] is a boolean; it must be a path, or `false` for none"),
        (
            "[server]\npoll = 4000",
            "line 2: `poll` in [server] is 4000; it must be a time from 0.1 s to 3600 s, such as \"2 s\", or a number of seconds",
        ),
        (
            "[server]\nallowed-hosts = [\"https://a.example\"]",
            "line 2: `allowed-hosts` in [server] has `https://a.example`, which is no name such as `hangar.example`; leave out scheme, port and path",
        ),
        (
            "[server]\nallowed-origins = [\"a.example\"]",
            "line 2: `allowed-origins` in [server] has `a.example`, which is no origin such as `https://console.example`, or `http://localhost:3000` with a port",
        ),
        (
            "[server]\nallowed-origins = \"*\"",
            "line 2: `allowed-origins` in [server] is `*`; it must be a list of at most 1000 texts",
        ),
        (
            "[server]\ndrain = 10",
            "line 2: `drain` in [server] is 10; it must be a time such as \"200 ms\" or \"2 s\", above 0 and at most a year",
        ),
        (
            "[keys]\napi-key = \"a\"\napi-key-env = \"B\"",
            "line 3: `api-key-env` in [keys] is one too many; give only one of `api-key`, `api-key-env` and `api-key-file`",
        ),
        (
            "[keys]\napi-key = \"\"",
            "line 2: `api-key` in [keys] is empty; write there what it is, or leave the key out",
        ),
        (
            "[keys]\nno-auth = \"please\"",
            "line 2: `no-auth` in [keys] is `please`; it must be `true`, `false` or \"force\"",
        ),
        (
            "[devices]\nplatform = \"linx\"",
            "line 2: `platform` in [devices] is `linx`; it must be `windows`, `linux`, `mobile` or `macos`; did you mean `linux`?",
        ),
        (
            "[handlers]\norder = [\"Guard\"]",
            "line 2: `order` in [handlers] has `Guard`, which is no id of a plugin; it has lower-case letters, digits and `-`",
        ),
        (
            "[handlers.required]\ncomand = [\"guard\"]",
            "line 1: `required` in [handlers] has `comand`, which is none; did you mean `command`?",
        ),
        (
            "[handlers.required]\ncommand = \"guard\"",
            "line 1: `required` in [handlers] has `guard` for `command`; it must be a list of texts",
        ),
        ("[sessions]\nlive = 0", "line 2: `live` in [sessions] is 0; it must be an integer above 0"),
        (
            "[sessions.parallel]\nlinux = 0",
            "line 1: `parallel` in [sessions] has 0 for `linux`; it must be an integer above 0",
        ),
        ("[sessions]\ntake_up = \"1 s\"", "line 2: unknown key `take_up` in [sessions]; did you mean `take-up`?"),
        (
            "[connections]\nsilence = \"39 s\"",
            "line 2: `silence` in [connections] is `39 s`; it must be a time such as \"40 s\", and no shorter than that",
        ),
        (
            "[connections]\nlarge-frames-bytes = \"1 MiB\"",
            "line 2: `large-frames-bytes` in [connections] is `1 MiB`; it must be a size such as \"100 MiB\" (KiB, MiB or GiB), and no smaller than that",
        ),
        (
            "[connections]\nmessages-per-second = -1",
            "line 2: `messages-per-second` in [connections] is -1; it must be an integer from 0 to 4294967295",
        ),
        (
            "[log]\nlevel = \"WARN\"",
            "line 2: `level` in [log] is `WARN`; it must be `DEBUG`, `INFO`, `WARNING`, `ERROR`, `CRITICAL` or `OFF`",
        ),
        ("[models.a]\nmodl = \"x\"", "line 2: unknown key `modl` in [models.a]; did you mean `model`?"),
        (
            "[models.a]\nbase-url = \"example.org/v1\"",
            "line 2: `base-url` in [models.a] is no URL such as `https://api.openai.com/v1`, which begins with `http://` or `https://`",
        ),
        (
            "[models.a]\nbase-url = \"https://example.org/v1?key=sk-1\"",
            "line 2: `base-url` in [models.a] has more than scheme, host and path; a key belongs into `api-key`",
        ),
        ("[models.a]\napi-key = 1", "line 2: `api-key` in [models.a] is an integer; it must be a text"),
        ("[models.a]\nretries = 21", "line 2: `retries` in [models.a] is 21; it must be an integer from 0 to 20"),
        ("[inject]", "line 1: `inject` is a table; it must be a list of tables"),
        (
            "[[inject]]\nparameter = \"api_key\"\n[[inject]]\nvalue = \"x\"",
            "line 1: `value` is missing in [[inject]]: the secret, or `value-env` or `value-file` for where it is kept\n\
             line 3: `parameter` is missing in [[inject]]: the parameter of tools that gets the secret",
        ),
        (
            "[[inject]]\nparameter = \"a\"\nvalue = \"x\"\ndevices = [\"*a\"]",
            "line 4: `devices` in [[inject]] has `*a`; a `*` may stand only at the end",
        ),
        ("[plugins.a]\ngrant = 1", "line 2: unknown key `grant` in [plugins.a]; did you mean `grants`?"),
        ("[server\nport = 1", "line 1: this is no TOML: unclosed table, expected `]`"),
    ] {
        let error = HangarToml::parse(text, Path::new("")).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
    }
}

#[test]
fn mistakes_of_other_sources_are_told_by_name() {
    let stage = Stage::new("");
    for (flags, variables, expected) in [
        (
            &[][..],
            &[("HANGAR_PORT", "x")][..],
            "`HANGAR_PORT` in the environment is `x`; it must be an integer from 0 to 65535",
        ),
        (
            &[],
            &[("HANGAR_LOCAL", "maybe")],
            "`HANGAR_LOCAL` in the environment is `maybe`; it must be `true` or `false`",
        ),
        (
            &[],
            &[("HANGAR_SESSIONS_TIME", "5")],
            "`HANGAR_SESSIONS_TIME` in the environment is `5`; it must be a time such as \"200 ms\" or \"2 s\", above 0 and at most a year",
        ),
        (
            &[("--poll", "0")],
            &[],
            "`--poll` is `0`; it must be a time from 0.1 s to 3600 s, such as \"2 s\", or a number of seconds",
        ),
        (
            &[("--tls-cert", "c.pem")],
            &[],
            "`--tls-cert` names a certificate, and nothing names its private key; give both, --tls-cert and --tls-key, or none",
        ),
        (
            &[],
            &[("HANGAR_TLS_KEY", "k.pem")],
            "`HANGAR_TLS_KEY` in the environment names a private key, and nothing names its certificate; give both, --tls-cert and --tls-key, or none",
        ),
        (
            &[("--no-auth", "true"), ("--host", "0.0.0.0")],
            &[],
            "`--no-auth` lets everybody in without a key, and `--host` makes 0.0.0.0 reachable from outside; leave it out and give clients a key, \
             listen on 127.0.0.1, or insist: --no-auth=force, `no-auth = \"force\"`",
        ),
        (
            &[("--local", "true"), ("--host", "10.0.0.1")],
            &[],
            "`--local` lets in only peers on this machine, and 10.0.0.1 is an address that they do not come from; leave out --local, or --host",
        ),
        (
            &[("--force-platform", "true")],
            &[],
            "`--force-platform` forces a platform on all devices, and none is named; name it with --platform, or leave out --force-platform",
        ),
        (
            &[],
            &[("HANGAR_CONNECTIONS_PING", "31 s")],
            "`silence` in [connections] is less than twice `HANGAR_CONNECTIONS_PING` in the environment, so that a peer would count as gone \
             after one lost ping; make `silence` at least twice `ping`",
        ),
        (
            &[],
            &[("HANGAR_MODEL", "m"), ("OPENAI_BASE_URL", "nowhere")],
            "`OPENAI_BASE_URL` in the environment is no URL such as `https://api.openai.com/v1`, which begins with `http://` or `https://`; mend it there",
        ),
    ] {
        assert_eq!(stage.load(flags, variables).map(|_| ()).unwrap_err(), expected);
    }
    let forced = stage.load(&[("--no-auth", "force"), ("--host", "::")], &[]).unwrap();
    assert!(forced.config.keys.no_auth);
    assert!(stage.load(&[("--no-auth", "true")], &[]).unwrap().config.keys.no_auth, "on a loopback address");
    let local = stage.load(&[("--local", "true"), ("--host", "0.0.0.0")], &[]);
    assert!(local.unwrap().config.server.local);
}

#[test]
fn what_depends_on_the_outside_is_told_with_its_place() {
    for (text, expected) in [
        (
            "[keys]\napi-key-env = \"NONE\"",
            "hangar.toml:2: `api-key` in [keys] names the variable NONE, which is not set; set it, or name another one",
        ),
        (
            "[models.a]\nmodel = \"x\"\napi-key-env = \"NONE\"",
            "hangar.toml:3: `api-key-env` in [models.a] names the variable NONE, which is not set; set it, or name another one",
        ),
        (
            "[[inject]]\nparameter = \"a\"\nvalue-file = \"none\"",
            "hangar.toml:3: `value-file` in [[inject]] names a file that cannot be read: none: No such file or directory (os error 2); mend it there",
        ),
        (
            "[models.a]\nrole = \"default\"\n[models.b]\nrole = \"default\"",
            "hangar.toml:3: [models.b] has the role `default`; [models.a] has it as well; give it to one of them",
        ),
        (
            "[server]\nlocal = true\nhost = \"192.0.2.1\"",
            "hangar.toml:2: `local` in [server] lets in only peers on this machine, and 192.0.2.1 is an address that they do not come from; \
             leave out --local, or --host",
        ),
        ("[log]\njson = 1", "hangar.toml:2: `json` in [log] is 1; it must be `true` or `false`"),
    ] {
        assert_eq!(Stage::new(text).load(&[], &[]).map(|_| ()).unwrap_err(), expected, "{text}");
    }
    let gone = Loader::new(Vec::new(), Some(Path::new("nowhere.toml")), Environment::of([])).load();
    assert!(gone.unwrap_err().to_string().starts_with("nowhere.toml: "), "a file that was named must be there");
}

#[test]
fn models_come_in_their_order_with_the_default_first() {
    let text = "[models.z]\n[models.a]\napi-key-env = \"KEY\"\nparallel = 2\n[models.m]\nrole = \"default\"\nmodel = \"gpt\"\n";
    let loaded = Stage::new(text).load(&[], &[("KEY", "sk-1"), ("HANGAR_MODEL", "other")]).unwrap();
    let models: Vec<_> =
        loaded.config.models.iter().map(|model| (&*model.name, &*model.model, model.parallel)).collect();
    assert_eq!(models, [("m", "gpt", 8), ("z", "z", 8), ("a", "a", 2)]);
    assert_eq!(loaded.config.models[2].api_key.as_ref().unwrap().expose(), "sk-1");
    assert_eq!(origin(&loaded, "[models.a]", "parallel"), &Origin::File(4));

    let alone = Stage::new("").load(&[], &[("HANGAR_MODEL", "gpt-x"), ("OPENAI_API_KEY", "sk-2")]).unwrap();
    let model = &alone.config.models[0];
    assert_eq!((&*model.name, &*model.role, model.api_key.as_ref().unwrap().expose()), ("gpt-x", "default", "sk-2"));
    assert_eq!(origin(&alone, "[models.gpt-x]", "api-key"), &Origin::Environment("OPENAI_API_KEY".into()));
    assert_eq!(origin(&alone, "[models.gpt-x]", "base-url"), &Origin::Default);
    assert!(Stage::new("").load(&[], &[("OPENAI_API_KEY", "sk-2")]).unwrap().config.models.is_empty());
}

#[test]
fn secrets_show_nowhere() {
    let text = "[keys]\napi-key = \"s3cret-1\"\n[models.a]\napi-key = \"s3cret-2\"\n[[inject]]\nparameter = \"p\"\nvalue = \"s3cret-3\"\n";
    let stage = Stage::new(text);
    fs::write(stage.path("key"), "s3cret-4\n").unwrap();
    let loaded = stage.load(&[], &[]).unwrap();
    assert_eq!(loaded.config.inject[0].value.expose(), "s3cret-3");
    let shown: String =
        loaded.entries.iter().map(|entry| format!("{:?} {:?} {}", entry, entry.toml(), entry.json())).collect();
    assert!(!shown.contains("s3cret") && !format!("{loaded:?}").contains("s3cret"));
    assert_eq!(shown.matches("\\\"[secret]\\\"").count(), 3, "{shown}");
    let flag = stage.load(&[("--api-key", "s3cret-5")], &[]).unwrap();
    assert_eq!(flag.config.keys.api_key.as_ref().unwrap().expose(), "s3cret-5");
    assert!(!format!("{flag:?}").contains("s3cret"));
}

#[test]
fn paths_in_a_file_begin_at_its_folder() {
    let stage = Stage::new(
        "[server]\ntls-cert = \"tls/c.pem\"\ntls-key = \"/k.pem\"\ncache = false\n[keys]\nfile = \"keys.toml\"\n",
    );
    let loaded = stage.load(&[], &[]).unwrap();
    let tls = loaded.config.server.tls.unwrap();
    assert_eq!((tls.cert, tls.key), (stage.path("tls/c.pem"), PathBuf::from("/k.pem")));
    assert_eq!(loaded.config.keys.file, Some(stage.path("keys.toml")));
    assert_eq!(loaded.config.plugins.cache, None);
    let here = stage.load(&[], &[("HANGAR_KEYS", "keys.toml")]).unwrap();
    assert_eq!(
        here.config.keys.file,
        Some(PathBuf::from("keys.toml")),
        "those of a command line begin where it is typed"
    );
}

#[test]
fn a_changed_file_is_loaded_again_once_it_lies_still() {
    let stage = Stage::new("[plugins.a]\nenabled = false\n");
    let mut loader = stage.loader(&[("--port", "7")], &[]);
    let before = loader.load().unwrap();
    assert!(loader.load_again().is_none(), "nothing has changed");
    fs::write(stage.path("hangar.toml"), "[server]\nport = 8\ndrain = \"1 s\"\n[models.m]\n").unwrap();
    assert!(loader.load_again().is_none(), "it may be half a file");
    let after = loader.load_again().unwrap().unwrap();
    assert_eq!((after.config.server.port, after.config.plugins.host.plugins.len()), (7, 0));
    let mut changed = before.changed(&after);
    changed.retain(|value| value.starts_with("drain") || value.contains("plugins") || value.contains("model in"));
    assert_eq!(changed[..3], ["drain in [server]", "model in [models.m]", "enabled in [plugins.a]"]);
    fs::write(stage.path("hangar.toml"), "[server]\nport = no\n").unwrap();
    assert!(loader.load_again().is_none());
    assert!(loader.load_again().unwrap().is_err() && loader.load_again().is_none(), "what is wrong is told once");
}

#[test]
fn strange_variables_are_noted() {
    let variables = [("HANGAR_PROT", "1"), ("HANGAR_TOOLS", "x"), ("HANGAR_SERVER", "ws://x"), ("OTHER", "1")];
    let warnings = Stage::new("").load(&[], &variables).unwrap().warnings;
    assert_eq!(warnings, ["`HANGAR_PROT` in the environment means nothing to the server; did you mean `HANGAR_PORT`?"]);
    let both = Stage::new("").load(&[("--no-auth", "true"), ("--api-key", "k")], &[]).unwrap().warnings;
    assert_eq!(both, ["`--no-auth` lets everybody in, though keys are given: leave one of them out"]);
}
