//! Name look-ups that count as running code, and that hand out allowed addresses only.
//!
//! The resolver of aws-smithy-http-client 1.5.2 looks names up on tokio's pool of blocking threads: such a
//! thread does not count for the fork gate, and it lives on when the answer is there. Nor does it let the
//! caller refuse an address.

use crate::task::{
    fetch_task::STACK,
    fork_gate::{OutsideGuard, RunningGuard, SharedGate},
    panic,
};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs},
    sync::mpsc,
    thread,
};
use tokio::sync::oneshot;

/// Which addresses a name may resolve to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    Anything,
    /// Loopback and the container endpoints of ECS and EKS.
    ///
    /// The check is made on the very address that is then connected to, so a name server cannot
    /// answer differently the second time.
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>
    Container,
}

impl Allowed {
    #[must_use]
    pub fn permits(self, address: IpAddr) -> bool {
        const ECS: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 2);
        const EKS: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 23);
        const EKS_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23);
        self == Self::Anything
            || address.is_loopback()
            || [IpAddr::V4(ECS), IpAddr::V4(EKS), IpAddr::V6(EKS_V6)].contains(&address)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Resolver {
    gate: SharedGate,
    allowed: Allowed,
}

impl Resolver {
    pub(super) fn new(gate: SharedGate, allowed: Allowed) -> Self {
        Self { gate, allowed }
    }
}

impl ResolveDns for Resolver {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        let (name, gate, allowed) = (name.to_owned(), self.gate, self.allowed);
        DnsFuture::new(async move {
            on_own_thread(gate, move || look_up(&name, allowed))
                .await
                .map_err(ResolveDnsError::new)
        })
    }
}

/// Runs `job` on a thread of its own, which has ended when this returns.
///
/// A thread that has looked up a name takes a lock of the C library once more when it ends, and a
/// child that inherits this lock held can never look up a name again. So the thread sleeps until the
/// fetch, which counts as running, lets it end and waits for that.
async fn on_own_thread<T, F>(gate: SharedGate, job: F) -> io::Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> io::Result<T> + Send + 'static,
{
    let (send, received) = oneshot::channel();
    let (release, released) = mpsc::channel::<()>();
    let thread = thread::Builder::new()
        .name(panic::THREAD.into())
        .stack_size(STACK)
        .spawn(move || {
            let running = RunningGuard::begin(gate);
            let outside = OutsideGuard::begin(gate);
            let outcome = job();
            drop(outside);
            drop(running);
            let _ = send.send(outcome);
            let _ = released.recv();
        })?;
    let outcome = received.await;
    drop(release);
    let is_joined = thread.join().is_ok();
    match outcome {
        Ok(outcome) if is_joined => outcome,
        _ => Err(io::Error::other("the thread that looked it up ended early")),
    }
}

fn look_up(name: &str, allowed: Allowed) -> io::Result<Vec<IpAddr>> {
    let addresses: Vec<IpAddr> = (name, 0)
        .to_socket_addrs()
        .map_err(|error| io::Error::new(error.kind(), format!("cannot look up {name}: {error}")))?
        .map(|address| address.ip())
        .collect();
    match addresses.iter().find(|address| !allowed.permits(**address)) {
        None => Ok(addresses),
        Some(refused) => Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!(
                "{name} stands for {refused}, which is neither loopback nor a container endpoint of ECS or EKS"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::fork_gate::NoFork;
    use std::{
        sync::atomic::{AtomicBool, Ordering::SeqCst},
        time::Duration,
    };
    use tokio::runtime;

    #[test]
    fn container_names_may_stand_for_few_addresses() {
        for address in [
            "127.0.0.1",
            "::1",
            "169.254.170.2",
            "169.254.170.23",
            "fd00:ec2::23",
        ] {
            assert!(
                Allowed::Container.permits(address.parse().unwrap()),
                "{address}"
            );
        }
        for address in [
            "169.254.169.254",
            "10.0.0.1",
            "169.254.170.3",
            "fd00:ec2::254",
        ] {
            assert!(
                !Allowed::Container.permits(address.parse().unwrap()),
                "{address}"
            );
        }
        assert!(look_up("localhost", Allowed::Container).is_ok());
    }

    fn run_on_own_thread<T: Send + 'static>(job: fn() -> io::Result<T>) -> io::Result<T> {
        let runtime = runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(on_own_thread(&NoFork, job))
    }

    static ENDED: AtomicBool = AtomicBool::new(false);

    /// Takes 50 ms to be dropped at the end of its thread.
    struct Slow;

    impl Drop for Slow {
        fn drop(&mut self) {
            thread::sleep(Duration::from_millis(50));
            ENDED.store(true, SeqCst);
        }
    }

    thread_local!(static SLOW: Slow = const { Slow });

    #[test]
    fn the_thread_has_ended_when_its_answer_is_there() {
        run_on_own_thread(|| {
            SLOW.with(|_| ());
            Ok(())
        })
        .unwrap();
        assert!(ENDED.load(SeqCst));
    }

    #[test]
    fn a_panic_of_the_thread_is_an_error() {
        let outcome: io::Result<()> = run_on_own_thread(|| panic!("in a look-up"));
        assert!(outcome.unwrap_err().to_string().contains("ended early"));
    }
}
