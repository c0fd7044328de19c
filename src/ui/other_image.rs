//! The question what becomes of annotations that were made on another image than the one that lies beside them now.

use super::outbox::Outbox;
use super::theme;
use super::widgets::{primary, quiet};
use crate::workspace::{Command, Opening, OtherImage, OtherImageAnswer, Workspace};
use egui::{Id, Modal, RichText};

/// True where the question stands.
pub fn show(ctx: &egui::Context, workspace: &Workspace, out: &mut Outbox) -> bool {
    let Some((opening, question)) = workspace.openings().iter().find_map(|o| Some((o, o.question()?))) else {
        return false;
    };
    let mut answer = None;
    let modal = Modal::new(Id::unique("other image")).frame(theme::dialog_frame(ctx)).show(ctx, |ui| {
        ui.set_width(480.0);
        ui.label(RichText::new("These annotations are of another image").size(theme::size::LARGE));
        ui.add_space(8.0);
        for line in words(opening, &question) {
            ui.add(egui::Label::new(line).wrap());
            ui.add_space(4.0);
        }
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            if primary(ui, true, "Do not open it").clicked() {
                answer = Some(Command::Cancel(opening.job()));
            }
            let decide = |answer| Command::OtherImage { opening: opening.job(), answer };
            if quiet(ui, true, "Set them aside")
                .on_hover_text("The image opens without annotations")
                .clicked()
            {
                answer = Some(decide(OtherImageAnswer::SetAside));
            }
            if question.can_keep
                && quiet(ui, true, "Keep them on this image")
                    .on_hover_text("Where only the file has changed, not the picture")
                    .clicked()
            {
                answer = Some(decide(OtherImageAnswer::Keep));
            }
        });
    });
    if modal.should_close() {
        answer = Some(Command::Cancel(opening.job()));
    }
    out.commands.extend(answer);
    true
}

fn words(opening: &Opening, question: &OtherImage) -> Vec<String> {
    let name = opening.path.file_name().unwrap_or(opening.path.as_os_str()).to_string_lossy().into_owned();
    let project = question.project.display();
    let first = match (question.size, question.changes) {
        (Some([w, h, d]), _) => {
            format!("{project} belongs to an image of {w} × {h} × {d}. {name} has another size now.")
        }
        (None, 1) => format!("{project} holds 1 change. {name} has other content now than when it was made."),
        (None, n) => {
            format!("{project} holds {n} changes. {name} has other content now than when they were made.")
        }
    };
    let then = match question.can_keep {
        true => {
            "Keep them only where the picture is the same and something else in the file has changed. Set aside, they get a name that says so, beside the image."
        }
        false => "Set aside, they get a name that says so, beside the image.",
    };
    vec![first, then.to_owned()]
}
