//! What the configurations of the networks share.

use crate::nn::InputRule;
use serde::{Deserialize, Deserializer, Serialize};

/// What stands on the bottleneck, by the reference's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ContextBlock {
    None,
    AnisotropicAvgPooling,
    AnisotropicMaxPooling,
}

impl ContextBlock {
    pub(super) const NAMES: &[&str] = &["None", "AnisotropicAvgPooling", "AnisotropicMaxPooling"];

    /// The reference's files say `null` or `"None"`.
    pub(super) fn or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.unwrap_or(ContextBlock::None))
    }
}

/// Voxels of the input for one of the bottleneck, along each axis.
pub(super) const REDUCTION: usize = 16;

/// Says what is wrong with what every network of volumes has.
pub(super) fn check(
    in_channels: usize,
    n_classes: usize,
    num_channels: &[usize],
    levels: usize,
    dropout: f64,
) -> Result<(), String> {
    crate::nn::models::ends(in_channels, n_classes)?;
    if num_channels.len() < levels || num_channels.contains(&0) {
        return Err(format!("num_channels must have {levels} numbers, none of them 0"));
    }
    if !(0.0..1.0).contains(&dropout) {
        return Err("dropout must be at least 0 and less than 1".to_owned());
    }
    Ok(())
}

/// Says what is wrong with the numbers of blocks of networks of stages.
pub(super) fn check_blocks(num_blocks: &[usize], decoder_num_block: usize) -> Result<(), String> {
    if num_blocks.len() < 4 || num_blocks.contains(&0) || decoder_num_block == 0 {
        return Err(
            "num_blocks must have 4 numbers, and neither they nor decoder_num_block may be 0".to_owned()
        );
    }
    Ok(())
}

/// Says what is wrong with the bottleneck's pools.
pub(super) fn check_context(
    block: ContextBlock,
    input_size: [usize; 3],
    bottleneck: usize,
) -> Result<(), String> {
    if block == ContextBlock::None {
        return Ok(());
    }
    if input_size.iter().any(|side| *side < 4 * REDUCTION) {
        return Err(format!(
            "with a context block every side of input_size must be {} or more",
            4 * REDUCTION
        ));
    }
    if bottleneck < 4 {
        return Err("with a context block the last of num_channels must be 4 or more".to_owned());
    }
    Ok(())
}

/// The sizes of input that a configuration takes: the strips of a context block must fit into the bottleneck.
pub(super) fn input_rule(block: ContextBlock, input_size: [usize; 3]) -> InputRule {
    let rule = InputRule::multiple_of(REDUCTION);
    match block {
        ContextBlock::None => rule,
        _ => rule.least(input_size.into_iter().max().unwrap_or(REDUCTION)),
    }
}
