//! The WGSL sources: embedded, with `#include "path"` lines resolved. A path is relative to `shaders/`; a file that
//! several include is taken once.

/// Every file of `shaders/`, pipelines and shared parts; `tests/shaders.rs` holds the list against the folder.
pub const FILES: &[(&str, &str)] = &[
    ("picture.wgsl", include_str!("../../shaders/picture.wgsl")),
    ("slice.wgsl", include_str!("../../shaders/slice.wgsl")),
    ("surface.wgsl", include_str!("../../shaders/surface.wgsl")),
    ("shared/color.wgsl", include_str!("../../shaders/shared/color.wgsl")),
    ("shared/triangle.wgsl", include_str!("../../shaders/shared/triangle.wgsl")),
];

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IncludeError {
    #[error("no shader file {0:?}")]
    Unknown(String),
    #[error("{file}:{line}: #include wants a path in quotes")]
    Syntax { file: String, line: usize },
}

/// The whole source of a pipeline's file.
pub fn source(file: &str) -> Result<String, IncludeError> {
    resolve(file, FILES)
}

/// The module of a pipeline's file.
pub(crate) fn module(device: &wgpu::Device, file: &str) -> wgpu::ShaderModule {
    let source = source(file).expect("tests/shaders.rs resolves every embedded file");
    device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(file),
        source: wgpu::ShaderSource::Wgsl(source.into()),
    })
}

fn resolve(file: &str, files: &[(&str, &str)]) -> Result<String, IncludeError> {
    let (mut whole, mut taken) = (String::new(), Vec::new());
    append(file, files, &mut whole, &mut taken)?;
    Ok(whole)
}

fn append(
    file: &str,
    files: &[(&str, &str)],
    whole: &mut String,
    taken: &mut Vec<String>,
) -> Result<(), IncludeError> {
    // This also ends circular includes.
    if taken.iter().any(|t| t == file) {
        return Ok(());
    }
    taken.push(file.to_owned());
    let (_, text) =
        files.iter().find(|(name, _)| *name == file).ok_or_else(|| IncludeError::Unknown(file.to_owned()))?;
    for (line, content) in text.lines().enumerate() {
        match content.strip_prefix("#include") {
            None => {
                whole.push_str(content);
                whole.push('\n');
            }
            Some(rest) => {
                let path = rest.trim().strip_prefix('"').and_then(|p| p.strip_suffix('"'));
                let path =
                    path.ok_or_else(|| IncludeError::Syntax { file: file.to_owned(), line: line + 1 })?;
                append(path, files, whole, taken)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_taken_once_and_a_circle_ends() {
        let files = [
            ("a", "#include \"b\"\n#include \"c\"\nA"),
            ("b", "#include \"c\"\nB"),
            ("c", "#include \"a\"\nC"),
        ];
        assert_eq!(resolve("a", &files).unwrap(), "C\nB\nA\n");
    }

    #[test]
    fn a_wrong_line_is_named() {
        let files = [("a", "x\n#include b")];
        assert_eq!(resolve("a", &files), Err(IncludeError::Syntax { file: "a".into(), line: 2 }));
        assert_eq!(resolve("z", &files), Err(IncludeError::Unknown("z".into())));
    }
}
