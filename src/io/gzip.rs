//! gzip as files have it: several members, and sometimes something behind them.

use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, Read};

/// Reads gzip members one after another, each with its checksum checked at its end, and stops at what is not gzip.
///
/// A file may be several members (bgzip, pigz); bytes after the last one are counted, not read.
pub struct GzMembers<R> {
    state: State<R>,
    trailing: u64,
}

enum State<R> {
    Member(Box<GzDecoder<R>>),
    Done(R),
    /// Only while a member is exchanged for the next.
    Between,
}

impl<R: BufRead> GzMembers<R> {
    pub fn new(inner: R) -> Self {
        Self { state: State::Member(Box::new(GzDecoder::new(inner))), trailing: 0 }
    }

    /// Bytes after the last member, known once reading has returned 0. Zero padding does not count.
    pub fn trailing(&self) -> u64 {
        self.trailing
    }

    pub fn into_inner(self) -> Option<R> {
        match self.state {
            State::Member(decoder) => Some(decoder.into_inner()),
            State::Done(inner) => Some(inner),
            State::Between => None,
        }
    }

    /// Called at the end of a member: is there another?
    fn next_member(&mut self, mut inner: R) -> io::Result<()> {
        let rest = inner.fill_buf()?;
        if rest.starts_with(&[0x1f, 0x8b]) || rest == [0x1f] {
            self.state = State::Member(Box::new(GzDecoder::new(inner)));
            return Ok(());
        }
        let mut garbage = 0;
        loop {
            let rest = inner.fill_buf()?;
            let n = rest.len();
            if n == 0 {
                break;
            }
            garbage += rest.iter().filter(|&&b| b != 0).count() as u64;
            inner.consume(n);
        }
        self.trailing = garbage;
        self.state = State::Done(inner);
        Ok(())
    }
}

impl<R: BufRead> Read for GzMembers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match &mut self.state {
                State::Member(decoder) => {
                    let n = decoder.read(buffer)?;
                    if n > 0 {
                        return Ok(n);
                    }
                }
                State::Done(_) | State::Between => return Ok(0),
            }
            if let State::Member(decoder) = std::mem::replace(&mut self.state, State::Between) {
                self.next_member(decoder.into_inner())?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> io::Result<(Vec<u8>, u64)> {
        let mut members = GzMembers::new(bytes);
        let mut out = Vec::new();
        members.read_to_end(&mut out)?;
        Ok((out, members.trailing()))
    }

    #[test]
    fn members_garbage_and_cuts() {
        let mut two = gz(b"abc");
        two.extend(gz(b"def"));
        assert_eq!(read(&two).unwrap(), (b"abcdef".to_vec(), 0));
        let padded = [two.as_slice(), &[0; 512]].concat();
        assert_eq!(read(&padded).unwrap().1, 0);
        let garbage = [two.as_slice(), b"garbage"].concat();
        assert_eq!(read(&garbage).unwrap(), (b"abcdef".to_vec(), 7));
        for cut in 1..two.len() {
            // Between the members a cut cannot be seen here; the reader of the content sees it.
            if cut != gz(b"abc").len() {
                assert!(read(&two[..cut]).is_err(), "cut at {cut}");
            }
        }
        let mut flipped = gz(b"abc");
        let crc = flipped.len() - 6;
        flipped[crc] ^= 1;
        assert!(read(&flipped).is_err());
    }
}
