//! A mask written to a file of a person's choice, or beside its image.

use super::jobs::JobResult;
use super::parts::Parts;
use super::source::Source;
use super::{CommandError, Document, DocumentId, Export, NoticeLevel};
use crate::io::{self, Mask, TargetError, Targets, Writer};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::path::{Path, PathBuf};

/// Files that were written.
pub(super) struct Exported {
    paths: Vec<PathBuf>,
    warnings: Vec<String>,
    /// The revision of the annotations that are in them.
    revision: Option<u64>,
}

/// What a mask is exported as. In saved commands it is the id of the format, or `table`.
#[derive(Clone, Copy, Debug)]
pub enum ExportFormat {
    /// A format that holds masks; the label table goes beside it.
    Mask(&'static Writer),
    /// The label table alone.
    Table,
    /// The measurements, as CSV.
    Measurements,
}

impl ExportFormat {
    /// All that labels can be written as, the usual one first.
    pub fn all() -> impl Iterator<Item = Self> {
        io::writers().map(Self::Mask).chain([Self::Table])
    }

    /// What a mask of the image is written as: with its place, where it has one.
    pub fn of(document: &Document) -> Self {
        Self::Mask(io::usual_writer(document.volume().grid()))
    }

    /// The format of masks that a file's name ends as.
    pub fn of_path(path: &Path) -> Option<Self> {
        io::writer_of(path).map(|(writer, _)| Self::Mask(writer))
    }

    /// The format of an id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::all().chain([Self::Measurements]).find(|format| format.id() == id)
    }

    pub fn id(self) -> &'static str {
        match self {
            Self::Mask(writer) => writer.id,
            Self::Table => "table",
            Self::Measurements => "measurements",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Mask(writer) => writer.title,
            Self::Table => "Label table",
            Self::Measurements => "Measurements",
        }
    }

    /// Endings of its files, the usual one first.
    pub fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Mask(writer) => writer.extensions,
            Self::Table => &["txt"],
            Self::Measurements => &["csv"],
        }
    }

    pub fn extension(self) -> &'static str {
        self.extensions().first().copied().unwrap_or_default()
    }
}

impl PartialEq for ExportFormat {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Serialize for ExportFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

impl<'de> Deserialize<'de> for ExportFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = String::deserialize(deserializer)?;
        Self::from_id(&id)
            .ok_or_else(|| de::Error::custom(format!("no mask is written as \u{201c}{id}\u{201d}")))
    }
}

/// Where a document's mask goes unless a person says otherwise: beside the image, under the name of its case.
pub fn proposed_export(document: &Document, format: ExportFormat) -> PathBuf {
    // Samples lie nowhere: their masks go to where the person is.
    let folder = match io::is_sample(document.source()) {
        true => std::env::current_dir().unwrap_or_default(),
        false => document.source().parent().map(Path::to_owned).unwrap_or_default(),
    };
    let what = if format == ExportFormat::Measurements { "measurements" } else { "labels" };
    folder.join(format!("{}_{what}.{}", io::case_name(document.source()), format.extension()))
}

impl Parts {
    pub fn save(&mut self) -> Result<(), CommandError> {
        let document = self.documents.active()?;
        let format = ExportFormat::of(document);
        let path = proposed_export(document, format);
        if !path.parent().is_some_and(Path::is_dir) {
            let why = "the image's folder is not there any more; export the mask to another place";
            return Err(CommandError::NotWritable(path, why.to_owned()));
        }
        self.write_out(Export { path, format, replace: false }, true)
    }

    /// The files that an export would replace and that were not written of this document since it was opened, or that
    /// somebody has changed since.
    pub fn would_replace(&self, export: &Export) -> Result<Vec<PathBuf>, CommandError> {
        let document = self.documents.active()?;
        let Export { path, format, .. } = export;
        let mut targets = Targets::replacing_only(document.saving().exports());
        for document in self.documents.list() {
            targets.read(document.source());
            document.project().into_iter().for_each(|project| {
                targets.read(project);
            });
        }
        for opening in self.documents.openings() {
            targets.read(&opening.path);
        }
        match format {
            ExportFormat::Mask(writer) if writer.one_slice && document.depth() > 1 => {
                targets.write_folder(path)
            }
            _ => targets.write(path),
        };
        if matches!(format, ExportFormat::Mask(_)) {
            targets.write(io::table_beside(path));
        }
        let not_writable = |what: String| CommandError::NotWritable(path.clone(), what);
        match targets.check() {
            Ok(()) => Ok(vec![]),
            Err(TargetError::Exists(files)) => Ok(files),
            Err(TargetError::Input { input, .. }) => {
                Err(not_writable(format!("it is {}, which is open", input.display())))
            }
            Err(other) => Err(not_writable(other.to_string())),
        }
    }

    pub fn export(&mut self, export: Export) -> Result<(), CommandError> {
        self.write_out(export, false)
    }

    /// `beside`: its name is made from the image's, so that it must be that image's mask.
    fn write_out(&mut self, export: Export, beside: bool) -> Result<(), CommandError> {
        let document = self.documents.active()?;
        let now = document.settled()?.clone();
        let replaced = self.would_replace(&export)?;
        if let Some(file) = replaced.into_iter().next().filter(|_| !export.replace) {
            return Err(CommandError::Exists(file));
        }
        let Export { path, format, .. } = export;
        let (id, revision, volume) = (document.id(), document.revision(), document.volume().clone());
        let (source, name) = (Source::of(document), document.name().to_owned());
        let title = format!("saving {}", path.display());
        self.jobs.run(title, Some(id), move |cx| {
            cx.progress("saving", 0, 2);
            let mut written = Exported { paths: vec![path.clone()], warnings: Vec::new(), revision: None };
            match source.differs(cx) {
                Some(what) if beside => anyhow::bail!(
                    "{what}, so that the mask was not written beside it. Export it to a place of your choice"
                ),
                Some(what) => written.warnings.push(format!("{what}: the mask is of the image that is open")),
                None => {}
            }
            cx.check()?;
            match format {
                ExportFormat::Mask(writer) => {
                    let mask = Mask { map: &now.mask, labels: &now.labels, grid: volume.grid() };
                    written.warnings.extend((writer.mask)(&path, mask)?);
                    written.warnings.extend(writer.lost(volume.grid()));
                }
                ExportFormat::Table => {
                    io::write_table(&path, &now.labels)?;
                    return Ok(JobResult::Exported(id, written));
                }
                ExportFormat::Measurements => {
                    io::write_text(&path, &io::measurements_csv(&volume, &now.measurements))?;
                    return Ok(JobResult::Exported(id, written));
                }
            }
            if now.mask.is_empty() {
                written
                    .warnings
                    .push(format!("Nothing is labelled on {name}: the mask that was saved is empty"));
            }
            written.revision = Some(revision);
            cx.progress("saving", 1, 2);
            let table = io::table_beside(&path);
            io::write_table(&table, &now.labels)?;
            written.paths.push(table);
            cx.progress("saving", 2, 2);
            Ok(JobResult::Exported(id, written))
        });
        Ok(())
    }

    pub fn on_exported(&mut self, id: DocumentId, exported: Exported) {
        let Exported { paths, warnings, revision } = exported;
        if let Some(document) = self.documents.get_mut(id) {
            document.saving_mut().on_exported(revision, &paths);
        }
        for warning in warnings {
            self.notices.add(NoticeLevel::Warning, Some(id), warning);
        }
        let names: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
        self.notices.add(NoticeLevel::Info, Some(id), format!("Saved {}", names.join(" and ")));
        if self.documents.get(id).is_some_and(|d| d.newest() > 0) {
            self.audit(id, "exported", &names.join("\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_saved_by_its_id_as_it_always_was() {
        for id in ["nifti", "png", "table", "measurements"] {
            let saved = format!("\"{id}\"");
            let format: ExportFormat = serde_json::from_str(&saved).unwrap();
            assert_eq!(serde_json::to_string(&format).unwrap(), saved);
        }
        let unknown = serde_json::from_str::<ExportFormat>("\"jpeg\"").unwrap_err().to_string();
        assert!(unknown.contains("no mask is written as \u{201c}jpeg\u{201d}"), "{unknown}");
        let ids: Vec<&str> = ExportFormat::all().map(ExportFormat::id).collect();
        assert!(ids.len() > 3 && ids.iter().all(|id| ExportFormat::from_id(id).is_some()), "{ids:?}");
    }
}
