//! Where a reader's bytes come from, and the one place where the sizes that a file states are worked out and compared with
//! what is there.

use super::{HEAD_BYTES, OpenError, Progress};
use crate::{file, memory, volume::Volume, watch};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// Opens a file that a person or another file has named; see [`file::open`].
pub fn open(path: &Path) -> Result<File, OpenError> {
    file::open(path).map_err(|e| OpenError::io(path, e))
}

/// The first bytes of a file; none of a folder.
pub fn head(path: &Path) -> Result<Vec<u8>, OpenError> {
    if path.is_dir() {
        return Ok(Vec::new());
    }
    let mut head = Vec::with_capacity(HEAD_BYTES);
    open(path)?.take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(|e| OpenError::io(path, e))?;
    Ok(head)
}

/// Reads under this thread's watch ([`watch::under`]), so that the reading can be stopped, and reports progress under this name, if any.
pub struct UnderWatch(pub Option<&'static str>);

impl Progress for UnderWatch {
    fn report(&mut self, done: u64, total: u64) {
        if let Some(stage) = self.0 {
            watch::current().progress(stage, done, total);
        }
    }

    fn preview(&mut self, _slice: Volume, _z: usize, _depth: usize) {}

    fn cancelled(&self) -> bool {
        watch::current().stop()
    }
}

/// Bytes read between two looks at `cancelled`.
pub const CHUNK: usize = 1 << 20;

/// Reads a whole file, with progress in bytes. The file's size is known before memory is taken.
pub fn read_all(path: &Path, progress: &mut dyn Progress) -> Result<Vec<u8>, OpenError> {
    let mut file = open(path)?;
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

/// Deflate makes at most this many bytes of one (zlib's technical details: 1032:1). The other compressions read here make
/// fewer of real pictures; of a blank one they may make more, which is why there is [`ALWAYS_GIVEN`].
pub const MOST_INFLATION: u64 = 1032;
/// Small enough to give to any file that asks for it.
const ALWAYS_GIVEN: u128 = 16 << 20;

/// How many values a file says that it holds, and their bytes. Nothing is multiplied elsewhere: here it cannot overflow, and
/// [`stored_in`](Extent::stored_in) and [`packed_in`](Extent::packed_in) compare it with the file before memory is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// What was said, for the error: `512 x 512 x 40 of 2 bytes`.
    said: String,
    values: u128,
    bytes: u128,
}

impl Extent {
    /// The extent of an array of such sides (voxels, frames, samples a pixel: whatever there is) with `bytes` for each value.
    pub fn new(sides: &[usize], bytes: usize) -> Self {
        let sides_said = sides.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
        let values = sides.iter().fold(1u128, |n, &side| n.saturating_mul(side as u128));
        let said = format!("{sides_said} of {bytes} bytes");
        Self { said, values, bytes: values.saturating_mul(bytes as u128) }
    }

    /// The same number of values, of which each takes so many bits and the last byte may be partly used.
    pub fn with_bits(self, bits: usize) -> Self {
        Self { bytes: self.values.saturating_mul(bits as u128).div_ceil(8), ..self }
    }

    /// The bytes of all values, where a file (or a field in it) of `found` bytes holds them as they are.
    pub fn stored_in(&self, path: &Path, found: u64) -> Result<usize, OpenError> {
        let bytes = usize::try_from(self.bytes).map_err(|_| self.too_much(path, found))?;
        if bytes as u64 <= found {
            return Ok(bytes);
        }
        Err(OpenError::Truncated { path: path.to_owned(), expected: bytes as u64, found })
    }

    /// The bytes of all values, where `found` bytes hold them compressed, each at most `inflation` of them.
    pub fn packed_in(&self, path: &Path, found: u64, inflation: u64) -> Result<usize, OpenError> {
        let most = u128::from(found) * u128::from(inflation) + ALWAYS_GIVEN;
        let bytes = usize::try_from(self.bytes).ok().filter(|&bytes| bytes as u128 <= most);
        bytes.ok_or_else(|| self.too_much(path, found))
    }

    fn too_much(&self, path: &Path, found: u64) -> OpenError {
        let [said, found] = [self.bytes, found.into()].map(memory::text);
        let what = format!("its header asks for {}, which are {said}, and it has {found}", self.said);
        OpenError::corrupt(path, what)
    }
}

/// An empty vector with room for `count` items, or the error that there is no such room.
pub fn reserve<T>(path: &Path, count: u128) -> Result<Vec<T>, OpenError> {
    memory::reserve(count).map_err(|e| OpenError::too_large(path, e))
}

/// `count` zeros.
pub fn zeroed(path: &Path, count: u128) -> Result<Vec<u8>, OpenError> {
    memory::zeroed(count).map_err(|e| OpenError::too_large(path, e))
}

/// Room for `count` items more at the end of a vector.
pub fn more<T>(path: &Path, items: &mut Vec<T>, count: u128) -> Result<(), OpenError> {
    memory::more(items, count).map_err(|e| OpenError::too_large(path, e))
}

/// Whether there are `bytes` of memory, for those that take it without asking: the decoders of other crates.
pub fn room(path: &Path, bytes: u128) -> Result<(), OpenError> {
    memory::check(bytes).map_err(|e| OpenError::too_large(path, e))
}

pub fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// The hash of a file that is read piece by piece elsewhere.
pub fn hash_file(path: &Path) -> Result<String, OpenError> {
    HashingReader::new(open(path)?).finish().map_err(|e| OpenError::io(path, e))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_compared_with_the_file_and_never_overflow() {
        let path = Path::new("a.npy");
        let extent = |sides: &[usize]| Extent::new(sides, 2);
        assert_eq!(extent(&[4, 3, 2]).stored_in(path, 48).unwrap(), 48);
        let cut = extent(&[4, 3, 2]).stored_in(path, 47).unwrap_err();
        assert!(matches!(cut, OpenError::Truncated { expected: 48, found: 47, .. }), "{cut}");
        assert_eq!(Extent::new(&[3, 3], 1).with_bits(1).stored_in(path, 2).unwrap(), 2);

        let packed = |sides: &[usize]| extent(sides).packed_in(path, 1000, MOST_INFLATION);
        assert_eq!(packed(&[1 << 20]).unwrap(), 2 << 20);
        let large = packed(&[1 << 12, 1 << 12]).unwrap_err().to_string();
        assert!(large.contains("4096 x 4096 of 2 bytes, which are 33.6 MB, and it has 1.0 kB"), "{large}");
        for sides in [&[1 << 32; 3][..], &[usize::MAX; 5], &[1 << 63, 2]] {
            for error in [extent(sides).stored_in(path, 128), packed(sides)] {
                let error = error.unwrap_err().to_string();
                assert!(error.contains("of 2 bytes, which are"), "{error}");
            }
        }
        assert!(matches!(room(path, 1 << 70).unwrap_err(), OpenError::TooLarge { .. }));
    }
}
