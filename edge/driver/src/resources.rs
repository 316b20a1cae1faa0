//! Resources as Mesos writes them, in fewer words.

use crate::v1::{Offer, Resource, value};

/// So much of a resource that is counted: `cpus` in cores, `mem` and `disk` in MiB, `gpus`.
pub fn scalar(name: &str, amount: f64) -> Resource {
    Resource {
        name: name.to_owned(),
        r#type: value::Type::Scalar.into(),
        scalar: Some(value::Scalar { value: amount }),
        ..Resource::default()
    }
}

/// What a task claims: cores, and memory in MiB.
pub fn claim(cpus: f64, mem: f64) -> Vec<Resource> {
    vec![scalar("cpus", cpus), scalar("mem", mem)]
}

/// How much of a resource an offer has, whatever it is reserved for.
pub fn amount(offer: &Offer, name: &str) -> f64 {
    let of = offer.resources.iter().filter(|resource| resource.name == name);
    of.filter_map(|resource| resource.scalar.as_ref()).map(|scalar| scalar.value).sum()
}

/// What an attribute of an offer's agent says, if it is text.
pub fn attribute<'o>(offer: &'o Offer, name: &str) -> Option<&'o str> {
    let attribute = offer.attributes.iter().find(|attribute| attribute.name == name)?;
    attribute.text.as_ref().map(|text| text.value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::Attribute;

    #[test]
    fn an_offer_says_how_much_it_has_and_where_it_is() {
        let text = value::Text { value: "a".to_owned() };
        let zone = Attribute { name: "zone".to_owned(), text: Some(text), ..Attribute::default() };
        let mut resources = claim(1.5, 64.0);
        resources.push(scalar("cpus", 0.5));
        let offer = Offer { resources, attributes: vec![zone], ..Offer::default() };
        assert!((amount(&offer, "cpus") - 2.0).abs() < 1e-9);
        assert!((amount(&offer, "mem") - 64.0).abs() < 1e-9);
        assert!(amount(&offer, "gpus").abs() < 1e-9);
        assert_eq!((attribute(&offer, "zone"), attribute(&offer, "rack")), (Some("a"), None));
    }
}
