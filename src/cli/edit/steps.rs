//! `--effect` and `--set`, whose order matters.

use crate::edit::effects::Step;
use clap::{Arg, ArgAction, ArgMatches, Command, Error, FromArgMatches, error::ErrorKind};
use serde_json::Value;

/// Effects in the order of the command line, each with the `--set`s that follow it.
#[derive(Clone, Debug, Default)]
pub struct StepArguments(pub Vec<Step>);

const EFFECT: &str = "effect";
const SET: &str = "set";

impl clap::Args for StepArguments {
    fn augment_args(command: Command) -> Command {
        let several = |id: &'static str| Arg::new(id).long(id).action(ArgAction::Append);
        command
            .arg(several(EFFECT).value_name("NAME").help(
                "An effect by its name; --list shows them. May be given several times: they are done in that order",
            ))
            .arg(several(SET).value_name("KEY=VALUE").help(
                "Tells the effect before it something. May be given several times",
            ))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for StepArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let said = |id: &str| -> Vec<(usize, String)> {
            let places = matches.indices_of(id).into_iter().flatten();
            let texts = matches.get_many::<String>(id).into_iter().flatten().cloned();
            places.zip(texts).collect()
        };
        let wrong = |text: String| Error::raw(ErrorKind::ValueValidation, text + "\n");
        let effects = said(EFFECT);
        let mut steps: Vec<Step> =
            effects.iter().map(|(_, effect)| Step { effect: effect.clone(), ..Step::default() }).collect();
        for (place, text) in said(SET) {
            let before = effects.partition_point(|(at, _)| *at < place);
            let Some(step) = before.checked_sub(1).and_then(|at| steps.get_mut(at)) else {
                return Err(wrong(format!(
                    "--set {text} belongs to no effect: write it after --effect NAME"
                )));
            };
            let Some((key, value)) = text.split_once('=') else {
                return Err(wrong(format!("--set {text}: it should be KEY=VALUE, such as radius_mm=2")));
            };
            step.set.insert(key.to_owned(), Value::String(value.to_owned()));
        }
        Ok(Self(steps))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
