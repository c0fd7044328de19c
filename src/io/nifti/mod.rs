//! NIfTI-1, one file or a pair, compressed or not, through the `nifti` crate; the bytes are fetched here, so that their
//! number is checked before memory is taken, the checksum is read to its end, and loading can be stopped.

mod data;
mod geometry;
mod gzip;
mod header;
mod stream;
mod write;

pub use write::{write_label_nifti, write_probability_nifti, write_volume_nifti};

use super::{Format, OpenError, OpenOptions, Opened, Progress, SeriesInfo, samples, source};
use crate::{
    geom::Grid,
    volume::{Modality, Volume},
};
use header::Header;
use std::path::{Path, PathBuf};
use stream::Stream;

pub static FORMAT: Format = Format {
    id: "nifti",
    title: "NIfTI-1 (.nii, .nii.gz, .hdr + .img)",
    extensions: &["nii.gz", "nii", "hdr.gz", "hdr", "img.gz", "img"],
    sniff: |_, head| header::sniff(head),
    open,
};

fn open(path: &Path, options: &OpenOptions, progress: &mut dyn Progress) -> Result<Opened, OpenError> {
    let header_path = header_of_pair(path)?;
    let mut stream = Stream::open(&header_path)?;
    let header = Header::read(&header_path, &mut stream)?;
    let mut warnings = header.warnings.clone();
    let grid = geometry::read(&header.raw, header.dims, &mut warnings)
        .map_err(|what| OpenError::corrupt(&header_path, format!("its geometry cannot be used: {what}")))?;
    let (shown, series) = choose(path, &header, options)?;
    if series.len() > 1 {
        warnings.push(format!(
            "The file holds {} volumes ({}); volume {} is shown",
            series.len(),
            header.raw.dim[1..=usize::from(header.raw.dim[0])]
                .iter()
                .map(u16::to_string)
                .collect::<Vec<_>>()
                .join(" x "),
            shown + 1
        ));
    }
    let (bytes, content_hash) = if header.pair {
        let image_path = image_of_pair(&header_path)?;
        let header_hash = stream.finish(&header_path)?.hash;
        let mut data = Stream::open(&image_path)?;
        let bytes = read_volume(&image_path, &header, shown, &grid, &mut data, progress)?;
        let end = data.finish(&image_path)?;
        warnings.extend(end.warning);
        (bytes, source::hash_of_hashes([header_hash.as_str(), end.hash.as_str()]))
    } else {
        let bytes = read_volume(&header_path, &header, shown, &grid, &mut stream, progress)?;
        let end = stream.finish(&header_path)?;
        warnings.extend(end.warning);
        (bytes, end.hash)
    };
    let (raw, noted) = header.voxel.decode(&header_path, bytes, header.raw.endianness, header.scaling)?;
    warnings.extend(noted);
    let mut facts = header.facts();
    facts["file_type"] = header.voxel.name().into();
    let (native, inexact) = raw.narrow();
    warnings.extend(inexact);
    let volume = samples::guess_modality(&grid, native, header.rescale(), path)?;
    if volume.stats().not_finite > 0 {
        warnings.push(format!("{} voxels are not numbers (NaN or infinite)", volume.stats().not_finite));
    }
    Ok(Opened { volume, source: path.to_owned(), warnings, series, content_hash, by_look: false, facts })
}

/// The volume to show, and all of them where there are several.
fn choose(
    path: &Path,
    header: &Header,
    options: &OpenOptions,
) -> Result<(usize, Vec<SeriesInfo>), OpenError> {
    let id = |i: usize| format!("volume-{}", i + 1);
    let shown = match &options.series {
        None => 0,
        Some(asked) => (0..header.volumes).find(|&i| id(i) == *asked).ok_or_else(|| {
            let available = match header.volumes {
                1 => "volume-1".to_owned(),
                n => format!("volume-1 to volume-{n}"),
            };
            OpenError::NoSuchSeries { path: path.to_owned(), asked: asked.clone(), available }
        })?,
    };
    if header.volumes == 1 {
        return Ok((0, Vec::new()));
    }
    let info = |i: usize| SeriesInfo {
        id: id(i),
        title: format!("Volume {} of {}", i + 1, header.volumes),
        dims: header.dims,
        shown: i == shown,
    };
    Ok((shown, (0..header.volumes).map(info).collect()))
}

/// Reads the bytes of one volume, and skips the others so that a cut or a wrong checksum anywhere is seen.
fn read_volume(
    path: &Path,
    header: &Header,
    shown: usize,
    grid: &Grid,
    stream: &mut Stream,
    progress: &mut dyn Progress,
) -> Result<Vec<u8>, OpenError> {
    let slice_bytes = header.slice_bytes();
    let volume_bytes = slice_bytes * header.dims[2] as u128;
    let before = volume_bytes * shown as u128;
    let needed = u128::from(header.data_offset) + volume_bytes * header.volumes as u128;
    stream.check_can_hold(path, needed)?;
    let middle = header.dims[2] / 2;
    let preview = |bytes: &[u8], progress: &mut dyn Progress| {
        if let Some(slice) = middle_slice(path, header, grid, middle, bytes) {
            progress.preview(slice, middle, header.dims[2]);
        }
    };
    // Where one can jump in the file, the middle slice comes first.
    let middle_at = u128::from(header.data_offset) + before + slice_bytes * middle as u128;
    let mut previewed = header.dims[2] < 2;
    if !previewed && let Some(bytes) = stream.peek(path, middle_at, slice_bytes)? {
        preview(&bytes, progress);
        previewed = true;
    }
    let mut bytes = source::reserve(path, volume_bytes)?;
    stream.skip(path, u128::from(header.data_offset) + before, needed, progress)?;
    let until_preview = (slice_bytes * (middle as u128 + 1)) as usize;
    while (bytes.len() as u128) < volume_bytes {
        stream.fill(path, &mut bytes, volume_bytes as usize, needed)?;
        if progress.cancelled() {
            return Err(OpenError::Cancelled);
        }
        if !previewed && bytes.len() >= until_preview {
            preview(&bytes[until_preview - slice_bytes as usize..until_preview], progress);
            previewed = true;
        }
        progress.report(bytes.len() as u64, volume_bytes as u64);
    }
    stream.skip(path, needed, needed, progress)?;
    Ok(bytes)
}

fn middle_slice(path: &Path, header: &Header, grid: &Grid, z: usize, bytes: &[u8]) -> Option<Volume> {
    let (raw, _) = header.voxel.decode(path, bytes.to_vec(), header.raw.endianness, header.scaling).ok()?;
    samples::slice(grid, z, raw, header.rescale(), Modality::Other)
}

/// The header file of a `.hdr`/`.img` pair, whichever of the two was given.
fn header_of_pair(path: &Path) -> Result<PathBuf, OpenError> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let lower = name.to_lowercase();
    let Some(stem) =
        [".img.gz", ".img"].iter().find(|e| lower.ends_with(*e)).map(|e| &name[..name.len() - e.len()])
    else {
        return Ok(path.to_owned());
    };
    partner(path, stem, ["hdr", "hdr.gz"]).ok_or_else(|| {
        OpenError::unsupported(path, "An .img file without its .hdr", format!("Put {stem}.hdr beside it"))
    })
}

fn image_of_pair(header: &Path) -> Result<PathBuf, OpenError> {
    let name = header.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let lower = name.to_lowercase();
    let stem = [".hdr.gz", ".hdr"]
        .iter()
        .find(|e| lower.ends_with(*e))
        .map_or(&*name, |e| &name[..name.len() - e.len()]);
    partner(header, stem, ["img", "img.gz"])
        .ok_or_else(|| OpenError::corrupt(header, format!("its other half, {stem}.img, is missing")))
}

/// The header of a pair of files, of which `path` is one; none of a file that is whole.
pub fn pair_of(path: &Path) -> Option<PathBuf> {
    halves(path).pop()
}

/// Both files of a pair, of which `path` is one, the header last; none of a file that is whole.
pub fn halves(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    if !["hdr", "hdr.gz", "img", "img.gz"].iter().any(|e| name.ends_with(&format!(".{e}"))) {
        return Vec::new();
    }
    let Ok(header) = header_of_pair(path) else { return Vec::new() };
    image_of_pair(&header).map_or_else(|_| Vec::new(), |image| vec![image, header])
}

fn partner(beside: &Path, stem: &str, extensions: [&str; 2]) -> Option<PathBuf> {
    let upper = extensions.map(str::to_uppercase);
    let names = extensions.iter().copied().chain(upper.iter().map(String::as_str));
    names.map(|e| beside.with_file_name(format!("{stem}.{e}"))).find(|p| p.exists())
}
