//! The window's own fonts, and those of the system for names in scripts that the window's lack.
//!
//! Fonts of the system are looked for when such a name first shows, on a thread of the engine: a system may have
//! thousands. egui shapes what they show, so that Arabic letters are joined.

use crate::engine::Engine;
use egui::mutex::Mutex;
use egui::{Context, FallbackRequest, FontData, FontDefinitions, FontFamily, FontInsert, FontProvider};
use fontdb::{Database, FaceInfo, ID, Style};
use skrifa::MetadataProvider;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

/// The window's own, by weight. Where they come from is said in `assets/fonts/README.md`.
const REGULAR: (&str, &[u8]) = ("regular", include_bytes!("../../assets/fonts/FoveaSans-Regular.otf"));
const MEDIUM: (&str, &[u8]) = ("medium", include_bytes!("../../assets/fonts/FoveaSans-Medium.otf"));
const SEMIBOLD: (&str, &[u8]) = ("semibold", include_bytes!("../../assets/fonts/FoveaSans-SemiBold.otf"));

/// egui draws no bold letters: each weight is a family.
pub fn medium() -> FontFamily {
    FontFamily::Name(MEDIUM.0.into())
}

pub fn semibold() -> FontFamily {
    FontFamily::Name(SEMIBOLD.0.into())
}

/// The window's own fonts; egui's follow for signs that they lack.
pub fn own() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let of_egui = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    for (family, (name, bytes)) in
        [(FontFamily::Proportional, REGULAR), (medium(), MEDIUM), (semibold(), SEMIBOLD)]
    {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
        let names = [name.to_owned()].into_iter().chain(of_egui.iter().cloned());
        fonts.families.insert(family, names.collect());
    }
    fonts
}

/// Fonts that were found, and what is still looked for.
pub struct Fonts {
    book: Arc<Book>,
    catalogue: Arc<Catalogue>,
    search: Option<Receiver<Found>>,
    /// Scripts of which it was said that no font has them.
    told: BTreeSet<&'static str>,
    installed: bool,
}

impl Default for Fonts {
    fn default() -> Self {
        Self::from(Database::load_system_fonts)
    }
}

impl Fonts {
    fn from(load: impl Fn(&mut Database) + Send + Sync + 'static) -> Self {
        Self {
            book: Arc::default(),
            catalogue: Arc::new(Catalogue { load: Box::new(load), fonts: Mutex::new(None) }),
            search: None,
            told: BTreeSet::new(),
            installed: false,
        }
    }

    /// Lets egui ask. Call it before anything is drawn; the first call counts.
    pub fn install(&mut self, ctx: &Context) {
        if !std::mem::replace(&mut self.installed, true) {
            ctx.set_font_providers(vec![self.book.clone()]);
        }
    }

    /// Looks for fonts with what the last frame could not show, and takes in what was found; call it once a frame. What
    /// to tell the person where no font has something, once for each script.
    pub fn go_on(&mut self, ctx: &Context, engine: &Engine) -> Option<String> {
        let mut words = None;
        match self.search.as_ref().map(Receiver::try_recv) {
            Some(Ok(Found { fonts, missing })) => {
                self.search = None;
                if !fonts.is_empty() {
                    self.book.0.lock().fonts.extend(fonts);
                    // egui asks again for what it did not get before.
                    ctx.set_font_providers(vec![self.book.clone()]);
                }
                let untold = missing.into_iter().find(|&c| self.told.insert(script(c)));
                words = untold.map(|c| {
                    format!(
                        "No installed font has {}: names with them show boxes. Install one (Noto Sans CJK and Noto Sans have most) and start Fovea again",
                        script(c)
                    )
                });
            }
            // The program ends, or the search has failed: boxes stay.
            Some(Err(TryRecvError::Disconnected)) => self.search = None,
            Some(Err(TryRecvError::Empty)) => return None,
            None => {}
        }
        let wanted = {
            let mut book = self.book.0.lock();
            let wanted = std::mem::take(&mut book.wanted);
            book.asked.extend(&wanted);
            wanted
        };
        if !wanted.is_empty() {
            let (answer, search) = channel();
            let catalogue = Arc::clone(&self.catalogue);
            // The job's event wakes the window; the answer comes by the channel.
            let _job = engine.run(move |_| {
                // Nobody waits for it any more where that fails.
                let _ = answer.send(catalogue.find(wanted));
                Ok(())
            });
            self.search = Some(search);
        }
        words
    }
}

/// What egui asks in the middle of a frame: answered at once, from what is known.
#[derive(Default)]
struct Book(Mutex<Pages>);

#[derive(Default)]
struct Pages {
    fonts: Vec<(String, FontData)>,
    /// To be looked for.
    wanted: BTreeSet<char>,
    /// Looked for already.
    asked: BTreeSet<char>,
}

impl FontProvider for Book {
    fn font_for(&self, request: &FallbackRequest<'_>) -> Option<FontInsert> {
        let letter = request.cluster.chars().next().filter(|&c| !is_invisible(c))?;
        let mut pages = self.0.lock();
        let found = pages.fonts.iter().find(|(_, data)| has(data.bytes(), data.index, letter)).cloned();
        if found.is_none() && !pages.asked.contains(&letter) {
            pages.wanted.insert(letter);
        }
        found.map(|(name, data)| FontInsert { name, data, families: Vec::new() })
    }
}

/// The installed fonts; read when they are first needed.
struct Catalogue {
    load: Box<dyn Fn(&mut Database) + Send + Sync>,
    fonts: Mutex<Option<Database>>,
}

struct Found {
    fonts: Vec<(String, FontData)>,
    missing: BTreeSet<char>,
}

impl Catalogue {
    /// Few fonts that have all the letters together, as far as there are any.
    fn find(&self, letters: BTreeSet<char>) -> Found {
        let mut fonts = self.fonts.lock();
        let fonts = fonts.get_or_insert_with(|| {
            let mut fonts = Database::new();
            (self.load)(&mut fonts);
            fonts
        });
        let mut faces: Vec<&FaceInfo> = fonts.faces().collect();
        faces.sort_by_cached_key(|face| plainness(face));
        let covered = |id: ID, letters: &BTreeSet<char>| -> BTreeSet<char> {
            let covered = fonts.with_face_data(id, |data, index| {
                letters.iter().copied().filter(|&letter| has(data, index, letter)).collect()
            });
            covered.unwrap_or_default()
        };
        let mut found = Found { fonts: Vec::new(), missing: letters };
        let mut candidates: Vec<(&FaceInfo, BTreeSet<char>)> =
            faces.into_iter().map(|face| (face, covered(face.id, &found.missing))).collect();
        while !found.missing.is_empty() {
            for (_, letters) in &mut candidates {
                letters.retain(|letter| found.missing.contains(letter));
            }
            // The plainest of those with the most letters.
            let best = candidates.iter().min_by_key(|(_, letters)| Reverse(letters.len()));
            let Some((face, letters)) = best.filter(|(_, letters)| !letters.is_empty()) else { break };
            let data = fonts.with_face_data(face.id, |data, index| FontData {
                index,
                ..FontData::from_owned(data.to_vec())
            });
            found.missing.retain(|letter| !letters.contains(letter));
            found.fonts.extend(data.map(|data| (format!("{} {}", face.post_script_name, face.index), data)));
        }
        found
    }
}

/// Least for what goes with the window's own letters: upright, of normal weight and width, without serifs.
fn plainness(face: &FaceInfo) -> (bool, u16, bool, bool, bool, String) {
    let name = face.families.first().map_or("", |(name, _)| name.as_str());
    let ornate = ["serif", "mincho", "ming", "song", "kufi", "nastaliq"];
    let lower = name.to_lowercase();
    let plain = lower.contains("sans") || !ornate.iter().any(|word| lower.contains(word));
    (
        face.style != Style::Normal,
        face.weight.0.abs_diff(400),
        face.stretch != fontdb::Stretch::Normal,
        face.monospaced,
        !plain,
        face.post_script_name.clone(),
    )
}

/// Whether a font can draw a letter.
fn has(font: &[u8], index: u32, letter: char) -> bool {
    let Ok(font) = skrifa::FontRef::from_index(font, index) else { return false };
    font.charmap().map(letter).is_some_and(|glyph| font.outline_glyphs().get(glyph).is_some())
}

/// Marks of direction and joining, for which no font is needed.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn script(c: char) -> &'static str {
    match u32::from(c) {
        0x0590..=0x05ff => "Hebrew letters",
        0x0600..=0x08ff | 0xfb50..=0xfdff | 0xfe70..=0xfefc => "Arabic letters",
        0x0900..=0x0dff => "Indian letters",
        0x0e00..=0x0e7f => "Thai letters",
        0x1100..=0x11ff | 0x3130..=0x318f | 0xac00..=0xd7af => "Korean letters",
        0x3040..=0x30ff | 0x31f0..=0x31ff => "Japanese letters",
        0x2e80..=0x9fff | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff => "Chinese characters",
        _ => "some of the characters",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineOptions;
    use crate::nn::DeviceChoice;
    use egui::FontId;
    use std::time::{Duration, Instant};

    /// A font of egui's own in which some letters look like A: nothing of the system is needed.
    fn font_with(letters: &[char]) -> Vec<u8> {
        let donor = FontDefinitions::default().font_data["Hack"].clone();
        let (font, at) = (donor.bytes(), |i: usize| donor.bytes()[i..i + 4].try_into().unwrap());
        let number = |i: usize| u32::from_be_bytes(at(i)) as usize;
        let glyph = skrifa::FontRef::new(font).unwrap().charmap().map('A').unwrap().to_u32();
        // Format 12: groups of letters with their glyphs.
        let mut groups: Vec<u32> = letters.iter().map(|&c| u32::from(c)).collect();
        groups.sort();
        let mut table: Vec<u8> = [0u16, 1, 3, 10].iter().flat_map(|v| v.to_be_bytes()).collect();
        table.extend(12u32.to_be_bytes());
        table.extend([12u16, 0].iter().flat_map(|v| v.to_be_bytes()));
        table.extend(
            [16 + 12 * groups.len() as u32, 0, groups.len() as u32].iter().flat_map(|v| v.to_be_bytes()),
        );
        table.extend(groups.iter().flat_map(|&c| [c, c, glyph]).flat_map(u32::to_be_bytes));
        // The directory has 16 bytes for each table: name, checksum, place, length.
        let tables = usize::from(u16::from_be_bytes([font[4], font[5]]));
        let entry = (0..tables).map(|i| 12 + 16 * i).find(|&i| &at(i) == b"cmap").unwrap();
        let mut made = font.to_vec();
        let place = made.len() as u32;
        assert!(number(entry + 8) < made.len());
        made[entry + 8..entry + 12].copy_from_slice(&place.to_be_bytes());
        made[entry + 12..entry + 16].copy_from_slice(&(table.len() as u32).to_be_bytes());
        made.extend(table);
        made
    }

    fn frames(fonts: &mut Fonts, ctx: &Context, engine: &Engine, text: &str) -> (bool, Vec<String>) {
        let mut told = Vec::new();
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let (mut shown, searched) = (false, fonts.search.is_some());
            let _ = ctx.run_ui(Default::default(), |ui| {
                fonts.install(ui.ctx());
                // In each weight: egui asks for each family by itself.
                for family in [FontFamily::Proportional, medium(), semibold()] {
                    ui.label(egui::RichText::new(text).family(family));
                }
                shown = [FontFamily::Proportional, medium(), semibold()]
                    .into_iter()
                    .all(|family| ui.fonts_mut(|f| f.has_glyphs(&FontId::new(13.0, family), text)));
                told.extend(fonts.go_on(ui.ctx(), engine));
            });
            // What a frame takes in is shown by the next.
            if !searched && fonts.search.is_none() {
                return (shown, told);
            }
            assert!(Instant::now() < end, "the search does not end");
            engine.wait(Duration::from_millis(10));
        }
    }

    #[test]
    fn a_name_in_another_script_finds_its_font_and_a_missing_one_is_said_once() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.ttf"), font_with(&['肝', '臓', '간'])).unwrap();
        std::fs::write(folder.path().join("b.ttf"), font_with(&['肝', 'ك', 'ب', 'د'])).unwrap();
        let place = folder.path().to_owned();
        let mut fonts = Fonts::from(move |all| all.load_fonts_dir(&place));
        let engine = Engine::start(EngineOptions::headless(DeviceChoice::Cpu)).unwrap();
        let ctx = Context::default();
        ctx.set_fonts(own());
        assert_eq!(frames(&mut fonts, &ctx, &engine, "liver 1"), (true, vec![]));
        assert!(fonts.catalogue.fonts.lock().is_none(), "nothing is read before it is needed");
        assert_eq!(frames(&mut fonts, &ctx, &engine, "肝臓 간"), (true, vec![]));
        assert_eq!(fonts.book.0.lock().fonts.len(), 1, "one font has all of it");
        assert_eq!(frames(&mut fonts, &ctx, &engine, "كبد"), (true, vec![]));
        let (shown, told) = frames(&mut fonts, &ctx, &engine, "脾 \u{200f}");
        assert!(!shown);
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("Chinese characters"), "{told:?}");
        assert_eq!(frames(&mut fonts, &ctx, &engine, "脾 胆"), (false, vec![]), "said already");
    }

    #[test]
    fn figures_are_equally_wide_in_every_weight_and_own_fonts_have_the_signs_of_measures() {
        let ctx = Context::default();
        ctx.set_fonts(own());
        let _ = ctx.run_ui(Default::default(), |ui| {
            for (family, name) in
                [(FontFamily::Proportional, REGULAR.0), (medium(), MEDIUM.0), (semibold(), SEMIBOLD.0)]
            {
                let font = FontId::new(13.0, family.clone());
                let width = |c: char| ui.fonts_mut(|f| f.glyph_width(&font, c));
                let figures: Vec<f32> = ('0'..='9').chain(['\u{2007}']).map(width).collect();
                // In Inter itself some are a thousandth narrower than others: a hundred of them are off by a point or two.
                let even = figures.iter().all(|width| (width - figures[0]).abs() < 0.02);
                assert!(figures[0] > 0.0 && even, "{name}: {figures:?}");
                for sign in "Äßéłőệ αβµΩ −±×≈≤≥…–‘’“”‹› →←↑↓ ²³°·● \u{2009}".chars().filter(|c| *c != ' ')
                {
                    let fonts = ui.fonts_mut(|f| f.characters(&family).get(&sign).cloned());
                    let first = fonts.unwrap_or_default().into_iter().next();
                    assert_eq!(first.as_deref(), Some(name), "{sign:?}");
                }
            }
        });
    }
}
