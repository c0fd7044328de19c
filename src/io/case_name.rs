//! What a case is called: the one rule for the names of files that belong together.

use std::path::Path;
use unicode_normalization::UnicodeNormalization;

/// A case's name from a file of it: without the folder, the format's ending, and what data sets add to the names of
/// images or masks ([`case_of`]). A folder gives its own name, `sample:oct:3` is `oct_3`.
///
/// A mask is written under its case's name, and found again by it.
pub fn case_name(path: &Path) -> String {
    case_of(&file_stem(path)).to_owned()
}

/// The name of a file without the folder and the format's ending.
pub fn file_stem(path: &Path) -> String {
    let name = match path.file_name() {
        Some(name) => name.to_string_lossy().into_owned(),
        // `.` and `..` have a name too.
        None => std::fs::canonicalize(path)
            .ok()
            .and_then(|real| Some(real.file_name()?.to_string_lossy().into_owned()))
            .unwrap_or_else(|| "image".to_owned()),
    };
    if let Some(id) = name.strip_prefix("sample:") {
        return id.replace(':', "_");
    }
    name[..name.len() - ending(&name)].to_owned()
}

/// The length of the longest ending of a format that a name has, with its dot; 0 of none.
fn ending(name: &str) -> usize {
    let lower = name.to_ascii_lowercase();
    let endings = super::FORMATS.iter().flat_map(|f| f.extensions);
    let fitting =
        endings.filter(|e| lower.strip_suffix(**e).is_some_and(|r| r.len() > 1 && r.ends_with('.')));
    fitting.map(|e| e.len() + 1).max().unwrap_or(0)
}

/// Whether a file's name ends as that of some format.
pub fn has_ending(path: &Path) -> bool {
    path.file_name().is_some_and(|name| ending(&name.to_string_lossy()) > 0)
}

/// A name with every accent in one with its letter, as most systems write it: some take it apart, and it is the same name.
pub fn composed(name: &str) -> String {
    name.nfc().collect()
}

/// What nnU-Net (`liver_7_0000`), CHASE_DB1 (`Image_01L_1stHO`) and this program's window (`scan_labels`) put behind the
/// name of a case.
const BEHIND_NAMES: [&str; 4] = ["_0000", "_1stHO", "_2ndHO", "_labels"];
/// What DRIVE puts behind its numbers: `21_training` and `21_manual1`.
const BEHIND_NUMBERS: [&str; 4] = ["_training", "_test", "_manual1", "_manual2"];

/// The case that a file's stem belongs to.
pub fn case_of(stem: &str) -> &str {
    let named = BEHIND_NAMES.iter().find_map(|end| stem.strip_suffix(end));
    let is_number = |rest: &&str| rest.bytes().all(|b| b.is_ascii_digit());
    let numbered = BEHIND_NUMBERS.iter().find_map(|end| stem.strip_suffix(end)).filter(is_number);
    named.or(numbered).filter(|rest| !rest.is_empty()).unwrap_or(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_folder_format_and_what_data_sets_add() {
        for (path, name) in [
            ("a/scan.nii.gz", "scan"),
            ("a/SCAN.NII.GZ", "SCAN"),
            ("b/v1.2.PNG", "v1.2"),
            ("folder/series.3", "series.3"),
            ("sample:oct:3", "oct_3"),
            (".png", ".png"),
            ("imagesTs/liver_7_0000.nii.gz", "liver_7"),
            ("labelsTs/liver_7.nii.gz", "liver_7"),
            ("frame_0001.png", "frame_0001"),
            ("_0000.png", "_0000"),
            ("images/21_training.tif", "21"),
            ("1st_manual/21_manual1.gif", "21"),
            ("images/01_test.tif", "01"),
            ("eye_test.tif", "eye_test"),
            ("Image_01L_1stHO.png", "Image_01L"),
            ("scan_labels.nii.gz", "scan"),
        ] {
            assert_eq!(case_name(Path::new(path)), name, "{path}");
        }
        assert_eq!(case_name(&std::env::current_dir().unwrap().join(".")), case_name(Path::new(".")));
    }
}
