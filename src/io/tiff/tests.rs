//! Files are made here, field by field; where another program's compression is needed, its bytes stand here.

mod make;

use super::page::tag;
use crate::{
    geom::Unit,
    io::{self, OpenError, OpenOptions, Opened, Quiet, open_labels},
    volume::Volume,
};
use make::{BIG, LITTLE, Value, Way, fields, short, with};
use std::path::PathBuf;

/// Kept until the end of a test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join("a.tif");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn open(&self, bytes: &[u8]) -> Opened {
        io::open(&self.write(bytes), &OpenOptions::default(), &mut Quiet).unwrap()
    }

    fn series(&self, bytes: &[u8], id: &str) -> Volume {
        let options = OpenOptions { series: Some(id.into()), ..OpenOptions::default() };
        io::open(&self.write(bytes), &options, &mut Quiet).unwrap().volume
    }

    fn refused(&self, bytes: &[u8]) -> String {
        io::open(&self.write(bytes), &OpenOptions::default(), &mut Quiet).unwrap_err().to_string()
    }

    fn labels(&self, bytes: &[u8]) -> (Vec<u16>, String) {
        let (map, _, warnings) = open_labels(&self.write(bytes)).unwrap();
        (map.to_values(), warnings.join("; "))
    }
}

fn values(volume: &Volume) -> Vec<f32> {
    (0..volume.dims()[2]).flat_map(|z| volume.slice_values(z)).collect()
}

/// Pages of one pixel whose values count up from 0; the first is described.
fn counted(way: Way, pages: u8, description: &str, more: &[(u16, Value)]) -> Vec<u8> {
    let page = |i: u8| {
        let mut fields = with(fields(1, 1, &[8], 1), more);
        if i == 0 {
            fields.push((tag::DESCRIPTION, Value::Text(description.into())));
        }
        (fields, vec![i])
    };
    way.file(&(0..pages).map(page).collect::<Vec<_>>())
}

#[test]
fn series_that_tifffile_describes_are_volumes_to_choose_from() {
    let folder = Folder::new();
    let page = |i: u8| {
        let mut fields = fields(1, 1, &[8], 1);
        match i {
            0 => fields.push((tag::DESCRIPTION, Value::Text("{\"shape\": [3, 1, 1]}".into()))),
            3 => fields
                .push((tag::DESCRIPTION, Value::Text("{\"shape\": [2, 1, 1], \"axes\": \"ZYX\"}".into()))),
            _ => {}
        }
        (fields, vec![i])
    };
    let file = LITTLE.file(&(0..5).map(page).collect::<Vec<_>>());
    let opened = folder.open(&file);
    assert_eq!(values(&opened.volume), [0.0, 1.0, 2.0]);
    assert_eq!(opened.warnings, ["The file holds 2 images; image 1 of 2 is shown"]);
    assert_eq!(values(&folder.series(&file, "i2")), [3.0, 4.0]);
    // Where the pages are not those of the description they are shown as they are, with a word.
    let short = folder.open(&LITTLE.file(&(0..4).map(page).collect::<Vec<_>>()));
    assert_eq!(values(&short.volume), [0.0, 1.0, 2.0, 3.0]);
    assert!(short.warnings[0].contains("does not fit its pages"), "{:?}", short.warnings);
}

#[test]
fn channels_and_moments_of_image_j_are_volumes_to_choose_from() {
    let folder = Folder::new();
    let text = "ImageJ=1.54f\nimages=12\nchannels=2\nslices=3\nframes=2\nhyperstack=true\nunit=\\u00B5m\nspacing=3.0\n";
    let resolution =
        [(tag::X_RESOLUTION, Value::Fraction([2, 1])), (tag::Y_RESOLUTION, Value::Fraction([4, 1]))];
    let file = counted(LITTLE, 12, text, &resolution);
    let opened = folder.open(&file);
    assert_eq!(values(&opened.volume), [0.0, 2.0, 4.0]);
    let ids: Vec<&str> = opened.series.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids, ["c1t1", "c2t1", "c1t2", "c2t2"]);
    assert!(opened.series[0].shown && opened.series[1].dims == [1, 1, 3], "{:?}", opened.series);
    assert_eq!(opened.warnings, ["The file holds 4 images; channel 1 of 2, time point 1 of 2 is shown"]);
    assert_eq!(values(&folder.series(&file, "c2t2")), [7.0, 9.0, 11.0]);
    let grid = opened.volume.grid();
    assert_eq!((grid.unit(), grid.spacing()), (Unit::Millimetre, [0.0005, 0.00025, 0.003]));

    let one = folder.open(&counted(
        BIG,
        3,
        "ImageJ=1.54f\nimages=3\nslices=3\nunit=pixel\nspacing=3.0\n",
        &resolution,
    ));
    assert_eq!((values(&one.volume), one.series.len()), (vec![0.0, 1.0, 2.0], 0));
    assert_eq!((one.volume.grid().unit(), one.warnings.len()), (Unit::Pixel, 0));
    let odd = folder.open(&counted(BIG, 3, "ImageJ=1.54f\nimages=3\nunit=parsec\n", &resolution));
    assert!(odd.warnings[0].contains("\"parsec\""), "{:?}", odd.warnings);
}

#[test]
fn the_calibration_of_image_j_gives_the_values_but_not_the_labels() {
    let folder = Folder::new();
    let image = |text: &str| {
        let fields = with(fields(2, 1, &[16], 1), &[(tag::DESCRIPTION, Value::Text(text.into()))]);
        BIG.file(&[(fields, [31768u16.to_be_bytes(), 34768u16.to_be_bytes()].concat())])
    };
    // As ImageJ writes a signed image.
    let signed =
        image("ImageJ=1.54f\nmin=-1000.0\nmax=2000.0\ncf=0\nc0=-32768.0\nc1=1.0\nvunit=Gray Value\n");
    let opened = folder.open(&signed);
    assert_eq!((values(&opened.volume), opened.warnings.len()), (vec![-1000.0, 2000.0], 0));
    let mask = OpenOptions { as_mask: true, ..OpenOptions::default() };
    assert_eq!(
        values(&io::open(&folder.write(&signed), &mask, &mut Quiet).unwrap().volume),
        [31768.0, 34768.0]
    );
    // A curve is not applied, and that is said.
    let curve = folder.open(&image("ImageJ=1.54f\ncf=11\nc0=1.0\nc1=2.0\n"));
    assert_eq!(values(&curve.volume), [31768.0, 34768.0]);
    assert!(curve.warnings[0].contains("cf=11"), "{:?}", curve.warnings);
    // A folder of such images is a volume of the same values; slices of two scales are not put together.
    let slices = tempfile::tempdir().unwrap();
    let slice = |z: u8, bytes: &[u8]| {
        std::fs::write(slices.path().join(format!("slice_{z}.tif")), bytes).unwrap();
        io::open(slices.path(), &OpenOptions::default(), &mut Quiet)
    };
    slice(1, &signed).unwrap();
    let opened = slice(2, &signed).unwrap();
    assert_eq!(opened.volume.dims(), [2, 1, 2]);
    assert_eq!(values(&opened.volume), [-1000.0, 2000.0, -1000.0, 2000.0]);
    let told = slice(3, &image("ImageJ=1.54f\ncf=0\nc0=-32768.0\nc1=2.0\n")).unwrap_err().to_string();
    assert!(told.contains("slice_3.tif differs from slice_1.tif") && told.contains("times 2"), "{told}");
}

#[test]
fn a_stack_of_image_j_in_one_directory_is_read_whole() {
    let folder = Folder::new();
    let pixels: Vec<u8> = (1000u16..1012).flat_map(u16::to_be_bytes).collect();
    let stack = |text: &str| {
        let fields = with(fields(2, 1, &[16], 1), &[(tag::DESCRIPTION, Value::Text(text.into()))]);
        let mut fields = fields;
        // The strip's length is that of the first image.
        fields.push((tag::STRIP_OFFSETS, Value::Long(vec![8])));
        fields.push((tag::STRIP_BYTES, Value::Long(vec![4])));
        let mut file = BIG.file(&[(fields, pixels.clone())]);
        assert_eq!(file[8..10], [3, 232], "the pixels begin behind the header");
        file.extend([0; 3]);
        file
    };
    let opened = folder.open(&stack("ImageJ=1.54f\nimages=6\nslices=6\nloop=false\n"));
    assert_eq!(opened.volume.dims(), [2, 1, 6]);
    assert_eq!(values(&opened.volume), (1000..1012).map(|v| v as f32).collect::<Vec<_>>());
    let channels = stack("ImageJ=1.54f\nimages=6\nchannels=2\nslices=3\n");
    assert_eq!(values(&folder.series(&channels, "c2")), [1002.0, 1003.0, 1006.0, 1007.0, 1010.0, 1011.0]);
    let short = folder.open(&stack("ImageJ=1.54f\nimages=600\nslices=600\n"));
    assert_eq!(short.volume.dims(), [2, 1, 1]);
    assert!(
        short.warnings[0].contains("images=600 slices=600) does not fit its pages (1)"),
        "{:?}",
        short.warnings
    );
}

#[test]
fn ome_puts_the_planes_in_every_order() {
    let folder = Folder::new();
    for order in ["XYZCT", "XYZTC", "XYCTZ", "XYCZT", "XYTCZ", "XYTZC"] {
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\">\
             <Image ID=\"Image:0\"><Pixels DimensionOrder=\"{order}\" SizeX=\"1\" SizeY=\"1\" SizeZ=\"3\" SizeC=\"2\" SizeT=\"2\" \
             Type=\"uint8\" PhysicalSizeX=\"0.5\" PhysicalSizeY=\"0.25\" PhysicalSizeZ=\"2\" PhysicalSizeZUnit=\"mm\">\
             <Channel ID=\"Channel:0:0\" Name=\"nuclei\"/><Channel ID=\"Channel:0:1\" Name=\"a &amp; b\"/>\
             <TiffData IFD=\"0\" PlaneCount=\"12\"/></Pixels></Image></OME>"
        );
        let file = counted(Way { big_endian: true, big_tiff: true }, 12, &text, &[]);
        // The page of channel 2, time point 2 in each slice.
        let step = |axis: char| {
            let size = |c| if c == 'Z' { 3 } else { 2 };
            order[2..].chars().take_while(|&c| c != axis).map(size).product::<usize>()
        };
        let expected: Vec<f32> = (0..3).map(|z| (step('C') + step('T') + z * step('Z')) as f32).collect();
        assert_eq!(values(&folder.series(&file, "c2t2")), expected, "{order}");
        let opened = folder.open(&file);
        assert!(
            opened.series[1].title.contains("channel 2 of 2 (a & b)") || order != "XYZCT",
            "{:?}",
            opened.series
        );
        assert_eq!(opened.volume.grid().spacing(), [0.0005, 0.00025, 2.0], "{order}");
    }
}

#[test]
fn planes_lie_where_ome_says() {
    let folder = Folder::new();
    let ome = |data: &str, slices: usize| {
        format!(
            "<OME><Image><Pixels DimensionOrder=\"XYZCT\" SizeZ=\"{slices}\" SizeC=\"1\" SizeT=\"1\">{data}</Pixels></Image></OME>"
        )
    };
    let backwards = "<TiffData IFD=\"1\" FirstZ=\"0\"/><TiffData IFD=\"0\" FirstZ=\"1\"/>";
    let opened = folder.open(&counted(LITTLE, 3, &ome(backwards, 2), &[]));
    assert_eq!(values(&opened.volume), [1.0, 0.0]);
    assert_eq!(opened.warnings, ["1 pages belong to none of the images that it describes and are not shown"]);
    let elsewhere = "<TiffData IFD=\"0\"><UUID FileName=\"a.tif\">urn</UUID></TiffData>\
                     <TiffData FirstZ=\"1\" IFD=\"0\"><UUID FileName=\"b.tif\">urn</UUID></TiffData>";
    let opened = folder.open(&counted(LITTLE, 2, &ome(elsewhere, 2), &[]));
    assert_eq!(opened.volume.dims(), [1, 1, 2]);
    assert!(
        opened.warnings[0].contains("1 of 2 planes are not in this file (others are in b.tif)"),
        "{:?}",
        opened.warnings
    );
    // Renamed, and the only file of its image.
    let renamed = "<TiffData IFD=\"0\" PlaneCount=\"2\"><UUID FileName=\"old.tif\">urn</UUID></TiffData>";
    let opened = folder.open(&counted(LITTLE, 2, &ome(renamed, 2), &[]));
    assert_eq!((values(&opened.volume), opened.warnings.len()), (vec![0.0, 1.0], 0));
    // Nothing is allocated for a claim.
    let opened = folder.open(&counted(LITTLE, 2, &ome("", usize::MAX / 2), &[]));
    assert_eq!(opened.volume.dims(), [1, 1, 2]);
    assert!(opened.warnings[0].contains("does not fit its pages (2)"), "{:?}", opened.warnings);
}

#[test]
fn counts_that_do_not_fit_are_said_with_the_numbers() {
    let folder = Folder::new();
    for text in
        ["ImageJ=1.54f\nimages=10\nchannels=2\nslices=5\n", "ImageJ=1.54f\nimages=9\nchannels=2\nslices=5\n"]
    {
        let opened = folder.open(&counted(LITTLE, 9, text, &[]));
        assert_eq!((opened.volume.dims(), opened.series.len()), ([1, 1, 9], 0));
        assert!(
            opened.warnings[0].contains("channels=2 slices=5) does not fit its pages (9)"),
            "{:?}",
            opened.warnings
        );
    }
    let opened = folder.open(&counted(LITTLE, 6, "{\"shape\": [2, 3, 1, 1], \"axes\": \"CZYX\"}", &[]));
    assert_eq!((values(&opened.volume), opened.series.len()), (vec![0.0, 1.0, 2.0], 2));
    let opened = folder.open(&counted(LITTLE, 6, "{\"shape\": [2, 3, 1, 1]}", &[]));
    assert_eq!(opened.volume.dims(), [1, 1, 6]);
    assert!(opened.warnings[0].contains("shape=[2, 3, 1, 1]"), "{:?}", opened.warnings);
}

#[test]
fn masks_have_the_stored_numbers_and_pictures_the_shades() {
    let folder = Folder::new();
    // ImageJ's inverting look-up table: 0 is white.
    let white = LITTLE.file(&[(fields(3, 1, &[8], 0), vec![0, 1, 2])]);
    let (ids, note) = folder.labels(&white);
    assert_eq!(ids, [0, 1, 2]);
    assert!(note.contains("0 is white"), "{note}");
    let turned = folder.open(&white);
    assert_eq!(values(&turned.volume), [255.0, 254.0, 253.0]);
    assert!(turned.warnings[0].contains("inverted"), "{:?}", turned.warnings);
    let bits = LITTLE.file(&[(fields(10, 1, &[1], 0), vec![0b0110_0000, 0b0100_0000])]);
    assert_eq!(folder.labels(&bits).0, [0, 1, 1, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(values(&folder.open(&bits).volume)[..3], [1.0, 0.0, 0.0]);

    // Measured values stay, and are shown the other way round.
    let signed = with(fields(2, 1, &[16], 0), &[short(tag::SAMPLE_FORMAT, 2)]);
    let signed = BIG.file(&[(signed, [(-300i16).to_be_bytes(), 5i16.to_be_bytes()].concat())]);
    let opened = folder.open(&signed);
    assert_eq!(values(&opened.volume), [-300.0, 5.0]);
    assert!(opened.volume.low_is_white() && opened.warnings[0].contains("low values are white"));
    let slices = tempfile::tempdir().unwrap();
    for name in ["slice_1.tif", "slice_2.tif"] {
        std::fs::write(slices.path().join(name), &signed).unwrap();
    }
    let opened = io::open(slices.path(), &OpenOptions::default(), &mut Quiet).unwrap();
    assert!(opened.volume.low_is_white() && opened.volume.dims() == [2, 1, 2]);

    for (bits, pixels) in
        [(1u16, vec![0b0100_0000]), (2, vec![0b0001_0000]), (4, vec![0x01, 0x00]), (8, vec![0, 1, 0])]
    {
        let colours = 1usize << bits;
        let mut map = vec![0u16; 3 * colours];
        map[1] = 0xff00;
        let palette = with(fields(3, 1, &[bits], 3), &[(tag::COLOR_MAP, Value::Short(map.clone()))]);
        let file = LITTLE.file(&[(palette.clone(), pixels.clone())]);
        let (ids, note) = folder.labels(&file);
        assert_eq!(ids, [0, 1, 0], "{bits} bits");
        assert!(note.contains("palette"), "{note}");
        assert_eq!(folder.open(&file).volume.value([1, 0, 0]), [255.0, 0.0, 0.0]);
        // A grey palette: the shades are for looking at, too.
        for i in 0..3 {
            map[i * colours + 1] = 0x7f00;
        }
        let grey = with(fields(3, 1, &[bits], 3), &[(tag::COLOR_MAP, Value::Short(map))]);
        let file = LITTLE.file(&[(grey, pixels)]);
        assert_eq!(folder.labels(&file).0, [0, 1, 0], "{bits} bits");
        assert_eq!(values(&folder.open(&file).volume), [0.0, 127.0, 0.0]);
    }
    // Grey written as 16-bit colour: 8 bits would make the ids 0.
    let rgb: Vec<u8> = [[0u16; 3], [300; 3]].iter().flatten().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(folder.labels(&LITTLE.file(&[(fields(2, 1, &[16; 3], 2), rgb)])).0, [0, 300]);
}

#[test]
fn every_orientation_is_shown_upright() {
    let folder = Folder::new();
    // 0 1 2
    // 3 4 5
    let upright: [&[u8]; 8] = [
        &[0, 1, 2, 3, 4, 5],
        &[2, 1, 0, 5, 4, 3],
        &[5, 4, 3, 2, 1, 0],
        &[3, 4, 5, 0, 1, 2],
        &[0, 3, 1, 4, 2, 5],
        &[3, 0, 4, 1, 5, 2],
        &[5, 2, 4, 1, 3, 0],
        &[2, 5, 1, 4, 0, 3],
    ];
    for (orientation, expected) in (1u16..).zip(upright) {
        let page = with(fields(3, 2, &[8], 1), &[short(tag::ORIENTATION, orientation)]);
        let opened = folder.open(&LITTLE.file(&[(page, vec![0, 1, 2, 3, 4, 5])]));
        let expected: Vec<f32> = expected.iter().map(|&v| v.into()).collect();
        assert_eq!(values(&opened.volume), expected, "orientation {orientation}");
        let size = if orientation < 5 { [3, 2, 1] } else { [2, 3, 1] };
        assert_eq!(opened.volume.dims(), size);
        assert_eq!(opened.warnings.len(), usize::from(orientation > 1), "{:?}", opened.warnings);
        assert_eq!(opened.turned, (orientation > 1).then(|| orientation.to_string()));
    }
}

#[test]
fn colours_of_every_kind_are_right() {
    let folder = Folder::new();
    let colour = |fields: Vec<(u16, Value)>, pixels: &[u8]| {
        let opened = folder.open(&LITTLE.file(&[(fields, pixels.to_vec())]));
        (
            opened.volume.value([0, 0, 0]).iter().map(|&v| v as u8).collect::<Vec<u8>>(),
            opened.warnings.join("; "),
        )
    };
    let (rgb, note) = colour(fields(1, 1, &[8; 4], 5), &[255, 0, 0, 51]);
    assert_eq!(rgb, [0, 204, 204]);
    assert!(note.contains("CMYK"), "{note}");
    // Red in YCbCr of JPEG, each pixel by itself, and four luma with one chroma.
    let whole = with(fields(1, 1, &[8; 3], 6), &[(tag::YCBCR_SUBSAMPLING, Value::Short(vec![1, 1]))]);
    assert_eq!(colour(whole, &[76, 85, 255]).0, [254, 0, 0]);
    let blocks = folder.open(
        &LITTLE
            .file(&[(fields(3, 1, &[8; 3], 6), [[76, 76, 0, 0, 85, 255], [29, 0, 0, 0, 255, 107]].concat())]),
    );
    assert_eq!((blocks.volume.value([1, 0, 0])[0], blocks.volume.value([2, 0, 0])[2]), (254.0, 254.0));
    let alpha = |code| with(fields(1, 1, &[8; 4], 2), &[short(tag::EXTRA_SAMPLES, code)]);
    let (rgb, note) = colour(alpha(1), &[100, 50, 0, 128]);
    assert_eq!(rgb, [199, 100, 0]);
    assert!(note.contains("premultiplied"), "{note}");
    assert_eq!(colour(alpha(2), &[100, 50, 0, 128]).0, [100, 50, 0]);
    assert_eq!(colour(fields(1, 1, &[16; 3], 2), &[0xff, 0xff, 0, 0x80, 0, 0]).0, [255, 128, 0]);
    let planar = with(fields(2, 1, &[8; 3], 2), &[short(tag::PLANAR, 2)]);
    let mut planar = planar;
    planar.push((tag::STRIP_OFFSETS, Value::Long(vec![8, 10, 12])));
    planar.push((tag::STRIP_BYTES, Value::Long(vec![2, 2, 2])));
    assert_eq!(colour(planar, &[1, 2, 3, 4, 5, 6]).0, [1, 3, 5]);
    let twelve = folder.open(&LITTLE.file(&[(fields(3, 1, &[12], 1), vec![0x12, 0x3f, 0xff, 0x00, 0x10])]));
    assert_eq!(values(&twelve.volume), [291.0, 4095.0, 1.0]);
    let channels = with(fields(1, 1, &[8; 3], 1), &[(tag::EXTRA_SAMPLES, Value::Short(vec![0, 0]))]);
    let channels = LITTLE.file(&[(channels, vec![7, 8, 9])]);
    assert_eq!(
        (values(&folder.series(&channels, "c3")), folder.open(&channels).series.len()),
        (vec![9.0], 3)
    );
}

#[test]
fn tiles_of_planes_and_predictors_are_put_together() {
    let folder = Folder::new();
    // Two planes of colour would be too few: three of 20 x 18 in tiles of 16 x 16, each tile of one value.
    let mut pixels = Vec::new();
    let mut places = Vec::new();
    for tile in 0..12u8 {
        places.push(8 + pixels.len() as u32);
        pixels.extend([tile; 256]);
    }
    let tiles = |photometric, more: &[(u16, Value)]| {
        let mut all = vec![
            (tag::TILE_WIDTH, Value::Short(vec![16])),
            (tag::TILE_HEIGHT, Value::Short(vec![16])),
            (tag::TILE_OFFSETS, Value::Long(places.clone())),
            (tag::TILE_BYTES, Value::Long(vec![256; 12])),
        ];
        all.extend_from_slice(more);
        with(fields(20, 18, &[8; 3], photometric), &all)
    };
    let file = LITTLE.file(&[(tiles(2, &[short(tag::PLANAR, 2)]), pixels)]);
    let volume = folder.open(&file).volume;
    assert_eq!(volume.value([15, 15, 0]), [0.0, 4.0, 8.0]);
    assert_eq!(volume.value([19, 17, 0]), [3.0, 7.0, 11.0]);

    let deflated = |raw: &[u8]| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, raw).unwrap();
        encoder.finish().unwrap()
    };
    let predicted = |bits: u16, kind, predictor| {
        let more =
            [short(tag::COMPRESSION, 8), short(tag::SAMPLE_FORMAT, kind), short(tag::PREDICTOR, predictor)];
        with(fields(3, 1, &[bits], 1), &more)
    };
    // 1000, 1001, 999 as differences.
    let differences: Vec<u8> = [1000i16, 1, -2].iter().flat_map(|v| v.to_be_bytes()).collect();
    let file = BIG.file(&[(predicted(16, 1, 2), deflated(&differences))]);
    assert_eq!(values(&folder.open(&file).volume), [1000.0, 1001.0, 999.0]);
    // The bytes of three floats by their weight, highest first, as differences.
    let floats = [1.5f32, -2.25, 1e-3];
    let planes: Vec<u8> = (0..4).flat_map(|k| floats.map(|v| v.to_be_bytes()[k])).collect();
    let differences: Vec<u8> =
        (0..12).map(|i| if i == 0 { planes[0] } else { planes[i].wrapping_sub(planes[i - 1]) }).collect();
    for way in [LITTLE, BIG] {
        let file = way.file(&[(predicted(32, 3, 3), deflated(&differences))]);
        assert_eq!(values(&folder.open(&file).volume), floats);
    }
}

#[test]
fn zstandard_and_lzma_are_read() {
    let folder = Folder::new();
    // Made by imagecodecs of the bytes 0 to 7, eight times.
    let zstd: &[u8] = &ZSTD;
    let lzma: &[u8] = &LZMA;
    let expected: Vec<f32> = (0..64).map(|i| (i % 8) as f32).collect();
    for (code, data) in [(50_000, zstd), (34_925, lzma)] {
        let page = with(fields(8, 8, &[8], 1), &[short(tag::COMPRESSION, code)]);
        let file = LITTLE.file(&[(page, data.to_vec())]);
        assert_eq!(values(&folder.open(&file).volume), expected, "compression {code}");
        let page = with(fields(8, 9, &[8], 1), &[short(tag::COMPRESSION, code)]);
        assert!(folder.refused(&LITTLE.file(&[(page, data.to_vec())])).contains("64 of 72 bytes"));
    }
    let page = with(fields(8, 8, &[8], 1), &[short(tag::COMPRESSION, 34_887)]);
    assert!(folder.refused(&LITTLE.file(&[(page, vec![0; 64])])).contains("LERC"));
}

#[test]
fn samples_beside_the_colours_are_said() {
    let folder = Folder::new();
    let page = with(fields(1, 1, &[8; 5], 2), &[(tag::EXTRA_SAMPLES, Value::Short(vec![0, 0]))]);
    let opened = folder.open(&LITTLE.file(&[(page, vec![10, 20, 30, 40, 50])]));
    assert_eq!(opened.volume.value([0, 0, 0]), [10.0, 20.0, 30.0]);
    assert!(opened.warnings[0].contains("2 samples of each pixel"), "{:?}", opened.warnings);
}

#[test]
fn copies_masks_and_pages_of_other_sizes_are_not_mixed_in() {
    let folder = Folder::new();
    let page = |width: u32, kind: u32, value: u8| {
        let subfile = [(tag::SUBFILE, Value::Long(vec![kind]))];
        (with(fields(width, 1, &[8], 1), &subfile), vec![value; width as usize])
    };
    let file = LITTLE.file(&[page(2, 0, 1), page(1, 1, 9), page(2, 4, 9), page(2, 0, 2), page(3, 0, 9)]);
    let opened = folder.open(&file);
    assert_eq!((opened.volume.dims(), values(&opened.volume)), ([2, 1, 2], vec![1.0, 1.0, 2.0, 2.0]));
    let said = opened.warnings.join("; ");
    for words in
        ["Left out: 1 transparency mask", "Left out: 1 reduced-size page", "2 x 1 (2 pages) is shown"]
    {
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(folder.series(&file, "3x1").dims(), [3, 1, 1]);
}

#[test]
fn damaged_directories_are_refused_and_do_not_loop() {
    let folder = Folder::new();
    let good = counted(LITTLE, 2, "", &[]);
    let link = good.len() - 4;
    let mut circle = good.clone();
    circle[link..].copy_from_slice(&good[4..8]);
    let opened = folder.open(&circle);
    assert_eq!(opened.volume.dims(), [1, 1, 2]);
    assert!(opened.warnings[0].contains("circle"), "{:?}", opened.warnings);
    let mut away = good.clone();
    away[link..].copy_from_slice(&1_000_000u32.to_le_bytes());
    assert!(folder.refused(&away).contains("cut off"));

    let one = |fields: Vec<(u16, Value)>, pixels: Vec<u8>| folder.refused(&LITTLE.file(&[(fields, pixels)]));
    assert!(one(fields(0, 1, &[8], 1), vec![]).contains("no pixels"));
    assert!(one(fields(u32::MAX, u32::MAX, &[64], 1), vec![0; 8]).contains("4294967295 x 4294967295"));
    assert!(
        one(fields(4, 4, &[8], 1), vec![0; 15]).contains("cut off")
            || one(fields(4, 4, &[8], 1), vec![0; 15]).contains("fewer")
    );
    let far = [(tag::STRIP_OFFSETS, Value::Long(vec![u32::MAX])), (tag::STRIP_BYTES, Value::Long(vec![16]))];
    assert!(one(with(fields(4, 4, &[8], 1), &far), vec![]).contains("cut off"));
    let rows = [short(tag::ROWS_PER_STRIP, 1)];
    assert!(one(with(fields(4, 4, &[8], 1), &rows), vec![0; 16]).contains("1 pieces, and 4 are needed"));
    assert!(one(fields(1, 1, &[8, 16, 8], 2), vec![0; 4]).contains("different numbers of bits"));
    assert!(one(fields(1, 1, &[8; 3], 8), vec![0; 3]).contains("L*a*b*"));
}

#[test]
fn a_large_page_asks_whether_to_go_on_at_every_strip() {
    let folder = Folder::new();
    let rows = [short(tag::ROWS_PER_STRIP, 1)];
    let mut page = with(fields(4, 100, &[8], 1), &rows);
    page.push((tag::STRIP_OFFSETS, Value::Long((0..100).map(|i| 8 + 4 * i).collect())));
    page.push((tag::STRIP_BYTES, Value::Long(vec![4; 100])));
    let path = folder.write(&LITTLE.file(&[(page, vec![0; 400])]));
    for questions in [10, 50, 90] {
        let mut stop = crate::testing::CancelsAfter::new(questions);
        let stopped = io::open(&path, &OpenOptions::default(), &mut stop);
        assert!(matches!(stopped, Err(OpenError::Cancelled)), "{questions}");
    }
}

const ZSTD: [u8; 23] = [40, 181, 47, 253, 32, 64, 117, 0, 0, 64, 0, 1, 2, 3, 4, 5, 6, 7, 1, 0, 221, 89, 184];
const LZMA: [u8; 76] = [
    253, 55, 122, 88, 90, 0, 0, 4, 230, 214, 180, 70, 2, 0, 33, 1, 22, 0, 0, 0, 116, 47, 229, 163, 224, 0,
    63, 0, 14, 93, 0, 0, 0, 82, 80, 10, 132, 249, 155, 202, 226, 104, 4, 0, 0, 0, 0, 0, 183, 158, 106, 187,
    158, 200, 246, 100, 0, 1, 42, 64, 147, 56, 49, 57, 31, 182, 243, 125, 1, 0, 0, 0, 0, 4, 89, 90,
];
