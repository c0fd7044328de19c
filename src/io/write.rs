//! Masks, probabilities and pictures as PNG and TIFF. Every file is decoded again and compared before it takes its
//! place.

use super::{OpenError, OpenOptions, WriteError, open, samples::same_samples, source::UnderWatch};
use crate::{
    file,
    geom::Grid,
    label::{LabelId, LabelMap},
    replace::{self, Out, write_bytes, write_checked},
    volume::{Samples, Volume},
    watch::{self, Stopped},
};
use glam::DVec3;
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use std::{
    cell::LazyCell,
    fs,
    io::{self, BufReader},
    path::{Path, PathBuf},
};
use tiff::{
    ColorType, TiffError, TiffResult,
    decoder::{Decoder, DecodingResult, Limits},
    encoder::{Compression, TiffEncoder, colortype},
};

/// Writes a mask as grey PNG whose values are the label ids (8 bits, 16 where an id is above 255): one file for a 2-D
/// image, else a folder `path` with `0001.png`, `0002.png`… in slice order.
///
/// A folder must hold this mask and no other. Numbered slices beyond its last one are removed, after the new ones are
/// written, where they are as this program wrote them (which is said); where they are not, nothing is written.
pub fn write_label_png(path: &Path, map: &LabelMap) -> Result<Vec<String>, WriteError> {
    let [width, height, depth] = map.dims();
    let wide = has_wide_ids(map);
    if depth == 1 {
        write_png(path, &label_samples(map.slice(0), wide), [width, height])?;
        return Ok(vec![]);
    }
    let io_error = |cause| WriteError::io(path, cause);
    file::make_folder(path).map_err(io_error)?;
    let beyond = slices_beyond(path, depth).map_err(io_error)?;
    let own = LazyCell::new(replace::Own::read);
    if let Some(other) = beyond.iter().find(|slice| !own.has(slice)) {
        let what = format!(
            "{} would be a slice of it, and is not as Fovea wrote it there: move it away, or choose another folder",
            other.display()
        );
        return Err(WriteError::unfit(path, what));
    }
    for z in 0..depth {
        watch::step("writing", z, depth)
            .map_err(|cause| WriteError::Stopped { path: path.to_owned(), cause })?;
        let file = path.join(format!("{:04}.png", z + 1));
        write_png(&file, &label_samples(map.slice(z), wide), [width, height])?;
    }
    let mut told = vec![];
    for slice in beyond {
        // Somebody may have changed it meanwhile.
        let name = slice.display();
        told.push(match replace::remove_own(&slice).map_err(io_error)? {
            true => format!(
                "{name} was removed: it is of a mask with more slices, which Fovea wrote there before"
            ),
            false => {
                format!(
                    "{name} is not a slice of this mask and was changed meanwhile, so it was left as it is"
                )
            }
        });
    }
    Ok(told)
}

/// The numbered slices in a folder that come after those of a mask, in their order.
fn slices_beyond(folder: &Path, depth: usize) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![];
    for entry in fs::read_dir(folder)? {
        let file = entry?.path();
        let number = file.file_name().and_then(|n| n.to_str()?.strip_suffix(".png")?.parse::<usize>().ok());
        if number.is_some_and(|n| n > depth) {
            found.push(file);
        }
    }
    found.sort();
    Ok(found)
}

/// Writes a mask as TIFF, one page a slice, with the ids as values (8 bits, 16 where an id is above 255).
pub fn write_label_tiff(path: &Path, map: &LabelMap) -> Result<(), WriteError> {
    let wide = has_wide_ids(map);
    write_tiff(path, &|z| label_samples(map.slice(z), wide), map.dims())
}

/// Writes one probability of a 2-D image (its only slice row by row, 0 to 1) as 16-bit grey PNG: 65535 is certainty.
pub fn write_probability_png(path: &Path, slices: &[&[f32]], grid: &Grid) -> Result<(), WriteError> {
    let [values] = slices else { return Err(one_picture(path, slices.len())) };
    let [width, height, _] = grid.dims();
    let levels = values.iter().map(|p| (p.clamp(0.0, 1.0) * 65_535.0).round() as u16);
    write_png(path, &Samples::U16(levels.collect()), [width, height])
}

/// Writes one probability (a slice each, row by row; 0 to 1) as TIFF, one page a slice, with 32-bit real numbers.
pub fn write_probability_tiff(path: &Path, slices: &[&[f32]], grid: &Grid) -> Result<(), WriteError> {
    let [width, height, depth] = grid.dims();
    if slices.len() != depth || slices.iter().any(|slice| slice.len() != width * height) {
        return Err(WriteError::unfit(
            path,
            format!("there are {} slices for {:?} voxels", slices.len(), grid.dims()),
        ));
    }
    write_tiff(path, &|z| Samples::F32(slices[z].to_vec().into()), grid.dims())
}

fn one_picture(path: &Path, slices: usize) -> WriteError {
    WriteError::unfit(path, format!("a PNG is one picture and this image has {slices} slices"))
}

/// Writes a 2-D image as PNG (8- or 16-bit grey, or colour). Types that PNG does not have are refused.
pub fn write_image_png(path: &Path, volume: &Volume) -> Result<(), WriteError> {
    let [width, height, depth] = volume.dims();
    if depth != 1 {
        return Err(one_picture(path, depth));
    }
    refuse_rescaled(path, volume)?;
    write_png(path, volume.samples(), [width, height])
}

/// Writes an image as TIFF in its own type, one page a slice. TIFF has no place for geometry.
pub fn write_image_tiff(path: &Path, volume: &Volume) -> Result<(), WriteError> {
    refuse_rescaled(path, volume)?;
    let [width, height, _] = volume.dims();
    let page = |z: usize| {
        let voxels = z * width * height..(z + 1) * width * height;
        match volume.samples() {
            Samples::U8(v) => Samples::U8(v[voxels].to_vec().into()),
            Samples::I16(v) => Samples::I16(v[voxels].to_vec().into()),
            Samples::U16(v) => Samples::U16(v[voxels].to_vec().into()),
            Samples::F32(v) => Samples::F32(v[voxels].to_vec().into()),
            Samples::Rgb8(v) => Samples::Rgb8(v[voxels].to_vec().into()),
        }
    };
    write_tiff(path, &page, volume.dims())
}

fn refuse_rescaled(path: &Path, volume: &Volume) -> Result<(), WriteError> {
    match volume.rescale() {
        [1.0, 0.0] => Ok(()),
        [slope, intercept] => Err(WriteError::unfit(
            path,
            format!("its values are stored x {slope} + {intercept}, which only NIfTI can say: write .nii.gz"),
        )),
    }
}

pub(super) fn has_wide_ids(map: &LabelMap) -> bool {
    map.counts().keys().any(|&id| id > LabelId::from(u8::MAX))
}

pub(super) fn label_samples(ids: Vec<LabelId>, wide: bool) -> Samples {
    // `wide` is false only where every id fits.
    if wide { Samples::U16(ids.into()) } else { Samples::U8(ids.into_iter().map(|id| id as u8).collect()) }
}

fn write_png(path: &Path, samples: &Samples, [width, height]: [usize; 2]) -> Result<(), WriteError> {
    let unfit = |what: &str| WriteError::unfit(path, what);
    let native: Vec<u8>;
    let (bytes, color): (&[u8], _) = match samples {
        Samples::U8(v) => (v, ExtendedColorType::L8),
        Samples::U16(v) => {
            native = v.iter().flat_map(|s| s.to_ne_bytes()).collect();
            (&native, ExtendedColorType::L16)
        }
        Samples::Rgb8(v) => (v.as_flattened(), ExtendedColorType::Rgb8),
        Samples::I16(_) => return Err(unfit("PNG has no negative values: write .tif or .nii.gz")),
        Samples::F32(_) => return Err(unfit("PNG has no fractions: write .tif or .nii.gz")),
    };
    let too_wide = |_| unfit("a PNG side has at most 4294967295 pixels");
    let size = [u32::try_from(width).map_err(too_wide)?, u32::try_from(height).map_err(too_wide)?];
    write_checked(
        path,
        |out| PngEncoder::new(out).write_image(bytes, size[0], size[1], color).map_err(io_of_image),
        |new| same_as(new, samples, [width, height, 1], |_| Ok(())),
    )
}

/// The disk's own error, or that writing was stopped, as it was.
fn io_of_image(error: image::ImageError) -> io::Error {
    match error {
        image::ImageError::IoError(error) => error,
        other => io::Error::other(other),
    }
}

/// Writes pages one after the other, and compares them one after the other, so that none but one is held twice.
fn write_tiff(
    path: &Path,
    page: &dyn Fn(usize) -> Samples,
    [width, height, depth]: [usize; 3],
) -> Result<(), WriteError> {
    let size = [width, height].map(|side| u32::try_from(side).unwrap_or(u32::MAX));
    let encode = |out: &mut Out<'_>| -> TiffResult<()> {
        let mut encoder = TiffEncoder::new(out)?.with_compression(Compression::Deflate(Default::default()));
        let [width, height] = size;
        for z in 0..depth {
            watch::step("writing", z, depth).map_err(io::Error::from)?;
            match page(z) {
                Samples::U8(v) => encoder.write_image::<colortype::Gray8>(width, height, &v)?,
                Samples::U16(v) => encoder.write_image::<colortype::Gray16>(width, height, &v)?,
                Samples::I16(v) => encoder.write_image::<colortype::GrayI16>(width, height, &v)?,
                Samples::F32(v) => encoder.write_image::<colortype::Gray32Float>(width, height, &v)?,
                Samples::Rgb8(v) => {
                    encoder.write_image::<colortype::RGB8>(width, height, v.as_flattened())?;
                }
            }
        }
        Ok(())
    };
    let compare = |new: &Path| -> TiffResult<bool> {
        let mut decoder = Decoder::new(BufReader::new(file::open(new)?))?.with_limits(Limits::unlimited());
        for z in 0..depth {
            watch::step("checking", z, depth).map_err(io::Error::from)?;
            if z > 0 {
                decoder.next_image()?;
            }
            let back = match decoder.read_image()? {
                DecodingResult::U8(v) if decoder.colortype()? == ColorType::RGB(8) => {
                    Samples::Rgb8(v.as_chunks::<3>().0.to_vec().into())
                }
                DecodingResult::U8(v) => Samples::U8(v.into()),
                DecodingResult::U16(v) => Samples::U16(v.into()),
                DecodingResult::I16(v) => Samples::I16(v.into()),
                DecodingResult::F32(v) => Samples::F32(v.into()),
                _ => return Ok(false),
            };
            if decoder.dimensions()? != size.into() || same_samples(&page(z), &back).is_err() {
                return Ok(false);
            }
        }
        Ok(!decoder.more_images())
    };
    write_checked(
        path,
        |out| encode(out).map_err(io_of_tiff),
        |new| match compare(new).map_err(io_of_tiff)? {
            true => Ok(Ok(())),
            false => Ok(Err("pages differ".to_owned())),
        },
    )
}

fn io_of_tiff(error: TiffError) -> io::Error {
    match error {
        TiffError::IoError(error) => error,
        other => io::Error::other(other),
    }
}

/// The file decodes to what was meant, at the place that `placed` accepts.
pub(super) fn same_as(
    new: &Path,
    samples: &Samples,
    dims: [usize; 3],
    placed: impl FnOnce(&Grid) -> Result<(), String>,
) -> io::Result<Result<(), String>> {
    let back = match open(new, &OpenOptions::default(), &mut UnderWatch(Some("checking"))) {
        Ok(back) => back,
        Err(OpenError::Cancelled) => return Err(Stopped.into()),
        Err(error) => return Ok(Err(error.to_string())),
    };
    if back.volume.dims() != dims {
        return Ok(Err(format!("size {:?} instead of {dims:?}", back.volume.dims())));
    }
    Ok(same_samples(samples, back.volume.samples()).and_then(|()| placed(back.volume.grid())))
}

/// Corners of what was written must read back within this.
const GEOMETRY_MM: f64 = 1e-4;

/// The corners are where they were meant to be (for equally spaced slices).
pub(super) fn same_place(meant: &Grid, back: &Grid) -> Result<(), String> {
    if meant.dims() != back.dims() {
        return Err(format!("size {:?} instead of {:?}", back.dims(), meant.dims()));
    }
    let dims = meant.dims().map(|d| d as f64 - 1.0);
    for corner in 0..8 {
        let at = |axis: usize| if corner >> axis & 1 == 1 { dims[axis] } else { 0.0 };
        let voxel = DVec3::new(at(0), at(1), at(2));
        let [a, b] = [meant, back].map(|g| g.patient_from_voxel().transform_point3(voxel));
        // What a 32-bit number can say of a place far from the origin.
        let rounding = a.abs().max_element() * f64::from(f32::EPSILON) * 4.0;
        if (a - b).length() > GEOMETRY_MM.max(rounding) {
            return Err(format!("a corner lies at {b} instead of {a}"));
        }
    }
    Ok(())
}

/// Writes text beside masks, such as a summary in JSON.
pub fn write_text(path: &Path, text: &str) -> Result<(), WriteError> {
    write_bytes(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{io::open_labels, volume::Modality};

    #[test]
    fn masks_keep_their_ids() {
        let folder = tempfile::tempdir().unwrap();
        for (ids, depth) in
            [(vec![0, 1, 255, 7, 0, 3], 1), (vec![0, 300, 65_535, 7, 0, 3], 1), (vec![0, 300, 1, 7, 0, 3], 2)]
        {
            let map = LabelMap::from_values([3, 2 / depth, depth], &ids).unwrap();
            let path = folder.path().join(if depth == 1 { "mask.png" } else { "mask" });
            write_label_png(&path, &map).unwrap();
            assert_eq!(open_labels(&path).unwrap().0.to_values(), ids);
            let path = folder.path().join("mask.tif");
            write_label_tiff(&path, &map).unwrap();
            assert_eq!(open_labels(&path).unwrap().0.to_values(), ids);
        }
    }

    #[test]
    fn folder_holds_no_slice_of_an_older_mask() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask");
        let map = |depth: usize| LabelMap::from_values([2, 2, depth], &vec![1; 4 * depth]).unwrap();
        write_label_png(&path, &map(5)).unwrap();
        let told = write_label_png(&path, &map(3)).unwrap();
        assert_eq!(open_labels(&path).unwrap().0.dims(), [2, 2, 3]);
        assert!(told.len() == 2 && told[0].contains("0004.png was removed"), "{told:?}");
    }

    #[test]
    fn a_slice_that_the_program_did_not_write_is_never_removed() {
        let folder = tempfile::tempdir().unwrap();
        let map = |depth: usize| LabelMap::from_values([2, 2, depth], &vec![1; 4 * depth]).unwrap();
        write_label_png(folder.path(), &map(3)).unwrap();
        let own = fs::read(folder.path().join("0003.png")).unwrap();
        for other in ["0003.png", "9.png"] {
            let other = folder.path().join(other);
            fs::write(&other, "mine").unwrap();
            let told = write_label_png(folder.path(), &map(2)).unwrap_err().to_string();
            assert!(told.contains(&format!("{} would be a slice", other.display())), "{told}");
            assert_eq!(fs::read(&other).unwrap(), b"mine");
            fs::write(folder.path().join("0003.png"), &own).unwrap();
        }
    }

    #[test]
    fn png_refuses_what_it_cannot_say() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let volume = |samples: Samples, rescale| {
            Volume::new(Grid::pixels([2, 1, 1]).unwrap(), samples, rescale, Modality::Other).unwrap()
        };
        let hu = volume(Samples::I16([-1000, 5].into()), [1.0, 0.0]);
        assert!(write_image_png(&path, &hu).is_err());
        assert!(write_image_png(&path, &volume(Samples::U8([1, 5].into()), [2.0, 0.0])).is_err());
        write_image_tiff(&folder.path().join("a.tif"), &hu).unwrap();
        assert!(!path.exists());
    }
}
