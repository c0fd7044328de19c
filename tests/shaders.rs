//! Every shader is parsed and validated without a graphics adapter, and what Rust writes is what it reads.

use fovea::gpu::{layout, shader};
use std::{collections::BTreeSet, path::Path};
use wgpu::naga;

/// Files with an entry point of their own; the others are parts.
fn pipelines() -> impl Iterator<Item = &'static str> {
    shader::FILES.iter().map(|(name, _)| *name).filter(|name| !name.starts_with("shared/"))
}

fn parse(file: &str) -> naga::Module {
    let source = shader::source(file).unwrap_or_else(|e| panic!("{file}: {e}"));
    naga::front::wgsl::parse_str(&source)
        .unwrap_or_else(|e| panic!("{}", e.emit_to_string_with_path(&source, file)))
}

#[test]
fn every_pipeline_is_valid_without_any_extension() {
    let mut count = 0;
    for file in pipelines() {
        let module = parse(file);
        let capabilities = naga::valid::Capabilities::empty();
        let mut validator = naga::valid::Validator::new(naga::valid::ValidationFlags::all(), capabilities);
        if let Err(error) = validator.validate(&module) {
            panic!("{file}: {}", error.emit_to_string(&shader::source(file).unwrap()));
        }
        assert!(!module.entry_points.is_empty(), "{file} has no entry point");
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn every_file_of_the_folder_is_embedded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let mut found = BTreeSet::new();
    for folder in ["", "shared"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "wgsl") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
                assert_eq!(
                    shader::FILES.iter().find(|(n, _)| *n == name).map(|(_, text)| text.to_string()),
                    Some(std::fs::read_to_string(&path).unwrap()),
                    "{name} is not in shader::FILES as it is on disk"
                );
                found.insert(name);
            }
        }
    }
    let embedded: BTreeSet<String> = shader::FILES.iter().map(|(n, _)| n.to_string()).collect();
    assert_eq!(found, embedded);
}

#[test]
fn uniforms_lie_in_memory_as_the_shaders_read_them() {
    for (file, name, size, offsets) in [
        ("slice.wgsl", "SliceUniform", size_of::<layout::SliceUniform>(), layout::SLICE_UNIFORM_OFFSETS),
        (
            "surface.wgsl",
            "SurfaceUniform",
            size_of::<layout::SurfaceUniform>(),
            layout::SURFACE_UNIFORM_OFFSETS,
        ),
    ] {
        let module = parse(file);
        let found = module.types.iter().find(|(_, t)| t.name.as_deref() == Some(name));
        let (_, uniform) = found.unwrap_or_else(|| panic!("{file} has no {name}"));
        let naga::TypeInner::Struct { members, span } = &uniform.inner else { panic!("{name} is no struct") };
        assert_eq!(*span as usize, size, "{name}");
        let read: Vec<(&str, usize)> =
            members.iter().map(|m| (m.name.as_deref().unwrap_or_default(), m.offset as usize)).collect();
        assert_eq!(read, offsets, "{name}");
        // Sizes too: a field that Rust makes shorter would leave the end unwritten.
        let mut sizes = naga::proc::Layouter::default();
        sizes.update(module.to_ctx()).unwrap();
        let ends: Vec<usize> = offsets.iter().skip(1).map(|(_, o)| *o).chain([*span as usize]).collect();
        for (member, end) in members.iter().zip(ends) {
            assert_eq!(
                (member.offset + sizes[member.ty].size) as usize,
                end,
                "{:?} of {name} does not fill its place",
                member.name
            );
        }
    }
}

#[test]
fn numbers_that_both_sides_name_are_equal() {
    let module = parse("slice.wgsl");
    let value = |name: &str| {
        let (_, constant) = module
            .constants
            .iter()
            .find(|(_, c)| c.name.as_deref() == Some(name))
            .unwrap_or_else(|| panic!("{name}"));
        match module.global_expressions[constant.init] {
            naga::Expression::Literal(naga::Literal::U32(v)) => v,
            naga::Expression::Literal(naga::Literal::I32(v)) => v as u32,
            naga::Expression::Literal(naga::Literal::AbstractInt(v)) => v as u32,
            ref other => panic!("{name}: {other:?}"),
        }
    };
    let packed = |[r, g, b]: [u8; 3]| u32::from_le_bytes([r, g, b, 255]);
    for (name, rust) in [
        ("FILTER_NEAREST", layout::FILTER_NEAREST),
        ("FILTER_LINEAR", layout::FILTER_LINEAR),
        ("FILTER_MEAN", layout::FILTER_MEAN),
        ("KIND_UNSIGNED", layout::KIND_UNSIGNED),
        ("KIND_SIGNED_16", layout::KIND_SIGNED_16),
        ("KIND_FLOAT", layout::KIND_FLOAT),
        ("KIND_RGB", layout::KIND_RGB),
        ("SOURCE_NONE", layout::SOURCE_NONE),
        ("SOURCE_LABELS", layout::SOURCE_LABELS),
        ("SOURCE_PROBABILITIES", layout::SOURCE_PROBABILITIES),
        ("NOT_PREDICTED", layout::NOT_PREDICTED),
        ("CHANNELS_COLOR", layout::CHANNELS_COLOR),
        ("CHANNELS_RED", layout::CHANNELS_RED),
        ("CHANNELS_GREEN", layout::CHANNELS_GREEN),
        ("CHANNELS_BLUE", layout::CHANNELS_BLUE),
        ("TABLE_CLASSES", layout::TABLE_CLASSES as u32),
        ("ADDED_COLOR", packed(fovea::gpu::Difference::ADDED)),
        ("REMOVED_COLOR", packed(fovea::gpu::Difference::REMOVED)),
        ("CHANGED_COLOR", packed(fovea::gpu::Difference::CHANGED)),
        ("KEPT_COLOR", packed(fovea::gpu::Difference::KEPT)),
    ] {
        assert_eq!(value(name), rust, "{name}");
    }
}

#[test]
fn every_choice_of_a_pipeline_is_one_of_the_shader() {
    let module = parse("slice.wgsl");
    let known: BTreeSet<&str> = module.overrides.iter().filter_map(|(_, o)| o.name.as_deref()).collect();
    let mut set: BTreeSet<&str> =
        layout::SliceVariant::default().constants().into_iter().map(|(name, _)| name).collect();
    set.insert("ENCODED_TARGET");
    assert_eq!(known, set);
}
