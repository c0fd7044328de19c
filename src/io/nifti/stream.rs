use crate::io::{
    OpenError, Progress,
    gzip::GzMembers,
    source::{self, CHUNK, Extent, HashingReader},
};
use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// Size of the NIfTI-1 header, and what its first field must say.
pub const BYTES: usize = 348;

/// The content of a file, decompressed where its first bytes say gzip, hashed as it is read.
pub struct Stream {
    path: PathBuf,
    source: Source,
    /// Content bytes that the image needs, once its header is known; for the error of a file that is cut off.
    needed: u64,
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
        let mut file = source::open(path)?;
        let file_size = file.metadata().map_err(io_error)?.len();
        let mut magic = Vec::new();
        (&mut file).take(2).read_to_end(&mut magic).map_err(io_error)?;
        file.seek(SeekFrom::Start(0)).map_err(io_error)?;
        let hashed = BufReader::with_capacity(1 << 16, HashingReader::new(file));
        let source = match magic == [0x1f, 0x8b] {
            true => Source::Gzip(Box::new(GzMembers::new(hashed))),
            false => Source::Plain(Box::new(hashed)),
        };
        Ok(Self { path: path.to_owned(), source, needed: BYTES as u64, position: 0, file_size })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Fails where the file cannot hold the image that its header states, before anyone takes memory for it.
    pub fn check_can_hold(&mut self, extent: Extent, data_offset: u64) -> Result<(), OpenError> {
        let bytes = match self.source {
            Source::Plain(_) => extent.stored_in(&self.path, self.file_size.saturating_sub(data_offset))?,
            Source::Gzip(_) => extent.packed_in(&self.path, self.file_size, source::MOST_INFLATION)?,
        };
        self.needed = data_offset.saturating_add(bytes as u64);
        Ok(())
    }

    fn truncated(&self) -> OpenError {
        if self.position >= self.needed {
            let what =
                "its compressed data ends before its checksum, so that nothing says whether it is whole";
            return OpenError::corrupt(&self.path, what);
        }
        OpenError::Truncated { path: self.path.clone(), expected: self.needed, found: self.position }
    }

    /// `len` bytes from `at` on of an uncompressed file, read beside the stream; `None` for a compressed one.
    pub fn peek(&self, at: u64, len: usize) -> Result<Option<Vec<u8>>, OpenError> {
        if matches!(self.source, Source::Gzip(_)) {
            return Ok(None);
        }
        let io_error = |e| OpenError::io(&self.path, e);
        let mut file = source::open(&self.path)?;
        file.seek(SeekFrom::Start(at)).map_err(io_error)?;
        let mut bytes = source::reserve(&self.path, len as u128)?;
        file.take(len as u64).read_to_end(&mut bytes).map_err(io_error)?;
        Ok((bytes.len() == len).then_some(bytes))
    }

    /// Appends `want` bytes.
    pub fn fill(&mut self, bytes: &mut Vec<u8>, want: usize) -> Result<(), OpenError> {
        let before = bytes.len();
        let result = (&mut self.source).take(want as u64).read_to_end(bytes);
        // What came before an error counts, and is named by it.
        let read = bytes.len() - before;
        self.position += read as u64;
        result.map_err(|e| self.explain(e))?;
        if read < want { Err(self.truncated()) } else { Ok(()) }
    }

    /// Reads on to content byte `to` without keeping anything.
    pub fn skip(&mut self, to: u64, progress: &mut dyn Progress) -> Result<(), OpenError> {
        while self.position < to {
            let want = (to - self.position).min(CHUNK as u64);
            let read =
                io::copy(&mut (&mut self.source).take(want), &mut io::sink()).map_err(|e| self.explain(e))?;
            self.position += read;
            if read < want {
                return Err(self.truncated());
            }
            if progress.cancelled() {
                return Err(OpenError::Cancelled);
            }
        }
        Ok(())
    }

    /// Reads on to the end of the last volume.
    pub fn skip_rest_of_image(&mut self, progress: &mut dyn Progress) -> Result<(), OpenError> {
        self.skip(self.needed, progress)
    }

    /// Reads to the end of the file, which checks the checksum of a compressed one.
    pub fn finish(mut self, progress: &mut dyn Progress) -> Result<End, OpenError> {
        let mut extra = 0;
        loop {
            let read = io::copy(&mut (&mut self.source).take(CHUNK as u64), &mut io::sink())
                .map_err(|e| self.explain(e))?;
            if read == 0 {
                break;
            }
            extra += read;
            if progress.cancelled() {
                return Err(OpenError::Cancelled);
            }
        }
        let path = &self.path;
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

    fn explain(&self, error: io::Error) -> OpenError {
        match (&self.source, error.kind()) {
            (Source::Gzip(_), io::ErrorKind::UnexpectedEof) => self.truncated(),
            (Source::Gzip(_), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
                OpenError::corrupt(
                    &self.path,
                    format!("its compressed data is not what was written ({error})"),
                )
            }
            _ => OpenError::io(&self.path, error),
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
