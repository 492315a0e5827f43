//! What proves the identity of a process to other systems.
//!
//! [`presigned`] signs requests that the other system sends to AWS, or checks itself; nothing is
//! sent from here.

mod presigned;
mod recipes;
mod request;
mod token;
mod words;

pub use presigned::token as presigned;
pub use recipes::Place;
pub use token::Token;
