//! The search for a configuration: which values to try next (TPE: J. Bergstra et al., "Algorithms for Hyper-Parameter
//! Optimization", NeurIPS 2011) and which trials to stop early (the median rule: D. Golovin et al., "Google Vizier", KDD 2017).

use optimizer::{
    Direction, TrialState,
    distribution::{CategoricalDistribution, Distribution, FloatDistribution, IntDistribution},
    param::ParamValue,
    parameter::ParamId,
    pruner::{MedianPruner, Pruner},
    sampler::{CompletedTrial, Sampler, TpeSampler},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::HashMap, fmt, str::FromStr};

/// The values that one key of a run's configuration may take.
#[derive(Clone, Debug, PartialEq)]
pub struct Dimension {
    /// `train.lr`, as for `--set`.
    pub key: String,
    pub range: Range,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Range {
    /// `uniform(0,0.5)`, or `log(1e-4,1e-1)`.
    Real { low: f64, high: f64, log: bool },
    /// `whole(2,16)`.
    Whole { low: i64, high: i64 },
    /// `around(0,0.9)`: the pair `[1 − x, 1 + x]`, as factors of colour are written.
    Around { low: f64, high: f64 },
    /// `one(ce | ohem)`: JSON or words.
    OneOf(Vec<Value>),
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error(
    "{text}: {reason}; a range is KEY=uniform(LOW,HIGH), log(LOW,HIGH), whole(LOW,HIGH), around(LOW,HIGH) or one(A | B | …)"
)]
pub struct DimensionError {
    text: String,
    reason: String,
}

impl FromStr for Dimension {
    type Err = DimensionError;

    fn from_str(text: &str) -> Result<Self, DimensionError> {
        let refuse = |reason: &str| DimensionError { text: text.to_owned(), reason: reason.to_owned() };
        let (key, range) = text.split_once('=').ok_or_else(|| refuse("there is no \"=\""))?;
        let inner = |word: &str| range.trim().strip_prefix(word)?.strip_prefix('(')?.strip_suffix(')');
        let pair = |text: &str| -> Result<[f64; 2], DimensionError> {
            let numbers: Option<Vec<f64>> = text.split(',').map(|n| n.trim().parse().ok()).collect();
            match numbers.as_deref() {
                Some(&[low, high]) if low < high && low.is_finite() && high.is_finite() => Ok([low, high]),
                _ => Err(refuse("it needs two numbers, the lower one first")),
            }
        };
        let range = if let Some(text) = inner("uniform") {
            let [low, high] = pair(text)?;
            Range::Real { low, high, log: false }
        } else if let Some(text) = inner("log") {
            let [low, high] = pair(text)?;
            if low <= 0.0 {
                return Err(refuse("a logarithm needs numbers above 0"));
            }
            Range::Real { low, high, log: true }
        } else if let Some(text) = inner("around") {
            let [low, high] = pair(text)?;
            Range::Around { low, high }
        } else if let Some(text) = inner("whole") {
            let [low, high] = pair(text)?;
            if low.fract() != 0.0 || high.fract() != 0.0 {
                return Err(refuse("it needs whole numbers"));
            }
            Range::Whole { low: low as i64, high: high as i64 }
        } else if let Some(text) = inner("one") {
            let value = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| json!(text));
            let choices: Vec<Value> = text.split('|').map(|choice| value(choice.trim())).collect();
            if choices.len() < 2 {
                return Err(refuse("it needs two or more choices, with | between them"));
            }
            Range::OneOf(choices)
        } else {
            return Err(refuse("there is no such range"));
        };
        Ok(Self { key: key.trim().to_owned(), range })
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match &self.range {
            Range::Real { low, high, log } => {
                write!(f, "{key}={}({low},{high})", if *log { "log" } else { "uniform" })
            }
            Range::Whole { low, high } => write!(f, "{key}=whole({low},{high})"),
            Range::Around { low, high } => write!(f, "{key}=around({low},{high})"),
            Range::OneOf(choices) => {
                let all: Vec<String> = choices.iter().map(Value::to_string).collect();
                write!(f, "{key}=one({})", all.join(" | "))
            }
        }
    }
}

impl Dimension {
    fn distribution(&self) -> Distribution {
        let real = |low, high, log_scale| {
            Distribution::Float(FloatDistribution { low, high, log_scale, step: None })
        };
        match &self.range {
            Range::Real { low, high, log } => real(*low, *high, *log),
            Range::Around { low, high } => real(*low, *high, false),
            Range::Whole { low, high } => {
                Distribution::Int(IntDistribution { low: *low, high: *high, log_scale: false, step: None })
            }
            Range::OneOf(choices) => {
                Distribution::Categorical(CategoricalDistribution { n_choices: choices.len() })
            }
        }
    }

    /// The number that stands for a trial's value: of the choices, its place.
    fn number(&self, drawn: &ParamValue) -> f64 {
        match drawn {
            ParamValue::Float(v) => *v,
            ParamValue::Int(v) => *v as f64,
            ParamValue::Categorical(i) => *i as f64,
        }
    }

    fn drawn(&self, number: f64) -> ParamValue {
        match &self.range {
            Range::Real { .. } | Range::Around { .. } => ParamValue::Float(number),
            Range::Whole { .. } => ParamValue::Int(number as i64),
            Range::OneOf(_) => ParamValue::Categorical(number as usize),
        }
    }

    /// What the key is set to for a number of [`Trial::numbers`].
    pub fn value(&self, number: f64) -> Value {
        match &self.range {
            Range::Real { .. } => json!(number),
            Range::Whole { .. } => json!(number as i64),
            Range::Around { .. } => json!([1.0 - number, 1.0 + number]),
            Range::OneOf(choices) => choices.get(number as usize).cloned().unwrap_or_default(),
        }
    }
}

/// How a trial stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Running, or interrupted.
    Begun,
    Finished,
    /// Stopped early: worse than half of the others at the same validation.
    Pruned,
    /// It could not be trained.
    Failed,
}

/// One configuration that was tried.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trial {
    /// From 0.
    pub number: u64,
    pub state: State,
    /// One for each dimension ([`Dimension::value`]).
    pub numbers: Vec<f64>,
    /// The result of each validation, in order; higher is better.
    pub course: Vec<f64>,
    /// The result at the end.
    pub value: Option<f64>,
}

impl Trial {
    /// What the search learns from: its result, or the last validation of a pruned trial.
    fn worth(&self) -> Option<f64> {
        match self.state {
            State::Finished => self.value,
            State::Pruned => self.course.last().copied(),
            State::Begun | State::Failed => None,
        }
    }
}

/// Chooses what to try and what to stop early. A choice depends only on the seed, the trial's number and the trials before
/// it, so that an interrupted search continues as it would have without the interruption.
#[derive(Clone, Debug)]
pub struct Search {
    pub dimensions: Vec<Dimension>,
    pub seed: u64,
    /// Trials that are drawn at random before the results so far choose the next.
    pub random: usize,
    /// Trials that must have finished before any may be stopped early.
    pub patience: usize,
    /// Validations of a trial that are waited for before it may be stopped early.
    pub warm_up: u64,
}

impl Search {
    /// Numbers for the trial `number`, from those before it.
    pub fn suggest(&self, number: u64, before: &[Trial]) -> Vec<f64> {
        let seed = self.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let built = TpeSampler::builder().n_startup_trials(self.random).seed(seed).build();
        let sampler = built.unwrap_or_default();
        let one = |(i, dimension): (usize, &Dimension)| {
            // One dimension at a time, because the sampler would confuse two dimensions with the same range.
            let history: Vec<CompletedTrial> =
                before.iter().filter_map(|trial| completed(trial, Some((i, dimension)))).collect();
            dimension.number(&sampler.sample(&dimension.distribution(), number, &history))
        };
        self.dimensions.iter().enumerate().map(one).collect()
    }

    /// Whether a trial is to be stopped early, after the validation that it has just made.
    pub fn gives_up(&self, trial: &Trial, before: &[Trial]) -> bool {
        let Some(last) = trial.course.len().checked_sub(1) else { return false };
        let pruner = MedianPruner::new(Direction::Maximize)
            .n_warmup_steps(self.warm_up)
            .n_min_trials(self.patience.max(1));
        let others: Vec<CompletedTrial> = before.iter().filter_map(|trial| completed(trial, None)).collect();
        pruner.should_prune(trial.number, last as u64, &steps(trial), &others)
    }
}

fn steps(trial: &Trial) -> Vec<(u64, f64)> {
    (0..).zip(trial.course.iter().copied()).collect()
}

/// A trial in the words of the library, with one of its dimensions. What it minimises is the negative worth.
fn completed(trial: &Trial, dimension: Option<(usize, &Dimension)>) -> Option<CompletedTrial> {
    let worth = trial.worth()?;
    let (mut values, mut distributions) = (HashMap::new(), HashMap::new());
    if let Some((i, dimension)) = dimension {
        let id = ParamId::default();
        values.insert(id, dimension.drawn(*trial.numbers.get(i)?));
        distributions.insert(id, dimension.distribution());
    }
    let mut completed = CompletedTrial::new(trial.number, values, distributions, HashMap::new(), -worth);
    completed.intermediate_values = steps(trial);
    completed.state = if trial.state == State::Finished { TrialState::Complete } else { TrialState::Pruned };
    Some(completed)
}

/// Ranges of the polyp system's search (§2.13 of its description). Learning rates are those of Adam, a tenth of what is written
/// there; whether auxiliary heads learn belongs to the network and the loss.
pub const POLYP: &[&str] = &[
    "train.loss=one(ohem | ce)",
    "train.optimizer=one({\"optimizer\":\"sgd\"} | {\"optimizer\":\"adam\"} | {\"optimizer\":\"adamw\"})",
    "train.lr=log(1e-4,1e-2)",
    "train.average=one(null | {\"average\":\"ramp\"})",
    "train.augment.zoom.range.0=uniform(0.2,0.9)",
    "train.augment.zoom.range.1=uniform(1.25,2.5)",
    "train.augment.jitter.brightness=around(0,0.9)",
    "train.augment.jitter.contrast=around(0,0.9)",
    "train.augment.jitter.saturation=around(0,0.9)",
    "train.augment.flip_x=uniform(0,0.5)",
    "train.augment.flip_y=uniform(0,0.5)",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn dimension(text: &str) -> Dimension {
        text.parse().unwrap_or_else(|e| panic!("{e}"))
    }

    fn search(dimensions: &[&str]) -> Search {
        let dimensions = dimensions.iter().map(|text| dimension(text)).collect();
        Search { dimensions, seed: 3, random: 10, patience: 5, warm_up: 0 }
    }

    fn finished(number: u64, numbers: Vec<f64>, value: f64) -> Trial {
        Trial { number, state: State::Finished, numbers, course: vec![value], value: Some(value) }
    }

    #[test]
    fn ranges_are_read_and_written() {
        for text in POLYP {
            let read = dimension(text);
            assert_eq!(dimension(&read.to_string()), read, "{text}");
        }
        assert_eq!(dimension("a=around(0,0.9)").value(0.25), json!([0.75, 1.25]));
        assert_eq!(dimension("train.average=one(null | {\"average\":\"ramp\"})").value(0.0), Value::Null);
        assert_eq!(dimension("train.loss=one(ohem | 0.5*ce)").value(1.0), json!("0.5*ce"));
        assert_eq!(dimension("train.batch=whole(2,16)").value(4.0), json!(4));
        for wrong in ["lr", "lr=log(0,1)", "lr=uniform(2,1)", "b=whole(1.5,3)", "l=one(ce)", "l=some(1,2)"] {
            let told = wrong.parse::<Dimension>().unwrap_err().to_string();
            assert!(told.starts_with(wrong) && told.contains("uniform(LOW,HIGH)"), "{told}");
        }
    }

    /// Highest where a is 0.3, b is 1e-3 and c is the second choice; b spans as much as a, and still they are told apart.
    #[test]
    fn what_is_tried_comes_closer_to_what_is_good() {
        let search = search(&["a=uniform(0,1)", "b=uniform(0,1)", "c=one(x | y | z)"]);
        let worth =
            |n: &[f64]| 1.0 - (n[0] - 0.3).abs() - (n[1] - 0.9).abs() - if n[2] == 1.0 { 0.0 } else { 0.3 };
        let mut trials: Vec<Trial> = vec![];
        for number in 0..60 {
            let numbers = search.suggest(number, &trials);
            assert_eq!(numbers, search.suggest(number, &trials), "the same again");
            let value = worth(&numbers);
            trials.push(finished(number, numbers, value));
        }
        let mean =
            |trials: &[Trial]| trials.iter().filter_map(|t| t.value).sum::<f64>() / trials.len() as f64;
        let (random, learned) = (mean(&trials[..10]), mean(&trials[40..]));
        assert!(learned > random + 0.3, "{random} at random, {learned} later");
        // At random 0.29 and 0.41.
        let off =
            |i: usize, at: f64| trials[40..].iter().map(|t| (t.numbers[i] - at).abs()).sum::<f64>() / 20.0;
        assert!(off(0, 0.3) < 0.15 && off(1, 0.9) < 0.35, "{} and {}", off(0, 0.3), off(1, 0.9));
    }

    #[test]
    fn a_trial_below_the_median_is_given_up() {
        let search = search(&["a=uniform(0,1)"]);
        let trial = |number, course: &[f64]| Trial {
            number,
            state: State::Finished,
            numbers: vec![0.5],
            course: course.to_vec(),
            value: course.last().copied(),
        };
        let before: Vec<Trial> = (0..5).map(|i| trial(i, &[0.1 * i as f64, 0.5 + 0.1 * i as f64])).collect();
        let gives_up = |course: &[f64], before: &[Trial]| {
            let state = State::Begun;
            search.gives_up(&Trial { state, value: None, ..trial(9, course) }, before)
        };
        assert!(gives_up(&[0.15], &before) && !gives_up(&[0.25], &before), "the median is 0.2");
        assert!(gives_up(&[0.25, 0.65], &before) && !gives_up(&[0.15, 0.75], &before), "and then 0.7");
        assert!(!gives_up(&[0.0], &before[..4]), "too few to compare with");
        assert!(!gives_up(&[], &before) && !gives_up(&[0.9, 0.9, 0.0], &before), "nobody came so far");
    }
}
