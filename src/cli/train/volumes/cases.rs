//! The cases that networks of volumes learn from: where they come from, and how they are kept.

use crate::{
    cli::{dataset, train::TrainArgs},
    engine::JobContext,
    io::{
        dataset::{self as layouts, Listed, Values},
        list::Split,
    },
    nn::{
        ModelCard,
        train::volumes::{Framing, LabelledVolume, VolumeSample},
    },
    phantom,
};
use anyhow::{Context, Result, anyhow, bail};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, OnceLock},
};

/// Where cases come from.
enum Source {
    Phantoms { sample: &'static phantom::Sample, seed: u64 },
    Files(Listed),
}

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
            return Ok(Self { source: Arc::new(Source::Phantoms { sample, seed }), cases });
        }
        let listed = layouts::read(data)?.with_values(values);
        if let Some(fault) = listed.faults.first() {
            bail!("{}: {} cases cannot be used, the first: {fault}", data.display(), listed.faults.len());
        }
        let cases = listed.cases.iter().enumerate().filter(|(_, case)| case.split != Split::Test);
        let cases = cases.map(|(at, case)| Case { id: case.id.clone(), split: case.split, at }).collect();
        Ok(Self { source: Arc::new(Source::Files(listed)), cases })
    }

    /// Tells each case from another one of its name: the phantom's seed, or the files' sizes and times.
    pub fn keys(&self) -> Result<BTreeMap<String, String>> {
        self.cases.iter().map(|case| Ok((case.id.clone(), self.source.key(case.at)?))).collect()
    }

    /// The cases as a network is shown them, on an io thread. The coarse network sees them whole: they are resized once
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
            let case = self.source.open(case.at, card);
            let small = case.and_then(|case| case.resized([width, height, depth]).map_err(|e| e.to_string()));
            let bytes = small.and_then(|case| case.to_bytes()).map_err(|e| anyhow!("{name}: {e}"))?;
            crate::replace::write_bytes(&file, &bytes)?;
        }
        let read = move || {
            let bytes = std::fs::read(&file).map_err(|e| format!("{}: {e}", file.display()))?;
            LabelledVolume::from_bytes(&bytes)
                .map_err(|e| format!("{}: {e}; remove it to have it made again", file.display()))
        };
        Ok(VolumeSample { name, read: Arc::new(read) })
    }

    fn as_stored(&self, case: &Case, card: &ModelCard) -> VolumeSample {
        let (name, at) = (case.id.clone(), case.at);
        let (source, card) = (Arc::clone(&self.source), card.clone());
        // Phantoms are small, and drawing one takes longer than reading a file.
        let drawn = OnceLock::new();
        let read = move || match *source {
            Source::Files(_) => source.open(at, &card),
            Source::Phantoms { .. } => drawn.get_or_init(|| source.open(at, &card)).clone(),
        };
        VolumeSample { name, read: Arc::new(read) }
    }
}

impl Source {
    fn key(&self, at: usize) -> Result<String> {
        Ok(match self {
            Source::Phantoms { sample, seed } => short(&format!("{} {}", sample.id, seed + at as u64)),
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

    fn open(&self, at: usize, card: &ModelCard) -> Result<LabelledVolume, String> {
        let case = match self {
            Source::Phantoms { sample, seed } => {
                let phantom = (sample.make)(seed + at as u64, sample.look);
                LabelledVolume::new(phantom.volume, &phantom.truth, card)
            }
            Source::Files(listed) => {
                let case = listed.open(&listed.cases[at], Some(card.modality));
                let case = case.map_err(|fault| fault.to_string())?;
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
