//! The window is not closed over what would be lost with it.

use super::outbox::{Outbox, Question};
use super::theme;
use super::widgets::{Icon, primary, quiet};
use crate::engine::interrupt;
use crate::workspace::{Command, DocumentId, EditCommand, ProjectCommand, Risk, TrainCommand, Workspace};
use egui::{Id, Modal, RichText, ViewportCommand};
use std::time::Duration;

/// Between two looks at whether everything is safe meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The question that stands when the window is to be closed.
#[derive(Default)]
pub struct Closing {
    asked: bool,
    /// The person wants it closed, whatever is lost.
    sure: bool,
    /// The image that is to be exported has been brought to the front.
    exports: bool,
    /// A signal to end has been heard.
    told: bool,
}

impl Closing {
    pub fn is_open(&self) -> bool {
        self.asked
    }

    /// Holds the window open where closing it would lose something: asked for by the person, or by a signal (`kill`, Ctrl-C
    /// in the terminal, the end of the session).
    pub fn hear(&mut self, ctx: &egui::Context, workspace: &mut Workspace) {
        let wanted = ctx.input(|i| i.viewport().close_requested());
        let told = !self.told && interrupt::check().is_err();
        if self.sure || !(wanted || told) {
            return;
        }
        if told {
            self.told = true;
            // The stroke under the pointer ends here.
            if workspace.active().is_some_and(|d| d.stroke().is_some())
                && let Err(e) = workspace.apply(Command::Edit(EditCommand::Commit))
            {
                log::warn!("the stroke was not finished: {e}");
            }
        }
        workspace.look_after();
        if !workspace.risks().is_empty() {
            if wanted {
                ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            }
            self.asked = true;
        } else if told {
            self.close(ctx);
        }
    }

    /// Closes the window by itself once nothing would be lost any more.
    pub fn show(&mut self, ctx: &egui::Context, workspace: &Workspace, out: &mut Outbox) {
        if std::mem::take(&mut self.exports) {
            return out.ask(Question::Export);
        }
        let risks = workspace.risks();
        if risks.is_empty() {
            return self.close(ctx);
        }
        ctx.request_repaint_after(LOOK_EVERY);
        let mut stay = false;
        let modal = Modal::new(Id::unique("closing")).frame(theme::dialog_frame(ctx)).show(ctx, |ui| {
            ui.set_width(520.0);
            let waits = risks.iter().all(|r| matches!(r, Risk::OnTheirWay { .. }));
            let title = if waits { "Saving…" } else { "Not everything is safe" };
            ui.label(RichText::new(title).size(theme::size::LARGE));
            ui.add_space(8.0);
            for risk in &risks {
                ui.horizontal_top(|ui| {
                    let (square, _) = ui.allocate_exact_size(egui::Vec2::splat(17.0), egui::Sense::hover());
                    Icon::Warning.paint(ui.painter(), square, theme::palette(ui).warn);
                    ui.add(egui::Label::new(words(risk, workspace)).wrap());
                });
                ui.add_space(4.0);
            }
            ui.add_space(8.0);
            let unwritten = risks.iter().any(|r| matches!(r, Risk::NotWritten { .. }));
            let unkept = risks.iter().find_map(|r| match r {
                Risk::NotWritten { document, .. } => Some(*document),
                _ => None,
            });
            let exportable = risks.iter().find_map(|r| match r {
                Risk::NotWritten { document, exported: false, .. } | Risk::NotKept { document } => {
                    Some(*document)
                }
                _ => None,
            });
            ui.horizontal(|ui| {
                if primary(ui, true, "Keep working").clicked() {
                    stay = true;
                }
                // With a version of it in the project file the window closes by itself.
                if let Some(training) = workspace.training().filter(|t| t.is_under_way()) {
                    let waits = training.is_being_kept();
                    let tip = "The best network so far becomes a version in the project file";
                    if quiet(ui, training.steps()[0] > 0 && !waits, "Keep the best so far")
                        .on_hover_text(tip)
                        .clicked()
                    {
                        out.decided(TrainCommand::Keep);
                    }
                    if quiet(ui, !waits, "Discard the run").clicked() {
                        out.decided(TrainCommand::Cancel);
                    }
                }
                if unwritten && quiet(ui, true, "Try again").clicked() {
                    out.command(Command::Project(ProjectCommand::Retry));
                }
                if let Some(document) = unkept
                    && quiet(ui, true, "Keep in Fovea's folder")
                        .on_hover_text("The whole project, found there when the image is opened again")
                        .clicked()
                {
                    out.command(Command::Activate(document));
                    out.command(Command::Project(ProjectCommand::KeepElsewhere));
                }
                if let Some(document) = exportable
                    && quiet(ui, true, "Save elsewhere…")
                        .on_hover_text("Export the mask to another place")
                        .clicked()
                {
                    out.command(Command::Activate(document));
                    self.exports = true;
                }
                if quiet(ui, true, "Close anyway").clicked() {
                    self.close(ctx);
                }
            });
        });
        if stay || modal.should_close() {
            self.asked = false;
        }
    }

    fn close(&mut self, ctx: &egui::Context) {
        (self.asked, self.sure) = (false, true);
        ctx.send_viewport_cmd(ViewportCommand::Close);
    }
}

fn words(risk: &Risk, workspace: &Workspace) -> String {
    let name =
        |id: DocumentId| workspace.document(id).map_or_else(|| id.to_string(), |d| d.name().to_owned());
    let changes = |n: usize| if n == 1 { "1 change".to_owned() } else { format!("{n} changes") };
    match risk {
        Risk::NotWritten { document, changes: n, reason, exported } => {
            let lost = match exported {
                _ if *n == 0 => "its project file is not there".to_owned(),
                true => "the mask is exported, but its history and verified slices would be lost".to_owned(),
                false => format!("{} would be lost", changes(*n)),
            };
            format!("{}: {lost}. {reason}", name(*document))
        }
        Risk::NotKept { document } => {
            format!(
                "{}: no project file is kept for this image, and its mask has not been exported.",
                name(*document)
            )
        }
        Risk::OnTheirWay { document, changes: n } => {
            format!("{}: {} on the way to the disk.", name(*document), changes(*n))
        }
        Risk::Unfinished { document } => format!("{}: a change is still being made.", name(*document)),
        Risk::Training { kept: true } => {
            "A training run is under way. It would stop, and can be resumed from its last checkpoint."
                .to_owned()
        }
        Risk::Training { kept: false } => {
            "A training run is under way, and no project file keeps it: it would be lost.".to_owned()
        }
    }
}
