use super::StoreError;
use super::entry::{Action, Entry, Row};
use super::file::ProjectFile;
use crate::edit::{Edit, EditError};
use crate::label::LabelTable;
use crate::time::now_ms;
use crate::workspace::annotations::Annotations;
use crate::workspace::journal::{HistoryStep, Timeline};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a project file holds of a case, rebuilt.
#[derive(Debug)]
pub struct Restored {
    pub annotations: Annotations,
    /// Number of the last entry; 0 for none.
    pub last_seq: i64,
    pub timeline: Timeline,
    /// What is wrong with the file, a sentence each.
    pub damage: Vec<String>,
    /// Entries replayed after the snapshot; many of them ask for a new one.
    pub replayed: usize,
}

/// Rebuilds the annotations from the newest sound snapshot and the journal after it.
///
/// A damaged entry is named and passed over; the entries after it still count. Where one of them touches voxels that
/// the lost entry had changed, its own result stands. Nothing before a damaged entry can be undone any more, since
/// what lay between is not known.
pub fn replay(file: &ProjectFile, dims: [usize; 3]) -> Result<Restored, StoreError> {
    let (expected, found) = file.found();
    let mut damage = found.to_vec();
    let labels: LabelTable = match serde_json::from_str(&file.initial_labels()?) {
        Ok(labels) => labels,
        Err(e) => {
            damage.push(format!("the project's first label table is damaged ({e}): it starts empty"));
            LabelTable::default()
        }
    };
    let mut start = Annotations::empty(dims, labels);
    let mut from = 0;
    for (seq, read) in file.snapshots(dims)? {
        match read {
            Ok(annotations) => {
                start = annotations;
                from = seq;
                break;
            }
            Err(what) => damage.push(format!("the snapshot after entry {seq} is damaged: {what}; not used")),
        }
    }
    let mut replay = Replay {
        file,
        now: start,
        timeline: Timeline::default(),
        damage,
        last_seq: 0,
        recent: BTreeMap::new(),
    };
    // What the snapshot holds already: only the order of undo and redo is of interest.
    file.rows(0, Some(from), |row| replay.pass(row))?;
    if replay.last_seq < from {
        let lost = entries(replay.last_seq + 1, from);
        replay.damage.push(format!("{lost} missing; their results are in a snapshot"));
        replay.timeline.cut(format!("{lost} missing"));
        replay.last_seq = from;
    }
    let mut replayed = 0;
    file.rows(from, None, |row| {
        replayed += 1;
        replay.carry_out(row);
    })?;
    if replay.last_seq < expected {
        let lost = entries(replay.last_seq + 1, expected);
        replay.damage.push(format!("{lost} missing: the newest changes are lost"));
    }
    let Replay { now, timeline, damage, last_seq, .. } = replay;
    Ok(Restored { annotations: now, last_seq, timeline, damage, replayed })
}

struct Replay<'a> {
    file: &'a ProjectFile,
    now: Annotations,
    timeline: Timeline,
    damage: Vec<String>,
    last_seq: i64,
    /// Edits since the snapshot, for the undo and redo entries among them.
    recent: BTreeMap<i64, Arc<Edit>>,
}

impl Replay<'_> {
    /// An entry that the snapshot holds.
    fn pass(&mut self, row: Row) {
        self.check_order(&row);
        self.note(row);
    }

    /// An entry after the snapshot.
    fn carry_out(&mut self, row: Row) {
        self.check_order(&row);
        let seq = row.seq;
        let entry = match row.entry() {
            Ok(entry) => entry,
            Err(what) => {
                let title = if row.title.is_empty() { &row.kind } else { &row.title };
                self.damage.push(format!(
                    "entry {seq} of the journal ({title}, {}) is damaged: {what}; it was skipped, and the entries after it were kept",
                    ago(row.at_ms),
                ));
                self.timeline.cut(format!("entry {seq} of the journal is damaged"));
                return;
            }
        };
        let edit = match &entry.action {
            Action::Do(edit) => Ok(Arc::clone(edit)),
            Action::Undo { of } | Action::Redo { of } => self.edit(*of),
            Action::Cut { .. } => return self.note(row),
        };
        let forward = !matches!(entry.action, Action::Undo { .. });
        match edit.and_then(|edit| put(&edit, &mut self.now, forward)) {
            Ok(true) => {
                self.note(row);
            }
            Ok(false) => {
                self.damage.push(format!(
                    "entry {seq} of the journal was made when the labels were different, and the entry that changed them is lost: its own labels were kept"
                ));
                let why = format!("an entry that entry {seq} of the journal builds on is lost");
                // The loss itself, where it has been named, says more than what follows from it.
                self.timeline.cut(self.timeline.floor().map_or(why, str::to_owned));
            }
            Err(what) => {
                self.damage.push(format!("entry {seq} of the journal could not be carried out: {what}"));
                self.timeline.cut(format!("entry {seq} of the journal could not be carried out"));
            }
        }
        if let Action::Do(edit) = entry.action {
            self.recent.insert(seq, edit);
        }
    }

    fn check_order(&mut self, row: &Row) {
        let seq = row.seq;
        // A cut says itself what is missing before it.
        if seq != self.last_seq + 1 && row.kind != Row::CUT {
            let gap = format!("{} missing", entries(self.last_seq + 1, seq - 1));
            self.damage.push(format!("{gap}; the entries after were kept"));
            self.timeline.cut(gap);
        }
        self.last_seq = seq;
    }

    fn edit(&self, seq: i64) -> Result<Arc<Edit>, String> {
        if let Some(edit) = self.recent.get(&seq) {
            return Ok(Arc::clone(edit));
        }
        match self.file.entry(seq).map_err(|e| e.to_string())? {
            Entry { action: Action::Do(edit), .. } => Ok(edit),
            _ => Err(format!("entry {seq} is not an edit")),
        }
    }

    fn note(&mut self, row: Row) {
        let is = |step: Option<&HistoryStep>| step.is_some_and(|s| Some(s.seq) == row.target);
        match row.kind.as_str() {
            Row::UNDO if is(self.timeline.next_undo()) => self.timeline.undo(),
            Row::REDO if is(self.timeline.next_redo()) => self.timeline.redo(),
            Row::CUT => self.timeline.cut(row.title),
            Row::EDIT => self.timeline.push(HistoryStep { seq: row.seq, title: row.title }),
            _ => {}
        }
    }
}

/// Carries an edit out, or takes it back. `Ok(false)`: the mask was not as the edit expects it, and the edit's own
/// result was put in place.
fn put(edit: &Edit, now: &mut Annotations, forward: bool) -> Result<bool, String> {
    let result = if forward { edit.apply(&mut now.marks()) } else { edit.revert(&mut now.marks()) };
    match result {
        Ok(()) => Ok(true),
        Err(EditError::Conflict(_)) => {
            edit.impose(&mut now.marks(), forward).map(|()| false).map_err(|e| e.to_string())
        }
        Err(e) => Err(e.to_string()),
    }
}

fn ago(at_ms: i64) -> String {
    let minutes = (now_ms() - at_ms).max(0) / 60_000;
    match minutes {
        0 => "less than a minute ago".to_owned(),
        1..=119 => format!("{minutes} min ago"),
        120..=2879 => format!("{} h ago", minutes / 60),
        _ => format!("{} days ago", minutes / 1440),
    }
}

/// "entry 3 of the journal is", "entries 3 to 5 of the journal are".
fn entries(first: i64, last: i64) -> String {
    match first == last {
        true => format!("entry {first} of the journal is"),
        false => format!("entries {first} to {last} of the journal are"),
    }
}
