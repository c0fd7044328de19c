//! Edits as bytes, for the journal. Layout, integers as LEB128 varints unless sized:
//!
//! magic "FVED" · version u8 · packed u8 (1: the body is deflated) · body length · body · BLAKE3 of all before, 16 bytes
//!
//! The body is a list of changes. A patch gives its size, its origin, the pairs (before, after) that occur, and its runs:
//! the gap since the end of the last one, the length, and the pair's number.

use super::change::{Change, Edit};
use super::patch::{EditError, Origin, Patch, Run};
use crate::label::LabelId;
use crate::memory::{self, TooMuch};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use std::collections::BTreeMap;
use std::io::{Read, Write};

const MAGIC: &[u8; 4] = b"FVED";
const VERSION: u8 = 1;
const CHECKSUM_LEN: usize = 16;
/// Deflate expands one byte to at most this many (RFC 1951: two bits can stand for 258 bytes).
const MOST_DEFLATION: usize = 1032;
/// Smaller bodies are not worth deflating.
const PACK_FROM: usize = 512;

impl Edit {
    /// Compact bytes with a checksum; [`Edit::decode`] reads them back.
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        put(&mut body, self.changes.len() as u64);
        for change in &self.changes {
            match change {
                Change::Mask(patch) => {
                    body.push(0);
                    patch.put(&mut body);
                }
                Change::Verified { slice, on } => {
                    body.push(if *on { 2 } else { 1 });
                    put(&mut body, *slice as u64);
                }
                Change::Labels { before, after } => {
                    body.push(3);
                    // A list of plain fields always has a JSON form.
                    let json = serde_json::to_vec(&[before, after]).unwrap_or_default();
                    put_bytes(&mut body, &json);
                }
                Change::Measurements { before, after } => {
                    body.push(4);
                    let json = serde_json::to_vec(&[before, after]).unwrap_or_default();
                    put_bytes(&mut body, &json);
                }
            }
        }
        seal(&body)
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, EditError> {
        let body = open(bytes)?;
        let mut input = Input(&body);
        let count = input.count()?;
        let mut changes = Vec::new();
        for _ in 0..count {
            changes.push(match input.byte()? {
                0 => Change::Mask(Patch::take(&mut input)?),
                tag @ (1 | 2) => Change::Verified { slice: input.size()?, on: tag == 2 },
                3 => {
                    let [before, after] = serde_json::from_slice(input.bytes()?)
                        .map_err(|e| damaged(&format!("its label list cannot be read: {e}")))?;
                    Change::Labels { before, after }
                }
                4 => {
                    let [before, after] = serde_json::from_slice(input.bytes()?)
                        .map_err(|e| damaged(&format!("its measurements cannot be read: {e}")))?;
                    Change::Measurements { before, after }
                }
                tag => return Err(damaged(&format!("it has a change of unknown kind {tag}"))),
            });
        }
        input.finish()?;
        Ok(Edit { changes })
    }
}

impl Patch {
    /// Compact bytes with a checksum; [`Patch::decode`] reads them back.
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        self.put(&mut body);
        seal(&body)
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, EditError> {
        let body = open(bytes)?;
        let mut input = Input(&body);
        let patch = Self::take(&mut input)?;
        input.finish()?;
        Ok(patch)
    }

    fn put(&self, out: &mut Vec<u8>) {
        for d in self.dims {
            put(out, d as u64);
        }
        let (tag, name) = match &self.origin {
            Origin::Person { tool } => (0, tool),
            Origin::Model { version } => (1, version),
            Origin::Import { source } => (2, source),
        };
        out.push(tag);
        put_bytes(out, name.as_bytes());
        let mut pairs: BTreeMap<(LabelId, LabelId), u64> = BTreeMap::new();
        for run in &self.runs {
            pairs.entry((run.before, run.after)).or_default();
        }
        put(out, pairs.len() as u64);
        for (number, (&(before, after), slot)) in pairs.iter_mut().enumerate() {
            *slot = number as u64;
            put(out, before.into());
            put(out, after.into());
        }
        put(out, self.runs.len() as u64);
        let mut end = 0;
        for run in &self.runs {
            put(out, (run.start - end) as u64);
            put(out, run.len.into());
            if pairs.len() > 1 {
                put(out, pairs[&(run.before, run.after)]);
            }
            end = run.end();
        }
    }

    /// Reads what [`Patch::put`] wrote; values that no patch can have are damage.
    fn take(input: &mut Input) -> Result<Self, EditError> {
        let dims = [input.size()?, input.size()?, input.size()?];
        let voxels = dims
            .iter()
            .try_fold(1usize, |n, &d| n.checked_mul(d))
            .filter(|&n| n > 0)
            .ok_or_else(|| damaged(&format!("its mask's size is {dims:?}")))?;
        let tag = input.byte()?;
        let name =
            String::from_utf8(input.bytes()?.to_vec()).map_err(|_| damaged("its origin is not text"))?;
        let origin = match tag {
            0 => Origin::Person { tool: name },
            1 => Origin::Model { version: name },
            2 => Origin::Import { source: name },
            _ => return Err(damaged(&format!("its origin is of unknown kind {tag}"))),
        };
        let mut pairs = Vec::new();
        for _ in 0..input.count()? {
            let mut label = || {
                let id = input.size()?;
                LabelId::try_from(id).map_err(|_| damaged(&format!("it names label {id}")))
            };
            let pair = (label()?, label()?);
            if pair.0 == pair.1 {
                return Err(damaged("a run changes nothing"));
            }
            pairs.push(pair);
        }
        let count = input.count()?;
        let mut patch = Patch { origin, dims, runs: memory::reserve(count as u128).map_err(too_large)? };
        let mut end = 0usize;
        for _ in 0..count {
            let start = end.saturating_add(input.size()?);
            let len = input.size()?;
            end = start.saturating_add(len);
            let number = if pairs.len() > 1 { input.size()? } else { 0 };
            let len = u32::try_from(len).ok().filter(|&len| len > 0 && end <= voxels);
            let (Some(len), Some(&(before, after))) = (len, pairs.get(number)) else {
                return Err(damaged("a run leaves the mask"));
            };
            patch.runs.push(Run { start, len, before, after });
        }
        Ok(patch)
    }
}

fn too_large(error: TooMuch) -> EditError {
    damaged(&format!("it is too large: {error}"))
}

fn damaged(what: &str) -> EditError {
    EditError::Damaged(what.to_owned())
}

fn seal(body: &[u8]) -> Vec<u8> {
    let deflated =
        (body.len() >= PACK_FROM).then(|| deflate(body)).flatten().filter(|d| d.len() < body.len());
    let mut out = Vec::with_capacity(body.len() + 32);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&[VERSION, deflated.is_some().into()]);
    put(&mut out, body.len() as u64);
    out.extend_from_slice(deflated.as_deref().unwrap_or(body));
    let checksum = blake3::hash(&out);
    out.extend_from_slice(&checksum.as_bytes()[..CHECKSUM_LEN]);
    out
}

fn open(bytes: &[u8]) -> Result<Vec<u8>, EditError> {
    let (content, checksum) = bytes
        .len()
        .checked_sub(CHECKSUM_LEN)
        .map(|at| bytes.split_at(at))
        .ok_or_else(|| damaged("it is cut off"))?;
    if blake3::hash(content).as_bytes()[..CHECKSUM_LEN] != *checksum {
        return Err(damaged("its checksum does not match"));
    }
    let content = content.strip_prefix(MAGIC).ok_or_else(|| damaged("it does not begin as an edit does"))?;
    let mut input = Input(content);
    match input.byte()? {
        VERSION => {}
        other => return Err(damaged(&format!("it is of version {other}, which this program does not know"))),
    }
    let packed = input.byte()? != 0;
    let len = input.size()?;
    let body = if packed {
        if len / MOST_DEFLATION > input.0.len() {
            return Err(damaged("it is not as long as it says"));
        }
        // What it grows to while it is unpacked.
        memory::check(2 * len as u128).map_err(too_large)?;
        let mut body = Vec::new();
        // One byte more than announced, so that a longer stream is noticed, and none longer is unpacked.
        DeflateDecoder::new(input.0)
            .take((len as u64).saturating_add(1))
            .read_to_end(&mut body)
            .map_err(|e| damaged(&format!("it cannot be unpacked: {e}")))?;
        body
    } else {
        input.0.to_vec()
    };
    if body.len() != len {
        return Err(damaged("it is not as long as it says"));
    }
    Ok(body)
}

fn deflate(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// What is left to read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> Result<u8, EditError> {
        let (&first, rest) = self.0.split_first().ok_or_else(|| damaged("it ends too early"))?;
        self.0 = rest;
        Ok(first)
    }

    fn size(&mut self) -> Result<usize, EditError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if part << shift >> shift != part {
                break;
            }
            value |= part << shift;
            if byte < 0x80 {
                return usize::try_from(value).map_err(|_| damaged("a number in it is too large"));
            }
        }
        Err(damaged("a number in it is too large"))
    }

    /// How many entries follow; each takes at least one byte.
    fn count(&mut self) -> Result<usize, EditError> {
        let count = self.size()?;
        if count <= self.0.len() { Ok(count) } else { Err(damaged("it ends too early")) }
    }

    fn bytes(&mut self) -> Result<&'a [u8], EditError> {
        let len = self.count()?;
        let (bytes, rest) = self.0.split_at(len);
        self.0 = rest;
        Ok(bytes)
    }

    fn finish(&self) -> Result<(), EditError> {
        if self.0.is_empty() { Ok(()) } else { Err(damaged("something follows its end")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sealed as an edit is, with a deflated body that claims to be of this length.
    fn claiming(length: u64, deflated: &[u8]) -> Vec<u8> {
        let mut out = [MAGIC.as_slice(), &[VERSION, 1]].concat();
        put(&mut out, length);
        out.extend_from_slice(deflated);
        let checksum = blake3::hash(&out);
        out.extend_from_slice(&checksum.as_bytes()[..CHECKSUM_LEN]);
        out
    }

    #[test]
    fn a_claimed_size_takes_no_memory() {
        let deflated = deflate(&[0; 1000]).unwrap();
        for length in [0, 999, 1001, 1 << 20, 1 << 40, 1 << 60, u64::MAX] {
            let error = Edit::decode(&claiming(length, &deflated)).unwrap_err().to_string();
            assert!(error.contains("it is not as long as it says"), "{length}: {error}");
        }
        // A true one is read.
        assert!(
            Edit::decode(&claiming(1000, &deflated)).unwrap_err().to_string().contains("follows its end")
        );
    }

    #[test]
    fn a_claimed_number_of_runs_takes_no_memory() {
        // A patch on 4 x 4 x 1 voxels by a tool without a name, with one pair of labels, and so many runs.
        for runs in [3, 1 << 32, 1 << 60, u64::MAX] {
            let mut body = vec![1, 0, 4, 4, 1, 0, 0, 1, 0, 1];
            put(&mut body, runs);
            body.extend([0, 1]);
            let error = Edit::decode(&seal(&body)).unwrap_err().to_string();
            assert!(error.contains("ends too early") || error.contains("a number"), "{runs}: {error}");
        }
    }
}
