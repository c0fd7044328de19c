//! The configuration of a run: from a recipe or a network's defaults, through the options of the command line, to JSON.

use super::TrainArgs;
use crate::{
    cli::dataset::DataShape,
    nn::{
        InputSpec, ModelCard, Rank, SPATIAL_TRANSFORMER, find,
        train::{
            Augment, Contrast, Loss, Method, Precision, Procedure, RECIPES, Recipe, TrainConfig, find_recipe,
        },
    },
};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// All that decides a run beside its data. `--print-config` prints it, `--set` changes it, a run's folder keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub recipe: Option<String>,
    pub network: String,
    /// The network's constructor arguments.
    pub config: Value,
    pub input: InputSpec,
    /// Pixels outside a case's valid mask are learned from and scored too.
    pub every_pixel: bool,
    pub train: TrainConfig,
}

impl Settings {
    /// For data of this shape, from a trained model's card where there is one.
    pub fn new(args: &TrainArgs, shape: DataShape, init: Option<&ModelCard>) -> Result<Self> {
        let procedure = args.procedure(shape.layout)?;
        if let Some(Procedure { classes, .. }) = &procedure
            && *classes != shape.classes
            && !args.set.iter().any(|s| s.starts_with("train.loss"))
        {
            bail!(
                "the recipe is for {classes} classes, background included, and the data has {}: choose a loss for those with --set train.loss=…",
                shape.classes
            );
        }
        let mut settings = match (init, procedure) {
            (Some(card), procedure) => Self {
                recipe: args.recipe.clone(),
                network: card.network.clone(),
                config: card.config.clone(),
                input: card.input.clone(),
                every_pixel: procedure.as_ref().is_some_and(|p| p.every_pixel),
                train: procedure.map_or_else(|| TrainConfig::fine_tune(card), |p| p.train),
            },
            (None, procedure) => Self::fresh(args, shape, procedure)?,
        };
        settings.train = args.changed(settings.train);
        if let Some(side) = args.longer_side {
            settings.input.longer_side = (side > 0).then_some(side);
        }
        for assignment in &args.set {
            settings = assigned(&settings, assignment).with_context(|| format!("--set {assignment}"))?;
        }
        if args.teacher.is_some() {
            settings.distil(&args.distill).with_context(|| format!("--distill {}", args.distill))?;
        }
        if let Some(card) = init
            && (&settings.network, &settings.config, &settings.input)
                != (&card.network, &card.config, &card.input)
        {
            bail!("--init keeps the model's network, config and input: leave out --set for these");
        }
        match settings.train.fault() {
            Some(fault) => bail!("{fault}"),
            None => Ok(settings),
        }
    }

    fn fresh(args: &TrainArgs, shape: DataShape, procedure: Option<Procedure>) -> Result<Self> {
        let asked = args.network.as_deref();
        let id = asked.or(procedure.as_ref().map(|p| p.network)).unwrap_or_default();
        let spec = find(id).with_context(|| {
            format!("there is no network \"{id}\"; `fovea models list` shows those that there are")
        })?;
        if spec.rank() == Rank::Volumes {
            bail!("{id} is a network of volumes: it is trained by a recipe (--recipe flare)");
        }
        let input =
            procedure.as_ref().map_or_else(|| TrainConfig::input_for(shape.modality), |p| p.input.clone());
        let mut config = spec.config_for(input.channels.count(), shape.classes);
        if let Some(map) = config.as_object_mut() {
            // A recipe's options are those of its own network.
            let own = procedure.as_ref().filter(|p| p.network == id).and_then(|p| p.options.as_object());
            map.extend(own.cloned().unwrap_or_default());
            map.extend(args.given_config()?);
        }
        if args.spatial_transformer {
            config[SPATIAL_TRANSFORMER] = true.into();
        }
        Ok(Self {
            recipe: args.recipe.clone(),
            network: id.to_owned(),
            config,
            input,
            every_pixel: procedure.as_ref().is_some_and(|p| p.every_pixel),
            train: procedure.map_or_else(|| TrainConfig::for_modality(shape.modality), |p| p.train),
        })
    }

    /// Adds what is learned from a teacher to the loss.
    fn distil(&mut self, text: &str) -> Result<()> {
        let added = Loss::parse(text)?;
        if added.terms.is_empty() || !added.terms.iter().all(|t| t.term.distils()) {
            bail!("only kl and mse learn from a teacher");
        }
        self.train.loss.terms.extend(added.terms);
        Ok(())
    }

    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }
}

/// The settings after an assignment such as `train.lr=0.001`. The keys must exist; the value is JSON or a word.
pub(super) fn assigned<S: Serialize + DeserializeOwned>(settings: &S, assignment: &str) -> Result<S> {
    let (path, text) = assignment.split_once('=').context("it is not KEY=VALUE")?;
    let mut value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    if path.ends_with("train.loss")
        && let Some(sum) = value.as_str()
    {
        value = serde_json::to_value(Loss::parse(sum)?)?;
    }
    let mut whole = serde_json::to_value(settings)?;
    let mut at = &mut whole;
    for key in path.split('.') {
        let known: Vec<String> = at.as_object().map(|m| m.keys().cloned().collect()).unwrap_or_default();
        let next = match at {
            Value::Array(items) => key.parse::<usize>().ok().and_then(|i| items.get_mut(i)),
            other => other.get_mut(key),
        };
        at = next.with_context(|| match known.is_empty() {
            true => format!("there is nothing under \"{key}\""),
            false => format!("there is no \"{key}\"; there are {}", known.join(", ")),
        })?;
    }
    *at = value;
    Ok(serde_json::from_value(whole)?)
}

impl TrainArgs {
    /// What the options say of a run.
    pub(super) fn changed(&self, mut train: TrainConfig) -> TrainConfig {
        fn set<T>(field: &mut T, given: Option<T>) {
            if let Some(given) = given {
                *field = given;
            }
        }
        set(&mut train.steps, self.steps);
        if self.steps.is_some() {
            train.epochs = None;
        }
        train.epochs = self.epochs.or(train.epochs);
        set(&mut train.batch, self.batch);
        set(&mut train.patch, self.patch);
        set(&mut train.lr, self.lr);
        set(&mut train.seed, self.seed);
        set(&mut train.validate_every, self.validate_every);
        if self.half {
            train.precision = Precision::Half;
        }
        if let Some(layer) = &self.pretrain {
            let contrast = train.pretrain.take().unwrap_or_default();
            train.pretrain = Some(Contrast { layer: layer.clone(), ..contrast });
        }
        if self.no_augment {
            (train.augment, train.copies) = (Augment::default(), vec![]);
        }
        train
    }

    /// `--config`: constructor arguments as a JSON object.
    pub(super) fn given_config(&self) -> Result<Map<String, Value>> {
        let Some(text) = &self.config else { return Ok(Map::new()) };
        let given: Value =
            serde_json::from_str(text.trim_start_matches('\u{feff}')).context("--config is not JSON")?;
        match given {
            Value::Object(given) => Ok(given),
            _ => bail!("--config must be a JSON object"),
        }
    }

    pub(super) fn recipe(&self) -> Result<Option<&'static Recipe>> {
        let Some(id) = &self.recipe else { return Ok(None) };
        let known: Vec<&str> = RECIPES.iter().map(|r| r.id).collect();
        let found = find_recipe(id);
        found
            .map(Some)
            .with_context(|| format!("there is no recipe \"{id}\"; there are {}", known.join(", ")))
    }

    /// What the recipe, if one is asked for, sets for data in this layout.
    pub(super) fn procedure(&self, layout: &str) -> Result<Option<Procedure>> {
        match self.recipe()? {
            None => Ok(None),
            Some(Recipe { method: Method::Slices(make), .. }) => Ok(Some(make(layout))),
            Some(Recipe { id, method: Method::Volumes(_), .. }) => {
                bail!("the recipe {id} trains networks of volumes, but a network of slices was asked for")
            }
        }
    }
}
