//! Segmentation Models PyTorch 0.3.2: decoders over ResNet encoders.
