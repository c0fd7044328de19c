//! SETR with progressive upsampling. S. Zheng et al.: "Rethinking Semantic Segmentation from a Sequence-to-Sequence
//! Perspective with Transformers", CVPR 2021. The encoder is BERT's (Devlin et al., 2019): norms after the sums.
#![expect(non_snake_case, reason = "fields have the names of the reference's parameters")]

use crate::nn::{
    Config, Head, Init, InitSite, InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Conv, Dropout, LayerNorm, Linear, Sequential, batch_norm, bilinear_up, conv, op},
    models::ends,
};
use burn::{
    module::{Module, Param},
    tensor::{
        Device, Tensor,
        activation::{gelu, relu, softmax},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SetrConfig {
    in_channels: usize,
    /// Background included.
    n_classes: usize,
    /// Height and width of a token in pixels.
    patch_size: [usize; 2],
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    /// Width of the layers between attention and attention.
    intermediate_size: usize,
    /// Channels of the decoder's four steps, each of which doubles the size.
    decode_features: [usize; 4],
    hidden_dropout_prob: f64,
    attention_probs_dropout_prob: f64,
    /// Tokens that the table of positions has room for.
    max_position_embeddings: usize,
    /// Whether the table of positions is trained; the reference leaves it as it was drawn.
    train_positions: bool,
}

impl Default for SetrConfig {
    fn default() -> Self {
        Self {
            in_channels: 3,
            n_classes: 2,
            patch_size: [32; 2],
            hidden_size: 1024,
            num_hidden_layers: 8,
            num_attention_heads: 16,
            intermediate_size: 1024,
            decode_features: [512, 256, 128, 64],
            hidden_dropout_prob: 0.1,
            attention_probs_dropout_prob: 0.1,
            max_position_embeddings: 512,
            train_positions: false,
        }
    }
}

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/setr",
    title: "SETR-PUP",
    paper: "Zheng et al., Rethinking Semantic Segmentation from a Sequence-to-Sequence Perspective, CVPR 2021",
    family: "jmedseg",
    // 22 × 22 tokens: the largest square of at most 512.
    input: InputRule::multiple_of(32).most(704),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || {
        json!({
            "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24,
            "decode_features": [16, 12, 8, 8],
            "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
        })
    },
    make: Make::slices::<Setr>(),
};

impl SetrConfig {
    /// Height and width of a token after the encoder, which gives maps at 1/16 of the size.
    fn token(&self) -> [usize; 2] {
        self.patch_size.map(|side| side / 16)
    }
}

impl Config for SetrConfig {
    fn check(&self) -> Result<(), String> {
        ends(self.in_channels, self.n_classes)?;
        if self.patch_size.iter().any(|side| ![16, 32, 64].contains(side)) {
            return Err("patch_size must be of 16, 32 or 64".to_owned());
        }
        let heads = self.num_attention_heads;
        if heads == 0 || self.hidden_size == 0 || !self.hidden_size.is_multiple_of(heads) {
            return Err("num_attention_heads must divide hidden_size".to_owned());
        }
        if self.intermediate_size == 0 || self.decode_features.contains(&0) {
            return Err("intermediate_size and decode_features must be at least 1".to_owned());
        }
        // The smallest tile that can overlap another, 80×80 pixels, has 5×5 tokens of 16×16.
        if self.max_position_embeddings < 25 {
            return Err("max_position_embeddings must be at least 25".to_owned());
        }
        for rate in [self.hidden_dropout_prob, self.attention_probs_dropout_prob] {
            if !(0.0..1.0).contains(&rate) {
                return Err("what is dropped must be from 0 to below 1".to_owned());
            }
        }
        Ok(())
    }

    fn channels(&self) -> usize {
        self.in_channels
    }

    fn head(&self) -> Head {
        Head::Softmax { classes: self.n_classes }
    }
}

fn layer_norm(width: usize, device: &Device) -> LayerNorm {
    LayerNorm::new(width, 1e-12, device)
}

/// A linear layer and a layer norm; what comes between, the user says.
#[derive(Module, Debug)]
struct DenseNorm {
    dense: Linear,
    LayerNorm: LayerNorm,
}

impl DenseNorm {
    fn new([input, output]: [usize; 2], device: &Device) -> Self {
        Self { dense: Linear::new([input, output], true, device), LayerNorm: layer_norm(output, device) }
    }

    /// `LayerNorm(x + dropout(dense(y)))`.
    fn add(&self, x: Tensor<3>, y: Tensor<3>, dropout: &Dropout) -> Tensor<3> {
        self.LayerNorm.forward(x + dropout.forward(self.dense.forward(y)))
    }
}

/// One row for each token, in the order of rows and columns.
#[derive(Module, Debug)]
struct PositionTable {
    weight: Param<Tensor<2>>,
}

#[derive(Module, Debug)]
struct Embeddings {
    position_embeddings: PositionTable,
    LayerNorm: LayerNorm,
    dropout: Dropout,
}

impl Embeddings {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let tokens = x.dims()[1];
        let rows = self.position_embeddings.weight.val().narrow(0, 0, tokens);
        self.dropout.forward(self.LayerNorm.forward(x + rows.unsqueeze()))
    }
}

#[derive(Module, Debug)]
struct SelfAttention {
    query: Linear,
    key: Linear,
    value: Linear,
    heads: usize,
    dropout: Dropout,
}

impl SelfAttention {
    /// `[N, tokens, hidden]` to the same shape.
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, tokens, hidden] = x.dims();
        let width = hidden / self.heads;
        // [N, heads, tokens, width]
        let split = |x: Tensor<3>| x.reshape([batch, tokens, self.heads, width]).swap_dims(1, 2);
        let query = split(self.query.forward(x.clone()));
        let key = split(self.key.forward(x.clone()));
        let value = split(self.value.forward(x));
        let scores = query.matmul(key.transpose()) / (width as f64).sqrt();
        let weights = self.dropout.forward(softmax(scores, 3));
        weights.matmul(value).swap_dims(1, 2).reshape([batch, tokens, hidden])
    }
}

#[derive(Module, Debug)]
struct Attention {
    self_: SelfAttention,
    output: DenseNorm,
}

#[derive(Module, Debug)]
struct Intermediate {
    dense: Linear,
}

#[derive(Module, Debug)]
struct TransformerLayer {
    attention: Attention,
    intermediate: Intermediate,
    output: DenseNorm,
    dropout: Dropout,
}

impl TransformerLayer {
    fn new(config: &SetrConfig, device: &Device) -> Self {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let linear = |output| Linear::new([hidden, output], true, device);
        Self {
            attention: Attention {
                self_: SelfAttention {
                    query: linear(hidden),
                    key: linear(hidden),
                    value: linear(hidden),
                    heads: config.num_attention_heads,
                    dropout: Dropout::new(config.attention_probs_dropout_prob),
                },
                output: DenseNorm::new([hidden, hidden], device),
            },
            intermediate: Intermediate { dense: linear(inner) },
            output: DenseNorm::new([inner, hidden], device),
            dropout: Dropout::new(config.hidden_dropout_prob),
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let attended = self.attention.self_.forward(x.clone());
        let x = self.attention.output.add(x, attended, &self.dropout);
        let inner = gelu(self.intermediate.dense.forward(x.clone()));
        self.output.add(x, inner, &self.dropout)
    }
}

#[derive(Module, Debug)]
struct Layers {
    layer: Vec<TransformerLayer>,
}

#[derive(Module, Debug)]
struct Bert {
    dense: DenseNorm,
    embeddings: Embeddings,
    encoder: Layers,
}

#[derive(Module, Debug)]
struct Encoder {
    bert_model: Bert,
    final_dense: Linear,
    #[module(skip)]
    patch: [usize; 2],
    #[module(skip)]
    token: [usize; 2],
}

impl Encoder {
    fn new(config: &SetrConfig, device: &Device) -> Self {
        let (hidden, area) = (config.hidden_size, |[h, w]: [usize; 2]| h * w);
        let table = Tensor::zeros([config.max_position_embeddings, hidden], device);
        let table = Param::from_tensor(table).set_require_grad(config.train_positions);
        let layers = (0..config.num_hidden_layers).map(|_| TransformerLayer::new(config, device));
        Self {
            bert_model: Bert {
                dense: DenseNorm::new([area(config.patch_size) * config.in_channels, hidden], device),
                embeddings: Embeddings {
                    position_embeddings: PositionTable { weight: table },
                    LayerNorm: layer_norm(hidden, device),
                    dropout: Dropout::new(config.hidden_dropout_prob),
                },
                encoder: Layers { layer: layers.collect() },
            },
            final_dense: Linear::new([hidden, area(config.token()) * hidden], true, device),
            patch: config.patch_size,
            token: config.token(),
        }
    }

    /// `[N, in, H, W]` to `[N, hidden, H/16, W/16]`.
    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let ([batch, channels, height, width], [ph, pw], [th, tw]) = (input.dims(), self.patch, self.token);
        let (rows, columns) = (height / ph, width / pw);
        // A token's values: its rows, its columns, and channels fastest.
        let tokens = input.reshape([batch, channels, rows, ph, columns, pw]).permute([0, 2, 4, 3, 5, 1]);
        let tokens = tokens.reshape([batch, rows * columns, ph * pw * channels]);
        let Bert { dense: DenseNorm { dense, LayerNorm }, embeddings, encoder } = &self.bert_model;
        let x = embeddings.forward(LayerNorm.forward(gelu(dense.forward(tokens))));
        let x = encoder.layer.iter().fold(x, |x, layer| layer.forward(x)); // [N, tokens, hidden]
        let hidden = x.dims()[2];
        let x = self.final_dense.forward(x).reshape([batch, rows, columns, th, tw, hidden]);
        x.permute([0, 5, 1, 3, 2, 4]).reshape([batch, hidden, rows * th, columns * tw])
    }
}

#[derive(Module, Debug)]
struct Decoder {
    decoder_1: Sequential,
    decoder_2: Sequential,
    decoder_3: Sequential,
    decoder_4: Sequential,
    final_out: Conv,
}

impl Decoder {
    fn new(config: &SetrConfig, device: &Device) -> Self {
        let [a, b, c, d] = config.decode_features;
        let step = |input, output| {
            let conv = conv(input, output, 3).padding(1).init(device);
            let up = op(|x| bilinear_up(x, 2));
            Sequential::new([conv.into(), batch_norm(output, device).into(), op(relu), up])
        };
        Self {
            decoder_1: step(config.hidden_size, a),
            decoder_2: step(a, b),
            decoder_3: step(b, c),
            decoder_4: step(c, d),
            final_out: conv(d, config.n_classes, 3).padding(1).init(device),
        }
    }

    /// `[N, hidden, H/16, W/16]` to `[N, classes, H, W]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let steps = [&self.decoder_1, &self.decoder_2, &self.decoder_3, &self.decoder_4];
        self.final_out.forward(steps.into_iter().fold(x, |x, step| step.forward(x)))
    }
}

#[derive(Module, Debug)]
struct Setr {
    encoder_2d: Encoder,
    decoder_2d: Decoder,
}

impl SegmentationModule for Setr {
    type Config = SetrConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &SetrConfig, device: &Device) -> Self {
        Self { encoder_2d: Encoder::new(config, device), decoder_2d: Decoder::new(config, device) }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        Outputs::of(self.decoder_2d.forward(self.encoder_2d.forward(input)))
    }

    fn bytes_per_pixel(config: &SetrConfig) -> usize {
        // The last step at full resolution: its map, what the resize reads, and what the convolution lays out; the
        // decoder's maps before it have a quarter of the pixels and twice the channels.
        4 * 8 * config.decode_features[3].max(config.n_classes).max(config.decode_features[2] / 2)
    }

    /// As many tokens as there are positions.
    fn input(config: &SetrConfig) -> InputRule {
        let [height, width] = config.patch_size;
        let multiple = height.max(width);
        let side = (config.max_position_embeddings * height * width).isqrt();
        InputRule::multiple_of(multiple).most((side / multiple).max(1) * multiple)
    }

    fn initial(site: &InitSite<'_>) -> Init {
        if site.name.ends_with("position_embeddings.weight") {
            return Init::Normal { mean: 0.0, std: 1.0 };
        }
        site.standard()
    }
}
