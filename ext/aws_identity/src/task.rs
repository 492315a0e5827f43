//! A fetch in flight: its thread, its deadline, its questions, its waiters, and the gate before a
//! fork.

pub mod asker;
pub mod deadline;
pub mod fetch_task;
pub mod file_task;
pub mod fork_gate;
pub(crate) mod own_thread;
pub mod panic;
pub mod question;
pub(crate) mod slot;
