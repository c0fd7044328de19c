//! The engine: its order of work, its messages, its threads, and real networks on them.

mod graphics;
mod message_queue;
mod networks;
mod order;
mod threads;
