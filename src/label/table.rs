use super::LabelId;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Label {
    pub id: LabelId,
    pub name: String,
    pub color: [u8; 3],
    /// Neither brush nor model changes voxels of a locked label.
    pub locked: bool,
    pub visible: bool,
}

impl Label {
    /// With the palette's colour of its id.
    pub fn new(id: LabelId, name: impl Into<String>) -> Self {
        let color = LabelTable::palette_color(id);
        Self { id, name: name.into(), color, locked: false, visible: true }
    }
}

/// Whether a label's name is only its number, "label 3": nobody has said what it is.
pub fn is_nameless(name: &str) -> bool {
    name.strip_prefix("label ").is_some_and(|number| number.parse::<LabelId>().is_ok())
}

/// The labels of a mask, in the order in which they are listed. Background (0) is not in the list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LabelTable {
    labels: Vec<Label>,
}

/// Okabe and Ito's colours ("Color Universal Design", 2008), told apart with every common colour blindness; without
/// the black. Sky blue first: it stands out from grey slices and from the red and orange of fundus and endoscopy alike.
const PALETTE: [[u8; 3]; 7] = [
    [86, 180, 233],
    [230, 159, 0],
    [0, 158, 115],
    [240, 228, 66],
    [204, 121, 167],
    [213, 94, 0],
    [0, 114, 178],
];

impl LabelTable {
    /// Labels 1, 2, 3… with the given names and colours of the palette.
    pub fn named<S: AsRef<str>>(names: &[S]) -> Self {
        let mut table = Self::default();
        for name in names {
            table.add(name.as_ref());
        }
        table
    }

    /// Adds a label with the lowest free id and the palette's colour for it.
    pub fn add(&mut self, name: &str) -> LabelId {
        let id = (1..=LabelId::MAX).find(|&id| self.get(id).is_none()).unwrap_or(LabelId::MAX);
        self.insert(Label::new(id, name));
        id
    }

    /// Adds a label, or replaces the one with its id.
    pub fn insert(&mut self, label: Label) {
        match self.labels.iter_mut().find(|l| l.id == label.id) {
            Some(old) => *old = label,
            None => self.labels.push(label),
        }
    }

    /// Adds "label N" for every id of a mask that the table lacks.
    pub fn name_unknown(&mut self, ids: impl IntoIterator<Item = LabelId>) {
        for id in ids {
            if id != 0 && self.get(id).is_none() {
                self.insert(Label::new(id, format!("label {id}")));
            }
        }
    }

    pub fn get(&self, id: LabelId) -> Option<&Label> {
        self.labels.iter().find(|l| l.id == id)
    }

    /// The label of this very name.
    pub fn by_name(&self, name: &str) -> Option<&Label> {
        self.labels.iter().find(|l| l.name == name)
    }

    pub fn get_mut(&mut self, id: LabelId) -> Option<&mut Label> {
        self.labels.iter_mut().find(|l| l.id == id)
    }

    pub fn remove(&mut self, id: LabelId) -> Option<Label> {
        let i = self.labels.iter().position(|l| l.id == id)?;
        Some(self.labels.remove(i))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Label> {
        self.labels.iter()
    }

    pub fn len(&self) -> usize {
        self.labels.len()
    }

    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    pub fn is_locked(&self, id: LabelId) -> bool {
        self.get(id).is_some_and(|l| l.locked)
    }

    /// The default colour of an id; past the palette's end its colours come back darker.
    pub fn palette_color(id: LabelId) -> [u8; 3] {
        let i = usize::from(id.saturating_sub(1));
        let shade = 1.0 / (1.0 + 0.45 * ((i / PALETTE.len()) % 4) as f32);
        PALETTE[i % PALETTE.len()].map(|c| (f32::from(c) * shade) as u8)
    }
}
