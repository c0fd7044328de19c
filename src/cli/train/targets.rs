//! What a run reads and writes, compared before it begins.

use super::{Place, TrainArgs, folds::FOLDS};
use crate::{
    cli::targets::read_model,
    engine::run_folder,
    io::{Targets, dataset},
};
use anyhow::Result;

impl TrainArgs {
    /// Everything that any run of these options reads. What is wrong with the data is told where they are opened.
    pub fn read_by(&self, targets: &mut Targets) {
        if let Some(data) = self.data.as_deref().filter(|data| data.exists()) {
            if !data.is_dir() {
                targets.read(data);
            }
            for case in dataset::read(data).map(|listed| listed.cases).unwrap_or_default() {
                for file in
                    [Some(&case.image), case.label.as_ref(), case.valid.as_ref()].into_iter().flatten()
                {
                    targets.read(file);
                }
            }
        }
        for model in [&self.init, &self.teacher].into_iter().flatten() {
            read_model(targets, model);
        }
        if let Some(coarse) = &self.coarse {
            targets.read(coarse);
        }
    }

    /// Checks the files of runs; `stages` are folders in a run's own folder.
    pub(super) fn may_write(&self, places: &[Option<Place>], stages: &[&str]) -> Result<()> {
        self.overwrite.check(&self.files_of(places, stages))?;
        // The folder of a run is made when its data have proved whole.
        let mut model = Targets::default();
        self.out.iter().for_each(|out| {
            model.write(out);
        });
        Ok(model.make_folders()?)
    }

    /// What runs read and write.
    pub(super) fn files_of(&self, places: &[Option<Place>], stages: &[&str]) -> Targets {
        let mut targets = self.overwrite.targets();
        self.read_by(&mut targets);
        for place in places.iter().flatten() {
            let mut files = vec![place.checkpoint.clone()];
            if let Some(folder) = &place.folder {
                let of_stages = stages.iter().map(|stage| folder.join(stage));
                for folder in of_stages.chain([folder.clone()]) {
                    files.extend(run_folder::FILES.map(|name| folder.join(name)));
                }
                files.extend(stages.iter().map(|stage| folder.join(stage).with_extension("safetensors")));
            }
            files.sort();
            files.dedup();
            for file in files {
                match (place.resume, run_folder::went_on_by_itself(&file)) {
                    (false, _) => targets.write(file),
                    (true, None) => targets.write_again(file),
                    (true, Some(is_own)) => targets.write_on(file, is_own),
                };
            }
        }
        if let (Some(run), Some(_)) = (&self.run, self.folds) {
            targets.write_again(run.join(FOLDS));
        }
        if let Some(out) = &self.out {
            targets.write(out);
        }
        targets
    }
}
