/// What a panic or an error of the compute stack means for the person in front of it. The original text is kept: it is
/// what a bug report needs.
pub(super) fn explain(text: &str) -> String {
    let lower = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| lower.contains(w));
    let plain = if has(&["device is lost", "device lost", "devicelost", "device was lost", "parent device"]) {
        "the graphics device stopped working (its driver was reset, or another program took it down). Masks and \
         checkpoints are safe; restart, with `--device cpu` if it happens again"
    } else if has(&["out of memory", "outofmemory", "memory allocation", "not enough memory", "buffer size"])
    {
        "there was not enough memory for this. Close other documents, choose a smaller patch or batch, or use \
         `--device cpu`"
    } else {
        return format!("internal error: {text}");
    };
    format!("{plain} ({text})")
}

#[cfg(test)]
mod tests {
    use super::explain;

    #[test]
    fn known_failures_are_said_plainly_and_keep_their_text() {
        let lost = explain("wgpu error: Parent device is lost");
        assert!(lost.contains("graphics device stopped working") && lost.contains("Parent device is lost"));
        assert!(explain("Out of Memory while allocating").contains("not enough memory"));
        assert!(explain("index out of bounds").starts_with("internal error: index"));
    }
}
