//! Image files in, masks out: one file or folder per format, one list of them.
