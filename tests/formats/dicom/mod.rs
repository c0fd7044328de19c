//! DICOM files that are made here: which slices make a volume, what their samples are, and how they are coded.

mod coding;
mod folders;
mod make;
mod pixels;
mod series;
mod streams;

use fovea::{
    io::{self, OpenError, OpenOptions, Opened, Quiet},
    volume::Volume,
};
use std::path::Path;

fn try_open(path: &Path) -> Result<Opened, OpenError> {
    io::open(path, &OpenOptions::default(), &mut Quiet)
}

fn open(path: &Path) -> Opened {
    try_open(path).unwrap_or_else(|e| panic!("{e}"))
}

/// The first value of each slice, after its scale.
fn values(volume: &Volume) -> Vec<f32> {
    (0..volume.dims()[2]).map(|z| volume.value([0, 0, z])[0]).collect()
}

/// The volumes of a folder with their titles: the values and the positions of their slices.
fn volumes(path: &Path) -> Vec<(String, Vec<f32>, Vec<f64>)> {
    let shown = open(path);
    let ids: Vec<Option<String>> = match shown.series.as_slice() {
        [] => vec![None],
        several => several.iter().map(|s| Some(s.id.clone())).collect(),
    };
    let one = |series: Option<String>| {
        let title = shown.series.iter().find(|s| Some(&s.id) == series.as_ref()).map(|s| s.title.clone());
        let options = OpenOptions { series, ..OpenOptions::default() };
        let volume = io::open(path, &options, &mut Quiet).unwrap_or_else(|e| panic!("{e}")).volume;
        let at = |z: usize| (volume.grid().slice_position(z) * 1e6).round() / 1e6;
        (title.unwrap_or_default(), values(&volume), (0..volume.dims()[2]).map(at).collect())
    };
    ids.into_iter().map(one).collect()
}

fn says(opened: &Opened, words: &str) -> bool {
    opened.warnings.iter().any(|w| w.contains(words))
}
