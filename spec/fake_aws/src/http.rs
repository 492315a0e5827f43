//! The part of HTTP/1.1 that clients of AWS use: requests with a length or in chunks, keep-alive, both target forms.

use std::fmt::Write as _;
use std::io::{self, Read, Write};

/// Larger requests are refused: no request of the services here comes near.
const LIMIT: usize = 1 << 20;

/// What a connection runs over: TCP, or TLS on top of it.
pub trait Io: Read + Write + Send {}
impl<T: Read + Write + Send> Io for T {}

#[derive(Clone, Debug, Default)]
pub struct Request {
    pub method: String,
    /// Path as sent, without host and query.
    pub path: String,
    /// Query as sent, without the question mark.
    pub query: String,
    /// Host and port of a CONNECT or an absolute target: only a proxy gets those.
    pub authority: Option<String>,
    /// Names in lower case, in the order sent, values trimmed.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub keep_alive: bool,
}

impl Request {
    /// First header of that (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Parses the request line and headers from text that ends before the blank line.
    ///
    /// # Errors
    /// When a line is not HTTP.
    pub fn parse_head(head: &[u8]) -> io::Result<Self> {
        let text = String::from_utf8_lossy(head);
        let mut lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
        let first = lines.next().unwrap_or_default();
        // The target may hold spaces in AWS's own signing vectors: method is the first word, version the last.
        let (method, rest) = first.split_once(' ').ok_or_else(|| invalid("no request line"))?;
        let (target, version) = rest.rsplit_once(' ').ok_or_else(|| invalid("no HTTP version"))?;
        if !version.starts_with("HTTP/1.") || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(invalid("not HTTP/1"));
        }
        let mut request = Self { method: method.into(), keep_alive: version == "HTTP/1.1", ..Self::default() };
        request.set_target(target);
        for line in lines.filter(|line| !line.is_empty()) {
            if line.starts_with([' ', '\t']) {
                let (_, value) = request.headers.last_mut().ok_or_else(|| invalid("a folded line before any header"))?;
                value.push(' ');
                value.push_str(line.trim());
                continue;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| invalid("a header without a colon"))?;
            request.headers.push((name.to_ascii_lowercase(), value.trim().into()));
        }
        if let Some(connection) = request.header("connection") {
            request.keep_alive = !connection.eq_ignore_ascii_case("close");
        }
        Ok(request)
    }

    fn set_target(&mut self, target: &str) {
        let mut target = target;
        if self.method == "CONNECT" {
            self.authority = Some(target.into());
            return;
        }
        if let Some(rest) = target.strip_prefix("http://") {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            self.authority = Some(rest[..end].into());
            target = &rest[end..];
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        self.path = if path.is_empty() { "/".into() } else { path.into() };
        self.query = query.into();
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// A connection, and the bytes read from it beyond the last request.
pub struct Connection {
    io: Box<dyn Io>,
    buffer: Vec<u8>,
}

impl Connection {
    #[must_use]
    pub fn new(io: Box<dyn Io>) -> Self {
        Self { io, buffer: Vec::new() }
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut chunk = [0; 16 * 1024];
        let count = self.io.read(&mut chunk)?;
        self.buffer.extend_from_slice(&chunk[..count]);
        if self.buffer.len() > LIMIT + chunk.len() {
            return Err(invalid("request too large"));
        }
        Ok(count)
    }

    fn take(&mut self, count: usize) -> io::Result<Vec<u8>> {
        if count > LIMIT {
            return Err(invalid("request too large"));
        }
        while self.buffer.len() < count {
            if self.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let rest = self.buffer.split_off(count);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    /// Bytes up to and without the end mark.
    fn take_until(&mut self, end: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let mut searched = 0;
        loop {
            if let Some(at) = self.buffer[searched..].windows(end.len()).position(|window| window == end) {
                let mut taken = self.take(searched + at + end.len())?;
                taken.truncate(searched + at);
                return Ok(Some(taken));
            }
            searched = self.buffer.len().saturating_sub(end.len());
            if self.fill()? == 0 {
                return if self.buffer.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
        }
    }

    /// The next request, or `None` when the client closed the connection between two requests.
    ///
    /// # Errors
    /// When the connection breaks or the bytes are not HTTP.
    pub fn read_request(&mut self) -> io::Result<Option<Request>> {
        let Some(head) = self.take_until(b"\r\n\r\n")? else {
            return Ok(None);
        };
        let mut request = Request::parse_head(&head)?;
        if request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        if request.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            request.body = self.read_chunks()?;
        } else if let Some(length) = request.header("content-length") {
            let length = length.parse().map_err(|_| invalid("content-length is not a number"))?;
            request.body = self.take(length)?;
        }
        Ok(Some(request))
    }

    fn read_chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.take_until(b"\r\n")?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let line = String::from_utf8_lossy(&line).into_owned();
            let size = usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16)
                .map_err(|_| invalid("chunk size is not a number"))?;
            if body.len() + size > LIMIT {
                return Err(invalid("request too large"));
            }
            body.extend(self.take(size)?);
            self.take_until(b"\r\n")?;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    /// # Errors
    /// When the client is gone.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.io.write_all(bytes)?;
        self.io.flush()
    }

    /// Sends nothing until the client closes the connection.
    pub fn wait_for_close(&mut self) {
        let mut scratch = [0; 1024];
        while matches!(self.io.read(&mut scratch), Ok(count) if count > 0) {}
    }
}

#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    #[must_use]
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("Content-Type".into(), content_type.into())], body: body.into() }
    }

    #[must_use]
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::new(status, "application/json", value.to_string())
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Status line and headers; `length` is `None` for an answer in chunks.
    #[must_use]
    pub fn head(&self, length: Option<usize>, keep_alive: bool) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = match length {
            Some(length) => write!(head, "Content-Length: {length}\r\n"),
            None => write!(head, "Transfer-Encoding: chunked\r\n"),
        };
        head.push_str(if keep_alive { "\r\n" } else { "Connection: close\r\n\r\n" });
        head.into_bytes()
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}

/// Percent-decodes; `plus` reads `+` as a space, as forms do.
#[must_use]
pub fn decode(text: &str, plus: bool) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        let value = hex.and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(match (value, bytes[at]) {
            (Some(value), _) => value,
            (None, b'+') if plus => b' ',
            (None, byte) => byte,
        });
        at += if value.is_some() { 3 } else { 1 };
    }
    out
}

/// Name and value of each part of a form or a query.
#[must_use]
pub fn form(text: &str) -> Vec<(String, String)> {
    let text_of = |part: &str| String::from_utf8_lossy(&decode(part, true)).into_owned();
    text.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (text_of(name), text_of(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Script(io::Cursor<Vec<u8>>, Vec<u8>);
    impl Read for Script {
        // One byte at a time: the reader must not rely on whole lines.
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(&mut buffer[..1])
        }
    }
    impl Write for Script {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn connection(text: &str) -> Connection {
        Connection::new(Box::new(Script(io::Cursor::new(text.into()), Vec::new())))
    }

    #[test]
    fn reads_one_request_after_the_other() {
        let mut connection = connection(
            "POST /a?b=c HTTP/1.1\r\nContent-Length: 3\r\nX-Y:  z \r\n\r\nabcPOST http://h:1/p HTTP/1.1\r\n\
             Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\n\r\n",
        );
        let first = connection.read_request().unwrap().unwrap();
        assert_eq!((first.path.as_str(), first.query.as_str(), first.header("x-y")), ("/a", "b=c", Some("z")));
        assert_eq!((first.body.as_slice(), first.keep_alive), (b"abc".as_slice(), true));
        let second = connection.read_request().unwrap().unwrap();
        assert_eq!((second.path.as_str(), second.authority.as_deref()), ("/p", Some("h:1")));
        assert_eq!((second.body.as_slice(), second.keep_alive), (b"abc".as_slice(), false));
        assert!(connection.read_request().unwrap().is_none());
    }

    #[test]
    fn refuses_what_is_not_http_or_too_large() {
        assert!(connection("hello\r\n\r\n").read_request().is_err());
        assert!(connection("GET / HTTP/1.1\r\nnonsense\r\n\r\n").read_request().is_err());
        assert!(connection("POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n").read_request().is_err());
        assert!(connection("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab").read_request().is_err());
    }

    #[test]
    fn decodes_forms() {
        assert_eq!(form("a=b+c&d=%2B%3D&e"), [("a", "b c"), ("d", "+="), ("e", "")].map(|(k, v)| (k.into(), v.into())));
        assert_eq!(decode("100%&%zz", false), b"100%&%zz");
    }
}
