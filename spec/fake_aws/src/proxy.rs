//! An HTTP proxy that sends every request to the local AWS, whatever host it names: no request leaves the
//! machine, and a spec sees which real host a client addressed.

use crate::failure::Failure;
use crate::http::{Request, Response};
use crate::world::Proxy;
use std::io;
use std::net::TcpStream;

/// The action in the log and the rules.
#[must_use]
pub fn action(request: &Request) -> &'static str {
    if request.method == "CONNECT" { "CONNECT" } else { "FORWARD" }
}

/// # Errors
/// 407 without the right `Proxy-Authorization`, 400 for a request no proxy gets.
pub fn admit(request: &Request, proxy: &Proxy) -> Result<Response, Failure> {
    if request.authority.is_none() {
        return Err(Failure::new(400, "BadRequest", "This port is a proxy: ask for http://host/path, or CONNECT"));
    }
    if proxy.authorization.as_deref().is_some_and(|wanted| request.header("proxy-authorization") != Some(wanted)) {
        return Err(Failure::new(407, "ProxyAuthenticationRequired", "Proxy-Authorization is missing or wrong"));
    }
    Ok(Response::new(200, "text/plain", ""))
}

#[must_use]
pub fn refuse(failure: &Failure) -> Response {
    let response = Response::new(failure.status, "text/plain", format!("{}\n", failure.message));
    if failure.status == 407 { response.with("Proxy-Authenticate", "Basic realm=\"local\"") } else { response }
}

/// Peeks at the first byte inside the tunnel: TLS begins with 22.
///
/// # Errors
/// When the client is gone.
pub fn speaks_tls(socket: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    Ok(socket.peek(&mut first)? == 1 && first[0] == 22)
}
