//! What a file claims is compared with what it holds before memory is taken for it, in every format; and only regular files
//! are opened.

use crate::damage::dicom;
use flate2::{Compression, write::GzEncoder};
use fovea::{
    geom::Grid,
    io::{self, OpenOptions, Quiet},
    label::LabelMap,
    watch::{self, Watch},
};
use std::{
    fs,
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

fn error_of(path: &Path) -> String {
    io::open(path, &OpenOptions::default(), &mut Quiet).unwrap_err().to_string()
}

/// A NIfTI-1 header of 16-bit voxels (nifti1.h), and a few bytes behind it.
fn nifti(dims: &[i16]) -> Vec<u8> {
    let mut b = vec![0; 352 + 64];
    b[..4].copy_from_slice(&348i32.to_le_bytes());
    let dims = [&[dims.len() as i16], dims].concat();
    for (i, dim) in dims.iter().enumerate() {
        b[40 + 2 * i..42 + 2 * i].copy_from_slice(&dim.to_le_bytes());
        b[76 + 4 * i..80 + 4 * i].copy_from_slice(&1f32.to_le_bytes());
    }
    b[70..74].copy_from_slice(&[4, 0, 16, 0]);
    b[108..112].copy_from_slice(&352f32.to_le_bytes());
    b[344..348].copy_from_slice(b"n+1\0");
    b
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

fn npy(shape: &str) -> Vec<u8> {
    let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\0", &(text.len() as u16).to_le_bytes()[..], text.as_bytes(), &[0; 128]].concat()
}

/// Signature and IHDR of a grey picture, with a wrong end.
fn png(side: u32) -> Vec<u8> {
    let mut chunk = b"IHDR".to_vec();
    chunk.extend([side.to_be_bytes(), side.to_be_bytes()].concat());
    chunk.extend([16, 6, 0, 0, 0]);
    let mut crc = flate2::Crc::new();
    crc.update(&chunk);
    let head = [b"\x89PNG\r\n\x1a\n\0\0\0\x0d", &chunk[..], &crc.sum().to_be_bytes()].concat();
    [&head[..], b"\0\0\0\0IDAT\x35\xaf\x06\x1e"].concat()
}

fn bmp(side: i32) -> Vec<u8> {
    let mut b = b"BM".to_vec();
    b.extend([1000u32, 0, 54, 40].map(u32::to_le_bytes).concat());
    b.extend([side, side].map(i32::to_le_bytes).concat());
    b.extend([1, 0, 24, 0]);
    b.extend([0; 24 + 64]);
    b
}

/// One strip of 8-bit grey.
fn tiff(side: u32) -> Vec<u8> {
    let mut b = b"II*\0\x08\0\0\0\x08\0".to_vec();
    for (tag, value) in
        [(256u16, side), (257, side), (258, 8), (259, 1), (262, 1), (273, 8), (278, side), (279, 64)]
    {
        b.extend(tag.to_le_bytes());
        b.extend([4, 0, 1, 0, 0, 0]);
        b.extend(value.to_le_bytes());
    }
    b.extend([0; 68]);
    b
}

#[test]
fn a_claim_that_no_file_can_keep_is_an_error_that_says_how_large() {
    let folder = tempfile::tempdir().unwrap();
    let mut slice = dicom(0.0, 1, 12, 10);
    let rows = slice.windows(4).position(|w| w == [0x28, 0, 0x10, 0]).unwrap();
    for at in [rows + 8, rows + 18] {
        slice[at..at + 2].copy_from_slice(&u16::MAX.to_le_bytes());
    }
    let mut frame = slice.clone();
    let place = frame.windows(4).position(|w| w == [0x28, 0, 0x10, 0]).unwrap();
    frame.splice(place..place, b"\x28\0\x08\0IS\x05\x0060000 ".to_vec());
    frame[place + 6] = 6;
    let most = i16::MAX;
    let mut wrong = vec![];
    for (name, bytes, says) in [
        ("a.npy", npy("(4294967296, 4294967296, 4294967296)"), "4294967296 x 4294967296 x 4294967296"),
        ("b.npy", npy("(18446744073709551615, 2)"), "18446744073709551615"),
        ("c.npy", npy("(1000000, 1000000)"), "8000000000000 bytes are needed, 128 are there"),
        ("a.nii", nifti(&[most, most, most]), "70362301923326 bytes are needed, 64 are there"),
        ("b.nii", nifti(&[1, 1, 1, most, most]), "volumes"),
        ("c.nii", nifti(&[most; 7]), "volumes"),
        (
            "d.nii",
            nifti(&[most, most, most, 100, 100, 6]),
            "4221738115399560000 bytes are needed, 64 are there",
        ),
        ("a.nii.gz", gz(&nifti(&[most, most, most])), "32767 x 32767 x 32767 x 1 of 2 bytes"),
        ("b.nii.gz", gz(&nifti(&[512, 512, 512, 100])), "512 x 512 x 512 x 100 of 2 bytes"),
        ("a.png", png(1 << 30), "1073741824 x 1073741824 of 8 bytes"),
        ("a.bmp", bmp(1 << 16), "65536 x 65536 of 3 bytes"),
        ("a.tif", tiff(1 << 24), "16777216 x 16777216 of 1 bytes"),
        ("a.dcm", slice, "8589672450 bytes are needed"),
        ("b.dcm", frame, "515380347000000 bytes are needed"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let error = error_of(&path);
        if !error.contains(says) {
            wrong.push(format!("{name} should say {says}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[cfg(unix)]
#[test]
fn a_pipe_under_a_files_name_is_refused_and_passed_over_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let pipe =
        |path: &Path| assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    for name in ["a.nii.gz", "a.npy", "a.png", "a.dcm", "a"] {
        let path = folder.path().join(name);
        pipe(&path);
        let error = error_of(&path);
        assert!(error.contains("a named pipe, not a regular file"), "{name}: {error}");
    }
    assert!(error_of(Path::new("/dev/zero")).contains("a device, not a regular file"));
    // Among slices, and among pictures.
    for (kind, bytes) in [
        ("dcm", dicom(0.0, 1, 12, 10)),
        ("png", {
            let path = folder.path().join("whole.png");
            io::write_label_png(&path, &LabelMap::from_values([2, 1, 1], &[0, 1]).unwrap()).unwrap();
            fs::read(&path).unwrap()
        }),
    ] {
        let series = tempfile::tempdir().unwrap();
        fs::write(series.path().join(format!("1.{kind}")), bytes).unwrap();
        pipe(&series.path().join(format!("2.{kind}")));
        let opened = io::open(series.path(), &OpenOptions::default(), &mut Quiet).unwrap();
        assert_eq!(opened.volume.dims()[2], 1);
    }
    let list = folder.path().join("list.csv");
    pipe(&list);
    assert!(io::list::read(&list).unwrap_err().to_string().contains("not a regular file"));
    let labels = folder.path().join("labels.txt");
    pipe(&labels);
    assert!(io::read_table(&labels).unwrap_err().to_string().contains("not a regular file"));
}

/// Stops once it has been asked so often.
struct Patience(AtomicUsize);

impl Watch for Patience {
    fn stop(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) <= 1
    }
}

#[test]
fn a_mask_that_is_not_wanted_any_more_leaves_the_old_one_in_every_format() {
    let dims = [64, 64, 100];
    let grid = Grid::spaced(dims, [1.0; 3]).unwrap();
    let values: Vec<u16> = (0..64 * 64 * 100).map(|i| (i / 77 % 3) as u16).collect();
    let map = LabelMap::from_values(dims, &values).unwrap();
    let flat = LabelMap::from_values([64, 6400, 1], &values).unwrap();
    type Writer<'a> = Box<dyn Fn(&Path) -> Result<(), io::WriteError> + 'a>;
    let writers: [(&str, Writer<'_>); 4] = [
        ("mask.nii.gz", Box::new(|path| io::write_label_nifti(path, &map, &grid).map(drop))),
        ("mask.nii", Box::new(|path| io::write_label_nifti(path, &map, &grid).map(drop))),
        ("mask.tif", Box::new(|path| io::write_label_tiff(path, &map))),
        ("mask.png", Box::new(|path| io::write_label_png(path, &flat).map(drop))),
    ];
    for (name, write) in writers {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, b"old").unwrap();
        for asked in 1..=3 {
            let watch: Arc<dyn Watch> = Arc::new(Patience(AtomicUsize::new(asked)));
            let stopped = watch::under(&watch, || write(&path)).unwrap_err();
            assert!(matches!(stopped, io::WriteError::Stopped { .. }), "{name}: {stopped}");
            assert_eq!(fs::read(&path).unwrap(), b"old", "{name}");
            assert_eq!(
                fs::read_dir(folder.path()).unwrap().count(),
                1,
                "{name}: something is left beside it"
            );
        }
        write(&path).unwrap();
        assert_eq!(io::open_labels(&path).unwrap().0.to_values(), values, "{name}");
    }
}

#[test]
fn a_compressed_file_that_lacks_only_its_checksum_is_said_to_lack_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nii.gz");
    let whole = gz(&nifti(&[4, 4, 2]));
    std::fs::write(&path, &whole[..whole.len() - 8]).unwrap();
    let told = fovea::io::open(&path, &OpenOptions::default(), &mut Quiet).unwrap_err().to_string();
    assert!(told.contains("ends before its checksum"), "{told}");
}
