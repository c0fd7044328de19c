//! OME-XML (2016-06 and before): images of channels, slices and moments, and the pages on which their planes are.

use super::described::{Axis, Described, Sizes, Spacing};
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

#[derive(Default)]
struct Image {
    order: String,
    sizes: [Option<usize>; 3],
    steps: [Option<f64>; 3],
    units: [Option<String>; 3],
    /// Name and samples in a pixel of each channel.
    channels: Vec<(Option<String>, usize)>,
    data: Vec<TiffData>,
}

/// Where some planes are.
#[derive(Default)]
struct TiffData {
    page: Option<usize>,
    count: Option<usize>,
    /// Channel, slice and moment of the first.
    first: [usize; 3],
    file: Option<String>,
}

/// `pages` counts those of the file. The error has the numbers that do not fit.
pub fn read(text: &str, file_name: &str, pages: usize) -> Result<Vec<Described>, String> {
    let images = parse(text)?;
    let several = images.len() > 1;
    let mut left = pages;
    let mut found = Vec::new();
    for (i, image) in images.iter().enumerate() {
        let described = image.described(file_name, pages).map_err(|what| match several {
            true => format!("image {}: {what}", i + 1),
            false => what,
        })?;
        // Together they have no more planes than the file has pages, so that what is claimed is bounded.
        left = left
            .checked_sub(described.sizes.product().unwrap_or(usize::MAX))
            .ok_or(described.words.clone())?;
        found.push(described);
    }
    if found.is_empty() {
        return Err("no Pixels in its OME-XML".into());
    }
    Ok(found)
}

fn parse(text: &str) -> Result<Vec<Image>, String> {
    let mut reader = Reader::from_str(text);
    let mut images: Vec<Image> = Vec::new();
    loop {
        let event = reader.read_event().map_err(|e| format!("its OME-XML cannot be read: {e}"))?;
        let element = match &event {
            Event::Start(element) | Event::Empty(element) => element,
            Event::Eof => return Ok(images),
            _ => continue,
        };
        let name = element.local_name();
        let last = images.last_mut();
        match (name.as_ref(), last) {
            (b"BinaryOnly", _) => return Err("its OME-XML is in another file (BinaryOnly)".into()),
            (b"Pixels", _) => images.push(Image::new(element)),
            (b"Channel", Some(image)) => {
                let samples = number(element, b"SamplesPerPixel").unwrap_or(1).max(1);
                image.channels.push((attribute(element, b"Name"), samples));
            }
            (b"TiffData", Some(image)) => image.data.push(TiffData {
                page: number(element, b"IFD"),
                count: number(element, b"PlaneCount"),
                first: [b"FirstC", b"FirstZ", b"FirstT"].map(|key| number(element, key).unwrap_or(0)),
                file: None,
            }),
            (b"UUID", Some(image)) => {
                if let Some(data) = image.data.last_mut() {
                    data.file = attribute(element, b"FileName");
                }
            }
            _ => {}
        }
    }
}

fn attribute(element: &BytesStart, key: &[u8]) -> Option<String> {
    let found =
        element.attributes().with_checks(false).flatten().find(|a| a.key.local_name().as_ref() == key)?;
    let text = String::from_utf8_lossy(&found.value).into_owned();
    Some(quick_xml::escape::unescape(&text).map(|t| t.into_owned()).unwrap_or(text))
}

fn number(element: &BytesStart, key: &[u8]) -> Option<usize> {
    attribute(element, key)?.trim().parse().ok()
}

impl Image {
    fn new(pixels: &BytesStart) -> Self {
        let real = |key: &[u8]| attribute(pixels, key)?.trim().parse::<f64>().ok();
        // Where a size has no unit, it is in micrometres.
        let unit = |size: &[u8], unit: &[u8]| {
            attribute(pixels, unit).or_else(|| real(size).map(|_| "\u{b5}m".to_owned()))
        };
        Self {
            order: attribute(pixels, b"DimensionOrder").unwrap_or_default(),
            sizes: [b"SizeC", b"SizeZ", b"SizeT"].map(|key| number(pixels, key)),
            steps: [real(b"PhysicalSizeX"), real(b"PhysicalSizeY"), real(b"PhysicalSizeZ")],
            units: [
                unit(b"PhysicalSizeX", b"PhysicalSizeXUnit"),
                unit(b"PhysicalSizeY", b"PhysicalSizeYUnit"),
                unit(b"PhysicalSizeZ", b"PhysicalSizeZUnit"),
            ],
            ..Self::default()
        }
    }

    fn described(&self, file_name: &str, pages: usize) -> Result<Described, String> {
        let [c, z, t] = self.sizes.map(|n| n.map_or("?".into(), |n| n.to_string()));
        let words = format!("SizeC={c} SizeZ={z} SizeT={t}");
        let ([Some(all_channels), Some(slices), Some(moments)], true) =
            (self.sizes, !self.sizes.contains(&Some(0)))
        else {
            return Err(words);
        };
        // SizeC counts samples; the samples of a colour are on one page.
        let together = self.channels.first().map_or(1, |(_, samples)| *samples);
        let sizes = Sizes { channels: (all_channels / together).max(1), slices, moments };
        let order: Option<Vec<Axis>> =
            self.order.chars().filter(|c| !"XY".contains(*c)).map(Axis::of_letter).collect();
        let order: [Axis; 3] = order
            .and_then(|order| order.try_into().ok())
            .filter(|order: &[Axis; 3]| (1..3).all(|i| !order[..i].contains(&order[i])))
            .ok_or_else(|| format!("{words} DimensionOrder={}", self.order))?;
        let total = sizes.product().filter(|&n| n <= pages).ok_or_else(|| words.clone())?;
        let mut described = Described {
            words,
            sizes,
            order,
            spacing: Spacing { steps: self.steps, units: self.units.clone(), in_resolution: false },
            names: self.channels.iter().map(|(name, _)| name.clone()).collect(),
            pages: None,
        };
        if !self.data.is_empty() {
            described.pages = Some(self.placed(&described, total, file_name, pages)?);
        }
        Ok(described)
    }

    /// The page of each plane in the image's order.
    fn placed(
        &self,
        described: &Described,
        total: usize,
        file_name: &str,
        pages: usize,
    ) -> Result<Vec<usize>, String> {
        let mut files: Vec<&str> = self.data.iter().filter_map(|d| d.file.as_deref()).collect();
        files.sort_unstable();
        files.dedup();
        // A file that was renamed still names itself.
        let is_here =
            |data: &TiffData| files.len() < 2 || data.file.as_deref().is_none_or(|name| name == file_name);
        let mut placed: Vec<Option<usize>> = vec![None; total];
        for data in self.data.iter().filter(|data| is_here(data)) {
            let [channel, slice, moment] = data.first;
            let sizes = described.sizes;
            if channel >= sizes.channels || slice >= sizes.slices || moment >= sizes.moments {
                continue;
            }
            let start = described.place(channel, slice, moment);
            let count = data.count.unwrap_or(if data.page.is_some() { 1 } else { total });
            let page = data.page.unwrap_or(0);
            for (i, place) in placed.iter_mut().skip(start).take(count).enumerate() {
                *place = Some(page + i).filter(|&page| page < pages);
            }
        }
        let missing = placed.iter().filter(|page| page.is_none()).count();
        if missing > 0 {
            let elsewhere = files.iter().find(|name| **name != file_name && files.len() > 1);
            let elsewhere = elsewhere.map(|name| format!(" (others are in {name})")).unwrap_or_default();
            return Err(format!(
                "{}: {missing} of {total} planes are not in this file{elsewhere}",
                described.words
            ));
        }
        Ok(placed.into_iter().flatten().collect())
    }
}
