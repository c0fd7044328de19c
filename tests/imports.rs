//! Weights of other programs, read and recognised.

use fovea::{
    nn::{
        self, MODELS, ModelSpec, NamedTensor, NamedTensors,
        import::{self, ImportError, Recognised},
        parity,
    },
    testing::shared,
};
use serde_json::json;

/// A pickled dictionary of arrays as Jittor writes it (protocol 4, checksum and mark behind): `{"conv.weight": f4 [2, 3]}`.
fn jittor_file() -> Vec<u8> {
    let mut p: Vec<u8> = vec![0x80, 4, b'}'];
    let text = |p: &mut Vec<u8>, s: &str| p.extend([&[0x8c, s.len() as u8], s.as_bytes()].concat());
    text(&mut p, "conv.weight");
    text(&mut p, "numpy.core.multiarray");
    text(&mut p, "_reconstruct");
    p.push(0x93);
    text(&mut p, "numpy");
    text(&mut p, "ndarray");
    p.push(0x93);
    p.extend([b'K', 0, 0x85, b'C', 1, b'b', 0x87, b'R', b'(', b'K', 1]);
    p.extend([b'K', 2, b'K', 3, 0x86]);
    text(&mut p, "numpy");
    text(&mut p, "dtype");
    p.push(0x93);
    text(&mut p, "f4");
    p.extend([0x89, 0x88, 0x87, b'R', b'(', b'K', 3]);
    text(&mut p, "<");
    p.extend([
        b'N', b'N', b'N', b'J', 255, 255, 255, 255, b'J', 255, 255, 255, 255, b'K', 0, b't', b'b', 0x89,
    ]);
    p.extend([b'C', 24]);
    p.extend((0..6).flat_map(|i| (i as f32 / 2.0).to_le_bytes()));
    p.extend([b't', b'b', b's', b'.']);
    p.extend([7; 20]);
    p.extend(b"HCAJSLHD");
    p
}

#[test]
fn a_pickled_dictionary_of_arrays_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("unet-Adam-ce-stnFalse-pretrainFalse-augFalse.pkl");
    let bytes = jittor_file();
    std::fs::write(&path, &bytes).unwrap();
    let weights = import::read(&path).unwrap();
    let tensor = &weights.tensors["conv.weight"];
    assert_eq!(tensor.shape, [2, 3]);
    assert_eq!(tensor.values, [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]);
    // Cut anywhere inside the pickle it is an error, and never a part of the weights.
    for end in 0..bytes.len() - 29 {
        std::fs::write(&path, &bytes[..end]).unwrap();
        assert!(import::read(&path).is_err(), "{end}");
    }
}

/// A test for every network of the list.
macro_rules! recognised {
    ($($rank:ident $name:ident: $entry:path;)*) => {
        mod is_recognised_by_its_own_weights {
            $(
                #[test]
                fn $name() {
                    super::is_recognised_by_its_own_weights(stringify!($name));
                }
            )*
        }
    };
}
fovea::for_each_network!(recognised);

fn is_recognised_by_its_own_weights(name: &str) {
    let spec = MODELS.iter().find(|spec| spec.id.replace('/', "_") == name).unwrap();
    for config in [json!({}), json!({ "in_channels": 5, "n_classes": 3 })] {
        let parameters = spec.parameters(&config).unwrap().into_iter();
        // Shapes are all that counts.
        let tensors: NamedTensors =
            parameters.map(|p| (p.name, NamedTensor { shape: p.shape, values: vec![] })).collect();
        let Recognised { network, config: found } =
            import::recognise(&tensors).unwrap_or_else(|e| panic!("{} {config}: {e}", spec.id));
        // Another network may have the very same tensors; then nothing in the file tells them apart.
        let recognised = nn::find(network).unwrap();
        let shapes = |spec: &ModelSpec, config| {
            let mut all: Vec<_> =
                spec.parameters(config).unwrap().into_iter().map(|p| (p.name, p.shape)).collect();
            all.sort();
            all
        };
        let (found_shapes, own) = (shapes(recognised, &found), shapes(spec, &config));
        assert_eq!(found_shapes, own, "{} {config}: {network} {found}", spec.id);
        if spec.id == "edema/fusion" {
            // Its members cannot be guessed; its file carries a card.
            break;
        }
    }
}

#[test]
fn published_checkpoints_hold_the_weights_of_their_fixtures() {
    let Some(parity) = shared("parity") else { return };
    let files = [
        ("s0_unet_dataparallel_zip.pth.tar", "edema/unet", "edema/unet", "state_dict"),
        ("s3_unet8_best.pth", "polyp/unet8", "polyp/unet", "state_dict"),
        ("s3_unet8_dataparallel_legacy.pth.tar", "polyp/unet8", "polyp/unet", "state_dict"),
        ("s3_unet8.safetensors", "polyp/unet8", "polyp/unet", ""),
    ];
    for (file, fixture, network, inside) in files {
        let weights = import::read(&parity.join("checkpoints").join(file)).unwrap();
        assert_eq!(weights.inside, inside, "{file}");
        let expected = parity::tensors(&parity.join(format!("networks/{fixture}.json"))).unwrap();
        assert_eq!(weights.tensors, expected, "{file}");
        let recognised = import::recognise(&weights.tensors).unwrap();
        assert_eq!(recognised.network, network, "{file}");
    }
}

/// Views with offsets and strides, half and double precision, integers, a scalar, an empty tensor, a parameter.
#[test]
fn odd_tensors_are_read_as_pytorch_reads_them() {
    let Some(parity) = shared("parity") else { return };
    let folder = parity.join("checkpoints");
    let expected: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("tricky_expected.json")).unwrap()).unwrap();
    for file in ["tricky_zip.pth", "tricky_legacy.pth"] {
        let weights = import::read(&folder.join(file)).unwrap();
        assert_eq!(weights.tensors.len(), expected.as_object().unwrap().len(), "{file}");
        for (name, want) in expected.as_object().unwrap() {
            let got = &weights.tensors[name];
            let shape: Vec<usize> = serde_json::from_value(want["shape"].clone()).unwrap();
            assert_eq!(got.shape, shape, "{file}: {name}");
            let flat = match &want["data"] {
                serde_json::Value::Array(values) => values.clone(),
                scalar => vec![scalar.clone()],
            };
            let number = |v: &serde_json::Value| v.as_bool().map(f64::from).or(v.as_f64()).unwrap() as f32;
            assert_eq!(got.values, flat.iter().map(number).collect::<Vec<f32>>(), "{file}: {name}");
        }
    }
}

#[test]
fn truncated_and_foreign_files_are_refused_with_a_reason() {
    let Some(parity) = shared("parity") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut");
    for file in ["tricky_zip.pth", "tricky_legacy.pth", "s3_unet8.safetensors"] {
        let bytes = std::fs::read(parity.join("checkpoints").join(file)).unwrap();
        for part in [9, bytes.len() / 3, bytes.len() / 2, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..part]).unwrap();
            let error = import::read(&path).err().unwrap_or_else(|| panic!("{file} cut at {part} was read"));
            assert!(!error.to_string().is_empty());
        }
    }
    std::fs::write(&path, "epoch,loss\n1,0.5\n").unwrap();
    assert!(matches!(import::read(&path), Err(ImportError::Unknown(_))));
    std::fs::write(&path, "").unwrap();
    assert!(import::read(&path).is_err());

    // The weights of one network offered as another's: the first names and shapes that differ.
    let weights = import::read(&parity.join("checkpoints/s0_unet_dataparallel_zip.pth.tar")).unwrap();
    let wrong = nn::find("vessel/sa_unet").unwrap();
    let reason = import::fit_network(wrong, &weights.tensors).unwrap_err();
    assert!(reason.contains("vessel/sa_unet") && reason.contains("is missing"), "{reason}");
}
