//! The rows of the model library: what each says, and which ones are recommended.

use super::speed::{HERE, NOT_MEASURED, Speed, Took, is_measured};
use crate::io;
use crate::label::{Label, LabelTable};
use crate::nn::{MODELS, ModelCard, ModelSpec};
use crate::ui::figures;
use crate::volume::Modality;
use crate::words::{counted, duration, listed};
use crate::workspace::{Document, ModelOrigin, Workspace};

/// What choosing a row does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
    /// Why it is what to try first, where it is.
    pub recommended: Option<String>,
    pub from: String,
    pub time: String,
    /// For a slice; `None` where nothing was measured.
    pub seconds: Option<f32>,
    /// Whose time that is.
    pub whose: &'static str,
    /// With the name of the test set; `None` where nobody has judged it.
    pub dice: Option<(String, f64)>,
    /// What it finds.
    pub labels: Vec<String>,
    pub modality: Option<Modality>,
    /// Only for phantoms.
    pub phantom: bool,
    /// It labels whole volumes at once.
    pub at_once: bool,
    /// In small letters, all that can be searched.
    pub(super) text: String,
}

/// Everything that could be used on a document, or trained for it.
pub fn entries(workspace: &Workspace, document: &Document) -> Vec<Entry> {
    let speed = Speed::of(workspace, document);
    let sample = io::is_sample(document.source());
    let trained = workspace.models().iter().filter(|model| !model.is_untrained());
    let modality = document.volume().modality();
    let in_front = workspace.prediction_made(document.id(), document.cursor()[2]).filter(|made| !made.whole);
    let models = trained.map(|model| {
        let in_use = document.model().is_some_and(|version| **version == *model.version());
        let slice = in_front.filter(|_| in_use).map(|made| Took::Slice(made.seconds));
        let took = slice.or_else(|| workspace.seconds_of_volume(model.version()).map(Took::Volume));
        of_model(&model.card, &model.origin, modality, sample, &speed, took)
    });
    let networks = MODELS.iter().filter(|spec| spec.labels_slices()).map(|spec| of_network(spec, &speed));
    let mut all: Vec<Entry> = models.chain(networks).collect();
    recommend(&mut all, document.labels(), workspace.small_network());
    all
}

/// Marks what to try first: one model and one network.
///
/// Of the trained models that are made for this kind of image, it is the one that finds the most of the image's labels, by their
/// names; among equals a person's own comes before others', and the one listed first. Models of phantoms count on phantoms only. How
/// good they are does not count: each was judged by other images, if at all. Of the networks it is `small`, with which Learn begins.
fn recommend(all: &mut [Entry], labels: &LabelTable, small: Option<&str>) {
    let known = |entry: &Entry| {
        let names = |label: &&Label| entry.labels.contains(&label.name);
        labels.iter().filter(names).count()
    };
    let models = all.iter_mut().filter(|entry| entry.group != Group::Networks && entry.fit == Fit::Fits);
    // The first of the best.
    let best = models.min_by_key(|entry| (std::cmp::Reverse(known(entry)), entry.group));
    if let Some(entry) = best {
        entry.recommended = Some(match known(entry) {
            0 => "Recommended: trained for this kind of image".to_owned(),
            n => format!("Recommended: it finds {} of this image", counted(n, "label")),
        });
    }
    let network = all.iter_mut().find(|entry| matches!(entry.choice, Choice::Learn(id) if Some(id) == small));
    if let Some(entry) = network {
        entry.recommended = Some("Recommended: small, and soon trained".to_owned());
    }
}

/// `modality` is that of the image; `sample`: it is one of the program's own phantoms. `took`: as it has shown here.
fn of_model(
    card: &ModelCard,
    origin: &ModelOrigin,
    modality: Modality,
    sample: bool,
    speed: &Speed,
    took: Option<Took>,
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
        let names: Vec<&str> = labels.iter().map(String::as_str).collect();
        listed(&names, 4)
    };
    let dice = card.metrics.iter().find_map(|(name, &value)| {
        let set = name.strip_prefix("dice")?;
        Some((set.trim_start_matches('/').to_owned(), value))
    });
    let (time, seconds) = match (took, is_measured(card)) {
        (Some(Took::Volume(whole)), _) => (duration(whole), Some(speed.shared(whole))),
        (Some(Took::Slice(slice)), _) => {
            (format!("{}{}", figures::seconds(slice), speed.each()), Some(slice as f32))
        }
        (None, true) => (speed.words(&card.network), speed.seconds(&card.network)),
        (None, false) => (NOT_MEASURED.to_owned(), None),
    };
    let text = [&card.title, &card.network, &card.trained_on, &card.notice, &labels.join(" ")];
    Entry {
        choice: Choice::Use(card.version.clone()),
        group,
        name: card.title.clone(),
        about,
        fit,
        recommended: None,
        from,
        time,
        seconds,
        whose: if took.is_some() { HERE } else { speed.whose() },
        dice,
        modality: Some(card.modality),
        phantom,
        at_once: card.volume.is_some(),
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
        recommended: None,
        from: "not trained yet".to_owned(),
        time: speed.words(spec.id),
        seconds: speed.seconds(spec.id),
        whose: speed.whose(),
        dice: None,
        labels: Vec::new(),
        modality: None,
        phantom: false,
        at_once: false,
        text: [spec.title, spec.id, spec.paper, spec.family].map(str::to_lowercase).join(" "),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::nn::{bundled, weights};

    /// The bundled models and all networks, as an image of this kind has them.
    pub fn all(modality: Modality, sample: bool) -> Vec<Entry> {
        let speed = Speed::unknown();
        let models = bundled::MODELS.iter().map(|model| {
            let card = weights::card_of(model.bytes).unwrap();
            of_model(&card, &ModelOrigin::Bundled(model.id), modality, sample, &speed, None)
        });
        let networks = MODELS.iter().filter(|spec| spec.labels_slices()).map(|spec| of_network(spec, &speed));
        models.chain(networks).collect()
    }

    fn recommended(all: &[Entry], labels: &[&str]) -> Vec<(String, String)> {
        let mut all = all.to_vec();
        recommend(&mut all, &LabelTable::named(labels), Some("edema/unet"));
        all.into_iter().filter_map(|entry| Some((entry.name, entry.recommended?))).collect()
    }

    #[test]
    fn one_model_and_one_network_are_recommended_by_the_labels_that_they_find() {
        let mut all = all(Modality::Ct, true);
        let marked = recommended(&all, &["pancreas", "liver"]);
        let of_labels = "Recommended: it finds 2 labels of this image";
        assert_eq!(marked.len(), 2, "{marked:?}");
        assert_eq!((marked[0].0.as_str(), marked[0].1.as_str()), ("CT phantom demonstration", of_labels));
        assert_eq!(marked[1].0, title("edema/unet"));
        let unknown = &recommended(&all, &["something else"])[0];
        assert_eq!(unknown.0, "CT phantom demonstration", "the first that fits");
        assert!(!unknown.1.contains("finds"), "{}", unknown.1);
        let first = all.iter_mut().find(|entry| entry.name == "CT phantom demonstration").unwrap();
        first.labels.retain(|name| name != "pancreas");
        let other = &recommended(&all, &["pancreas", "liver"])[0];
        assert_eq!((other.0.as_str(), other.1.as_str()), ("Abdomen phantoms, coarse to fine", of_labels));
    }

    #[test]
    fn a_model_of_phantoms_is_never_recommended_for_a_patient() {
        let marked = recommended(&all(Modality::Ct, false), &["liver"]);
        assert_eq!(marked.len(), 1, "{marked:?}");
        assert_eq!(marked[0].0, title("edema/unet"));
        let photograph = recommended(&all(Modality::Fundus, false), &[]);
        assert_eq!(photograph.len(), 2, "the model of vessels has learned from photographs");
    }

    fn title(id: &str) -> &'static str {
        crate::nn::find(id).unwrap().title
    }

    #[test]
    fn a_time_that_was_seen_here_counts_and_a_whole_volume_by_its_slices() {
        let card = weights::card_of(bundled::find("abdomen-phantom").unwrap().bytes).unwrap();
        let of = |took| {
            let speed = Speed::unknown();
            of_model(&card, &ModelOrigin::Trained, Modality::Ct, true, &speed, took)
        };
        let time = |took| (of(took).time, of(took).seconds);
        assert_eq!(time(None), ("not measured here".to_owned(), None));
        assert_eq!(time(Some(Took::Volume(170.0))), ("about 3 min".to_owned(), Some(85.0)));
        assert_eq!(time(Some(Took::Slice(0.5))), ("0.5 s a slice".to_owned(), Some(0.5)));
        assert!(of(None).at_once);
    }
}
