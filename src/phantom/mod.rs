//! Seeded pictures with exact labels that the program makes itself: its samples, and what its tests stand on.
