use super::{HEAD_BYTES, OpenError, Progress};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// The first bytes of a file; none of a folder.
pub fn head(path: &Path) -> Result<Vec<u8>, OpenError> {
    let meta = std::fs::metadata(path).map_err(|e| OpenError::io(path, e))?;
    if meta.is_dir() {
        return Ok(Vec::new());
    }
    let file = File::open(path).map_err(|e| OpenError::io(path, e))?;
    let mut head = Vec::with_capacity(HEAD_BYTES);
    file.take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(|e| OpenError::io(path, e))?;
    Ok(head)
}

/// Bytes read between two looks at `cancelled`.
pub const CHUNK: usize = 1 << 20;

/// Reads a whole file, with progress in bytes. The file's size is known before memory is taken.
pub fn read_all(path: &Path, progress: &mut dyn Progress) -> Result<Vec<u8>, OpenError> {
    let mut file = File::open(path).map_err(|e| OpenError::io(path, e))?;
    let size = file.metadata().map_err(|e| OpenError::io(path, e))?.len();
    let mut bytes = reserve(path, size.into())?;
    loop {
        if progress.cancelled() {
            return Err(OpenError::Cancelled);
        }
        let read =
            (&mut file).take(CHUNK as u64).read_to_end(&mut bytes).map_err(|e| OpenError::io(path, e))?;
        progress.report(bytes.len() as u64, size.max(bytes.len() as u64));
        if read == 0 {
            return Ok(bytes);
        }
    }
}

/// An empty vector with room for `count` items, or the error that there is no such room.
pub fn reserve<T>(path: &Path, count: u128) -> Result<Vec<T>, OpenError> {
    let too_large =
        || OpenError::TooLarge { path: path.to_owned(), bytes: count * std::mem::size_of::<T>() as u128 };
    let mut items = Vec::new();
    let n = usize::try_from(count).map_err(|_| too_large())?;
    items.try_reserve_exact(n).map_err(|_| too_large())?;
    Ok(items)
}

pub fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// The hash of a file that is read piece by piece elsewhere.
pub fn hash_file(path: &Path) -> Result<String, OpenError> {
    let file = File::open(path).map_err(|e| OpenError::io(path, e))?;
    HashingReader::new(file).finish().map_err(|e| OpenError::io(path, e))
}

/// One hash for several files: of their hashes, in order.
pub fn hash_of_hashes<'a>(hashes: impl IntoIterator<Item = &'a str>) -> String {
    let mut all = blake3::Hasher::new();
    for h in hashes {
        all.update(h.as_bytes());
    }
    all.finalize().to_hex().to_string()
}

/// A reader that hashes what goes through it.
pub struct HashingReader<R> {
    inner: R,
    hasher: blake3::Hasher,
}

impl<R: Read> HashingReader<R> {
    pub fn new(inner: R) -> Self {
        Self { inner, hasher: blake3::Hasher::new() }
    }

    /// Reads what is left and returns the hash of everything.
    pub fn finish(mut self) -> io::Result<String> {
        let mut rest = vec![0; 1 << 16];
        while self.read(&mut rest)? > 0 {}
        Ok(self.hasher.finalize().to_hex().to_string())
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..n]);
        Ok(n)
    }
}
