//! Runs that learn from more than masks: a teacher, contrast, and a spatial transformer before the network.

use super::*;

fn run(list: &Path, options: &str) -> String {
    let owned = train(list, options);
    said(&owned.iter().map(String::as_str).collect::<Vec<_>>())
}

fn card(model: &Path) -> Value {
    serde_json::from_str(&said(&["models", "show", text(model)])).unwrap()
}

const SA_UNET: &str = r#"--network vessel/sa_unet --config {"start_neurons":4,"block_size":3} --longer-side 0 --patch 32 --batch 2"#;

#[test]
fn a_model_teaches_another_network_and_both_are_in_the_card() {
    let folder = tempfile::tempdir().unwrap();
    let list = write_list(folder.path());
    let [teacher, student] = ["teacher.safetensors", "student.safetensors"].map(|n| folder.path().join(n));
    run(&list, &format!("{SA_UNET} --steps 4 --out {}", text(&teacher)));
    // Another network, with a softmax over two classes and a transformer before it.
    let options = format!(
        r#"--network jmedseg/simple --config {{"feature_scale":8}} --spatial-transformer --longer-side 0 --patch 32 --batch 2
        --steps 4 --teacher {} --distill 0.5*kl(2)+mse --set train.average={{"average":"ramp"}} --set train.clip_norm=1"#,
        text(&teacher)
    );
    run(&list, &format!("{options} --out {}", text(&student)));
    let (teacher, learned) = (card(&teacher), card(&student));
    assert_eq!(learned["teacher"], teacher["version"]);
    assert_eq!(learned["config"]["spatial_transformer"], true);
    let masks = folder.path().join("masks");
    let image = folder.path().join("i3.png");
    said(&["segment", text(&image), "--model", text(&student), "--out", text(&masks), "--device", "cpu"]);
    assert!(masks.join("i3.png").exists(), "a network behind a transformer predicts after loading");

    let out = folder.path().join("none.safetensors");
    let told = |options: &str| {
        let owned = train(&list, &format!("{SA_UNET} --steps 2 --out {} {options}", text(&out)));
        refused(&owned.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert!(told(&format!("--teacher {} --distill ce", text(&student))).contains("only kl and mse"));
    assert!(told("--set train.loss=ce+kl").contains("--teacher"));
    assert!(told("--teacher nobody").contains("nobody"));
    assert!(!out.exists());
}

#[test]
fn a_pretrained_layer_is_what_training_goes_on_from() {
    let folder = tempfile::tempdir().unwrap();
    let list = write_list(folder.path());
    let [pretrained, tuned] = ["pretrained.safetensors", "tuned.safetensors"].map(|n| folder.path().join(n));
    let told = run(&list, &format!("{SA_UNET} --steps 6 --pretrain mid --out {}", text(&pretrained)));
    assert!(!told.contains("Dice"), "{told}");
    let first = card(&pretrained);
    assert!(first["notice"].as_str().unwrap().contains("without labels"), "{first}");
    let options = format!("--init {} --steps 2 --patch 32 --out {}", text(&pretrained), text(&tuned));
    assert!(run(&list, &options).contains("Dice of"));
    assert_eq!(card(&tuned)["parent"], first["version"]);
    let owned =
        train(&list, &format!("{SA_UNET} --pretrain down4 --steps 2 --overwrite --out {}", text(&tuned)));
    let told = refused(&owned.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(told.contains("down4") && told.contains("enc1") && told.contains("mid"), "{told}");
}
