//! Drawing with wgpu: slices and overlays, one pipeline a file.
