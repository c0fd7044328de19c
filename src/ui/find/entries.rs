//! Everything that can be found: what keys do, tools, labels, open images, models and samples.

use crate::edit::effects::{EFFECTS, Effect};
use crate::label::LabelId;
use crate::phantom::SAMPLES;
use crate::tools::{self, TOOLS};
use crate::ui::arrangement::Arrangement;
use crate::ui::keys::{Group, KeyCommand, Keys, Scope, written};
use crate::ui::library::{self, Choice, Fit};
use crate::ui::panels::effect::can_be_set_up;
use crate::ui::view_state::layouts;
use crate::workspace::{DocumentId, Workspace};

/// Something that can be found.
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: String,
    /// What it does, in one sentence; or why it cannot be done now.
    pub about: String,
    pub kind: &'static str,
    pub key: Option<String>,
    pub action: Action,
    /// It cannot be done now.
    pub blocked: bool,
}

/// What becomes of an entry that is chosen.
#[derive(Clone, Debug)]
pub enum Action {
    Key(KeyCommand),
    Label(LabelId),
    Image(DocumentId),
    /// A model, or a network that has learned nothing.
    Model(Choice),
    Sample(&'static str),
    ShowPanel(&'static str),
    Compare,
    Effect(&'static Effect),
}

/// All of them, in the order in which equal ones are listed.
pub fn all(workspace: &Workspace, keys: &Keys) -> Vec<Entry> {
    let lines = keys.lines();
    let keys = lines.iter().filter(|s| is_found(s.command)).map(|s| {
        let why_not = why_not(s.command, workspace);
        Entry {
            name: s.title.to_owned(),
            about: why_not.map_or_else(|| about(s.command).to_owned(), str::to_owned),
            kind: kind(s.group),
            key: s.keys.first().map(written),
            action: Action::Key(s.command),
            blocked: why_not.is_some(),
        }
    });
    let plain = |name: String, about: String, kind, action| Entry {
        name,
        about,
        kind,
        key: None,
        action,
        blocked: false,
    };
    let document = workspace.active();
    let labels = document.into_iter().flat_map(|d| d.labels().iter()).map(|label| {
        plain(label.name.clone(), "Paints with this label".to_owned(), "Label", Action::Label(label.id))
    });
    let images = workspace.documents().iter().map(|d| {
        plain(d.name().to_owned(), d.source().display().to_string(), "Image", Action::Image(d.id()))
    });
    let models = document.map_or_else(Vec::new, |document| library::entries(workspace, document));
    let models = models.into_iter().map(|model| {
        let kind = if matches!(model.choice, Choice::Learn(_)) { "Network" } else { "Model" };
        plain(model.name.clone(), about_model(&model), kind, Action::Model(model.choice))
    });
    let panels = [
        ("Image", "What the file says of the image, and its warnings", "info"),
        ("Labels", "Names, colours, locks and volumes", "labels"),
    ];
    let panels = panels.into_iter().filter(|_| document.is_some()).map(|(name, about, id)| {
        plain(format!("{name} panel"), about.to_owned(), "Panel", Action::ShowPanel(id))
    });
    let samples = SAMPLES.iter().map(|sample| {
        let words = "A sample that the program draws itself".to_owned();
        plain(sample.title.to_owned(), words, "Sample", Action::Sample(sample.id))
    });
    let compare = document.map(|_| {
        let words = "Another model, or another open image, beside this one";
        plain("Compare two models".to_owned(), words.to_owned(), "View", Action::Compare)
    });
    let offered =
        |effect: &&Effect| can_be_set_up(effect) && TOOLS.iter().all(|tool| tool.title != effect.title);
    let effects = document.into_iter().flat_map(|_| EFFECTS.iter().copied()).filter(offered).map(|effect| {
        let command = KeyCommand::Effect(effect.id);
        let line = lines.iter().find(|line| line.command == command);
        Entry {
            key: line.and_then(|line| line.keys.first()).map(written),
            ..plain(effect.title.to_owned(), effect.summary.to_owned(), "Effect", Action::Effect(effect))
        }
    });
    keys.chain(compare)
        .chain(effects)
        .chain(labels)
        .chain(images)
        .chain(panels)
        .chain(samples)
        .chain(models)
        .collect()
}

/// What it is worth on this image, as the library says it.
fn about_model(model: &library::Entry) -> String {
    match (&model.choice, model.fit) {
        (Choice::Learn(_), _) => format!("A network that has learned nothing yet. {}", model.about),
        (_, Fit::OtherKind(modality)) => {
            format!("Made for {}: not for this kind of image", modality.title())
        }
        (_, Fit::NotForPatients) => "Only for phantoms: finds nothing useful in patients".to_owned(),
        (_, Fit::Fits) if model.phantom => format!("Only for phantoms. {}", model.about),
        (_, Fit::Fits) => format!("Finds {}", model.about),
    }
}

/// Steps, numbers and what is held down are of no use from a list.
fn is_found(command: KeyCommand) -> bool {
    !matches!(
        command,
        KeyCommand::Slice(_)
            | KeyCommand::LabelNumber(_)
            | KeyCommand::Label(_)
            | KeyCommand::Find
            // Listed as the effect that it opens.
            | KeyCommand::Effect(_)
            | KeyCommand::Abort
            | KeyCommand::Part(_)
            | KeyCommand::MaskOpacity(_)
            | KeyCommand::BrushSize(_)
    )
}

fn kind(group: Group) -> &'static str {
    match group {
        Group::Workspaces => "Window",
        Group::Navigate | Group::Look => "View",
        Group::Tools => "Tool",
        Group::Labels => "Labels",
        Group::Prediction => "Prediction",
        Group::File => "File",
    }
}

fn about(command: KeyCommand) -> &'static str {
    use KeyCommand as C;
    match command {
        C::Tool(id) => tools::find(id).map_or("", |tool| tool.about),
        C::Arrange(arrangement) => Arrangement::about(arrangement),
        C::FirstSlice | C::LastSlice => "Goes to the end of the volume",
        C::Queue(_) => "Goes on to what is still to be looked at",
        C::Fit => "The whole image, in the middle of the view",
        C::CenterOnCrosshair => "Moves the views, and leaves the crosshair where it is",
        C::NextLayout => "One large view, or several",
        C::Crosshair => "Shows or hides where the planes cross",
        C::Filter => "How pixels are drawn when they are enlarged",
        C::Preset(_) => "Window and level for a kind of tissue",
        C::Invert => "Light is dark and dark is light",
        C::HideMask => "The image without what is painted on it",
        C::MaskStyle => "How areas are drawn over the image",
        C::HeatMap => "How probable the selected label is",
        C::Difference => "What accepting the prediction would change",
        C::WindowMode => "Drag sideways for the window, up and down for the level",
        C::SwapBrushEraser => "From the brush to the eraser and back",
        C::NewLabel => "Adds a label and selects it",
        C::NameLabel => "Writes another name for the selected label",
        C::Accept(_) => "Takes the prediction into the mask",
        C::Reject => "Hides the prediction of this slice",
        C::Verify => "No model changes a verified slice, and networks learn from it",
        C::AcceptVerifyNext => "One slice done, and on to the next",
        C::CopyFrom(_) => "The labels of a neighbour, to begin with",
        C::Undo | C::Redo => "Every step is kept in the project file",
        C::OpenFile => "An image, a label image or a project",
        C::OpenFolder => "A DICOM series, or pictures as slices",
        C::Save => "Every finished stroke is on the disk by itself",
        C::Export => "The mask as a file, or its volumes as a table",
        C::CloseImage => "Asks first where something would be lost",
        C::Quit => "Asks first where something would be lost",
        C::Image(_) => "Of the open images",
        C::Models => "Every model and network, with what fits this image",
        C::Panel => "Opens or closes the panel beside the views",
        C::Scale(_) => "From 100 to 200 %",
        C::ReduceMotion => "Panels and sheets open at once, and nothing blinks by itself",
        C::Suggest => "Shows or hides the card below the labels",
        C::Messages => "Everything that was said in a notice, newest first",
        C::Layout(_) => "How many views there are, and of what",
        C::Theme => "The image keeps its dark ground in both",
        C::Help => "Every key and every gesture of the mouse",
        _ => "",
    }
}

const NEEDS_SLICES: &str = "needs an image of several slices";

/// Why a command can do nothing now.
fn why_not(command: KeyCommand, workspace: &Workspace) -> Option<&'static str> {
    use KeyCommand as C;
    let free =
        matches!(command, C::OpenFile | C::OpenFolder | C::Quit | C::Theme | C::Help | C::Scale(_) | C::Find)
            || matches!(command, C::ReduceMotion | C::Suggest | C::Messages);
    if free {
        return None;
    }
    let Some(document) = workspace.active() else { return Some("needs an open image") };
    let z = document.cursor()[2];
    match command {
        C::Undo if !document.can_undo() => Some("nothing is to be undone"),
        C::Redo if !document.can_redo() => Some("nothing is to be done again"),
        C::Image(_) if workspace.documents().len() < 2 => Some("needs a second open image"),
        C::NameLabel if document.labels().is_empty() => Some("needs a label"),
        C::Accept(Scope::Slice | Scope::Component) if document.is_verified(z) => {
            Some("this slice is verified: no model changes it")
        }
        C::Accept(_) | C::Reject | C::HeatMap | C::Difference if document.model().is_none() => {
            Some("needs a model")
        }
        C::FirstSlice | C::LastSlice | C::Queue(_) | C::NextLayout | C::CopyFrom(_) | C::Crosshair
            if document.depth() == 1 =>
        {
            Some(NEEDS_SLICES)
        }
        C::Layout(index) if document.depth() == 1 => {
            let layout = layouts(document.native_plane()).get(index).map(|(layout, _)| *layout);
            layout.filter(|layout| layout.needs_slices()).map(|_| NEEDS_SLICES)
        }
        _ => None,
    }
}
