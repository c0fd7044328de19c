//! The networks of JMedSeg (Jittor).
