//! A client that signs with the server's own signer, which the vectors in sigv4.rs verify.

use crate::FakeAws;
use crate::clock;
use crate::http::Request;
use crate::keys::Key;
use crate::sigv4::Authorization;
use crate::world::{DEMO_KEY_ID, DEMO_SECRET, World};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    /// Text of the first element of that name.
    pub fn tag(&self, name: &str) -> &str {
        let from = self.body.split_once(&format!("<{name}>")).map_or("", |(_, rest)| rest);
        from.split_once(&format!("</{name}>")).map_or("", |(text, _)| text)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The key in an answer of STS.
    pub fn key(&self) -> Key {
        Key {
            id: self.tag("AccessKeyId").into(),
            secret: self.tag("SecretAccessKey").into(),
            token: Some(self.tag("SessionToken").into()),
            ..Key::default()
        }
    }

    /// Status, code and message of a refusal by STS.
    pub fn refusal(&self) -> (u16, &str, &str) {
        (self.status, self.tag("Code"), self.tag("Message"))
    }
}

pub fn start() -> FakeAws {
    FakeAws::start(World::standard()).unwrap()
}

pub fn demo() -> Key {
    Key { id: DEMO_KEY_ID.into(), secret: DEMO_SECRET.into(), ..Key::default() }
}

pub fn connect(fake: &FakeAws) -> TcpStream {
    let stream = TcpStream::connect(fake.http_url().strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// A request as text.
pub fn written(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut text = format!("{method} {target} HTTP/1.1\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    text + "\r\n" + body
}

/// One answer with a length; an error if the connection closes before its end.
pub fn read_reply(stream: impl Read) -> std::io::Result<Reply> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Ok(Reply { status, head, body: String::from_utf8(body).unwrap() })
}

pub fn call(fake: &FakeAws, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut stream = connect(fake);
    stream.write_all(written(method, target, headers, body).as_bytes()).unwrap();
    read_reply(stream).unwrap()
}

/// A signed POST to STS as text, with changes before or after the signature.
pub struct Signed {
    pub region: &'static str,
    pub service: &'static str,
    pub host: &'static str,
    pub at_ms: i64,
    pub body: String,
    pub key: Key,
}

impl Signed {
    pub fn new(key: &Key, params: &[(&str, &str)]) -> Self {
        let encode = |text: &str| text.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"));
        let pairs = [("Version", "2011-06-15")];
        let pairs = pairs.iter().chain(params).map(|(name, value)| format!("{name}={}", encode(value)));
        Self {
            region: "us-east-1",
            service: "sts",
            host: "localhost",
            at_ms: clock::now_ms(),
            body: pairs.collect::<Vec<_>>().join("&"),
            key: key.clone(),
        }
    }

    pub fn written(&self) -> String {
        let time = clock::basic(self.at_ms);
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded"), ("host", self.host), ("x-amz-date", &time)];
        if let Some(token) = &self.key.token {
            headers.push(("x-amz-security-token", token));
        }
        let mut authorization = Authorization {
            access_key_id: self.key.id.clone(),
            date: time[..8].into(),
            region: self.region.into(),
            service: self.service.into(),
            terminator: "aws4_request".into(),
            signed_headers: headers.iter().map(|(name, _)| (*name).to_owned()).collect(),
            signature: String::new(),
        };
        let request = Request {
            method: "POST".into(),
            path: "/".into(),
            headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            body: self.body.clone().into(),
            ..Request::default()
        };
        authorization.signature = authorization.expected_signature(&request, &self.key.secret, &time);
        let header = format!(
            "AWS4-HMAC-SHA256 Credential={}/{}/{}/{}/aws4_request, SignedHeaders={}, Signature={}",
            self.key.id,
            authorization.date,
            self.region,
            self.service,
            authorization.signed_headers.join(";"),
            authorization.signature
        );
        headers.push(("authorization", &header));
        written("POST", "/", &headers, &self.body)
    }

    pub fn send(&self, fake: &FakeAws) -> Reply {
        send(fake, &self.written())
    }
}

pub fn send(fake: &FakeAws, text: &str) -> Reply {
    let mut stream = connect(fake);
    stream.write_all(text.as_bytes()).unwrap();
    read_reply(stream).unwrap()
}

pub fn identity(fake: &FakeAws, key: &Key) -> Reply {
    Signed::new(key, &[("Action", "GetCallerIdentity")]).send(fake)
}

pub fn assume(fake: &FakeAws, key: &Key, role: &str, more: &[(&str, &str)]) -> Reply {
    let base = [("Action", "AssumeRole"), ("RoleArn", role), ("RoleSessionName", "session")];
    Signed::new(key, &[&base, more].concat()).send(fake)
}
