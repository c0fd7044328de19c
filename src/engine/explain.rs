use crate::nn::{ModelError, NetworkError, PredictError};

/// A graphics device that computes no more.
pub(super) fn device_lost(name: &str, text: &str) -> String {
    format!(
        "{name} stopped working (its driver was reset, or another program took it down). Masks and checkpoints are \
         safe; start Fovea again, and compute on the CPU if it happens again ({text})"
    )
}

/// What a panic or an error of the compute stack means for the person in front of it. The original text is kept: it is
/// what a bug report needs.
pub(super) fn explain(text: &str) -> String {
    let lower = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| lower.contains(w));
    if has(&["device is lost", "device lost", "devicelost", "device was lost"]) {
        device_lost("the graphics device", text)
    } else if let Some(reason) = too_large(text) {
        reason
    } else if has(&["out of memory", "outofmemory", "memory allocation", "not enough memory", "buffer size"])
    {
        format!(
            "there was not enough memory for this. Close other documents, choose a smaller patch or batch, or compute \
             on the CPU ({text})"
        )
    } else {
        format!("internal error: {text}")
    }
}

/// What is meant where cubecl could not make a buffer. The hundred lines around that list what was skipped for the lack of it.
pub fn too_large(text: &str) -> Option<String> {
    let (_, after) = text.split_once("can't allocate buffer of size: ")?;
    let bytes: u64 = after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    Some(format!(
        "the graphics device cannot hold a single array of {} MiB. Choose a smaller network, patch or batch, or compute \
         on the CPU",
        bytes >> 20
    ))
}

/// What a network that cannot be had means for a person.
pub(super) fn model_failure(error: ModelError) -> String {
    match error {
        ModelError::Network(NetworkError::Device(text)) => explain(&text),
        other => other.to_string(),
    }
}

/// What a failed prediction means for a person.
pub(super) fn predict_failure(error: PredictError) -> String {
    match error {
        PredictError::Device(text) => explain(&text),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::explain;

    #[test]
    fn known_failures_are_said_plainly_and_keep_their_text() {
        let lost = explain("wgpu error: Parent device is lost");
        assert!(lost.contains("graphics device stopped working") && lost.contains("Parent device is lost"));
        assert!(explain("Out of Memory while allocating").contains("not enough memory"));
        let large = "Several failures at once\n  skipped `X`\nCaused by:\n  can't allocate buffer of size: 150994944\nNo";
        assert!(explain(large).starts_with("the graphics device cannot hold a single array of 144 MiB"));
        assert!(!explain(large).contains("skipped"));
        assert!(explain("index out of bounds").starts_with("internal error: index"));
    }
}
