//! A model by its name, loaded through the engine.

use super::report::Reporter;
use crate::engine::{Engine, Event, LoadedModel, ModelSource};
use crate::nn::bundled;
use anyhow::{Context, Result, bail};
use std::path::Path;

/// A model by file or bundled id.
pub fn load(engine: &Engine, name: &str, shown: &mut Reporter) -> Result<LoadedModel> {
    let source = if bundled::find(name).is_some() {
        ModelSource::Bundled(name.to_owned())
    } else if Path::new(name).exists() {
        ModelSource::File(name.into())
    } else {
        let known: Vec<&str> = bundled::MODELS.iter().map(|m| m.id).collect();
        bail!("there is no model file {name}, and no bundled model of that name ({})", known.join(", "));
    };
    let job = engine.load_model(source);
    loaded(engine.block_on(job, |e| shown.show(e)).with_context(|| format!("loading {name}"))?)
}

/// What the engine answers when it has loaded a model.
pub fn loaded(event: Event) -> Result<LoadedModel> {
    match event {
        Event::ModelLoaded { model, .. } => Ok(model),
        other => bail!("loading a model gave an unexpected result (a program error): {other:?}"),
    }
}
