use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::routing::get;
use tower::ServiceExt as _;

use super::*;

const LOCAL: &str = "127.0.0.1:5000";
const WIDE: &str = "0.0.0.0:5000";
const KEY: &str = "a-key-of-the-simple-case";
const CI_KEY: &str = "a-key-that-only-looks";

fn named(name: &str, key: &str, scopes: &[Scope]) -> NamedKey {
    NamedKey { name: name.into(), key: Secret::new(key), scopes: scopes.to_vec() }
}

fn with(keys: &KeysConfig, listening: &str, named: &[NamedKey]) -> Access {
    let server = ServerConfig {
        allowed_hosts: vec!["hangar.example.org".into(), "Other.example.org:8443".into()],
        allowed_origins: vec!["https://chat.example.org/".into()],
        ..ServerConfig::default()
    };
    Access::new(keys, named, &server, listening.parse().unwrap()).unwrap()
}

fn simple(listening: &str) -> Access {
    let ci = named("ci", CI_KEY, &[Scope::ReadOnly]);
    with(&KeysConfig { api_key: Some(Secret::new(KEY)), ..KeysConfig::default() }, listening, &[ci])
}

fn peer(listening: &str) -> Peer {
    let is_loopback = listening == LOCAL;
    let ip = if is_loopback { Ipv4Addr::LOCALHOST } else { Ipv4Addr::new(192, 0, 2, 7) };
    Peer { address: (IpAddr::from(ip), 40_000).into(), is_loopback, is_tls: false }
}

/// Asks at a door with these headers; a `Host` that is right is there unless another is given.
fn ask(
    access: &Access,
    listening: &str,
    door: Door,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Admitted, AccessRefusal> {
    let mut request = Request::builder().uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", if listening == LOCAL { LOCAL } else { "192.0.2.1:5000" });
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    access.admit(door, &[], peer(listening), &parts.uri, &parts.headers)
}

#[test]
fn keys_are_found_in_each_place_and_wrong_ones_are_refused_everywhere() {
    // Each place of a key, as a path and a header around `{}`.
    let places: [(&str, Option<(&str, &str)>); 5] = [
        ("/ws?token={}", None),
        ("/ws?a=b&%74oken={}&c", None),
        ("/ws", Some(("x-api-key", "{}"))),
        ("/ws", Some(("authorization", "Bearer {}"))),
        ("/ws", Some(("authorization", "bearer   {} "))),
    ];
    for listening in [LOCAL, WIDE] {
        let access = simple(listening);
        for (path, header) in places {
            let asked = |key: &str| {
                let path = path.replace("{}", key);
                let header = header.map(|(name, value)| (name, value.replace("{}", key)));
                let headers: Vec<_> = header.iter().map(|(name, value)| (*name, value.as_str())).collect();
                ask(&access, listening, Door::AipSocket, &path, &headers)
            };
            let admitted = asked(KEY).unwrap();
            assert_eq!((admitted.key_name.as_deref(), admitted.scopes), (Some("api-key"), Scopes::ALL), "{path}");
            let admitted = asked(CI_KEY).unwrap();
            assert_eq!(admitted.key_name.as_deref(), Some("ci"), "{path}");
            for wrong in ["x", &KEY[1..], &format!("{KEY}x"), &KEY.to_uppercase()] {
                assert_eq!(asked(wrong), Err(AccessRefusal::WrongKey), "{listening} {path} {wrong}");
            }
            let empty = asked("");
            match listening {
                LOCAL => assert_eq!(empty.unwrap(), Admitted::nobody(Scopes::ALL)),
                _ => assert_eq!(empty, Err(AccessRefusal::MissingKey)),
            }
        }
    }
}

#[test]
fn several_keys_must_be_one() {
    let access = simple(LOCAL);
    let asked = |token: &str, header: &str| {
        ask(&access, LOCAL, Door::AipHttp, &format!("/api/health?token={token}"), &[("x-api-key", header)])
    };
    assert!(asked(KEY, KEY).is_ok());
    for (token, header) in [(KEY, CI_KEY), (KEY, "wrong"), ("wrong", KEY), ("wrong", "wrong")] {
        assert_eq!(asked(token, header), Err(AccessRefusal::WrongKey), "{token} {header}");
    }
    let basic = ask(&access, LOCAL, Door::AipHttp, "/", &[("authorization", "Basic eDp5")]);
    assert!(basic.is_ok(), "another scheme is for somebody else");
}

#[test]
fn where_a_key_is_needed_and_none_was_given_one_is_made() {
    let none = KeysConfig::default;
    assert!(with(&none(), LOCAL, &[]).generated_key().is_none());
    assert!(with(&none(), WIDE, &[named("ci", CI_KEY, &[])]).generated_key().is_none());
    assert!(with(&KeysConfig { file: Some("keys.toml".into()), ..none() }, WIDE, &[]).generated_key().is_none());
    assert!(with(&KeysConfig { no_auth: true, ..none() }, WIDE, &[]).generated_key().is_none());
    assert!(simple(WIDE).generated_key().is_none());

    let (access, other) = (with(&none(), WIDE, &[]), with(&none(), WIDE, &[]));
    let key = access.generated_key().unwrap();
    assert_eq!(key.expose().len(), 43, "32 bytes in base64");
    assert!(key.expose().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
    assert_ne!(Some(key), other.generated_key());
    assert!(ask(&access, WIDE, Door::AipSocket, &format!("/ws?token={}", key.expose()), &[]).is_ok());
    assert_eq!(ask(&access, WIDE, Door::AipSocket, "/ws", &[]), Err(AccessRefusal::MissingKey));
    assert!(!format!("{access:?}").contains(key.expose()));
}

#[test]
fn named_keys_are_replaced_and_the_simple_one_stays() {
    let access = simple(WIDE);
    let with_key = |key: &str| ask(&access, WIDE, Door::AipHttp, "/", &[("x-api-key", key)]);
    access.replace_keys(&[named("new", "a-key-that-came-later", &[Scope::Device])]);
    assert_eq!(with_key(CI_KEY), Err(AccessRefusal::WrongKey));
    assert_eq!(with_key("a-key-that-came-later").unwrap().key_name.as_deref(), Some("new"));
    assert!(with_key(KEY).is_ok());
}

#[test]
fn asking_nobody_lets_everybody_in() {
    let off = |api_key| KeysConfig { no_auth: true, api_key, ..KeysConfig::default() };
    let access = with(&off(None), WIDE, &[]);
    assert!(ask(&access, WIDE, Door::AipSocket, "/ws", &[]).is_ok());
    assert!(ask(&access, WIDE, Door::AipSocket, "/ws?token=whatever", &[]).is_ok(), "there is none that it could be");
    let access = with(&off(Some(Secret::new(KEY))), WIDE, &[]);
    assert!(ask(&access, WIDE, Door::AipSocket, "/ws", &[]).is_ok());
    let wrong = ask(&access, WIDE, Door::AipSocket, "/ws?token=whatever", &[]);
    assert_eq!(wrong, Err(AccessRefusal::WrongKey));
    // Names are checked then, because no key proves anything.
    let rebound = ask(&access, WIDE, Door::AipHttp, "/", &[("host", "evil.example.com")]);
    assert!(matches!(rebound, Err(AccessRefusal::UnknownHost { .. })));
}

#[test]
fn what_a_proxy_says_is_believed_only_against_the_peer() {
    let access = simple(LOCAL);
    for header in ["x-forwarded-for", "forwarded", "x-real-ip"] {
        let asked = ask(&access, LOCAL, Door::AipHttp, "/", &[(header, "127.0.0.1")]);
        assert_eq!(asked, Err(AccessRefusal::MissingKey), "{header}");
        assert!(ask(&access, LOCAL, Door::AipHttp, "/", &[(header, "127.0.0.1"), ("x-api-key", KEY)]).is_ok());
        let asked = ask(&simple(WIDE), WIDE, Door::AipHttp, "/", &[(header, "127.0.0.1")]);
        assert_eq!(asked, Err(AccessRefusal::MissingKey), "{header}");
    }
}

#[test]
fn here_is_where_both_ends_are_here() {
    let access = simple(LOCAL);
    let request = Request::builder().header("host", LOCAL).body(()).unwrap();
    let asked = |is_loopback| {
        let peer = Peer { is_loopback, ..peer(LOCAL) };
        access.admit(Door::AipHttp, &[], peer, request.uri(), request.headers())
    };
    assert!(asked(true).is_ok());
    assert_eq!(asked(false), Err(AccessRefusal::MissingKey));
}

#[test]
fn scopes_open_what_they_name() {
    let all = [
        Scope::Device,
        Scope::Constellation,
        Scope::Operator,
        Scope::ReadOnly,
        Scope::Agent,
        Scope::Broker,
        Scope::Frontend,
    ];
    for has in all {
        let admitted = Admitted { key_name: None, scopes: [has].into_iter().collect() };
        for asked in all {
            let may = has == asked || (has == Scope::Operator && asked == Scope::ReadOnly);
            assert_eq!(admitted.allows(asked), may, "{has:?} {asked:?}");
        }
    }
    assert!(all.iter().all(|scope| Admitted::nobody(Scopes::ALL).allows(*scope)));
    assert!(!all.iter().any(|scope| Admitted::nobody(Scopes::NONE).allows(*scope)));
}

/// At these doors, of a server that listens here, with these headers: let in or not.
type Row<'a> = (&'a [Door], &'a str, &'a [(&'a str, &'a str)], bool);

#[test]
fn hosts_and_origins() {
    use Door::{AipHttp, AipSocket, Healthz, Messaging, Metrics, Pages, Sessions};
    let every = [AipSocket, Messaging, AipHttp, Sessions, Pages, Metrics];
    let own = [AipSocket, AipHttp, Pages, Metrics];
    let listed = [Messaging, Sessions];
    #[rustfmt::skip]
    let table: &[Row<'_>] = &[
        // Hosts: on loopback its names and addresses, and what is listed.
        (&every, LOCAL, &[("host", "127.0.0.1:5000")], true),
        (&every, LOCAL, &[("host", "127.8.9.10")], true),
        (&every, LOCAL, &[("host", "[::1]:5000")], true),
        (&every, LOCAL, &[("host", "LocalHost.:80")], true),
        (&every, LOCAL, &[("host", "hangar.localhost")], true),
        (&every, LOCAL, &[("host", "HANGAR.example.org")], true),
        (&every, LOCAL, &[("host", "other.example.org")], true),
        (&every, LOCAL, &[("host", "evil.example.com:5000")], false),
        (&every, LOCAL, &[("host", "localhost.evil.example.com")], false),
        (&every, LOCAL, &[("host", "notlocalhost")], false),
        (&every, LOCAL, &[("host", "localhost@evil.example.com")], false),
        (&every, LOCAL, &[("host", "evil.example.com@localhost")], false),
        (&every, LOCAL, &[("host", "192.0.2.1:5000")], false),
        (&every, LOCAL, &[("host", "0.0.0.0:5000")], false),
        (&every, LOCAL, &[("host", "")], false),
        (&every, LOCAL, &[("host", LOCAL), ("host", LOCAL)], false),
        (&[Healthz], LOCAL, &[("host", "evil.example.com")], true),
        // Elsewhere a key proves more than a name, and there are more names than one knows.
        (&every, WIDE, &[("host", "my-server:5000"), ("x-api-key", KEY)], true),
        (&every, WIDE, &[("host", "192.0.2.1:5000"), ("x-api-key", KEY)], true),
        // Origins.
        (&every, LOCAL, &[("origin", "http://127.0.0.1:5000")], true),
        (&every, LOCAL, &[("host", "localhost:5000"), ("origin", "http://LOCALHOST:5000")], true),
        (&every, LOCAL, &[("host", "hangar.example.org"), ("origin", "https://hangar.example.org")], true),
        (&every, LOCAL, &[("origin", "http://localhost:5000")], false),
        (&every, LOCAL, &[("origin", "http://127.0.0.1:3000")], false),
        (&every, LOCAL, &[("origin", "http://127.0.0.1")], false),
        (&every, LOCAL, &[("origin", "ftp://127.0.0.1:5000")], false),
        (&every, LOCAL, &[("origin", "https://evil.example.com")], false),
        (&every, LOCAL, &[("origin", "null")], false),
        (&every, LOCAL, &[("origin", "")], false),
        (&every, LOCAL, &[("origin", "http://127.0.0.1:5000"), ("origin", "https://evil.example.com")], false),
        (&every, WIDE, &[("origin", "https://evil.example.com"), ("x-api-key", KEY)], false),
        (&every, WIDE, &[("host", "s:5000"), ("origin", "http://s:5000"), ("x-api-key", KEY)], true),
        (&own, LOCAL, &[("origin", "https://chat.example.org")], false),
        (&listed, LOCAL, &[("origin", "https://chat.example.org")], true),
        (&listed, LOCAL, &[("origin", "https://Chat.example.org"), ("sec-fetch-site", "cross-site")], true),
        (&listed, LOCAL, &[("origin", "http://chat.example.org")], false),
        (&[Healthz], LOCAL, &[("origin", "https://evil.example.com")], true),
        // What browsers say by themselves.
        (&every, LOCAL, &[("sec-fetch-site", "same-origin")], true),
        (&every, LOCAL, &[("sec-fetch-site", "none")], true),
        (&every, LOCAL, &[("sec-fetch-site", "cross-site")], false),
        (&every, LOCAL, &[("sec-fetch-site", "Cross-Site"), ("x-api-key", KEY)], false),
        (&[Healthz], LOCAL, &[("sec-fetch-site", "cross-site")], true),
    ];
    for (doors, listening, headers, is_let_in) in table {
        for door in *doors {
            let asked = ask(&simple(listening), listening, *door, "/", headers);
            assert_eq!(asked.is_ok(), *is_let_in, "{door:?} {listening} {headers:?}: {asked:?}");
            if let Err(refusal) = asked {
                assert_eq!(refusal.answer(*door).status(), StatusCode::FORBIDDEN, "{headers:?}");
            }
        }
    }
}

#[test]
fn pages_without_tls_are_not_those_of_a_server_with_it() {
    let access = simple(LOCAL);
    let peer = Peer { is_tls: true, ..peer(LOCAL) };
    let asked = |origin: &str| {
        let request = Request::builder().header("host", LOCAL).header("origin", origin).body(()).unwrap();
        access.admit(Door::AipHttp, &[], peer, request.uri(), request.headers()).is_ok()
    };
    assert!(asked("https://127.0.0.1:5000"));
    assert!(!asked("http://127.0.0.1:5000"));
}

#[test]
fn a_request_to_a_proxy_names_its_host_in_the_line_as_well() {
    let asked = |uri: &str| ask(&simple(LOCAL), LOCAL, Door::AipHttp, uri, &[]);
    assert!(asked("http://localhost:5000/api/health").is_ok());
    assert!(matches!(asked("http://evil.example.com/api/health"), Err(AccessRefusal::UnknownHost { .. })));
}

#[test]
fn no_key_is_written_down() {
    #[rustfmt::skip]
    let table = [
        ("/ws", "/ws"),
        ("/ws?token=KEY", "/ws?token=[secret]"),
        ("/ws?a=b&token=KEY&c=d", "/ws?a=b&token=[secret]&c=d"),
        ("/ws?TOKEN=KEY", "/ws?TOKEN=[secret]"),
        ("/ws?%74%6Fken=KEY", "/ws?%74%6Fken=[secret]"),
        ("/ws?t%6fken=KEY&token=KEY", "/ws?t%6fken=[secret]&token=[secret]"),
        ("/ws?api_key=KEY&x-api-key=KEY", "/ws?api_key=[secret]&x-api-key=[secret]"),
        ("/ws?KEY", "/ws?[secret]"),
        ("/ws?&&n=1", "/ws?&&n=1"),
        ("http://user:KEY@host/ws?n=1", "/ws?n=1"),
        ("/ws?token==KEY=KEY", "/ws?token=[secret]"),
    ];
    for (uri, written) in table {
        assert_eq!(redacted_uri(&uri.parse().unwrap()), written, "{uri}");
    }
}

#[test]
fn refusals_say_what_to_do_and_are_short() {
    let access = simple(LOCAL);
    let long = format!("{}.example.com", "é".repeat(300));
    let refusal = ask(&access, LOCAL, Door::AipHttp, "/", &[("host", "a.example.com")]).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "This server does not know itself by the host name `a.example.com`; if it should, add it to `allowed-hosts` in \
         hangar.toml."
    );
    let refusal = ask(&access, LOCAL, Door::AipHttp, "/", &[("origin", "https://a.example.com")]).unwrap_err();
    assert_eq!(refusal.to_string(), "Pages of `https://a.example.com` may not use this door.");
    let refusal = ask(&access, LOCAL, Door::Messaging, "/", &[("origin", "https://a.example.com")]).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "Pages of `https://a.example.com` may not use this door. If they should, add it to `allowed-origins` in hangar.toml."
    );
    for header in ["host", "origin"] {
        let refusal = ask(&access, LOCAL, Door::AipHttp, "/", &[(header, &long)]).unwrap_err();
        assert!(refusal.to_string().len() < 250, "{refusal}");
    }
}

async fn answer(access: &Arc<Access>, door: Door, headers: &[(&str, &str)]) -> (StatusCode, String) {
    let needs: &[Scope] = &[Scope::Operator, Scope::Device];
    let who = |request: Request<Body>| async move {
        let admitted = request.extensions().get::<Admitted>().unwrap();
        admitted.key_name.as_deref().unwrap_or("nobody").to_owned()
    };
    let router = Router::new().route("/", get(who)).layer(guard(access, door, needs));
    let mut request = Request::get("/").extension(peer(WIDE));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 10).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn the_guard_answers_in_one_shape() {
    let access = Arc::new(simple(WIDE));
    let invalid = r#"{"detail":"Invalid API key"}"#;
    for (door, status) in [(Door::AipHttp, StatusCode::UNAUTHORIZED), (Door::AipSocket, StatusCode::FORBIDDEN)] {
        for headers in [&[][..], &[("x-api-key", "wrong")]] {
            assert_eq!(answer(&access, door, headers).await, (status, invalid.into()), "{door:?} {headers:?}");
        }
    }
    let lacking = answer(&access, Door::AipHttp, &[("x-api-key", CI_KEY)]).await;
    let text = r#"{"detail":"The key `ci` lacks the scope `operator` or `device`."}"#;
    assert_eq!(lacking, (StatusCode::FORBIDDEN, text.into()));
    assert_eq!(answer(&access, Door::AipHttp, &[("x-api-key", KEY)]).await, (StatusCode::OK, "api-key".into()));
}

#[tokio::test]
async fn a_request_from_nowhere_is_not_from_here() {
    let router = Router::new().route("/", get(|| async {})).layer(guard(&Arc::new(simple(LOCAL)), Door::AipHttp, &[]));
    let request = Request::get("/").header("host", LOCAL).body(Body::empty()).unwrap();
    assert_eq!(router.oneshot(request).await.unwrap().status(), StatusCode::UNAUTHORIZED);
}
