//! What the window's parts ask for while they are drawn. Nothing is changed before the frame's end.

use super::arrangement::Arrangement;
use super::keys::KeyCommand;
use super::view_state::Where;
use crate::edit::effects::Effect;
use crate::workspace::{Command, EditCommand, StartFrom, TrainCommand};
use std::path::PathBuf;

/// A request that is no change of data.
#[derive(Clone, Debug)]
pub enum Request {
    /// What a key would do.
    Key(KeyCommand),
    /// Opens a dialog.
    Ask(Question),
    /// Opens the model library.
    Models,
    /// Puts something beside the image, to compare the two.
    Compare,
    /// Sets up an effect, everywhere unless told where; or applies it as it was set up last.
    Effect {
        effect: &'static Effect,
        scope: Option<Where>,
        at_once: bool,
    },
    DismissNotice(u64),
    Arrange(Arrangement),
    /// Brings a panel to the front, by its id.
    ShowPanel(&'static str),
    /// Goes to Learn, where this is chosen to start from.
    Learn(StartFrom),
}

/// What a dialog asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    OpenFile,
    OpenFolder,
    Export,
    ExportMeasurements,
    ImportLabels,
    ImportModel,
}

impl Question {
    /// Whether the answer is a file that is written.
    pub fn writes(self) -> bool {
        matches!(self, Self::Export | Self::ExportMeasurements)
    }
}

#[derive(Debug, Default)]
pub struct Outbox {
    /// Carried out before whatever else the frame asks for.
    pub first: Vec<Command>,
    pub commands: Vec<Command>,
    /// Commands that a person has been asked about already.
    pub sure: Vec<Command>,
    pub requests: Vec<Request>,
}

impl Outbox {
    pub fn command(&mut self, command: Command) {
        self.commands.push(command);
    }

    /// What a person has answered to become of a training run.
    pub fn decided(&mut self, command: TrainCommand) {
        self.sure.push(Command::Train(command));
    }

    pub fn edit(&mut self, edit: EditCommand) {
        self.commands.push(Command::Edit(edit));
    }

    pub fn key(&mut self, command: KeyCommand) {
        self.requests.push(Request::Key(command));
    }

    pub fn ask(&mut self, question: Question) {
        self.requests.push(Request::Ask(question));
    }

    pub fn open(&mut self, path: impl Into<PathBuf>) {
        self.commands.push(Command::Open(path.into()));
    }
}
