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
}

impl Place {
    /// Beside the image, and else in the user's data directory.
    pub fn standard() -> Self {
        let data = directories::ProjectDirs::from("", "", "fovea")
            .map_or_else(|| std::env::temp_dir().join("fovea"), |dirs| dirs.data_dir().to_owned());
        Place::BesideImage { data: data.join("projects") }
    }

    /// Chooses the place of the project file of an image. `None` where none is kept.
    pub fn choose(&self, source: &Path, content_hash: &str) -> Option<Chosen> {
        let inside = |dir: &Path| {
            let name = source.file_name().map_or_else(|| "image".into(), |n| n.to_string_lossy());
            // Samples are named `sample:ID`, and a colon is not for file names everywhere.
            let name = name.replace(':', "-");
            dir.join(format!("{name}-{}.fovea", &content_hash[..content_hash.len().min(12)]))
        };
        match self {
            Place::Nowhere => None,
            Place::Directory(dir) => Some(Chosen { path: inside(dir), remark: None }),
            Place::BesideImage { data } => {
                let fallback = inside(data);
                if !source.exists() {
                    return Some(Chosen { path: fallback, remark: None });
                }
                let mut beside = source.as_os_str().to_owned();
                beside.push(".fovea");
                let beside = PathBuf::from(beside);
                if fallback.exists() {
                    // Made when the folder could not be written; whatever lies beside the image is older.
                    let remark = format!("the project file is kept in {}", fallback.display());
                    return Some(Chosen { path: fallback, remark: Some(remark) });
                }
                let folder = beside.parent().unwrap_or(Path::new("."));
                let appendable =
                    || !beside.exists() || std::fs::File::options().append(true).open(&beside).is_ok();
                if writable(folder) && appendable() {
                    return Some(Chosen { path: beside, remark: None });
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
                    return Some(Chosen { path: beside, remark: None });
                }
                Some(Chosen { path: fallback, remark: Some(remark) })
            }
        }
    }
}

/// From a medium that can only be read: the journal goes on in a copy, with what its write-ahead log still holds.
fn copy_project(from: &Path, to: &Path) -> std::io::Result<()> {
    let log_of = |path: &Path| {
        let mut name = path.as_os_str().to_owned();
        name.push("-wal");
        PathBuf::from(name)
    };
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    if log_of(from).exists() {
        std::fs::copy(log_of(from), log_of(to))?;
    }
    std::fs::copy(from, to)?;
    Ok(())
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
        let beside = place.choose(&image, "0123456789abcdef").unwrap();
        assert_eq!(beside.path, dir.path().join("scan.nii.gz.fovea"));
        assert_eq!(beside.remark, None);
        let sample = place.choose(Path::new("sample:oct"), "0123456789abcdef").unwrap();
        assert_eq!(sample.path, dir.path().join("data/sample-oct-0123456789ab.fovea"));
        assert_eq!(Place::Nowhere.choose(&image, ""), None);
        // One that was begun in the data directory goes on there.
        let begun = dir.path().join("data/scan.nii.gz-0123456789ab.fovea");
        std::fs::create_dir_all(dir.path().join("data")).unwrap();
        std::fs::write(&begun, b"x").unwrap();
        let chosen = place.choose(&image, "0123456789abcdef").unwrap();
        assert_eq!(chosen.path, begun);
        assert!(chosen.remark.is_some());
    }
}
