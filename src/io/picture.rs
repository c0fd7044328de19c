//! One picture of a raster file, before it is a volume or a slice of one.

use super::{
    OpenError, Progress,
    samples::Raw,
    source::{self, Extent},
};
use crate::label::LabelMap;
use std::{
    collections::BTreeSet,
    io::{self, BufRead, Cursor, Read, Seek, SeekFrom},
    path::Path,
};

/// Pixels row by row from the top left.
#[derive(Debug)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pub pixels: Raw,
    /// Slope and intercept of the values, where they are not those that are stored.
    pub rescale: [f32; 2],
    /// Its low values are to be shown white.
    pub low_is_white: bool,
    pub warnings: Vec<String>,
    /// How the stored picture was turned to stand upright; `None` where it is as it is stored.
    pub turn: Option<Turn>,
}

impl Picture {
    /// Upright, with the values that are stored.
    pub fn of_values([width, height]: [usize; 2], pixels: Raw) -> Self {
        Self {
            width,
            height,
            pixels,
            rescale: [1.0, 0.0],
            low_is_white: false,
            warnings: Vec::new(),
            turn: None,
        }
    }

    /// Adds the picture of the next slice, and what is to be said of it; an error says in words how it differs from the first.
    pub fn append(&mut self, next: Picture) -> Result<(), String> {
        let [size, other] = [&*self, &next].map(|p| format!("{} x {}", p.width, p.height));
        if size != other {
            return Err(format!("it is {other}, the first is {size}"));
        }
        if self.rescale != next.rescale {
            let [[slope, intercept], [m, b]] = [self.rescale, next.rescale];
            return Err(format!(
                "its values are the stored ones times {m} plus {b}, those of the first times {slope} plus {intercept}"
            ));
        }
        if self.low_is_white != next.low_is_white {
            return Err("low values are white in one and black in the other".to_owned());
        }
        self.pixels
            .append(next.pixels)
            .map_err(|[first, this]| format!("it has {this} pixels, the first has {first}"))?;
        for warning in next.warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        Ok(())
    }

    /// Turned as the file says it is to be looked at, with a note; as it is where it stands upright.
    pub fn upright(mut self, orientation: u16) -> Self {
        let Some(turn) = Turn::new(orientation) else { return self };
        let stored = [self.width, self.height];
        let note = turn.note(stored);
        [self.width, self.height] = turn.upright_size(stored);
        self.pixels = turn.apply(self.pixels, stored);
        self.warnings.push(note);
        self.turn = Some(turn);
        self
    }
}

/// How a stored picture is turned to stand upright: the orientation of EXIF and TIFF (TIFF 6.0, tag 274), 2 to 8.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turn(u16);

impl Turn {
    /// `None` for 1, which is upright, and for numbers that mean nothing.
    pub fn new(orientation: u16) -> Option<Self> {
        (2..=8).contains(&orientation).then_some(Self(orientation))
    }

    /// The orientations that the picture's rows and columns change places in.
    fn is_sideways(self) -> bool {
        self.0 >= 5
    }

    pub fn upright_size(self, [width, height]: [usize; 2]) -> [usize; 2] {
        if self.is_sideways() { [height, width] } else { [width, height] }
    }

    pub fn apply(self, pixels: Raw, stored: [usize; 2]) -> Raw {
        let [width, height] = stored;
        let [across, down] = self.upright_size(stored);
        let (right, bottom) = (width.saturating_sub(1), height.saturating_sub(1));
        let place = move |x: usize, y: usize| {
            let (column, row) = match self.0 {
                2 => (right - x, y),
                3 => (right - x, bottom - y),
                4 => (x, bottom - y),
                5 => (y, x),
                6 => (y, bottom - x),
                7 => (right - y, bottom - x),
                _ => (right - y, x),
            };
            row * width + column
        };
        pixels.taken((0..down).flat_map(move |y| (0..across).map(move |x| place(x, y))))
    }

    fn note(self, stored: [usize; 2]) -> String {
        let how = match self.0 {
            2 => "mirrored from left to right",
            3 => "turned by 180°",
            4 => "mirrored from top to bottom",
            5 => "mirrored and turned by 90°",
            6 => "turned by 90° clockwise",
            7 => "mirrored and turned by 270°",
            _ => "turned by 90° counter-clockwise",
        };
        let ([width, height], [across, down]) = (stored, self.upright_size(stored));
        format!(
            "The picture's EXIF note (orientation {}) says how it was held: it is shown upright, {how}, as {across} x {down} \
             pixels; stored are {width} x {height}. Masks belong to the upright picture",
            self.0
        )
    }
}

/// What [`Opened::turned`](super::Opened::turned) says of an image's slices: one number where all are turned alike.
pub fn turned(slices: &[Option<Turn>]) -> Option<String> {
    let number = |turn: &Option<Turn>| turn.map_or(1, |turn| turn.0).to_string();
    match slices {
        _ if slices.iter().all(Option::is_none) => None,
        [first, rest @ ..] if rest.iter().all(|turn| turn == first) => Some(number(first)),
        _ => Some(slices.iter().map(number).collect::<Vec<_>>().join(" ")),
    }
}

/// A mask that was drawn on the pictures as they are stored, turned as they are: what [`Opened::turned`](super::Opened::turned)
/// says of them. `None` where it has another size then, or does not say how to turn.
pub fn turned_mask(map: &LabelMap, turned: &str) -> Option<LabelMap> {
    let [width, height, depth] = map.dims();
    let numbers: Vec<u16> = turned.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
    let turns: Vec<Option<Turn>> = match numbers[..] {
        [all] => vec![Turn::new(all); depth],
        _ => numbers.into_iter().map(Turn::new).collect(),
    };
    if turns.len() != depth {
        return None;
    }
    let mut values = Vec::with_capacity(width * height * depth);
    for (z, turn) in turns.into_iter().enumerate() {
        let slice = map.slice(z);
        values.extend(match turn {
            None => slice,
            Some(turn) if turn.upright_size([width, height]) == [width, height] => {
                match turn.apply(Raw::U16(slice), [width, height]) {
                    Raw::U16(slice) => slice,
                    _ => return None,
                }
            }
            Some(_) => return None,
        });
    }
    LabelMap::from_values(map.dims(), &values)
}

/// A file's bytes to a decoder, until the caller no longer wants the picture.
pub struct Watched<'a> {
    bytes: Cursor<&'a [u8]>,
    progress: &'a dyn Progress,
}

impl<'a> Watched<'a> {
    pub fn new(bytes: &'a [u8], progress: &'a dyn Progress) -> Self {
        Self { bytes: Cursor::new(bytes), progress }
    }

    fn go_on(&self) -> io::Result<()> {
        // Not `Interrupted`, which readers try again.
        if self.progress.cancelled() { Err(io::Error::other("cancelled")) } else { Ok(()) }
    }
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.go_on()?;
        self.bytes.read(buffer)
    }
}

impl BufRead for Watched<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.go_on()?;
        // A part at a time, so that a decoder which takes what it gets comes back to be asked.
        self.bytes.fill_buf().map(|rest| &rest[..rest.len().min(PART)])
    }

    fn consume(&mut self, read: usize) {
        self.bytes.consume(read);
    }
}

impl Seek for Watched<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

/// Bytes that a decoder is given between two looks at `cancelled`.
const PART: usize = 1 << 16;

/// Numbers of 1 to 16 bits, packed from the high bit, each row of `row_bytes` beginning at a byte. What is missing is 0.
pub fn unpack(bytes: &[u8], row_bytes: usize, [per_row, rows]: [usize; 2], bits: usize) -> Raw {
    let number = |row: &[u8], i: usize| -> u16 {
        (i * bits..(i + 1) * bits).fold(0, |value, bit| {
            let byte = row.get(bit / 8).copied().unwrap_or(0);
            value << 1 | u16::from(byte >> (7 - bit % 8) & 1)
        })
    };
    let rows = bytes.chunks(row_bytes.max(1)).take(rows);
    let values = rows.flat_map(|row| (0..per_row).map(move |i| number(row, i)));
    if bits <= 8 { Raw::U8(values.map(|v| v as u8).collect()) } else { Raw::U16(values.collect()) }
}

/// LZW, JPEG and JPEG 2000 make at most about this many bytes of one, of a blank picture.
const MOST_INFLATION: u64 = 10_000;

/// Refuses sizes that a file of `file_bytes` cannot hold, or this machine's memory, before memory is taken for them.
pub fn check_size(path: &Path, sides: &[usize], bits: usize, file_bytes: usize) -> Result<(), OpenError> {
    if sides.contains(&0) {
        return Err(OpenError::corrupt(path, "its header says that it has no pixels"));
    }
    let asked = Extent::new(sides, bits.div_ceil(8)).with_bits(bits).packed_in(
        path,
        file_bytes as u64,
        MOST_INFLATION,
    )?;
    // Decoded, and once more as it is turned into samples.
    source::room(path, 2 * asked as u128)
}

/// Colours of 16 bits to 8, as a display would; said in a warning.
pub fn to_8_bits(samples: &[u16], channels: usize) -> Vec<[u8; 3]> {
    let byte = |v: u16| ((u32::from(v) * 255 + 32_767) / 65_535) as u8;
    samples.chunks_exact(channels).map(|p| [byte(p[0]), byte(p[1]), byte(p[2])]).collect()
}

pub const WARN_16_BIT_COLOUR: &str = "The colours were reduced from 16 to 8 bits per channel";
pub const WARN_ALPHA: &str = "The picture has transparent pixels; they are shown as if they were not";

/// What is to be said of a mask whose labels are indices of a palette: nothing where each index is also its shade.
pub fn palette_note(indices: &Raw, colour: impl Fn(usize) -> Option<[u8; 3]>) -> Option<String> {
    let used: BTreeSet<usize> = match indices {
        Raw::U8(v) => v.iter().map(|&i| i.into()).collect(),
        Raw::U16(v) => v.iter().map(|&i| i.into()).collect(),
        _ => BTreeSet::new(),
    };
    let shade = |i: usize| colour(i).filter(|[r, g, b]| r == g && g == b).map(|[r, ..]| r);
    if used.iter().all(|&i| shade(i).map(usize::from) == Some(i)) {
        return None;
    }
    let mut note =
        "It has a palette: the index of each pixel is read as its label, and the palette's colours are for looking at"
            .to_owned();
    let used: Vec<usize> = used.into_iter().collect();
    if let [low, high] = used[..]
        && let (Some(first), Some(second)) = (shade(low), shade(high))
        && first > second
    {
        note += &format!(
            ". Index {low} is shown brighter than index {high}: where the bright part is the structure, save the mask as grey"
        );
    }
    Some(note)
}

/// Drops the last of `channels + 1` samples, and says whether it was anything but `opaque`.
pub fn without_alpha<T: Copy + PartialEq>(samples: &[T], channels: usize, opaque: T) -> (Vec<T>, bool) {
    let transparent = samples.chunks_exact(channels + 1).any(|p| p[channels] != opaque);
    (samples.chunks_exact(channels + 1).flat_map(|p| p[..channels].iter().copied()).collect(), transparent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_slices_were_turned_is_said_and_a_mask_follows_it() {
        let turns = |numbers: &[u16]| numbers.iter().map(|&n| Turn::new(n)).collect::<Vec<_>>();
        assert_eq!(turned(&turns(&[1, 1])), None);
        assert_eq!(turned(&[]), None);
        assert_eq!(turned(&turns(&[3, 3])).as_deref(), Some("3"));
        assert_eq!(turned(&turns(&[1, 2])).as_deref(), Some("1 2"));
        let mask = LabelMap::from_values([2, 2, 2], &[1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
        let follows = |turned: &str| turned_mask(&mask, turned).map(|mask| mask.to_values());
        assert_eq!(follows("3"), Some(vec![4, 3, 2, 1, 8, 7, 6, 5]));
        assert_eq!(follows("1 2"), Some(vec![1, 2, 3, 4, 6, 5, 8, 7]));
        assert_eq!(follows("6 1"), Some(vec![3, 1, 4, 2, 5, 6, 7, 8]));
        for wrong in ["", "2 2 2", "upright", "-1"] {
            assert_eq!(follows(wrong), None, "{wrong}");
        }
        let wide = LabelMap::from_values([3, 1, 1], &[1, 2, 3]).unwrap();
        assert_eq!(turned_mask(&wide, "6"), None, "it has another size then");
    }
}
