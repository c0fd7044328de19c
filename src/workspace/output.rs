use super::activity::Purpose;
use super::making::Made;
use super::measures::Measures;
use super::store::{Snapshot, Write};
use super::surfaces::MadeSurface;
use super::{CommandError, Document, Export, ExportFormat, NoticeLevel, Workspace};
use crate::engine::{JobId, Output, run_folder::PastRun};
use crate::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files that were written.
struct Written {
    paths: Vec<PathBuf>,
    warnings: Vec<String>,
    /// The revision of the mask that is in them.
    revision: Option<u64>,
}

/// `scan.nii.gz` is `scan`, a folder its own name, `sample:oct` is `sample-oct`.
fn stem(document: &Document) -> String {
    let name = document.name.replace(':', "-");
    let lower = name.to_lowercase();
    let extensions = io::FORMATS.iter().flat_map(|f| f.extensions);
    let longest = extensions.filter(|e| lower.ends_with(&format!(".{e}"))).map(|e| e.len() + 1).max();
    name[..name.len() - longest.unwrap_or(0)].to_owned()
}

impl Workspace {
    pub(super) fn save(&mut self) -> Result<(), CommandError> {
        let document = self.active().ok_or(CommandError::NoDocument)?;
        let beside = document.source().parent().filter(|_| document.source().exists()).map(Path::to_owned);
        // Samples lie nowhere: their masks go to where the person is.
        let folder = beside.unwrap_or_default();
        let (ending, format) = match document.depth() {
            1 => ("png", ExportFormat::Png),
            _ => ("nii.gz", ExportFormat::Nifti),
        };
        let path = folder.join(format!("{}_labels.{ending}", stem(document)));
        self.export(Export { path, format })
    }

    pub(super) fn export(&mut self, Export { path, format }: Export) -> Result<(), CommandError> {
        let document = self.active().ok_or(CommandError::NoDocument)?;
        if document.tool.is_some() {
            return Err(CommandError::StrokeOpen);
        }
        let (id, revision) = (document.id, document.revision);
        if path == document.source() {
            return Err(CommandError::NotWritable(path, "it is the image itself".into()));
        }
        let (now, volume) = (document.now.clone(), document.volume.clone());
        let title = format!("saving {}", path.display());
        let job = self.engine.run_io(move |cx| {
            cx.progress("saving", 0, 2);
            let mut written = Written { paths: vec![path.clone()], warnings: Vec::new(), revision: None };
            match format {
                ExportFormat::Nifti => {
                    written.warnings = io::write_label_nifti(&path, &now.mask, volume.grid())?;
                }
                ExportFormat::Png => io::write_label_png(&path, &now.mask)?,
                ExportFormat::Table => {
                    io::write_table(&path, &now.labels)?;
                    return Ok(Box::new(written));
                }
            }
            written.revision = Some(revision);
            cx.progress("saving", 1, 2);
            let table = table_beside(&path);
            io::write_table(&table, &now.labels)?;
            written.paths.push(table);
            cx.progress("saving", 2, 2);
            Ok(Box::new(written))
        });
        self.activities.begin(job, title, Some(id), Purpose::Save);
        Ok(())
    }

    /// A job of the workspace's own on an io thread is done.
    pub(super) fn output_done(&mut self, job: JobId, output: Output) {
        let Some(activity) = self.activities.end(job) else { return };
        let output = match output.downcast::<Vec<PastRun>>() {
            Ok(runs) => return self.compared_with(*runs),
            Err(output) => output,
        };
        let Some(id) = activity.document else { return };
        let output = match output.downcast::<Snapshot>() {
            Ok(snapshot) => {
                self.write(id, Write::Snapshot(Arc::new(*snapshot)));
                return self.want_snapshot(id);
            }
            Err(output) => output,
        };
        let output = match output.downcast::<Measures>() {
            Ok(measures) => return self.measured(id, *measures),
            Err(output) => output,
        };
        let output = match output.downcast::<MadeSurface>() {
            Ok(made) => return self.shaped(*made),
            Err(output) => output,
        };
        let output = match output.downcast::<Made>() {
            Ok(made) => return self.made(job, made),
            Err(output) => output,
        };
        if let Ok(written) = output.downcast::<Written>() {
            let Written { paths, warnings, revision } = *written;
            if let Some(document) = self.document_mut(id) {
                document.exported = revision.or(document.exported);
            }
            for warning in warnings {
                self.notices.add(NoticeLevel::Warning, Some(id), warning);
            }
            let names: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
            self.notices.add(NoticeLevel::Info, Some(id), format!("Saved {}", names.join(" and ")));
            if self.document(id).is_some_and(|d| d.last_seq > 0) {
                self.store_audit(id, "exported", &names.join("\n"));
            }
        }
    }
}

/// `mask.nii.gz` has its names and colours in `mask.txt`.
fn table_beside(path: &Path) -> PathBuf {
    let name = path.file_name().map_or_else(Default::default, |n| n.to_string_lossy().into_owned());
    let stem = [".nii.gz", ".nii", ".png"].iter().find_map(|e| name.strip_suffix(e)).unwrap_or(&name);
    path.with_file_name(format!("{stem}.txt"))
}
