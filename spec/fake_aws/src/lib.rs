//! The local AWS: STS with real signature checks, `IMDSv2`, container endpoints, SSO, sign-in and a proxy, on loopback.
//! README.md describes its standard world and its rules.

mod arn;
mod call;
mod caller;
mod clock;
mod container;
mod control;
mod echo;
mod failure;
mod http;
mod identity_token;
mod imds;
mod keys;
mod limits;
mod log;
mod proxy;
mod random;
mod route;
mod rules;
mod scoped_credentials;
mod server;
mod shared;
mod signin;
mod sigv4;
mod sso;
mod sts;
#[cfg(test)]
mod tests;
mod tls;
pub mod world;

pub use keys::{Key, Principal};
pub use log::{Entry, Filter};
pub use route::Service;
pub use rules::{Answer, Rule};
pub use world::World;

use server::{Port, serve};
use shared::Shared;
use socket2::{Domain, Socket, Type};
use std::error::Error;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// All clients of a test may connect at once: none should have to send a second SYN.
const BACKLOG: i32 = 1024;

/// A running local AWS. Dropping it closes every connection and removes its directory.
pub struct FakeAws {
    shared: Arc<Shared>,
    ports: [u16; 3],
    acceptors: Vec<JoinHandle<()>>,
    directory: PathBuf,
}

impl FakeAws {
    /// Binds three ports on loopback and serves them on threads of its own.
    ///
    /// # Errors
    /// When a port, a certificate or the directory for it cannot be made.
    pub fn start(world: World) -> Result<Self, Box<dyn Error>> {
        let (tls, pem) = tls::server()?;
        let directory = std::env::temp_dir().join(format!("fake_aws.{}", random::task_id()));
        fs::DirBuilder::new().mode(0o700).create(&directory)?;
        let shared = Arc::new(Shared::new(world, tls));
        // From here on Drop cleans up if a step fails.
        let mut fake = Self { shared, ports: [0; 3], acceptors: Vec::new(), directory };
        fs::write(fake.ca_bundle(), pem)?;
        for (at, port) in [Port::Http, Port::Https, Port::Proxy].into_iter().enumerate() {
            let listener = listen()?;
            fake.ports[at] = listener.local_addr()?.port();
            let shared = Arc::clone(&fake.shared);
            fake.acceptors.push(thread::spawn(move || accept(&shared, &listener, port)));
        }
        Ok(fake)
    }

    /// STS, IMDS, containers, SSO and the control API, without TLS.
    #[must_use]
    pub fn http_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[0])
    }

    /// The same with TLS; `ca_bundle` is to be trusted.
    #[must_use]
    pub fn https_url(&self) -> String {
        format!("https://localhost:{}", self.ports[1])
    }

    #[must_use]
    pub fn proxy_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[2])
    }

    /// PEM file of the authority behind `https_url` and behind every host the proxy reaches.
    #[must_use]
    pub fn ca_bundle(&self) -> PathBuf {
        self.directory().join("ca.pem")
    }

    /// Its temporary directory, mode 0700.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Adds a rule; the number is for `remove_rule`.
    #[allow(clippy::must_use_candidate)] // most rules are never removed by number
    pub fn add_rule(&self, rule: Rule) -> u64 {
        self.shared.lock().rules.add(rule)
    }

    pub fn remove_rule(&self, id: u64) {
        self.shared.lock().rules.remove(id);
        self.shared.notify();
    }

    pub fn clear_rules(&self) {
        self.shared.lock().rules.clear();
        self.shared.notify();
    }

    /// Changes the world while the server runs.
    pub fn change_world(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.shared.lock().world);
    }

    /// The state after `start`: world, rules, log, keys.
    pub fn reset(&self) {
        self.shared.reset();
    }

    /// All requests so far, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Entry> {
        self.shared.lock().log.select(&Filter::default())
    }

    /// Waits until this many matching requests have arrived (answered or not).
    ///
    /// # Errors
    /// The requests there are, if they are fewer when the time is over.
    pub fn wait_for_requests(&self, filter: &Filter, count: usize, limit: Duration) -> Result<Vec<Entry>, Vec<Entry>> {
        self.shared.wait_for_requests(filter, count, limit)
    }

    /// A temporary key for a user, a role (with a session name) or any other ARN.
    #[must_use]
    pub fn issue(&self, arn: &str, session_name: &str, lifetime_seconds: i64) -> Key {
        self.shared.issue(arn, session_name, lifetime_seconds)
    }
}

impl Drop for FakeAws {
    fn drop(&mut self) {
        self.shared.stop();
        for port in self.ports {
            // Wakes the acceptor so that it stops; a refused connection means that it already has.
            let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        }
        for acceptor in self.acceptors.drain(..) {
            let _ = acceptor.join();
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn listen() -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn accept(shared: &Arc<Shared>, listener: &TcpListener, port: Port) {
    for stream in listener.incoming() {
        if shared.stopping() {
            return;
        }
        let Ok(stream) = stream else {
            // Most likely out of file descriptors: other connections get time to close.
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        let shared = Arc::clone(shared);
        // Without a thread the stream is dropped, and the client sees its connection closed.
        let _ = thread::Builder::new().name("connection".into()).spawn(move || serve(&shared, stream, port));
    }
}
