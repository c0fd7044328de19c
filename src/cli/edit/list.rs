//! What `fovea edit --list` prints.

use crate::edit::effects::{EFFECTS, Effect, Step, named};
use anyhow::Result;
use std::fmt::Write;

/// Every effect and what it can be told; those of the steps only, where there are any.
pub fn text(steps: &[Step]) -> Result<String> {
    let asked: Vec<&Effect> = match steps {
        [] => EFFECTS.to_vec(),
        steps => steps.iter().map(|step| Ok(named(&step.effect)?)).collect::<Result<_>>()?,
    };
    let mut text = String::new();
    for effect in asked {
        let image = if effect.needs_image { " Needs the image." } else { "" };
        writeln!(text, "{}  {}{image}", effect.id, effect.summary)?;
        for parameter in effect.parameters {
            let default = parameter.kind.default_text();
            let default = if default.is_empty() { default } else { format!(" [{default}]") };
            writeln!(
                text,
                "    {}{default}  {}: {}",
                parameter.key,
                parameter.kind.takes(),
                parameter.whole_help()
            )?;
        }
    }
    Ok(text)
}
