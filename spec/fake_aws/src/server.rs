//! Serves one connection: reads requests, applies rules, sends answers.

use crate::call::Call;
use crate::caller::claimed_key;
use crate::clock;
use crate::failure::Failure;
use crate::http::{Connection, Request, Response};
use crate::log::Entry;
use crate::route::{Service, params, route};
use crate::rules::{Answer, Effects};
use crate::shared::{Shared, State};
use crate::{container, control, echo, imds, proxy, random, signin, sso, sts};
use rustls::{ServerConnection, StreamOwned};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// The port a client connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    Http,
    Https,
    Proxy,
}

/// The connection a request came over.
pub struct Peer {
    pub socket: Arc<TcpStream>,
    pub port: Port,
    pub connection: u64,
    pub remote_port: u16,
    pub tls: bool,
    pub proxied: bool,
}

/// Shared with `stop`, which closes it; a reset needs the last owner to drop it.
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

/// Serves one accepted connection until it closes. Errors mean that the client is gone and are ignored.
pub fn serve(shared: &Shared, stream: TcpStream, port: Port) {
    let remote_port = stream.peer_addr().map_or(0, |address| address.port());
    let _ = stream.set_nodelay(true);
    let socket = Arc::new(stream);
    let connection = shared.add_connection(&socket);
    let peer = Peer { socket, port, connection, remote_port, tls: port == Port::Https, proxied: false };
    let _ = open(shared, &peer).and_then(|connection| serve_requests(shared, peer, connection));
    shared.remove_connection(connection);
}

/// Wraps the socket in TLS if the connection has it.
///
/// # Errors
/// When TLS cannot be set up.
pub fn open(shared: &Shared, peer: &Peer) -> io::Result<Connection> {
    let socket = Socket(Arc::clone(&peer.socket));
    if !peer.tls {
        return Ok(Connection::new(Box::new(socket)));
    }
    let session = ServerConnection::new(Arc::clone(&shared.tls)).map_err(io::Error::other)?;
    Ok(Connection::new(Box::new(StreamOwned::new(session, socket))))
}

fn serve_requests(shared: &Shared, mut peer: Peer, mut connection: Connection) -> io::Result<()> {
    while let Some(request) = connection.read_request()? {
        if peer.port == Port::Proxy {
            if !proxy_exchange(shared, &peer, &mut connection, &request)? {
                return Ok(());
            }
            if request.method == "CONNECT" {
                peer.tls = proxy::speaks_tls(&peer.socket)?;
                peer.proxied = true;
                peer.port = Port::Http;
                let inner = open(shared, &peer)?;
                return serve_requests(shared, peer, inner);
            }
            peer.proxied = true;
        }
        let stays_open = if request.path.starts_with("/_control/") {
            let response = control::answer(shared, &request);
            send(&mut connection, &response, request.keep_alive)?;
            request.keep_alive
        } else {
            exchange(shared, &peer, &mut connection, &request)?
        };
        if !stays_open {
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

fn new_entry(peer: &Peer, request: &Request) -> Entry {
    Entry {
        at_ms: clock::now_ms(),
        method: request.method.clone(),
        path: request.path.clone(),
        host: request.header("host").unwrap_or_default().into(),
        headers: request.headers.iter().cloned().collect(),
        user_agent: request.header("user-agent").map(str::to_owned),
        remote_port: peer.remote_port,
        connection: peer.connection,
        tls: peer.tls,
        proxied: peer.proxied,
        access_key_id: claimed_key(request),
        ..Entry::default()
    }
}

/// Writes the request into the log, and finds what the rules do with it.
fn register(shared: &Shared, state: &mut State, entry: &mut Entry) -> Effects {
    let effects = state.rules.effects(entry.service, &entry.action, &entry.path, entry.access_key_id.as_deref());
    let waits = if effects.held_by.is_empty() { (effects.delay_ms > 0).then_some("delay") } else { Some("hold") };
    entry.effect = effects.answer.as_ref().map(Answer::name).or(waits).map(str::to_owned);
    state.log.begin(entry);
    shared.notify();
    effects
}

fn wait_out(shared: &Shared, effects: &Effects) {
    if effects.delay_ms > 0 {
        shared.wait(Some(Duration::from_millis(effects.delay_ms)), |_| false);
    }
    if !effects.held_by.is_empty() {
        shared.wait(None, |state| !state.rules.any_left(&effects.held_by));
    }
}

/// True if the connection stays open.
fn exchange(shared: &Shared, peer: &Peer, connection: &mut Connection, request: &Request) -> io::Result<bool> {
    let started = Instant::now();
    let params = params(request);
    let mut entry = new_entry(peer, request);
    let effects = {
        let mut state = shared.lock();
        (entry.service, entry.action) = route(request, &params, &state.world);
        entry.params.clone_from(&params);
        register(shared, &mut state, &mut entry)
    };
    wait_out(shared, &effects);
    let now_ms = clock::now_ms() + effects.skew_seconds * 1000;
    let request_id = random::request_id();
    let answered = scripted(entry.service, effects.answer.as_ref(), request).unwrap_or_else(|| {
        let mut state = shared.lock();
        let State { world, keys, imds_tokens, .. } = &mut *state;
        let lifetime_seconds = effects.lifetime_seconds;
        let mut call = Call { request, params: &params, now_ms, lifetime_seconds, world, keys, imds_tokens, entry: &mut entry };
        service_answer(&mut call, &request_id)
    });
    finish(
        peer,
        connection,
        &effects,
        answered,
        |response| {
            entry.status = response.as_ref().ok().map(|response| response.status);
            if let Err(failure) = &response {
                (entry.status, entry.code) = (Some(failure.status), Some(failure.code.clone()));
            }
            entry.took_ms = Some(started.elapsed().as_secs_f64() * 1000.0);
            shared.lock().log.update(entry.clone());
            shared.notify();
            response
                .unwrap_or_else(|failure| refuse(&entry, &failure, &request_id))
                .with("x-amzn-RequestId", request_id.as_str())
                .with("Date", clock::http(now_ms))
        },
        request.keep_alive,
    )
}

/// Answers a request as the proxy; true if it is to be forwarded.
fn proxy_exchange(shared: &Shared, peer: &Peer, connection: &mut Connection, request: &Request) -> io::Result<bool> {
    let mut entry = new_entry(peer, request);
    (entry.service, entry.action) = (Service::Proxy, proxy::action(request).into());
    entry.params = BTreeMap::from([("target".into(), request.authority.clone().unwrap_or_default())]);
    let (effects, admitted) = {
        let mut state = shared.lock();
        let effects = register(shared, &mut state, &mut entry);
        (effects, proxy::admit(request, &state.world.proxy))
    };
    wait_out(shared, &effects);
    let answered = scripted(Service::Proxy, effects.answer.as_ref(), request).unwrap_or(admitted);
    let let_through = answered.as_ref().is_ok_and(|response| response.status == 200) && effects.answer.is_none();
    (entry.status, entry.code) = match &answered {
        Ok(response) => (Some(response.status), None),
        Err(failure) => (Some(failure.status), Some(failure.code.clone())),
    };
    shared.lock().log.update(entry);
    if !let_through {
        return finish(
            peer,
            connection,
            &effects,
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

fn service_answer(call: &mut Call, request_id: &str) -> Result<Response, Failure> {
    let action = call.entry.action.clone();
    match call.entry.service {
        Service::Sts => sts::answer(call, request_id),
        Service::Imds => imds::answer(call),
        Service::Container => container::answer(call),
        Service::Sso => sso::answer(call, &action),
        Service::Signin => signin::answer(call),
        Service::Proxy | Service::Unknown => Err(Failure::new(404, "UnknownOperation", "Nothing here has this path")),
    }
}

/// The answer a rule gives in place of the service; `None` leaves it to the service.
fn scripted(service: Service, answer: Option<&Answer>, request: &Request) -> Option<Result<Response, Failure>> {
    match answer? {
        Answer::Throttle => Some(Err(match service {
            Service::Sts => Failure::new(400, "Throttling", "Rate exceeded"),
            Service::Sso => Failure::new(429, "TooManyRequestsException", "HTTP 429 Unknown Code"),
            _ => Failure::new(429, "TooManyRequests", "Too Many Requests"),
        })),
        Answer::Error { status, code, message } => Some(Err(Failure::new(*status, code, message.as_str()))),
        // The page of a refusal of IMDS says nothing.
        Answer::Echo(status) if service == Service::Imds => {
            Some(Ok(Response::new(*status, "text/plain", echo::failure(*status, request).message)))
        }
        Answer::Echo(status) => Some(Err(echo::failure(*status, request))),
        Answer::Body { status, content_type, text } => Some(Ok(Response::new(*status, content_type, text.as_str()))),
        Answer::HugeMib(_) => Some(Ok(Response::new(200, "text/xml", ""))),
        // Nothing is sent: this status is not shown.
        Answer::Hang | Answer::Drop | Answer::Reset => Some(Ok(Response::new(0, "", ""))),
        Answer::Stall | Answer::Truncate | Answer::DripMs(_) => None,
    }
}

fn refuse(entry: &Entry, failure: &Failure, request_id: &str) -> Response {
    match entry.service {
        Service::Sts => sts::refuse(failure, request_id),
        Service::Imds => imds::refuse(failure),
        Service::Sso => sso::refuse(failure, &entry.action),
        Service::Signin => signin::refuse(failure),
        _ => container::refuse(failure),
    }
}

/// Sends the answer as the rules say. `record` is called before its first byte is sent, so that a client that
/// has an answer finds it in the log. True if the connection stays open.
fn finish(
    peer: &Peer,
    connection: &mut Connection,
    effects: &Effects,
    answered: Result<Response, Failure>,
    record: impl FnOnce(Result<Response, Failure>) -> Response,
    keep_alive: bool,
) -> io::Result<bool> {
    match &effects.answer {
        Some(Answer::Hang) => {
            connection.wait_for_close();
            return Ok(false);
        }
        Some(Answer::Drop) => return Ok(false),
        Some(Answer::Reset) => {
            socket2::SockRef::from(&*peer.socket).set_linger(Some(Duration::ZERO))?;
            return Ok(false);
        }
        _ => {}
    }
    let response = record(answered);
    let length = response.body.len();
    match &effects.answer {
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
