//! Before the window or an image is closed, asks about what would be lost.

use super::keyboard;
use super::outbox::{Outbox, Question};
use super::reading::in_words;
use super::theme;
use super::widgets::{Icon, primary, quiet};
use crate::engine::interrupt;
use crate::words::capital;
use crate::workspace::{
    Command, DocumentId, EditCommand, ProjectCommand, Risk, TrainCommand, Training, Workspace,
};
use egui::{Context, Id, Modal, RichText, Ui, ViewportCommand};
use std::time::Duration;

/// The time between two checks whether everything is safe by now.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What is to be closed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Closed {
    Window,
    Image(DocumentId),
}

/// The question that is open when the window or an image is to be closed.
#[derive(Default)]
pub struct Closing {
    asked: Option<Closed>,
    /// The person wants it closed, whatever is lost.
    sure: bool,
    /// The image that is to be exported has been brought to the front.
    exports: bool,
    /// A signal to end has arrived.
    told: bool,
    /// The window is to be closed, if nothing is lost with it.
    wanted: bool,
    /// A text field was ended for that; it is gone in the next frame.
    waits: bool,
    /// The stroke under the pointer ends with the window.
    ends_stroke: bool,
}

impl Closing {
    pub fn is_open(&self) -> bool {
        self.asked.is_some()
    }

    /// Asks before closing an image of which something would be lost.
    pub fn ask(&mut self, image: DocumentId) {
        self.asked = Some(Closed::Image(image));
    }

    /// The person closes the window by a key or a menu, not by its own button.
    pub fn quit(&mut self) {
        self.wanted = true;
    }

    /// Notices that the window is to be closed: by the person, or by a signal (`kill`, Ctrl-C in the terminal, the end
    /// of the session). [`Closing::go_on`] decides on it.
    pub fn hear(&mut self, ctx: &Context) {
        if self.sure {
            return;
        }
        self.wanted |= requested(ctx);
        if !self.told && interrupt::check().is_err() {
            (self.told, self.wanted, self.ends_stroke) = (true, true, true);
        }
        if self.wanted && is_hidden(ctx) {
            // A hidden window draws no frames, so without this it would close without a question.
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            ctx.send_viewport_cmd(ViewportCommand::RequestPaintWhileHidden);
            ctx.request_repaint();
        }
    }

    /// At the end of a frame: closes the window if it is to be closed, or asks if that would lose something.
    pub fn go_on(&mut self, ctx: &Context, workspace: &mut Workspace) {
        if !self.wanted || self.sure {
            return;
        }
        let held_open = || {
            if requested(ctx) {
                ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            }
            ctx.request_repaint();
        };
        // First ends a text field and takes its text, which is done in the next frame. A dialog keeps its field.
        if !std::mem::replace(&mut self.waits, true) && keyboard::end_text_field(ctx) {
            return held_open();
        }
        (self.wanted, self.waits) = (false, false);
        // The stroke under the pointer ends here.
        if std::mem::take(&mut self.ends_stroke)
            && workspace.active().is_some_and(|d| d.stroke().is_some())
            && let Err(e) = workspace.apply(Command::Edit(EditCommand::Commit))
        {
            log::warn!("the stroke was not finished: {e}");
        }
        workspace.look_after();
        if workspace.risks().is_empty() {
            match requested(ctx) && !is_hidden(ctx) {
                true => self.sure = true,
                false => self.close(ctx),
            }
            return;
        }
        self.asked = Some(Closed::Window);
        if is_hidden(ctx) {
            ctx.send_viewport_cmd(ViewportCommand::Minimized(false));
            ctx.send_viewport_cmd(ViewportCommand::Focus);
        }
        held_open();
    }

    /// Closes the window or image by itself once nothing would be lost any more.
    pub fn show(&mut self, ctx: &Context, workspace: &Workspace, out: &mut Outbox) {
        if std::mem::take(&mut self.exports) {
            return out.ask(Question::Export);
        }
        let Some(closed) = self.asked else { return };
        let risks = match closed {
            Closed::Window => workspace.risks(),
            Closed::Image(id) => workspace.risks_of(id),
        };
        if risks.is_empty() {
            match closed {
                Closed::Window => self.close(ctx),
                Closed::Image(id) => {
                    self.asked = None;
                    out.command(Command::Close(id));
                }
            }
            return;
        }
        ctx.request_repaint_after(LOOK_EVERY);
        let mut stay = false;
        let modal = Modal::new(Id::unique("closing")).frame(theme::dialog_frame(ctx)).show(ctx, |ui| {
            ui.set_width(580.0);
            let waits = risks.iter().all(|r| matches!(r, Risk::OnTheirWay { .. }));
            let title = if waits { "Saving…" } else { "Not everything is safe" };
            ui.label(RichText::new(title).font(theme::large_title()));
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
            let movable = risks.iter().find_map(|r| match r {
                Risk::NotWritten { document, can_move: true, .. } => Some(*document),
                _ => None,
            });
            let exportable = risks.iter().find_map(|r| match r {
                Risk::NotWritten { document, exported: false, .. } | Risk::NotKept { document } => {
                    Some(*document)
                }
                _ => None,
            });
            ui.horizontal_wrapped(|ui| {
                if primary(ui, true, "Keep working").clicked() {
                    stay = true;
                }
                // With a version of it in the project file the window closes by itself.
                let of_window = |_: &&Training| closed == Closed::Window;
                if let Some(training) = workspace.training().filter(|t| t.is_under_way()).filter(of_window) {
                    let waits = training.is_being_kept();
                    let kept = risks.contains(&Risk::Training { kept: true });
                    let (name, tip) = match kept {
                        true => (
                            "Keep the best and close",
                            "The best network so far becomes a version in the project file",
                        ),
                        false => (
                            "Keep the best so far",
                            "The run ends with its best network; no project file keeps it",
                        ),
                    };
                    let learned = training.steps()[0] > 0 && !waits;
                    if quiet(ui, learned, name).on_hover_text(tip).clicked() {
                        out.decided(TrainCommand::Keep);
                    }
                    if quiet(ui, !waits, "Discard the run").clicked() {
                        out.decided(TrainCommand::Cancel);
                    }
                }
                if unwritten && quiet(ui, true, "Try again").clicked() {
                    out.command(Command::Project(ProjectCommand::Retry));
                }
                if let Some(document) = movable {
                    keep_elsewhere(ui, document, out);
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
                    match closed {
                        Closed::Window => self.close(ctx),
                        Closed::Image(id) => {
                            stay = true;
                            out.command(Command::CloseUnsaved(id));
                        }
                    }
                }
            });
        });
        if stay || modal.should_close() {
            self.asked = None;
        }
    }

    fn close(&mut self, ctx: &Context) {
        (self.asked, self.sure) = (None, true);
        ctx.send_viewport_cmd(ViewportCommand::Close);
    }
}

/// The system asks for the window to be closed, with this frame.
fn requested(ctx: &Context) -> bool {
    ctx.input(|i| i.viewport().close_requested())
}

/// Whether nobody sees the window: it is minimised or covered.
pub fn is_hidden(ctx: &Context) -> bool {
    ctx.input(|i| i.viewport().visible() == Some(false))
}

/// The button that keeps a project which cannot be written in Fovea's own folder; in notices and questions alike.
pub fn keep_elsewhere(ui: &mut Ui, document: DocumentId, out: &mut Outbox) {
    let tip = "The whole project, found there when the image is opened again";
    if quiet(ui, true, "Keep in Fovea's folder").on_hover_text(tip).clicked() {
        out.command(Command::Project(ProjectCommand::KeepElsewhere(document)));
    }
}

fn words(risk: &Risk, workspace: &Workspace) -> String {
    match risk.document() {
        Some(id) => {
            let name = workspace.document(id).map_or_else(|| id.to_string(), |d| d.name().to_owned());
            in_words(&format!("{name}: {risk}."))
        }
        None => format!("{}.", capital(&risk.to_string())),
    }
}
