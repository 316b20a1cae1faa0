//! Numbers for dashboards: one list of them, written as Mesos does and as Prometheus reads. Source: \[P6\].
//!
//! Source: names are those of a 1.11 master. What never happens here is 0 rather than absent, since dashboards draw nothing at all
//! where a number is missing; what would only be made up is absent. `tests/forms/deviations.txt` lists it.

mod allocator;
mod frameworks;
mod master;
mod names;

use std::fmt::Write as _;
use std::io::{self, Write};

use longshore_bridge::operator::View;
use longshore_machine::Timestamp;

use crate::sheet::{CHUNK_BYTES, Sheet};

/// Keys of frameworks stand between the others here.
const FRAMEWORKS: &str = "master/frameworks/";

/// One number.
struct Sample {
    key: String,
    /// What Prometheus calls it, if it is not made from the key.
    family: Option<&'static str>,
    labels: Vec<(&'static str, String)>,
    value: f64,
}

impl Sample {
    fn plain(key: impl Into<String>, value: f64) -> Self {
        Self { key: key.into(), family: None, labels: Vec::new(), value }
    }
}

/// All numbers but those of each framework, sorted by key.
fn samples(view: &View, now: Timestamp, extra: &[(String, f64)]) -> Vec<Sample> {
    let mut samples = master::samples(view, now, extra);
    samples.extend(allocator::samples(view));
    samples.sort_by(|one, other| one.key.cmp(&other.key));
    samples
}

/// Calls back with each number by its name, in the order of names.
pub(crate) fn each(
    view: &View,
    now: Timestamp,
    extra: &[(String, f64)],
    then: &mut dyn FnMut(&str, f64),
) {
    let samples = samples(view, now, extra);
    let at = samples.partition_point(|sample| &*sample.key < FRAMEWORKS);
    samples[..at].iter().for_each(|sample| then(&sample.key, sample.value));
    frameworks::each(view, then);
    samples[at..].iter().for_each(|sample| then(&sample.key, sample.value));
}

/// As an object.
pub(crate) fn object(sheet: &mut Sheet<'_>, view: &View, now: Timestamp, extra: &[(String, f64)]) {
    sheet.object(|sheet| {
        each(view, now, extra, &mut |name, value| sheet.measures(name, value));
    });
}

/// Writes `/metrics/snapshot`. `extra` are numbers of the process that serves it: names and values.
///
/// # Errors
/// When the reader has left.
pub fn snapshot(
    view: &View,
    now: Timestamp,
    extra: &[(String, f64)],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut sheet = Sheet::new(out);
    object(&mut sheet, view, now, extra);
    sheet.finish()
}

/// Writes the same numbers in the text format of Prometheus. What a key of Mesos has in its middle, such as a role, is a label.
///
/// # Errors
/// When the reader has left.
pub fn prometheus(
    view: &View,
    now: Timestamp,
    extra: &[(String, f64)],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut lines = Lines { out, text: String::new(), family: String::new() };
    let mut samples = samples(view, now, extra);
    let family = |sample: &Sample| sample.family.map_or_else(|| named(&sample.key), str::to_owned);
    samples.sort_by_cached_key(family);
    for sample in &samples {
        lines.line(&family(sample), &sample.labels, sample.value)?;
    }
    frameworks::each_family(view, &mut |family, labels, value| lines.line(family, labels, value))?;
    lines.out.write_all(lines.text.as_bytes())
}

/// A key as a name that Prometheus takes.
fn named(key: &str) -> String {
    let fits = |one: char| if one.is_ascii_alphanumeric() { one } else { '_' };
    std::iter::once("mesos_".to_owned()).chain([key.chars().map(fits).collect()]).collect()
}

/// Lines of text, passed on in chunks.
struct Lines<'w> {
    out: &'w mut dyn Write,
    text: String,
    family: String,
}

impl Lines<'_> {
    fn line(
        &mut self,
        family: &str,
        labels: &[(&'static str, String)],
        value: f64,
    ) -> io::Result<()> {
        if self.family != family {
            family.clone_into(&mut self.family);
            let _ = writeln!(self.text, "# TYPE {family} untyped");
        }
        self.text.push_str(family);
        for (at, (name, value)) in labels.iter().enumerate() {
            let _ = write!(self.text, "{}{name}=\"", if at == 0 { '{' } else { ',' });
            for one in value.chars() {
                match one {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    one => self.text.push(one),
                }
            }
            self.text.push('"');
        }
        let _ = writeln!(self.text, "{} {value}", if labels.is_empty() { "" } else { "}" });
        if self.text.len() >= CHUNK_BYTES {
            self.out.write_all(self.text.as_bytes())?;
            self.text.clear();
        }
        Ok(())
    }
}
