//! NRRD with its data in the same file (`.nrrd`): two or three axes of whole or real numbers, or of colours, raw, as text or
//! compressed by gzip. What else the format knows is refused by its name (<http://teem.sourceforge.net/nrrd/format.html>).

use super::{
    Format, OpenError, OpenOptions, Opened, Progress, Writer,
    gzip::GzMembers,
    samples::{self, Raw},
    source::{self, CHUNK, Extent, MOST_INFLATION},
};
use header::{Encoding, Header};
use std::{
    io::{self, Read},
    path::Path,
};
use write::{write_image, write_mask, write_probability};

mod header;
mod write;

pub static FORMAT: Format = Format {
    id: "nrrd",
    title: "NRRD",
    extensions: &["nrrd"],
    reads: "two or three dimensions or 8-bit colour, raw, text or gzip, with the data in the same file",
    sniff: |_, head| head.starts_with(b"NRRD000"),
    open,
    writer: Some(&WRITER),
};

pub static WRITER: Writer = Writer {
    id: "nrrd",
    title: "NRRD",
    extensions: &["nrrd"],
    one_slice: false,
    keeps_geometry: true,
    mask: |path, mask| write_mask(path, mask.map, mask.grid),
    image: Some(write_image),
    probability: Some(write_probability),
};

fn open(path: &Path, options: &OpenOptions, progress: &mut dyn Progress) -> Result<Opened, OpenError> {
    super::only_image(path, options)?;
    let bytes = source::read_all(path, progress)?;
    let (header, data) = Header::parse(path, &bytes)?;
    let mut warnings = header.warnings.clone();
    let extent = Extent::new(&header.sizes, header.kind.bytes());
    let unpacked;
    let raw = match header.encoding {
        Encoding::Text => {
            let count = header.sizes.iter().fold(1usize, |n, &side| n.saturating_mul(side));
            // A digit and a blank for each number, at least: before memory is taken for them.
            if count > data.len() {
                let most = data.len().div_ceil(2);
                return Err(OpenError::corrupt(
                    path,
                    format!("it has {most} numbers at most, and {count} are needed"),
                ));
            }
            let text = std::str::from_utf8(data)
                .map_err(|_| OpenError::corrupt(path, "its numbers are not text"))?;
            let raw = samples::numbers_of_text(path, header.kind, text, count)?;
            if raw.len() < count {
                let what = format!("it has {} numbers, and {count} are needed", raw.len());
                return Err(OpenError::corrupt(path, what));
            }
            raw
        }
        encoding => {
            let data = match encoding {
                Encoding::Gzip => {
                    unpacked = inflated(path, data, &extent, progress, &mut warnings)?;
                    &unpacked[..]
                }
                _ => data,
            };
            let expected = extent.stored_in(path, data.len() as u64)?;
            if data.len() > expected {
                warnings.push(format!("{} bytes after the image's end were ignored", data.len() - expected));
            }
            samples::numbers(path, header.kind, header.big_endian, &data[..expected], progress)?
        }
    };
    let raw = match (header.colours, raw) {
        (true, Raw::U8(v)) => Raw::Rgb8(v.as_chunks::<3>().0.to_vec()),
        (_, raw) => raw,
    };
    let file_type = raw.name();
    let (native, inexact) = raw.narrow(path)?;
    warnings.extend(inexact);
    let volume = samples::guess_modality(&header.grid, native, [1.0, 0.0], path)?;
    warnings.extend(samples::not_numbers(&volume));
    Ok(Opened {
        volume,
        source: path.to_owned(),
        warnings,
        series: Vec::new(),
        content_hash: source::hash(&bytes),
        turned: None,
        by_look: false,
        facts: serde_json::json!({ "format": "nrrd", "file_type": file_type }),
    })
}

/// What gzip holds, up to a byte more than the image needs; where it ends there, its checksum is right.
fn inflated(
    path: &Path,
    data: &[u8],
    extent: &Extent,
    progress: &dyn Progress,
    warnings: &mut Vec<String>,
) -> Result<Vec<u8>, OpenError> {
    let expected = extent.packed_in(path, data.len() as u64, MOST_INFLATION)?;
    let mut out = source::reserve(path, expected as u128 + 1)?;
    let mut members = GzMembers::new(data);
    loop {
        if progress.cancelled() {
            return Err(OpenError::Cancelled);
        }
        let want = (expected + 1).saturating_sub(out.len()).min(CHUNK) as u64;
        match (&mut members).take(want).read_to_end(&mut out) {
            Ok(0) => break,
            Ok(_) => {}
            // The caller says how much is missing.
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof && out.len() < expected => break,
            Err(e) => {
                let what = format!("its compressed data is not what was written ({e})");
                return Err(OpenError::corrupt(path, what));
            }
        }
    }
    if members.trailing() > 0 {
        warnings.push(format!("{} bytes after the image's end were ignored", members.trailing()));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        geom::{Frame, Unit},
        io::Quiet,
        volume::{Modality, Volume},
    };
    use flate2::{Compression, write::GzEncoder};
    use glam::DVec3;
    use std::io::Write;

    fn opened(header: &str, data: &[u8]) -> Result<Opened, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.nrrd");
        std::fs::write(&path, [format!("NRRD0004\n{header}\n\n").as_bytes(), data].concat()).unwrap();
        crate::io::open(&path, &OpenOptions::default(), &mut Quiet).map_err(|e| e.to_string())
    }

    fn values(volume: &Volume) -> Vec<f32> {
        (0..volume.dims()[2]).flat_map(|z| volume.slice_values(z)).collect()
    }

    const PLAIN: &str = "type: short\ndimension: 3\nsizes: 3 2 1\nendian: big\nencoding: raw";

    #[test]
    fn every_coding_gives_the_same_numbers() {
        let meant: Vec<f32> = vec![-1.0, 2.0, 300.0, -400.0, 5.0, 6.0];
        let big: Vec<u8> = meant.iter().flat_map(|v| (*v as i16).to_be_bytes()).collect();
        assert_eq!(values(&opened(PLAIN, &big).unwrap().volume), meant);
        let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
        gz.write_all(&big).unwrap();
        let gz = gz.finish().unwrap();
        let packed = PLAIN.replace("raw", "gzip").replace('\n', "\r\n");
        assert_eq!(values(&opened(&packed, &gz).unwrap().volume), meant);
        let text = PLAIN.replace("raw", "ASCII").replace("endian: big\n", "# no bytes, no order\n");
        assert_eq!(values(&opened(&text, b"-1 2 300\n-400\t5 6\n").unwrap().volume), meant);
        for (header, data, says) in [
            (PLAIN, &big[..11], "12 bytes are needed, 11 are there"),
            (&packed, &gz[..gz.len() - 9], "incomplete deflate stream"),
            (&packed, &gz[..gz.len() - 4], "not what was written"),
            (&text, b"1 2 3 4 5", "it has 5 numbers, and 6 are needed"),
            (&text, b"1 2 3 4 5 six", "number 6 of its data is \u{201c}six\u{201d}"),
        ] {
            let told = opened(header, data).unwrap_err();
            assert!(told.contains(says), "{told}");
        }
    }

    #[test]
    fn the_place_is_that_of_the_space() {
        let place = |space: &str| {
            let header = format!(
                "{PLAIN}\nspace: {space}\nspace directions: (0,2,0) (3, 0, 0) (0,0,-4)\nspace origin: (10,20,30)"
            );
            let opened = opened(&header, &[0; 12]).unwrap();
            let grid = opened.volume.grid();
            assert_eq!(
                (grid.spacing(), grid.unit(), grid.frame()),
                ([2.0, 3.0, 4.0], Unit::Millimetre, Frame::Patient)
            );
            grid.patient_of(DVec3::new(1.0, 0.0, 0.0)).to_array()
        };
        assert_eq!(place("left-posterior-superior"), [10.0, 22.0, 30.0]);
        assert_eq!(place("RAS"), [-10.0, -22.0, 30.0]);
        assert_eq!(place("left-anterior-superior"), [10.0, -22.0, 30.0]);
        let spaced = opened(&format!("{PLAIN}\nspacings: 0.5 0.25 nan"), &[0; 12]).unwrap();
        assert_eq!(
            (spaced.volume.grid().spacing(), spaced.volume.grid().frame()),
            ([0.5, 0.25, 1.0], Frame::Image)
        );
        assert_eq!(opened(PLAIN, &[0; 12]).unwrap().volume.grid().unit(), Unit::Pixel);
    }

    #[test]
    fn colours_and_pictures_are_read() {
        let header = "type: uint8\ndimension: 3\nsizes: 3 2 1\nkinds: RGB-color domain domain\nencoding: raw\nspace dimension: 2\nspace directions: none (0.5,0) (0,0.25)";
        let volume = opened(header, &[1, 2, 3, 4, 5, 6]).unwrap().volume;
        assert_eq!((volume.dims(), volume.channels(), volume.modality()), ([2, 1, 1], 3, Modality::Other));
        assert_eq!(volume.grid().spacing()[..2], [0.5, 0.25]);
    }

    #[test]
    fn what_is_not_read_is_refused_by_name() {
        for (header, says) in [
            (PLAIN.replace("raw", "bzip2"), "bzip2"),
            (PLAIN.replace("short", "block"), "block"),
            (PLAIN.replace("3\n", "4\n").replace("3 2 1", "3 2 1 1"), "4 axes"),
            (format!("{PLAIN}\ndata file: a.raw"), "another file"),
            (format!("{PLAIN}\nbyteskip:5"), "bytes to be skipped"),
            (PLAIN.replace("endian: big\n", ""), "endian"),
            (PLAIN.replace("sizes: 3 2 1\n", ""), "sizes"),
            (PLAIN.replace("3 2 1", "3 -2 1"), "3 -2 1"),
            (format!("{PLAIN}\nspace: LPS\nspace directions: (1,0,0) (1,0,0) (0,0,1)"), "cannot be inverted"),
            (format!("{PLAIN}\nspace: LPS\nspace directions: (1,0) (0,1) (0,0)"), "(1,0) (0,1) (0,0)"),
            (
                format!(
                    "{PLAIN}\nspace: LPS\nspace units: \"um\" \"um\" \"um\"\nspace directions: (1,0,0) (0,1,0) (0,0,1)"
                ),
                "um",
            ),
            (format!("{PLAIN}\nold min: 0"), "old min"),
        ] {
            let told = opened(&header, &[0; 24]).unwrap_err();
            assert!(told.contains(says), "{header}: {told}");
        }
    }
}
