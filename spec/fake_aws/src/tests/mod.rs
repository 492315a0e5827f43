//! The whole server, asked over its sockets.

mod client;
mod sources;
mod sts;
mod trouble;
