//! What the runs of one command share: threads, the images in memory, the models that they start from.

use super::{TrainArgs, transformed};
use crate::{
    cli::{
        dataset::{self, Dataset, Request},
        load::load,
        report::Reporter,
    },
    engine::{Engine, EngineOptions, LoadedModel},
    nn::{DeviceChoice, ModelCard},
};
use anyhow::{Context, Result};

pub struct Setup {
    /// None once a run was interrupted.
    pub engine: Option<Engine>,
    pub shown: Reporter,
    pub data: Dataset,
    pub init: Option<LoadedModel>,
    pub teacher: Option<LoadedModel>,
}

impl Setup {
    pub fn open(args: &TrainArgs, device: DeviceChoice) -> Result<Self> {
        let engine =
            Engine::start(EngineOptions::headless(device)).context("threads could not be started")?;
        let mut shown = Reporter::new();
        let mut model =
            |name: &Option<String>| name.as_deref().map(|n| load(&engine, n, &mut shown)).transpose();
        let (mut init, teacher) = (model(&args.init)?, model(&args.teacher)?);
        if let Some(plain) = init.take_if(|_| args.spatial_transformer) {
            init = Some(transformed(&engine, &plain, &mut shown)?);
        }
        let request = Request {
            data: args.data.clone().unwrap_or_default(),
            modality: args.modality.map(Into::into),
            phantoms: args.cases,
            seed: args.seed.unwrap_or(1),
            values: args.labels.values(init.as_ref().map(|m| &m.card.labels))?,
            labels: init.as_ref().map(|m| m.card.labels.clone()),
            names: args.labels.names().unwrap_or_default().to_vec(),
        };
        let data = dataset::load(&engine, request, &mut shown)?;
        Ok(Self { engine: Some(engine), shown, data, init, teacher })
    }

    pub fn init_card(&self) -> Option<&ModelCard> {
        self.init.as_ref().map(|m| m.card.as_ref())
    }
}
