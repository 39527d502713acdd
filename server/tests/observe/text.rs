//! A strict reader of the OpenMetrics text format: what it does not expect, it refuses.

use std::collections::BTreeMap;

/// Samples by name, and labels sorted by their name.
type Series = (String, BTreeMap<String, String>);

/// What one scrape said.
pub(crate) struct Scrape {
    samples: BTreeMap<Series, f64>,
    types: BTreeMap<String, String>,
}

impl Scrape {
    /// Reads a text, and checks that it is in order.
    pub(crate) fn of(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").expect("ends with its end mark");
        let mut scrape = Self { samples: BTreeMap::new(), types: BTreeMap::new() };
        let mut family: Option<(String, String)> = None;
        for line in body.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a name and its help");
                assert!(help.ends_with('.') && help.len() > 15, "help of {name}: {help:?}");
                assert!(name.starts_with("windlass_"), "{name}");
                assert!(!scrape.types.contains_key(name), "{name} stands twice");
                family = Some((name.to_owned(), String::new()));
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a name and its type");
                let family = family.as_mut().expect("help stands first");
                assert_eq!(family.0, name);
                family.1 = kind.to_owned();
                scrape.types.insert(name.to_owned(), kind.to_owned());
            } else if let Some(rest) = line.strip_prefix("# UNIT ") {
                let (name, unit) = rest.split_once(' ').expect("a name and its unit");
                assert!(name.ends_with(&format!("_{unit}")), "{name} in {unit}");
            } else {
                let (name, kind) = family.as_ref().expect("a sample belongs to a family");
                scrape.take(line, name, kind);
            }
        }
        scrape.check_histograms();
        scrape
    }

    fn take(&mut self, line: &str, family: &str, kind: &str) {
        let (series, value) = line.rsplit_once(' ').expect("a series and its value");
        let value: f64 = value.parse().expect("a number");
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').expect("closes its labels")),
            None => (series, ""),
        };
        let suffix = name.strip_prefix(family).expect("a sample of its family");
        let allowed: &[&str] = match kind {
            "counter" => &["_total"],
            "gauge" => &[""],
            "histogram" => &["_bucket", "_sum", "_count"],
            "info" => &["_info"],
            other => panic!("type {other}"),
        };
        assert!(allowed.contains(&suffix), "{name} is no sample of a {kind} {family}");
        let stands = self.samples.insert((name.to_owned(), read_labels(labels)), value);
        assert_eq!(stands, None, "{series} stands twice");
    }

    fn check_histograms(&self) {
        for (name, _) in self.types.iter().filter(|(_, kind)| *kind == "histogram") {
            for ((_, labels), count) in self.all(&format!("{name}_count")) {
                let mut buckets: Vec<(f64, f64)> = self
                    .all(&format!("{name}_bucket"))
                    .filter(|((_, l), _)| labels.iter().all(|(k, v)| l.get(k) == Some(v)))
                    .map(|((_, l), n)| (l["le"].parse().expect("a bound"), *n))
                    .collect();
                buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
                assert!(buckets.windows(2).all(|two| two[0].1 <= two[1].1), "{name} {labels:?}");
                assert_eq!(buckets.last(), Some(&(f64::INFINITY, *count)), "{name} {labels:?}");
            }
        }
    }

    fn all(&self, name: &str) -> impl Iterator<Item = (&Series, &f64)> {
        self.samples.iter().filter(move |((known, _), _)| known == name)
    }

    /// The value of one series; `None` when it is not there.
    pub(crate) fn find(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        self.samples.get(&(name.to_owned(), labels.iter().map(own).collect())).copied()
    }

    /// The value of one series, which must be there.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let known: Vec<_> = self.all(name).map(|((_, labels), value)| (labels, value)).collect();
        self.find(name, labels)
            .unwrap_or_else(|| panic!("no {name} with {labels:?}; there are {known:?}"))
    }

    /// The sum over every series of a name.
    pub(crate) fn sum(&self, name: &str) -> f64 {
        self.all(name).map(|(_, value)| value).sum()
    }

    /// The values that a label has in the series of a name.
    pub(crate) fn labels(&self, name: &str, label: &str) -> Vec<String> {
        let mut values: Vec<String> = self.all(name).map(|((_, l), _)| l[label].clone()).collect();
        values.dedup();
        values
    }

    /// The names of all series and all labels' values, for looking for what must not be there.
    pub(crate) fn kinds(&self) -> &BTreeMap<String, String> {
        &self.types
    }
}

/// `a="x",b="y"`, with `\\`, `\"` and `\n` in the values.
fn read_labels(text: &str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").expect("a label and its value");
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next().expect("the value ends") {
                (i, '"') => break i,
                (_, '\\') => value.push(match chars.next().expect("what is escaped").1 {
                    'n' => '\n',
                    plain @ ('\\' | '"') => plain,
                    other => panic!("escaped {other:?}"),
                }),
                (_, plain) => value.push(plain),
            }
        };
        assert_eq!(labels.insert(name.to_owned(), value), None, "label {name} stands twice");
        rest = &after[end + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    labels
}
