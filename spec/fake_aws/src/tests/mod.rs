//! The whole server, called over its sockets.

mod client;
mod faults;
mod sources;
mod sts;
