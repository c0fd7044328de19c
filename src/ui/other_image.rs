//! The question what becomes of annotations that were made on another image than the one that lies beside them now.

use super::outbox::Outbox;
use super::reading::in_words;
use super::theme;
use super::widgets::{primary, quiet};
use crate::words::counted;
use crate::workspace::{Command, Differs, Opening, OtherImage, OtherImageAnswer, Workspace};
use egui::{Id, Modal, Response, RichText, Ui};

type Shown = fn(&mut Ui, bool, &str) -> Response;

/// True where the question stands.
pub fn show(ctx: &egui::Context, workspace: &Workspace, out: &mut Outbox) -> bool {
    let Some((opening, question)) = workspace.openings().iter().find_map(|o| Some((o, o.question()?))) else {
        return false;
    };
    let mut answer = None;
    let modal = Modal::new(Id::unique("other image")).frame(theme::dialog_frame(ctx)).show(ctx, |ui| {
        ui.set_width(480.0);
        ui.label(RichText::new(title(&question)).font(theme::large_title()));
        ui.add_space(8.0);
        for line in words(opening, &question) {
            ui.add(egui::Label::new(in_words(&line)).wrap());
            ui.add_space(4.0);
        }
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            // The button that stands out: what cannot do harm, and is most often meant.
            let (leave, keep_them): (Shown, Shown) = match question.differs {
                Differs::Turned if question.can_keep => (quiet, primary),
                _ => (primary, quiet),
            };
            if leave(ui, true, "Do not open it").clicked() {
                answer = Some(Command::Cancel(opening.job()));
            }
            let decide = |answer| Command::OtherImage { opening: opening.job(), answer };
            if quiet(ui, true, "Set them aside")
                .on_hover_text("The image opens without annotations")
                .clicked()
            {
                answer = Some(decide(OtherImageAnswer::SetAside));
            }
            let (keep, tip) = match question.differs {
                Differs::Turned => ("Turn them with the image", "One change, which can be undone"),
                _ => ("Keep them on this image", "Where only the file has changed, not the picture"),
            };
            if question.can_keep && keep_them(ui, true, keep).on_hover_text(tip).clicked() {
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

fn title(question: &OtherImage) -> &'static str {
    match question.differs {
        Differs::Turned => "This image is shown upright now",
        Differs::Size(_) | Differs::Content => "These annotations are of another image",
    }
}

fn words(opening: &Opening, question: &OtherImage) -> Vec<String> {
    let name = opening.path.file_name().unwrap_or(opening.path.as_os_str()).to_string_lossy().into_owned();
    let project = question.project.display();
    let changes = usize::try_from(question.changes).unwrap_or(0);
    let holds = format!("holds {}", counted(changes, "change"));
    let made = if changes == 1 { "it was made" } else { "they were made" };
    let first = match question.differs {
        Differs::Size([w, h, d]) => {
            format!("{project} belongs to an image of {w} × {h} × {d}. {name} has another size now.")
        }
        Differs::Content => format!("{project} {holds}. {name} has other content now than when {made}."),
        Differs::Turned => format!(
            "{project} {holds}. When {made}, {name} was shown as it is stored; now it is shown upright, as its EXIF note says. \
             Where the annotations are not turned with it, they lie wrongly."
        ),
    };
    let keep = match question.differs {
        Differs::Content if question.can_keep => {
            "Keep them only where the picture is the same and something else in the file has changed. "
        }
        _ => "",
    };
    vec![first, format!("{keep}Set aside, they get a name that says so, beside the image.")]
}
