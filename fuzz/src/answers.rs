//! Answers of STS, IAM Identity Center and AWS Sign-In, through a whole fetch: a server on this machine gives them.

use crate::{scratch, write};
use aws_identity::{
    config::{Layers, Settings},
    environment::Environment,
    failure::{Failure, Kind},
    fetch::{FetchRequest, FetchResult, fetch},
    task::{
        deadline::Deadline,
        fetch_task::{FetchTask, TaskContext},
        fork_gate::NoFork,
    },
};
use std::{
    fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, OnceLock, atomic::AtomicBool},
    thread,
    time::Duration,
};

/// What proves the requests of these fetches.
const TOKEN: &str = "IQoJb3JpZ2luX2VjE/canary+token&of<the>fuzz/targets==";
const LONG_AGO: &str = "2020-01-01T00:00:00Z";
const FAR: &str = "2199-01-01T00:00:00Z";
/// The key of the SDKs' public test cases, as JSON has it.
const DPOP_KEY: &str = r"-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIFDZHUzOG1Pzq+6F0mjMlOSp1syN9LRPBuHMoCFXTcXhoAoGCCqGSM49\nAwEHoUQDQgAE9qhj+KtcdHj1kVgwxWWWw++tqoh7H7UHs7oXh8jBbgF47rrYGC+t\ndjiIaHK3dBvvdE7MGj5HsepzLm3Kj91bqA==\n-----END EC PRIVATE KEY-----\n";

/// An answer of STS to `GetCallerIdentity`, and to `AssumeRole`.
pub fn sts(input: &[u8]) {
    let keys = [("AWS_ACCESS_KEY_ID", "ASIAFUZZ"), ("AWS_SECRET_ACCESS_KEY", "canary0secret"), ("AWS_SESSION_TOKEN", TOKEN)];
    judge(input, &keys, None);
    judge(input, &keys, Some("arn:aws:iam::123456789012:role/fuzz"));
}

/// An answer of the portal of IAM Identity Center to a good token, and of its OIDC service to a refresh token.
pub fn sso(input: &[u8]) {
    let config = "[default]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\n\
                  [sso-session s]\nsso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1\n";
    place(".aws", "config", config);
    for expires_at in [FAR, LONG_AGO] {
        let login = format!(
            r#"{{"accessToken":"{TOKEN}","expiresAt":"{expires_at}","refreshToken":"{TOKEN}r","clientId":"c","clientSecret":"{TOKEN}s","registrationExpiresAt":"{FAR}"}}"#
        );
        // SHA-1 of the session's name, "s".
        place(".aws/sso/cache", "a0f1490a20d0211c997b44bc357e1972deab8ae3.json", &login);
        judge(input, &[], None);
    }
}

/// An answer of AWS Sign-In to a refresh token.
pub fn signin(input: &[u8]) {
    place(".aws", "config", "[default]\nregion = eu-west-1\nlogin_session = s\n");
    let login = format!(
        r#"{{"accessToken":{{"accessKeyId":"ASIAFUZZ","secretAccessKey":"canary0secret","sessionToken":"{TOKEN}","expiresAt":"{LONG_AGO}"}},"refreshToken":"{TOKEN}r","clientId":"c","dpopKey":"{DPOP_KEY}"}}"#
    );
    // SHA-256 of the session, "s".
    place(".aws/login/cache", "043a718774c572bd8a25adbeb1bfcd5c0256ae11cecf9f9c3f925d0e52beaf89.json", &login);
    judge(input, &[], None);
}

/// The first line of `input` is the status, the rest the body.
fn judge(input: &[u8], variables: &[(&str, &str)], role: Option<&str>) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let status = str::from_utf8(&input[..end]).ok().and_then(|text| text.trim().parse().ok());
    let status = status.filter(|status| (200..600).contains(status)).unwrap_or(200);
    let url = server().answer(status, input.get(end + 1..).unwrap_or_default());
    let home = scratch("answers");
    let own = [
        ("HOME", home.to_str().expect("a plain path")),
        ("AWS_ENDPOINT_URL", url),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_MAX_ATTEMPTS", "1"),
    ];
    let mut layers =
        Layers { environment: Environment::new(own.into_iter().chain(variables.iter().copied())), ..Layers::default() };
    layers.options.insert("resolve_timeout".into(), 1.into());
    if let Some(role) = role {
        layers.options.insert("role_arn".into(), role.into());
    }
    let settings = Arc::new(Settings::new(layers).expect("good settings"));
    let request = FetchRequest { identity: true, ..FetchRequest::default() };
    let job = move |context: TaskContext| fetch(settings, request, &NoFork, context);
    let task = FetchTask::spawn(&NoFork, Deadline::new(Duration::from_secs(1), None), job).expect("a thread");
    task.wait(&AtomicBool::new(false));
    if let Some(Err(failure) | Ok(FetchResult { identity: Some(Err(failure)), .. })) = task.outcome() {
        assert_clean(failure);
    }
}

/// No panic was caught, no part of 16 characters of a secret is shown, and all of it is printable.
fn assert_clean(failure: &Failure) {
    assert_ne!(failure.kind, Kind::Internal, "{failure}");
    let said = format!("{failure:?}");
    for part in TOKEN.as_bytes().windows(16) {
        let part = str::from_utf8(part).expect("ASCII");
        assert!(!said.contains(part), "{part} is in {said}");
    }
    assert!(!failure.message().contains(char::is_control), "{said}");
    assert!(failure.cause.chars().count() < 2048, "{said}");
}

fn place(folder: &str, name: &str, content: &str) {
    let folder = scratch("answers").join(folder);
    fs::create_dir_all(&folder).expect("a folder of our own");
    write(&folder.join(name), content.as_bytes());
}

/// One server for the process, which gives each request the same answer.
struct Server {
    url: String,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Server {
    fn answer(&self, status: u16, body: &[u8]) -> &str {
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        let mut answer = head.into_bytes();
        answer.extend_from_slice(body);
        *self.answer.lock().expect("no panic") = answer;
        &self.url
    }
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let answer = Arc::new(Mutex::new(Vec::new()));
        let given = Arc::clone(&answer);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answer = given.lock().expect("no panic").clone();
                let _ = serve(stream, &answer);
            }
        });
        Server { url, answer }
    })
}

fn serve(mut stream: TcpStream, answer: &[u8]) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line)? > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    reader.take(length).read_to_end(&mut Vec::new())?;
    stream.write_all(answer)
}
