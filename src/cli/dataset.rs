//! What `train` learns from: the cases of a LIST.csv, of a folder in a published layout, or phantoms.

use super::{facts::Facts, report::Reporter, warnings::Warnings};
use crate::{
    engine::{Engine, JobContext},
    io::{
        self,
        dataset::{self, Fault, Known, Labelled, Listed, Seen, Side, UNKNOWN, Values, shortened},
        list::{Case, Split},
    },
    label::LabelTable,
    nn::{
        ModelCard,
        train::{SampleError, TrainSample},
    },
    phantom::{self, Look, Phantom},
    volume::Modality,
    words::counted,
};
use anyhow::{Context, Error, Result, bail};
use clap::{Args, ValueEnum};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModalityArgument {
    Ct,
    Oct,
    Fundus,
    Endoscopy,
    Other,
}

impl From<ModalityArgument> for Modality {
    fn from(value: ModalityArgument) -> Self {
        match value {
            ModalityArgument::Ct => Modality::Ct,
            ModalityArgument::Oct => Modality::Oct,
            ModalityArgument::Fundus => Modality::Fundus,
            ModalityArgument::Endoscopy => Modality::Endoscopy,
            ModalityArgument::Other => Modality::Other,
        }
    }
}

/// What the masks' values are called.
#[derive(Debug, Args)]
pub struct LabelsArgument {
    /// Either the names of the labels, in the order of their ids: liver,kidneys. Or which values of the masks are which label:
    /// liver=5,kidneys=2+3,polyp=128..255; in colour pictures vessel=#ff0000; ignore=254 for pixels that are not known. All
    /// other values are then background. Default: what the data say
    #[arg(long, value_delimiter = ',')]
    labels: Vec<String>,
}

/// [`Values::written`] as `--labels` has them.
pub fn values_written(labels: &[String], known: Option<&LabelTable>) -> Result<Values> {
    Values::written(labels, known).map_err(Error::msg).context("--labels")
}

impl LabelsArgument {
    /// Which values are which label, where that was said; of a model, its labels are `known`.
    pub fn values(&self, known: Option<&LabelTable>) -> Result<Option<Values>> {
        match self.names() {
            None => values_written(&self.labels, known).map(Some),
            Some(_) => Ok(None),
        }
    }

    /// The names alone; None where something is said of values.
    pub fn names(&self) -> Option<&[String]> {
        (!self.labels.iter().any(|text| text.contains('='))).then_some(&self.labels)
    }
}

pub struct Request {
    pub data: PathBuf,
    /// None: what the first image says.
    pub modality: Option<Modality>,
    /// Number of phantoms to learn from.
    pub phantoms: usize,
    pub seed: u64,
    /// The labels of the model that training starts from.
    pub labels: Option<LabelTable>,
    /// How the masks are to be read, where the data do not say it.
    pub values: Option<Values>,
    /// Names for labels that the data gives only as numbers.
    pub names: Vec<String>,
}

/// What the data say of a run.
#[derive(Clone, Copy, Debug)]
pub struct DataShape {
    pub layout: &'static str,
    pub modality: Modality,
    /// Background included.
    pub classes: usize,
}

/// Images with their masks, in memory.
#[derive(Clone)]
pub struct Dataset {
    pub name: String,
    /// Id of the layout that it was found in; `list` or `phantom` otherwise.
    pub layout: &'static str,
    pub modality: Modality,
    pub labels: LabelTable,
    pub notice: Option<&'static str>,
    pub licence: Option<&'static str>,
    /// What was said of the data while they were read.
    pub warnings: Vec<String>,
    /// Those that are not read.
    tested: Vec<Side>,
    cases: Vec<Labelled>,
}

pub struct Samples {
    pub train: Vec<TrainSample>,
    pub valid: Vec<TrainSample>,
}

/// The seed of phantoms to learn from; samples and tests take small seeds, and none of these.
pub const PHANTOM_SEED: u64 = 1_000_000;

pub const PHANTOM_LICENCE: &str = "CC0: the program makes the data itself";

pub const PHANTOM_NOTICE: &str =
    "A demonstration, trained on phantoms that the program draws itself. Of no use on patients.";

pub const PHANTOM_VALUES: &str =
    "--labels: the values of a phantom's mask are its labels; only names can be given to them";

/// Reads everything on the worker pool.
pub fn load(engine: &Engine, request: Request, shown: &mut Reporter) -> Result<Dataset> {
    let data = engine.run(move |context| read(&request, context));
    Ok(engine.result_of(&data, |e| shown.show(e))?)
}

fn read(request: &Request, context: &JobContext) -> Result<Dataset> {
    match request.data.to_str().and_then(|s| s.strip_prefix("phantom:")) {
        Some(id) => read_phantoms(id, request, context),
        None => read_files(request, context),
    }
}

fn read_phantoms(id: &str, request: &Request, context: &JobContext) -> Result<Dataset> {
    let all = || phantom::SAMPLES.iter().chain(phantom::VARIED);
    let sample = all().find(|s| s.id == id).with_context(|| {
        let known: Vec<&str> = all().map(|s| s.id).collect();
        format!("there is no phantom \"{id}\"; there are {}", known.join(", "))
    })?;
    if request.values.is_some() {
        bail!(PHANTOM_VALUES);
    }
    let total = request.phantoms.max(1);
    let valid = total.div_ceil(4);
    let mut cases = vec![];
    let (mut labels, mut modality) = (LabelTable::default(), Modality::Other);
    for i in 0..total + valid {
        context.check()?;
        let Phantom { volume, truth, labels: table, .. } =
            (sample.make)(PHANTOM_SEED + request.seed * 1000 + i as u64, Look::Standard);
        modality = volume.modality();
        labels = table;
        let split = if i < total { Split::Train } else { Split::Val };
        let id = format!("{id}{i}");
        let (patient, files, warnings) = (id.clone(), vec![], vec![]);
        cases.push(Labelled { id, split, patient, volume, mask: truth, valid: None, files, warnings });
        context.progress("drawing phantoms", i as u64 + 1, (total + valid) as u64);
    }
    let known = Known { names: &request.names, beside: None, model: request.labels.as_ref() };
    let (values, warnings) =
        Values::of_table(&labels).decided(&Seen::default(), known).map_err(Error::msg)?;
    let cases = cases.into_iter().map(|case| case.with_values(&values)).collect::<Result<_, _>>();
    Ok(Dataset {
        name: format!("{id} phantoms"),
        layout: "phantom",
        modality,
        labels: request.labels.clone().or_else(|| values.labels()).unwrap_or_default(),
        notice: Some(PHANTOM_NOTICE),
        licence: Some(PHANTOM_LICENCE),
        warnings,
        tested: vec![],
        cases: cases.map_err(|fault: Fault| Error::msg(fault.to_string()))?,
    })
}

/// Reads every case that is not kept for testing; all errors are reported together.
fn read_files(request: &Request, context: &JobContext) -> Result<Dataset> {
    let mut listed = dataset::read(&request.data)?.with_values(request.values.clone());
    let tested = listed.cases.iter().filter(|c| c.split == Split::Test).map(side).collect();
    listed.cases.retain(|c| c.split != Split::Test);
    let total = listed.cases.len() as u64;
    let (mut cases, mut faults) = (vec![], std::mem::take(&mut listed.faults));
    let (mut seen, mut warnings) = (Seen::default(), Warnings::default());
    for (i, case) in listed.cases.iter().enumerate() {
        context.check()?;
        match listed.open(case, request.modality) {
            Ok(case) => {
                seen.add(&case.id, &case.mask);
                case.warnings.iter().for_each(|warning| warnings.add(&case.id, warning));
                cases.push(case);
            }
            Err(fault) => faults.push(fault),
        }
        context.progress("reading", i as u64 + 1, total);
    }
    let cannot = |faults: &[Fault]| -> Result<()> {
        let lines: Vec<String> = faults.iter().map(Fault::to_string).collect();
        match lines.len() {
            0 => Ok(()),
            n => bail!(
                "{}: {} cannot be used:\n  {}",
                request.data.display(),
                counted(n, "case"),
                lines.join("\n  ")
            ),
        }
    };
    // Values that no label has are faults of their cases, and told with the others.
    let values = decided(&listed, &seen, request);
    if let Ok((values, _)) = &values {
        let labelled: Vec<Result<Labelled, Fault>> =
            cases.into_iter().map(|case| case.with_values(values)).collect();
        cases = vec![];
        labelled.into_iter().for_each(|case| match case {
            Ok(case) => cases.push(case),
            Err(fault) => faults.push(fault),
        });
    }
    cannot(&faults)?;
    let (values, notes) = values?;
    let Some(first) = cases.first() else { bail!("{} has no case to learn from", request.data.display()) };
    let modality = request.modality.unwrap_or(first.volume.modality());
    let name = request.data.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    Ok(Dataset {
        name,
        layout: listed.layout,
        modality,
        labels: request.labels.clone().or_else(|| values.labels()).unwrap_or_default(),
        notice: None,
        licence: None,
        warnings: listed.notes.into_iter().chain(notes).chain(warnings.lines()).collect(),
        tested,
        cases,
    })
}

/// What the masks' values are, and notes about it.
fn decided(listed: &Listed, seen: &Seen, request: &Request) -> Result<(Values, Vec<String>)> {
    values_decided(listed, seen, &request.names, request.labels.as_ref(), request.values.is_some())
        .with_context(|| request.data.display().to_string())
}

/// What the values of a data set's masks are: as they are `told`, else by all that is known of them.
pub fn values_decided(
    listed: &Listed,
    seen: &Seen,
    names: &[String],
    model: Option<&LabelTable>,
    told: bool,
) -> Result<(Values, Vec<String>)> {
    if !told
        && listed.values == Values::Ids
        && let Some(what) = io::softened(seen.values())
    {
        bail!("{what}: --labels NAME=128..255 reads it as one label");
    }
    let known = Known { names, beside: listed.beside.as_ref(), model };
    let (values, mut notes) = match told {
        true => (listed.values.clone(), vec![]),
        false => listed.values.clone().decided(seen, known).map_err(Error::msg)?,
    };
    notes.extend(model.and_then(|model| values.lacking(model)));
    Ok((values, notes))
}

/// Which side of the split a case is on.
pub fn side(case: &Case) -> Side {
    Side {
        id: case.id.clone(),
        split: case.split,
        patient: case.patient().to_owned(),
        image: case.image.clone(),
    }
}

impl Dataset {
    /// Warnings of patients and images that are on more than one side of the split.
    pub fn leaks(&self) -> Result<Vec<String>> {
        let side = |case: &Labelled| Side {
            id: case.id.clone(),
            split: case.split,
            patient: case.patient.clone(),
            image: case.files.first().map(|(path, _)| path.clone()).unwrap_or_default(),
        };
        let drawn = self.cases.iter().all(|case| case.files.is_empty());
        let sides: Vec<Side> = self.cases.iter().map(side).chain(self.tested.iter().cloned()).collect();
        if drawn { Ok(vec![]) } else { Ok(dataset::on_both_sides(&sides)?) }
    }

    /// What a run learns from, in numbers, and everything that was said of it.
    pub fn facts(&self) -> Result<Facts> {
        let mut facts = Facts::new(self.summary(), &self.labels);
        for case in &self.cases {
            facts.add(&case.id, case.split, &case.mask.counts());
        }
        self.tested.iter().for_each(|case| facts.name(&case.id, case.split));
        facts.warnings = [self.warnings.clone(), self.leaks()?].concat();
        facts.warnings.extend(self.not_valid());
        Ok(facts)
    }

    /// How many voxels of labels the valid masks take out, which are counted all the same.
    fn not_valid(&self) -> Option<String> {
        let outside = |case: &Labelled| -> usize {
            let Some(valid) = &case.valid else { return 0 };
            let drawn = case.mask.to_values().into_iter().zip(valid.to_values());
            drawn.filter(|&(label, valid)| label != 0 && label != UNKNOWN && valid == 0).count()
        };
        let cases: Vec<(&str, usize)> =
            self.cases.iter().map(|case| (case.id.as_str(), outside(case))).filter(|(_, n)| *n > 0).collect();
        let voxels: usize = cases.iter().map(|(_, n)| n).sum();
        let ids: Vec<&str> = cases.iter().map(|(id, _)| *id).collect();
        (voxels > 0).then(|| {
            format!(
                "{} of labels in {} ({}) lie where the valid masks are 0: only a recipe that takes every pixel learns them",
                counted(voxels, "voxel"),
                counted(ids.len(), "case"),
                shortened(&ids)
            )
        })
    }

    /// "25 cases to learn from and 7 to validate on, of vessel_open (list)".
    pub fn summary(&self) -> String {
        let count = |split| self.cases.iter().filter(|c| c.split == split).count();
        format!(
            "{} to learn from and {} to validate on, of {} ({})",
            counted(count(Split::Train), "case"),
            count(Split::Val),
            self.name,
            self.layout
        )
    }

    pub fn shape(&self) -> DataShape {
        DataShape { layout: self.layout, modality: self.modality, classes: self.labels.len() + 1 }
    }

    /// The BLAKE3 of every file that was read.
    pub fn hashes(&self) -> BTreeMap<String, String> {
        let files = self.cases.iter().flat_map(|c| &c.files);
        files.map(|(path, hash)| (path.display().to_string(), hash.clone())).collect()
    }

    pub fn patients(&self) -> BTreeSet<String> {
        self.cases.iter().map(|c| c.patient.clone()).collect()
    }

    /// The same cases, with those of the fold's patients to validate on and all others to learn from.
    pub fn with_fold(&self, folds: &BTreeMap<String, usize>, fold: usize) -> Self {
        let mut data = self.clone();
        for case in &mut data.cases {
            let held_out = folds.get(&case.patient) == Some(&fold);
            case.split = if held_out { Split::Val } else { Split::Train };
        }
        data
    }

    /// Every slice that shows something known, for a model with this card; with `every_pixel` whatever the valid masks say.
    pub fn samples(&self, card: &ModelCard, every_pixel: bool) -> Result<Samples> {
        let mut samples = Samples { train: vec![], valid: vec![] };
        for case in &self.cases {
            let depth = case.volume.dims()[2];
            for z in 0..depth {
                let name = if depth == 1 { case.id.clone() } else { format!("{} slice {z}", case.id) };
                let sample = TrainSample::from_mask(
                    name,
                    case.volume.clone(),
                    z,
                    &case.mask,
                    case.valid.as_ref().filter(|_| !every_pixel),
                    card,
                );
                match sample.map(|s| s.of_case(&case.id)) {
                    Ok(sample) if case.split == Split::Train => samples.train.push(sample),
                    Ok(sample) => samples.valid.push(sample),
                    // nothing of the slice is known
                    Err(SampleError::Unlabelled { .. }) => {}
                    Err(e) => return Err(e.into()),
                }
            }
        }
        Ok(samples)
    }

    #[cfg(test)]
    pub fn empty(name: &str, modality: Modality, labels: LabelTable) -> Self {
        Self {
            name: name.to_owned(),
            layout: "list",
            modality,
            labels,
            notice: None,
            licence: None,
            warnings: vec![],
            tested: vec![],
            cases: vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        geom::Grid,
        label::LabelMap,
        volume::{Samples, Volume},
    };

    #[test]
    fn labels_that_the_valid_masks_take_out_are_told() {
        let map = |values: &[u16]| LabelMap::from_values([4, 1, 1], values).unwrap();
        let grid = Grid::pixels([4, 1, 1]).unwrap();
        let volume = Volume::new(grid, Samples::U8([0; 4].to_vec().into()), [1.0, 0.0], Modality::Fundus);
        let volume = volume.unwrap();
        let mut data = Dataset::empty("eyes", Modality::Fundus, LabelTable::named(&["vessel"]));
        for (id, valid) in [("a", Some(map(&[1, 0, 0, 1]))), ("b", Some(map(&[1; 4]))), ("c", None)] {
            data.cases.push(Labelled {
                id: id.to_owned(),
                split: Split::Train,
                patient: id.to_owned(),
                volume: volume.clone(),
                mask: map(&[1, 1, UNKNOWN, 0]),
                valid,
                files: vec![],
                warnings: vec![],
            });
        }
        let told = data.not_valid().unwrap();
        assert!(told.starts_with("1 voxel of labels in 1 case (a)"), "{told}");
        data.cases.remove(0);
        assert_eq!(data.not_valid(), None);
    }
}
