//! NIfTI-1, one file or a pair, compressed or not, through the `nifti` crate; the bytes are fetched here, so that their
//! number is checked before memory is taken, the checksum is read to its end, and loading can be stopped.

mod data;
mod geometry;
mod header;
mod stream;
mod write;

pub use write::{write_label_nifti, write_probability_nifti, write_volume_nifti};

use super::{
    Format, OpenError, OpenOptions, Opened, Progress, SeriesInfo, Writer,
    samples::{self, Raw},
    source::{self, CHUNK},
};
use crate::{geom::Grid, volume::Modality};
use header::Header;
use std::path::{Path, PathBuf};
use stream::Stream;

pub static FORMAT: Format = Format {
    id: "nifti",
    title: "NIfTI-1 (.nii, .nii.gz, .hdr + .img)",
    extensions: &["nii.gz", "nii", "hdr.gz", "hdr", "img.gz", "img"],
    reads: "NIfTI-1, one file or a pair, plain or gzip; sform or qform, with a warning if they differ",
    sniff: |_, head| header::sniff(head),
    open,
    writer: Some(&WRITER),
};

pub static WRITER: Writer = Writer {
    id: "nifti",
    title: "NIfTI",
    extensions: &["nii.gz", "nii"],
    one_slice: false,
    keeps_geometry: true,
    mask: |path, mask| write_label_nifti(path, mask.map, mask.grid),
    image: Some(write_volume_nifti),
    probability: Some(write_probability_nifti),
};

fn open(path: &Path, options: &OpenOptions, progress: &mut dyn Progress) -> Result<Opened, OpenError> {
    let header_path = header_of_pair(path)?;
    let mut stream = Stream::open(&header_path)?;
    let header = Header::read(&mut stream)?;
    let mut warnings = header.warnings.clone();
    let grid = geometry::read(&header.raw, header.dims, &mut warnings)
        .map_err(|what| OpenError::corrupt(&header_path, format!("its geometry cannot be used: {what}")))?;
    // Before the volumes are listed: a header may claim any number of them.
    let mut data = match header.pair {
        true => Some(Stream::open(&image_of_pair(&header_path)?)?),
        false => None,
    };
    data.as_mut().unwrap_or(&mut stream).check_can_hold(header.extent(), header.data_offset)?;
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
    let from = data.as_mut().unwrap_or(&mut stream);
    let raw = read_volume(&header, shown, &grid, from, progress)?;
    let end = stream.finish(progress)?;
    let (end, content_hash) = match data {
        Some(data) => {
            let header_hash = end.hash;
            let end = data.finish(progress)?;
            let hash = source::hash_of_hashes([header_hash.as_str(), end.hash.as_str()]);
            (end, hash)
        }
        None => {
            let hash = end.hash.clone();
            (end, hash)
        }
    };
    warnings.extend(end.warning);
    warnings.extend(header.voxel.note());
    let mut facts = header.facts();
    facts["file_type"] = header.voxel.name().into();
    let (native, inexact) = raw.narrow(path)?;
    warnings.extend(inexact);
    let volume = samples::guess_modality(&grid, native, header.rescale(), path)?;
    warnings.extend(samples::not_numbers(&volume));
    Ok(Opened {
        volume,
        source: path.to_owned(),
        warnings,
        series,
        content_hash,
        turned: None,
        by_look: false,
        facts,
    })
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

/// Reads the voxels of one volume, and skips the others so that a cut or a wrong checksum anywhere is seen.
fn read_volume(
    header: &Header,
    shown: usize,
    grid: &Grid,
    stream: &mut Stream,
    progress: &mut dyn Progress,
) -> Result<Raw, OpenError> {
    let path = stream.path().to_owned();
    let decode = |bytes: &[u8]| header.voxel.decode(bytes, header.raw.endianness, header.scaling);
    let size = header.voxel.bytes();
    let (slice, depth) = (header.dims[0] * header.dims[1], header.dims[2]);
    // A grid has no more voxels than can be counted, and the file holds them all.
    let (voxels, middle) = (grid.voxel_count(), depth / 2);
    let begin = header.data_offset + (voxels * size) as u64 * shown as u64;
    let preview = |raw: Raw, progress: &mut dyn Progress| {
        if let Some(slice) = samples::slice(grid, middle, raw, header.rescale(), Modality::Other) {
            progress.preview(slice, middle, depth);
        }
    };
    // Where one can jump in the file, the middle slice comes first.
    let mut previewed = depth < 2;
    if !previewed && let Some(bytes) = stream.peek(begin + (slice * middle * size) as u64, slice * size)? {
        preview(decode(&bytes), progress);
        previewed = true;
    }
    let mut raw = decode(&[]);
    raw.reserve(&path, voxels as u128)?;
    stream.skip(begin, progress)?;
    let mut bytes = Vec::new();
    while raw.len() < voxels {
        let step = (CHUNK / size).min(voxels - raw.len());
        bytes.clear();
        stream.fill(&mut bytes, step * size)?;
        // Of one type, since one voxel type decodes to one.
        raw.append(decode(&bytes))
            .map_err(|[a, b]| OpenError::corrupt(&path, format!("{a} and {b} voxels")))?;
        if progress.cancelled() {
            return Err(OpenError::Cancelled);
        }
        let until = slice * (middle + 1);
        if !previewed && raw.len() >= until {
            preview(raw.part(until - slice..until), progress);
            previewed = true;
        }
        progress.report((raw.len() * size) as u64, (voxels * size) as u64);
    }
    stream.skip_rest_of_image(progress)?;
    Ok(raw)
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
