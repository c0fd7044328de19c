//! Questions for files: the system's dialog if there is one, and always a field for the path.

use super::outbox::{Outbox, Question};
use super::reading::in_words;
use super::theme;
use super::widgets::{field, primary, quiet};
use crate::io::FORMATS;
use crate::workspace::{
    Command, EditCommand, Export, ExportFormat, ModelCommand, ProjectCommand, Workspace, proposed_export,
};
use egui::{Id, Modal, RichText, TextEdit};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

/// The open question.
#[derive(Default)]
pub struct Dialogs {
    asked: Option<Asked>,
}

struct Asked {
    question: Question,
    path: String,
    /// The path that it began with.
    proposed: String,
    format: ExportFormat,
    system: System,
    /// The export that was checked last, and what to say about it.
    looked: Option<(Export, Obstacle)>,
}

/// What stands in the way of an export.
#[derive(Clone)]
enum Obstacle {
    Nothing,
    /// These files are there, and a person must say that they may be replaced.
    Files(Vec<PathBuf>),
    /// It cannot be written there at all.
    Refused(String),
}

impl Asked {
    /// Looks at the disk only where something has changed.
    fn obstacle(&mut self, workspace: &Workspace) -> Obstacle {
        let path = expanded(self.path.trim());
        if !self.question.writes() || self.path.trim().is_empty() {
            return Obstacle::Nothing;
        }
        let export = Export { path, format: self.format, replace: false };
        if let Some((looked, obstacle)) = &self.looked
            && *looked == export
        {
            return obstacle.clone();
        }
        let obstacle = match workspace.would_replace(&export) {
            Ok(files) if files.is_empty() => Obstacle::Nothing,
            Ok(files) => Obstacle::Files(files),
            Err(e) => Obstacle::Refused(e.to_string()),
        };
        self.looked = Some((export, obstacle.clone()));
        obstacle
    }
}

/// The system's dialog.
enum System {
    /// The answer, and how long it took.
    Open(Receiver<(Option<PathBuf>, Duration)>),
    /// It was closed without an answer.
    Closed,
    /// It answered "nothing" faster than a person can, or failed.
    Missing,
}

/// No person closes a dialog this fast.
const TOO_FAST: Duration = Duration::from_millis(400);

impl Dialogs {
    pub fn is_open(&self) -> bool {
        self.asked.is_some()
    }

    pub fn ask(&mut self, question: Question, workspace: &Workspace) {
        let document = workspace.active();
        let format = match question {
            Question::ExportMeasurements => ExportFormat::Measurements,
            _ => document.map_or(ExportFormat::Table, ExportFormat::of),
        };
        let path = match (question, document) {
            (question, Some(document)) if question.writes() => {
                proposed_export(document, format).display().to_string()
            }
            _ => String::new(),
        };
        let system = system_dialog(question, &path, workspace);
        let proposed = path.clone();
        self.asked = Some(Asked { question, path, proposed, format, system, looked: None });
    }

    pub fn show(&mut self, ctx: &egui::Context, workspace: &Workspace, out: &mut Outbox) {
        let Some(asked) = &mut self.asked else { return };
        if let System::Open(answer) = &asked.system {
            match answer.try_recv() {
                Ok((Some(path), _)) => {
                    asked.path = path.display().to_string();
                    asked.system = System::Closed;
                    // It has asked whether the file itself may be replaced, and knows of no other.
                    let replaces = match asked.obstacle(workspace) {
                        Obstacle::Nothing => Some(false),
                        Obstacle::Files(files) if files == [path.clone()] => Some(true),
                        Obstacle::Files(_) | Obstacle::Refused(_) => None,
                    };
                    if let Some(replace) = replaces {
                        carry_out(asked.question, Export { path, format: asked.format, replace }, out);
                        self.asked = None;
                        return;
                    }
                }
                Ok((None, took)) if took >= TOO_FAST => asked.system = System::Closed,
                Ok((None, _)) | Err(TryRecvError::Disconnected) => asked.system = System::Missing,
                Err(TryRecvError::Empty) => {}
            }
        }
        let mut done = false;
        let modal = Modal::new(Id::unique("question")).frame(theme::dialog_frame(ctx)).show(ctx, |ui| {
            ui.set_width(460.0);
            let p = theme::palette(ui);
            ui.label(RichText::new(title(asked.question)).font(theme::large_title()));
            ui.add_space(8.0);
            if asked.question == Question::Export {
                field(ui, "Format", |ui| {
                    // From the right to the left.
                    for format in ExportFormat::all().collect::<Vec<_>>().into_iter().rev() {
                        if ui.selectable_label(asked.format == format, format.title()).clicked() {
                            asked.format = format;
                            asked.path = with_extension(&asked.path, format);
                        }
                    }
                });
                ui.add_space(4.0);
            }
            let written = TextEdit::singleline(&mut asked.path)
                .hint_text(hint(asked.question))
                .desired_width(f32::INFINITY)
                .margin(egui::Margin::symmetric(8, 6));
            let response = ui.add(written);
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Path"));
            // Before the field is given the keyboard again, which hides that Enter took it away.
            let entered = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
            if !ui.ctx().memory(|m| m.focused().is_some()) {
                response.request_focus();
            }
            let words = match asked.system {
                System::Open(_) => "The system's dialog is open; a path can also be written here.",
                System::Closed => "Write a path, or ask the system's dialog again.",
                System::Missing => {
                    "This system has no file dialog (no desktop portal answered). Write the path, or drop the file \
                     onto the window."
                }
            };
            ui.label(RichText::new(words).font(theme::small()).color(p.faint));
            let obstacle = asked.obstacle(workspace);
            if let Some(told) = told(&obstacle) {
                ui.label(RichText::new(in_words(&told)).color(p.bad));
            }
            ui.add_space(10.0);
            ui.horizontal(|ui| {
                let replace = matches!(obstacle, Obstacle::Files(_));
                let verb = match asked.question {
                    question if question.writes() && replace => "Replace",
                    question if question.writes() => "Export",
                    _ => "Open",
                };
                let path = asked.path.trim();
                let can = !path.is_empty() && !matches!(obstacle, Obstacle::Refused(_));
                // Enter alone replaces nothing.
                if primary(ui, can, verb).clicked() || (entered && can && !replace) {
                    let export = Export { path: expanded(path), format: asked.format, replace };
                    carry_out(asked.question, export, out);
                    done = true;
                }
                let can_browse = !matches!(asked.system, System::Open(_));
                if quiet(ui, can_browse, "Browse…").clicked() {
                    asked.system = system_dialog(asked.question, &asked.path, workspace);
                }
                if quiet(ui, true, "Cancel").clicked() {
                    done = true;
                }
            });
        });
        // A click beside it does not throw away what was written; Escape does.
        let beside = modal.backdrop_response.clicked() && asked.path != asked.proposed;
        if done || modal.should_close() && !beside {
            self.asked = None;
        }
    }
}

fn title(question: Question) -> &'static str {
    match question {
        Question::OpenFile => "Open a file",
        Question::OpenFolder => "Open a folder or a DICOM series",
        Question::Export => "Export the mask",
        Question::ExportMeasurements => "Export the measurements as CSV",
        Question::ImportLabels => "Import a label image",
        Question::ImportModel => "Import a model",
    }
}

/// Weights files: of this program, and of others. (`model.pth.tar` ends in `tar`.)
const MODEL_EXTENSIONS: &[&str] = &["safetensors", "pth", "pt", "pkl", "tar"];

/// Whether a file's name is that of weights.
pub fn is_model(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    extension.is_some_and(|e| MODEL_EXTENSIONS.contains(&e.as_str()))
}

fn hint(question: Question) -> &'static str {
    match question {
        Question::OpenFile => "/path/to/image.nii.gz",
        Question::OpenFolder => "/path/to/folder",
        Question::Export => "/path/to/mask",
        Question::ExportMeasurements => "/path/to/measurements.csv",
        Question::ImportLabels => "/path/to/labels.nii.gz",
        Question::ImportModel => "/path/to/model.safetensors",
    }
}

fn told(obstacle: &Obstacle) -> Option<String> {
    match obstacle {
        Obstacle::Nothing => None,
        Obstacle::Files(files) => {
            let names: Vec<String> = files.iter().take(2).map(|file| file.display().to_string()).collect();
            let more = files.len() - names.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            Some(format!("Existing files that will be replaced: {}{more}", names.join(", ")))
        }
        Obstacle::Refused(reason) => Some(reason.clone()),
    }
}

/// Of a question for another file than that of an export, only the path counts.
fn carry_out(question: Question, export: Export, out: &mut Outbox) {
    let path = export.path.clone();
    match question {
        Question::OpenFile | Question::OpenFolder => out.open(path),
        Question::Export | Question::ExportMeasurements => {
            out.command(Command::Project(ProjectCommand::Export(export)))
        }
        Question::ImportLabels => out.edit(EditCommand::Import { path }),
        Question::ImportModel => out.command(Command::Model(ModelCommand::Import { path })),
    }
}

/// Asks the system's dialog, on a thread of its own: it blocks until it is closed, which may be never.
fn system_dialog(question: Question, path: &str, workspace: &Workspace) -> System {
    let mut dialog = rfd::FileDialog::new().set_title(title(question));
    let proposed = Path::new(path);
    if let Some(folder) = proposed.parent().filter(|f| f.is_dir()) {
        dialog = dialog.set_directory(folder);
    }
    if let Some(name) = proposed.file_name() {
        dialog = dialog.set_file_name(name.to_string_lossy());
    }
    dialog = match question {
        Question::OpenFile => {
            let all: Vec<&str> = FORMATS.iter().flat_map(|f| f.extensions).copied().collect();
            let dialog = dialog.add_filter("Images", &all);
            FORMATS
                .iter()
                .filter(|f| !f.extensions.is_empty())
                .fold(dialog, |d, f| d.add_filter(f.title, f.extensions))
                .add_filter("All files", &["*"])
        }
        Question::ImportModel => dialog.add_filter("Models", MODEL_EXTENSIONS),
        _ => dialog,
    };
    let answer = workspace.engine().run_detached("file dialog", move || {
        let start = Instant::now();
        let answer = match question {
            Question::OpenFolder => dialog.pick_folder(),
            Question::Export | Question::ExportMeasurements => dialog.save_file(),
            Question::OpenFile | Question::ImportLabels | Question::ImportModel => dialog.pick_file(),
        };
        (answer, start.elapsed())
    });
    answer.map_or(System::Missing, System::Open)
}

fn with_extension(path: &str, format: ExportFormat) -> String {
    let endings =
        ExportFormat::all().flat_map(|format| format.extensions()).map(|ending| format!(".{ending}"));
    let stripped = endings.filter_map(|ending| path.strip_suffix(ending.as_str()));
    let stem = stripped.min_by_key(|stem| stem.len()).unwrap_or(path);
    if stem.is_empty() { String::new() } else { format!("{stem}.{}", format.extension()) }
}

/// `~` is the home folder.
fn expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}
