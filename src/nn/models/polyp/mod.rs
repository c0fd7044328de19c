//! Polyps in endoscopy ("medical-segmentation-pytorch").
