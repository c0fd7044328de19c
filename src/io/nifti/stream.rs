use super::gzip::GzMembers;
use crate::io::{
    OpenError, Progress,
    source::{CHUNK, HashingReader},
};
use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

/// Deflate cannot make more than this many bytes of one (zlib's technical details: 1032:1).
const MOST_INFLATION: u128 = 1032;

/// The content of a file, decompressed where its first bytes say gzip, hashed as it is read.
pub struct Stream {
    source: Source,
    /// Content bytes read so far.
    position: u64,
    /// Size of the file itself.
    file_size: u64,
}

type Hashed = BufReader<HashingReader<File>>;

enum Source {
    Plain(Box<Hashed>),
    Gzip(Box<GzMembers<Hashed>>),
}

/// What is known once a stream has been read to its end.
pub struct End {
    pub hash: String,
    pub warning: Option<String>,
}

impl Stream {
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let io_error = |e| OpenError::io(path, e);
        let mut file = File::open(path).map_err(io_error)?;
        let file_size = file.metadata().map_err(io_error)?.len();
        let mut magic = Vec::new();
        (&mut file).take(2).read_to_end(&mut magic).map_err(io_error)?;
        file.seek(SeekFrom::Start(0)).map_err(io_error)?;
        let hashed = BufReader::with_capacity(1 << 16, HashingReader::new(file));
        let source = match magic == [0x1f, 0x8b] {
            true => Source::Gzip(Box::new(GzMembers::new(hashed))),
            false => Source::Plain(Box::new(hashed)),
        };
        Ok(Self { source, position: 0, file_size })
    }

    /// Fails where the file cannot hold `needed` bytes of content, before anyone takes memory for them.
    pub fn check_can_hold(&self, path: &Path, needed: u128) -> Result<(), OpenError> {
        let most = match self.source {
            Source::Plain(_) => self.file_size.into(),
            Source::Gzip(_) => u128::from(self.file_size) * MOST_INFLATION,
        };
        if needed <= most {
            return Ok(());
        }
        Err(self.truncated(path, needed, most))
    }

    fn truncated(&self, path: &Path, needed: u128, found: u128) -> OpenError {
        let clamp = |n: u128| u64::try_from(n).unwrap_or(u64::MAX);
        OpenError::Truncated { path: path.to_owned(), expected: clamp(needed), found: clamp(found) }
    }

    /// Bytes `[at, at + len)` of an uncompressed file, read beside the stream; `None` for a compressed one.
    pub fn peek(&self, path: &Path, at: u128, len: u128) -> Result<Option<Vec<u8>>, OpenError> {
        if matches!(self.source, Source::Gzip(_)) {
            return Ok(None);
        }
        let (Ok(at), Ok(len)) = (u64::try_from(at), u64::try_from(len)) else { return Ok(None) };
        let mut file = File::open(path).map_err(|e| OpenError::io(path, e))?;
        file.seek(SeekFrom::Start(at)).map_err(|e| OpenError::io(path, e))?;
        let mut bytes = Vec::new();
        file.take(len).read_to_end(&mut bytes).map_err(|e| OpenError::io(path, e))?;
        Ok((bytes.len() as u64 == len).then_some(bytes))
    }

    /// Appends to `bytes` until it holds `until` of them, at most one chunk a call. `needed` is the whole content, for
    /// the error.
    pub fn fill(
        &mut self,
        path: &Path,
        bytes: &mut Vec<u8>,
        until: usize,
        needed: u128,
    ) -> Result<(), OpenError> {
        let want = (until - bytes.len()).min(CHUNK);
        let before = bytes.len();
        let result = (&mut self.source).take(want as u64).read_to_end(bytes);
        // What came before an error counts, and is named by it.
        let read = bytes.len() - before;
        self.position += read as u64;
        result.map_err(|e| self.explain(path, e, needed))?;
        if read < want {
            return Err(self.truncated(path, needed, self.position.into()));
        }
        Ok(())
    }

    /// Reads on to content byte `to` without keeping anything.
    pub fn skip(
        &mut self,
        path: &Path,
        to: u128,
        needed: u128,
        progress: &mut dyn Progress,
    ) -> Result<(), OpenError> {
        while u128::from(self.position) < to {
            let want = (to - u128::from(self.position)).min(CHUNK as u128) as u64;
            let read = io::copy(&mut (&mut self.source).take(want), &mut io::sink())
                .map_err(|e| self.explain(path, e, needed))?;
            self.position += read;
            if read < want {
                return Err(self.truncated(path, needed, self.position.into()));
            }
            if progress.cancelled() {
                return Err(OpenError::Cancelled);
            }
        }
        Ok(())
    }

    /// Reads to the end of the file, which checks the checksum of a compressed one.
    pub fn finish(mut self, path: &Path) -> Result<End, OpenError> {
        let mut extra = io::copy(&mut self.source, &mut io::sink())
            .map_err(|e| self.explain(path, e, self.position.into()))?;
        let hashed = match self.source {
            Source::Plain(hashed) => Some(*hashed),
            Source::Gzip(members) => {
                extra += members.trailing();
                members.into_inner()
            }
        };
        let hash = match hashed {
            Some(hashed) => hashed.into_inner().finish().map_err(|e| OpenError::io(path, e))?,
            None => return Err(OpenError::corrupt(path, "its compressed data could not be read to the end")),
        };
        let warning = (extra > 0)
            .then(|| format!("{extra} bytes after the image's end were ignored: {}", path.display()));
        Ok(End { hash, warning })
    }

    fn explain(&self, path: &Path, error: io::Error, needed: u128) -> OpenError {
        match (&self.source, error.kind()) {
            (Source::Gzip(_), io::ErrorKind::UnexpectedEof) => {
                self.truncated(path, needed, self.position.into())
            }
            (Source::Gzip(_), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
                OpenError::corrupt(path, format!("its compressed data is not what was written ({error})"))
            }
            _ => OpenError::io(path, error),
        }
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Source::Plain(r) => r.read(buffer),
            Source::Gzip(r) => r.read(buffer),
        }
    }
}
