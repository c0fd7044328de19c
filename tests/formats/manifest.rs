//! Every image of the shared data that the listed formats cover, against the facts that reference readers found
//! (`data/MANIFEST.json`, whose `conventions` say what each `expect` means).

use fovea::{
    geom::Frame,
    io::{self, OpenError, OpenOptions, Opened, Quiet},
    volume::Volume,
};
use glam::{DAffine3, DVec3};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Instant,
};

#[derive(Default)]
struct Tally {
    checked: BTreeMap<String, usize>,
    failed_as_expected: BTreeMap<String, usize>,
    not_covered: BTreeMap<String, Vec<String>>,
    wrong: Vec<String>,
    masks: usize,
}

/// How an item went.
enum Outcome {
    Checked,
    FailedAsExpected,
    NotCovered(String),
}

type Checked = Result<Outcome, String>;

#[test]
fn shared_files_agree_with_the_reference_readers() {
    let Some(data) = fovea::testing::shared("data") else { return };
    let text = std::fs::read_to_string(data.join("MANIFEST.json")).unwrap();
    let manifest: Value = serde_json::from_str(&text).unwrap();
    let mut tally = Tally::default();
    for item in manifest["data"].as_array().unwrap() {
        let id = item["id"].as_str().unwrap();
        let kind = item["kind"].as_str().unwrap().to_owned();
        let start = Instant::now();
        match check(&data, item, &mut tally.masks) {
            Ok(Outcome::Checked) => *tally.checked.entry(kind).or_default() += 1,
            Ok(Outcome::FailedAsExpected) => *tally.failed_as_expected.entry(kind).or_default() += 1,
            Ok(Outcome::NotCovered(reason)) => {
                tally.not_covered.entry(reason).or_default().push(id.to_owned())
            }
            Err(what) => tally.wrong.push(format!("{id}: {what}")),
        }
        let seconds = start.elapsed().as_secs_f64();
        // No file of this set takes a second on an idle machine.
        if seconds > 30.0 {
            tally.wrong.push(format!("{id}: took {seconds:.1} s"));
        }
    }
    let total = |counts: &BTreeMap<String, usize>| counts.values().sum::<usize>();
    eprintln!("checked {}: {:?}; and {} masks", total(&tally.checked), tally.checked, tally.masks);
    eprintln!("failed as expected {}: {:?}", total(&tally.failed_as_expected), tally.failed_as_expected);
    for (reason, ids) in &tally.not_covered {
        eprintln!("not covered {}: {reason}: {}", ids.len(), ids.join(", "));
    }
    assert!(tally.wrong.is_empty(), "{} wrong:\n{}", tally.wrong.len(), tally.wrong.join("\n"));
    assert!(total(&tally.checked) > 200, "the manifest's items were not found");
}

fn check(data: &Path, item: &Value, masks: &mut usize) -> Checked {
    let kind = item["kind"].as_str().unwrap();
    let path = data.join(item["path"].as_str().unwrap());
    if let Some(title) = foreign_format(&path) {
        return match open(&path) {
            Err(OpenError::Unsupported { what, .. }) if what == title => {
                Ok(Outcome::NotCovered(format!("{title} is not a listed format")))
            }
            other => Err(format!("should say that {title} is not supported, says {}", brief(&other))),
        };
    }
    match kind {
        "ct_dicom_series" => series(path.parent().unwrap(), item),
        "oct_vendor_heyex_xml" => folder(path.parent().unwrap(), item),
        "ct_volume_labelled" => {
            nifti(&path, &item["expected"]["nibabel"], &item["expected"]["sitk"])?;
            ct_masks(data, item, masks)?;
            Ok(Outcome::Checked)
        }
        "torture_nifti" | "torture_dicom" | "torture_tiff" | "torture_tiff_fuzz" | "torture_png"
        | "torture_nrrd" | "torture_derived" => torture(&path, item),
        _ => {
            picture(&path, item)?;
            picture_masks(data, item, masks)?;
            Ok(Outcome::Checked)
        }
    }
}

fn foreign_format(path: &Path) -> Option<&'static str> {
    Some(match path.extension()?.to_str()? {
        "mha" | "mhd" => "MetaImage",
        "mgz" => "FreeSurfer MGH/MGZ",
        "vol" => "Heidelberg .vol",
        "fda" | "fds" => "Topcon .fda/.fds",
        _ => return None,
    })
}

fn open(path: &Path) -> Result<Opened, OpenError> {
    io::open(path, &OpenOptions::default(), &mut Quiet)
}

fn brief(result: &Result<Opened, OpenError>) -> String {
    match result {
        Ok(opened) => format!("an image of {:?}", opened.volume.dims()),
        Err(error) => error.to_string(),
    }
}

fn torture(path: &Path, item: &Value) -> Checked {
    let expect = item["expect"].as_str().unwrap();
    let facts = &item["expected"];
    let result = open(path);
    if let Err(error) = &result {
        let text = error.to_string();
        if text.len() < 20 || !text.contains(path.file_name().unwrap().to_str().unwrap()) {
            return Err(format!("the error is not clear: {text}"));
        }
        if let OpenError::Decoder { .. } = error {
            eprintln!("a decoder panicked and was caught: {text}");
        }
    }
    match (expect, result) {
        ("decode", Err(error)) => match known_gap(facts, &error) {
            Some(reason) => Ok(Outcome::NotCovered(reason)),
            None => Err(format!("should open: {error}")),
        },
        (
            "decode" | "decode_optional" | "decode_or_clear_error" | "must_not_crash_hang_or_oom",
            Ok(opened),
        ) => {
            compare(path, facts, &opened)?;
            Ok(Outcome::Checked)
        }
        ("must_fail_with_clear_error", Ok(opened)) => {
            Err(format!("should fail, opens as {:?} with {:?}", opened.volume.dims(), opened.warnings))
        }
        ("no_pixels_clear_message", Ok(opened)) => match facts["sitk"]["size"].is_array() {
            // One reference reader finds no pixels, the other does.
            true => compare(path, facts, &opened).map(|()| Outcome::Checked),
            false => Err(format!("has no pixels, opens as {:?}", opened.volume.dims())),
        },
        ("no_pixels_clear_message", Err(error)) => match error {
            // Some of these are cut off before their pixels.
            OpenError::NoImage { .. } | OpenError::Truncated { .. } => Ok(Outcome::FailedAsExpected),
            other => Err(format!("should say that there is no image: {other}")),
        },
        ("must_fail_with_clear_error", Err(OpenError::Decoder { message, .. })) => {
            Err(format!("is refused only because a decoder panicked: {message}"))
        }
        (_, Err(_)) => Ok(Outcome::FailedAsExpected),
        (other, _) => Err(format!("the manifest expects {other}, which this test does not know")),
    }
}

/// What no decoder here reads: the whole list. Anything else that should open and does not is a failure.
fn known_gap(facts: &Value, error: &OpenError) -> Option<String> {
    let OpenError::Unsupported { what, .. } = error else { return None };
    if what == "NRRD with its data in another file" {
        return Some(what.clone());
    }
    let syntax = facts["pydicom"]["transfer_syntax"].as_str().unwrap_or("none");
    let reason = match syntax {
        "1.2.840.10008.1.2.4.80" | "1.2.840.10008.1.2.4.81" if what.contains("colours") => {
            "DICOM with JPEG-LS of colours: the decoder reads one component"
        }
        "1.2.840.10008.1.2.4.53" | "1.2.840.10008.1.2.4.55" => "DICOM with a retired JPEG process of 12 bits",
        _ => return None,
    };
    Some(reason.to_owned())
}

fn compare(path: &Path, facts: &Value, opened: &Opened) -> Result<(), String> {
    if facts["nibabel"]["shape"].is_array() {
        nifti(path, &facts["nibabel"], &facts["sitk"])
    } else if facts["pydicom"]["array_shape"].is_array() || facts["sitk"]["size"].is_array() {
        dicom(path, facts, opened)
    } else if facts["pil"]["size"].is_array() || facts["tifffile"]["shape"].is_array() {
        tiff(facts, opened)
    } else {
        Ok(())
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().map(|a| a.iter().map(number).collect()).unwrap_or_default()
}

fn close(what: &str, ours: f64, theirs: f64, tolerance: f64) -> Result<(), String> {
    if (ours - theirs).abs() <= tolerance {
        return Ok(());
    }
    Err(format!("{what} is {ours}, should be {theirs}"))
}

/// Minimum, maximum and mean over several volumes.
fn stats_of(volumes: &[Volume]) -> [f64; 3] {
    let stats: Vec<_> = volumes.iter().map(|v| *v.stats()).collect();
    let min = stats.iter().map(|s| s.min).fold(f64::INFINITY, f64::min);
    let max = stats.iter().map(|s| s.max).fold(f64::NEG_INFINITY, f64::max);
    let voxels = |v: &Volume| v.grid().voxel_count() as f64;
    let total: f64 = volumes.iter().map(voxels).sum();
    [min, max, volumes.iter().zip(&stats).map(|(v, s)| s.mean * voxels(v)).sum::<f64>() / total]
}

/// `slack` as a share of the value, and in raw units.
fn same_stats(ours: [f64; 3], theirs: &Value, relative: f64, absolute: f64) -> Result<(), String> {
    for (name, value) in ["min", "max", "mean"].into_iter().zip(ours) {
        let reference = number(&theirs[name]);
        close(name, value, reference, absolute + relative * reference.abs())?;
    }
    Ok(())
}

fn all_volumes(path: &Path, opened: &Opened) -> Result<Vec<Volume>, String> {
    if opened.series.is_empty() {
        return Ok(vec![opened.volume.clone()]);
    }
    let one = |id: &String| {
        let options = OpenOptions { series: Some(id.clone()), ..OpenOptions::default() };
        io::open(path, &options, &mut Quiet).map(|o| o.volume).map_err(|e| e.to_string())
    };
    opened.series.iter().map(|s| one(&s.id)).collect()
}

fn ras(volume: &Volume) -> DAffine3 {
    DAffine3::from_scale(DVec3::new(-1.0, -1.0, 1.0)) * volume.grid().patient_from_voxel()
}

fn nifti(path: &Path, nibabel: &Value, sitk: &Value) -> Result<(), String> {
    let opened = open(path).map_err(|e| e.to_string())?;
    let volume = &opened.volume;
    let shape: Vec<usize> = numbers(&nibabel["shape"]).into_iter().map(|v| v as usize).collect();
    let size = |i: usize| shape.get(i).copied().unwrap_or(1);
    if volume.dims() != [size(0), size(1), size(2)] {
        return Err(format!("shape is {:?}, should be {shape:?}", volume.dims()));
    }
    let count: usize = shape.iter().skip(3).product();
    let volumes = all_volumes(path, &opened)?;
    if volumes.len() != count {
        return Err(format!("{} volumes, should be {count}", volumes.len()));
    }
    if count > 1 && !opened.warnings.iter().any(|w| w.contains("is shown")) {
        return Err("does not say which of its volumes is shown".to_owned());
    }
    // Printed with six decimals; scaled values carry the rounding of a 32-bit slope.
    same_stats(stats_of(&volumes), nibabel, 2e-7, 1e-6)?;
    let coded = number(&nibabel["sform_code"]) > 0.0 || number(&nibabel["qform_code"]) > 0.0;
    if coded {
        let affine = ras(volume);
        let rows = nibabel["affine"].as_array().ok_or("no affine")?;
        for (r, row) in rows.iter().take(3).enumerate() {
            for (c, &theirs) in numbers(row).iter().enumerate() {
                let ours = if c == 3 { affine.translation[r] } else { affine.matrix3.col(c)[r] };
                close(&format!("affine[{r}][{c}]"), ours, theirs, 2e-6 + 1e-6 * theirs.abs())?;
            }
        }
        let codes: String = volume.grid().axis_codes().iter().collect();
        let theirs = nibabel["axcodes"].as_str().unwrap_or_default();
        if codes != theirs {
            return Err(format!("axis codes are {codes}, should be {theirs}"));
        }
        for (i, zoom) in numbers(&nibabel["zooms"]).into_iter().take(3).enumerate() {
            close("spacing", volume.grid().spacing()[i], zoom, 1e-5 * zoom)?;
        }
    } else if volume.grid().frame() != Frame::Image || sitk["spacing"].is_array() {
        // No position at all: nibabel supposes one, SimpleITK and this program do not.
        for (i, spacing) in numbers(&sitk["spacing"]).into_iter().take(3).enumerate() {
            close("spacing", volume.grid().spacing()[i], spacing, 1e-5)?;
        }
    }
    Ok(())
}

fn dicom(path: &Path, facts: &Value, opened: &Opened) -> Result<(), String> {
    let (pydicom, sitk) = (&facts["pydicom"], &facts["sitk"]);
    let volumes = all_volumes(path, opened)?;
    let samples = number(&pydicom["SamplesPerPixel"]);
    let palette = pydicom["PhotometricInterpretation"] == "PALETTE COLOR";
    let depth: usize = volumes.iter().map(|v| v.dims()[2]).sum();
    let [w, h, _] = volumes[0].dims();
    let shape: Vec<usize> = numbers(&pydicom["array_shape"]).into_iter().map(|v| v as usize).collect();
    let ours: Vec<usize> = match (depth, samples == 3.0) {
        (1, false) => vec![h, w],
        (1, true) => vec![h, w, 3],
        (_, false) => vec![depth, h, w],
        (_, true) => vec![depth, h, w, 3],
    };
    if !shape.is_empty() && shape != ours {
        return Err(format!("shape is {ours:?}, should be {shape:?}"));
    }
    let mut size: Vec<usize> = numbers(&sitk["size"]).into_iter().map(|v| v as usize).collect();
    if opened.warnings.iter().any(|warning| warning.contains("and its pixel data holds")) {
        // SimpleITK believes a number of frames that is wrong, and reads the first.
        let held = frames_held(path, pydicom)?;
        if [size[0], size[1], held] != [w, h, depth] {
            return Err(format!(
                "size is {:?}, should be {w} x {h} of {size:?} and {held} frames",
                [w, h, depth]
            ));
        }
        let [slope, intercept] = volumes[0].rescale().map(f64::from);
        let first = volumes[0].slice_values(0).into_iter().map(|v| (f64::from(v) - intercept) / slope);
        let [min, max, sum] = first
            .fold([f64::INFINITY, f64::NEG_INFINITY, 0.0], |[min, max, sum], value| {
                [min.min(value), max.max(value), sum + value]
            });
        same_stats([min, max, sum / (w * h) as f64], sitk, 1e-6, 1.5e-6)?;
        return dicom_geometry(sitk, &volumes[0]);
    }
    if size.len() == 2 {
        size.push(1);
    }
    if !size.is_empty() && size != [w, h, depth] {
        return Err(format!("size is {:?}, should be {size:?}", [w, h, depth]));
    }
    if pydicom["error"].is_string() && opened.facts["photometric"] == "MONOCHROME1" {
        // Only SimpleITK reads it, and it turns the values over.
        let most = (1u32 << opened.facts["bits_stored"].as_u64().unwrap()) - 1;
        let [min, max, mean] = stats_of(&volumes);
        let turned = [f64::from(most) - max, f64::from(most) - min, f64::from(most) - mean];
        return same_stats(turned, sitk, 1e-6, 1.5e-6);
    }
    dicom_values(pydicom, sitk, &volumes, palette)?;
    if pydicom["modality"] == "SEG" {
        // SimpleITK does not read the functional groups that place segments.
        return Ok(());
    }
    dicom_geometry(sitk, &volumes[0])
}

/// The frames that uncompressed pixel data has room for: its length stands behind its tag, four bytes of an explicit VR.
fn frames_held(path: &Path, pydicom: &Value) -> Result<usize, String> {
    if pydicom["transfer_syntax"] != "1.2.840.10008.1.2.1" {
        return Err("how many frames it holds is not known without decoding".to_owned());
    }
    let bytes = std::fs::read(path).unwrap();
    let tag = [0xe0, 0x7f, 0x10, 0x00, b'O', b'W', 0, 0];
    let at = bytes.windows(8).rposition(|window| window == tag).ok_or("it has no pixel data")? + 8;
    let length = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let bits = ["Rows", "Columns", "SamplesPerPixel", "BitsAllocated"].map(|name| number(&pydicom[name]));
    Ok((f64::from(length) * 8.0 / bits.iter().product::<f64>()) as usize)
}

fn dicom_values(pydicom: &Value, sitk: &Value, volumes: &[Volume], palette: bool) -> Result<(), String> {
    let stats = stats_of(volumes);
    let syntax = pydicom["transfer_syntax"].as_str().unwrap_or_default();
    // Baseline and extended JPEG, and JPEG 2000 that may lose.
    let lossy = [".4.50", ".4.51", ".4.91"].iter().any(|s| syntax.ends_with(s));
    let colour = volumes[0].channels() == 3;
    let ybr = pydicom["PhotometricInterpretation"].as_str().is_some_and(|p| p.starts_with("YBR"));
    let wide = colour && number(&pydicom["BitsAllocated"]) == 16.0;
    // What the manifest holds of a file, in the order of trust.
    let reference = [&pydicom["rescaled"], &pydicom["raw"], sitk];
    let reference = reference.into_iter().find(|r| r["mean"].is_number());
    let reference = if palette { Some(sitk) } else { reference };
    let Some(reference) = reference else { return Err("the manifest has no values".to_owned()) };
    let slope = f64::from(volumes[0].rescale()[0].abs());
    if wide {
        // 16-bit colour is shown with 8.
        return close("mean", stats[2] * 257.0, number(&reference["mean"]), 130.0);
    }
    if colour && (lossy || ybr) {
        let mean = number(&reference["mean"]);
        // The readers differ among themselves in how they turn YBR into RGB.
        return close("mean", stats[2], mean, (0.03 * mean).max(3.0)).or_else(|why| {
            close("mean", stats[2], number(&sitk["mean"]), (0.03 * mean).max(3.0)).map_err(|_| why)
        });
    }
    if lossy {
        let mean = number(&reference["mean"]);
        close("mean", stats[2], mean, (2.0 * slope).max(0.01 * mean.abs()))?;
        close("min", stats[0], number(&reference["min"]), 2.0 * slope)?;
        return close("max", stats[1], number(&reference["max"]), 2.0 * slope);
    }
    same_stats(stats, reference, 1e-6, 1.5e-6)
}

/// SimpleITK's origin, spacing and direction (LPS). Its slice distance of a single slice is a default.
fn dicom_geometry(sitk: &Value, volume: &Volume) -> Result<(), String> {
    let grid = volume.grid();
    let (spacing, origin, direction) =
        (numbers(&sitk["spacing"]), numbers(&sitk["origin"]), numbers(&sitk["direction"]));
    if spacing.len() < 3 || grid.frame() != Frame::Patient {
        return Ok(());
    }
    let affine = grid.patient_from_voxel();
    let axes = if grid.dims()[2] > 1 { 3 } else { 2 };
    for (axis, &spacing) in spacing.iter().enumerate().take(axes) {
        close(&format!("spacing[{axis}]"), grid.spacing()[axis], spacing, 1e-4 * spacing)?;
        for (row, name) in ["x", "y", "z"].into_iter().enumerate() {
            let ours = affine.matrix3.col(axis)[row] / grid.spacing()[axis];
            close(&format!("direction {name} of axis {axis}"), ours, direction[row * 3 + axis], 1e-4)?;
        }
    }
    for (row, &theirs) in origin.iter().enumerate() {
        close(&format!("origin[{row}]"), affine.translation[row], theirs, 1e-4 + 1e-6 * theirs.abs())?;
    }
    Ok(())
}

fn series(folder: &Path, item: &Value) -> Checked {
    let opened = open(folder).map_err(|e| e.to_string())?;
    let expected = &item["expected"];
    let dims: Vec<usize> = numbers(&item["dims"]).into_iter().map(|v| v as usize).collect();
    if opened.volume.dims().as_slice() != dims {
        return Err(format!("size is {:?}, should be {dims:?}", opened.volume.dims()));
    }
    same_stats(stats_of(std::slice::from_ref(&opened.volume)), &expected["hu"], 1e-6, 1e-6)?;
    dicom_geometry(&expected["sitk"], &opened.volume)?;
    for (axis, spacing) in numbers(&item["spacing"]).into_iter().enumerate() {
        close("spacing", opened.volume.grid().spacing()[axis], spacing, 1e-5)?;
    }
    if opened.volume.grid().has_unequal_slices() || !opened.series.is_empty() {
        return Err("is one series of equally spaced slices".to_owned());
    }
    if opened.volume.modality() != fovea::volume::Modality::Ct {
        return Err("is CT".to_owned());
    }
    Ok(Outcome::Checked)
}

fn folder(folder: &Path, item: &Value) -> Checked {
    let opened = open(folder).map_err(|e| e.to_string())?;
    let dims: Vec<usize> = numbers(&item["dims"]).into_iter().map(|v| v as usize).collect();
    if opened.volume.dims().as_slice() != dims {
        return Err(format!("size is {:?}, should be {dims:?}", opened.volume.dims()));
    }
    let files = opened.facts["files"].as_array().unwrap();
    if files[1] != "B2.tif" || files[9] != "B10.tif" {
        return Err(format!("slices are not in natural order: {files:?}"));
    }
    Ok(Outcome::Checked)
}

fn tiff(facts: &Value, opened: &Opened) -> Result<(), String> {
    let volume = &opened.volume;
    let [w, h, depth] = volume.dims();
    let (pil, tifffile) = (&facts["pil"], &facts["tifffile"]);
    let size: Vec<usize> = numbers(&pil["size"]).into_iter().map(|v| v as usize).collect();
    if !size.is_empty() && size != [w, h] {
        return Err(format!("size is {:?}, should be {size:?}", [w, h]));
    }
    let pages = tifffile["pages"].as_f64().or(pil["frames"].as_f64());
    // Pages of another size are not of this volume.
    let of_this_size = numbers(&tifffile["series_shape"]).first().map(|&n| n as usize);
    if let Some(pages) = pages.filter(|&p| p as usize != depth && of_this_size != Some(depth)) {
        return Err(format!("{depth} pages, should be {pages}"));
    }
    let ours = stats_of(std::slice::from_ref(volume));
    if pil["mode"] == "RGBA" || opened.warnings.iter().any(|w| w.contains("16 to 8 bits")) {
        // Statistics of the reference include alpha, or 16 bits; the 8-bit reference reader floors.
        return match tifffile["dtype"].as_str() {
            Some("uint16") => close("mean", ours[2] * 257.0, number(&tifffile["mean"]), 130.0),
            _ => Ok(()),
        };
    }
    if pil["mode"] == "P" {
        // Its statistics are of indices into the palette, not of colours.
        return Ok(());
    }
    if tifffile["photometric"] == "0" && tifffile["dtype"] == "bool" {
        // It gives the stored bits, of which 0 is white.
        let turned = [1.0 - ours[1], 1.0 - ours[0], 1.0 - ours[2]];
        return same_stats(turned, tifffile, 1e-6, 1e-6);
    }
    // The readers differ in which of black and white is 0; one of them is right about these files.
    same_stats(ours, pil, 1e-6, 1e-6).or_else(|why| same_stats(ours, tifffile, 1e-6, 1e-6).map_err(|_| why))
}

fn picture(path: &Path, item: &Value) -> Result<(), String> {
    let opened = open(path).map_err(|e| e.to_string())?;
    let volume = &opened.volume;
    let dims: Vec<usize> = numbers(&item["dims"]).into_iter().map(|v| v as usize).collect();
    let [w, h, d] = volume.dims();
    let ours = match (d, volume.channels()) {
        (1, 1) => vec![w, h],
        (1, c) => vec![w, h, c],
        _ => vec![w, h, d],
    };
    if ours != dims {
        return Err(format!("size is {ours:?}, should be {dims:?}"));
    }
    let stats = &item["image_stats"];
    if !stats["mean"].is_number() {
        return Ok(());
    }
    let name = path.to_string_lossy().to_lowercase();
    let jpeg = name.ends_with(".jpg") || name.ends_with(".jpeg");
    let values = stats_of(std::slice::from_ref(volume));
    if jpeg {
        close("mean", values[2], number(&stats["mean"]), 2.0f64.max(0.01 * values[2]))?;
        close("min", values[0], number(&stats["min"]), 2.0)?;
        close("max", values[1], number(&stats["max"]), 2.0)
    } else {
        same_stats(values, stats, 1e-7, 1e-6)
    }
}

fn files<'a>(data: &'a Path, item: &'a Value, role: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
    let files = item["files"].as_array().unwrap().iter();
    files.filter(move |f| f["role"] == role).map(move |f| data.join(f["path"].as_str().unwrap()))
}

fn ct_masks(data: &Path, item: &Value, masks: &mut usize) -> Result<(), String> {
    let image = open(&data.join(item["path"].as_str().unwrap())).map_err(|e| e.to_string())?;
    for file in files(data, item, "label") {
        let (map, grid, _) = io::open_labels(&file).map_err(|e| e.to_string())?;
        let counts = map.counts();
        for (id, voxels) in item["label_voxels"].as_object().unwrap() {
            let id: u16 = id.parse().unwrap();
            let ours = counts.get(&id).copied().unwrap_or(0);
            // Background is not counted.
            if id != 0 && ours as f64 != number(voxels) {
                return Err(format!("label {id} has {ours} voxels, should have {voxels}"));
            }
        }
        let apart =
            grid.patient_from_voxel().translation - image.volume.grid().patient_from_voxel().translation;
        if grid.dims() != image.volume.dims() || apart.length() > 1e-3 {
            return Err("the mask does not lie on the image".to_owned());
        }
        *masks += 1;
    }
    for file in files(data, item, "label_mismatched_grid") {
        let (_, grid, _) = io::open_labels(&file).map_err(|e| e.to_string())?;
        if grid.dims() == image.volume.dims() {
            return Err("the other mask has another size".to_owned());
        }
    }
    Ok(())
}

fn picture_masks(data: &Path, item: &Value, masks: &mut usize) -> Result<(), String> {
    let pixels = &item["label_pixels"];
    for (role, key) in [("label_vessel", "vessel"), ("fov_mask", "fov"), ("label_polyp", "polyp")] {
        for file in files(data, item, role) {
            // A mask in a lossy format is no mask; it must at least be read or refused in words.
            let lossy = file.extension().is_some_and(|e| e.eq_ignore_ascii_case("jpg"));
            match io::open_labels(&file) {
                Ok((map, _, _)) => {
                    let ours: usize =
                        map.counts().iter().filter(|&(&id, _)| id >= 128 || id == 1).map(|(_, n)| n).sum();
                    if pixels[key].is_number() && !lossy && ours as f64 != number(&pixels[key]) {
                        return Err(format!("{role} has {ours} pixels, should have {}", pixels[key]));
                    }
                    *masks += 1;
                }
                Err(OpenError::NotLabels { .. }) if lossy => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }
    for file in files(data, item, "label_layers") {
        let (map, _, _) = io::open_labels(&file).map_err(|e| e.to_string())?;
        for (id, n) in pixels.as_object().unwrap() {
            let id: u16 = id.parse().unwrap();
            if id != 0 && map.counts().get(&id).copied().unwrap_or(0) as f64 != number(n) {
                return Err(format!("layer {id} should have {n} pixels"));
            }
        }
        *masks += 1;
    }
    for file in files(data, item, "label_colour") {
        match io::open_labels(&file) {
            Err(OpenError::NotLabels { .. }) => {}
            _ => return Err("a colour picture was taken for a mask".to_owned()),
        }
    }
    Ok(())
}
