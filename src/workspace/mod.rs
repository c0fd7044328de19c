//! What is open, and the commands that change it.
