use super::client::{Reply, Signed, call, connect, demo, identity, read_reply, send, start, written};
use crate::http::form;
use crate::log::Filter;
use crate::rules::{Answer, Rule};
use crate::world::DEMO_USER;
use crate::{FakeAws, Service};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

fn text() -> String {
    Signed::new(&demo(), &[("Action", "GetCallerIdentity")]).written()
}

/// What a client receives under a rule with this answer.
fn under(fake: &FakeAws, answer: Answer) -> std::io::Result<Reply> {
    fake.clear_rules();
    fake.add_rule(Rule::on(Service::Sts).answer(answer));
    let mut stream = connect(fake);
    stream.set_read_timeout(Some(Duration::from_millis(150))).unwrap();
    stream.write_all(text().as_bytes()).unwrap();
    read_reply(stream)
}

#[test]
fn every_kind_of_missing_answer() {
    let fake = start();
    let kind = |answer: Answer| under(&fake, answer).err().map(|error| error.kind());
    assert_eq!(kind(Answer::Hang), Some(ErrorKind::WouldBlock));
    assert_eq!(kind(Answer::Stall), Some(ErrorKind::WouldBlock));
    assert_eq!(kind(Answer::Drop), Some(ErrorKind::UnexpectedEof));
    assert_eq!(kind(Answer::Reset), Some(ErrorKind::ConnectionReset));
    assert_eq!(kind(Answer::Truncate), Some(ErrorKind::UnexpectedEof));
    let effects: Vec<_> = fake.requests().iter().map(|entry| (entry.effect.clone().unwrap(), entry.status)).collect();
    let expected = [("hang", None), ("stall", Some(200)), ("drop", None), ("reset", None), ("truncate", Some(200))];
    assert_eq!(effects, expected.map(|(effect, status)| (effect.to_owned(), status)));
}

#[test]
fn every_kind_of_wrong_answer() {
    let fake = start();
    assert_eq!(under(&fake, Answer::Throttle).unwrap().refusal(), (400, "Throttling", "Rate exceeded"));
    let error = Answer::Error { status: 503, code: "Down".into(), message: "a < b".into() };
    assert_eq!(under(&fake, error).unwrap().refusal(), (503, "Down", "a &lt; b"));
    let body = Answer::Body { status: 200, content_type: "text/plain".into(), text: "<not".into() };
    assert_eq!(under(&fake, body).unwrap().body, "<not");
    fake.clear_rules();
    fake.add_rule(Rule::on(Service::Sts).answer(Answer::HugeMib(3)));
    let mut stream = connect(&fake);
    stream.write_all(text().replacen("Content-Length", "Connection: close\r\nContent-Length", 1).as_bytes()).unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    assert!(all.len() > 3 << 20);
}

#[test]
fn a_held_request_is_seen_and_released() {
    let fake = start();
    let id = fake.add_rule(Rule { hold: true, ..Rule::default() });
    thread::scope(|scope| {
        let waiting = scope.spawn(|| identity(&fake, &demo()));
        let entries = fake.wait_for_requests(&Filter::default(), 1, Duration::from_secs(5)).unwrap();
        assert_eq!((entries[0].status, entries[0].effect.as_deref()), (None, Some("hold")));
        assert!(!waiting.is_finished());
        fake.remove_rule(id);
        assert_eq!(waiting.join().unwrap().tag("Arn"), DEMO_USER);
    });
    assert_eq!(fake.requests()[0].status, Some(200));
}

#[test]
fn delays_and_lifetimes() {
    let fake = start();
    fake.add_rule(Rule { delay_ms: 60, lifetime_seconds: Some(2), ..Rule::default() });
    let started = Instant::now();
    assert_eq!(identity(&fake, &demo()).status, 200);
    assert!(started.elapsed() >= Duration::from_millis(60));
    let key = super::client::assume(&fake, &demo(), crate::world::WORKER_ROLE, &[("DurationSeconds", "900")]).key();
    assert_eq!(identity(&fake, &key).status, 200);
    fake.add_rule(Rule { skew_seconds: 2, ..Rule::default() });
    assert_eq!(identity(&fake, &key).tag("Code"), "ExpiredToken");
}

#[test]
fn the_control_api_answers_in_json() {
    let fake = start();
    let control = |method: &str, path: &str, body: &str| call(&fake, method, &format!("/_control/{path}"), &[], body);
    let rule = json!({"service": "sts", "times": 1, "answer": {"error": {"status": 500}}});
    assert_eq!(control("POST", "rules", &json!([rule, {"answer": "drop", "after": 9}]).to_string()).json()["ids"], json!([1, 2]));
    assert_eq!(identity(&fake, &demo()).refusal(), (500, "InternalFailure", ""));
    assert_eq!(identity(&fake, &demo()).status, 200);
    let log = control("GET", "requests?service=sts&action=GetCallerIdentity&wait=2", "").json();
    assert_eq!((log[0]["status"].as_u64(), log[1]["principal"].as_str()), (Some(500), Some(DEMO_USER)));
    assert_eq!(log[1]["region"], "us-east-1");
    assert_eq!(control("GET", "requests?service=imds", "").json(), json!([]));
    assert_eq!(control("GET", "requests?wait=3&timeout_ms=10", "").status, 504);
    assert_eq!(control("DELETE", "requests", "").status, 200);
    assert_eq!(control("GET", "requests", "").json(), json!([]));

    let patch = json!({"users": {DEMO_USER: {"secret_access_key": "another"}}}).to_string();
    assert_eq!(control("POST", "world", &patch).status, 200);
    assert_eq!(identity(&fake, &demo()).tag("Code"), "SignatureDoesNotMatch");
    assert_eq!(control("POST", "world?replace=true", "{}").json()["users"], json!({}));
    assert_eq!(identity(&fake, &demo()).tag("Code"), "InvalidClientTokenId");
    assert_eq!(control("POST", "reset", "").status, 200);
    assert_eq!(identity(&fake, &demo()).status, 200);

    let body = json!({"arn": "arn:aws:iam::123456789012:role/x/y", "session_name": "s"}).to_string();
    assert_eq!(control("POST", "credentials", &body).json()["arn"], "arn:aws:sts::123456789012:assumed-role/y/s");
    for (method, path, body, status) in [
        ("POST", "rules", r#"{"sevice": "sts"}"#, 400),
        ("POST", "rules", r#"{"service": "s3"}"#, 400),
        ("POST", "rules", r#"{"answer": "explode"}"#, 400),
        ("POST", "world", r#"{"imds": {"enable": true}}"#, 400),
        ("GET", "requests?wait=many", "", 400),
        ("GET", "requests?service=s3", "", 400),
        ("PUT", "rules", "", 404),
    ] {
        let reply = control(method, path, body);
        assert!(reply.status == status && reply.json()["error"].is_string(), "{method} {path} {body}: {}", reply.body);
    }
}

#[test]
fn a_reset_removes_all_keys_and_rules() {
    let fake = start();
    let key = fake.issue(crate::world::WORKER_ROLE, "s", 60);
    fake.add_rule(Rule::default().answer(Answer::Drop));
    fake.reset();
    assert_eq!(identity(&fake, &key).tag("Code"), "InvalidClientTokenId");
    assert_eq!(fake.requests().len(), 1);
}

fn over_tls(fake: &FakeAws, stream: TcpStream, name: &'static str, text: &str) -> std::io::Result<Reply> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(fake.ca_bundle()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let session = ClientConnection::new(Arc::new(config), ServerName::try_from(name).unwrap()).unwrap();
    let mut stream = StreamOwned::new(session, stream);
    stream.write_all(text.as_bytes())?;
    read_reply(stream)
}

fn dial(url: &str) -> TcpStream {
    TcpStream::connect(url.split_once("//").unwrap().1.replace("localhost", "127.0.0.1")).unwrap()
}

#[test]
fn tls_by_name_and_by_address() {
    let fake = start();
    for name in ["localhost", "127.0.0.1"] {
        assert_eq!(over_tls(&fake, dial(&fake.https_url()), name, &text()).unwrap().tag("Arn"), DEMO_USER);
    }
    assert!(fake.requests().iter().all(|entry| entry.tls && !entry.proxied));
    assert_eq!(
        over_tls(&fake, dial(&fake.https_url()), "127.0.0.2", &text()).err().map(|e| e.kind()),
        Some(ErrorKind::InvalidData)
    );
}

#[test]
fn the_proxy_answers_for_every_host() {
    let fake = start();
    let host = "sts.eu-west-1.amazonaws.com";
    let inner = Signed { host, region: "eu-west-1", ..Signed::new(&demo(), &[("Action", "GetCallerIdentity")]) };
    let connect = |headers: &[(&str, &str)]| {
        let mut stream = dial(&fake.proxy_url());
        stream.write_all(written("CONNECT", &format!("{host}:443"), headers, "").as_bytes()).unwrap();
        (read_reply(&stream).unwrap().status, stream)
    };
    let (status, stream) = connect(&[]);
    assert_eq!(status, 200);
    assert_eq!(over_tls(&fake, stream, host, &inner.written()).unwrap().tag("Arn"), DEMO_USER);

    let mut stream = dial(&fake.proxy_url());
    stream.write_all(inner.written().replacen("POST /", &format!("POST http://{host}/"), 1).as_bytes()).unwrap();
    assert_eq!(read_reply(stream).unwrap().tag("Arn"), DEMO_USER);

    fake.change_world(|world| world.proxy.authorization = Some("Basic dTpw".into()));
    assert_eq!(connect(&[]).0, 407);
    assert_eq!(connect(&[("Proxy-Authorization", "Basic dTpw")]).0, 200);
    let refusal = Answer::Error { status: 502, code: String::new(), message: "no way".into() };
    fake.add_rule(Rule::on(Service::Proxy).answer(refusal));
    assert_eq!(connect(&[("Proxy-Authorization", "Basic dTpw")]).0, 502);

    let seen: Vec<_> =
        fake.requests().into_iter().map(|entry| (entry.service, entry.action, entry.status, entry.proxied)).collect();
    let entry = |service, action: &str, status, proxied| (service, action.to_owned(), Some(status), proxied);
    assert_eq!(
        seen,
        [
            entry(Service::Proxy, "CONNECT", 200, false),
            entry(Service::Sts, "GetCallerIdentity", 200, true),
            entry(Service::Proxy, "FORWARD", 200, false),
            entry(Service::Sts, "GetCallerIdentity", 200, true),
            entry(Service::Proxy, "CONNECT", 407, false),
            entry(Service::Proxy, "CONNECT", 200, false),
            entry(Service::Proxy, "CONNECT", 502, false),
        ]
    );
}

#[test]
fn two_hundred_at_once_and_each_within_a_millisecond() {
    let fake = start();
    fake.add_rule(Rule { delay_ms: 200, ..Rule::on(Service::Sts) }.times(200));
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..200 {
            scope.spawn(|| assert_eq!(identity(&fake, &demo()).status, 200));
        }
    });
    // One after the other they would take forty seconds.
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    fake.reset();
    let (mut stream, text) = (connect(&fake), text());
    let mut times: Vec<Duration> = (0..500)
        .map(|_| {
            let started = Instant::now();
            stream.write_all(text.as_bytes()).unwrap();
            assert_eq!(read_reply(&stream).unwrap().status, 200);
            started.elapsed()
        })
        .collect();
    times.sort();
    // The fastest tenth: others use this machine too.
    assert!(times[50] < Duration::from_millis(1), "{:?}", times[50]);
    assert!(fake.requests().iter().all(|entry| entry.connection == fake.requests()[0].connection));
}

#[test]
fn dropping_the_server_frees_everything() {
    let fake = start();
    let (directory, url) = (fake.directory().to_owned(), fake.http_url());
    fake.add_rule(Rule::default().answer(Answer::Hang));
    let mut stream = connect(&fake);
    stream.write_all(text().as_bytes()).unwrap();
    fake.wait_for_requests(&Filter::default(), 1, Duration::from_secs(5)).unwrap();
    assert!(directory.exists());
    drop(fake);
    assert!(read_reply(stream).is_err());
    assert!(!directory.exists());
    assert!(TcpStream::connect(url.strip_prefix("http://").unwrap()).is_err());
}

#[test]
fn garbage_closes_its_own_connection_only() {
    let fake = start();
    let mut stream = connect(&fake);
    stream.write_all(b"\x16\x03\x01 not http\r\n\r\n").unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    assert_eq!(send(&fake, &text()).status, 200);
    assert_eq!(call(&fake, "GET", "/nowhere", &[], "").status, 404);
    assert_eq!(form(""), []);
}
