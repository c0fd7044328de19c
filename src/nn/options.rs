//! What the constructor arguments of the networks mean: the references' own names, explained in one place.

use serde_json::{Map, Value};

/// The meaning of an option of any network; `None` for a name that no network has.
pub fn meaning(option: &str) -> Option<&'static str> {
    OPTIONS.iter().find(|(name, ..)| *name == option).map(|(.., meaning)| *meaning)
}

/// As many numbers as a list of them may have; networks have one for each level.
const LONGEST_LIST: usize = 64;

/// Says which number of a configuration is out of bounds, if any is. To be asked before anything is built.
pub fn check(config: &Value) -> Result<(), String> {
    let Some(options) = config.as_object() else { return Ok(()) };
    options.iter().try_for_each(|(name, value)| {
        let most = OPTIONS.iter().find(|(option, ..)| option == name).map_or(0, |(_, most, _)| *most);
        within(name, value, most)
    })
}

fn within(name: &str, value: &Value, most: u32) -> Result<(), String> {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(n) if (0.0..=f64::from(most)).contains(&n) => Ok(()),
            _ => Err(format!("{name} is {number} and must be from 0 to {most}")),
        },
        Value::Array(list) if list.len() > LONGEST_LIST => {
            Err(format!("{name} has {} entries and may have {LONGEST_LIST}", list.len()))
        }
        Value::Array(list) => list.iter().try_for_each(|value| within(name, value, most)),
        // A member has options of its own, and a weight.
        Value::Object(member) => member.iter().try_for_each(|(key, value)| match key.as_str() {
            "weight" => within(key, value, most),
            _ => check(&Value::Object(Map::from_iter([(key.clone(), value.clone())]))),
        }),
        _ => Ok(()),
    }
}

/// Name, the largest number that is taken (0 where the option is no number), and meaning. More than any published network has
/// by far, and no more than can be built: what a file states comes from anybody.
const OPTIONS: &[(&str, u32, &str)] = &[
    ("act_type", 0, "activation after each convolution"),
    ("attention", 0, "the spatial attention in the middle; without it the paper's \"backbone\""),
    ("attention_probs_dropout_prob", 1, "dropout of the attention's weights, in training"),
    ("auxiliary_class", 1024, "classes of the auxiliary head"),
    ("auxiliary_task", 0, "a second head at a quarter of the resolution"),
    ("base_channel", 512, "channels of the first level; each level below has twice as many"),
    ("bilinear", 0, "upsampling by interpolation; without it by transposed convolution"),
    ("block_size", 512, "side of DropBlock's squares, in pixels of the map"),
    ("c", 512, "channels of the branch of highest resolution"),
    ("channel", 1024, "channels that the decoder joins"),
    ("context_block", 0, "what looks at the whole of the deepest map"),
    (
        "covering_bins",
        0,
        "pooling bins as PyTorch cuts them, where their number does not divide the map's side",
    ),
    ("decode_features", 4096, "channels of the decoder's levels"),
    ("decoder_conv_block", 0, "the block of the decoder"),
    ("decoder_num_block", 64, "blocks of each level of the decoder"),
    ("dropout", 1, "probability of dropout in training; null for the reference's own"),
    ("encoder", 0, "the encoder"),
    ("encoder_conv_block", 0, "the block of the encoder"),
    ("feature_scale", 64, "divides the channels of every level; larger is a smaller network"),
    ("global_softmax", 0, "the gate's softmax runs over the whole batch, as published, instead of a sigmoid"),
    ("hidden_dropout_prob", 1, "dropout after each layer of the transformer, in training"),
    ("hidden_size", 4096, "width of the transformer"),
    ("in_channels", 64, "channels of the input; they follow from the data"),
    ("input_size", 1024, "voxels (depth, height, width) that a volume is brought to"),
    ("intermediate_size", 16384, "width of the transformer's inner layers"),
    ("is_batchnorm", 0, "batch normalisation in the encoder"),
    ("is_ds", 0, "the result is the mean of four heads; without it the last head's alone"),
    ("keep_prob", 1, "share that DropBlock keeps in training; 1 turns it off"),
    ("layer4", 0, "keeps the encoder's last stage, which nothing looks at: the reference's files hold it"),
    ("layers", 256, "blocks of the encoder's stages"),
    ("max_position_embeddings", 4096, "places that the transformer knows"),
    ("members", 1000, "the networks whose probabilities are averaged, with their weights"),
    ("n_classes", 1024, "classes, background included; they follow from the labels"),
    ("nf", 512, "channels of the first level"),
    ("num_attention_heads", 256, "heads of the transformer's attention"),
    ("num_blocks", 64, "blocks of the encoder's levels"),
    ("num_channels", 4096, "channels of the levels"),
    ("num_depth", 8, "levels below the first"),
    ("num_filters", 512, "channels of the first level"),
    ("num_hidden_layers", 64, "layers of the transformer"),
    ("patch_size", 64, "pixels (height, width) that the transformer takes for one"),
    ("sigmoid", 0, "a sigmoid inside the network, as published: training then sees it twice"),
    ("start_neurons", 512, "channels of the first level"),
    ("t", 16, "how often a recurrent block runs"),
    ("train_positions", 0, "the embeddings of the places are learned"),
    ("use_aux", 0, "heads on the nodes in between, for training"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{ComputeDevice, MODELS};
    use serde_json::json;
    use std::collections::BTreeSet;

    #[test]
    fn every_option_of_every_network_is_explained_and_no_other() {
        let configs = MODELS.iter().map(|spec| spec.default_config());
        let names: BTreeSet<String> =
            configs.flat_map(|c| c.as_object().unwrap().keys().cloned().collect::<Vec<_>>()).collect();
        let explained: BTreeSet<String> = OPTIONS.iter().map(|(name, ..)| (*name).to_owned()).collect();
        assert_eq!(names, explained);
        assert_eq!(explained.len(), OPTIONS.len(), "each once");
    }

    #[test]
    fn no_number_is_taken_that_nothing_could_be_built_of() {
        for (option, value) in [
            ("n_classes", json!(1_000_000_000)),
            ("in_channels", json!(1_000_000_000)),
            ("base_channel", json!(-1)),
            ("num_depth", json!(40)),
            ("layers", json!([3, 4, 1u64 << 40, 3])),
            ("num_blocks", json!(vec![1; 1000])),
            ("input_size", json!([1 << 20, 1, 1])),
            ("dropout", json!(1.5)),
            ("members", json!([{ "network": "edema/unet", "weight": 0.5, "feature_scale": 1 << 20 }])),
        ] {
            let error = check(&json!({ option: value })).unwrap_err();
            assert!(error.contains(if option == "members" { "feature_scale" } else { option }), "{error}");
        }
        let of = |default: Value, published: Value, probe: Value| {
            for config in [default, published, probe] {
                assert_eq!(check(&config), Ok(()), "{config}");
            }
        };
        for spec in MODELS {
            of(spec.default_config(), (spec.as_published)(), (spec.probe_config)());
        }
    }

    #[test]
    fn a_network_that_is_too_large_is_refused_before_it_is_built() {
        let cpu = ComputeDevice::cpu("test");
        for (network, config) in [
            ("edema/unet", json!({ "n_classes": 1_000_000_000 })),
            ("edema/unet", json!({ "in_channels": 1_000_000_000 })),
            ("jmedseg/setr", json!({ "hidden_size": 1u64 << 40 })),
        ] {
            let spec = crate::nn::find(network).unwrap();
            let error = spec.build::<4>(&config, 0, &cpu).err().unwrap().to_string();
            assert!(error.contains("must be from 0 to"), "{error}");
        }
        // Each number is taken, and all together are more than any machine has.
        let wide = json!({ "hidden_size": 4096, "intermediate_size": 16_384, "num_hidden_layers": 64,
            "decode_features": [4096, 4096, 4096, 4096] });
        let spec = crate::nn::find("jmedseg/setr").unwrap();
        let count = spec.param_count(&wide).unwrap();
        assert!(count > 10_000_000_000, "{count}");
    }
}
