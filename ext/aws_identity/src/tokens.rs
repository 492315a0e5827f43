//! What proves the identity of a process to other systems.
//!
//! [`presigned`] signs requests that the other system sends to AWS, or checks itself; nothing is
//! sent from here. [`TokenStore`] holds the tokens that STS issued.

mod identity;
mod presigned;
mod recipes;
mod request;
mod store;
mod token;
mod words;

pub use identity::identity_token_request;
pub use presigned::{check, token as presigned};
pub use recipes::Place;
pub use store::{Look, TokenFetch, TokenStore};
pub use token::Token;
