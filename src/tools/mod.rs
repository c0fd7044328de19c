//! Editing tools: one file each, one list of them.
