//! How good a mask is: Dice, IoU, sensitivity, specificity.
