//! XML as the Query protocol answers with it: elements that hold text or elements, and no attributes.

/// What an element holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text.
    Text(String),
    /// Elements, in order.
    Elements(Vec<Element>),
}

/// An element: its name, and what it holds.
pub type Element = (&'static str, Content);

/// An element with text.
pub fn text(name: &'static str, text: impl Into<String>) -> Element {
    (name, Content::Text(text.into()))
}

/// An element with elements.
pub fn members(name: &'static str, elements: Vec<Element>) -> Element {
    (name, Content::Elements(elements))
}

/// A list: an element with one element of the same name for each entry.
pub fn list(
    name: &'static str,
    entry: &'static str,
    entries: impl IntoIterator<Item = Vec<Element>>,
) -> Element {
    members(name, entries.into_iter().map(|one| members(entry, one)).collect())
}

/// Writes an element.
pub fn write(xml: &mut String, (name, content): &Element) {
    match content {
        Content::Text(text) => element(xml, name, text),
        Content::Elements(elements) => {
            xml.push_str(&format!("<{name}>"));
            for element in elements {
                write(xml, element);
            }
            xml.push_str(&format!("</{name}>"));
        }
    }
}

/// Writes an element with text.
pub(crate) fn element(xml: &mut String, name: &str, text: &str) {
    xml.push_str(&format!("<{name}>"));
    escape(xml, text);
    xml.push_str(&format!("</{name}>"));
}

/// Whether XML can carry a character. Source: XML 1.0, *Characters*.
pub fn is_lawful(character: char) -> bool {
    matches!(character,
        '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

fn escape(xml: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            // A reader of XML would turn it into a line feed.
            '\r' => xml.push_str("&#xD;"),
            other if is_lawful(other) => xml.push(other),
            // Not even a reference can stand for it: it is shown that there was one.
            _ => xml.push(char::REPLACEMENT_CHARACTER),
        }
    }
}
