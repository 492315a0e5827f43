//! A connection's life: requests in, answers out, trouble as scripted in between.

use crate::caller::claimed_key;
use crate::clock;
use crate::failure::Failure;
use crate::http::{Connection, Request, Response};
use crate::log::Entry;
use crate::route::{Service, params, route};
use crate::rules::{Answer, Plan};
use crate::shared::{Shared, State};
use crate::visit::Visit;
use crate::{container, control, imds, proxy, random, sso, sts};
use rustls::{ServerConnection, StreamOwned};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Which of the three ports a client came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Http,
    Https,
    Proxy,
}

/// Where a request comes from.
pub struct Line {
    pub socket: Arc<TcpStream>,
    pub door: Door,
    pub connection: u64,
    pub remote_port: u16,
    pub tls: bool,
    pub proxied: bool,
}

/// Shared ownership keeps a socket in reach of `stop`, and one close of the last owner makes a reset possible.
pub struct Socket(pub Arc<TcpStream>);

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buffer)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Serves one accepted connection until it ends. Errors mean that the client is gone: nobody to tell.
pub fn serve(shared: &Shared, stream: TcpStream, door: Door) {
    let remote_port = stream.peer_addr().map_or(0, |address| address.port());
    let _ = stream.set_nodelay(true);
    let socket = Arc::new(stream);
    let connection = shared.enter(&socket);
    let line = Line { socket, door, connection, remote_port, tls: door == Door::Https, proxied: false };
    let _ = open(shared, &line).and_then(|connection| talk(shared, line, connection));
    shared.leave(connection);
}

/// Puts TLS on the socket if the line has it.
///
/// # Errors
/// When TLS cannot be set up.
pub fn open(shared: &Shared, line: &Line) -> io::Result<Connection> {
    let socket = Socket(Arc::clone(&line.socket));
    if !line.tls {
        return Ok(Connection::new(Box::new(socket)));
    }
    let session = ServerConnection::new(Arc::clone(&shared.tls)).map_err(io::Error::other)?;
    Ok(Connection::new(Box::new(StreamOwned::new(session, socket))))
}

fn talk(shared: &Shared, mut line: Line, mut connection: Connection) -> io::Result<()> {
    while let Some(request) = connection.read_request()? {
        if line.door == Door::Proxy {
            if !proxy_exchange(shared, &line, &mut connection, &request)? {
                return Ok(());
            }
            if request.method == "CONNECT" {
                line.tls = proxy::speaks_tls(&line.socket)?;
                line.proxied = true;
                line.door = Door::Http;
                let inner = open(shared, &line)?;
                return talk(shared, line, inner);
            }
            line.proxied = true;
        }
        let go_on = if request.path.starts_with("/_control/") {
            let response = control::answer(shared, &request);
            send(&mut connection, &response, request.keep_alive)?;
            request.keep_alive
        } else {
            exchange(shared, &line, &mut connection, &request)?
        };
        if !go_on {
            return Ok(());
        }
    }
    Ok(())
}

fn send(connection: &mut Connection, response: &Response, keep_alive: bool) -> io::Result<()> {
    let mut bytes = response.head(Some(response.body.len()), keep_alive);
    bytes.extend_from_slice(&response.body);
    connection.write(&bytes)
}

fn new_entry(line: &Line, request: &Request) -> Entry {
    Entry {
        at_ms: clock::now_ms(),
        method: request.method.clone(),
        path: request.path.clone(),
        host: request.header("host").unwrap_or_default().into(),
        headers: request.headers.iter().cloned().collect(),
        user_agent: request.header("user-agent").map(str::to_owned),
        remote_port: line.remote_port,
        connection: line.connection,
        tls: line.tls,
        proxied: line.proxied,
        access_key_id: claimed_key(request),
        ..Entry::default()
    }
}

/// Writes the request into the log, and finds what the rules want done with it.
fn register(shared: &Shared, state: &mut State, entry: &mut Entry) -> Plan {
    let plan = state.rules.plan(entry.service, &entry.action, &entry.path, entry.access_key_id.as_deref());
    let waits = if plan.held_by.is_empty() { (plan.delay_ms > 0).then_some("delay") } else { Some("hold") };
    entry.effect = plan.answer.as_ref().map(Answer::name).or(waits).map(str::to_owned);
    state.log.begin(entry);
    shared.ring();
    plan
}

fn sit_out(shared: &Shared, plan: &Plan) {
    if plan.delay_ms > 0 {
        shared.wait(Some(Duration::from_millis(plan.delay_ms)), |_| false);
    }
    if !plan.held_by.is_empty() {
        shared.wait(None, |state| !state.rules.any_left(&plan.held_by));
    }
}

/// True if the connection can go on.
fn exchange(shared: &Shared, line: &Line, connection: &mut Connection, request: &Request) -> io::Result<bool> {
    let started = Instant::now();
    let params = params(request);
    let mut entry = new_entry(line, request);
    let plan = {
        let mut state = shared.lock();
        (entry.service, entry.action) = route(request, &params, &state.world);
        entry.params.clone_from(&params);
        register(shared, &mut state, &mut entry)
    };
    sit_out(shared, &plan);
    let now_ms = clock::now_ms() + plan.skew_seconds * 1000;
    let request_id = random::request_id();
    let answered = scripted(entry.service, plan.answer.as_ref()).unwrap_or_else(|| {
        let mut state = shared.lock();
        let State { world, keys, imds_tokens, .. } = &mut *state;
        let lifetime_seconds = plan.lifetime_seconds;
        let mut visit = Visit { request, params: &params, now_ms, lifetime_seconds, world, keys, imds_tokens, entry: &mut entry };
        natural(&mut visit, &request_id)
    });
    finish(
        line,
        connection,
        &plan,
        answered,
        |response| {
            entry.status = response.as_ref().ok().map(|response| response.status);
            if let Err(failure) = &response {
                (entry.status, entry.code) = (Some(failure.status), Some(failure.code.clone()));
            }
            entry.took_ms = Some(started.elapsed().as_secs_f64() * 1000.0);
            shared.lock().log.update(entry.clone());
            shared.ring();
            response
                .unwrap_or_else(|failure| refuse(&entry, &failure, &request_id))
                .with("x-amzn-RequestId", request_id.as_str())
                .with("Date", clock::http(now_ms))
        },
        request.keep_alive,
    )
}

/// The proxy's own part of a request: true if it lets it through.
fn proxy_exchange(shared: &Shared, line: &Line, connection: &mut Connection, request: &Request) -> io::Result<bool> {
    let mut entry = new_entry(line, request);
    (entry.service, entry.action) = (Service::Proxy, proxy::action(request).into());
    entry.params = BTreeMap::from([("target".into(), request.authority.clone().unwrap_or_default())]);
    let (plan, admitted) = {
        let mut state = shared.lock();
        let plan = register(shared, &mut state, &mut entry);
        (plan, proxy::admit(request, &state.world.proxy))
    };
    sit_out(shared, &plan);
    let answered = scripted(Service::Proxy, plan.answer.as_ref()).unwrap_or(admitted);
    let let_through = answered.as_ref().is_ok_and(|response| response.status == 200) && plan.answer.is_none();
    (entry.status, entry.code) = match &answered {
        Ok(response) => (Some(response.status), None),
        Err(failure) => (Some(failure.status), Some(failure.code.clone())),
    };
    shared.lock().log.update(entry);
    if !let_through {
        return finish(
            line,
            connection,
            &plan,
            answered,
            |answer| answer.unwrap_or_else(|failure| proxy::refuse(&failure)),
            false,
        );
    }
    if request.method == "CONNECT" {
        connection.write(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    }
    Ok(true)
}

fn natural(visit: &mut Visit, request_id: &str) -> Result<Response, Failure> {
    let action = visit.entry.action.clone();
    match visit.entry.service {
        Service::Sts => sts::answer(visit, request_id),
        Service::Imds => imds::answer(visit),
        Service::Container => container::answer(visit),
        Service::Sso => sso::answer(visit, &action),
        Service::Proxy | Service::Unknown => Err(Failure::new(404, "UnknownOperation", "Nothing here has this path")),
    }
}

/// The answer a rule gives in place of the service; `None` leaves it to the service.
fn scripted(service: Service, answer: Option<&Answer>) -> Option<Result<Response, Failure>> {
    match answer? {
        Answer::Throttle => Some(Err(match service {
            Service::Sts => Failure::new(400, "Throttling", "Rate exceeded"),
            Service::Sso => Failure::new(429, "TooManyRequestsException", "HTTP 429 Unknown Code"),
            _ => Failure::new(429, "TooManyRequests", "Too Many Requests"),
        })),
        Answer::Error { status, code, message } => Some(Err(Failure::new(*status, code, message.as_str()))),
        Answer::Body { status, content_type, text } => Some(Ok(Response::new(*status, content_type, text.as_str()))),
        Answer::HugeMib(_) => Some(Ok(Response::new(200, "text/xml", ""))),
        // Nothing is sent: the status of this never shows.
        Answer::Hang | Answer::Drop | Answer::Reset => Some(Ok(Response::new(0, "", ""))),
        Answer::Stall | Answer::Truncate | Answer::DripMs(_) => None,
    }
}

fn refuse(entry: &Entry, failure: &Failure, request_id: &str) -> Response {
    match entry.service {
        Service::Sts => sts::refuse(failure, request_id),
        Service::Imds => imds::refuse(failure),
        Service::Sso => sso::refuse(failure, &entry.action),
        _ => container::refuse(failure),
    }
}

/// Sends the answer in the way the rules want. `record` is told the answer before its first byte leaves,
/// so that who has an answer finds it in the log. True if the connection can go on.
fn finish(
    line: &Line,
    connection: &mut Connection,
    plan: &Plan,
    answered: Result<Response, Failure>,
    record: impl FnOnce(Result<Response, Failure>) -> Response,
    keep_alive: bool,
) -> io::Result<bool> {
    match &plan.answer {
        Some(Answer::Hang) => {
            connection.wait_for_close();
            return Ok(false);
        }
        Some(Answer::Drop) => return Ok(false),
        Some(Answer::Reset) => {
            socket2::SockRef::from(&*line.socket).set_linger(Some(Duration::ZERO))?;
            return Ok(false);
        }
        _ => {}
    }
    let response = record(answered);
    let length = response.body.len();
    match &plan.answer {
        Some(Answer::Stall) => {
            connection.write(&response.head(Some(length), true))?;
            connection.wait_for_close();
            Ok(false)
        }
        Some(Answer::Truncate) => {
            let mut bytes = response.head(Some(length), true);
            bytes.extend_from_slice(&response.body[..length / 2]);
            connection.write(&bytes)?;
            Ok(false)
        }
        Some(Answer::DripMs(pause)) => {
            connection.write(&response.head(Some(length), keep_alive))?;
            for byte in &response.body {
                thread::sleep(Duration::from_millis(*pause));
                connection.write(&[*byte])?;
            }
            Ok(keep_alive)
        }
        Some(Answer::HugeMib(count)) => {
            connection.write(&response.head(None, keep_alive))?;
            let mut chunk = b"100000\r\n".to_vec();
            chunk.resize(chunk.len() + (1 << 20), b'x');
            chunk.extend_from_slice(b"\r\n");
            for _ in 0..*count {
                connection.write(&chunk)?;
            }
            connection.write(b"0\r\n\r\n")?;
            Ok(keep_alive)
        }
        _ => {
            send(connection, &response, keep_alive)?;
            Ok(keep_alive)
        }
    }
}
