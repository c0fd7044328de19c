//! What a format can write. Each writer stands beside its format in [`FORMATS`], and everything that writes images
//! or masks (the export dialog, `convert`, `segment --out`) knows it from there.

use super::{FORMATS, WriteError};
use crate::{
    geom::{Grid, Unit},
    label::{LabelMap, LabelTable},
    volume::Volume,
    words::counted,
};
use std::path::Path;

/// What is to be known of a file that was written.
pub type Written = Result<Vec<String>, WriteError>;

/// Writes one real number for each voxel of a grid: a slice each, row by row.
pub type WriteProbability = fn(&Path, &[&[f32]], &Grid) -> Written;

/// A mask, with all that a format may have room for.
#[derive(Clone, Copy, Debug)]
pub struct Mask<'a> {
    /// Voxels as [`Volume`] has them: x fastest, then y, then z.
    pub map: &'a LabelMap,
    /// Names and colours of the ids.
    pub labels: &'a LabelTable,
    /// The image's, of the size of the map.
    pub grid: &'a Grid,
}

/// How a format is written. Every function replaces a file only once the new one is whole, and has been read again.
#[derive(Debug)]
pub struct Writer {
    /// Its name in commands that are saved.
    pub id: &'static str,
    /// What a person chooses it by.
    pub title: &'static str,
    /// Endings of the files, lower case, without the first dot; the usual one first.
    pub extensions: &'static [&'static str],
    /// A file holds one slice: the mask of a volume is a folder of them, and there is no image of several slices.
    pub one_slice: bool,
    /// It keeps the spacing and the place in the patient.
    pub keeps_geometry: bool,
    pub mask: fn(&Path, Mask<'_>) -> Written,
    /// `None` where it holds masks only.
    pub image: Option<fn(&Path, &Volume) -> Written>,
    /// The probability of one label, 0 to 1: a slice each, row by row. `None` where it holds no real numbers.
    pub probability: Option<WriteProbability>,
}

impl Writer {
    /// Why a file of it cannot hold so many slices, where it cannot.
    pub fn lacks_room(&self, slices: usize) -> Option<String> {
        let ending = self.extensions.first()?;
        (self.one_slice && slices > 1).then(|| {
            format!("a .{ending} has no room for {}; name the mask .nii.gz", counted(slices, "slice"))
        })
    }

    /// What of an image's grid the format cannot say, where that is something.
    pub fn lost(&self, grid: &Grid) -> Option<String> {
        (!self.keeps_geometry && grid.unit() == Unit::Millimetre)
            .then(|| "The spacing is not in the new file: write .nii.gz to keep it".to_owned())
    }
}

/// All formats that are written, in the order of [`FORMATS`].
pub fn writers() -> impl Iterator<Item = &'static Writer> {
    FORMATS.iter().filter_map(|format| format.writer)
}

/// What a mask of an image on this grid is written as unless a person chooses: a file that keeps its place, if it has one.
pub fn usual_writer(grid: &Grid) -> &'static Writer {
    if grid.is_picture() { &super::raster::WRITER } else { &super::nifti::WRITER }
}

/// The endings of which the mask of an image will have one, as far as that can be told before the image is opened.
pub fn usual_endings(image: &Path) -> Vec<&'static str> {
    let picture = super::raster::WRITER.extensions[0];
    // A photograph has no place in space.
    match super::find_format(image).is_ok_and(|format| format.id == super::raster::FORMAT.id) {
        true => vec![picture],
        false => vec![picture, super::nifti::WRITER.extensions[0]],
    }
}

/// The writer of a file of this name, and the ending by which it is told. `None` where no format that is written ends so, and of a
/// name that is nothing but an ending.
pub fn writer_of(path: &Path) -> Option<(&'static Writer, &'static str)> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let ends = |e: &str| name.strip_suffix(e).is_some_and(|stem| stem.len() > 1 && stem.ends_with('.'));
    let all = writers().flat_map(|writer| writer.extensions.iter().map(move |e| (writer, *e)));
    all.filter(|(_, extension)| ends(extension)).max_by_key(|(_, extension)| extension.len())
}

/// The endings of all files that can be written, for messages: `.nii.gz, .nii or .png`.
pub fn written_endings() -> String {
    let endings: Vec<String> = writers().flat_map(|w| w.extensions).map(|e| format!(".{e}")).collect();
    match endings.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => endings.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        io::{self, OpenOptions, Quiet, samples::same_samples},
        volume::{Modality, Samples},
    };
    use std::collections::BTreeSet;

    #[test]
    fn every_writer_has_a_name_of_its_own_and_endings_that_its_format_opens() {
        let (mut ids, mut endings) = (BTreeSet::new(), BTreeSet::new());
        for format in FORMATS.iter().filter(|format| format.writer.is_some()) {
            let Some(writer) = format.writer else { continue };
            assert!(ids.insert(writer.id), "{}", writer.id);
            for extension in writer.extensions {
                assert!(endings.insert(extension), "{extension} is written by two");
                assert!(format.extensions.contains(extension), "{extension} is not read by {}", format.id);
                let path = Path::new("folder").join(format!("A.{}", extension.to_uppercase()));
                let found = writer_of(&path).unwrap();
                assert_eq!((found.0.id, found.1), (writer.id, *extension));
                assert!(writer_of(Path::new(&format!(".{extension}"))).is_none());
            }
        }
        assert!(writer_of(Path::new("a.jpg")).is_none() && ids.len() > 3);
    }

    /// 3 x 2 voxels with spacing, where the format keeps it.
    fn grid(writer: &Writer) -> Grid {
        let dims = [3, 2, if writer.one_slice { 1 } else { 2 }];
        if writer.keeps_geometry { Grid::spaced(dims, [0.5, 0.75, 2.0]) } else { Grid::pixels(dims) }.unwrap()
    }

    #[test]
    fn masks_images_and_probabilities_come_back_from_every_format() {
        for writer in writers() {
            let folder = tempfile::tempdir().unwrap();
            let grid = grid(writer);
            let voxels = grid.voxel_count();
            for extension in writer.extensions {
                let file = |name: &str| folder.path().join(format!("{name}.{extension}"));
                for top in [9, 700] {
                    let ids: Vec<u16> =
                        (0..voxels as u16).map(|i| if i % 5 == 4 { top } else { i % 3 }).collect();
                    let map = LabelMap::from_values(grid.dims(), &ids).unwrap();
                    let mask = Mask { map: &map, labels: &LabelTable::default(), grid: &grid };
                    (writer.mask)(&file("mask"), mask).unwrap();
                    let (back, on, _) = io::open_labels(&file("mask")).unwrap();
                    assert_eq!((back.to_values(), &on), (ids, &grid), "{extension}");
                }
                let open =
                    |name: &str| io::open(&file(name), &OpenOptions::default(), &mut Quiet).unwrap().volume;
                if let Some(write) = writer.image {
                    let samples = Samples::U16((0..voxels as u16).map(|i| i * 5000).collect());
                    let volume = Volume::new(grid.clone(), samples, [1.0, 0.0], Modality::Other).unwrap();
                    write(&file("image"), &volume).unwrap();
                    let back = open("image");
                    assert_eq!(same_samples(volume.samples(), back.samples()), Ok(()), "{extension}");
                    assert_eq!(back.grid(), &grid, "{extension}");
                }
                if let Some(write) = writer.probability {
                    let values: Vec<f32> = (0..voxels).map(|i| i as f32 / (voxels - 1) as f32).collect();
                    let slices: Vec<&[f32]> = values.chunks(6).collect();
                    write(&file("probability"), &slices, &grid).unwrap();
                    let back = open("probability");
                    let most = back.stats().max as f32;
                    for (z, slice) in slices.iter().enumerate() {
                        for (back, meant) in back.slice_values(z).iter().zip(*slice) {
                            assert!(
                                (back / most - meant).abs() <= 1e-5,
                                "{extension}: {back} of {most} is not {meant}"
                            );
                        }
                    }
                }
            }
        }
    }
}
