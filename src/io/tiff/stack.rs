//! Which pages make which volume: by what the file describes, else by their size.

use super::{
    Pages,
    chunk::COMPRESSION_NONE,
    described::{Described, Spacing, stack_of},
    description,
    page::{self, tag},
};
use crate::{
    geom::Grid,
    io::{
        OpenError, SeriesInfo,
        picture::{Picture, Turn},
    },
    words::counted,
};
use std::path::Path;

/// One slice: a channel of a page, or of the pixels that follow a page without a directory of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plane {
    pub page: usize,
    pub channel: usize,
    /// Bytes between the page's own pixels and these.
    pub skip: u64,
}

/// Slices that make one volume.
#[derive(Clone, Debug)]
pub struct Stack {
    pub id: String,
    pub title: String,
    /// Columns and rows, upright.
    pub size: [usize; 2],
    pub planes: Vec<Plane>,
    /// Shown where none is asked for.
    pub is_first: bool,
    /// What is shown of what, where there is more.
    pub choice: Option<String>,
    spacing: Spacing,
    sideways: bool,
}

impl Stack {
    pub fn info(&self, shown: bool) -> SeriesInfo {
        let [width, height] = self.size;
        let dims = [width, height, self.planes.len()];
        SeriesInfo { id: self.id.clone(), title: self.title.clone(), dims, shown }
    }

    /// The grid of a stack of pictures like this one; what is wrong with the spacing goes to the warnings.
    pub fn grid(
        &self,
        path: &Path,
        picture: &Picture,
        warnings: &mut Vec<String>,
    ) -> Result<Grid, OpenError> {
        let dims = [picture.width, picture.height, self.planes.len()];
        let grid = match self.spacing.millimetres(dims[2], warnings) {
            Some([x, y, z]) if self.sideways => Grid::spaced(dims, [y, x, z]),
            Some(steps) => Grid::spaced(dims, steps),
            None => Grid::pixels(dims),
        };
        grid.map_err(|e| OpenError::grid(path, e))
    }
}

impl Spacing {
    /// Along x, y and z; `None` where the file states none, or none that can be used, which is a warning.
    fn millimetres(&self, slices: usize, warnings: &mut Vec<String>) -> Option<[f64; 3]> {
        let named: Vec<&str> =
            self.units.iter().flatten().map(String::as_str).filter(|u| !description::is_no_unit(u)).collect();
        if let Some(unknown) = named.iter().find(|unit| description::millimetres(unit).is_none()) {
            warnings.push(format!(
                "Its spacing is in \"{unknown}\", which is not a known unit of length: it is not used"
            ));
            return None;
        }
        let step = |axis: usize| {
            let unit = description::millimetres(self.units[axis].as_deref()?)?;
            self.steps[axis].filter(|step| step.is_finite() && *step > 0.0).map(|step| step * unit)
        };
        let (x, y) = (step(0)?, step(1).or(step(0))?);
        match step(2) {
            Some(z) => Some([x, y, z]),
            None if slices == 1 => Some([x, y, x]),
            None => {
                warnings.push(
                    "It states the size of its pixels and not the distance of its slices: no spacing is used"
                        .into(),
                );
                None
            }
        }
    }
}

impl Pages<'_> {
    /// Every volume that the file holds, at least one.
    pub(super) fn stacks(&mut self) -> Result<Vec<Stack>, OpenError> {
        match self.described() {
            None => self.by_size(),
            Some(Ok(described)) => match self.by_description(&described)? {
                Ok(stacks) => Ok(stacks),
                Err(words) => self.as_they_are(&words),
            },
            Some(Err(words)) => self.as_they_are(&words),
        }
    }

    fn as_they_are(&mut self, words: &str) -> Result<Vec<Stack>, OpenError> {
        self.warnings.push(format!(
            "Its description ({words}) does not fit its pages ({}): they are shown as they are, one after another",
            self.directories.len()
        ));
        self.by_size()
    }

    fn described(&self) -> Option<Result<Vec<Described>, String>> {
        let first = &self.directories[self.shown[0]];
        let name = self.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let text = self.file.text(first, tag::DESCRIPTION).unwrap_or_default();
        let parts = self.series_of_tifffile();
        if parts.len() > 1 {
            return Some(description::series(&parts));
        }
        let mut described = description::read(&text, &name, [self.directories.len(), self.shown.len()]);
        if described.is_none() && self.shown.len() == 1 {
            let planes = self.file.count(first, tag::METAMORPH_PLANES).filter(|&n| n > 1)?;
            described = Some(Ok(vec![stack_of(planes, format!("{planes} planes of MetaMorph"))]));
        }
        // ImageJ puts the size of a pixel into the resolution.
        let per_unit = |tag| self.file.real(first, tag).first().map(|n| 1.0 / n);
        let resolution = [per_unit(tag::X_RESOLUTION), per_unit(tag::Y_RESOLUTION)];
        described.map(|read| {
            read.map(|mut images| {
                for image in images.iter_mut().filter(|image| image.spacing.in_resolution) {
                    image.spacing.steps[..2].copy_from_slice(&resolution);
                }
                images
            })
        })
    }

    /// What describes each series of a file of tifffile's, and its pages; none where the first page describes no such.
    fn series_of_tifffile(&self) -> Vec<(String, Vec<usize>)> {
        let mut parts: Vec<(String, Vec<usize>)> = Vec::new();
        for &page in &self.shown {
            let text = self.file.text(&self.directories[page], tag::DESCRIPTION).unwrap_or_default();
            match parts.last_mut() {
                _ if description::begins_series(&text) => parts.push((text, vec![page])),
                Some((_, pages)) => pages.push(page),
                None => break,
            }
        }
        parts
    }

    /// The stacks, or the numbers of the description that the pages do not fit.
    fn by_description(&mut self, images: &[Described]) -> Result<Result<Vec<Stack>, String>, OpenError> {
        let mut stacks = Vec::new();
        let mut used = 0;
        for (i, image) in images.iter().enumerate() {
            let Some(planes) = self.planes_of(image)? else { return Ok(Err(image.words.clone())) };
            used += planes.len();
            let lead = self.page(planes[0].page)?;
            let stored = [lead.width, lead.height];
            for plane in &planes {
                if self.size(plane.page)? != stored {
                    return Ok(Err(format!("{}, of one size", image.words)));
                }
            }
            let sizes = image.sizes;
            // A page of several grey samples has as many channels.
            let (channels, within) = (sizes.channels * lead.channels(), lead.channels());
            for moment in 0..sizes.moments {
                for channel in 0..channels {
                    let slice = |z| Plane {
                        channel: channel % within,
                        ..planes[image.place(channel / within, z, moment)]
                    };
                    let part = |letter, count: usize, n: usize| match count {
                        1 => None,
                        _ => Some(format!("{letter}{}", n + 1)),
                    };
                    let ids = [
                        part("i", images.len(), i),
                        part("c", channels, channel),
                        part("t", sizes.moments, moment),
                    ];
                    let said = |word, count: usize, n: usize| match count {
                        1 => None,
                        _ => Some(format!("{word} {} of {count}", n + 1)),
                    };
                    let name = image.names.get(channel).cloned().flatten();
                    let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
                    let titles = [
                        said("image", images.len(), i),
                        said("channel", channels, channel).map(|title| title + &name),
                        said("time point", sizes.moments, moment),
                    ];
                    stacks.push(self.stack(
                        ids.into_iter().flatten().collect(),
                        titles.into_iter().flatten().collect::<Vec<_>>().join(", "),
                        (0..sizes.slices).map(slice).collect(),
                        image.spacing.clone(),
                    )?);
                }
            }
        }
        let left = if images.iter().any(|i| i.pages.is_some()) {
            self.directories.len().saturating_sub(used)
        } else {
            0
        };
        if left > 0 {
            self.warnings.push(format!(
                "{left} pages belong to none of the images that it describes and are not shown"
            ));
        }
        if let [first, _, ..] = &mut stacks[..] {
            first.is_first = true;
        }
        say_choice(&mut stacks);
        Ok(Ok(stacks))
    }

    fn stack(
        &self,
        id: String,
        title: String,
        planes: Vec<Plane>,
        spacing: Spacing,
    ) -> Result<Stack, OpenError> {
        let lead = self.page(planes[0].page)?;
        let stored = [lead.width, lead.height];
        let size = Turn::new(lead.orientation).map_or(stored, |turn| turn.upright_size(stored));
        let sideways = (5..=8).contains(&lead.orientation);
        Ok(Stack { id, title, size, planes, is_first: false, choice: None, spacing, sideways })
    }

    /// The planes of a described image in its order; `None` where the file has other ones.
    fn planes_of(&self, image: &Described) -> Result<Option<Vec<Plane>>, OpenError> {
        let plane = |page| Plane { page, channel: 0, skip: 0 };
        if let Some(pages) = &image.pages {
            return Ok(Some(pages.iter().copied().map(plane).collect()));
        }
        let Some(count) = image.sizes.product() else { return Ok(None) };
        if count == self.shown.len() {
            return Ok(Some(self.shown.iter().copied().map(plane).collect()));
        }
        if self.shown.len() != 1 {
            return Ok(None);
        }
        // ImageJ above 4 GiB: one directory, and the pixels of all images one after another.
        let only = self.shown[0];
        let page = self.page(only)?;
        let start = page.chunks.first().map_or(0, |[at, _]| *at);
        let mut next = start;
        for [at, bytes] in &page.chunks {
            if *at != next {
                return Ok(None);
            }
            next = next.saturating_add(*bytes);
        }
        let bytes = (page.row_bytes(page.width) * page.height * page.planes()) as u64;
        let end = bytes.checked_mul(count as u64).and_then(|all| all.checked_add(start));
        let fits = end.is_some_and(|end| end <= self.file.bytes.len() as u64);
        if page.tiled || page.compression != COMPRESSION_NONE || !fits {
            return Ok(None);
        }
        Ok(Some((0..count as u64).map(|i| Plane { page: only, channel: 0, skip: i * bytes }).collect()))
    }

    fn size(&self, index: usize) -> Result<[usize; 2], OpenError> {
        page::size(self.path, &self.file, &self.directories[index])
    }

    /// Pages of one size are a volume; the size that most pages have comes first.
    fn by_size(&mut self) -> Result<Vec<Stack>, OpenError> {
        let mut groups: Vec<([usize; 2], Vec<usize>)> = Vec::new();
        for &index in &self.shown {
            let size = self.size(index)?;
            match groups.iter_mut().find(|(s, _)| *s == size) {
                Some((_, pages)) => pages.push(index),
                None => groups.push((size, vec![index])),
            }
        }
        let most = groups.iter().map(|(_, pages)| pages.len()).max();
        let first = groups.iter().position(|(_, pages)| Some(pages.len()) == most);
        let several = groups.len() > 1;
        let mut stacks = Vec::new();
        for (i, ([width, height], pages)) in groups.iter().enumerate() {
            let channels = self.page(pages[0])?.channels();
            for channel in 0..channels {
                let (mut ids, mut titles) = (String::new(), Vec::new());
                if several {
                    ids = format!("{width}x{height}");
                    titles.push(format!("{width} x {height} ({})", counted(pages.len(), "page")));
                }
                if channels > 1 {
                    ids += &format!("c{}", channel + 1);
                    titles.push(format!("channel {} of {channels}", channel + 1));
                }
                let planes = pages.iter().map(|&page| Plane { page, channel, skip: 0 }).collect();
                let mut stack = self.stack(ids, titles.join(", "), planes, Spacing::default())?;
                stack.is_first = Some(i) == first && channel == 0;
                stacks.push(stack);
            }
        }
        say_choice(&mut stacks);
        Ok(stacks)
    }
}

/// What is shown of what.
fn say_choice(stacks: &mut [Stack]) {
    let count = stacks.len();
    if count > 1 {
        for stack in stacks {
            stack.choice = Some(format!("The file holds {count} images; {} is shown", stack.title));
        }
    }
}
