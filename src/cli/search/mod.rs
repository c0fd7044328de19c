//! `fovea search`: which configuration trains best, by trials that learn from those before them.

mod report;

use super::{
    say::{self, say},
    train::{Outcome, Setup, TrainArgs},
};
use crate::{
    engine::{Event, interrupt},
    file,
    io::Targets,
    nn::{
        DeviceChoice,
        train::search::{Dimension, POLYP, Search, State, Trial},
    },
    workspace::study::{Plan, Study},
};
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  fovea search --study studies/vessel --trials 30 --vary 'train.lr=log(1e-4,1e-2)' --vary 'train.loss=one(ce | ce+dice)' \\
      -- --data lists/vessels.csv --recipe vessel --epochs 5
  fovea search --study studies/polyp --space polyp -- --data Kvasir-SEG/ --recipe polyp
  fovea search --study studies/polyp --space polyp --resume -- --data Kvasir-SEG/ --recipe polyp

`fovea train --print-config` shows the keys. The ranges are:
  KEY=uniform(LOW,HIGH)   numbers
  KEY=log(LOW,HIGH)       numbers, evenly on a logarithmic scale
  KEY=whole(LOW,HIGH)     whole numbers
  KEY=around(LOW,HIGH)    pairs [1-x, 1+x], with x in this range
  KEY=one(A | B | ...)    one of these

A trial is a run of `fovea train` with the options after --, in a folder of its own. Its result is its Dice on the validation
images. A trial is stopped early when it is worse than half of the others at the same validation. The study is saved as it
goes. After an interruption, the same command with --resume continues with the trial that was interrupted.";

/// Search for the configuration that trains best.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SearchArgs {
    /// Folder for the study: the trials (study.db), a folder for each trial's run, and the report (study.html, study.json)
    #[arg(long, value_name = "DIR")]
    study: PathBuf,
    /// A key of the configuration and the values to try, for example 'train.lr=log(1e-4,1e-2)'. May be given several times; the
    /// kinds of range are below
    #[arg(long, value_name = "KEY=RANGE", required_unless_present = "space")]
    vary: Vec<Dimension>,
    /// Also vary keys over published ranges; a key that --vary names keeps the range of --vary
    #[arg(long, value_enum)]
    space: Option<Space>,
    /// How many trials there are in all, counting those of a study that is continued
    #[arg(long, default_value_t = 100)]
    trials: u64,
    /// Continue the study in the folder, with the same ranges and options
    #[arg(long)]
    resume: bool,
    /// Seed of the random numbers that choose the values to try
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many trials are drawn at random before the results so far choose the next
    #[arg(long, value_name = "TRIALS", default_value_t = 10)]
    random: usize,
    /// How many trials must have finished before others may be stopped early; 0 stops none early
    #[arg(long, value_name = "TRIALS", default_value_t = 5)]
    patience: usize,
    /// How many validations of a trial are waited for before it may be stopped early
    #[arg(long, value_name = "VALIDATIONS", default_value_t = 0)]
    warm_up: u64,
    /// The options of `fovea train` that are the same for every trial
    #[arg(last = true, required = true, value_name = "TRAIN OPTIONS")]
    training: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Space {
    /// Those of the polyp system: loss, optimiser, learning rate, moving average and augmentation
    Polyp,
}

pub fn run(args: SearchArgs, device: DeviceChoice) -> Result<()> {
    let search = args.search()?;
    let file = args.study.join("study.db");
    match (args.resume, file.exists()) {
        (true, false) => {
            bail!("--resume: there is no study {}; leave --resume out to start one", file.display())
        }
        (false, true) => bail!(
            "there is a study in {} already: continue it with --resume, or choose another folder",
            args.study.display()
        ),
        _ => {}
    }
    let common = TrainArgs::of_trial(&args.training, &[], &args.study)?;
    let mut targets = Targets::default();
    common.read_by(&mut targets);
    for report in report::FILES.map(|name| args.study.join(name)) {
        if args.resume {
            targets.write_again(report)
        } else {
            targets.write(report)
        };
    }
    // Opening a study that is continued checks that the file is a study.
    targets.write_on(&file, args.resume).check()?;
    interrupt::listen();
    let mut setup = Setup::open(&common, device)?;
    setup.data.facts()?.lines().iter().for_each(|line| say::line(line));
    // An unknown key is not the fault of one trial, so it is reported before the study is made.
    let first = report::assignments(&search.dimensions, &search.suggest(0, &[]));
    TrainArgs::of_trial(&args.training, &first, &args.study)?.settings(&setup)?;
    file::make_folder(&args.study).with_context(|| format!("{} could not be made", args.study.display()))?;
    let ranges: Vec<String> = search.dimensions.iter().map(Dimension::to_string).collect();
    let plan = Plan { ranges, training: args.training.clone(), seed: args.seed };
    let study = Study::open(&file, &plan)?;
    let searched = args.go_on(&search, &study, &mut setup);
    let trials = study.trials()?;
    report::write(&args.study, &plan, &search.dimensions, &trials)?;
    searched.with_context(|| {
        format!("the study is saved in {}; the same command with --resume continues it", args.study.display())
    })?;
    say::lines(&report::summary(&plan, &search.dimensions, &trials));
    say!("{}", args.study.join("study.html").display());
    Ok(())
}

impl SearchArgs {
    fn search(&self) -> Result<Search> {
        let published: &[&str] = match self.space {
            Some(Space::Polyp) => POLYP,
            None => &[],
        };
        let mut dimensions = self.vary.clone();
        for text in published {
            let dimension: Dimension = text.parse()?;
            if !dimensions.iter().any(|d| d.key == dimension.key) {
                dimensions.push(dimension);
            }
        }
        for (i, dimension) in dimensions.iter().enumerate() {
            if dimensions[..i].iter().any(|d| d.key == dimension.key) {
                bail!("--vary: {} is given twice; leave one out", dimension.key);
            }
        }
        let Self { seed, random, patience, warm_up, .. } = *self;
        Ok(Search { dimensions, seed, random, patience, warm_up })
    }

    fn folder(&self, number: u64) -> PathBuf {
        self.study.join(format!("trial_{number:04}"))
    }

    /// Trials until there are as many as were asked for.
    fn go_on(&self, search: &Search, study: &Study, setup: &mut Setup) -> Result<()> {
        loop {
            interrupt::check()?;
            let trials = study.trials()?;
            let cut = trials.iter().position(|t| t.state == State::Begun);
            let number = cut.map_or(trials.len() as u64, |i| trials[i].number);
            if number >= self.trials {
                return Ok(());
            }
            let numbers = match cut {
                Some(i) => trials[i].numbers.clone(),
                None => search.suggest(number, &trials),
            };
            let words = report::assignments(&search.dimensions, &numbers);
            let args = TrainArgs::of_trial(&self.training, &words, &self.folder(number))?;
            let settings = args.settings(setup)?;
            if cut.is_none() {
                study.begin(number, &numbers)?;
            }
            setup.shown.clear();
            say!("trial {number} of {}: {}", self.trials, words.join(" "));
            let (mut told, mut gives_up) = (Ok(()), false);
            let mut watched = cut.map_or_else(
                || Trial { number, state: State::Begun, numbers, course: vec![], value: None },
                |i| trials[i].clone(),
            );
            let outcome = args.try_out(setup, settings, &mut |engine, job, event| {
                let Event::TrainValidated { step, dice: Some(dice), .. } = event else { return };
                // After the trial was stopped, the run may still do a few steps. They are not part of the trial, so that a
                // study does not depend on how busy the machine is.
                if gives_up {
                    return;
                }
                told = study.validated(number, *step, *dice);
                // A run that goes on from its checkpoint may make a validation a second time.
                let course = study.trials().ok().and_then(|all| all.into_iter().find(|t| t.number == number));
                watched.course = course.map_or_else(Vec::new, |t| t.course);
                gives_up = self.patience > 0 && search.gives_up(&watched, &trials);
                if gives_up || told.is_err() {
                    engine.cancel(job);
                }
            })?;
            told?;
            let best = trials.iter().filter_map(|t| t.value).fold(f64::NEG_INFINITY, f64::max);
            let outcome = if gives_up { Outcome::Stopped } else { outcome };
            match outcome {
                Outcome::Trained(result) => {
                    let value = result.comparison.as_ref().and_then(|c| c.after.mean_dice);
                    let Some(value) = value else {
                        bail!("no case was validated on: give some cases of the data the split val");
                    };
                    study.end(number, State::Finished, Some(value), None)?;
                    say!("trial {number}: Dice {value:.4}; the best is {:.4}", value.max(best));
                }
                Outcome::Stopped => {
                    study.end(number, State::Pruned, None, None)?;
                    let at = watched.course.last().copied().unwrap_or_default();
                    say!(
                        "trial {number}: stopped early at Dice {at:.4}, validation {}",
                        watched.course.len()
                    );
                }
                Outcome::Failed(reason) if trials.is_empty() => {
                    study.end(number, State::Failed, None, Some(&format!("{reason:#}")))?;
                    return Err(reason.context("the first trial failed"));
                }
                Outcome::Failed(reason) => {
                    study.end(number, State::Failed, None, Some(&format!("{reason:#}")))?;
                    say!("trial {number}: failed: {reason:#}");
                }
            }
        }
    }
}
