use crate::label::{LabelId, LabelMap, LabelTable};
use crate::metrics::measurements::Measurements;
use crate::workspace::annotations::Annotations;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Read, Write};

/// First bytes of a snapshot: the name and the version of its layout.
const MAGIC: &[u8; 8] = b"FOVSNAP1";

/// The annotations after entry `seq`, ready to be written.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub seq: i64,
    pub payload: Vec<u8>,
    pub labels: LabelTable,
    pub verified: Vec<usize>,
    pub measurements: Measurements,
}

impl Snapshot {
    /// Encodes the annotations; takes a moment for a large mask, so not on the store's thread.
    pub fn of(seq: i64, annotations: &Annotations) -> std::io::Result<Self> {
        Ok(Self {
            seq,
            payload: encode(annotations)?,
            labels: annotations.labels.clone(),
            verified: annotations.verified.iter().copied().collect(),
            measurements: annotations.measurements.clone(),
        })
    }
}

#[derive(Serialize, Deserialize)]
struct Head {
    dims: [usize; 3],
    labels: LabelTable,
    verified: Vec<usize>,
    /// Snapshots of older versions have none.
    #[serde(default)]
    measurements: Measurements,
}

/// The annotations as bytes: a JSON head, then the mask's runs (length and label as little-endian u32 and u16),
/// deflated.
pub fn encode(annotations: &Annotations) -> std::io::Result<Vec<u8>> {
    let head = Head {
        dims: annotations.mask.dims(),
        labels: annotations.labels.clone(),
        verified: annotations.verified.iter().copied().collect(),
        measurements: annotations.measurements.clone(),
    };
    let head = serde_json::to_vec(&head)?;
    let mut out = Vec::from(MAGIC);
    out.extend((head.len() as u32).to_le_bytes());
    out.extend(head);
    let mut zip = flate2::write::ZlibEncoder::new(out, flate2::Compression::fast());
    let mut failed = Ok(());
    runs(&annotations.mask, |len, label| {
        if failed.is_ok() {
            failed = zip.write_all(&len.to_le_bytes()).and_then(|()| zip.write_all(&label.to_le_bytes()));
        }
    });
    failed?;
    zip.finish()
}

/// Reads back [`encode`]'s bytes, of a mask of `dims`; the error says what is wrong with them. No more is unpacked than such
/// a mask holds.
pub fn decode(bytes: &[u8], dims: [usize; 3]) -> Result<Annotations, String> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("it does not begin like a snapshot")?;
    let (len, rest) = rest.split_first_chunk::<4>().ok_or("it ends early")?;
    let (head, body) = rest.split_at_checked(u32::from_le_bytes(*len) as usize).ok_or("it ends early")?;
    let head: Head = serde_json::from_slice(head).map_err(|e| e.to_string())?;
    if head.dims != dims {
        return Err(format!("it is of size {:?}, the image of {dims:?}", head.dims));
    }
    let count =
        dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).ok_or("its size is beyond any mask's")?;
    let mut runs = BufReader::new(flate2::read::ZlibDecoder::new(body));
    let mut values: Vec<LabelId> = Vec::new();
    let mut run = [0; 6];
    while !runs.fill_buf().map_err(|e| e.to_string())?.is_empty() {
        runs.read_exact(&mut run).map_err(|_| "its last run is cut")?;
        let len = u32::from_le_bytes([run[0], run[1], run[2], run[3]]) as usize;
        if len == 0 || len > count - values.len() {
            return Err("its runs are longer than its mask".into());
        }
        values.resize(values.len() + len, u16::from_le_bytes([run[4], run[5]]));
    }
    let mask = LabelMap::from_values(head.dims, &values).ok_or("its runs are shorter than its mask")?;
    let Head { labels, verified, measurements, .. } = head;
    Ok(Annotations { mask, labels, verified: verified.into_iter().collect(), measurements })
}

/// A mask's identity: BLAKE3 over its size and its runs, 64 hexadecimal digits. Equal masks have equal hashes.
pub fn mask_hash(mask: &LabelMap) -> String {
    let mut hash = blake3::Hasher::new();
    for d in mask.dims() {
        hash.update(&(d as u64).to_le_bytes());
    }
    runs(mask, |len, label| {
        hash.update(&len.to_le_bytes());
        hash.update(&label.to_le_bytes());
    });
    hash.finalize().to_hex().to_string()
}

/// The longest runs of equal labels, x fastest, then y, then z.
fn runs(mask: &LabelMap, mut put: impl FnMut(u32, LabelId)) {
    let [w, h, depth] = mask.dims();
    let mut run: Option<(u32, LabelId)> = None;
    for row in 0..h * depth {
        mask.for_each_run(row * w, w, |_, len, label| {
            let mut len = u32::try_from(len).expect("a row is shorter than 2^32 voxels");
            if let Some((before, same)) = run
                && same == label
            {
                match before.checked_add(len) {
                    Some(sum) => len = sum,
                    None => put(before, same),
                }
            } else if let Some((before, other)) = run {
                put(before, other);
            }
            run = Some((len, label));
        });
    }
    if let Some((len, label)) = run {
        put(len, label);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::Axis;
    use crate::metrics::measurements::MeasurementKind;

    fn annotations() -> Annotations {
        let mut measurements = Measurements::default();
        measurements.add(MeasurementKind::Ruler, Axis::Z, vec![[0.1; 3], [0.3; 3]]).unwrap();
        let values: Vec<LabelId> = (0..7 * 5 * 3).map(|i| [0, 0, 0, 1, 1, 40_000][(i / 3) % 6]).collect();
        Annotations {
            mask: LabelMap::from_values([7, 5, 3], &values).unwrap(),
            labels: LabelTable::named(&["one"]),
            verified: [0, 2].into(),
            measurements,
        }
    }

    #[test]
    fn a_snapshot_reads_back_as_it_was() {
        let before = annotations();
        let after = decode(&encode(&before).unwrap(), [7, 5, 3]).unwrap();
        assert_eq!(after.mask.to_values(), before.mask.to_values());
        assert_eq!(after.labels, before.labels);
        assert_eq!(after.verified, before.verified);
        assert_eq!(after.measurements, before.measurements);
        assert_eq!(mask_hash(&after.mask), mask_hash(&before.mask));
    }

    #[test]
    fn a_cut_snapshot_is_refused() {
        let bytes = encode(&annotations()).unwrap();
        for len in 0..bytes.len() {
            assert!(decode(&bytes[..len], [7, 5, 3]).is_err(), "{len} of {} bytes", bytes.len());
        }
    }

    #[test]
    fn another_size_is_another_hash() {
        let flat = LabelMap::empty([4, 2, 1]);
        assert_ne!(mask_hash(&flat), mask_hash(&LabelMap::empty([2, 4, 1])));
    }
}
