//! What else lies in a folder of DICOM files.

use super::{make::Slice, open, says, values};
use fovea::io::{self, OpenOptions, Quiet};
use std::{fs, path::Path};

/// Slices 1, 2, 3… of their number as value.
fn write(folder: &Path, slices: u32) {
    for i in 1..=slices {
        Slice::at(f64::from(i), i as i16, i).write(&folder.join(format!("{i}.dcm")));
    }
}

#[test]
fn what_is_called_a_slice_and_is_none_is_named_also_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 5);
    let whole = open(folder.path());
    assert_eq!((values(&whole.volume).len(), whole.warnings.len()), (5, 0), "{:?}", whole.warnings);
    // The last slice was not copied: nothing else tells that it was there.
    fs::write(folder.path().join("5.dcm"), b"").unwrap();
    let opened = open(folder.path());
    assert_eq!(values(&opened.volume), [1.0, 2.0, 3.0, 4.0]);
    assert!(says(&opened, "1 file could not be read and is left out"), "{:?}", opened.warnings);
    assert!(says(&opened, "5.dcm is damaged: it is empty (0 bytes)"), "{:?}", opened.warnings);
    fs::write(folder.path().join("5.dcm"), b"a page of a web server that says that the file is away")
        .unwrap();
    // Companions of a file system, and files of other names, are nobody's slices.
    fs::write(folder.path().join("._5.dcm"), b"companion").unwrap();
    fs::write(folder.path().join("README"), b"").unwrap();
    let opened = open(folder.path());
    assert!(says(&opened, "1 file could not be read and is left out"), "{:?}", opened.warnings);
    assert!(says(&opened, "5.dcm is damaged: it does not begin like a DICOM file"), "{:?}", opened.warnings);
}

#[cfg(unix)]
#[test]
fn links_to_devices_are_named_and_loops_of_links_are_walked_once() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 3);
    symlink("/dev/zero", folder.path().join("4.dcm")).unwrap();
    let again = folder.path().join("again");
    fs::create_dir(&again).unwrap();
    for i in 0..40 {
        symlink(folder.path(), again.join(format!("up{i}"))).unwrap();
        symlink(&again, again.join(format!("here{i}"))).unwrap();
    }
    let opened = open(folder.path());
    assert_eq!(values(&opened.volume), [1.0, 2.0, 3.0]);
    let [warning] = &opened.warnings[..] else { panic!("{:?}", opened.warnings) };
    assert!(warning.contains("4.dcm cannot be read: it is a device, not a regular file"), "{warning}");
}

#[test]
fn folders_that_are_not_looked_into_are_one_warning() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 2);
    for name in ["x", "y", "z"] {
        fs::create_dir_all(folder.path().join("1/2/3/4").join(name)).unwrap();
    }
    let opened = open(folder.path());
    let [warning] = &opened.warnings[..] else { panic!("{:?}", opened.warnings) };
    assert!(warning.starts_with("3 folders are nested too deep"), "{warning}");
    assert!(warning.contains("the first: ") && warning.ends_with('x'), "{warning}");
    let of_one = io::open(&folder.path().join("1.dcm"), &OpenOptions::default(), &mut Quiet).unwrap();
    assert_eq!(of_one.warnings.len(), 0);
}
