//! What the constructor arguments of the networks mean: the references' own names, explained in one place.

/// The meaning of an option of any network; `None` for a name that no network has.
pub fn meaning(option: &str) -> Option<&'static str> {
    OPTIONS.iter().find(|(name, _)| *name == option).map(|(_, meaning)| *meaning)
}

const OPTIONS: &[(&str, &str)] = &[
    ("act_type", "activation after each convolution"),
    ("attention", "the spatial attention in the middle; without it the paper's \"backbone\""),
    ("attention_probs_dropout_prob", "dropout of the attention's weights, in training"),
    ("auxiliary_class", "classes of the auxiliary head"),
    ("auxiliary_task", "a second head at a quarter of the resolution"),
    ("base_channel", "channels of the first level; each level below has twice as many"),
    ("bilinear", "upsampling by interpolation; without it by transposed convolution"),
    ("block_size", "side of DropBlock's squares, in pixels of the map"),
    ("c", "channels of the branch of highest resolution"),
    ("channel", "channels that the decoder joins"),
    ("context_block", "what looks at the whole of the deepest map"),
    ("covering_bins", "pooling bins as PyTorch cuts them, where their number does not divide the map's side"),
    ("decode_features", "channels of the decoder's levels"),
    ("decoder_conv_block", "the block of the decoder"),
    ("decoder_num_block", "blocks of each level of the decoder"),
    ("dropout", "probability of dropout in training; null for the reference's own"),
    ("encoder", "the encoder"),
    ("encoder_conv_block", "the block of the encoder"),
    ("feature_scale", "divides the channels of every level; larger is a smaller network"),
    ("global_softmax", "the gate's softmax runs over the whole batch, as published, instead of a sigmoid"),
    ("hidden_dropout_prob", "dropout after each layer of the transformer, in training"),
    ("hidden_size", "width of the transformer"),
    ("in_channels", "channels of the input; they follow from the data"),
    ("input_size", "voxels (depth, height, width) that a volume is brought to"),
    ("intermediate_size", "width of the transformer's inner layers"),
    ("is_batchnorm", "batch normalisation in the encoder"),
    ("is_ds", "the result is the mean of four heads; without it the last head's alone"),
    ("keep_prob", "share that DropBlock keeps in training; 1 turns it off"),
    ("layer4", "keeps the encoder's last stage, which nothing looks at: the reference's files hold it"),
    ("layers", "blocks of the encoder's stages"),
    ("max_position_embeddings", "places that the transformer knows"),
    ("members", "the networks whose probabilities are averaged, with their weights"),
    ("n_classes", "classes, background included; they follow from the labels"),
    ("nf", "channels of the first level"),
    ("num_attention_heads", "heads of the transformer's attention"),
    ("num_blocks", "blocks of the encoder's levels"),
    ("num_channels", "channels of the levels"),
    ("num_depth", "levels below the first"),
    ("num_filters", "channels of the first level"),
    ("num_hidden_layers", "layers of the transformer"),
    ("patch_size", "pixels (height, width) that the transformer takes for one"),
    ("sigmoid", "a sigmoid inside the network, as published: training then sees it twice"),
    ("start_neurons", "channels of the first level"),
    ("t", "how often a recurrent block runs"),
    ("train_positions", "the embeddings of the places are learned"),
    ("use_aux", "heads on the nodes in between, for training"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{MODELS, VOLUME_MODELS};
    use std::collections::BTreeSet;

    #[test]
    fn every_option_of_every_network_is_explained_and_no_other() {
        let configs = MODELS
            .iter()
            .map(|spec| spec.default_config())
            .chain(VOLUME_MODELS.iter().map(|spec| spec.default_config()));
        let names: BTreeSet<String> =
            configs.flat_map(|c| c.as_object().unwrap().keys().cloned().collect::<Vec<_>>()).collect();
        let explained: BTreeSet<String> = OPTIONS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(names, explained);
        assert_eq!(explained.len(), OPTIONS.len(), "each once");
    }
}
