//! The cases that networks of volumes learn from: where they come from, and how they are kept.

use crate::{
    cli::{dataset, facts::Facts, train::TrainArgs, warnings::Warnings},
    engine::JobContext,
    io::{
        dataset::{self as layouts, Known, Listed, Seen, Side, Values},
        list::Split,
    },
    label::LabelTable,
    nn::{
        ModelCard,
        train::volumes::{Framing, LabelledVolume, VolumeSample},
    },
    phantom,
    words::counted,
};
use anyhow::{Context, Error, Result, anyhow, bail};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, OnceLock},
};

/// Where cases come from.
#[derive(Clone)]
enum Source {
    Phantoms { sample: &'static phantom::Sample, seed: u64, values: Values },
    Files(Listed),
}

#[derive(Clone)]
struct Case {
    id: String,
    split: Split,
    /// Its place in the source.
    at: usize,
}

/// Cases to learn from and to validate on; those to test on are left alone.
#[derive(Clone)]
pub struct Cases {
    source: Arc<Source>,
    cases: Arc<[Case]>,
    /// What was said of them while they were read.
    heard: Arc<Mutex<Warnings>>,
}

/// What a network learns from and is validated on.
pub type Samples = [Vec<VolumeSample>; 2];

impl Cases {
    pub fn open(data: &Path, args: &TrainArgs, values: Option<Values>) -> Result<Self> {
        if let Some(id) = data.to_str().and_then(|s| s.strip_prefix("phantom:")) {
            let mut all = phantom::SAMPLES.iter().chain(phantom::VARIED);
            let sample = all.find(|s| s.id == id).with_context(|| format!("there is no phantom \"{id}\""))?;
            if values.is_some() {
                bail!(dataset::PHANTOM_VALUES);
            }
            let (train, seed) = (args.cases.max(1), dataset::PHANTOM_SEED + args.seed.unwrap_or(1) * 1000);
            let case = |at: usize| {
                let split = if at < train { Split::Train } else { Split::Val };
                Case { id: format!("{id}{at}"), split, at }
            };
            let cases = (0..train + train.div_ceil(4)).map(case).collect();
            let values = Values::of_table(&(sample.make)(seed, sample.look).labels);
            let source = Arc::new(Source::Phantoms { sample, seed, values });
            return Ok(Self { source, cases, heard: Arc::default() });
        }
        let listed = layouts::read(data)?.with_values(values);
        if let Some(fault) = listed.faults.first() {
            let faults = counted(listed.faults.len(), "case");
            bail!("{}: {faults} cannot be used, the first: {fault}", data.display());
        }
        let cases = listed.cases.iter().enumerate().filter(|(_, case)| case.split != Split::Test);
        let cases = cases.map(|(at, case)| Case { id: case.id.clone(), split: case.split, at }).collect();
        Ok(Self { source: Arc::new(Source::Files(listed)), cases, heard: Arc::default() })
    }

    /// The labels by name, where the data or a person have named them.
    pub fn labels(&self, names: &[String]) -> Result<Option<LabelTable>> {
        Ok(self.source.values().clone().renamed(names).map_err(Error::msg)?.labels())
    }

    /// Looks through all masks: what their values are is decided over the whole set, and must be labels of the networks.
    /// `told`: a person has said it.
    pub fn survey(
        &self,
        names: &[String],
        labels: &LabelTable,
        told: bool,
        context: &JobContext,
    ) -> Result<(Self, Facts)> {
        let (mut seen, mut masks) = (Seen::default(), vec![]);
        if let Source::Files(listed) = &*self.source {
            for (i, case) in self.cases.iter().enumerate() {
                context.check()?;
                let Some(path) = &listed.cases[case.at].label else { bail!("{}: it has no label", case.id) };
                let (mask, ..) = crate::io::open_labels_of(path, listed.values.colours())
                    .with_context(|| case.id.clone())?;
                seen.add(&case.id, &mask);
                masks.push(mask.counts());
                context.progress("reading masks", i as u64 + 1, self.cases.len() as u64);
            }
        }
        let mut source = (*self.source).clone();
        let (values, notes) = match &source {
            Source::Files(listed) => dataset::values_decided(listed, &seen, names, Some(labels), told)?,
            Source::Phantoms { values, .. } => {
                let known = Known { names, beside: None, model: Some(labels) };
                values.clone().decided(&seen, known).map_err(Error::msg)?
            }
        };
        let summary = format!(
            "{} to learn from and {} to validate on",
            counted(self.count(Split::Train), "case"),
            self.count(Split::Val)
        );
        let mut facts = Facts::new(summary, labels);
        match &mut source {
            Source::Files(listed) => {
                for (case, counts) in self.cases.iter().zip(&masks) {
                    let counts = values.counted(counts).map_err(|e| anyhow!("{}: {e}", case.id))?;
                    facts.add(&case.id, case.split, &counts);
                }
                listed
                    .cases
                    .iter()
                    .filter(|c| c.split == Split::Test)
                    .for_each(|c| facts.name(&c.id, c.split));
                let sides: Vec<Side> = listed.cases.iter().map(dataset::side).collect();
                facts.warnings = [listed.notes.clone(), notes, layouts::on_both_sides(&sides)?].concat();
                listed.values = values;
            }
            Source::Phantoms { values: own, .. } => {
                self.cases.iter().for_each(|case| facts.name(&case.id, case.split));
                facts.warnings = notes;
                *own = values;
            }
        }
        Ok((Self { source: Arc::new(source), ..self.clone() }, facts))
    }

    fn count(&self, split: Split) -> usize {
        self.cases.iter().filter(|case| case.split == split).count()
    }

    /// What was said of the cases so far.
    pub fn warnings(&self) -> Vec<String> {
        self.heard.lock().map(|heard| heard.lines()).unwrap_or_default()
    }

    /// Tells each case from another one of its name: the phantom's seed, or the files' sizes and times.
    pub fn keys(&self) -> Result<BTreeMap<String, String>> {
        self.cases.iter().map(|case| Ok((case.id.clone(), self.source.key(case.at)?))).collect()
    }

    /// The cases as a network is shown them, on the worker pool. The coarse network sees them whole: they are resized once
    /// to its grid `[depth, height, width]` and kept in a folder; the fine one is shown another box each time and reads
    /// the file, as the reference does.
    pub fn samples(
        &self,
        framing: Framing,
        card: &ModelCard,
        grid: [usize; 3],
        folder: &Path,
        context: &JobContext,
    ) -> Result<Samples> {
        let [mut learned, mut held_out] = [vec![], vec![]];
        for (i, case) in self.cases.iter().enumerate() {
            context.check()?;
            let sample = match framing {
                Framing::Whole => self.resized(case, card, grid, folder)?,
                Framing::Organs { .. } => self.as_stored(case, card),
            };
            if case.split == Split::Train { &mut learned } else { &mut held_out }.push(sample);
            context.progress("preparing", i as u64 + 1, self.cases.len() as u64);
        }
        Ok([learned, held_out])
    }

    fn resized(
        &self,
        case: &Case,
        card: &ModelCard,
        [depth, height, width]: [usize; 3],
        folder: &Path,
    ) -> Result<VolumeSample> {
        let name = case.id.clone();
        let labels: String =
            card.labels.iter().map(|label| format!("{} {}\0", label.id, label.name)).collect();
        let key = short(&format!("{}\0{labels}", self.source.key(case.at)?));
        let file = folder.join(format!("{name}-{depth}x{height}x{width}-{key}.safetensors"));
        if !file.exists() {
            let case = self.source.open(case.at, card, &self.heard);
            let small = case.and_then(|case| case.resized([width, height, depth]).map_err(|e| e.to_string()));
            let bytes = small.and_then(|case| case.to_bytes()).map_err(|e| anyhow!("{name}: {e}"))?;
            crate::replace::write_bytes(&file, &bytes)?;
        }
        let read = move || {
            let bytes = crate::file::read(&file).map_err(|e| format!("{}: {e}", file.display()))?;
            LabelledVolume::from_bytes(&bytes)
                .map_err(|e| format!("{}: {e}; remove it to have it made again", file.display()))
        };
        Ok(VolumeSample { name, read: Arc::new(read) })
    }

    fn as_stored(&self, case: &Case, card: &ModelCard) -> VolumeSample {
        let (name, at) = (case.id.clone(), case.at);
        let (source, card, heard) = (Arc::clone(&self.source), card.clone(), Arc::clone(&self.heard));
        // Phantoms are small, and drawing one takes longer than reading a file.
        let drawn = OnceLock::new();
        let read = move || match *source {
            Source::Files(_) => source.open(at, &card, &heard),
            Source::Phantoms { .. } => drawn.get_or_init(|| source.open(at, &card, &heard)).clone(),
        };
        VolumeSample { name, read: Arc::new(read) }
    }
}

impl Source {
    fn values(&self) -> &Values {
        match self {
            Source::Phantoms { values, .. } => values,
            Source::Files(listed) => &listed.values,
        }
    }

    fn key(&self, at: usize) -> Result<String> {
        Ok(match self {
            Source::Phantoms { sample, seed, .. } => short(&format!("{} {}", sample.id, seed + at as u64)),
            Source::Files(listed) => {
                let case = &listed.cases[at];
                let mut text = format!("{:?}\0", listed.values);
                for path in std::iter::once(&case.image).chain(&case.label) {
                    let about = std::fs::metadata(path).with_context(|| path.display().to_string())?;
                    text += &format!("{path:?} {} {:?}\0", about.len(), about.modified()?);
                }
                short(&text)
            }
        })
    }

    fn open(&self, at: usize, card: &ModelCard, heard: &Mutex<Warnings>) -> Result<LabelledVolume, String> {
        let case = match self {
            Source::Phantoms { sample, seed, values } => {
                let phantom = (sample.make)(seed + at as u64, sample.look);
                LabelledVolume::new(phantom.volume, &values.apply(phantom.truth)?, card)
            }
            Source::Files(listed) => {
                let case = listed.open_labelled(&listed.cases[at], Some(card.modality));
                let case = case.map_err(|fault| fault.to_string())?;
                if let Ok(mut heard) = heard.lock() {
                    case.warnings.iter().for_each(|warning| heard.add(&case.id, warning));
                }
                LabelledVolume::new(case.volume, &case.mask, card)
            }
        };
        case.map_err(|e| e.to_string())
    }
}

/// The first digits of the text's hash.
fn short(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..12].to_owned()
}
