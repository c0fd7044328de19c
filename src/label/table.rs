use super::LabelId;
use super::color::{self, Fresh};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

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
#[serde(try_from = "Stored")]
pub struct LabelTable {
    labels: Vec<Label>,
}

/// As a file has it, which may say anything.
#[derive(Deserialize)]
struct Stored {
    labels: Vec<Label>,
}

impl TryFrom<Stored> for LabelTable {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let mut seen = HashSet::from([0]);
        match stored.labels.iter().find(|label| !seen.insert(label.id)) {
            Some(Label { id: 0, name, .. }) => Err(format!("\"{name}\" has the id 0, which is background")),
            Some(Label { id, name, .. }) => {
                Err(format!("\"{name}\" has the id {id}, which another label has"))
            }
            None => Ok(Self { labels: stored.labels }),
        }
    }
}

impl LabelTable {
    /// Labels 1, 2, 3… with the given names and colours of the palette.
    pub fn named<S: AsRef<str>>(names: &[S]) -> Self {
        let mut table = Self::default();
        for name in names {
            table.add(name.as_ref());
        }
        table
    }

    /// Adds a label with the lowest free id and a colour that no other label has.
    pub fn add(&mut self, name: &str) -> LabelId {
        let id = self.free_id();
        self.bring(Label::new(id, name));
        id
    }

    /// The lowest id that no label has.
    pub fn free_id(&self) -> LabelId {
        (1..=LabelId::MAX).find(|&id| self.get(id).is_none()).unwrap_or(LabelId::MAX)
    }

    /// Adds a label that comes from elsewhere: in its own colour, or in another where a label of the table looks the same.
    pub fn bring(&mut self, label: Label) {
        let others = self.labels.iter().filter(|l| l.id != label.id).map(|l| l.color);
        let color = Fresh::beside(others).take(label.color, place(label.id));
        self.insert(Label { color, ..label });
    }

    /// The same labels, with another colour for each that looks like one before it.
    pub fn told_apart(&self) -> Self {
        let mut fresh = Fresh::beside([]);
        let mut table = self.clone();
        for label in &mut table.labels {
            label.color = fresh.take(label.color, place(label.id));
        }
        table
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
        let mut known: HashSet<LabelId> = self.labels.iter().map(|l| l.id).collect();
        let mut fresh = Fresh::beside(self.labels.iter().map(|l| l.color));
        let named = self.clone();
        for id in ids {
            if id != 0 && known.insert(id) {
                let label = Label::new(id, named.free_name(&format!("label {id}")));
                self.labels.push(Label { color: fresh.take(label.color, place(id)), ..label });
            }
        }
    }

    /// Whether a label has this name, or one that differs in capitals only: people would confuse the two.
    pub fn is_taken(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.labels.iter().any(|l| l.name.to_lowercase() == name)
    }

    /// The name, or the name with a number behind it where it [is taken](Self::is_taken).
    pub fn free_name(&self, name: &str) -> String {
        let numbered = (2..).map(|n| format!("{name} ({n})"));
        std::iter::once(name.to_owned()).chain(numbered).find(|n| !self.is_taken(n)).unwrap_or_default()
    }

    pub fn get(&self, id: LabelId) -> Option<&Label> {
        self.labels.iter().find(|l| l.id == id)
    }

    /// The label with exactly this name.
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

    pub fn iter(&self) -> impl Iterator<Item = &Label> + Clone {
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

    /// The colour of an id if no other label has it already; each id has its own.
    pub fn palette_color(id: LabelId) -> [u8; 3] {
        color::nth(place(id))
    }
}

/// Where the search for an id's colour begins.
fn place(id: LabelId) -> usize {
    usize::from(id.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colors(table: &LabelTable) -> HashSet<[u8; 3]> {
        table.iter().map(|l| l.color).collect()
    }

    #[test]
    fn labels_begin_with_colours_of_their_own() {
        let names: Vec<String> = (0..60).map(|n| format!("organ {n}")).collect();
        let mut table = LabelTable::named(&names);
        assert_eq!(colors(&table).len(), 60);
        // One goes, and its id comes back while another label wears its colour.
        let gone = table.remove(3).expect("it is there");
        table.get_mut(5).expect("it is there").color = gone.color;
        assert_eq!(table.add("again"), 3);
        table.name_unknown(1000..1100);
        assert_eq!(colors(&table).len(), table.len());
        table.bring(Label::new(70, "from a model card"));
        table.bring(Label { color: gone.color, ..Label::new(71, "in a colour that is taken") });
        assert_eq!(colors(&table).len(), table.len());
    }

    #[test]
    fn a_table_in_one_colour_is_told_apart_and_the_first_keeps_it() {
        let mut table = LabelTable::default();
        for id in [4, 9, 2] {
            table.insert(Label { color: [200, 30, 30], ..Label::new(id, id.to_string()) });
        }
        let apart = table.told_apart();
        assert_eq!(apart.get(4).map(|l| l.color), Some([200, 30, 30]));
        assert_eq!(colors(&apart).len(), 3);
        assert_eq!(LabelTable::named(&["a", "b"]).told_apart(), LabelTable::named(&["a", "b"]));
    }

    #[test]
    fn ids_of_a_mask_get_names_that_no_label_has() {
        let mut table = LabelTable::named(&["Label 7", "liver"]);
        table.name_unknown([1, 7, 8, 7]);
        let names: Vec<&str> = table.iter().map(|l| l.name.as_str()).collect();
        assert_eq!(names, ["Label 7", "liver", "label 7 (2)", "label 8"]);
        assert!(table.is_taken("LIVER") && !table.is_taken("live"));
        assert_eq!(table.free_name("Liver"), "Liver (2)");
    }
}
