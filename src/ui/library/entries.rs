//! The rows of the model library: what each says, which are shown, and in which order.

use super::speed::{Speed, is_measured};
use crate::io;
use crate::nn::{MODELS, ModelCard, ModelSpec};
use crate::volume::Modality;
use crate::workspace::{Document, ModelOrigin, Workspace};
use std::collections::{BTreeMap, BTreeSet};

/// What choosing a row does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Predicts with this version.
    Use(String),
    /// Leads to Learn with this network of the registry.
    Learn(&'static str),
}

/// The parts of the list, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    Yours,
    Ready,
    Networks,
}

impl Group {
    pub fn title(self) -> [&'static str; 2] {
        match self {
            Group::Yours => ["Yours", "made on this computer"],
            Group::Ready => ["Ready to use", "trained by others"],
            Group::Networks => ["Networks to train", "learn your labels from nothing"],
        }
    }
}

/// What a model can make of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    Fits,
    /// Made for another kind of image.
    OtherKind(Modality),
    /// It has learned from phantoms, and the image is none.
    NotForPatients,
}

impl Fit {
    pub fn words(self) -> String {
        match self {
            Fit::Fits => "fits".to_owned(),
            Fit::OtherKind(modality) => format!("made for {}", modality.title()),
            Fit::NotForPatients => "not for patients".to_owned(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub choice: Choice,
    pub group: Group,
    pub name: String,
    /// One sentence.
    pub about: String,
    pub fit: Fit,
    pub from: String,
    pub time: String,
    /// With the name of the test set; `None` where nobody has judged it.
    pub dice: Option<(String, f64)>,
    /// What it finds.
    pub labels: Vec<String>,
    pub modality: Option<Modality>,
    /// Only for phantoms.
    pub phantom: bool,
    /// In small letters, all that can be searched.
    text: String,
}

/// The choices of the switch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    #[default]
    Fitting,
    Trained,
    Networks,
    All,
}

impl Show {
    pub const ALL: [(Show, &str); 4] = [
        (Show::Fitting, "Fits this image"),
        (Show::Trained, "Trained"),
        (Show::Networks, "Networks"),
        (Show::All, "All"),
    ];
}

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub text: String,
    pub show: Show,
    pub modality: Option<Modality>,
    /// Labels, of which it must find every one.
    pub finds: BTreeSet<String>,
}

impl Filter {
    /// The rows that are looked for, in the order of their groups.
    pub fn of<'a>(&self, all: &'a [Entry]) -> Vec<&'a Entry> {
        let mut rows: Vec<&Entry> = all.iter().filter(|entry| self.takes(entry)).collect();
        rows.sort_by_key(|entry| (entry.group, entry.fit != Fit::Fits));
        rows
    }

    fn takes(&self, entry: &Entry) -> bool {
        let network = entry.group == Group::Networks;
        // A model of phantoms is found by those who look at everything, or at a phantom.
        let hidden = entry.phantom && entry.fit != Fit::Fits;
        let shown = match self.show {
            Show::Fitting => entry.fit == Fit::Fits,
            Show::Trained => !network && !hidden,
            Show::Networks => network,
            Show::All => true,
        };
        let words = self.text.to_lowercase();
        shown
            && words.split_whitespace().all(|word| entry.text.contains(word))
            && (self.modality.is_none() || entry.modality == self.modality)
            && self.finds.iter().all(|label| entry.labels.iter().any(|own| own.eq_ignore_ascii_case(label)))
    }
}

/// How many rows find each label, the most frequent first.
pub fn found(rows: &[&Entry]) -> Vec<(String, usize)> {
    let mut counts = BTreeMap::<String, usize>::new();
    rows.iter()
        .flat_map(|row| &row.labels)
        .for_each(|name| *counts.entry(name.to_lowercase()).or_default() += 1);
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

/// Everything that could be used on a document, or trained for it.
pub fn entries(workspace: &Workspace, document: &Document) -> Vec<Entry> {
    let speed = Speed::of(workspace, document);
    let sample = io::is_sample(document.source());
    let trained = workspace.models().iter().filter(|model| !model.is_untrained());
    let modality = document.volume().modality();
    let models = trained.map(|model| of_model(&model.card, &model.origin, modality, sample, &speed));
    let networks = MODELS.iter().filter(|spec| spec.labels_slices()).map(|spec| of_network(spec, &speed));
    models.chain(networks).collect()
}

/// `modality` is that of the image; `sample`: it is one of the program's own phantoms.
fn of_model(
    card: &ModelCard,
    origin: &ModelOrigin,
    modality: Modality,
    sample: bool,
    speed: &Speed,
) -> Entry {
    let phantom = card.is_demonstration();
    let fit = if !card.fits(modality) {
        Fit::OtherKind(card.modality)
    } else if phantom && !sample {
        Fit::NotForPatients
    } else {
        Fit::Fits
    };
    let (group, from) = match origin {
        ModelOrigin::Bundled(_) => (Group::Ready, "part of the program".to_owned()),
        ModelOrigin::File(path) => (
            Group::Yours,
            path.file_name().map_or("a file".into(), |name| name.to_string_lossy()).into_owned(),
        ),
        ModelOrigin::Project(_) => (Group::Yours, "a project".to_owned()),
        ModelOrigin::Trained => (Group::Yours, "trained here".to_owned()),
    };
    let labels: Vec<String> = card.labels.iter().map(|label| label.name.clone()).collect();
    let about = if phantom {
        "Shows how it works. Finds nothing useful in patients.".to_owned()
    } else {
        listed(&labels)
    };
    let dice = card.metrics.iter().find_map(|(name, &value)| {
        let set = name.strip_prefix("dice")?;
        Some((set.trim_start_matches('/').to_owned(), value))
    });
    let time = match is_measured(card) {
        true => speed.words(&card.network),
        false => "not measured here".to_owned(),
    };
    let text = [&card.title, &card.network, &card.trained_on, &card.notice, &labels.join(" ")];
    Entry {
        choice: Choice::Use(card.version.clone()),
        group,
        name: card.title.clone(),
        about,
        fit,
        from,
        time,
        dice,
        modality: Some(card.modality),
        phantom,
        text: text.map(|words| words.to_lowercase()).join(" "),
        labels,
    }
}

fn of_network(spec: &'static ModelSpec, speed: &Speed) -> Entry {
    Entry {
        choice: Choice::Learn(spec.id),
        group: Group::Networks,
        name: spec.title.to_owned(),
        about: spec.paper.to_owned(),
        fit: Fit::Fits,
        from: spec.id.to_owned(),
        time: speed.words(spec.id),
        dice: None,
        labels: Vec::new(),
        modality: None,
        phantom: false,
        text: [spec.title, spec.id, spec.paper, spec.family].map(str::to_lowercase).join(" "),
    }
}

/// "Liver, spleen, kidneys and 3 more"
fn listed(labels: &[String]) -> String {
    const MOST: usize = 4;
    match labels.len().saturating_sub(MOST) {
        0 => labels.join(", "),
        more => format!("{} and {more} more", labels[..MOST].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{bundled, weights};

    /// The bundled models and all networks, as an image of this kind has them.
    fn all(modality: Modality, sample: bool) -> Vec<Entry> {
        let speed = Speed::unknown();
        let models = bundled::MODELS.iter().map(|model| {
            let card = weights::card_of(model.bytes).unwrap();
            of_model(&card, &ModelOrigin::Bundled(model.id), modality, sample, &speed)
        });
        let networks = MODELS.iter().filter(|spec| spec.labels_slices()).map(|spec| of_network(spec, &speed));
        models.chain(networks).collect()
    }

    fn names(all: &[Entry], filter: &Filter) -> Vec<String> {
        filter.of(all).into_iter().map(|entry| entry.name.clone()).collect()
    }

    #[test]
    fn a_model_of_phantoms_fits_a_sample_and_else_is_listed_under_all_only() {
        let ct = "CT phantom demonstration".to_owned();
        let (sample, patient) = (all(Modality::Ct, true), all(Modality::Ct, false));
        let listed = |all: &[Entry], show| names(all, &Filter { show, ..Filter::default() }).contains(&ct);
        assert!(listed(&sample, Show::Fitting) && listed(&sample, Show::Trained));
        assert!(!listed(&patient, Show::Fitting) && !listed(&patient, Show::Trained));
        assert!(!listed(&patient, Show::Networks) && listed(&patient, Show::All));
        let entry = patient.iter().find(|entry| entry.name == ct).unwrap();
        assert_eq!((entry.phantom, entry.fit), (true, Fit::NotForPatients));
        let on_oct = all(Modality::Oct, true);
        let entry = on_oct.iter().find(|entry| entry.name == ct).unwrap();
        assert_eq!(entry.fit.words(), "made for CT");
    }

    #[test]
    fn names_structures_networks_and_papers_are_searched_word_by_word() {
        let all = all(Modality::Ct, true);
        let found =
            |text: &str| names(&all, &Filter { text: text.to_owned(), show: Show::All, ..Filter::default() });
        assert_eq!(found("Kidneys phantom ct")[0], "CT phantom demonstration");
        assert!(found("u2net").len() >= 2);
        assert!(found("no such thing").is_empty());
        let spleen = Filter { finds: ["Spleen".to_owned()].into(), ..Filter::default() };
        assert!(spleen.of(&all).iter().all(|entry| entry.labels.contains(&"spleen".to_owned())));
        assert!(!spleen.of(&all).is_empty());
    }

    #[test]
    fn networks_come_last_and_lead_to_learn() {
        let all = all(Modality::Ct, true);
        let rows = Filter { show: Show::All, ..Filter::default() }.of(&all);
        assert!(rows.windows(2).all(|pair| pair[0].group <= pair[1].group));
        let last = rows.last().unwrap();
        assert_eq!((last.group, last.dice.is_none()), (Group::Networks, true));
        assert!(
            rows.iter().all(|row| (row.group == Group::Networks) == matches!(row.choice, Choice::Learn(_)))
        );
    }

    #[test]
    fn labels_are_counted_and_the_most_frequent_come_first() {
        let all = all(Modality::Ct, true);
        let counts = found(&Filter { show: Show::All, ..Filter::default() }.of(&all));
        assert!(counts.windows(2).all(|pair| pair[0].1 >= pair[1].1));
        assert!(counts.iter().any(|(name, count)| name == "liver" && *count >= 2));
    }
}
