//! `hangar config` and `hangar doctor`, as an operator meets them.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use serde_json::{Value, json};

use crate::stage::{Folder, Said, component, repository, said};

/// A folder with a plugin directory in it, and nothing of this machine's environment.
fn folder() -> Folder {
    let folder = Folder::new();
    fs::create_dir(folder.path("plugins")).unwrap();
    folder
}

/// `hangar` with these variables and no others that could matter.
fn command(folder: &Folder, line: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = folder.command("", line);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if (name.starts_with("HANGAR_") && name != "HANGAR_TOOLS") || name.starts_with("OPENAI_") {
            command.env_remove(&*name);
        }
    }
    // What is asked on this machine is asked without a way around.
    command.env("NO_PROXY", "127.0.0.1");
    command.envs(variables.iter().copied());
    command
}

fn hangar(folder: &Folder, line: &str, variables: &[(&str, &str)]) -> Said {
    said(&mut command(folder, line, variables)).readable()
}

/// What `hangar config --json` says of a value: the value and where it comes from.
fn value(told: &Value, section: &str, key: &str) -> (Value, Value) {
    let values = told["values"].as_array().unwrap();
    let found: Vec<_> = values.iter().filter(|value| value["section"] == section && value["key"] == key).collect();
    assert_eq!(found.len(), 1, "{section}.{key}: {told:#}");
    (found[0]["value"].clone(), found[0]["origin"].clone())
}

#[test]
fn each_value_is_told_with_where_it_comes_from() {
    let folder = folder();
    folder.write("hangar.toml", "[server]\nport = 6000\ndrain = \"3 s\"\n\n[sessions]\nresults-bytes = \"1 GiB\"\n");
    let variables = [
        ("HANGAR_PORT", "6001"),
        ("HANGAR_LOG_LEVEL", "info"),
        ("HANGAR_SERVER_ALLOWED_HOSTS", "a.example, b.example"),
    ];
    let told = hangar(&folder, "config --json --port 6002 --platform LINUX", &variables).ok().json();
    for (section, key, expected, origin) in [
        ("server", "port", json!(6002), json!({"from": "flag", "name": "--port"})),
        ("server", "drain", json!("3 s"), json!({"from": "file", "line": 3})),
        ("server", "host", json!("127.0.0.1"), json!({"from": "default"})),
        ("server", "poll", json!(null), json!({"from": "default"})),
        (
            "server",
            "allowed-hosts",
            json!(["a.example", "b.example"]),
            json!({"from": "environment", "name": "HANGAR_SERVER_ALLOWED_HOSTS"}),
        ),
        ("devices", "platform", json!("linux"), json!({"from": "flag", "name": "--platform"})),
        ("sessions", "results-bytes", json!("1 GiB"), json!({"from": "file", "line": 6})),
        ("connections", "silence", json!("60 s"), json!({"from": "default"})),
        ("log", "level", json!("INFO"), json!({"from": "environment", "name": "HANGAR_LOG_LEVEL"})),
    ] {
        assert_eq!(value(&told, section, key), (expected, origin), "{section}.{key}");
    }
    assert_eq!(told["file"], "hangar.toml");
    let text = hangar(&folder, "config --port 6002", &variables).ok();
    let line = |begin: &str| {
        text.out.lines().find(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("{begin}: {text}"))
    };
    for (begin, end) in [
        ("port = 6002 ", " # --port"),
        ("drain = \"3 s\" ", " # line 3"),
        ("level = \"INFO\" ", " # HANGAR_LOG_LEVEL"),
        ("host = \"127.0.0.1\" ", " # default"),
        ("# poll is not set", "set"),
    ] {
        assert!(line(begin).ends_with(end), "{text}");
    }
}

#[test]
fn what_is_printed_is_a_configuration() {
    let folder = folder();
    let text = "[server]\nport = 6000\nallowed-origins = [\"https://a.example\"]\n[keys]\napi-key-env = \"MY_KEY\"\n[sessions]\nparallel = { linux = 4 }\n\
        [handlers.required]\ncommand = [\"guard\"]\n[models.\"gpt 4\"]\nrole = \"default\"\n[[inject]]\nparameter = \"p\"\nvalue-env = \"MY_KEY\"\n\
        [[inject]]\nparameter = \"q\"\nvalue-env = \"MY_KEY\"\n[plugins.linux]\npin = \"0123abcd\"\ngrants = { models = [\"a*\"], store = true }\n\
        limits = { memory = \"96 MiB\" }\nsettings = { max_steps = 5, deep = { a = [1, \"x\"] } }\n[platforms]\n\"windows 11\" = \"linux\"\n";
    folder.write("hangar.toml", text);
    let variables = [("MY_KEY", "s3cret")];
    let first = hangar(&folder, "config", &variables).ok();
    assert!(!first.out.contains("s3cret"), "{first}");
    folder.write("hangar.toml", &first.out);
    let values = |said: &Said| -> Vec<Value> {
        let values = said.json()["values"].as_array().unwrap().clone();
        values
            .into_iter()
            .map(|value| json!([value["section"], value["number"], value["key"], value["value"]]))
            .collect()
    };
    let second = hangar(&folder, "config --json", &variables).ok();
    folder.write("hangar.toml", text);
    assert_eq!(values(&second), values(&hangar(&folder, "config --json", &variables).ok()));
}

#[test]
fn secrets_are_not_shown() {
    let folder = folder();
    folder.write("hangar.toml", "[keys]\napi-key = \"s3cret-a\"\n[models.m]\napi-key = \"s3cret-b\"\n[[inject]]\nparameter = \"p\"\nvalue = \"s3cret-c\"\n");
    let variables = [("HANGAR_API_KEY", "s3cret-d")];
    for (line, expected) in [
        ("config", "api-key = \"[secret]\""),
        ("config --json", "\"[secret]\""),
        ("config --api-key s3cret-e", "# --api-key"),
        ("doctor", "access"),
        ("doctor --json", "access"),
    ] {
        let said = hangar(&folder, line, &variables).says(&[expected]);
        assert!(!said.out.contains("s3cret") && !said.err.contains("s3cret"), "{line}: {said}");
    }
    let said = hangar(
        &folder,
        "config",
        &[("OPENAI_API_KEY", "s3cret-f"), ("OPENAI_BASE_URL", "no url"), ("HANGAR_MODEL", "m")],
    );
    assert!(!said.err.contains("s3cret"), "{said}");
}

#[test]
fn what_is_wrong_is_told_with_what_to_do() {
    let folder = folder();
    folder.write("hangar.toml", "[server]\nport = 70000\n[sesions]\n");
    let said = hangar(&folder, "config", &[]).not_ok();
    said.says(&[
        "hangar.toml:2: `port` in [server] is 70000; it must be an integer from 0 to 65535",
        "hangar.toml:3: unknown key `sesions`; did you mean `sessions`?",
        "fix: mend it there",
    ]);
    let said = hangar(&folder, "config --json --config other.toml", &[]).not_ok();
    assert_eq!(said.json()["ok"], false);
    folder.write("hangar.toml", "");
    hangar(&folder, "config --host 0.0.0.0 --no-auth", &[])
        .not_ok()
        .says(&["reachable from outside", "--no-auth=force"]);
    hangar(&folder, "config --host 0.0.0.0 --no-auth=force", &[]).ok().says(&["no-auth = \"force\""]);
    for (line, hint) in [
        ("config --port 70000", "invalid value '70000' for '--port <PORT>': it must be an integer from 0 to 65535"),
        ("config --platform solaris", "[possible values: windows, linux, mobile, macos]"),
        ("config --poll 0", "0.1 s to 3600 s"),
        ("config --prot 1", "--port"),
        ("doctor --host nowhere", "127.0.0.1"),
    ] {
        let said = hangar(&folder, line, &[]);
        assert_eq!(said.code, Some(2), "{said}");
        assert!(said.err.contains(hint), "{line}: {said}");
    }
}

/// The commands of plugin authors take the file of a server.
#[test]
fn a_whole_configuration_is_taken_by_the_tools_for_plugins() {
    let folder = folder();
    let target = repository().join("target/dist/plugins/linux");
    folder.write("linux/plugin.toml", fs::read(target.join("plugin.toml")).unwrap());
    folder.write("linux/linux.wasm", fs::read(target.join("linux.wasm")).unwrap());
    folder.write(
        "hangar.toml",
        "[server]\nport = 1\n[keys]\napi-key-env = \"NOT_SET\"\n[plugins.linux.grants]\nmodels = [\"*\"]\n",
    );
    let checked = hangar(&folder, "plugin check linux --config hangar.toml --json", &[]).ok().json();
    assert_eq!(checked["not_granted"]["capabilities"], json!([]), "{checked}");
    folder.change("hangar.toml", "port = 1", "port = -1");
    hangar(&folder, "plugin check linux --config hangar.toml", &[])
        .not_ok()
        .says(&["hangar.toml:2: `port` in [server] is -1"]);
}

/// What the doctor found at a check, of this outcome.
fn found(told: &Value, check: &str, outcome: &str) -> String {
    let checks = told["checks"].as_array().unwrap().iter();
    let found = checks.filter(|one| one["check"] == check && one["outcome"] == outcome);
    let texts: Vec<String> =
        found.map(|one| format!("{}; {}", one["found"].as_str().unwrap(), one["fix"].as_str().unwrap())).collect();
    assert!(!texts.is_empty(), "nothing of {check} is {outcome}: {told:#}");
    texts.join("\n")
}

fn doctor(folder: &Folder, line: &str) -> (Value, Option<i32>) {
    let said = hangar(folder, &format!("doctor --json {line}"), &[]);
    let told = said.json();
    assert_eq!(told["ok"] == true, said.code == Some(0), "{said}");
    (told, said.code)
}

/// Puts a plugin there that ships.
fn put(folder: &Folder, id: &str) {
    let target = repository().join("target/dist/plugins").join(id);
    for file in ["plugin.toml".to_owned(), format!("{id}.wasm")] {
        folder.write(&format!("plugins/{id}/{file}"), fs::read(target.join(&file)).unwrap());
    }
}

#[test]
fn a_server_that_would_do_well_is_found_well() {
    let folder = folder();
    put(&folder, "linux");
    folder.write("hangar.toml", "[connections]\nconnections = 16\n[plugins.linux.grants]\nmodels = [\"*\"]\n");
    let (told, code) = doctor(&folder, "--port 0");
    assert_eq!(code, Some(0), "{told:#}");
    for (check, text) in [
        ("configuration", "hangar.toml says nothing wrong"),
        ("address", "any port of 127.0.0.1 that is free"),
        ("access", "nobody needs a key"),
        ("plugins", "linux 0.1.0 is a behaviour for linux"),
        ("state", "is made when it is needed"),
        ("open files", "528 are needed at most"),
    ] {
        assert!(found(&told, check, "ok").contains(text), "{check}: {told:#}");
    }
    assert!(found(&told, "models", "warn").contains("no model is configured"));
    hangar(&folder, "doctor --port 0", &[]).ok().says(&["ok    address       any port", "It works; ", "fix: "]);
}

#[test]
fn what_is_amiss_is_found() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    put(&folder, "guard");
    folder.write("plugins/broken/plugin.toml", "id = \"broken\"\n");
    folder.write("plugins/nonsense.wasm", "nonsense");
    folder.write("plugins/wrong.wasm", component("hostile-wrong-major"));
    let text = "[handlers.required]\ntask = [\"warden\"]\n[handlers]\norder = [\"linux\"]\n[platforms]\nlinux = \"linux\"\n[plugins.gone]\n[sessions]\nlive = 100000000\n";
    folder.write("hangar.toml", text);
    let (told, code) = doctor(&folder, &format!("--port {port}"));
    assert_eq!(code, Some(1));
    let address = found(&told, "address", "bad");
    assert!(address.contains(&format!("127.0.0.1:{port} is taken")) && address.contains("--port"), "{address}");
    let plugins = found(&told, "plugins", "bad");
    for text in [
        "broken: ",
        "`version` is missing",
        "nonsense.wasm: ",
        "wrong.wasm: ",
        "[handlers] requires `warden` for `task`",
        "[platforms] gives `linux` to `linux`",
    ] {
        assert!(plugins.contains(text), "{text}: {plugins}");
    }
    let doubtful = found(&told, "plugins", "warn");
    assert!(
        doubtful.contains("`order` in [handlers] names `linux`") && doubtful.contains("[plugins.gone]"),
        "{doubtful}"
    );
    assert!(found(&told, "memory maps", "warn").contains("sysctl -w vm.max_map_count="));
    hangar(&folder, &format!("doctor --port {port}"), &[]).not_ok().says(&["BAD   address", "to mend"]);

    let (told, _) = doctor(&folder, "--port 0 --plugins nowhere");
    assert!(found(&told, "plugins", "bad").contains("nowhere is no directory"));
    let (told, _) = doctor(&folder, "--port 0 --host 192.0.2.1");
    assert!(found(&told, "address", "bad").contains("192.0.2.1 is no address of this machine"));
    folder.write("hangar.toml", "[log]\nlevel = 1\n");
    let (told, _) = doctor(&folder, "");
    assert!(found(&told, "configuration", "bad").contains("hangar.toml:2: `level`"));
}

#[cfg(unix)]
#[test]
fn what_others_can_write_or_read_is_found() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let mode = |path: &str, mode| fs::set_permissions(folder.path(path), fs::Permissions::from_mode(mode)).unwrap();
    fs::create_dir(folder.path("shared")).unwrap();
    mode("shared", 0o777);
    folder.write("keys.toml", "[keys.ci]\nkey = \"0123456789abcdef\"\nscopes = [\"operator\"]\n");
    mode("keys.toml", 0o644);
    let (told, _) = doctor(&folder, "--port 0 --state shared --keys keys.toml --host 0.0.0.0");
    assert!(found(&told, "state", "bad").contains("can be written to by others"));
    let keys = found(&told, "keys", "warn");
    assert!(keys.contains("no key lets a device in"), "{keys}");
    let told_of_file = found(&told, "configuration", "warn");
    assert!(told_of_file.contains("can be read by others") && told_of_file.contains("chmod 600"), "{told_of_file}");
    assert!(found(&told, "keys", "ok").contains("1 key"));
    assert!(found(&told, "access", "warn").contains("--tls-cert"));
    assert!(found(&told, "access", "ok").contains("clients need a key"));

    mode("keys.toml", 0o600);
    fs::create_dir(folder.path("own")).unwrap();
    mode("own", 0o700);
    let (told, _) = doctor(&folder, "--port 0 --state own --host 0.0.0.0");
    assert!(found(&told, "state", "ok").contains("can be written to"));
    assert!(found(&told, "access", "warn").contains("there is no key"));
    folder.write("keys.toml", "[keys.ci]\nkey = \"short\"\nscopes = [\"operator\"]\n");
    let (told, code) = doctor(&folder, "--port 0 --keys keys.toml");
    assert_eq!(code, Some(1));
    let keys = found(&told, "keys", "bad");
    assert!(keys.contains("keys.toml:1: the key in [keys.ci] has 5 characters") && !keys.contains("short"), "{keys}");
}

fn pem(what: &str, der: &[u8]) -> String {
    use base64::Engine;
    let lines = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = lines.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", lines.join("\n"))
}

#[test]
fn tls_files_are_looked_into() {
    let folder = folder();
    for name in ["one", "two"] {
        let made = rcgen::generate_simple_self_signed(["hangar.example".to_owned()]).unwrap();
        folder.write(&format!("{name}.pem"), pem("CERTIFICATE", made.cert.der()));
        folder.write(&format!("{name}.key"), pem("PRIVATE KEY", &made.signing_key.serialize_der()));
    }
    let (told, _) = doctor(&folder, "--port 0 --tls-cert one.pem --tls-key one.key");
    assert!(found(&told, "tls", "ok").contains("one.pem and one.key belong together, 1 certificate"));
    for (cert, key, text) in [
        ("one.pem", "two.key", "one.pem and two.key do not belong together"),
        ("one.key", "one.key", "one.key has no certificate"),
        ("one.pem", "one.pem", "one.pem has no private key"),
        ("none.pem", "one.key", "none.pem has no certificate"),
    ] {
        let (told, code) = doctor(&folder, &format!("--port 0 --tls-cert {cert} --tls-key {key}"));
        assert_eq!(code, Some(1));
        let bad = found(&told, "tls", "bad");
        assert!(bad.contains(text), "{cert} {key}: {bad}");
    }
}

#[test]
fn the_metadata_of_devices_is_looked_into() {
    let folder = folder();
    folder.write("devices.yaml", "devices:\n  lab-1:\n    tags: [a]\n    inject: {api_key: {value: s3cret}}\n");
    let (told, _) = doctor(&folder, "--port 0 --device-metadata devices.yaml");
    assert!(found(&told, "metadata", "ok").contains("1 device and 1 injected secret"));
    folder.write("devices.yaml", "devices:\n  lab-1: {inject: s3cret}\n");
    let (told, code) = doctor(&folder, "--port 0 --device-metadata devices.yaml");
    assert_eq!(code, Some(1));
    let bad = found(&told, "metadata", "bad");
    assert!(bad.contains("devices.yaml: `inject` of `devices.lab-1` is no table") && !bad.contains("s3cret"), "{bad}");
}

/// An endpoint of models: answers each request by its path, and remembers what it was asked with.
struct Endpoint {
    port: u16,
    asked: std::sync::mpsc::Receiver<String>,
}

impl Endpoint {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, asked) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let head = head_of(&mut stream);
                let answer = match head.split_whitespace().nth(1).unwrap_or_default() {
                    "/v1/models" => ("200 OK", r#"{"data":[{"id":"gpt"},{"id":"other"}]}"#),
                    "/closed/models" => ("401 Unauthorized", "{}"),
                    "/odd/models" => ("200 OK", "<html>"),
                    "/away/models" => ("302 Found\r\nLocation: /v1/models", ""),
                    _ => ("404 Not Found", ""),
                };
                let (status, body) = answer;
                let text =
                    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
                let _ = std::io::Write::write_all(&mut stream, text.as_bytes());
                if sender.send(head).is_err() {
                    break;
                }
            }
        });
        Self { port, asked }
    }
}

fn head_of(stream: &mut impl std::io::Read) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

#[test]
fn the_endpoints_of_models_are_asked() {
    let folder = folder();
    let endpoint = Endpoint::start();
    let url = |path: &str| format!("http://127.0.0.1:{}/{path}", endpoint.port);
    // Nobody listens where somebody has just stopped.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = format!(
        "[models.good]\nmodel = \"gpt\"\nbase-url = \"{}\"\napi-key = \"s3cret\"\n[models.strange]\nbase-url = \"{}\"\n\
         [models.closed]\nbase-url = \"{}\"\n[models.odd]\nbase-url = \"{}\"\n[models.away]\nbase-url = \"{}\"\n\
         [models.none]\nbase-url = \"{}\"\n[models.gone]\nbase-url = \"http://{nobody}/v1\"\n",
        url("v1"),
        url("v1/"),
        url("closed"),
        url("odd"),
        url("away"),
        url("none"),
    );
    folder.write("hangar.toml", text);
    let (told, code) = doctor(&folder, "--port 0");
    assert_eq!(code, Some(1));
    let good = found(&told, "models", "ok");
    assert!(good.contains("`good`") && good.contains("has gpt") && good.lines().count() == 1, "{good}");
    let doubtful = found(&told, "models", "warn");
    for text in
        ["does not list strange", "`odd`: ", "not with a list of models", "`away`: ", "(302 Found)", "(404 Not Found)"]
    {
        assert!(doubtful.contains(text), "{text}: {doubtful}");
    }
    let bad = found(&told, "models", "bad");
    assert!(bad.contains("`closed`: ") && bad.contains("does not take the key"), "{bad}");
    assert!(bad.contains("`gone` is not reached") && bad.contains("Connection refused"), "{bad}");
    assert!(!told.to_string().contains("s3cret"));
    let asked: Vec<String> = endpoint.asked.try_iter().collect();
    let keys: Vec<&String> =
        asked.iter().filter(|head| head.to_ascii_lowercase().contains("authorization: bearer s3cret")).collect();
    assert_eq!(keys.len(), 1, "the key goes to its own endpoint only: {asked:?}");
}
