//! What a Dice says, in words. The one place that decides where "good" begins.

/// How good a mean Dice is, whatever it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quality {
    /// Below 0.5.
    Poor,
    /// From 0.5.
    Fair,
    /// From 0.8.
    Good,
    /// From 0.9.
    VeryGood,
}

impl Quality {
    /// `dice`: 0 to 1. It is judged as it is written, with two digits: nothing that reads 0.80 is called fair.
    pub fn of(dice: f64) -> Self {
        match (dice * 100.0).round() {
            d if d < 50.0 => Quality::Poor,
            d if d < 80.0 => Quality::Fair,
            d if d < 90.0 => Quality::Good,
            _ => Quality::VeryGood,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Quality::Poor => "poor",
            Quality::Fair => "fair",
            Quality::Good => "good",
            Quality::VeryGood => "very good",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_change_at_their_borders() {
        let said = [0.0, 0.494, 0.5, 0.794, 0.795, 0.8, 0.894, 0.9, 1.0].map(|dice| Quality::of(dice).word());
        let expected = ["poor", "poor", "fair", "fair", "good", "good", "good", "very good", "very good"];
        assert_eq!(said, expected);
        assert!(Quality::Poor < Quality::Fair && Quality::Good < Quality::VeryGood);
    }
}
