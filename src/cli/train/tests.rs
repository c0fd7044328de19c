use super::*;
use crate::{
    cli::dataset::{DataShape, Dataset},
    label::LabelTable,
    nn::train::{TrainConfig, find_recipe},
};
use clap::Parser;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: TrainArgs,
}

fn parse(line: &str) -> Result<TrainArgs, clap::Error> {
    Line::try_parse_from(line.split(' ')).map(|l| l.args)
}

fn alone(line: &str) -> Result<Settings> {
    parse(&format!("train --print-config {line}")).unwrap().settings_alone()
}

#[test]
fn a_network_a_recipe_or_a_first_model_is_needed() {
    assert!(parse("train --data a.csv --out m.safetensors").is_err());
    assert!(parse("train --data a.csv --out m.safetensors --network x --init y").is_err());
    assert!(parse("train --data a.csv --out m.safetensors --init y").is_ok());
    assert!(parse("train --data a.csv --recipe vessel").is_err(), "a model has to go somewhere");
    assert!(parse("train --data a.csv --recipe vessel --run r").is_ok());
    assert!(parse("train --data a.csv --recipe vessel --out m.safetensors --folds 3").is_err());
    assert!(parse("train --recipe vessel --print-config").is_ok());
}

#[test]
fn options_reach_the_card_and_the_run() {
    let args = parse("train --data phantom:oct --out m.safetensors --network edema/unet --steps 7 --lr 0.5 --config {\"feature_scale\":16}").unwrap();
    let data = Dataset::empty("x", Modality::Oct, LabelTable::named(&["a", "b"]));
    let settings = Settings::new(&args, data.shape(), None).unwrap();
    let card = args.fresh_card(&settings, &data).unwrap();
    assert_eq!(card.config["feature_scale"], 16);
    assert_eq!(card.config["n_classes"], 3);
    let train = settings.train;
    assert_eq!((train.steps, train.lr, train.seed), (7, 0.5, TrainConfig::default().seed));
}

#[test]
fn every_value_of_a_recipe_can_be_set_and_the_whole_is_printed() {
    let plain = alone("--recipe vessel").unwrap();
    assert_eq!(
        (plain.network.as_str(), plain.train.batch, plain.train.copies.len()),
        ("vessel/sa_unet", 4, 13)
    );
    assert_eq!(plain.config["keep_prob"], 0.82);
    let again: Settings = serde_json::from_str(&plain.to_json().unwrap()).unwrap();
    assert_eq!(again, plain, "what is printed is the whole");

    let set = alone(
        "--recipe vessel --batch 2 --epochs 3 --set train.lr=0.25 --set config.keep_prob=0.9 --set train.copies.1.rotate_deg=5 --set train.crop=window --set input.longer_side=64",
    )
    .unwrap();
    assert_eq!((set.train.batch, set.train.epochs, set.train.lr), (2, Some(3), 0.25));
    assert_eq!((&set.config["keep_prob"], set.train.copies[1].rotate_deg), (&serde_json::json!(0.9), 5.0));
    assert_eq!((set.train.crop, set.input.longer_side), (crate::nn::train::Crop::Window, Some(64)));
    let loss = alone("--recipe jmedseg --set train.loss=0.8*ce+0.2*iou").unwrap().train.loss;
    assert_eq!(loss, crate::nn::train::Loss::parse("0.8*ce+0.2*iou").unwrap());
    let quoted = alone(r#"--recipe jmedseg --set train.loss="0.8*ce+0.2*iou""#).unwrap().train.loss;
    assert_eq!(quoted, loss, "as a search writes it");
    assert_eq!(alone("--recipe vessel --steps 9").unwrap().train.epochs, None);

    let told = |line: &str| format!("{:#}", alone(line).unwrap_err());
    assert!(told("--recipe vessel --set train.speed=1").contains("validate_every"));
    assert!(told("--recipe vessel --set train.crop=round").contains("round"));
    assert!(told("--recipe vessel --set train.lr").contains("KEY=VALUE"));
    assert!(told("--recipe nobody").contains("edema"));
    assert!(told("--recipe flare").contains("the recipe flare trains networks of volumes"));
    assert!(told("--network flare/unet").contains("--recipe flare"));
    let classes = DataShape { layout: "list", modality: Modality::Oct, classes: 3 };
    let args = parse("train --recipe edema --print-config").unwrap();
    assert!(Settings::new(&args, classes, None).unwrap_err().to_string().contains("4 classes"));
}

#[test]
fn what_is_learned_beside_masks_reaches_the_configuration() {
    let loss = |text: &str| crate::nn::train::Loss::parse(text).unwrap();
    let taught = alone("--network jmedseg/unet --teacher t --distill 0.5*kl(2) --set train.loss=ce").unwrap();
    assert_eq!(taught.train.loss, loss("ce + 0.5*kl(2)"));
    let plain = alone("--recipe polyp --teacher t").unwrap();
    assert_eq!(plain.train.loss, loss("ce + kl(4)"));
    let told = format!("{:#}", alone("--recipe polyp --teacher t --distill kl+ce").unwrap_err());
    assert!(told.contains("--distill kl+ce: only kl and mse"), "{told}");
    assert!(parse("train --print-config --recipe polyp --distill kl").is_err(), "distilling needs a teacher");

    let wrapped = alone("--network jmedseg/unet --spatial-transformer").unwrap();
    assert_eq!(wrapped.config["spatial_transformer"], true);
    assert_eq!(wrapped.config["in_channels"], 1);

    let contrast = alone("--recipe jmedseg-ssl").unwrap().train.pretrain.unwrap();
    assert_eq!((contrast.layer.as_str(), contrast.bank), ("down4", 1024));
    let other = alone("--recipe jmedseg-ssl --pretrain up1 --set train.pretrain.bank=64").unwrap();
    assert_eq!(other.train.pretrain.map(|c| (c.layer, c.bank)), Some(("up1".to_owned(), 64)));

    let set =
        r#"--recipe vessel --set train.average={"average":"constant","decay":0.5} --set train.clip_norm=12"#;
    let train = alone(set).unwrap().train;
    assert_eq!(train.average, Some(crate::nn::train::Average::Constant { decay: 0.5 }));
    assert_eq!(train.clip_norm, Some(12.0));
}

#[test]
fn labels_that_are_chosen_by_their_values_are_the_classes() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.csv");
    let pixel = folder.path().join("a.png");
    image::GrayImage::new(4, 4).save(&pixel).unwrap();
    std::fs::write(&list, "id,image,label,valid,split\na,a.png,a.png,,train\n").unwrap();
    let classes = |labels: &str| {
        alone(format!("--data {} --network edema/unet {labels}", list.display()).trim_end())
            .map(|settings| settings.config["n_classes"].clone())
    };
    assert_eq!(classes("").unwrap(), 2);
    assert_eq!(classes("--labels liver=5,kidneys=2+3").unwrap(), 3);
    let refused = format!("{:#}", classes("--labels liver=5,spleen").unwrap_err());
    assert!(refused.contains("--labels") && refused.contains("spleen"), "{refused}");
}

#[test]
fn settings_of_networks_of_volumes_are_of_both_or_of_one_and_those_of_slices_are_refused_by_name() {
    let Method::Volumes(stages) = find_recipe("flare").unwrap().method else { panic!("flare is of volumes") };
    let settings = |line: &str| {
        let args = parse(&format!("train --print-config --recipe flare {line}")).unwrap();
        volumes::VolumeSettings::new(&args, "flare", stages(3))
    };
    let set = settings(
        "--steps 9 --set train.lr=0.25 --set fine.train.batch=3 --set train.average={\"average\":\"ramp\"} \
         --set coarse.train.loss=dice --set fine.view.augment.box_chance=0.25 --config {\"num_blocks\":[1,1,1,1]}",
    )
    .unwrap();
    let [coarse, fine] = [&set.coarse, &set.fine];
    assert_eq!((coarse.train.lr, fine.train.lr), (0.25, 0.25));
    assert_eq!((coarse.train.batch, fine.train.batch), (2, 3));
    assert_eq!((coarse.train.steps, coarse.train.epochs), (9, None));
    assert!(coarse.train.average.is_some() && fine.train.average.is_some());
    assert_eq!(coarse.train.loss, crate::nn::train::Loss::parse("dice").unwrap());
    assert_eq!((coarse.view.augment.box_chance, fine.view.augment.box_chance), (0.0, 0.25));
    assert_eq!((&fine.config["num_blocks"][0], coarse.config.get("num_blocks")), (&1.into(), None));
    assert_eq!(fine.config["n_classes"], 3, "of the labels and the background");
    let printed = serde_json::to_string(&set).unwrap();
    assert_eq!(serde_json::from_str::<volumes::VolumeSettings>(&printed).unwrap(), set);
    assert!(!printed.contains("patch"), "{printed}");

    let told = |line: &str| format!("{:#}", settings(line).unwrap_err());
    for key in crate::nn::train::volumes::OF_SLICES {
        let refused = told(&format!("--set train.{key}=1"));
        assert!(refused.contains(&format!("{key} is for networks of slices")), "{refused}");
    }
    assert!(told("--set coarse.train.augment.flip_x=0.5").contains("augment is for networks of slices"));
    assert!(told("--set fine.train.speed=1").contains("validate_every"));
    assert!(told("--set input.longer_side=64").contains("there are coarse, fine"));
    assert!(told("--set fine.config.input_size=[32,96,112]").contains("64 or more"));
    assert!(told("--set coarse.network=vessel/sa_unet").contains("no network vessel/sa_unet"));
    assert!(told("--config {\"depth\":1}").contains("neither network has an option \"depth\""));
}
