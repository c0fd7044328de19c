//! What can be said of the pages of a TIFF, whoever says it.

/// Slices, channels and moments; each at least 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    pub channels: usize,
    pub slices: usize,
    pub moments: usize,
}

impl Sizes {
    /// `None` where there are more than can be counted.
    pub fn product(self) -> Option<usize> {
        self.channels.checked_mul(self.slices)?.checked_mul(self.moments)
    }
}

/// An axis along which pages follow one another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Axis {
    Channel,
    Slice,
    Moment,
}

impl Axis {
    pub fn of_letter(letter: char) -> Option<Self> {
        match letter.to_ascii_uppercase() {
            'C' => Some(Self::Channel),
            'Z' => Some(Self::Slice),
            'T' => Some(Self::Moment),
            _ => None,
        }
    }

    fn size(self, sizes: Sizes) -> usize {
        match self {
            Self::Channel => sizes.channels,
            Self::Slice => sizes.slices,
            Self::Moment => sizes.moments,
        }
    }
}

/// One image that a description speaks of.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// What the numbers are called in a warning: `channels=2 slices=5`.
    pub words: String,
    pub sizes: Sizes,
    /// From the axis that changes with each page to the slowest.
    pub order: [Axis; 3],
    pub spacing: Spacing,
    /// Of the channels, where they have any.
    pub names: Vec<Option<String>>,
    /// Which page each image of the order is; `None` where they are in the order of the file.
    pub pages: Option<Vec<usize>>,
}

impl Described {
    /// The place in the order of a channel, slice and moment.
    pub fn place(&self, channel: usize, slice: usize, moment: usize) -> usize {
        let mut step = 1;
        let mut place = 0;
        for axis in self.order {
            place += step
                * match axis {
                    Axis::Channel => channel,
                    Axis::Slice => slice,
                    Axis::Moment => moment,
                };
            step *= axis.size(self.sizes);
        }
        place
    }
}

/// The distances of pixels, in one unit of length or in none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spacing {
    /// Along x, y, z, in the unit; x and y of ImageJ are in the resolution fields.
    pub steps: [Option<f64>; 3],
    /// Along x, y, z, as the file names them.
    pub units: [Option<String>; 3],
    /// Those along x and y are in the page's resolution.
    pub in_resolution: bool,
}

/// A stack without more to say of it.
pub fn stack_of(count: usize, words: String) -> Described {
    Described {
        words,
        sizes: Sizes { channels: 1, slices: count, moments: 1 },
        order: [Axis::Channel, Axis::Slice, Axis::Moment],
        spacing: Spacing::default(),
        names: Vec::new(),
        pages: None,
    }
}
