//! The state all connections share, behind one lock, with a condition variable that signals changes.

use crate::keys::{Key, Keys, Principal};
use crate::log::{Entry, Filter, Log};
use crate::rules::Rules;
use crate::world::World;
use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Default)]
pub struct State {
    pub initial: World,
    pub world: World,
    pub keys: Keys,
    pub rules: Rules,
    pub log: Log,
    /// IMDS session tokens and the time they expire.
    pub imds_tokens: HashMap<String, i64>,
}

pub struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    stopping: AtomicBool,
    sockets: Mutex<HashMap<u64, Arc<TcpStream>>>,
    connections: AtomicU64,
    pub tls: Arc<rustls::ServerConfig>,
}

impl Shared {
    #[must_use]
    pub fn new(world: World, tls: Arc<rustls::ServerConfig>) -> Self {
        let state = State { initial: world.clone(), world, ..State::default() };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            stopping: AtomicBool::new(false),
            sockets: Mutex::default(),
            connections: AtomicU64::new(0),
            tls,
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes all waiters, so that they check their condition again.
    pub fn notify(&self) {
        self.changed.notify_all();
    }

    /// Waits until `done` returns true, the time is over or the server stops. True if done.
    pub fn wait(&self, limit: Option<Duration>, mut done: impl FnMut(&State) -> bool) -> bool {
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let mut state = self.lock();
        loop {
            if done(&state) {
                return true;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if self.stopping() || left.is_some_and(|left| left.is_zero()) {
                return false;
            }
            // Checks once a second in any case: nothing here may wait for ever.
            let left = left.unwrap_or(Duration::from_secs(1));
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Restores the initial world; removes rules, log and issued keys.
    pub fn reset(&self) {
        let mut state = self.lock();
        state.world = state.initial.clone();
        state.keys = Keys::default();
        state.imds_tokens.clear();
        state.rules.clear();
        state.log.clear();
        drop(state);
        self.notify();
    }

    /// The matching entries once there are this many.
    ///
    /// # Errors
    /// The entries there are, if they are fewer when the time is over.
    pub fn wait_for_requests(&self, filter: &Filter, count: usize, limit: Duration) -> Result<Vec<Entry>, Vec<Entry>> {
        let enough = self.wait(Some(limit), |state| state.log.count(filter) >= count);
        let entries = self.lock().log.select(filter);
        if enough { Ok(entries) } else { Err(entries) }
    }

    /// A temporary key for a user, a role (its ARN, with a session name) or any other ARN.
    pub fn issue(&self, arn: &str, session_name: &str, lifetime_seconds: i64) -> Key {
        let is_role = crate::arn::Arn::parse(arn).is_some_and(|arn| arn.resource.starts_with("role/"));
        let principal = if is_role { Principal::of_role(arn, session_name) } else { Principal::of_user(arn, None) };
        let key = Key::temporary(principal, crate::clock::now_ms() + lifetime_seconds * 1000);
        self.lock().keys.add(&key);
        key
    }

    pub fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Closes every connection and ends every wait.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        for socket in self.sockets().values() {
            // An error means that it is closed already.
            let _ = socket.shutdown(Shutdown::Both);
        }
        self.notify();
    }

    fn sockets(&self) -> MutexGuard<'_, HashMap<u64, Arc<TcpStream>>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers a connection and keeps its socket for `stop`.
    pub fn add_connection(&self, socket: &Arc<TcpStream>) -> u64 {
        let id = self.connections.fetch_add(1, Ordering::SeqCst) + 1;
        self.sockets().insert(id, Arc::clone(socket));
        if self.stopping() {
            // It was accepted while the server stopped: `stop` has not seen it.
            let _ = socket.shutdown(Shutdown::Both);
        }
        id
    }

    pub fn remove_connection(&self, id: u64) {
        self.sockets().remove(&id);
    }
}
