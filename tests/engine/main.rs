//! The engine: its order of work, its messages, its threads, and real networks on them.

#![expect(clippy::unwrap_used, reason = "what these helpers are given is made by the tests themselves")]

mod graphics;
mod networks;
mod order;
mod outbox;
mod threads;
