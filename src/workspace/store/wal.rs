//! SQLite's write-ahead log, read before SQLite does: it passes over everything after a record whose checksum does not match,
//! and says nothing. The layout is that of <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// Of the first page: the database's header, and that of the page of its tables.
pub(super) const HEAD: usize = 108;

/// A log as it lies on the disk.
#[derive(Debug)]
pub(super) struct Log {
    page_size: usize,
    header_sound: bool,
    salts: [u8; 8],
    frames: Vec<Frame>,
    /// Bytes after the last whole record.
    rest: u64,
}

/// One page, as it became.
#[derive(Debug)]
struct Frame {
    page: u32,
    /// Pages of the whole database where a transaction ends here, else 0.
    commit: u32,
    salts: [u8; 8],
    /// Its checksum follows from the one before it and its bytes.
    sound: bool,
    /// What the database's first page begins with, where this is it.
    head: Option<[u8; HEAD]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// SQLite reads all of it.
    Whole,
    /// Its end is no finished transaction: what was being written when the program stopped, or what is left of more.
    Unfinished,
    /// There are good records after a bad one, or its header is bad: SQLite would pass over them.
    Damaged,
}

impl Log {
    /// Reads the log of a database, whose own `page_size` is taken where the log's header is damaged. `None` where there is
    /// nothing in it.
    pub fn read(path: &Path, page_size: usize) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        let len = file.metadata()?.len();
        if len == 0 {
            return Ok(None);
        }
        let mut file = BufReader::with_capacity(1 << 18, file);
        let mut header = [0; HEADER];
        if len < HEADER as u64 {
            let salts = [0; 8];
            return Ok(Some(Self { page_size, header_sound: true, salts, frames: Vec::new(), rest: len }));
        }
        file.read_exact(&mut header)?;
        let word =
            |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let kinds = [Order::Little, Order::Big];
        let order = kinds.into_iter().find(|order| order.sum([0; 2], &header[..24]) == [word(24), word(28)]);
        let stated = word(8) as usize;
        let sane = stated.is_power_of_two() && (512..=1 << 16).contains(&stated);
        let header_sound = sane && order.is_some_and(|order| word(0) == order.magic());
        let page_size = if header_sound { stated } else { page_size };
        let order = order.unwrap_or(if word(0) == Order::Big.magic() { Order::Big } else { Order::Little });
        let mut log = Self { page_size, header_sound, salts: [0; 8], frames: Vec::new(), rest: 0 };
        log.salts.copy_from_slice(&header[16..24]);

        let record = (FRAME_HEADER + page_size) as u64;
        let mut before = [word(24), word(28)];
        let mut bytes = vec![0; FRAME_HEADER + page_size];
        for _ in 0..(len - HEADER as u64) / record {
            file.read_exact(&mut bytes)?;
            let (head, page) = bytes.split_at(FRAME_HEADER);
            let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
            let stated = [word(16), word(20)];
            let follows = |from| order.sum(order.sum(from, &head[..8]), page) == stated;
            // Where the log's own checksum is what is damaged, the one that it should have counts.
            let sound = follows(before)
                || log.frames.is_empty() && !header_sound && follows(order.sum([0; 2], &header[..24]));
            let mut salts = [0; 8];
            salts.copy_from_slice(&head[8..16]);
            let first = (word(0) == 1).then(|| page.first_chunk::<HEAD>().copied()).flatten();
            log.frames.push(Frame { page: word(0), commit: word(4), salts, sound, head: first });
            before = stated;
        }
        log.rest = (len - HEADER as u64) % record;
        if !header_sound && let Some(frame) = log.frames.get(1).or(log.frames.first()) {
            log.salts = frame.salts;
        }
        Ok(Some(log))
    }

    pub fn state(&self) -> State {
        let committed = self.committed();
        let good = |frame: &Frame| frame.sound && frame.salts == self.salts;
        if !self.header_sound || !self.frames[..committed].iter().all(good) {
            return State::Damaged;
        }
        // Rows of an older log may follow, from before the log was started again.
        let behind = &self.frames[committed..];
        let only_old = behind.first().is_some_and(|frame| !frame.sound)
            && behind.iter().all(|frame| frame.salts != self.salts);
        let ends = committed == self.frames.len() && self.rest == 0;
        if ends || only_old { State::Whole } else { State::Unfinished }
    }

    /// How many records there are up to the end of the last transaction whose own records are good.
    fn committed(&self) -> usize {
        let mut committed = 0;
        let mut good = true;
        for (i, frame) in self.frames.iter().enumerate() {
            // A bad salt or checksum says little where the next record fits to it.
            good &= frame.sound && frame.salts == self.salts;
            if frame.commit != 0 && frame.salts == self.salts {
                if good {
                    committed = i + 1;
                }
                good = true;
            }
        }
        committed
    }

    /// Records that do not match their checksum, and all that count.
    pub fn bad(&self) -> [usize; 2] {
        let counted = &self.frames[..self.committed()];
        let bad = counted.iter().filter(|f| !f.sound || f.salts != self.salts).count();
        [bad + usize::from(!self.header_sound), counted.len()]
    }

    /// What the database's first page begins with once the log is taken in, where the log has that page.
    pub fn head(&self) -> Option<[u8; HEAD]> {
        self.frames[..self.committed()].iter().rev().find_map(|frame| frame.head)
    }

    /// Writes the database with all of the log that can be read into `out`. A page whose record is damaged is taken as it is:
    /// what it holds has checksums of its own.
    pub fn merge(&self, database: &Path, log: &Path, out: &mut File) -> io::Result<()> {
        io::copy(&mut File::open(database)?, out)?;
        let mut log = BufReader::with_capacity(1 << 18, File::open(log)?);
        log.seek(SeekFrom::Start(HEADER as u64))?;
        let committed = self.committed();
        let pages = |frame: &&Frame| frame.commit != 0 && frame.sound;
        let most = self.frames[..committed].iter().filter(pages).map(|f| f.commit).max().unwrap_or(0);
        let mut page = vec![0; self.page_size];
        for frame in &self.frames[..committed] {
            log.seek_relative(FRAME_HEADER as i64)?;
            log.read_exact(&mut page)?;
            if frame.page == 0 || frame.page > most {
                continue;
            }
            out.seek(SeekFrom::Start((u64::from(frame.page) - 1) * self.page_size as u64))?;
            out.write_all(&page)?;
        }
        if let Some(last) = self.frames[..committed].iter().rfind(|f| f.commit != 0 && f.sound) {
            out.set_len(u64::from(last.commit) * self.page_size as u64)?;
        }
        out.sync_all()
    }
}

/// The order of the bytes that checksums are made of.
#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn magic(self) -> u32 {
        match self {
            Order::Little => 0x377f_0682,
            Order::Big => 0x377f_0683,
        }
    }

    /// The checksum goes on from another one.
    fn sum(self, from: [u32; 2], bytes: &[u8]) -> [u32; 2] {
        let word = |b: &[u8]| match self {
            Order::Little => u32::from_le_bytes([b[0], b[1], b[2], b[3]]),
            Order::Big => u32::from_be_bytes([b[0], b[1], b[2], b[3]]),
        };
        bytes.chunks_exact(8).fold(from, |[a, b], pair| {
            let a = a.wrapping_add(word(&pair[..4])).wrapping_add(b);
            [a, b.wrapping_add(word(&pair[4..])).wrapping_add(a)]
        })
    }
}
