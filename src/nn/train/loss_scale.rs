use serde::{Deserialize, Serialize};

/// In which precision a run multiplies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    #[default]
    Single,
    /// Convolutions and linear layers in half precision, all else and the weights in single, where device and network prove
    /// stable so; in single precision where they do not, and the run says so.
    Half,
}

/// What the loss is multiplied by before the backward pass, and the gradients divided by after it, so that small ones are not
/// zero in half precision: P. Micikevicius et al., "Mixed Precision Training", ICLR 2018, 3.2, with the numbers of PyTorch's
/// `GradScaler`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossScale {
    factor: f32,
    /// Steps since it last changed.
    steps: u32,
}

impl Default for LossScale {
    fn default() -> Self {
        Self { factor: 65536.0, steps: 0 }
    }
}

impl LossScale {
    /// Steps with finite gradients after which a larger factor is tried.
    const GROWS_AFTER: u32 = 2000;
    /// Gradients that are too large even for this are no matter of scale.
    const LEAST: f32 = 1.0;
    /// Far beyond it the loss would be no number.
    const GREATEST: f32 = (1u128 << 100) as f32;

    pub fn factor(self) -> f32 {
        self.factor
    }

    /// After a step whose gradients were finite.
    pub fn grown(self) -> Self {
        if self.steps + 1 < Self::GROWS_AFTER {
            return Self { steps: self.steps + 1, ..self };
        }
        Self { factor: (2.0 * self.factor).min(Self::GREATEST), steps: 0 }
    }

    /// After gradients that were not finite; none where no scale helps.
    pub fn shrunk(self) -> Option<Self> {
        let factor = self.factor / 2.0;
        (factor >= Self::LEAST).then_some(Self { factor, steps: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_follows_the_gradients() {
        let mut scale = LossScale::default();
        for _ in 0..1999 {
            scale = scale.grown();
        }
        assert_eq!(scale.factor(), 65536.0);
        assert_eq!(scale.grown().factor(), 131072.0);
        let shrunk = scale.shrunk().unwrap();
        assert_eq!(shrunk, LossScale { factor: 32768.0, steps: 0 });
        let smallest = std::iter::successors(Some(shrunk), |scale| scale.shrunk()).last().unwrap();
        assert_eq!((smallest.factor(), smallest.shrunk()), (LossScale::LEAST, None));
        let largest = (0..2000 * 200).fold(scale, |scale, _| scale.grown());
        assert_eq!(largest.factor(), LossScale::GREATEST);
    }
}
