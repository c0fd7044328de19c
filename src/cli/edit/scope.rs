//! Where effects may look and change.

use crate::{
    edit::effects::{Scope, number},
    geom::{Grid, Plane},
};
use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use std::ops::RangeInclusive;

#[derive(Args, Clone, Debug, Default)]
pub struct ScopeArguments {
    /// Only these slices, as if there were no others: one, or first..last. The first slice of the image is 0
    #[arg(long, value_name = "FIRST..LAST", value_parser = slices)]
    pub slices: Option<RangeInclusive<usize>>,
    /// The plane that --slices counts in, and in which effects that work slice by slice do so. Without it, that of the file
    #[arg(long, value_enum)]
    pub plane: Option<PlaneArgument>,
    /// Change only voxels with values of the image in this range, both ends included
    #[arg(long, value_name = "LOW..HIGH", value_parser = values, allow_hyphen_values = true)]
    pub values: Option<[f32; 2]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlaneArgument {
    Axial,
    Coronal,
    Sagittal,
}

impl From<PlaneArgument> for Plane {
    fn from(argument: PlaneArgument) -> Self {
        match argument {
            PlaneArgument::Axial => Plane::Axial,
            PlaneArgument::Coronal => Plane::Coronal,
            PlaneArgument::Sagittal => Plane::Sagittal,
        }
    }
}

fn slices(text: &str) -> Result<RangeInclusive<usize>, String> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    match (first.trim().parse(), last.trim().parse()) {
        (Ok(first), Ok(last)) if first <= last => Ok(first..=last),
        (Ok::<usize, _>(first), Ok(last)) => {
            Err(format!("{first} is above {last}: write the lower one first, {last}..{first}"))
        }
        _ => Err("it should be the number of a slice, from 0, or two with .. between them, such as 10..20"
            .to_owned()),
    }
}

fn values(text: &str) -> Result<[f32; 2], String> {
    let Some((low, high)) = text.split_once("..") else {
        return Err(
            "it should be two numbers with .. between them, the lower one first, such as -200..50".to_owned()
        );
    };
    let [low, high] = [number(low)?, number(high)?];
    match low <= high {
        true => Ok([low as f32, high as f32]),
        false => Err(format!("{low} is above {high}: write the lower one first, {high}..{low}")),
    }
}

impl ScopeArguments {
    /// The slices in question; an error where there are none of these numbers.
    pub fn scope(&self, grid: &Grid) -> Result<Scope> {
        let plane = self.plane.map_or_else(|| grid.native_plane(), Plane::from);
        let normal = grid.plane_axes(plane).normal;
        let count = grid.dims()[normal.index()];
        let slices = self.slices.clone().unwrap_or(0..=count.saturating_sub(1));
        if *slices.end() >= count {
            let last = count.saturating_sub(1);
            bail!(
                "--slices {}..{}: the slices are 0 to {last}, counted from 0",
                slices.start(),
                slices.end()
            );
        }
        Ok(Scope { normal, slices })
    }
}
