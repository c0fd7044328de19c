//! The one way to open a file for reading, and to make a folder. Only regular files are opened, so that opening never
//! waits.

use crate::memory;
use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read},
    path::Path,
};

/// Opens a regular file for reading. Anything else (a folder, a named pipe, a device, a socket) is an error that says
/// so: opening a pipe would wait for its other end, and a device may never end.
///
/// Links are followed, so that `/dev/stdin` is as good as the file that it stands for.
pub fn open(path: &Path) -> io::Result<File> {
    // Checked before opening, because opening some devices has an effect, and again after it, because the file may have
    // been replaced in between.
    regular(&path.metadata()?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // If a pipe has taken the file's place in between, opening does not wait. Has no effect on regular files.
        options.custom_flags(libc::O_NONBLOCK);
    }
    let file = options.open(path)?;
    regular(&file.metadata()?)?;
    Ok(file)
}

/// The bytes of a regular file. A file that is larger than the free memory is an error.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = open(path)?;
    let mut bytes = memory::reserve(file.metadata()?.len().into())?;
    // Grows by `try_reserve` where the file does.
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The bytes of a text file, a list or an index. A file of more than `most` bytes is an error.
pub fn read_at_most(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 <= most {
        return Ok(bytes);
    }
    let what = format!("it has more than {}, more than such a file can need", memory::text(most.into()));
    Err(io::Error::new(io::ErrorKind::FileTooLarge, what))
}

/// More than any list, index or table of labels needs.
pub const MOST_TEXT: u64 = 256 << 20;

/// The text of a file, at most [`MOST_TEXT`] bytes.
pub fn read_text(path: &Path) -> io::Result<String> {
    let not_text = |_| io::Error::new(io::ErrorKind::InvalidData, "it is not text in UTF-8");
    String::from_utf8(read_at_most(path, MOST_TEXT)?).map_err(not_text)
}

/// Makes a folder and its parents, if they do not exist. If something else is in their place, the error names it.
pub fn make_folder(path: &Path) -> io::Result<()> {
    let there = path.ancestors().find(|place| place.symlink_metadata().is_ok());
    if let Some(other) = there.filter(|place| !place.is_dir()) {
        let what = match other.is_symlink() {
            true => format!("{} is a link that leads to no folder", other.display()),
            false => format!("{} exists and is not a folder", other.display()),
        };
        return Err(io::Error::new(io::ErrorKind::NotADirectory, what));
    }
    fs::create_dir_all(path)
}

fn regular(meta: &Metadata) -> io::Result<()> {
    if meta.is_file() {
        return Ok(());
    }
    let kind = kind(meta);
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {kind}, not a regular file")))
}

fn kind(meta: &Metadata) -> &'static str {
    if meta.is_dir() {
        return "a folder";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = meta.file_type();
        for (is, name) in [
            (kind.is_fifo(), "a named pipe"),
            (kind.is_socket(), "a socket"),
            (kind.is_char_device() || kind.is_block_device(), "a device"),
        ] {
            if is {
                return name;
            }
        }
    }
    "something else"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_too_long_a_text_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap_err().to_string().contains("a folder, not a regular file"));
        let path = folder.path().join("list.csv");
        std::fs::write(&path, b"12345").unwrap();
        assert_eq!(read_at_most(&path, 5).unwrap(), b"12345");
        assert!(read_at_most(&path, 4).unwrap_err().to_string().contains("more than 4 bytes"));
    }

    #[test]
    fn a_folder_is_made_where_there_is_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        make_folder(&inner).unwrap();
        make_folder(&inner).unwrap();
        assert!(inner.is_dir());
        let file = inner.join("masks");
        std::fs::write(&file, b"1").unwrap();
        for path in [file.clone(), file.join("c/d")] {
            let error = make_folder(&path).unwrap_err().to_string();
            assert_eq!(error, format!("{} exists and is not a folder", file.display()));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_a_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("masks");
        std::os::unix::fs::symlink(folder.path().join("nowhere"), &link).unwrap();
        let error = make_folder(&link.join("inner")).unwrap_err().to_string();
        assert_eq!(error, format!("{} is a link that leads to no folder", link.display()));
    }

    #[cfg(unix)]
    #[test]
    fn pipes_devices_and_sockets_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("scan.nii");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
        for (path, what) in [
            (pipe.as_path(), "a named pipe"),
            (Path::new("/dev/zero"), "a device"),
            (&folder.path().join("socket"), "a socket"),
        ] {
            let error = open(path).unwrap_err().to_string();
            assert!(error.contains(what) && error.contains("not a regular file"), "{error}");
        }
    }
}
