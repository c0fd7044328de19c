//! The trials of a search, in an SQLite file: each is there before it begins, and what each validation came to as soon as it
//! is known, so that a search that was killed goes on with the trial that it was at.

use super::store::{StoreError, check_companions};
use crate::nn::train::search::{State, Trial};
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// What decides a search beside the number of its trials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub ranges: Vec<String>,
    /// What every trial has in common, as `fovea train` takes it.
    pub training: Vec<String>,
    pub seed: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    #[error("the study {}: {cause}", path.display())]
    Sqlite { path: PathBuf, cause: rusqlite::Error },
    #[error("another search is running in {}; wait for it, or choose another folder", .0.display())]
    Busy(PathBuf),
    #[error("{} is of another search: {what}; use the same ranges and options, or choose another folder", path.display())]
    Other { path: PathBuf, what: String },
    #[error("{} is damaged: {what}", path.display())]
    Damaged { path: PathBuf, what: String },
    #[error("the study {}: {cause}", path.display())]
    Unfit { path: PathBuf, cause: StoreError },
}

/// An open study, held against every other process.
pub struct Study {
    db: Connection,
    path: PathBuf,
}

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS plan (only INTEGER PRIMARY KEY CHECK (only = 0), json TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS trials (
        number INTEGER PRIMARY KEY, state TEXT NOT NULL, numbers TEXT NOT NULL, value REAL, reason TEXT
    );
    CREATE TABLE IF NOT EXISTS validations (
        trial INTEGER NOT NULL REFERENCES trials (number), step INTEGER NOT NULL, value REAL NOT NULL,
        PRIMARY KEY (trial, step)
    );";

impl Study {
    /// Opens or makes a study; one that is there must be of the same plan.
    pub fn open(path: &Path, plan: &Plan) -> Result<Self, StudyError> {
        let unfit = |cause| StudyError::Unfit { path: path.to_owned(), cause };
        check_companions(path).map_err(unfit)?;
        if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
            return Err(unfit(StoreError::NotAFile(path.to_owned())));
        }
        let failed = |cause: rusqlite::Error| match cause.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy) => StudyError::Busy(path.to_owned()),
            _ => StudyError::Sqlite { path: path.to_owned(), cause },
        };
        let prepared = Connection::open(path).and_then(|db| {
            db.busy_timeout(Duration::from_millis(200))?;
            db.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
            db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
            db.pragma_update(None, "synchronous", "FULL")?;
            db.execute_batch("BEGIN IMMEDIATE; COMMIT")?;
            db.execute_batch(SCHEMA)?;
            Ok(db)
        });
        let study = Self { db: prepared.map_err(failed)?, path: path.to_owned() };
        let json = study.json(plan)?;
        let kept = study.db.query_row("SELECT json FROM plan", [], |row| row.get::<_, String>(0));
        match study.sqlite(kept.optional())? {
            None => {
                study.sqlite(study.db.execute("INSERT INTO plan VALUES (0, ?1)", [json]))?;
            }
            Some(kept) => {
                let kept: Plan = serde_json::from_str(&kept).map_err(|e| study.damaged(&e))?;
                if let Some(what) = difference(&kept, plan) {
                    return Err(StudyError::Other { path: path.to_owned(), what });
                }
            }
        }
        Ok(study)
    }

    /// All trials, by number.
    pub fn trials(&self) -> Result<Vec<Trial>, StudyError> {
        type Row = (i64, String, String, Option<f64>);
        let rows = || -> rusqlite::Result<Vec<Row>> {
            let mut query =
                self.db.prepare("SELECT number, state, numbers, value FROM trials ORDER BY number")?;
            let rows = query.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?;
            rows.collect()
        };
        let trial = |(number, state, numbers, value): Row| -> Result<Trial, StudyError> {
            let number = number.cast_unsigned();
            let state = serde_json::from_value(state.into()).map_err(|e| self.damaged(&e))?;
            let numbers = serde_json::from_str(&numbers).map_err(|e| self.damaged(&e))?;
            Ok(Trial { number, state, numbers, course: self.course(number)?, value })
        };
        self.sqlite(rows())?.into_iter().map(trial).collect()
    }

    fn course(&self, number: u64) -> Result<Vec<f64>, StudyError> {
        let values = || -> rusqlite::Result<Vec<f64>> {
            let mut query =
                self.db.prepare("SELECT value FROM validations WHERE trial = ?1 ORDER BY step")?;
            query.query_map([number.cast_signed()], |row| row.get(0))?.collect()
        };
        self.sqlite(values())
    }

    pub fn begin(&self, number: u64, numbers: &[f64]) -> Result<(), StudyError> {
        let (state, numbers) = (self.json(&State::Begun)?, self.json(&numbers)?);
        let sql = "INSERT INTO trials (number, state, numbers) VALUES (?1, ?2, ?3)";
        self.sqlite(self.db.execute(sql, params![number.cast_signed(), state.trim_matches('"'), numbers]))
            .map(|_| ())
    }

    /// What the validation after `step` steps came to.
    pub fn validated(&self, number: u64, step: u64, value: f64) -> Result<(), StudyError> {
        let sql = "INSERT OR REPLACE INTO validations VALUES (?1, ?2, ?3)";
        self.sqlite(self.db.execute(sql, params![number.cast_signed(), step.cast_signed(), value]))
            .map(|_| ())
    }

    pub fn end(
        &self,
        number: u64,
        state: State,
        value: Option<f64>,
        reason: Option<&str>,
    ) -> Result<(), StudyError> {
        let state = self.json(&state)?;
        let sql = "UPDATE trials SET state = ?2, value = ?3, reason = ?4 WHERE number = ?1";
        self.sqlite(
            self.db.execute(sql, params![number.cast_signed(), state.trim_matches('"'), value, reason]),
        )
        .map(|_| ())
    }

    fn json(&self, value: &impl Serialize) -> Result<String, StudyError> {
        serde_json::to_string(value).map_err(|e| self.damaged(&e))
    }

    fn sqlite<T>(&self, result: rusqlite::Result<T>) -> Result<T, StudyError> {
        result.map_err(|cause| StudyError::Sqlite { path: self.path.clone(), cause })
    }

    fn damaged(&self, error: &serde_json::Error) -> StudyError {
        StudyError::Damaged { path: self.path.clone(), what: error.to_string() }
    }
}

fn difference(kept: &Plan, plan: &Plan) -> Option<String> {
    let words = |what: &str, then: &[String], now: &[String]| {
        (then != now).then(|| format!("its {what} were {} and are {}", then.join(" "), now.join(" ")))
    };
    words("ranges", &kept.ranges, &plan.ranges)
        .or_else(|| words("options", &kept.training, &plan.training))
        .or_else(|| (kept.seed != plan.seed).then(|| format!("its seed was {}", kept.seed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan { ranges: vec!["a=uniform(0,1)".into()], training: vec!["--data".into(), "x".into()], seed: 1 }
    }

    #[test]
    fn trials_are_there_again_and_a_cut_one_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("study.db");
        let study = Study::open(&path, &plan()).unwrap();
        study.begin(0, &[0.25]).unwrap();
        for (step, value) in [(10, 0.5), (20, 0.625)] {
            study.validated(0, step, value).unwrap();
        }
        study.end(0, State::Finished, Some(0.625), None).unwrap();
        study.begin(1, &[0.75]).unwrap();
        study.validated(1, 10, 0.1).unwrap();
        assert!(matches!(Study::open(&path, &plan()), Err(StudyError::Busy(_))), "one search at a time");
        drop(study);
        let study = Study::open(&path, &plan()).unwrap();
        // The run goes on from a checkpoint before that validation.
        study.validated(1, 10, 0.125).unwrap();
        let trial = |number, state, n: f64, course: &[f64], value| Trial {
            number,
            state,
            numbers: vec![n],
            course: course.to_vec(),
            value,
        };
        let first = trial(0, State::Finished, 0.25, &[0.5, 0.625], Some(0.625));
        assert_eq!(study.trials().unwrap(), [first, trial(1, State::Begun, 0.75, &[0.125], None)]);
    }

    #[test]
    fn another_plan_or_another_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("study.db");
        drop(Study::open(&path, &plan()).unwrap());
        let told = |plan: &Plan| Study::open(&path, plan).map(|_| ()).unwrap_err().to_string();
        assert!(told(&Plan { ranges: vec!["b=uniform(0,1)".into()], ..plan() }).contains("b=uniform"));
        assert!(told(&Plan { training: vec![], ..plan() }).contains("--data x"));
        assert!(told(&Plan { seed: 2, ..plan() }).contains("seed was 1"));
        std::fs::write(&path, vec![7; 4096]).unwrap();
        assert!(told(&plan()).contains("not a database"), "{}", told(&plan()));
        // It may name any file to be removed.
        std::fs::write(folder.path().join("study.db-journal"), "").unwrap();
        assert!(told(&plan()).contains("study.db-journal lies beside it"), "{}", told(&plan()));
    }
}
