//! What each format makes of the sample, byte for byte. `ci/report-readers`
//! gives these files to the readers that the formats are for.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a test may")]

mod sample;

use std::path::Path;

#[test]
fn every_format_writes_its_golden_file() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let actual = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report-golden");
    std::fs::create_dir_all(&actual).unwrap();
    let mut wrong = Vec::new();
    let plain = sample::FORMATS.into_iter().chain(sample::FOR_PEOPLE);
    let plain = plain.map(|(name, format)| (name, format, sample::report()));
    let framed = sample::FRAMEWORK.map(|(name, format)| (name, format, sample::framed()));
    for (name, format, report) in plain.chain(framed) {
        let text = sample::written(format, &report);
        assert_eq!(text, sample::written(format, &report), "{name} is not stable");
        let file = format!("sample.{name}");
        std::fs::write(actual.join(&file), &text).unwrap();
        if std::fs::read_to_string(golden.join(&file)).ok().as_ref() != Some(&text) {
            wrong.push(file);
        }
    }
    assert!(
        wrong.is_empty(),
        "{wrong:?} differ; if that is meant: cp {}/* {}",
        actual.display(),
        golden.display()
    );
}

#[test]
fn every_golden_file_belongs_to_a_format() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for entry in std::fs::read_dir(golden).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let mut formats =
            sample::FORMATS.iter().chain(&sample::FOR_PEOPLE).chain(&sample::FRAMEWORK);
        let known = formats.any(|(f, _)| name == format!("sample.{f}"));
        assert!(known, "{name}");
    }
}
