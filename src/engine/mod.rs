//! The only place that starts threads: jobs, messages, latest-wins slots.
