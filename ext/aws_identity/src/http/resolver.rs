//! Name look-ups that count as running code, and that hand out allowed addresses only.
//!
//! The resolver of aws-smithy-http-client 1.5.2 looks names up on tokio's pool of blocking threads: such a
//! thread does not count for the fork gate, and it lives on when the answer is there. Nor does it let the
//! caller refuse an address.

use crate::task::{
    fork_gate::{Outside, SharedGate},
    own_thread::{self, NotRun},
};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs},
};

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
            let looked_up = own_thread::run(gate, Some(Outside::NameServer), move || {
                look_up(&name, allowed)
            });
            let addresses = match looked_up.await {
                Ok(addresses) => addresses,
                Err(NotRun::NoThread(error)) => Err(error),
                Err(NotRun::Panicked) => {
                    Err(io::Error::other("the thread that looked it up ended early"))
                }
            };
            addresses.map_err(ResolveDnsError::new)
        })
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
}
