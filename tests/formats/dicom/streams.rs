//! Compressed 8 × 8 pictures, made by OpenJPEG and libjpeg; and what is simple enough to be written here.

/// A card of four colours as brightness and differences, in JPEG 2000 that does not transform them.
pub const YBR_J2K: &str = "\
    ff4fff51002f0000000000080000000800000000000000000000000800000008000000000000000000030701010701010701\
    01ff52000c00000001000004040001ff5c00044040ff640025000143726561746564206279204f70656e4a50454720766572\
    73696f6e20322e352e34ff90000a00000000007d0001ff93cfb4883b0d088f46f79e90873bee3afd08fb94d0c0b48c11f362\
    0fe94f0c0b5049177c0611cfb48c3bb90a7f038ab503b8ff109f7722d52100002f3097090250e5e2640030907d34b98483cf\
    b48414004f011162066d74effc093803024737ae5520c14d6903ee62b4880c0829ed28ffd9";

/// The same as RGB, in JPEG 2000 with its own transform.
pub const RGB_MCT: &str = "\
    ff4fff51002f0000000000080000000800000000000000000000000800000008000000000000000000030701010701010701\
    01ff52000c00000001010004040001ff5c00044040ff640025000143726561746564206279204f70656e4a50454720766572\
    73696f6e20322e352e34ff90000a00000000007b0001ff93c7d4421150426c987b6380608aeb3cc241e53e0c241bd3cc241d\
    13dc14d67fb127f4a787df8108268908296ad31cf07f4f07b8274500307eacb5a08932341ff02c302d375dfcff7fdf811014\
    004f011162baf90424156581b19ceef7ff6d3f819218f3381dc04737962030907fffd9";

/// 1 where column + row is a multiple of 3, in JPEG 2000 of one bit.
pub const ONE_BIT: &str = "\
    ff4fff510029000000000008000000080000000000000000000000080000000800000000000000000001000101ff52000c00\
    000001000004040001ff5c00044008ff640025000143726561746564206279204f70656e4a5045472076657273696f6e2032\
    2e352e34ff90000a00000000001a0001ff93d5400b760ea612b5b3f45ddfffd9";

/// 280 · (column + row), in lossy JPEG of twelve bits.
pub const TWELVE: &str = "\
    ffd8ffe000104a46494600010100000100010000ffdb00430001010101010101010101010101010102010101010102010101\
    020202020202020202030304030303030302020304030304040404040203050504040504040404ffc1000b0c000800080101\
    1100ffc4001400010000000000000000000000000000000affc4001b10000104030000000000000000000000000d002a3a48\
    576475ffda0008010100003f0027e3044608c7a5bd38beaff2f497ffd9";

pub fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|c| u8::from_str_radix(std::str::from_utf8(c).unwrap(), 16).unwrap())
        .collect()
}

/// Lossless JPEG (T.81, annex H): process 14, predictor 1, three components as they are.
pub fn lossless_jpeg(pixels: &[[u8; 3]], columns: usize) -> Vec<u8> {
    let rows = pixels.len() / columns;
    let mut out = vec![0xff, 0xd8, 0xff, 0xc3, 0, 17, 8, 0, rows as u8, 0, columns as u8, 3];
    out.extend([1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]);
    // One table: nine categories of four bits each.
    out.extend([0xff, 0xc4, 0, 28, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    out.extend(0..9u8);
    out.extend([0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 1, 0, 0]);
    let mut bits = String::new();
    for (i, pixel) in pixels.iter().enumerate() {
        for c in 0..3 {
            let before = match (i % columns, i / columns) {
                (0, 0) => 128,
                (0, _) => pixels[i - columns][c],
                _ => pixels[i - 1][c],
            };
            let difference = i32::from(pixel[c]) - i32::from(before);
            let category = (32 - difference.unsigned_abs().leading_zeros()) as usize;
            bits += &format!("{category:04b}");
            let value = if difference > 0 { difference } else { difference + (1 << category) - 1 };
            if category > 0 {
                bits += &format!("{value:0category$b}");
            }
        }
    }
    while !bits.len().is_multiple_of(8) {
        bits.push('1');
    }
    for byte in bits.as_bytes().chunks(8) {
        let byte = u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap();
        out.push(byte);
        if byte == 0xff {
            out.push(0);
        }
    }
    out.extend([0xff, 0xd9]);
    out
}

/// Run-length coding (PS3.5, annex G) of samples of `width` bytes, high bytes first; pixel by pixel in `samples`.
pub fn run_length(samples: &[Vec<u32>], width: usize) -> Vec<u8> {
    let mut segments: Vec<Vec<u8>> = Vec::new();
    for component in samples {
        for byte in (0..width).rev() {
            let plane: Vec<u8> = component.iter().map(|v| v.to_le_bytes()[byte]).collect();
            let mut coded = Vec::new();
            for run in plane.chunk_by(|a, b| a == b) {
                match run.len() {
                    1 => coded.extend([0, run[0]]),
                    n => coded.extend([(257 - n) as u8, run[0]]),
                }
            }
            segments.push(coded);
        }
    }
    let mut header = vec![segments.len() as u32];
    let mut at = 64;
    for segment in &segments {
        header.push(at);
        at += segment.len() as u32;
    }
    header.resize(16, 0);
    header.into_iter().flat_map(u32::to_le_bytes).chain(segments.into_iter().flatten()).collect()
}
