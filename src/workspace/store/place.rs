use super::StoreError;
use super::look::{beside, look};
use std::path::{Path, PathBuf};

/// Where project files are kept.
#[derive(Clone, Debug)]
pub enum Place {
    /// Beside the image, as `IMAGE.fovea`; in the data directory for samples and where the image's folder cannot be
    /// written.
    BesideImage { data: PathBuf },
    /// Always in one directory.
    Directory(PathBuf),
    /// Nowhere: annotations live in memory, for previews and headless runs that write their own output.
    Nowhere,
}

/// Where one image's project file lies, and why if that is not beside the image.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    pub path: PathBuf,
    pub remark: Option<String>,
    /// It lies in a folder of the program's own, which is made where there is none.
    pub own: bool,
}

impl Place {
    /// Beside the image, and else in the user's data directory.
    pub fn standard() -> Self {
        let data = directories::ProjectDirs::from("", "", "fovea")
            .map_or_else(|| std::env::temp_dir().join("fovea"), |dirs| dirs.data_dir().to_owned());
        Place::BesideImage { data: data.join("projects") }
    }

    /// The program's own folder.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Place::BesideImage { data: folder } | Place::Directory(folder) => Some(folder),
            Place::Nowhere => None,
        }
    }

    /// In the program's own folder: where a project is kept that cannot be kept beside its image. It is found there again.
    pub fn own(&self, source: &Path, content_hash: &str) -> Option<PathBuf> {
        let dir = self.folder()?;
        let name = source.file_name().map_or_else(|| "image".into(), |n| n.to_string_lossy());
        // Samples are named `sample:ID`, and a colon is not for file names everywhere.
        let name = name.replace(':', "-");
        let start: String = content_hash.chars().take(12).collect();
        Some(dir.join(format!("{name}-{start}.fovea")))
    }

    /// Chooses the place of the project file of an image. `None` where none is kept. `open` are those that this program has
    /// open: they are not tried, because SQLite's locks would end with that.
    pub fn choose(&self, source: &Path, content_hash: &str, open: &[&Path]) -> Option<Chosen> {
        let fallback = self.own(source, content_hash)?;
        match self {
            Place::Nowhere => None,
            Place::Directory(_) => Some(Chosen { path: fallback, remark: None, own: true }),
            Place::BesideImage { .. } => {
                if !source.exists() {
                    return Some(Chosen { path: fallback, remark: None, own: true });
                }
                let beside = beside(source, ".fovea");
                if fallback.exists() {
                    // Made when the folder could not be written; whatever lies beside the image is older.
                    let remark = format!("the project file is kept in {}", fallback.display());
                    return Some(Chosen { path: fallback, remark: Some(remark), own: true });
                }
                let folder = beside.parent().unwrap_or(Path::new("."));
                // What is no file, opening it says.
                let appendable =
                    || !beside.is_file() || std::fs::File::options().append(true).open(&beside).is_ok();
                if open.contains(&&*beside) || writable(folder) && appendable() {
                    return Some(Chosen { path: beside, remark: None, own: false });
                }
                let remark = format!(
                    "{} cannot be written: the project file is kept in {}",
                    folder.display(),
                    fallback.display()
                );
                if beside.exists()
                    && let Err(e) = copy_project(&beside, &fallback)
                {
                    // Beginning an empty one would hide the annotations; opening the one that is there says why not.
                    log::warn!("{} was not copied to {}: {e}", beside.display(), fallback.display());
                    return Some(Chosen { path: beside, remark: None, own: false });
                }
                Some(Chosen { path: fallback, remark: Some(remark), own: true })
            }
        }
    }
}

/// From a medium that can only be read: the journal goes on in a copy, with what its write-ahead log still holds.
fn copy_project(from: &Path, to: &Path) -> Result<(), StoreError> {
    look(from)?;
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let [from_log, to_log] = [from, to].map(|path| beside(path, "-wal"));
    if from_log.exists() {
        std::fs::copy(from_log, to_log)?;
    }
    // Under its name only when it is whole.
    let part = beside(to, ".part");
    std::fs::copy(from, &part)?;
    Ok(std::fs::rename(part, to)?)
}

/// The project file of one image of several in a file or folder, where the plain name is taken by another of them:
/// `scan.nii.fovea` gives `scan.nii.series-2.fovea`.
pub(super) fn of_series(path: &Path, series: &str) -> PathBuf {
    let fit = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' };
    let series: String = series.chars().map(fit).take(64).collect();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}.series-{series}.fovea"))
}

/// Tried, not looked up: permission bits say little about network shares and full disks.
fn writable(folder: &Path) -> bool {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    tempfile::Builder::new().prefix(".fovea-").tempfile_in(folder).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_lies_beside_its_image_and_a_sample_in_the_data_directory() {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("scan.nii.gz");
        std::fs::write(&image, b"x").unwrap();
        let place = Place::BesideImage { data: dir.path().join("data") };
        let beside = place.choose(&image, "0123456789abcdef", &[]).unwrap();
        assert_eq!(beside.path, dir.path().join("scan.nii.gz.fovea"));
        assert_eq!(beside.remark, None);
        let sample = place.choose(Path::new("sample:oct"), "0123456789abcdef", &[]).unwrap();
        assert_eq!(sample.path, dir.path().join("data/sample-oct-0123456789ab.fovea"));
        assert_eq!(Place::Nowhere.choose(&image, "", &[]), None);
        // One that was begun in the data directory goes on there.
        let begun = dir.path().join("data/scan.nii.gz-0123456789ab.fovea");
        std::fs::create_dir_all(dir.path().join("data")).unwrap();
        std::fs::write(&begun, b"x").unwrap();
        let chosen = place.choose(&image, "0123456789abcdef", &[]).unwrap();
        assert_eq!(chosen.path, begun);
        assert!(chosen.remark.is_some());
    }
}
