use super::DocumentId;
use super::dismissed::{self, Dismissed};
use super::store::CaseFacts;

/// Something that the person should know. Kept as data; the window decides where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub id: u64,
    pub level: NoticeLevel,
    pub text: String,
    pub document: Option<DocumentId>,
    /// Stays until its cause is gone; others go when dismissed or when the window has shown them long enough.
    pub stays: bool,
    /// What the person is to decide. Unless it stays, such a notice does not go by itself, but may be dismissed.
    pub asks: Option<Asks>,
    pub(super) cause: Option<Cause>,
    /// Once it has been dismissed, it does not come again with this image.
    pub(super) once: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticeLevel {
    Info,
    Warning,
    Error,
}

/// A decision that a notice brings within reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Whether the version that a training run has made is used from now on.
    Adopt,
    /// Whether the project of the notice's document is kept in the program's own folder from now on.
    KeepElsewhere,
    /// Whether annotations of the notice's document that were set aside are opened, by their place in its list.
    TakeBack(usize),
}

/// What a lasting notice is about, so that it goes when its cause does and never stands twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The project file of a document cannot be written.
    Store(DocumentId),
    /// A run was interrupted by a crash and can be resumed.
    Interrupted(DocumentId),
    /// Annotations of a document that were set aside, by their place in its list.
    Aside(DocumentId, usize),
    /// A run has made a version, and a person has to decide on it.
    Candidate,
}

/// The notices that stand, oldest first.
pub(super) struct Notices {
    list: Vec<Notice>,
    next: u64,
    dismissed: Dismissed,
}

impl Notices {
    pub fn new(dismissed: Dismissed) -> Self {
        Self { list: Vec::new(), next: 0, dismissed }
    }

    pub fn list(&self) -> &[Notice] {
        &self.list
    }

    pub fn add(&mut self, level: NoticeLevel, document: Option<DocumentId>, text: impl Into<String>) {
        self.next += 1;
        self.list.push(Notice {
            id: self.next,
            level,
            text: text.into(),
            document,
            stays: false,
            asks: None,
            cause: None,
            once: None,
        });
    }

    /// A warning of an image, which does not come again with the same image once it has been dismissed.
    pub fn warn_once(&mut self, document: DocumentId, facts: &CaseFacts, about: &str, text: String) {
        let key = dismissed::key(facts, about);
        if !self.dismissed.contains(&key) {
            self.add(NoticeLevel::Warning, Some(document), text);
            self.newest_comes_once(key);
        }
    }

    /// The same for one that asks for a decision.
    pub fn ask_once(
        &mut self,
        document: DocumentId,
        facts: &CaseFacts,
        cause: Cause,
        asks: Asks,
        text: String,
    ) {
        let key = dismissed::key(facts, &text);
        if !self.dismissed.contains(&key) {
            self.ask(NoticeLevel::Info, Some(document), cause, asks, text);
            self.newest_comes_once(key);
        }
    }

    fn newest_comes_once(&mut self, key: String) {
        if let Some(newest) = self.list.last_mut() {
            newest.once = Some(key);
        }
    }

    /// A notice that asks for a decision. It goes when it is dismissed, or resolved with its cause.
    pub fn ask(
        &mut self,
        level: NoticeLevel,
        document: Option<DocumentId>,
        cause: Cause,
        asks: Asks,
        text: impl Into<String>,
    ) {
        self.resolve(&cause);
        self.hold(level, document, cause, Some(asks), text);
        if let Some(asked) = self.list.last_mut() {
            asked.stays = false;
        }
    }

    /// A notice that stays until [`Notices::resolve`] is called with its cause. A newer text replaces the older.
    pub fn hold(
        &mut self,
        level: NoticeLevel,
        document: Option<DocumentId>,
        cause: Cause,
        asks: Option<Asks>,
        text: impl Into<String>,
    ) {
        let text = text.into();
        if let Some(old) = self.list.iter_mut().find(|n| n.cause.as_ref() == Some(&cause)) {
            (old.text, old.asks) = (text, asks);
            return;
        }
        self.next += 1;
        let cause = Some(cause);
        self.list.push(Notice { id: self.next, level, text, document, stays: true, asks, cause, once: None });
    }

    /// True where a notice of this cause stood.
    pub fn resolve(&mut self, cause: &Cause) -> bool {
        let before = self.list.len();
        self.list.retain(|n| n.cause.as_ref() != Some(cause));
        self.list.len() != before
    }

    /// Takes a notice away, unless its cause still stands. Where it is not to come again, the work that remembers so.
    pub fn dismiss(&mut self, id: u64) -> Option<impl FnOnce() -> anyhow::Result<()> + Send + use<>> {
        let key = self.list.extract_if(.., |n| n.id == id && !n.stays).next()?.once?;
        self.dismissed.add(key)
    }

    pub fn forget_document(&mut self, document: DocumentId) {
        self.list.retain(|n| n.document != Some(document));
    }
}
